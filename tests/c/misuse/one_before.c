/* The byte before a slot is given: it is the last one of its neighbour.
 *
 * Says: MISUSE_MISALIGNED, misaligned 1
 */
#include "misuse.h"

int main(void)
{
    rns_pool_t pool;
    make_pool(&pool, 0);
    (void)take(&pool, 48);
    unsigned char* const slot = take(&pool, 48);
    return report(&pool, rns_pool_give(&pool, slot - 1));
}
