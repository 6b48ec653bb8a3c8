/* MUST FAIL: frozen.pml, except that a freeze may fall between the check of the deadline and the socket.
 *
 * This is no mistake of the design that somebody could mend: no check can be made inside the provider's
 * socket. It is the window that remains for the class `find`, and it is here so that nobody forgets it.
 *
 * Violated: two effects. The sleeper sends after the other worker has waited, looked, acted.
 */
#define WINDOW
#include "frozen.pml"
