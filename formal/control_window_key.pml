/* MUST FAIL: key.pml, except that a freeze may fall between the check of the deadline and the socket.
 *
 * While the provider knows the key, a late request under it only gets the stored answer. But a freeze may
 * outlast the key: another worker has long brought the run home, the provider has forgotten, and then the
 * sleeper sends. So the window is there for the class `key` too, though only for so long a sleep.
 *
 * Violated: two effects, after one freeze that is longer than the key's life.
 */
#define WINDOW
#define TROUBLES 1
#include "key.pml"
