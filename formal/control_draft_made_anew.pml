/* MUST FAIL: two_phases.pml, except that whoever is in doubt begins again with a new draft.
 *
 * The provider refuses to turn one draft twice; it has nothing against turning two.
 *
 * Violated: two effects, after one lost answer.
 */
#define AGAIN_WITH draft = 0
#define TROUBLES 1
#include "two_phases.pml"
