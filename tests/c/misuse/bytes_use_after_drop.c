/* A Bytes is read after it was dropped: its handle is empty.
 *
 * Says: INPUT_RANGE
 */
#include "misuse.h"

int main(void)
{
    rns_pool_t pool;
    rns_store_t store;
    make_store(&store, &pool);
    rns_bytes_t bytes = make_bytes(&store, "packet");
    rns_bytes_clear(&bytes, &store);
    uint8_t byte = 0;
    return report(&pool, rns_bytes_get(&bytes, 0, &byte));
}
