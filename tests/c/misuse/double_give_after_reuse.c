/* A slot is given twice; in between somebody else has taken it. The second give cannot be told
 * from that of the new owner, whose own give is the one that is refused.
 *
 * Says: MISUSE_DOUBLE_GIVE, double_give 1
 */
#include "misuse.h"

int main(void)
{
    rns_pool_t pool;
    make_pool(&pool, 0);
    void* const slot = take(&pool, 48);
    give(&pool, slot);
    void* const of_another = take(&pool, 48);
    give(&pool, slot);
    return report(&pool, rns_pool_give(&pool, of_another));
}
