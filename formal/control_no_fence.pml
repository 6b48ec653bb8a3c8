/* MUST FAIL: find.pml, except that journal writes do not ask for the lease number.
 *
 * One freeze is enough: a worker takes the run and sleeps beyond its lease, another takes it too; both find
 * it ready, both write `begun`, and both are in time for their own deadline.
 *
 * Violated: two effects.
 */
#define NO_FENCE
#define TROUBLES 1
#define SLOTS 3
#include "find.pml"
