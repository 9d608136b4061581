#include "rns_trace.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEVER UINT32_C(0) // State of an id; a live one has its block number + 1.
#define FREED UINT32_MAX

_Static_assert(sizeof(rns_event_t) == 32, "Python mirrors the event without padding");
_Static_assert(RNS_TRACE_EVENTS_MAX < FREED, "a block number must not look like a state");

typedef struct {
    uint64_t id;
    uint32_t state;
} entry_t;

/// State of every id: an array over the range of ids when it is narrow, else a hash table.
typedef struct {
    uint32_t* state; ///< By id - id_first; NULL when the table is hashed.
    entry_t* entry;
    uint64_t id_first;
    uint64_t id_last;
    uint64_t mask;
    uint64_t seed;
    uint32_t unknown; ///< State of all ids that are never allocated; stays NEVER.
} ids_t;

// A bijection of 64 bit whose high and low bits all depend on all of x (David Stafford's Mix13).
static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

static bool ids_init(ids_t* self, const rns_trace_t* trace)
{
    size_t alloc_count = 0;
    memset(self, 0, sizeof *self);
    self->id_first = UINT64_MAX;
    for (size_t row = 0; row < trace->event_count; ++row) {
        const rns_event_t* const event = &trace->event[row];
        if (event->op == RNS_EVENT_ALLOC) {
            self->id_first = event->id < self->id_first ? event->id : self->id_first;
            self->id_last = event->id > self->id_last ? event->id : self->id_last;
            ++alloc_count;
        }
    }
    const uint64_t span = alloc_count == 0 ? 0 : self->id_last - self->id_first;
    if (span <= 4 * (uint64_t)alloc_count + 1024) {
        self->state = calloc((size_t)span + 1, sizeof *self->state);
        return self->state != NULL;
    }
    size_t capacity = 16;
    while (capacity < 2 * alloc_count) {
        capacity *= 2;
    }
    self->entry = calloc(capacity, sizeof *self->entry);
    self->mask = capacity - 1;
    // Where the table lies is not known to whoever wrote the trace, so neither is what collides.
    self->seed = mix((uint64_t)(uintptr_t)self->entry);
    return self->entry != NULL;
}

static void ids_drop(ids_t* self)
{
    free(self->state);
    free(self->entry);
}

// Never fills up: it has twice as many entries as there are allocations to make one.
static uint32_t* ids_find(ids_t* self, uint64_t id, bool insert)
{
    if (self->state != NULL) {
        const bool known = id >= self->id_first && id <= self->id_last;
        return known ? &self->state[id - self->id_first] : &self->unknown;
    }
    uint64_t index = mix(id ^ self->seed) & self->mask;
    while (self->entry[index].state != NEVER && self->entry[index].id != id) {
        index = (index + 1) & self->mask;
    }
    if (self->entry[index].state == NEVER) {
        if (!insert) {
            return &self->unknown;
        }
        self->entry[index].id = id;
    }
    return &self->entry[index].state;
}

static uint64_t row_of_block(const rns_trace_t* self, uint32_t block)
{
    uint64_t row = 0;
    for (uint32_t seen = 0; self->event[row].op != RNS_EVENT_ALLOC || seen++ != block; ++row) {
    }
    return row;
}

static void refuse_unsigned(rns_trace_fault_t* fault, rns_trace_error_t code, const char* field,
                            uint64_t limit, uint64_t value)
{
    rns_trace_fault_set(fault, code, field, limit);
    (void)snprintf(fault->value, sizeof fault->value, "%" PRIu64, value);
}

static void refuse_time(rns_trace_fault_t* fault, rns_trace_error_t code, int64_t limit,
                        int64_t value)
{
    rns_trace_fault_set(fault, code, "t_ns", (uint64_t)limit);
    (void)snprintf(fault->value, sizeof fault->value, "%" PRId64, value);
}

// Everything about an event but its id; `before_ns` is the time of the event in front of it.
static bool event_is_sound(const rns_event_t* event, int64_t before_ns, uint32_t site_count,
                           rns_trace_fault_t* fault)
{
    const bool is_free = event->op == RNS_EVENT_FREE;
    if (event->op != RNS_EVENT_ALLOC && !is_free) {
        refuse_unsigned(fault, RNS_TRACE_OP_UNKNOWN, "op", 0, event->op);
    } else if (event->t_ns < 0) {
        refuse_time(fault, RNS_TRACE_TIME_NEGATIVE, 0, event->t_ns);
    } else if (event->t_ns > RNS_TRACE_TIME_NS_MAX) {
        refuse_time(fault, RNS_TRACE_OVER_LIMIT, RNS_TRACE_TIME_NS_MAX, event->t_ns);
    } else if (event->t_ns < before_ns) {
        refuse_time(fault, RNS_TRACE_TIME_BACKWARD, before_ns, event->t_ns);
    } else if (is_free && event->size_bytes != 0) {
        refuse_unsigned(fault, RNS_TRACE_NOT_EMPTY, "size", 0, event->size_bytes);
    } else if (event->size_bytes > RNS_TRACE_SIZE_BYTES_MAX) {
        refuse_unsigned(fault, RNS_TRACE_OVER_LIMIT, "size", RNS_TRACE_SIZE_BYTES_MAX,
                        event->size_bytes);
    } else if (is_free && event->site != 0) {
        refuse_unsigned(fault, RNS_TRACE_NOT_EMPTY, "site", 0, event->site);
    } else if (!is_free && event->site >= site_count) {
        refuse_unsigned(fault, RNS_TRACE_SITE_UNKNOWN, "site", site_count, event->site);
    } else {
        return true;
    }
    return false;
}

static rns_trace_error_t number_blocks(const rns_trace_t* self, ids_t* ids, uint32_t* block,
                                       rns_trace_fault_t* fault)
{
    uint32_t block_count = 0;
    int64_t before_ns = 0;
    for (size_t row = 0; row < self->event_count; ++row) {
        const rns_event_t* const event = &self->event[row];
        if (!event_is_sound(event, before_ns, self->site_count, fault)) {
            fault->row = row;
            return fault->code;
        }
        before_ns = event->t_ns;
        const bool is_alloc = event->op == RNS_EVENT_ALLOC;
        uint32_t* const state = ids_find(ids, event->id, is_alloc);
        const bool is_live = *state != NEVER && *state != FREED;
        if (is_alloc && !is_live) {
            block[row] = block_count++;
            *state = block_count;
        } else if (!is_alloc && is_live) {
            block[row] = *state - 1;
            *state = FREED;
        } else {
            const bool never = *state == NEVER;
            const rns_trace_error_t code = is_alloc ? RNS_TRACE_ID_LIVE
                                           : never  ? RNS_TRACE_ID_UNKNOWN
                                                    : RNS_TRACE_ID_FREED;
            const uint64_t since = is_alloc ? row_of_block(self, *state - 1) : 0;
            refuse_unsigned(fault, code, "id", since, event->id);
            fault->row = row;
            return code;
        }
    }
    return RNS_TRACE_OK;
}

rns_trace_error_t rns_trace_index(const rns_trace_t* self, uint32_t* block,
                                  rns_trace_fault_t* fault)
{
    memset(fault, 0, sizeof *fault);
    rns_trace_fault_set(fault, RNS_TRACE_OK, "", 0);
    if (self->event_count == 0) {
        fault->code = RNS_TRACE_NO_EVENTS;
    } else if (self->event_count > RNS_TRACE_EVENTS_MAX) {
        refuse_unsigned(fault, RNS_TRACE_EVENT_COUNT, "", RNS_TRACE_EVENTS_MAX, self->event_count);
    } else if (self->site_count > RNS_TRACE_SITES_MAX) {
        refuse_unsigned(fault, RNS_TRACE_SITE_COUNT, "", RNS_TRACE_SITES_MAX, self->site_count);
    } else {
        ids_t ids;
        if (ids_init(&ids, self)) {
            (void)number_blocks(self, &ids, block, fault);
        } else {
            fault->code = RNS_TRACE_MEMORY;
        }
        ids_drop(&ids);
    }
    return fault->code;
}

bool rns_trace_pair(rns_event_t* event, size_t event_count, rns_trace_pairing_t* out)
{
    ids_t ids;
    uint32_t block = 0;
    int64_t latest_ns = 0;
    if (!ids_init(&ids, &(rns_trace_t){event, event_count, 0})) {
        ids_drop(&ids);
        return false;
    }
    *out = (rns_trace_pairing_t){0};
    for (size_t row = 0; row < event_count; ++row) {
        rns_event_t next = event[row];
        const bool is_alloc = next.op == RNS_EVENT_ALLOC;
        if (!is_alloc && next.op != RNS_EVENT_FREE) {
            continue;
        }
        uint32_t* const state = ids_find(&ids, next.id, is_alloc);
        const bool is_live = *state != NEVER && *state != FREED;
        if (is_alloc) {
            out->unfreed_reuses += is_live;
            *state = ++block;
        } else if (!is_live) {
            ++out->unpaired_frees;
            continue;
        }
        next.id = *state - 1;
        *state = is_alloc ? *state : FREED;
        // A thread may read the clock before another one, and take its number after it.
        latest_ns = next.t_ns > latest_ns ? next.t_ns : latest_ns;
        next.t_ns = latest_ns;
        event[out->event_count++] = next;
    }
    ids_drop(&ids);
    return true;
}

void rns_trace_fault_set(rns_trace_fault_t* self, rns_trace_error_t code, const char* field,
                         uint64_t limit)
{
    self->code = code;
    self->field = field;
    self->limit = limit;
    self->value[0] = '\0';
}

void rns_trace_fault_quote(rns_trace_fault_t* self, const char* text, size_t text_bytes)
{
    static const char HEX[] = "0123456789abcdef";
    size_t used = 0;
    size_t next = 0;
    for (; next < text_bytes; ++next) {
        const unsigned char byte = (unsigned char)text[next];
        const bool printable = byte >= 0x20 && byte < 0x7F && byte != '\\';
        if (used + (printable ? 1 : 4) > RNS_TRACE_VALUE_CHARS) {
            break;
        }
        if (printable) {
            self->value[used++] = (char)byte;
        } else {
            self->value[used++] = '\\';
            self->value[used++] = 'x';
            self->value[used++] = HEX[byte >> 4];
            self->value[used++] = HEX[byte & 15];
        }
    }
    memcpy(&self->value[used], next < text_bytes ? "..." : "", next < text_bytes ? 4 : 1);
}

const char* rns_trace_error_name(rns_trace_error_t code)
{
    switch (code) {
    case RNS_TRACE_OK:
        return "OK";
    case RNS_TRACE_HEADER:
        return "HEADER";
    case RNS_TRACE_LINE_EMPTY:
        return "LINE_EMPTY";
    case RNS_TRACE_LINE_LONG:
        return "LINE_LONG";
    case RNS_TRACE_META_COUNT:
        return "META_COUNT";
    case RNS_TRACE_FIELD_COUNT:
        return "FIELD_COUNT";
    case RNS_TRACE_NOT_DECIMAL:
        return "NOT_DECIMAL";
    case RNS_TRACE_NOT_AN_OP:
        return "NOT_AN_OP";
    case RNS_TRACE_NOT_EMPTY:
        return "NOT_EMPTY";
    case RNS_TRACE_SITE_LONG:
        return "SITE_LONG";
    case RNS_TRACE_NOT_TEXT:
        return "NOT_TEXT";
    case RNS_TRACE_SITE_COUNT:
        return "SITE_COUNT";
    case RNS_TRACE_NO_EVENTS:
        return "NO_EVENTS";
    case RNS_TRACE_EVENT_COUNT:
        return "EVENT_COUNT";
    case RNS_TRACE_OVER_LIMIT:
        return "OVER_LIMIT";
    case RNS_TRACE_TIME_NEGATIVE:
        return "TIME_NEGATIVE";
    case RNS_TRACE_TIME_BACKWARD:
        return "TIME_BACKWARD";
    case RNS_TRACE_OP_UNKNOWN:
        return "OP_UNKNOWN";
    case RNS_TRACE_SITE_UNKNOWN:
        return "SITE_UNKNOWN";
    case RNS_TRACE_ID_LIVE:
        return "ID_LIVE";
    case RNS_TRACE_ID_UNKNOWN:
        return "ID_UNKNOWN";
    case RNS_TRACE_ID_FREED:
        return "ID_FREED";
    case RNS_TRACE_MEMORY:
        return "MEMORY";
    }
    return "UNKNOWN";
}
