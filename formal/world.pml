/* The world that key.pml, find.pml and once.pml share: time, the wire, the provider, and what may go wrong.
 *
 * Time passes in ticks, and only when nobody can do anything at this instant (`timeout`): a worker's own
 * work takes no time, so whatever lasts is named here, and a slow worker is a frozen one.
 * Faults come out of small purses. While a purse has something left, the checker tries it at every place
 * where it could be spent; once all are empty, the design has to bring the run home by itself.
 *
 * Before including this, a model defines `EFFECT(i)`: what the provider does with the request in slot i.
 */
#ifndef CRASHES
#define CRASHES 2               /* a worker dies and is started again, having forgotten everything */
#endif
#ifndef FAULTS
#define FAULTS 2                /* a request or an answer is lost, a look-up fails, a stored error */
#endif
#ifndef FREEZES
#define FREEZES 1               /* a worker stands still for up to LONG ticks, then goes on unaware */
#endif
#ifndef FLIGHT
#define FLIGHT 2                /* the longest way from the socket to the effect, in ticks */
#endif
#define PATIENCE 1              /* the client's time-out: shorter than FLIGHT, so requests do land late */
#define SEND_BY 1               /* how long after `begun` the request may still leave */
#ifndef LAG
#define LAG 1                   /* how long the provider's look-up may trail behind its own write */
#endif
#ifndef QUIET
#define QUIET (FLIGHT + LAG)
#endif
#ifndef HUSH
#define HUSH (SEND_BY + QUIET)  /* from `begun` until a look-up can be believed */
#endif
#define LEASE 5
#define LONG 10                 /* longer than lease, hush and flight together: all else is over by then */
#define WORKERS 2
#define SLOTS 3

mtype = { nothing, ready, begun, done, unsure };
mtype step = nothing;           /* the journal's word on our one act */
byte lease;                     /* the number of the latest lease; who holds another may write nothing */
byte due;                       /* ticks until somebody may take the run; while one works, its lease's end */
byte hush;                      /* ticks until no request of the journaled attempt can be under way */

typedef Call { bool flying; byte left; byte key; bool heard; bool answered; bool failed };
Call wire[SLOTS];               /* a slot is one connection: the request, then its answer */
byte effects;                   /* what the provider has really done: the oracle */
byte lag;

byte crashes = CRASHES, faults = FAULTS, freezes = FREEZES;
byte timer[WORKERS];            /* a worker's own monotonic clock: no other worker can move it */
byte asleep[WORKERS];
bool overslept[WORKERS];        /* only for the assertion in commit() */

#define LANDS(i) (wire[i].flying && wire[i].left == 0)
#define FREE(i) (!wire[i].flying && !wire[i].heard)
#define AGED(x) x = (x > 0 -> x - 1 : 0)

/* The same event, twice. Recording is one conditional commit, so the second finds the first. */
active [2] proctype delivery() {
  atomic { if :: step == nothing -> step = ready :: else fi }
}

active proctype provider() {
  byte i;
end:
  do
  :: atomic {
       if
       :: LANDS(0) -> i = 0
       :: LANDS(1) -> i = 1
       :: LANDS(SLOTS - 1) -> i = SLOTS - 1
       fi;
       wire[i].flying = false;
       if
       :: faults > 0 -> faults--                            /* the request is lost on its way */
       :: EFFECT(i); wire[i].answered = wire[i].heard
       :: faults > 0 -> faults--; EFFECT(i)                 /* its answer is */
       fi
     }
  od
}

active proctype clock() {
  byte i;
end:
  do
  :: atomic {
       timeout && (due > 0 || hush > 0 || lag > 0 || TICKING
         || timer[0] > 0 || timer[1] > 0 || asleep[0] > 0 || asleep[1] > 0
         || wire[0].flying || wire[1].flying || wire[2].flying) ->
       AGED(due); AGED(hush); AGED(lag); AGE_MORE;
       for (i : 0 .. WORKERS - 1) { AGED(timer[i]); AGED(asleep[i]) }
       for (i : 0 .. SLOTS - 1) { AGED(wire[i].left) }
       i = 0
     }
  od
}

/* Between any two things that a worker does it may die, or freeze for any length of time. */
inline pause() {
  if
  :: true
  :: atomic { crashes > 0 -> crashes--; hang_up(); goto idle }
  :: atomic { freezes > 0 -> freezes--; overslept[me] = true; asleep[me] = 1;
       do :: asleep[me] < LONG -> asleep[me]++ :: break od };
     asleep[me] == 0
  fi
}

/* Take a run that is due: the next lease number, and `due` becomes the end of that lease. */
inline take() {
  if
  :: ENDED -> goto over
  :: atomic { step != nothing && !(ENDED) && due == 0 ->
       lease++; mine = lease; due = LEASE; overslept[me] = false }
  fi
}

/* One transaction, conditional on the lease. Nobody but an oversleeper may ever be refused: a refusal
 * throws away what the worker knows, and the run takes the long way round through the doubt. */
#define COMMIT(changes) \
  atomic { if :: mine == lease -> changes :: else -> assert(overslept[me]); hang_up(); goto idle fi }

/* The request leaves; when it lands is decided here, and known to nobody. */
inline send(number) {
  slot = 0;
  do :: slot < SLOTS && !FREE(slot) -> slot++ :: else -> break od;
  assert(slot < SLOTS);                       /* the model has slots enough, or its verdict is void */
  wire[slot].flying = true; wire[slot].heard = true; wire[slot].answered = false; wire[slot].failed = false;
  wire[slot].key = number; wire[slot].left = 0;
  do :: wire[slot].left < FLIGHT -> wire[slot].left++ :: break od;
  timer[me] = PATIENCE
}

inline hang_up() {
  if :: slot < SLOTS -> wire[slot].heard = false; wire[slot].answered = false :: else fi;
  slot = SLOTS; timer[me] = 0
}
