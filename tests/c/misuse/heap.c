/* A block of the heap is given.
 *
 * Says: MISUSE_FOREIGN, foreign 1
 */
#include "misuse.h"

int main(void)
{
    rns_pool_t pool;
    make_pool(&pool, 0);
    void* const block = malloc(48);
    const rns_status_t status = rns_pool_give(&pool, block);
    free(block);
    return report(&pool, status);
}
