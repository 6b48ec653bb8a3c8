/* A run that needs a thing, finds it absent and parks, while the thing is being stored.
 *
 * The dangerous order: the run looks (absent); the thing is stored and finds nobody waiting; the run parks.
 * So both sides are conditional. Parking is one batch: the waiter's record, provided that the thing's
 * version is still as looked at. Storing is one batch too: the thing, its next version and the waking of
 * all waiters, provided that the list of waiters is still as read. Whoever is refused looks again.
 *
 * The timer that looks again in case is left out on purpose: nothing here may lean on it.
 *
 * Holds: every run gets its thing; none stays parked although the thing exists.
 */
#define RUNS 2
#define STORERS 2               /* the thing is delivered twice; the second time it is a new version of it */

byte version;                   /* of the thing; 0: absent */
byte list;                      /* version of the list of waiters */
bool waits[RUNS];               /* the list itself */
bool parked[RUNS];              /* the run's record: nobody works a parked run */
byte crashes = 2;

proctype run_that_needs_it(byte me) {
  byte seen;
  bool ended;
  do
  :: !ended && !parked[me] ->
     seen = version;                                        /* look */
     if
     :: seen > 0 -> ended = true
     :: atomic { seen == 0 && crashes > 0 -> crashes-- }    /* dies before it parks: it is still ready */
     :: seen == 0 ->
#ifdef PARK_UNCONDITIONALLY
        atomic { waits[me] = true; list++; parked[me] = true }
#else
        atomic {
          if
          :: version == seen -> waits[me] = true; list++; parked[me] = true
          :: else                                           /* refused: it looks again */
          fi
        }
#endif
     fi
  :: ended -> break
  od
}

proctype storer() {
  byte read, me;
  bool found[RUNS], stored;
  do
  :: !stored ->
     atomic { read = list; found[0] = waits[0]; found[1] = waits[1] };
     if
     :: atomic { crashes > 0 -> crashes-- }                 /* dies before it stores: it is delivered again */
     :: true ->
        atomic {
          if
#ifdef WAKE_FROM_OLD_LIST
          :: true ->
#else
          :: list == read ->
#endif
             version++; stored = true;
             for (me : 0 .. RUNS - 1) {
               if :: found[me] -> waits[me] = false; parked[me] = false; list++ :: else fi
             }
             me = 0
#ifndef WAKE_FROM_OLD_LIST
          :: else                                           /* refused: it reads the list again */
#endif
          fi
        }
     fi
  :: stored -> break
  od
}

init { atomic { run run_that_needs_it(0); run run_that_needs_it(1); run storer(); run storer() } }
