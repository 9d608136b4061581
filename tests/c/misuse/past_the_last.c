/* Storage behind the last slot is given: more was handed to the pool than it needs.
 *
 * Says: MISUSE_OUT_OF_RANGE, out_of_range 1
 */
#include "misuse.h"

int main(void)
{
    rns_pool_t pool;
    const rns_pool_config_t config = {.tiers = tiers, .tier_count = 2};
    const rns_memory_t storage = {aligned_alloc(RNS_ALIGN_BYTES, 4096), 4096};
    if (rns_pool_init(&pool, &config, storage) != RNS_OK) {
        abort();
    }
    unsigned char* const end = storage.start;
    return report(&pool, rns_pool_give(&pool, end + 4095));
}
