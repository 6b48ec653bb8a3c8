/* The world that find, key, once and two_phases share: time, the wire, the provider, and what may go wrong.
 *
 * Time passes in ticks, and only when nobody can do anything at this instant (`timeout`): a worker's own
 * work takes no time, so whatever lasts is named here, and a slow worker is a frozen one.
 * Whatever goes wrong is paid from one small purse. While something is left in it, the checker tries to
 * spend it at every place where that is possible; when it is empty, the design has to bring the run home.
 *
 * Before it includes this, a model defines EFFECT(i), what the provider does with the request in slot i;
 * ENDED, when the run needs nobody any more; and MORE_TIMERS and AGE_MORE, the sum of its own timers and
 * how one tick ages them.
 */
#ifndef TROUBLES
#define TROUBLES 5              /* what is in the purse */
#endif
#ifndef FLIGHT
#define FLIGHT 2                /* the longest way from the socket to the effect */
#endif
#ifndef PATIENCE
#define PATIENCE 1              /* the client's time-out: less than FLIGHT, so that requests do land late */
#endif
#define SEND_BY 1               /* how long after `begun` the request may still leave */
#define LAG 1                   /* how long the provider's look-up trails behind its own write */
#define LEASE (PATIENCE + 1)    /* outlasts the client's time-out, but not the quiet period: it need not */
#ifndef QUIET
#define QUIET (FLIGHT + LAG)
#endif
#ifndef HUSH
#define HUSH (SEND_BY + QUIET)  /* from `begun` until a look-up can be believed */
#endif
#define WORKERS 2
#ifndef SLOTS
#define SLOTS 3                 /* requests under way at once; more would fail an assertion */
#endif

/* The run's record, which every journal write changes in one conditional transaction. */
mtype = { nothing, ready, begun, done, unsure };
mtype step = nothing;           /* the journal's word on our one act */
byte lease;                     /* the number of the latest lease; who holds another may write nothing */
byte due;                       /* ticks until somebody may take the run; while one works, its lease's end */
byte hush;                      /* ticks until no request of the journaled attempt can be under way */

typedef Call { bool flying; byte left; byte key; bool heard; bool answered; bool failed };
Call wire[SLOTS + 1];           /* one connection each: the request, then its answer; the last stands for none */
byte effects;                   /* what the provider has really done: the independent witness */
byte lag;
bool shown;                     /* a look-up finds it */

byte troubles = TROUBLES;       /* what may still go wrong: a crash, a freeze, a loss, an error */
#define TROUBLE troubles > 0 -> troubles--
byte held[WORKERS];             /* the lease number that each worker believes in */
byte timer[WORKERS];            /* each worker's own monotonic clock: no other worker can move it */
bool asleep[WORKERS];
bool overslept[WORKERS];        /* only for the assertion in COMMIT */

#define LANDS(i) (wire[i].flying && wire[i].left == 0)
#define AGE(x) x = (x > 0 -> x - 1 : 0)
#ifdef CLOCK_STOPS
#define AGE_OWN_CLOCK(i) timer[i] = (timer[i] > 0 && !asleep[i] -> timer[i] - 1 : timer[i])
#else
#define AGE_OWN_CLOCK(i) AGE(timer[i])
#endif

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
#if SLOTS > 1
       :: LANDS(1) -> i = 1
#endif
#if SLOTS > 2
       :: LANDS(2) -> i = 2
#endif
       fi;
       wire[i].flying = false;
       if
       :: TROUBLE                                           /* the request is lost on its way */
       :: true -> EFFECT(i); wire[i].answered = wire[i].heard
       :: TROUBLE; EFFECT(i)                                /* its answer is lost */
       fi;
       wire[i].key = (wire[i].heard -> wire[i].key : 0)
     }
  :: atomic { effects > 0 && lag == 0 && !shown -> shown = true }
  od
}

#define RUNNING (due + hush + lag + MORE_TIMERS + timer[0] + timer[1] > 0 \
  || wire[0].flying || wire[SLOTS / 2].flying || wire[SLOTS - 1].flying)

active proctype clock() {
  byte i;
end:
  do
  :: atomic {
       timeout && RUNNING ->
       AGE(due); AGE(hush); AGE(lag); AGE_MORE;
       for (i : 0 .. SLOTS - 1) { AGE(wire[i].left) }
       for (i : 0 .. WORKERS - 1) {
         AGE_OWN_CLOCK(i);
         if :: asleep[i] -> asleep[i] = false :: true fi    /* thaws now, or some other time */
       }
       i = 0
     }
  :: atomic { timeout && !RUNNING && asleep[0] -> asleep[0] = false }   /* it has outslept all the rest */
  :: atomic { timeout && !RUNNING && asleep[1] -> asleep[1] = false }
  od
}

/* Between any two things that a worker does it may die, or freeze for any length of time. */
inline pause() {
  if
  :: true
  :: atomic { TROUBLE; hang_up(); goto idle }
  :: atomic { TROUBLE; overslept[me] = true; asleep[me] = true }; !asleep[me]
  fi
}

/* Between two runs a worker knows nothing, whether it came here by dying or by finishing. */
inline forget() { held[me] = 0; overslept[me] = false; known = false }

/* Take a run that is due: a new lease number, and `due` becomes the end of that lease. A real number only
 * grows; here "new" is one that nobody else believes in, which keeps the search finite and says the same. */
inline take() {
  if
  :: ENDED -> goto over
  :: atomic { step != nothing && !(ENDED) && due == 0 ->
       lease = (held[1 - me] == 1 -> 2 : 1); held[me] = lease; due = LEASE }
  fi
}

/* One transaction, conditional on the lease. Nobody but an oversleeper may ever be refused: a refusal
 * throws away what the worker knows, and the run takes the long way round through the doubt. */
#ifdef NO_FENCE
#define COMMIT(changes) atomic { changes }
#else
#define COMMIT(changes) \
  atomic { if :: held[me] == lease -> changes :: else -> assert(overslept[me]); hang_up(); goto idle fi }
#endif

/* The request leaves; when it lands is decided here, and known to nobody. */
inline send(number) {
  slot = 0;
#if SLOTS > 1
  do :: slot < SLOTS && (wire[slot].flying || wire[slot].heard) -> slot++ :: else -> break od;
#endif
  assert(slot < SLOTS && !wire[slot].flying); /* the wire has slots enough, or the verdict is void */
  wire[slot].flying = true; wire[slot].heard = true; wire[slot].key = number;
  do :: wire[slot].left < FLIGHT -> wire[slot].left++ :: break od;
  timer[me] = PATIENCE
}

inline hang_up() {
  wire[slot].heard = false; wire[slot].answered = false; wire[slot].failed = false;
  wire[slot].key = (wire[slot].flying -> wire[slot].key : 0);
  slot = SLOTS; timer[me] = 0
}

/* The send-by deadline, immediately before the write to the socket. With WINDOW a freeze may fall between
 * the two; a clock that stops with the process (CLOCK_STOPS) cannot tell that one fell before them. */
#ifdef WINDOW
#define IN_TIME_SEND(number) \
  if :: timer[me] > 0 -> pause(); atomic { send(number) } :: timer[me] == 0 -> goto late fi
#else
#define IN_TIME_SEND(number) \
  atomic { if :: timer[me] > 0 -> send(number) :: timer[me] == 0 -> goto late fi }
#endif
