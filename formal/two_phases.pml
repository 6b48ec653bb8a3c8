/* An act in two phases: make a draft, then turn the draft into the real thing, which a provider does only
 * once per draft. Neither key nor look-up is used, and a freeze may fall between check and socket.
 *
 * A second draft harms nobody, so the first phase is simply repeated. The journal keeps exactly one draft;
 * only that one is ever turned, and a refusal of the repeat says that the first request did land. This is
 * the shape that closes the window which frozen.pml leaves open.
 *
 * Holds: never two effects, although requests of frozen and dead workers land at any time; the run always
 * ends, and ends `done` with its effect there.
 */
#define WINDOW
#define PATIENCE (FLIGHT + 1)   /* so that only trouble makes a worker give up, and the search ends */
#define MAKE_DRAFT 0            /* the key of a request: this, or the number of the draft to be turned */
#define DRAFTS 8
#define SLOTS 2
#define EFFECT(i) \
  if \
  :: wire[i].key == MAKE_DRAFT -> drafts++; assert(drafts < DRAFTS); wire[i].key = drafts \
  :: wire[i].key != MAKE_DRAFT && !turned[wire[i].key] -> \
     turned[wire[i].key] = true; effects++; assert(effects <= 1) \
  :: wire[i].key != MAKE_DRAFT && turned[wire[i].key] -> skip     /* refused */ \
  fi
#define ENDED (step == done)
#define MORE_TIMERS 0
#define AGE_MORE skip
byte drafts;                    /* the provider's: how many it has made */
bool turned[DRAFTS];
byte draft;                     /* the journal's: the one of this run */
#ifndef AGAIN_WITH
#define AGAIN_WITH skip         /* the same draft */
#endif
#ifndef TROUBLES
#define TROUBLES 3
#endif
#include "world.pml"

proctype worker(byte me) {
  byte slot = SLOTS, reply;
  bool known;
idle:
  atomic { forget(); reply = 0 };
  take();
  pause();
  if
  :: step == ready && draft == 0 -> goto first_phase
  :: step == ready && draft > 0 -> goto second_phase
  :: step == done -> goto idle
  fi;

first_phase:                    /* no `begun`: whether an earlier draft exists does not matter */
  COMMIT(due = LEASE; timer[me] = SEND_BY);
  pause();
  IN_TIME_SEND(MAKE_DRAFT);
  atomic {
    wire[slot].answered || timer[me] == 0 ->
    known = wire[slot].answered; reply = (known -> wire[slot].key : 0); hang_up()
  };
  pause();
  if
  :: known -> COMMIT(draft = reply; due = 0); goto idle
  :: else -> COMMIT(due = 0); goto idle
  fi;

second_phase:
  COMMIT(due = LEASE; timer[me] = SEND_BY; reply = draft);
  pause();
  IN_TIME_SEND(reply);
  atomic { wire[slot].answered || timer[me] == 0 -> known = wire[slot].answered; hang_up() };
  pause();
  if
  :: known -> COMMIT(step = done; due = 0; assert(effects == 1)); goto idle   /* taken, or taken before */
  :: else -> COMMIT(due = 0; AGAIN_WITH); goto idle                           /* in doubt: again, at once */
  fi;

late:
  COMMIT(due = 0);
  goto idle;
over:
  skip
}

init { atomic { run worker(0); run worker(1) } }
