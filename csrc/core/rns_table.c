#include "rns_table_inline.h"

#if RNS_STATS
#    define COUNT(self, name) ((void)++(self)->stats.name)
#else
#    define COUNT(self, name) ((void)0)
#endif

static void copy(unsigned char* to, const unsigned char* from, uint32_t count)
{
    for (uint32_t i = 0; i < count; ++i) {
        to[i] = from[i];
    }
}

static void clear(unsigned char* bytes, uint32_t count)
{
    for (uint32_t i = 0; i < count; ++i) {
        bytes[i] = 0;
    }
}

/* ---- Index ---------------------------------------------------------------------------------- */

/// As table_locate(), and keep the longest probe.
static table_place_t look_up(rns_table_t* self, const unsigned char* key, uint32_t hash)
{
    const table_place_t place = table_locate(self, key, hash);
#if RNS_STATS
    if (place.distance >= self->stats.longest_probe) {
        self->stats.longest_probe = place.distance + 1u;
    }
#endif
    return place;
}

/// Empty a cell and shift back those that follow, so that none stands behind a gap.
static void empty_cell(rns_table_t* self, uint32_t gap)
{
    const uint32_t mask = self->cell_mask;
    uint32_t cell = gap;
    for (;;) {
        cell = (cell + 1u) & mask;
        if (self->cells[cell] == 0) {
            break;
        }
        const uint32_t home = self->entries[self->cells[cell] & RNS_TABLE_CELL_ENTRY].hash & mask;
        if (((cell - home) & mask) >= ((cell - gap) & mask)) { /* its home is not behind the gap */
            self->cells[gap] = self->cells[cell];
            gap = cell;
        }
    }
    self->cells[gap] = 0;
}

/// Return the cell that holds a live entry; any other one if the index is damaged.
static uint32_t cell_of(const rns_table_t* self, uint32_t entry)
{
    const uint32_t wanted = table_cell(entry, self->entries[entry].hash);
    uint32_t cell = self->entries[entry].hash & self->cell_mask;
    for (uint32_t i = 0; i < self->cell_mask && self->cells[cell] != wanted; ++i) {
        cell = (cell + 1u) & self->cell_mask;
    }
    return cell;
}

/* ---- Entries -------------------------------------------------------------------------------- */

/// Keep what rns_table_each() is about to visit right while an entry goes.
static void step_aside(rns_table_t* self, uint32_t entry)
{
    if (self->each_next == entry) {
        self->each_next = entry == self->each_last ? RNS_TABLE_NONE : self->entries[entry].newer;
    }
    if (self->each_last == entry) {
        self->each_last = self->entries[entry].older;
    }
}

/// Take an entry out of index and order; it is neither live nor free then.
static void unlink_entry(rns_table_t* self, uint32_t entry, uint32_t cell)
{
    step_aside(self, entry);
    const uint32_t newer = self->entries[entry].newer;
    const uint32_t older = self->entries[entry].older;
    *(older == RNS_TABLE_NONE ? &self->oldest : &self->entries[older].newer) = newer;
    *(newer == RNS_TABLE_NONE ? &self->newest : &self->entries[newer].older) = older;
    empty_cell(self, cell);
    --self->count;
}

static void release_entry(rns_table_t* self, uint32_t entry)
{
    self->entries[entry].older = RNS_TABLE_FREE;
    self->entries[entry].newer = self->first_free;
    self->first_free = entry;
}

static void tell(rns_table_t* self, uint32_t entry)
{
    if (self->on_drop.drop != NULL) {
        self->is_in_hook = true;
        self->on_drop.drop(self->on_drop.context, table_key(self, entry),
                           table_value(self, entry));
        self->is_in_hook = false;
    }
}

static void drop_entry(rns_table_t* self, uint32_t entry)
{
    unlink_entry(self, entry, cell_of(self, entry));
    tell(self, entry);
    release_entry(self, entry);
}

/// Count a call that would change the table under its own hook.
static RNS_COLD rns_status_t refuse(rns_table_t* self)
{
    COUNT(self, reentrant);
    (void)self;
    return RNS_MISUSE_REENTRANT;
}

/* ---- Cull ----------------------------------------------------------------------------------- */

static bool is_older(const rns_table_t* self, uint32_t a, uint32_t b)
{
    const rns_table_entry_t* const left = &self->entries[a];
    const rns_table_entry_t* const right = &self->entries[b];
    return left->time_ns != right->time_ns ? left->time_ns < right->time_ns
                                           : left->rank < right->rank;
}

/// Let the entry at `at` sink until no child of it is older.
static void sink(rns_table_t* self, uint32_t at, uint32_t heap_count)
{
    uint32_t* const heap = self->heap;
    const uint32_t sinking = heap[at];
    for (uint32_t child = 2u * at + 1u; child < heap_count; child = 2u * at + 1u) {
        if (child + 1u < heap_count && is_older(self, heap[child + 1u], heap[child])) {
            ++child;
        }
        if (!is_older(self, heap[child], sinking)) {
            break;
        }
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = sinking;
}

/// Drop the oldest entries, oldest first, until cull_to_count are left.
static void cull(rns_table_t* self)
{
    uint32_t heap_count = 0;
    for (uint32_t e = self->oldest; e != RNS_TABLE_NONE; e = self->entries[e].newer) {
        self->entries[e].rank = heap_count;
        self->heap[heap_count] = e;
        ++heap_count;
    }
    for (uint32_t at = heap_count / 2u; at-- > 0;) {
        sink(self, at, heap_count);
    }
    while (self->count > self->cull_to_count) {
        const uint32_t victim = self->heap[0];
        --heap_count;
        self->heap[0] = self->heap[heap_count];
        sink(self, 0, heap_count);
        COUNT(self, culls);
        drop_entry(self, victim);
    }
    COUNT(self, cull_runs);
}

/* ---- Operations ----------------------------------------------------------------------------- */

/// Make room for one more entry as the policy says; return false if it refuses.
static bool make_room(rns_table_t* self)
{
    if (self->policy == RNS_TABLE_REJECT) {
        COUNT(self, rejects);
        return false;
    }
    if (self->policy == RNS_TABLE_CULL_OLDEST) {
        cull(self);
    } else {
        COUNT(self, overwrites);
        drop_entry(self, self->oldest);
    }
    return true;
}

/// Make the first free entry the newest one, under a key that is not in the table.
static uint32_t append_entry(rns_table_t* self, const unsigned char* key, uint32_t hash,
                             uint32_t cell)
{
    const uint32_t entry = self->first_free;
    rns_table_entry_t* const fields = &self->entries[entry];
    self->first_free = fields->newer;
    fields->hash = hash;
    fields->newer = RNS_TABLE_NONE;
    fields->older = self->newest;
    *(self->newest == RNS_TABLE_NONE ? &self->oldest : &self->entries[self->newest].newer) = entry;
    self->newest = entry;
    copy(table_key(self, entry), key, self->key_bytes);
    self->cells[cell] = table_cell(entry, hash);
    ++self->count;
#if RNS_STATS
    if (self->count > self->stats.high_water) {
        self->stats.high_water = self->count;
    }
#endif
    return entry;
}

rns_status_t rns_table_put(rns_table_t* self, const void* key, const void* value, uint64_t now_ns,
                           void** out)
{
    void* ignored = NULL;
    out = out == NULL ? &ignored : out;
    *out = NULL;
    if (self->is_in_hook) {
        return refuse(self);
    }
    COUNT(self, puts);
    const uint32_t hash = rns_hash(self->seed, key, self->key_bytes);
    table_place_t place = look_up(self, key, hash);
    const bool is_new = place.entry == RNS_TABLE_NONE;
    if (!is_new) {
        COUNT(self, updates);
        if (value != NULL) {
            tell(self, place.entry);
        }
    } else {
        if (self->count >= self->count_most) {
            if (!make_room(self)) {
                return RNS_MISS_EXHAUSTED;
            }
            place = look_up(self, key, hash); /* the cells have shifted */
        }
        place.entry = append_entry(self, key, hash, place.cell);
    }
    self->entries[place.entry].time_ns = now_ns;
    *out = table_value(self, place.entry);
    if (value != NULL) {
        copy(*out, value, self->value_bytes);
    } else if (is_new) {
        clear(*out, self->value_bytes);
    }
    return is_new ? RNS_OK : RNS_MISS_PRESENT;
}

rns_status_t rns_table_find(rns_table_t* self, const void* key, void** out)
{
    *out = NULL;
    COUNT(self, finds);
    const table_place_t place = look_up(self, key, rns_hash(self->seed, key, self->key_bytes));
    if (place.entry == RNS_TABLE_NONE) {
        return RNS_MISS_ABSENT;
    }
    COUNT(self, hits);
    *out = table_value(self, place.entry);
    return RNS_OK;
}

rns_status_t rns_table_touch(rns_table_t* self, const void* key, uint64_t now_ns)
{
    if (self->is_in_hook) {
        return refuse(self);
    }
    const table_place_t place = look_up(self, key, rns_hash(self->seed, key, self->key_bytes));
    if (place.entry == RNS_TABLE_NONE) {
        return RNS_MISS_ABSENT;
    }
    self->entries[place.entry].time_ns = now_ns;
    return RNS_OK;
}

rns_status_t rns_table_remove(rns_table_t* self, const void* key, void* value_out)
{
    if (self->is_in_hook) {
        return refuse(self);
    }
    const table_place_t place = look_up(self, key, rns_hash(self->seed, key, self->key_bytes));
    if (place.entry == RNS_TABLE_NONE) {
        return RNS_MISS_ABSENT;
    }
    COUNT(self, removes);
    unlink_entry(self, place.entry, place.cell);
    if (value_out != NULL) {
        copy(value_out, table_value(self, place.entry), self->value_bytes);
    } else {
        tell(self, place.entry);
    }
    release_entry(self, place.entry);
    return RNS_OK;
}

rns_status_t rns_table_expire(rns_table_t* self, uint64_t now_ns, uint64_t max_age_ns,
                              uint32_t* out)
{
    uint32_t expired = 0;
    const rns_status_t status = self->is_in_hook ? refuse(self) : RNS_OK;
    uint32_t entry = status == RNS_OK ? self->oldest : RNS_TABLE_NONE;
    while (entry != RNS_TABLE_NONE) {
        const rns_table_entry_t* const fields = &self->entries[entry];
        const uint32_t newer = fields->newer;
        if (fields->time_ns <= now_ns && now_ns - fields->time_ns > max_age_ns) {
            COUNT(self, expired);
            ++expired;
            drop_entry(self, entry);
        }
        entry = newer;
    }
    if (out != NULL) {
        *out = expired;
    }
    return status;
}

rns_status_t rns_table_reset(rns_table_t* self)
{
    if (self->is_in_hook) {
        return refuse(self);
    }
    while (self->oldest != RNS_TABLE_NONE) {
        drop_entry(self, self->oldest);
    }
    table_make_empty(self);
    return RNS_OK;
}

rns_status_t rns_table_each(rns_table_t* self, rns_table_visitor_t visit, void* context)
{
    if (self->is_in_each) {
        return refuse(self);
    }
    self->is_in_each = true;
    self->each_next = self->oldest;
    self->each_last = self->newest;
    bool goes_on = true;
    while (goes_on && self->each_next != RNS_TABLE_NONE) {
        const uint32_t entry = self->each_next;
        const rns_table_entry_t* const fields = &self->entries[entry];
        self->each_next = entry == self->each_last ? RNS_TABLE_NONE : fields->newer;
        goes_on =
            visit(context, table_key(self, entry), table_value(self, entry), fields->time_ns);
    }
    self->each_next = RNS_TABLE_NONE;
    self->each_last = RNS_TABLE_NONE;
    self->is_in_each = false;
    return RNS_OK;
}

uint32_t rns_table_count(const rns_table_t* self)
{
    return self->count;
}

void rns_table_stats(const rns_table_t* self, rns_table_stats_t* out)
{
#if RNS_STATS
    *out = self->stats;
    out->inserts = out->puts - out->updates - out->rejects;
#else
    *out = (rns_table_stats_t){0};
#endif
    out->capacity = self->capacity;
    out->count = self->count;
}
