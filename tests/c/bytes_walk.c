#include "bytes_walk.h"

#include "bytes_model.h"
#include "shade.h"

#include <stdlib.h>
#include <string.h>

#define HANDLES      24u
#define VIEWS        6u
#define LENGTH_MAX   1400u
#define CHECK_PERIOD 250u

typedef struct {
    bytes_fixture_t f;
    uint64_t random;
    rns_bytes_t handle[HANDLES];
    model_t model[HANDLES];
    rns_bytes_view_t view[VIEWS];
    model_t snapshot[VIEWS];
    uint64_t served;
    uint64_t refused;
} world_t;

/// What an operation works on: bytes of any handle, or of none; `copy` is theirs, for the model.
typedef struct {
    const uint8_t* data;
    uint32_t length;
    uint8_t copy[LENGTH_MAX];
} source_t;

static uint32_t below(world_t* w, uint32_t bound)
{
    return random_below(&w->random, bound);
}

/// Draw a length: mostly short, sometimes beyond the tiers.
static uint32_t draw_length(world_t* w)
{
    static const uint32_t bounds[] = {4, 20, 70, 70, 300, 600, 1100};
    return below(w, bounds[below(w, COUNT_OF(bounds))]);
}

static void draw_source(world_t* w, source_t* out)
{
    const uint32_t from = below(w, HANDLES + 8u);
    out->length = draw_length(w);
    if (from < HANDLES && w->handle[from].length > 0) {
        const rns_bytes_t* const handle = &w->handle[from];
        const uint32_t start = below(w, handle->length);
        const uint32_t rest = handle->length - start;
        out->length = out->length < rest ? out->length : rest;
        out->data = rns_bytes_data(handle) + start;
        memcpy(out->copy, out->data, out->length);
        return;
    }
    for (uint32_t i = 0; i < out->length; ++i) {
        out->copy[i] = (uint8_t)below(w, 256);
    }
    out->data = out->copy;
}

/// Count an answer; tell whether the model has to follow.
static bool is_done(world_t* w, rns_status_t status)
{
    if (status == RNS_OK) {
        ++w->served;
        return true;
    }
    ++w->refused;
    CHECK(status == RNS_MISS_EXHAUSTED || status == RNS_MISS_OVERSIZE);
    return false;
}

static void insert_source(world_t* w, uint32_t a, bool is_front)
{
    source_t source;
    draw_source(w, &source);
    rns_bytes_t* const self = &w->handle[a];
    if (self->length + source.length > LENGTH_MAX) {
        return;
    }
    const rns_status_t status =
        is_front ? rns_bytes_prepend(self, &w->f.store, source.data, source.length)
                 : rns_bytes_append(self, &w->f.store, source.data, source.length);
    if (is_done(w, status)) {
        model_insert(&w->model[a], is_front ? 0 : w->model[a].length, source.copy, source.length);
    }
}

static void insert_handle(world_t* w, uint32_t a, uint32_t b, bool is_front)
{
    rns_bytes_t* const self = &w->handle[a];
    if (self->length + w->handle[b].length > LENGTH_MAX) {
        return;
    }
    const rns_status_t status = is_front
                                    ? rns_bytes_prepend_bytes(self, &w->f.store, &w->handle[b])
                                    : rns_bytes_append_bytes(self, &w->f.store, &w->handle[b]);
    if (is_done(w, status)) {
        const model_t copy = w->model[b];
        model_insert(&w->model[a], is_front ? 0 : w->model[a].length, copy.data, copy.length);
    }
}

static void assign_source(world_t* w, uint32_t a)
{
    source_t source;
    draw_source(w, &source);
    if (is_done(w, rns_bytes_assign(&w->handle[a], &w->f.store, source.data, source.length))) {
        w->model[a].length = 0;
        model_insert(&w->model[a], 0, source.copy, source.length);
    }
}

static void concat(world_t* w, uint32_t a, uint32_t b, uint32_t c)
{
    if (w->handle[b].length + w->handle[c].length > LENGTH_MAX) {
        return;
    }
    if (is_done(w, rns_bytes_concat(&w->handle[a], &w->f.store, &w->handle[b], &w->handle[c]))) {
        model_t sum = w->model[b];
        model_insert(&sum, sum.length, w->model[c].data, w->model[c].length);
        w->model[a] = sum;
    }
}

static void gather(world_t* w, uint32_t a)
{
    rns_span_t spans[3];
    model_t sum = {.length = 0};
    for (size_t i = 0; i < COUNT_OF(spans); ++i) {
        const uint32_t from = below(w, HANDLES);
        spans[i] = rns_bytes_span(&w->handle[from]);
        model_insert(&sum, sum.length, w->model[from].data, w->model[from].length / 4u);
        spans[i].bytes /= 4u;
    }
    if (is_done(w, rns_bytes_gather(&w->handle[a], &w->f.store, spans, COUNT_OF(spans)))) {
        w->model[a] = sum;
    }
}

/// Replace b by a slice of a, as each of the four does it.
static void slice(world_t* w, uint32_t a, uint32_t b)
{
    rns_store_t* const store = &w->f.store;
    const rns_bytes_t* const self = &w->handle[a];
    const uint32_t from = below(w, self->length + 5u);
    const uint32_t length = draw_length(w);
    const uint32_t skipped = length < self->length ? self->length - length : 0;
    rns_bytes_t part;
    model_t expected;
    switch (below(w, 4)) {
    case 0:
        part = rns_bytes_slice(self, store, from, length);
        model_slice(&expected, &w->model[a], from, length);
        break;
    case 1:
        part = rns_bytes_left(self, store, length);
        model_slice(&expected, &w->model[a], 0, length);
        break;
    case 2:
        part = rns_bytes_right(self, store, length);
        model_slice(&expected, &w->model[a], skipped, length);
        break;
    default:
        part = rns_bytes_mid(self, store, from);
        model_slice(&expected, &w->model[a], from, LENGTH_MAX);
    }
    bytes_end(&w->f, &w->handle[b]);
    w->handle[b] = part;
    w->model[b] = expected;
}

static void split(world_t* w, uint32_t a, uint32_t b)
{
    if (a == b) {
        return;
    }
    const uint32_t at = below(w, w->handle[a].length + 1u);
    model_t front = w->model[a];
    model_t back;
    model_slice(&back, &front, at, LENGTH_MAX);
    model_resize(&front, at);
    bytes_end(&w->f, &w->handle[b]);
    if (below(w, 2) == 0) {
        CHECK_STATUS(rns_bytes_split_to(&w->handle[a], &w->f.store, at, &w->handle[b]), RNS_OK);
        w->model[a] = back;
        w->model[b] = front;
    } else {
        CHECK_STATUS(rns_bytes_split_off(&w->handle[a], &w->f.store, at, &w->handle[b]), RNS_OK);
        w->model[a] = front;
        w->model[b] = back;
    }
}

static void unsplit(world_t* w, uint32_t a, uint32_t b)
{
    if (a == b || w->handle[a].length + w->handle[b].length > LENGTH_MAX) {
        return;
    }
    if (is_done(w, rns_bytes_unsplit(&w->handle[a], &w->f.store, &w->handle[b]))) {
        model_insert(&w->model[a], w->model[a].length, w->model[b].data, w->model[b].length);
        w->model[b].length = 0;
    }
}

static void hex(world_t* w, uint32_t a)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    char text[160];
    uint8_t bytes[80];
    const uint32_t count = below(w, 80);
    for (uint32_t i = 0; i < 2u * count; ++i) {
        text[i] = digits[below(w, 22)];
        const char pair[2] = {text[i], '\0'};
        const uint8_t value = (uint8_t)strtoul(pair, NULL, 16);
        bytes[i / 2u] = (uint8_t)(i % 2u == 0 ? value << 4 : bytes[i / 2u] | value);
    }
    const bool is_append = below(w, 2) == 0 && w->handle[a].length + count <= LENGTH_MAX;
    const rns_status_t status =
        is_append ? rns_bytes_append_hex(&w->handle[a], &w->f.store, text, 2u * (size_t)count)
                  : rns_bytes_assign_hex(&w->handle[a], &w->f.store, text, 2u * (size_t)count);
    if (is_done(w, status)) {
        w->model[a].length = is_append ? w->model[a].length : 0;
        model_insert(&w->model[a], w->model[a].length, bytes, count);
    }
}

/// Change all content through writable or try_mut.
static void overwrite(world_t* w, uint32_t a)
{
    rns_bytes_t* const self = &w->handle[a];
    uint8_t* data = NULL;
    const uint32_t length = below(w, 2) == 0 ? self->length : draw_length(w);
    if (below(w, 3) == 0) {
        const bool is_shared = rns_bytes_will_copy(self, &w->f.store);
        CHECK_STATUS(rns_bytes_try_mut(self, &w->f.store, &data),
                     is_shared ? RNS_MISS_SHARED : RNS_OK);
    } else if (is_done(w, rns_bytes_writable(self, &w->f.store, length, &data))) {
        const uint32_t kept = model_clamp(&w->model[a], length);
        CHECK(kept == 0 || memcmp(data, w->model[a].data, kept) == 0);
        w->model[a].length = length;
    }
    if (data != NULL) {
        memset(data, (int)below(w, 256), self->length);
        memcpy(w->model[a].data, data, self->length);
    }
}

static void reshape(world_t* w, uint32_t a)
{
    rns_bytes_t* const self = &w->handle[a];
    rns_store_t* const store = &w->f.store;
    const uint32_t length = draw_length(w);
    switch (below(w, 6)) {
    case 0:
        if (is_done(w, rns_bytes_resize(self, store, length))) {
            model_resize(&w->model[a], length);
        }
        break;
    case 1:
        if (is_done(w, rns_bytes_reserve(self, store, length))) {
            CHECK(rns_bytes_capacity(self) >= length && !rns_bytes_will_copy(self, store));
        }
        break;
    case 2:
        if (is_done(w, rns_bytes_reserve_room(self, store, length / 4u, length / 8u))) {
            CHECK(rns_bytes_headroom(self) >= length / 4u);
            CHECK(rns_bytes_capacity(self) - self->length >= length / 8u);
        }
        break;
    case 3:
        (void)is_done(w, rns_bytes_compact(self, store));
        break;
    case 4:
        if (self->length > 0) {
            const uint32_t index = below(w, self->length);
            const uint8_t byte = (uint8_t)length;
            if (is_done(w, rns_bytes_set(self, store, index, byte))) {
                w->model[a].data[index] = byte;
            }
        }
        break;
    default:
        if (self->length < LENGTH_MAX &&
            is_done(w, rns_bytes_append_byte(self, store, (uint8_t)length))) {
            w->model[a].data[w->model[a].length++] = (uint8_t)length;
        }
    }
}

/// End one view, after a look at its bytes, and begin another.
static void renew_view(world_t* w, uint32_t a)
{
    const uint32_t v = below(w, VIEWS);
    const rns_bytes_view_t* const view = &w->view[v];
    CHECK_EQUAL(view->length, w->snapshot[v].length);
    CHECK(view->length == 0 || memcmp(view->data, w->snapshot[v].data, view->length) == 0);
    CHECK_STATUS(rns_store_unexport(&w->f.store, view->pin), RNS_OK);
    w->view[v] = rns_bytes_export(&w->handle[a], &w->f.store);
    w->snapshot[v] = w->model[a];
}

static void operate(world_t* w)
{
    const uint32_t a = below(w, HANDLES);
    const uint32_t b = below(w, HANDLES);
    switch (below(w, 16)) {
    case 0:
    case 1:
        insert_source(w, a, false);
        break;
    case 2:
        insert_source(w, a, true);
        break;
    case 3:
        insert_handle(w, a, b, below(w, 2) == 0);
        break;
    case 4:
        assign_source(w, a);
        break;
    case 5:
        rns_bytes_assign_bytes(&w->handle[a], &w->f.store, &w->handle[b]);
        w->model[a] = w->model[b];
        break;
    case 6:
    case 7:
        slice(w, a, b);
        break;
    case 8:
        split(w, a, b);
        break;
    case 9:
        unsplit(w, a, b);
        break;
    case 10:
        concat(w, a, b, below(w, HANDLES));
        break;
    case 11:
        hex(w, a);
        break;
    case 12:
        overwrite(w, a);
        break;
    case 13:
        reshape(w, a);
        break;
    case 14:
        renew_view(w, a);
        break;
    default:
        if (below(w, 3) == 0) {
            gather(w, a);
        } else {
            bytes_end(&w->f, &w->handle[a]);
            w->model[a].length = 0;
        }
    }
    ++check_state.operations;
}

/// Verify that every handle reads as its model does.
static bool is_same(const world_t* w)
{
    bool is_good = true;
    for (uint32_t k = 0; k < HANDLES; ++k) {
        is_good = is_good && bytes_are(&w->handle[k], w->model[k].data, w->model[k].length);
    }
    return is_good;
}

#if RNS_OBSERVE
/// Return how many bytes a slot has, 0 for a block of the fallback.
static uint32_t slot_bytes(rns_pool_t* pool, const void* slot)
{
    uint32_t tier = 0;
    uint32_t index = 0;
    return rns_pool_locate(pool, slot, &tier, &index) == RNS_OK
               ? pool->tiers[tier].tier.stride_bytes
               : 0;
}

static void show_slot(void* context, const void* slot, size_t size_bytes)
{
    (void)size_bytes;
    SHOW(slot, slot_bytes(context, slot));
}

static uint64_t begin_give(void* context)
{
    (void)context;
    return 0;
}

static void hide_slot(void* context, uint64_t number, const void* slot, rns_status_t status)
{
    (void)number;
    CHECK_STATUS(status, RNS_OK);
    HIDE(slot, slot_bytes(context, slot));
}
#endif

/// Hide all slots, and from now on those that are free, where an observer can be told of them.
static void shade(rns_pool_t* pool)
{
#if RNS_OBSERVE
    static rns_observer_t observer = {
        .took = show_slot, .giving = begin_give, .gave = hide_slot, .context = NULL};
    observer.context = pool;
    for (uint32_t i = 0; i < pool->tier_count; ++i) {
        const rns_tier_t* const tier = &pool->tiers[i].tier;
        HIDE(tier->slots, (size_t)tier->slot_count * tier->stride_bytes);
    }
    CHECK(rns_pool_observe(pool, &observer));
#else
    (void)pool;
#endif
}

static void add_met(world_t* w, bytes_walk_t* met)
{
    const rns_pool_stats_t pool = pool_stats(&w->f.pool);
    const rns_store_stats_t store = rns_store_stats(&w->f.store);
    met->served += w->served;
    met->refused += w->refused;
    met->faults += rns_cell_load(&w->f.fault.failures);
    met->spills += pool.spills;
    met->fallbacks += pool.fallbacks;
    met->store.shares += store.shares;
    met->store.slices += store.slices;
    met->store.cow_copies += store.cow_copies;
    met->store.tail_appends += store.tail_appends;
    met->store.grows += store.grows;
    met->store.compactions += store.compactions;
}

void bytes_walk(const bytes_setup_t* setup, uint64_t seed, uint32_t operations, bytes_walk_t* met)
{
    static world_t w;
    memset(&w, 0, sizeof w);
    w.random = seed;
    bytes_fixture_init(&w.f, setup);
    shade(&w.f.pool.pool);
    rns_fault_fail_rate(&w.f.fault, RNS_FAULT_RATE_ONE / 50u, (uint32_t)seed);
    for (uint32_t i = 0; i < operations; ++i) {
        operate(&w);
        if (!CHECK(is_same(&w))) {
            break;
        }
        if (i % CHECK_PERIOD == 0) {
            check_refs(&w.f, w.handle, HANDLES, w.view, VIEWS);
        }
    }
    add_met(&w, met);
    for (uint32_t k = 0; k < HANDLES; ++k) {
        bytes_end(&w.f, &w.handle[k]);
    }
    for (uint32_t v = 0; v < VIEWS; ++v) {
        CHECK_STATUS(rns_store_unexport(&w.f.store, w.view[v].pin), RNS_OK);
    }
    SHOW(w.f.pool.storage.start, w.f.pool.storage.bytes);
    bytes_fixture_end(&w.f);
}
