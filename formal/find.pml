/* An act whose provider can be asked: no idempotency key, but a look-up by our own reference.
 *
 * The journal says `begun` before the request leaves. Whoever finds `begun` without an outcome waits
 * until no request can be under way any more, asks, and then adopts what is there or acts again.
 * The outcome is written in the same transaction that lets the lease go.
 *
 * Holds: never two effects; the run always ends, and ends `done` with its effect there.
 */
#define EFFECT(i) effects++; assert(effects <= 1); lag = LAG
#define ENDED (step == done)
#define MORE_TIMERS 0
#define AGE_MORE skip
#ifndef SLOTS
#define SLOTS 1                 /* so it is also proven that two requests are never under way at once */
#endif
#include "world.pml"

proctype worker(byte me) {
  byte slot = SLOTS;
  bool known;
idle:
  atomic { forget() };
  take();
  pause();
  if
  :: step == ready -> goto act
  :: step == begun && hush > 0 -> COMMIT(due = hush); goto idle     /* in doubt: come back when it is quiet */
  :: step == begun && hush == 0 -> goto look
  :: step == done -> goto idle                                      /* another ended it while we slept */
  fi;

look:
  if
  :: known = shown
  :: atomic { TROUBLE; COMMIT(due = 1); goto idle }                      /* no clear answer is not a "none" */
  fi;
  pause();
  if
  :: known -> goto record
  :: else -> goto act
  fi;

act:
  COMMIT(step = begun; due = LEASE; hush = HUSH; timer[me] = SEND_BY);
  pause();
  IN_TIME_SEND(1);
  atomic { wire[slot].answered || timer[me] == 0 -> known = wire[slot].answered; hang_up() };
  pause();
#ifdef RELEASE_FIRST
  COMMIT(due = 0);                          /* only in control_release_before_outcome.pml */
  pause();
#endif
  if
  :: known -> goto record
  :: else -> COMMIT(due = hush); goto idle                          /* in doubt: `begun` stays */
  fi;

record:
  COMMIT(step = done; due = 0; assert(effects == 1));
  goto idle;
late:                                       /* we know that this attempt never left */
  COMMIT(step = ready; due = 0);
  goto idle;
over:
  skip
}

init { atomic { run worker(0); run worker(1) } }
