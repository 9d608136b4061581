/* Nothing is given.
 *
 * Says: MISUSE_FOREIGN, foreign 1
 */
#include "misuse.h"

int main(void)
{
    rns_pool_t pool;
    make_pool(&pool, 0);
    return report(&pool, rns_pool_give(&pool, NULL));
}
