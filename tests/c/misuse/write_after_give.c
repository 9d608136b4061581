/* A slot is written after it was given. A build with RNS_POISON finds it, with the check.
 *
 * Says:     OK
 * Checking: OK, check DAMAGE_WRITE_AFTER_GIVE I6 tier 0 slot 0
 */
#include "misuse.h"

int main(void)
{
    rns_pool_t pool;
    make_pool(&pool, 0);
    unsigned char* const slot = take(&pool, 48);
    give(&pool, slot);
    slot[47] = 0;
    return report(&pool, RNS_OK);
}
