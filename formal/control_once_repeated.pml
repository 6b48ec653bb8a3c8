/* MUST FAIL: once.pml, except that in doubt the act is done again, after the quiet period.
 *
 * Waiting alone proves nothing: nobody can say whether the first request has landed.
 *
 * Violated: two effects, with nothing going wrong but a slow answer.
 */
#define IN_DOUBT act
#define TROUBLES 0
#define SLOTS 3
#include "once.pml"
