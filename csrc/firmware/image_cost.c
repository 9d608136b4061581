/* What the operations of pool and Bytes cost: instructions, the fewest and the most. */
#include "board.h"
#include "image.h"
#include "rns_bytes.h"

#define SLOTS 64u

typedef struct {
    uint32_t least;
    uint32_t most;
} cost_t;

static rns_pool_t pool;
static rns_store_t store;
static uint32_t reading; ///< What it costs to read the counter twice.

static uint32_t instructions(uint32_t begin)
{
    return board_counted(begin, board_counter()) - reading;
}

static void note(cost_t* self, uint32_t count)
{
    self->least = count < self->least ? count : self->least;
    self->most = count > self->most ? count : self->most;
}

static void print(const char* part, const cost_t* cost)
{
    image_line(part, "least", cost->least);
    image_line(part, "most", cost->most);
}

static bool begin(uint32_t header_bytes)
{
    static const rns_tier_config_t tiers[] = {
        {.slot_bytes = 64, .slot_count = SLOTS},
        {.slot_bytes = 256, .slot_count = SLOTS},
    };
    const rns_pool_config_t config = {
        .tiers = tiers, .tier_count = 2, .header_bytes = header_bytes};
    const rns_store_options_t options = {.tag = 0};
    return image_pool_init(&pool, &config) &&
           (header_bytes == 0 || rns_store_init(&store, &pool, &options) == RNS_OK);
}

/// All slots of both tiers, taken in turn, one miss of each, and given back from either end.
static int cost_of_pool(void)
{
    static void* slots[2u * SLOTS];
    cost_t take = {UINT32_MAX, 0};
    cost_t give = {UINT32_MAX, 0};
    cost_t miss = {UINT32_MAX, 0};
    int failures = begin(0) ? 0 : 1;
    for (uint32_t round = 0; round < 2u; ++round) {
        for (uint32_t i = 0; i < 2u * SLOTS; ++i) {
            const uint32_t start = board_counter();
            const rns_status_t status =
                rns_pool_take(&pool, i < SLOTS ? 40u : 200u, RNS_PRIORITY_NORMAL, &slots[i]);
            note(&take, instructions(start));
            failures += status == RNS_OK ? 0 : 1;
        }
        for (uint32_t i = 0; i < 2u; ++i) {
            void* none = NULL;
            const uint32_t start = board_counter();
            const rns_status_t status =
                rns_pool_take(&pool, i == 0 ? 40u : 200u, RNS_PRIORITY_NORMAL, &none);
            note(&miss, instructions(start));
            failures += status == RNS_MISS_EXHAUSTED ? 0 : 1;
        }
        for (uint32_t i = 0; i < 2u * SLOTS; ++i) {
            void* const slot = slots[round == 0 ? i : 2u * SLOTS - 1u - i];
            const uint32_t start = board_counter();
            const rns_status_t status = rns_pool_give(&pool, slot);
            note(&give, instructions(start));
            failures += status == RNS_OK ? 0 : 1;
        }
    }
    print("cost take", &take);
    print("cost give", &give);
    print("cost miss", &miss);
    return failures;
}

static int cost_of_bytes(void)
{
    static const uint8_t content[64] = {1};
    cost_t share = {UINT32_MAX, 0};
    cost_t drop = {UINT32_MAX, 0};
    cost_t write = {UINT32_MAX, 0};
    cost_t copy = {UINT32_MAX, 0};
    rns_bytes_t bytes = {0};
    int failures = begin(RNS_BUFFER_HEADER_BYTES) ? 0 : 1;
    failures += rns_bytes_init(&bytes, &store, content, sizeof content) == RNS_OK ? 0 : 1;
    for (uint32_t i = 0; i < SLOTS; ++i) {
        uint32_t start = board_counter();
        failures += rns_bytes_set(&bytes, &store, i, 7) == RNS_OK ? 0 : 1;
        note(&write, instructions(start));
        start = board_counter();
        rns_bytes_t other = rns_bytes_share(&bytes, &store);
        note(&share, instructions(start));
        start = board_counter();
        failures += rns_bytes_set(&bytes, &store, i, 8) == RNS_OK ? 0 : 1;
        note(&copy, instructions(start));
        start = board_counter();
        failures += rns_bytes_drop(&other, &store) == RNS_OK ? 0 : 1;
        note(&drop, instructions(start));
    }
    failures += rns_bytes_drop(&bytes, &store) == RNS_OK ? 0 : 1;
    print("cost share", &share);
    print("cost write", &write);
    print("cost copy", &copy); /* of 64 bytes, that somebody else looks at */
    print("cost drop", &drop);
    return failures;
}

int image_cost(void)
{
    const uint32_t begin_reading = board_counter();
    reading = board_counted(begin_reading, board_counter());
    const int failures = cost_of_pool() + cost_of_bytes();
#if RNS_PROFILE == RNS_PROFILE_FULL
    image_line("cost", "state_tier", sizeof(rns_tier_t));
#else
    image_line("cost", "state_tier", sizeof(rns_pool_tier_t));
#endif
    image_line("cost", "state_pool", sizeof(rns_pool_t));
    return failures;
}
