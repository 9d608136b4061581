/* The last byte before the next slot is written: all of the padding is guarded.
 *
 * Says:     OK
 * Checking: DAMAGE_CANARY, canary 1, check DAMAGE_CANARY I7 tier 1 slot 0
 */
#include "misuse.h"

int main(void)
{
    rns_pool_t pool;
    make_pool(&pool, 0);
    unsigned char* const slot = take(&pool, 80);
    slot[pool.tiers[1].tier.stride_bytes - 1u] = 0;
    return report(&pool, rns_pool_give(&pool, slot));
}
