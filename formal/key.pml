/* An act whose provider takes an idempotency key, remembers it for a while, and can also be asked.
 *
 * In doubt the act is repeated at once under the same key, since the provider answers a key that it knows
 * with the answer it has stored. Two things end that: the key's life (less a margin, counted from `begun`,
 * for that is all we know), and an error stored under the key, which would come back for ever. Then the
 * look-up decides, after the quiet period, and a further act goes out under the next number of the journal.
 *
 * Holds: never two effects; the run always ends, and ends `done` with its effect there.
 */
#define KEY_LIFE 5              /* counted by the provider from the first request that it sees */
#ifndef USABLE
#define USABLE (KEY_LIFE - FLIGHT)
#endif
#define EFFECT(i) \
  if \
  :: wire[i].key == number && kept > 0                    /* a key that it knows: the stored answer again */ \
  :: else -> \
     if \
     :: true -> bad = false; effects++; lag = LAG \
     :: TROUBLE; bad = true; effects++; lag = LAG \
     :: TROUBLE; bad = true                               /* an error is stored, with an effect or without */ \
     fi; \
     assert(effects <= 1); \
     kept = (wire[i].key == number -> KEY_LIFE : kept) \
  fi; \
  wire[i].failed = wire[i].heard && bad
#define ENDED (step == done)
#define MORE_TIMERS usable + kept
#define AGE_MORE AGE(usable); AGE(kept)
byte number;                    /* the journal's: the key now in use */
byte key[2];                    /* the key that each worker believes in */
byte usable;                    /* how long the journal will still repeat under it */
byte kept;                      /* how long the provider will still know it; a former key it forgets at once, */
                                /* which is worse than life */
bool bad;                       /* the answer stored under it is an error */
#ifndef AGAIN
#define AGAIN again
#endif
#ifndef TROUBLES
#define TROUBLES 3
#endif
#include "world.pml"

proctype worker(byte me) {
  byte slot = SLOTS;
  bool known, failed;
idle:
  atomic { forget(); failed = false; key[me] = 0 };
  take();
  pause();
  if
  :: step == ready -> goto next
  :: step == begun && usable > 0 -> goto AGAIN
  :: step == begun && usable == 0 && hush > 0 -> COMMIT(due = hush); goto idle
  :: step == begun && usable == 0 && hush == 0 -> goto look
  :: step == done -> goto idle
  fi;

look:
  if
  :: known = shown
  :: atomic { TROUBLE; COMMIT(due = 1); goto idle }
  fi;
  pause();
  if
  :: known -> goto record
  :: else -> goto next
  fi;

next:                                       /* the next number: as with leases, one that nobody believes in */
  COMMIT(
    number = (key[1 - me] == 1 -> 2 : 1); key[me] = number; kept = 0; bad = false; usable = USABLE;
    wire[0].key = 0; wire[1].key = 0; wire[2].key = 0;
    step = begun; due = LEASE; hush = HUSH; timer[me] = SEND_BY);
  goto act;
again:                                      /* the margin is judged by the commit, not by what we saw before */
  COMMIT(due = LEASE; hush = HUSH; timer[me] = (usable > 0 -> SEND_BY : 0); key[me] = number);
act:
  pause();
  IN_TIME_SEND(key[me]);
  atomic {
    wire[slot].answered || timer[me] == 0 ->
    known = wire[slot].answered; failed = wire[slot].failed; hang_up()
  };
  pause();
  if
  :: known && !failed -> goto record
  :: known && failed -> COMMIT(usable = 0; due = hush); goto idle   /* this key has nothing else to say */
  :: else -> COMMIT(due = 0); goto idle                             /* in doubt: again, at once */
  fi;

record:
  COMMIT(step = done; due = 0; assert(effects == 1));
  goto idle;
late:
  COMMIT(due = 0);
  goto idle;
over:
  skip
}

init { atomic { run worker(0); run worker(1) } }
