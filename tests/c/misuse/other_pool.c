/* A slot of another pool is given.
 *
 * Says: MISUSE_FOREIGN, foreign 1
 */
#include "misuse.h"

int main(void)
{
    rns_pool_t pool;
    make_pool(&pool, 0);
    rns_pool_t other;
    make_pool(&other, 0);
    const rns_status_t status = rns_pool_give(&pool, take(&other, 48));
    free(other.storage.start);
    return report(&pool, status);
}
