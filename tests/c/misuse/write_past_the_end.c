/* One byte too many is written. A build with RNS_CANARY finds it when the slot comes back.
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
    memset(slot, 0, 81);
    return report(&pool, rns_pool_give(&pool, slot));
}
