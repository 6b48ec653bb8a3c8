/* MUST FAIL: find.pml, except that a frozen worker's own clock stands still with it.
 *
 * So it is where the whole machine is suspended, as a laptop or a Lambda sandbox is, and the clock is one
 * that does not count the time of suspension. The check of the deadline is then worth nothing.
 *
 * Violated: two effects, after one freeze between `begun` and the check.
 */
#define CLOCK_STOPS
#define TROUBLES 1
#define SLOTS 3
#include "find.pml"
