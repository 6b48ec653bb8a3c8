/* An act whose provider can be asked: no idempotency key, but a look-up by our own reference.
 *
 * The journal says `begun` before the request leaves. Whoever finds `begun` without an outcome waits
 * until no request can be under way any more, asks, and then adopts what is there or acts again.
 *
 * Holds: never two effects; the run always ends, and ends `done` with its effect there.
 */
#define EFFECT(i) effects++; assert(effects <= 1); lag = LAG
#define ENDED (step == done)
#define TICKING false
#define AGE_MORE skip
#include "world.pml"

#ifdef WINDOW
#define FROZEN_BEFORE_THE_SOCKET pause()    /* only control_window.pml lets a freeze fall here */
#else
#define FROZEN_BEFORE_THE_SOCKET skip
#endif

proctype worker(byte me) {
  byte mine, slot = SLOTS;
  bool found;
idle:
  take();
  pause();
  if
  :: step == ready -> goto act
  :: step == begun && hush > 0 -> COMMIT(due = hush); goto idle     /* in doubt: come back when it is quiet */
  :: step == begun && hush == 0 -> goto look
  :: step == done -> goto idle                                      /* told by another while we slept */
  fi;

look:
  if
  :: atomic { found = (effects > 0 && lag == 0) }
  :: atomic { faults > 0 -> faults--; COMMIT(due = 1); goto idle }  /* no clear answer is not a "none" */
  fi;
  pause();
  if
  :: found -> found = false; COMMIT(step = done; due = 0; assert(effects == 1)); goto idle
  :: else
  fi;

act:
  COMMIT(step = begun; due = LEASE; hush = HUSH; timer[me] = SEND_BY);
  pause();
  atomic {
    if
    :: timer[me] > 0 -> FROZEN_BEFORE_THE_SOCKET; send(1)
    :: else -> goto late
    fi
  };
  wire[slot].answered || timer[me] == 0;
  found = wire[slot].answered;
  pause();
#ifdef RELEASE_FIRST
  COMMIT(due = 0);                          /* control_release_before_outcome.pml */
#endif
  atomic { hang_up(); 
    if
    :: found -> found = false; COMMIT(step = done; due = 0; assert(effects == 1))
    :: else -> COMMIT(due = hush)                                   /* in doubt: `begun` stays */
    fi };
  goto idle;

late:                                       /* we know that this attempt never left */
  COMMIT(step = ready; due = 0);
  goto idle;
over:
  skip
}

init { atomic { run worker(0); run worker(1) } }
