/* MUST FAIL: find.pml, except that the lease is let go in one transaction and the outcome written in the next.
 *
 * Between the two another worker takes the run, sees `begun` without an outcome, and has to treat as
 * unknown what the first worker knows; the first one's outcome is then refused, for its number is old.
 * With an act of the class `once` the same order of writes opens a ticket for something that is known.
 *
 * Violated: a worker that never slept is refused its own outcome.
 */
#define RELEASE_FIRST
#define TROUBLES 0
#define SLOTS 3
#include "find.pml"
