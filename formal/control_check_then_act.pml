/* MUST FAIL: look in a table of handled events, act, then mark the event as handled.
 *
 * The usual handler of a webhook. Here its provider is perfect: no request is lost or late, no worker
 * freezes. One crash, or two deliveries at once, is enough.
 *
 * Violated: two effects. The second delivery looks before the first has made its mark.
 */
bool handled;
byte effects, crashes = 1;

proctype handler() {
  bool answered;
  do
  :: !answered ->                           /* the sender delivers again until it is answered 2xx */
     if
     :: handled -> answered = true
     :: !handled ->
        effects++;                          /* the act */
        assert(effects <= 1);
        if
        :: atomic { crashes > 0 -> crashes-- }      /* dies between act and mark */
        :: true -> handled = true; answered = true
        fi
     fi
  :: answered -> break
  od
}

init { atomic { run handler(); run handler() } }        /* the same event, delivered twice */
