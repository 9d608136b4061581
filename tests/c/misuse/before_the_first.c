/* What lies in front of the first slot is given.
 *
 * Says: MISUSE_FOREIGN, foreign 1
 */
#include "misuse.h"

int main(void)
{
    rns_pool_t pool;
    make_pool(&pool, 0);
    const uintptr_t slot = (uintptr_t)take(&pool, 48);
    void* stray = NULL;
    memcpy(&stray, &(uintptr_t){slot - RNS_ALIGN_BYTES}, sizeof stray);
    return report(&pool, rns_pool_give(&pool, stray));
}
