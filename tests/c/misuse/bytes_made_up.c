/* A handle is dropped that no function has made.
 *
 * Says: MISUSE_FOREIGN, foreign 1
 */
#include "misuse.h"

int main(void)
{
    rns_pool_t pool;
    rns_store_t store;
    make_store(&store, &pool);
    rns_buffer_t nowhere = {.refs = 1u};
    rns_bytes_t bytes = {.buffer = &nowhere, .length = 1};
    return report(&pool, rns_bytes_drop(&bytes, &store));
}
