/* A worker that freezes, is overtaken, and thaws: the rules of find.pml under a clock that waits for nobody.
 *
 * Between any two steps of a worker any amount of time may pass; each may die anywhere; any request may be
 * lost: as often as it likes, with no purse that runs out. What protects: journal writes are conditional on
 * the lease number; the send-by deadline is checked on the worker's own clock immediately before the write
 * to the socket; nobody looks before that deadline plus the quiet period.
 *
 * Holds: never two effects, and `done` only with the effect there, as long as no freeze falls between the
 * check of the deadline and the socket. With WINDOW one may, and it is violated: that window remains.
 * A world that may lose every request for ever lets no run end, so that runs end is find.pml's to show.
 */
#define FLIGHT 2                            /* a request has landed so many ticks after it left, or never does */
#define SEND_BY 1
#define LEASE 2
#define WORKERS 3

mtype = { ready, begun, done };
mtype step = ready;
byte lease, due, quiet, effects;
byte held[WORKERS];                         /* the lease number that each worker believes in */
byte send_by[WORKERS];                      /* on its own clock */
mtype = { none, flying, landed };
mtype request[WORKERS] = none;              /* each worker's latest; it outlives a worker that dies */
byte left[WORKERS];

#define AGE(x) x = (x > 0 -> x - 1 : 0)
#define OVERDUE(i) (request[i] == flying && left[i] == 0)

active proctype clock() {
  byte i;
end:
  do
  :: atomic {
       !OVERDUE(0) && !OVERDUE(1) && !OVERDUE(2) &&
         (due + quiet + send_by[0] + send_by[1] + send_by[2] + left[0] + left[1] + left[2] > 0) ->
       AGE(due); AGE(quiet);
       for (i : 0 .. WORKERS - 1) { AGE(send_by[i]); AGE(left[i]) }
       i = 0
     }
  od
}

active [WORKERS] proctype journey() {       /* of a worker's request: at some time it lands, or is lost */
  byte i = _pid - 1;
end:
  do
  :: atomic { request[i] == flying -> left[i] = 0; request[i] = landed; effects++; assert(effects <= 1) }
  :: atomic { request[i] == flying -> left[i] = 0; request[i] = none }
  od
}

#define COMMIT(changes) atomic { if :: held[me] == lease -> changes :: else -> goto idle fi }
#define MAY_DIE if :: true :: goto idle fi

inline take() {                             /* a fresh number: one that nobody believes in */
  lease = 1;
  do :: held[0] == lease || held[1] == lease || held[2] == lease -> lease++ :: else -> break od;
  held[me] = lease; due = LEASE
}

inline leave() {
#ifndef WINDOW
  assert(request[me] != flying);            /* so nothing of its own is under way when it acts again */
#endif
  request[me] = flying; left[me] = FLIGHT; send_by[me] = 0
}

active [WORKERS] proctype worker() {
  byte me = _pid - 1 - WORKERS;
  bool known;
idle:
  atomic { held[me] = 0; send_by[me] = 0; known = false };
  if
  :: step == done -> goto over
  :: atomic { step != done && due == 0 -> take() }
  fi;
  MAY_DIE;
  if
  :: step == ready -> goto act
  :: step == begun && quiet > 0 -> COMMIT(due = quiet); goto idle
  :: step == begun && quiet == 0 -> known = (effects > 0)   /* the look-up */
  :: step == done -> goto over
  fi;
  MAY_DIE;
  if :: known -> goto record :: else -> goto act fi;

act:
  COMMIT(step = begun; due = LEASE; send_by[me] = SEND_BY; quiet = SEND_BY + FLIGHT);
  MAY_DIE;
#ifdef WINDOW
  if :: send_by[me] > 0 :: else -> goto idle fi;
  atomic { leave() };
#else
  atomic { if :: send_by[me] > 0 :: else -> goto idle fi; leave() };
#endif
  MAY_DIE;
  if
  :: request[me] == landed -> goto record                   /* the answer came */
  :: true -> COMMIT(due = quiet); goto idle                 /* or we gave up on it, sooner or later */
  fi;

record:
  MAY_DIE;
  COMMIT(step = done; due = 0; assert(effects == 1));
  goto idle;
over:
  skip
}
