/* The content of a Bytes is written through a pointer from before it was dropped.
 *
 * Says:     OK
 * Checking: OK, check DAMAGE_WRITE_AFTER_GIVE I6 tier 0 slot 0
 */
#include "misuse.h"

int main(void)
{
    rns_pool_t pool;
    rns_store_t store;
    make_store(&store, &pool);
    rns_bytes_t bytes = make_bytes(&store, "packet");
    uint8_t* data = NULL;
    const rns_status_t status = rns_bytes_try_mut(&bytes, &store, &data);
    rns_bytes_clear(&bytes, &store);
    data[5] = 'T';
    return report(&pool, status);
}
