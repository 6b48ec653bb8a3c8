/* An act whose provider offers neither a key nor a look-up: in doubt it is never repeated.
 *
 * Whoever finds `begun` without an outcome waits until no request can be under way any more. If no status
 * notice of the provider has come by then, one transaction marks the act unsure and opens the ticket. A
 * notice that comes later settles the act and closes the ticket.
 *
 * Holds: never two effects; never two tickets; the run always ends, either `done` with its effect there or
 * `unsure` with its ticket open, so nothing is lost in silence. A freeze may fall between check and socket.
 */
#define WINDOW
#define EFFECT(i) effects++; assert(effects <= 1)
#define ENDED (step == done || step == unsure)
#define MORE_TIMERS 0
#define AGE_MORE skip
#ifndef SLOTS
#define SLOTS 1                 /* so it is also proven that two requests are never under way at once */
#endif
#ifndef IN_DOUBT
#define IN_DOUBT ticket
#endif
#include "world.pml"

byte opened, closed;            /* tickets */
bool noticed;

/* The status webhook. It may never come: then the ticket waits for a person. */
active proctype status_notice() {
end:
  atomic {
    effects == 1 ->
    if
    :: noticed = true;
       if
       :: step == unsure -> step = done; closed++
       :: else                                          /* the run is not ended yet, and will see it */
       fi
    :: true
    fi
  }
}

proctype worker(byte me) {
  byte slot = SLOTS;
  bool known;
idle:
  atomic { forget() };
  take();
  pause();
  if
  :: step == ready -> goto act
  :: step == begun && hush > 0 -> COMMIT(due = hush); goto idle
  :: step == begun && hush == 0 -> goto IN_DOUBT
  :: ENDED -> goto idle
  fi;

act:
  COMMIT(step = begun; due = LEASE; hush = HUSH; timer[me] = SEND_BY);
  pause();
  IN_TIME_SEND(1);
  atomic { wire[slot].answered || timer[me] == 0 -> known = wire[slot].answered; hang_up() };
  pause();
  if
  :: known -> COMMIT(step = done; due = 0; assert(effects == 1 && opened == 0)); goto idle
  :: else -> COMMIT(due = hush); goto idle
  fi;

ticket:                                     /* whether a notice has come is read in the same transaction */
  COMMIT(
    due = 0;
    if
    :: noticed -> step = done; assert(effects == 1 && opened == 0)
    :: else -> step = unsure; opened++; assert(opened == 1)
    fi);
  goto idle;
late:                                       /* we know that this attempt never left */
  COMMIT(step = ready; due = 0);
  goto idle;
over:
  assert(effects == 1 && opened == closed || step == unsure && opened == 1 && closed == 0)
}

init { atomic { run worker(0); run worker(1) } }
