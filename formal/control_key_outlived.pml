/* MUST FAIL: key.pml, except that a key is used to the very end of its life, without a margin.
 *
 * The last repeat leaves in time and lands too late: the provider has forgotten the key meanwhile.
 *
 * Violated: two effects, with nothing going wrong but slow answers.
 */
#define USABLE KEY_LIFE
#define TROUBLES 0
#include "key.pml"
