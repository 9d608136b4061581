/* The byte in front of a slot is written: it guards the neighbour, which is the one refused.
 *
 * Says:     OK
 * Checking: DAMAGE_CANARY, canary 1, check DAMAGE_CANARY I7 tier 0 slot 0
 */
#include "misuse.h"

int main(void)
{
    rns_pool_t pool;
    make_pool(&pool, 0);
    void* const neighbour = take(&pool, 48);
    unsigned char* const slot = take(&pool, 48);
    slot[-1] = 0;
    give(&pool, slot);
    return report(&pool, rns_pool_give(&pool, neighbour));
}
