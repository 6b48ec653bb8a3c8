/* MUST FAIL: key.pml, except that every attempt makes a key of its own.
 *
 * The key is random, or counts attempts, instead of naming the act; so the provider cannot tell a repeat
 * from a second act.
 *
 * Violated: two effects, with nothing going wrong but a slow answer.
 */
#define AGAIN next
#define TROUBLES 0
#include "key.pml"
