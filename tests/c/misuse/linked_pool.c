/* A slot of another pool is given, and the two know each other.
 *
 * Says: MISUSE_WRONG_POOL, wrong_pool 1
 */
#include "misuse.h"

int main(void)
{
    rns_pool_t pool;
    make_pool(&pool, 0);
    rns_pool_t other;
    make_pool(&other, 0);
    rns_pool_link(&pool, &other);
    const rns_status_t status = rns_pool_give(&pool, take(&other, 48));
    rns_pool_unlink(&other);
    free(other.storage.start);
    return report(&pool, status);
}
