/* The invariants, in an order in which each may rely on those before it. */
#include "rns_table_inline.h"

static rns_damage_t damage(const char* invariant, uint32_t index)
{
    return (rns_damage_t){RNS_DAMAGE_INVARIANT, invariant, 0, index};
}

/// Verify I6 and I7, so that what follows may rely on count <= capacity.
static rns_damage_t check_counts(const rns_table_t* self)
{
    rns_table_stats_t stats;
    rns_table_stats(self, &stats);
    if (self->count > self->count_most) {
        return damage("I6", self->count);
    }
#if RNS_STATS
    if (self->count > stats.high_water || stats.high_water > self->count_most) {
        return damage("I6", stats.high_water);
    }
    const rns_counter_t gone = stats.removes + stats.culls + stats.overwrites + stats.expired;
    if ((rns_counter_t)(stats.inserts - gone) != self->count) {
        return damage("I7", self->count);
    }
#endif
    return (rns_damage_t){0};
}

/// Verify I1 and I2. An entry of the first list that came again would need two predecessors.
static rns_damage_t check_lists(const rns_table_t* self)
{
    uint32_t before = RNS_TABLE_NONE;
    uint32_t count = 0;
    for (uint32_t e = self->oldest; e != RNS_TABLE_NONE; e = self->entries[e].newer) {
        if (e >= self->capacity || count == self->count || self->entries[e].older != before) {
            return damage("I1", e);
        }
        before = e;
        ++count;
    }
    if (count != self->count || before != self->newest) {
        return damage("I1", before);
    }
    for (uint32_t e = self->first_free; e != RNS_TABLE_NONE; e = self->entries[e].newer) {
        if (e >= self->capacity || count == self->capacity ||
            self->entries[e].older != RNS_TABLE_FREE) {
            return damage("I2", e);
        }
        ++count;
    }
    if (count != self->capacity) {
        return damage("I2", count);
    }
    return (rns_damage_t){0};
}

/// Verify that as many cells are used as there are entries, each for an entry.
static rns_damage_t check_cells(const rns_table_t* self)
{
    uint32_t used = 0;
    for (uint32_t i = 0; i <= self->cell_mask; ++i) {
        const uint32_t cell = self->cells[i];
        const bool is_sound =
            (cell & RNS_TABLE_CELL_USED) != 0 && (cell & RNS_TABLE_CELL_ENTRY) < self->capacity;
        if (cell != 0 && !is_sound) {
            return damage("I4", i);
        }
        used += cell != 0;
    }
    if (used != self->count) {
        return damage("I4", used);
    }
    return (rns_damage_t){0};
}

/// Tell whether the cell of an entry comes before an empty one.
static bool is_reached(const rns_table_t* self, uint32_t entry)
{
    const uint32_t wanted = table_cell(entry, self->entries[entry].hash);
    uint32_t cell = self->entries[entry].hash & self->cell_mask;
    while (self->cells[cell] != 0 && self->cells[cell] != wanted) {
        cell = (cell + 1u) & self->cell_mask;
    }
    return self->cells[cell] == wanted;
}

rns_damage_t rns_table_check(const rns_table_t* self)
{
    rns_damage_t found = check_counts(self);
    if (found.status == RNS_OK) {
        found = check_lists(self);
    }
    if (found.status == RNS_OK) {
        found = check_cells(self);
    }
    if (found.status != RNS_OK) {
        return found;
    }
    for (uint32_t e = self->oldest; e != RNS_TABLE_NONE; e = self->entries[e].newer) {
        const uint32_t hash = self->entries[e].hash;
        if (rns_hash(self->seed, table_key(self, e), self->key_bytes) != hash) {
            return damage("I3", e);
        }
        if (!is_reached(self, e)) {
            return damage("I4", e);
        }
        if (table_locate(self, table_key(self, e), hash).entry != e) {
            return damage("I5", e);
        }
    }
    return found;
}
