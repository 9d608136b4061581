/* A block of the fallback is given twice; the second time none is out.
 *
 * Says: MISUSE_FOREIGN, foreign 1
 */
#include "misuse.h"

static void* take_block(void* context, size_t size_bytes)
{
    (void)context;
    return malloc(size_bytes);
}

static bool give_block(void* context, void* block)
{
    (void)context;
    free(block);
    return true;
}

int main(void)
{
    rns_pool_t pool;
    make_pool(&pool, 0);
    pool.fallback = (rns_fallback_t){.take = take_block, .give = give_block};
    void* const block = take(&pool, 81);
    give(&pool, block);
    return report(&pool, rns_pool_give(&pool, block));
}
