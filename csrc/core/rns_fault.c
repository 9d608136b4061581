#include "rns_fault.h"

void rns_fault_init(rns_fault_t* self)
{
    *self = (rns_fault_t){0};
}

void rns_fault_fail_nth(rns_fault_t* self, rns_counter_t nth, bool is_sticky)
{
    self->nth = nth;
    self->is_sticky = is_sticky;
    rns_cell_store(&self->requests, (rns_counter_t)0);
    rns_cell_store(&self->failures, (rns_counter_t)0);
}

void rns_fault_fail_tier(rns_fault_t* self, uint32_t tier_index)
{
    self->tiers |= (uint32_t)1 << (tier_index % 32u);
}

void rns_fault_fail_rate(rns_fault_t* self, uint32_t rate, uint32_t seed)
{
    self->rate = rate;
    /* Spread, since neighbouring seeds would begin alike; 0 is the one state that never moves. */
    const uint32_t state = seed * 0x9E3779B9u + 0x7F4A7C15u;
    rns_cell_store(&self->random, state != 0 ? state : 1u);
}

/// Return a number below RNS_FAULT_RATE_ONE (xorshift32, its better half).
static uint32_t draw(rns_fault_t* self)
{
    uint32_t seen = rns_cell_load(&self->random);
    uint32_t next = 0;
    do {
        next = seen ^ (seen << 13);
        next ^= next >> 17;
        next ^= next << 5;
    } while (!rns_cell_cas(&self->random, &seen, next));
    return next >> 16;
}

bool rns_fault_strikes(rns_fault_t* self, uint32_t home_tier)
{
    rns_counter_t before = rns_cell_load(&self->requests);
    while (!rns_cell_cas(&self->requests, &before, before + 1u)) {
    }
    const rns_counter_t number = before + 1u;
    bool is_hit = self->nth != 0 && (self->is_sticky ? number >= self->nth : number == self->nth);
    is_hit = is_hit || ((self->tiers >> (home_tier % 32u)) & 1u) != 0;
    /* Drawn for every request, so that the sequence does not depend on the other plans. */
    const bool is_drawn = self->rate != 0 && draw(self) < self->rate;
    is_hit = is_hit || is_drawn;
    if (is_hit) {
        rns_cell_add(&self->failures, (rns_counter_t)1);
    }
    return is_hit;
}
