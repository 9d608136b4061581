/* A slot is read after it was given. Nothing tells, but a build with RNS_POISON shows 0xDE.
 *
 * Says:     OK
 * Checking: OK
 */
#include "misuse.h"

int main(void)
{
    rns_pool_t pool;
    make_pool(&pool, 0);
    unsigned char* const slot = take(&pool, 48);
    slot[20] = RNS_POISON ? 0xDE : 0x11;
    const unsigned char before = slot[20];
    give(&pool, slot);
    return report(&pool, slot[20] == before ? RNS_OK : RNS_DAMAGE_INVARIANT);
}
