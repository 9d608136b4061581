#include "rns_tune.h"

/// Entries that are compared in one turn: compilers make vector instructions of a fixed number.
#define TURN 16u

size_t rns_tune_entries(const rns_tune_t* self)
{
    return (size_t)self->tiers_max * self->boundary_count * ((size_t)self->units + 1u);
}

int32_t* rns_tune_row(const rns_tune_t* self, uint32_t tiers, uint32_t boundary)
{
    const size_t row = (size_t)(tiers - 1u) * self->boundary_count + (boundary - 1u);
    return &self->best[row * ((size_t)self->units + 1u)];
}

void rns_tune_begin(rns_tune_t* self)
{
    const size_t entries = rns_tune_entries(self);
    for (size_t i = 0; i < entries; ++i) {
        self->best[i] = RNS_TUNE_NONE;
    }
}

static int32_t larger(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

/// Raise each entry of `best` to that of `before` and `hits` more, if that is larger.
static void raise_to(int32_t* restrict best, const int32_t* restrict before, size_t count,
                     int32_t hits)
{
    size_t i = 0;
    for (; i + TURN <= count; i += TURN) {
        for (size_t k = 0; k < TURN; ++k) {
            best[i + k] = larger(best[i + k], before[i + k] + hits);
        }
    }
    for (; i < count; ++i) {
        best[i] = larger(best[i], before[i] + hits);
    }
}

/// A first tier has no pool before it, only its own bytes.
static void offer_first(int32_t* best, size_t entries, size_t cost, int32_t hits)
{
    for (size_t i = cost; i < entries; ++i) {
        best[i] = larger(best[i], hits);
    }
}

void rns_tune_offer(rns_tune_t* self, const rns_tune_range_t* range)
{
    const size_t entries = (size_t)self->units + 1u;
    for (uint32_t choice = 0; choice < range->count; ++choice) {
        const size_t cost = ((size_t)range->slots + choice) * range->slot_units;
        if (cost >= entries) {
            return;
        }
        const int32_t hits = range->hits[choice];
        if (range->lower == 0) {
            offer_first(rns_tune_row(self, 1, range->upper), entries, cost, hits);
            continue;
        }
        for (uint32_t tiers = 2; tiers <= self->tiers_max; ++tiers) {
            raise_to(&rns_tune_row(self, tiers, range->upper)[cost],
                     rns_tune_row(self, tiers - 1u, range->lower), entries - cost, hits);
        }
    }
}
