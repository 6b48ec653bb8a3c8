/* MUST FAIL: find.pml, except that in doubt the provider is asked at once, and "none" is believed.
 *
 * Everything else is as in find.pml: journal, lease, fence, deadline. Nothing at all needs to go wrong: the
 * first request is merely slower than the client's time-out, and lands after the look-up.
 *
 * Violated: two effects.
 */
#define HUSH 0
#define TROUBLES 0
#define SLOTS 3
#include "find.pml"
