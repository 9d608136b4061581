/* A copied handle is dropped after its slot was taken again: it drops what is another's, who is
 * the one refused. The generation of the buffer would have told.
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
    rns_bytes_t of_another = make_bytes(&store, "other");
    rns_bytes_clear(&copy, &store);
    return report(&pool, rns_bytes_drop(&of_another, &store));
}
