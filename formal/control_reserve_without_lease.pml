/* MUST FAIL: reserve the event with a conditional write ("pending"), act, then save "completed".
 *
 * The reservation does stop two deliveries from acting at once. But it belongs to nobody and never ends:
 * after a crash between the reservation and the act, each later delivery reads "already being processed",
 * answers 2xx, and the sender is content.
 *
 * Violated: silently lost. Every delivery was answered, and there is no effect and no ticket.
 */
mtype = { absent, pending, completed };
mtype record = absent;
byte effects, crashes = 1, answers;

proctype handler() {
  bool answered, mine;
  do
  :: !answered ->
     atomic {
       if
       :: record == absent -> record = pending; mine = true
       :: else -> mine = false
       fi
     };
     if
     :: !mine -> answered = true            /* "already being processed", or completed */
     :: atomic { mine && crashes > 0 -> crashes-- }     /* dies; unanswered, it is delivered again */
     :: mine ->
        effects++;
        assert(effects <= 1);
        record = completed;
        answered = true
     fi
  :: answered -> answers++; break
  od
}

active proctype verdict() {
  answers == 2 -> assert(effects == 1)
}

init { atomic { run handler(); run handler() } }
