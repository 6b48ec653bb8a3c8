/* MUST FAIL: parking.pml, except that storing does not ask whether the list of waiters is still as read.
 *
 * A store without queries inside a transaction reads the list first. A run that parks between that reading
 * and the storing did so rightly, since the thing was absent; and nobody wakes it.
 *
 * Violated: the run is parked for ever although the thing exists.
 */
#define WAKE_FROM_OLD_LIST
#include "parking.pml"
