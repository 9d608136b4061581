#include "bytes_fixture.h"

#include <stdlib.h>
#include <string.h>

#if RNS_EXTRAS
static void* take_block(void* context, size_t size_bytes)
{
    test_heap_t* const heap = context;
    for (uint32_t i = 0; i < BLOCKS_MAX && !heap->is_off; ++i) {
        if (heap->blocks[i] == NULL) {
            heap->blocks[i] = malloc(size_bytes);
            ++heap->out_count;
            return heap->blocks[i];
        }
    }
    return NULL;
}

static bool give_block(void* context, void* block)
{
    test_heap_t* const heap = context;
    for (uint32_t i = 0; i < BLOCKS_MAX; ++i) {
        if (heap->blocks[i] == block) {
            heap->blocks[i] = NULL;
            --heap->out_count;
            free(block);
            return true;
        }
    }
    return false;
}
#endif

void bytes_fixture_init(bytes_fixture_t* self, const bytes_setup_t* setup)
{
    *self = (bytes_fixture_t){0};
    const uint32_t slot_count = setup->slot_count == 0 ? 8u : setup->slot_count;
    const rns_tier_config_t tiers[] = {
        {.slot_bytes = 64, .slot_count = slot_count},
        {.slot_bytes = 256, .slot_count = slot_count},
        {.slot_bytes = 512, .slot_count = slot_count},
        {.slot_bytes = 1024, .slot_count = slot_count},
    };
    rns_pool_config_t config =
        POOL_CONFIG(tiers, setup->is_spilling ? RNS_POLICY_SPILL : RNS_POLICY_STRICT);
    config.header_bytes = RNS_BUFFER_HEADER_BYTES;
#if RNS_EXTRAS
    if (setup->has_fallback) {
        config.fallback =
            (rns_fallback_t){.take = take_block, .give = give_block, .context = &self->heap};
    }
#endif
    pool_fixture_init(&self->pool, &config);
    rns_store_options_t options = setup->options;
    options.fault = &self->fault;
    CHECK_STATUS(rns_store_init(&self->store, &self->pool.pool, &options), RNS_OK);
}

void bytes_fixture_plain(bytes_fixture_t* self)
{
    bytes_fixture_init(self, &(bytes_setup_t){0});
}

void bytes_fixture_end(bytes_fixture_t* self)
{
    const rns_pool_stats_t stats = pool_stats(&self->pool);
    CHECK_EQUAL(stats.in_use, 0);
    CHECK_EQUAL(stats.fallbacks, stats.fallback_gives);
    CHECK_EQUAL(self->heap.out_count, 0);
    CHECK_STATUS(rns_store_check(&self->store).status, RNS_OK);
    pool_fixture_end(&self->pool);
}

rns_bytes_t bytes_of(bytes_fixture_t* self, const char* text)
{
    rns_bytes_t bytes;
    CHECK_STATUS(rns_bytes_init(&bytes, &self->store, text, strlen(text)), RNS_OK);
    return bytes;
}

rns_bytes_t bytes_filled(bytes_fixture_t* self, uint8_t byte, size_t length)
{
    uint8_t* const data = malloc(length + 1u);
    memset(data, byte, length + 1u);
    rns_bytes_t bytes;
    CHECK_STATUS(rns_bytes_init(&bytes, &self->store, data, length), RNS_OK);
    free(data);
    return bytes;
}

bool bytes_are(const rns_bytes_t* bytes, const void* data, size_t length)
{
    return rns_bytes_length(bytes) == length &&
           (length == 0 || memcmp(rns_bytes_data(bytes), data, length) == 0);
}

bool bytes_read(const rns_bytes_t* bytes, const char* text)
{
    return bytes_are(bytes, text, strlen(text));
}

bool bytes_are_all(const rns_bytes_t* bytes, uint8_t byte, size_t length)
{
    for (size_t i = 0; i < bytes->length; ++i) {
        if (rns_bytes_data(bytes)[i] != byte) {
            return false;
        }
    }
    return bytes->length == length;
}

void bytes_end(bytes_fixture_t* self, rns_bytes_t* bytes)
{
    CHECK_STATUS(rns_bytes_drop(bytes, &self->store), RNS_OK);
    CHECK(bytes->buffer == NULL && bytes->offset == 0 && bytes->length == 0);
}

uint64_t requests_of(bytes_fixture_t* self)
{
    return rns_cell_load(&self->fault.requests);
}

uint32_t in_use_of(bytes_fixture_t* self)
{
    const rns_pool_stats_t stats = pool_stats(&self->pool);
    return stats.in_use + (uint32_t)(stats.fallbacks - stats.fallback_gives);
}

typedef struct {
    const rns_bytes_t* handles;
    size_t handle_count;
    const rns_bytes_view_t* views;
    size_t view_count;
} owners_t;

static void check_buffer(void* context, const rns_live_buffer_t* live)
{
    const owners_t* const owners = context;
    uint32_t refs = 0;
    for (size_t i = 0; i < owners->handle_count; ++i) {
        const rns_bytes_t* const handle = &owners->handles[i];
        if (handle->buffer == live->buffer) {
            ++refs;
            CHECK(handle->offset + handle->length <= live->capacity); /* I16 */
            CHECK(handle->length > 0 || live->refs == 1);             /* I17 */
            CHECK(live->refs == 1 ||                                  /* I15 */
                  handle->offset + handle->length <= rns_cell_load(&live->buffer->used));
        }
    }
    for (size_t i = 0; i < owners->view_count; ++i) {
        refs += owners->views[i].pin == live->buffer ? 1u : 0u;
    }
    CHECK_EQUAL(live->refs, refs);
}

void check_refs(bytes_fixture_t* self, const rns_bytes_t* handles, size_t handle_count,
                const rns_bytes_view_t* views, size_t view_count)
{
    owners_t owners = {handles, handle_count, views, view_count};
    rns_store_each_live(&self->store, check_buffer, &owners);
    for (size_t i = 0; i < handle_count; ++i) {
        CHECK(handles[i].buffer != NULL || (handles[i].offset == 0 && handles[i].length == 0));
    }
    CHECK_STATUS(rns_store_check(&self->store).status, RNS_OK);
}
