/* MUST FAIL: parking.pml, except that a run parks without asking whether the thing is still absent.
 *
 * The thing is stored between look and parking, finds nobody waiting, and wakes nobody.
 *
 * Violated: the run is parked for ever although the thing exists.
 */
#define PARK_UNCONDITIONALLY
#include "parking.pml"
