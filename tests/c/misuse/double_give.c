/* A slot is given twice.
 *
 * Says: MISUSE_DOUBLE_GIVE, double_give 1
 */
#include "misuse.h"

int main(void)
{
    rns_pool_t pool;
    make_pool(&pool, 0);
    void* const slot = take(&pool, 48);
    give(&pool, slot);
    return report(&pool, rns_pool_give(&pool, slot));
}
