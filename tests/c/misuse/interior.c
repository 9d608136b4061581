/* An address inside a slot is given, that of a field in a packet for instance.
 *
 * Says: MISUSE_INTERIOR, interior 1
 */
#include "misuse.h"

int main(void)
{
    rns_pool_t pool;
    make_pool(&pool, 0);
    unsigned char* const slot = take(&pool, 48);
    return report(&pool, rns_pool_give(&pool, slot + RNS_ALIGN_BYTES));
}
