/* A slot is given to a tier that is not its own, past the pool: a tier counts nothing.
 *
 * Says: MISUSE_FOREIGN
 */
#include "misuse.h"

int main(void)
{
    rns_pool_t pool;
    make_pool(&pool, 0);
    void* const slot = take(&pool, 80);
    return report(&pool, rns_tier_give(&pool.tiers[0].tier, slot));
}
