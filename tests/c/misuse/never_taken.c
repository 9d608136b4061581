/* A slot is given that nobody has taken.
 *
 * Says: MISUSE_DOUBLE_GIVE, double_give 1
 */
#include "misuse.h"

int main(void)
{
    rns_pool_t pool;
    make_pool(&pool, 0);
    return report(&pool, rns_pool_give(&pool, rns_tier_slot(&pool.tiers[1].tier, 1)));
}
