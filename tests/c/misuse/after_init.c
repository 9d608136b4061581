/* A slot is given that was taken before the pool was made anew.
 *
 * Says: MISUSE_DOUBLE_GIVE, double_give 1
 */
#include "misuse.h"

int main(void)
{
    rns_pool_t pool;
    make_pool(&pool, 0);
    void* const slot = take(&pool, 48);
    const rns_pool_config_t config = {.tiers = tiers, .tier_count = 2};
    if (rns_pool_init(&pool, &config, pool.storage) != RNS_OK) {
        abort();
    }
    return report(&pool, rns_pool_give(&pool, slot));
}
