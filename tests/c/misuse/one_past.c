/* The end of a slot is given: there the next one begins, which is free.
 *
 * Says: MISUSE_DOUBLE_GIVE, double_give 1
 */
#include "misuse.h"

int main(void)
{
    rns_pool_t pool;
    make_pool(&pool, 0);
    unsigned char* const slot = take(&pool, 48);
    return report(&pool, rns_pool_give(&pool, slot + pool.tiers[0].tier.stride_bytes));
}
