/* A slot is given by its owner and by another thread.
 *
 * Says: MISUSE_DOUBLE_GIVE, double_give 1
 */
#include "misuse.h"
#include <pthread.h>

typedef struct {
    rns_pool_t* pool;
    void* slot;
} shared_t;

static void* give_too(void* context)
{
    const shared_t* const shared = context;
    give(shared->pool, shared->slot);
    return NULL;
}

int main(void)
{
    rns_pool_t pool;
    make_pool(&pool, 0);
    void* const slot = take(&pool, 48);
    pthread_t other;
    shared_t shared = {&pool, slot};
    if (pthread_create(&other, NULL, give_too, &shared) != 0 || pthread_join(other, NULL) != 0) {
        abort();
    }
    return report(&pool, rns_pool_give(&pool, slot));
}
