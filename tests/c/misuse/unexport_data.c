/* A view is ended by its data, not by its pin.
 *
 * Says: MISUSE_INTERIOR, interior 1
 */
#include "misuse.h"

int main(void)
{
    rns_pool_t pool;
    rns_store_t store;
    make_store(&store, &pool);
    rns_bytes_t bytes = make_bytes(&store, "packet");
    const rns_bytes_view_t view = rns_bytes_export(&bytes, &store);
    void* data = NULL;
    memcpy(&data, &view.data, sizeof data);
    return report(&pool, rns_store_unexport(&store, data));
}
