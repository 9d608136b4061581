/* A handle is copied by assignment, and both are dropped.
 *
 * Says: MISUSE_DOUBLE_GIVE, double_give 1
 */
#include "misuse.h"

int main(void)
{
    rns_pool_t pool;
    rns_store_t store;
    make_store(&store, &pool);
    rns_bytes_t bytes = make_bytes(&store, "packet");
    rns_bytes_t copy = bytes;
    rns_bytes_clear(&bytes, &store);
    return report(&pool, rns_bytes_drop(&copy, &store));
}
