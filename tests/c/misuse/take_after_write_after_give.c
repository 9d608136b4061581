/* The same, but nobody checks before the slot is taken again: then it is counted.
 *
 * Says:     OK
 * Checking: OK, write_after_give 1
 */
#include "misuse.h"

int main(void)
{
    rns_pool_t pool;
    make_pool(&pool, 0);
    unsigned char* const slot = take(&pool, 48);
    give(&pool, slot);
    slot[47] = 0;
    give(&pool, take(&pool, 48));
    return report(&pool, RNS_OK);
}
