/* MUST FAIL: find.pml, except that the quiet period is one tick short.
 *
 * It shows that the quiet period of find.pml, the longest flight plus the look-up's lag, has no slack that
 * would hide a mistake: with one tick less, a look-up can come before what it looks for is shown.
 *
 * Violated: two effects, with nothing going wrong.
 */
#define QUIET (FLIGHT + LAG - 1)
#define TROUBLES 0
#define SLOTS 3
#include "find.pml"
