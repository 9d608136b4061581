#include "rns_slots.h"

static rns_status_t place(const rns_slots_t* self, const rns_event_t* event,
                          rns_slot_place_t* place)
{
    *place = (rns_slot_place_t){NULL, RNS_SLOTS_NONE, RNS_SLOTS_NONE};
    const rns_status_t status =
        rns_pool_take(self->pool, (size_t)event->size_bytes, RNS_PRIORITY_NORMAL, &place->slot);
    if (status != RNS_OK) {
        return status > RNS_OK ? RNS_OK : RNS_DAMAGE_INVARIANT; // A miss is no fault.
    }
    return rns_pool_locate(self->pool, place->slot, &place->tier, &place->index);
}

rns_status_t rns_slots_run(rns_slots_t* self, size_t first, size_t end)
{
    rns_status_t status = RNS_OK;
    for (size_t i = first; i < end && status == RNS_OK; ++i) {
        rns_slot_place_t* const where = &self->places[self->block[i]];
        if (self->events[i].op == RNS_EVENT_ALLOC) {
            status = place(self, &self->events[i], where);
        } else if (where->slot != NULL) {
            status = rns_pool_give(self->pool, where->slot);
        }
    }
    return status == RNS_OK ? RNS_OK : RNS_DAMAGE_INVARIANT;
}
