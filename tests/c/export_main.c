/* Reads a packed trace, sends it through the exported pool and prints what the pool counted, a
 * line for the pool and one for each tier. No Python has a part in it. */
#include "export_pool.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void print_stats(const rns_pool_stats_t* stats)
{
    printf("%zu %zu\n", export_storage_bytes(), export_needed_bytes());
    printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu32
           " %" PRIu32 "\n",
           (uint64_t)stats->requests, (uint64_t)stats->hits, (uint64_t)stats->spills,
           (uint64_t)stats->exhausted, (uint64_t)stats->oversize, (uint64_t)stats->failures,
           stats->in_use, stats->largest_request_bytes);
    for (uint32_t i = 0; i < stats->tier_count; ++i) {
        const rns_tier_stats_t* const tier = &stats->tiers[i];
        printf("%" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu64 " %" PRIu64 " %" PRIu64
               " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
               tier->slot_bytes, tier->slot_count, tier->in_use, tier->high_water,
               (uint64_t)tier->requests, (uint64_t)tier->hits, (uint64_t)tier->spills,
               (uint64_t)tier->spills_in, (uint64_t)tier->exhausted, (uint64_t)tier->takes,
               (uint64_t)tier->gives);
    }
}

int main(int argument_count, char** arguments)
{
    if (argument_count != 3) {
        return 2;
    }
    const size_t event_count = strtoul(arguments[2], NULL, 10);
    export_event_t* const events = calloc(event_count + 1u, sizeof *events);
    void** const slots = calloc(event_count + 1u, sizeof *slots);
    FILE* const file = fopen(arguments[1], "rb");
    rns_status_t status = RNS_DAMAGE_INVARIANT;
    if (events != NULL && slots != NULL && file != NULL &&
        fread(events, sizeof *events, event_count, file) == event_count) {
        rns_pool_stats_t stats;
        status = export_replay(events, event_count, slots, &stats);
        print_stats(&stats);
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    free(slots);
    free(events);
    return status == RNS_OK ? 0 : 1;
}
