/* A view is ended twice, and its Bytes is gone.
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
    const rns_bytes_view_t view = rns_bytes_export(&bytes, &store);
    rns_bytes_clear(&bytes, &store);
    (void)rns_store_unexport(&store, view.pin);
    return report(&pool, rns_store_unexport(&store, view.pin));
}
