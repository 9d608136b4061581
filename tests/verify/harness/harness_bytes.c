/* Each function of rns_bytes.h, rns_store.h and rns_fault.h, on handles of every shape in buffers
 * of a few bytes whose content is anything: unique and shared, whole, cut at either end, empty. */
#include "rns_bytes.h"

static const rns_tier_config_t tiers[] = {
    {.slot_bytes = 4, .slot_count = 4},
    {.slot_bytes = 8, .slot_count = 4},
    {.slot_bytes = 12, .slot_count = 4},
    {.slot_bytes = 16, .slot_count = 4},
};
#define POOL_BYTES 1024u
#define DATA_BYTES 20u

/* What is copied from lies behind the pool, so that the tools can tell how far it is from there.
 */
static unsigned char memory[POOL_BYTES + DATA_BYTES];
static uint8_t* const data = memory + POOL_BYTES;
static uint8_t out[40];
static rns_pool_t pool;
static rns_store_t store;
static rns_fault_t fault;
static rns_bytes_t self;
static rns_bytes_t other;

/// One number of a few, each a case of its own for the tools.
static size_t any_length(void)
{
    switch ((uint32_t)nondet(0, 5)) {
    case 0:
        return 0;
    case 1:
        return 1;
    case 2:
        return 3;
    case 3:
        return 6;
    case 4:
        return 20;
    default:
        return SIZE_MAX;
    }
}

/// As any_length(), but of text that is there.
static size_t any_text_length(void)
{
    const size_t length = any_length();
    return length <= DATA_BYTES ? length : 2;
}

static void empty_store(void)
{
    const rns_pool_config_t config = {.tiers = tiers,
                                      .tier_count = 4,
                                      .policy = RNS_POLICY_SPILL,
                                      .header_bytes = RNS_BUFFER_HEADER_BYTES};
    rns_status_t status = rns_pool_init(&pool, &config, (rns_memory_t){memory, POOL_BYTES});
    harness_assume(status == RNS_OK); /* the memory is aligned */
    const rns_store_options_t options = {.headroom_bytes = shape % 2u, .tailroom_bytes = 1};
    status = rns_store_init(&store, &pool, &options);
    harness_assert(status == RNS_OK);
    for (uint32_t i = 0; i < DATA_BYTES; ++i) {
        data[i] = (uint8_t)nondet(0, UINT8_MAX);
    }
}

/// Handles of 3 bytes: unique, cut in front, cut behind, shared, shared and cut, none.
static void any_handles(void)
{
    empty_store();
    rns_status_t status = rns_bytes_init(&self, &store, data, shape == 5u ? 0 : 4);
    harness_assert(status == RNS_OK);
    other = shape < 3u ? (rns_bytes_t){0} : rns_bytes_share(&self, &store);
    if (shape == 1u || shape == 4u) {
        ++self.offset;
        --self.length;
    } else if (shape == 2u) {
        --self.length;
    }
}

static void check_handles(void)
{
    const uint32_t end = self.offset + self.length;
    if (self.buffer == NULL) {
        harness_assert(end == 0);
    } else {
        harness_assert(end <= self.buffer->capacity);
    }
}

#define READS(name, call)                                                                         \
    void harness_##name(void)                                                                     \
    {                                                                                             \
        any_handles();                                                                            \
        (void)(call);                                                                             \
    }

#define WRITES(name, call)                                                                        \
    void harness_##name(void)                                                                     \
    {                                                                                             \
        any_handles();                                                                            \
        const rns_status_t status = (call);                                                       \
        (void)status;                                                                             \
        check_handles();                                                                          \
    }

/* ---- Reading ---- */
READS(rns_bytes_data, rns_bytes_data(&self))
READS(rns_bytes_length, rns_bytes_length(&self))
READS(rns_bytes_is_empty, rns_bytes_is_empty(&self))
READS(rns_bytes_capacity, rns_bytes_capacity(&self))
READS(rns_bytes_headroom, rns_bytes_headroom(&self))
READS(rns_bytes_tailroom, rns_bytes_tailroom(&self))
READS(rns_bytes_span, rns_bytes_span(&self))
READS(rns_bytes_shares_with, rns_bytes_shares_with(&self, &other))
READS(rns_bytes_refs, rns_bytes_refs(&self, &store))
READS(rns_bytes_is_unique, rns_bytes_is_unique(&self, &store))
READS(rns_bytes_will_copy, rns_bytes_will_copy(&self, &store))
READS(rns_bytes_get, rns_bytes_get(&self, any_length(), out))
READS(rns_bytes_find, rns_bytes_find(&self, any_length(), data, any_length()))
READS(rns_bytes_rfind, rns_bytes_rfind(&self, data, any_length()))
READS(rns_bytes_starts_with, rns_bytes_starts_with(&self, data, any_length()))
READS(rns_bytes_ends_with, rns_bytes_ends_with(&self, data, any_length()))
READS(rns_bytes_compare, rns_bytes_compare(&self, data, any_length()))
READS(rns_bytes_compare_bytes, rns_bytes_compare_bytes(&self, &other))
READS(rns_bytes_equal, rns_bytes_equal(&self, &other))
READS(rns_bytes_equal_constant_time, rns_bytes_equal_constant_time(&self, data, any_length()))

void harness_rns_bytes_to_hex(void)
{
    any_handles();
    const rns_status_t status =
        rns_bytes_to_hex(&self, shape % 2u == 0, (char*)out, (size_t)nondet(0, sizeof out));
    (void)status;
}

void harness_rns_bytes_spans(void)
{
    rns_span_t spans[2];
    any_handles();
    const rns_bytes_t list[2] = {self, other};
    rns_bytes_spans(list, 2, spans);
    harness_assert(spans[0].bytes == self.length);
}

/* ---- Sharing ---- */
#define MAKES(name, call)                                                                         \
    void harness_##name(void)                                                                     \
    {                                                                                             \
        any_handles();                                                                            \
        other = (call);                                                                           \
        harness_assert(other.length <= self.length);                                              \
        check_handles();                                                                          \
    }
MAKES(rns_bytes_share, rns_bytes_share(&self, &store))
MAKES(rns_bytes_slice, rns_bytes_slice(&self, &store, any_length(), any_length()))
MAKES(rns_bytes_left, rns_bytes_left(&self, &store, any_length()))
MAKES(rns_bytes_mid, rns_bytes_mid(&self, &store, any_length()))
MAKES(rns_bytes_right, rns_bytes_right(&self, &store, any_length()))
WRITES(rns_bytes_drop, rns_bytes_drop(&self, &store))
WRITES(rns_bytes_clear, (rns_bytes_clear(&self, &store), RNS_OK))
WRITES(rns_bytes_assign_bytes, (rns_bytes_assign_bytes(&self, &store, &other), RNS_OK))
WRITES(rns_bytes_split_to, rns_bytes_split_to(&self, &store, any_length(), &other))
WRITES(rns_bytes_split_off, rns_bytes_split_off(&self, &store, any_length(), &other))
WRITES(rns_bytes_unsplit, rns_bytes_unsplit(&self, &store, &other))
READS(rns_bytes_export, rns_bytes_export(&self, &store))

/* ---- Writing ---- */
WRITES(rns_bytes_init, rns_bytes_init(&self, &store, data, any_length()))
WRITES(rns_bytes_assign, rns_bytes_assign(&self, &store, data, any_length()))
WRITES(rns_bytes_append, rns_bytes_append(&self, &store, data, any_length()))
WRITES(rns_bytes_append_bytes, rns_bytes_append_bytes(&self, &store, &other))
WRITES(rns_bytes_append_byte, rns_bytes_append_byte(&self, &store, data[0]))
WRITES(rns_bytes_prepend, rns_bytes_prepend(&self, &store, data, any_length()))
WRITES(rns_bytes_prepend_bytes, rns_bytes_prepend_bytes(&self, &store, &other))
WRITES(rns_bytes_concat, rns_bytes_concat(&self, &store, &other, &self))
WRITES(rns_bytes_set, rns_bytes_set(&self, &store, any_length(), data[0]))
WRITES(rns_bytes_resize, rns_bytes_resize(&self, &store, any_length()))
WRITES(rns_bytes_reserve, rns_bytes_reserve(&self, &store, any_length()))
WRITES(rns_bytes_reserve_room, rns_bytes_reserve_room(&self, &store, any_length(), any_length()))
WRITES(rns_bytes_compact, rns_bytes_compact(&self, &store))
WRITES(rns_bytes_append_hex,
       rns_bytes_append_hex(&self, &store, (const char*)data, any_text_length()))
WRITES(rns_bytes_assign_hex,
       rns_bytes_assign_hex(&self, &store, (const char*)data, any_text_length()))

void harness_rns_bytes_gather(void)
{
    any_handles();
    const rns_span_t spans[2] = {rns_bytes_span(&self), {data, any_length()}};
    const rns_status_t status = rns_bytes_gather(&self, &store, spans, 2);
    (void)status;
    check_handles();
}

void harness_rns_bytes_writable(void)
{
    uint8_t* place = NULL;
    any_handles();
    if (rns_bytes_writable(&self, &store, any_length(), &place) == RNS_OK) {
        for (uint32_t i = 0; i < self.length; ++i) {
            place[i] = 1;
        }
    }
    check_handles();
}

void harness_rns_bytes_try_mut(void)
{
    uint8_t* place = NULL;
    any_handles();
    if (rns_bytes_try_mut(&self, &store, &place) == RNS_OK) {
        for (uint32_t i = 0; i < self.length; ++i) {
            place[i] = 1;
        }
    }
}

/* ---- Stores and faults ---- */
void harness_rns_store_init(void)
{
    empty_store();
    pool.header_bytes = (uint32_t)nondet(0, UINT32_MAX);
    const rns_store_options_t options = {0};
    const rns_status_t status = rns_store_init(&store, &pool, &options);
    (void)status;
}

void harness_rns_store_take(void)
{
    rns_buffer_t* buffer = NULL;
    empty_store();
    if (rns_store_take(&store, nondet(0, UINT64_MAX), nondet(0, UINT64_MAX), &buffer) == RNS_OK) {
        harness_assert(buffer->refs == 1u);
    }
}

READS(rns_store_give, self.buffer == NULL ? RNS_OK : rns_store_give(&store, self.buffer))
READS(rns_store_unexport, rns_store_unexport(&store, self.buffer))
READS(rns_store_stats, rns_store_stats(&store))
READS(rns_store_check, rns_store_check(&store))

static void look(void* context, const rns_live_buffer_t* live)
{
    (void)context;
    harness_assert(live->tier_index < 4u);
}

READS(rns_store_each_live, (rns_store_each_live(&store, look, NULL), 0))
READS(rns_fault_init, (rns_fault_init(&fault), 0))
READS(rns_fault_fail_nth, (rns_fault_fail_nth(&fault, nondet(0, UINT64_MAX), true), 0))
READS(rns_fault_fail_tier, (rns_fault_fail_tier(&fault, (uint32_t)nondet(0, UINT32_MAX)), 0))
READS(rns_fault_fail_rate, (rns_fault_fail_rate(&fault, (uint32_t)nondet(0, UINT32_MAX),
                                                (uint32_t)nondet(0, UINT32_MAX)),
                            0))

void harness_rns_fault_strikes(void)
{
    rns_fault_init(&fault);
    rns_fault_fail_rate(&fault, (uint32_t)nondet(0, UINT32_MAX), (uint32_t)nondet(0, UINT32_MAX));
    (void)rns_fault_strikes(&fault, (uint32_t)nondet(0, UINT32_MAX));
}
