/* Configuration: what is refused, and how the storage is laid out. */
#include "rns_table_inline.h"

/// Where the parts of the storage begin, from its start. 64 bit hold the largest of tables.
typedef struct {
    uint64_t values;
    uint64_t cells;
    uint64_t heap;
    uint64_t keys;
    uint64_t end;
    uint32_t cell_count;
    uint32_t value_stride_bytes;
} layout_t;

/// Return the alignment that the storage needs.
static size_t storage_alignment(void)
{
    return RNS_ALIGN_BYTES > _Alignof(rns_table_entry_t) ? RNS_ALIGN_BYTES
                                                         : _Alignof(rns_table_entry_t);
}

/// Fill in the percentages that were left zero.
static rns_table_config_t with_defaults(const rns_table_config_t* config)
{
    rns_table_config_t full = *config;
    if (full.cull_at_percent == 0 && full.cull_to_percent == 0) {
        full.cull_at_percent = RNS_TABLE_CULL_AT_PERCENT;
        full.cull_to_percent = RNS_TABLE_CULL_TO_PERCENT;
    }
    return full;
}

static rns_status_t check_config(const rns_table_config_t* config)
{
    if (config->capacity == 0 || config->capacity > RNS_TABLE_CAPACITY_MAX) {
        return RNS_CONFIG_SLOT_COUNT;
    }
    if (config->key_bytes == 0 || config->key_bytes > RNS_TABLE_KEY_BYTES_MAX) {
        return RNS_CONFIG_KEY_BYTES;
    }
    if (config->value_bytes > RNS_TABLE_VALUE_BYTES_MAX) {
        return RNS_CONFIG_SLOT_BYTES;
    }
    if (config->policy != RNS_TABLE_REJECT && config->policy != RNS_TABLE_CULL_OLDEST &&
        config->policy != RNS_TABLE_RING) {
        return RNS_CONFIG_POLICY;
    }
    const rns_table_config_t full = with_defaults(config);
    const bool can_cull =
        full.cull_at_percent <= 100u && full.cull_to_percent < full.cull_at_percent;
    if (config->policy == RNS_TABLE_CULL_OLDEST && !can_cull) {
        return RNS_CONFIG_CULL;
    }
    return RNS_OK;
}

/// Append `count` times `each_bytes` to a layout whose end stays a multiple of the alignment;
/// return where they begin.
static uint64_t append(layout_t* layout, uint32_t count, uint32_t each_bytes)
{
    const uint64_t start = layout->end;
    layout->end += (uint64_t)count * each_bytes + storage_alignment() - 1u;
    layout->end -= layout->end % storage_alignment();
    return start;
}

/// Return the smallest power of two of which `capacity` is at most two thirds.
static uint32_t cells_for(uint32_t capacity)
{
    uint32_t cells = 2u;
    while (cells < capacity + capacity / 2u + 1u) {
        cells *= 2u;
    }
    return cells;
}

static rns_status_t lay_out(const rns_table_config_t* config, layout_t* out)
{
    *out = (layout_t){0};
    const rns_status_t status = check_config(config);
    if (status != RNS_OK) {
        return status;
    }
    layout_t layout = {.cell_count = cells_for(config->capacity)};
    layout.value_stride_bytes = config->value_bytes + RNS_ALIGN_BYTES - 1u;
    layout.value_stride_bytes -= layout.value_stride_bytes % RNS_ALIGN_BYTES;
    const uint32_t heap_count = config->policy == RNS_TABLE_CULL_OLDEST ? config->capacity : 0u;
    (void)append(&layout, config->capacity, sizeof(rns_table_entry_t));
    layout.values = append(&layout, config->capacity, layout.value_stride_bytes);
    layout.cells = append(&layout, layout.cell_count, sizeof(uint32_t));
    layout.heap = append(&layout, heap_count, sizeof(uint32_t));
    layout.keys = append(&layout, config->capacity, config->key_bytes);
    if (layout.end > SIZE_MAX / 2u) { /* so that pointers into it may be subtracted */
        return RNS_CONFIG_OVERFLOW;
    }
    *out = layout;
    return RNS_OK;
}

rns_status_t rns_table_storage_bytes(const rns_table_config_t* config, size_t* out)
{
    layout_t layout;
    const rns_status_t status = lay_out(config, &layout);
    *out = (size_t)layout.end;
    return status;
}

rns_status_t rns_table_init(rns_table_t* self, const rns_table_config_t* config,
                            rns_memory_t storage)
{
    *self = (rns_table_t){0};
    layout_t layout;
    const rns_status_t status = lay_out(config, &layout);
    if (status != RNS_OK) {
        return status;
    }
    if (storage.start == NULL || (uintptr_t)storage.start % storage_alignment() != 0) {
        return RNS_CONFIG_STORAGE_ALIGN;
    }
    if (storage.bytes < layout.end) {
        return RNS_CONFIG_STORAGE_SMALL;
    }
    const rns_table_config_t full = with_defaults(config);
    const bool culls = full.policy == RNS_TABLE_CULL_OLDEST;
    unsigned char* const start = storage.start;
    self->entries = storage.start;
    self->values = start + layout.values;
    self->cells = (uint32_t*)(void*)(start + layout.cells);
    self->heap = culls ? (uint32_t*)(void*)(start + layout.heap) : NULL;
    self->keys = start + layout.keys;
    self->cell_mask = layout.cell_count - 1u;
    self->count_most = culls ? (full.capacity * full.cull_at_percent + 99u) / 100u : full.capacity;
    self->cull_to_count = full.capacity * full.cull_to_percent / 100u;
    self->capacity = full.capacity;
    self->key_bytes = full.key_bytes;
    self->value_bytes = full.value_bytes;
    self->value_stride_bytes = layout.value_stride_bytes;
    self->seed = full.seed;
    self->policy = full.policy;
    self->on_drop = full.on_drop;
    table_make_empty(self);
    return RNS_OK;
}
