#include "rns_heap_run.h"

void rns_heap_tally_init(rns_heap_tally_t* self)
{
    *self = (rns_heap_tally_t){.largest_free_min = UINT32_MAX,
                               .total_free_min = UINT32_MAX,
                               .first_failure_event = -1,
                               .first_failure_ns = -1};
}

static void sample(const rns_heap_run_t* self, rns_heap_tally_t* tally)
{
    const uint32_t largest = rns_heap_largest_free(self->heap);
    const uint32_t total = rns_heap_total_free(self->heap);
    const uint32_t ppm = rns_heap_fragmentation_ppm(self->heap);
    ++tally->events;
    tally->fragmentation_ppm_sum += ppm;
    if (ppm > tally->fragmentation_ppm_max) {
        tally->fragmentation_ppm_max = ppm;
    }
    if (largest < tally->largest_free_min) {
        tally->largest_free_min = largest;
    }
    if (total < tally->total_free_min) {
        tally->total_free_min = total;
    }
    if (self->probe_bytes != UINT32_MAX && !rns_heap_fits(self->heap, self->probe_bytes)) {
        ++tally->probe_failures;
    }
}

rns_status_t rns_heap_run(const rns_heap_run_t* self, const rns_event_t* events,
                          const uint32_t* blocks, size_t count, rns_heap_tally_t* tally)
{
    rns_status_t status = RNS_OK;
    for (size_t i = 0; i < count && status == RNS_OK; ++i) {
        const rns_event_t* const event = &events[i];
        uint32_t* const offset = &self->offsets[blocks == NULL ? event->id : blocks[i]];
        if (event->op == RNS_EVENT_ALLOC) {
            ++tally->requests;
            if (rns_heap_take(self->heap, (size_t)event->size_bytes, offset) != RNS_OK) {
                ++tally->failures;
                if (tally->first_failure_event < 0) {
                    tally->first_failure_event = (int64_t)tally->events;
                    tally->first_failure_ns = event->t_ns;
                }
            }
        } else if (*offset != RNS_HEAP_NONE) {
            status = rns_heap_give(self->heap, *offset);
            *offset = RNS_HEAP_NONE;
        }
        sample(self, tally);
    }
    return status;
}
