/* Configuration, storage and contents of the tables. */
#include "rns_transport_inline.h"

#define SECOND_NS ((uint64_t)1000000000)

const uint8_t rns_path_request_address[RNS_PACKET_ADDRESS_BYTES] = {
    0x6B, 0x9F, 0x66, 0x01, 0x4D, 0x98, 0x53, 0xFA,
    0xAB, 0x22, 0x0F, 0xBA, 0x47, 0xD0, 0x27, 0x61};

/// What is fixed about a table; the rest is configured.
typedef struct {
    const char* name;
    uint32_t key_bytes;
    uint32_t value_bytes;
    rns_transport_table_config_t size;
} table_form_t;

#define ADDRESS RNS_PACKET_ADDRESS_BYTES

static const table_form_t forms[RNS_TRANSPORT_TABLES] = {
    [RNS_TRANSPORT_SEEN] = {"seen", RNS_PACKET_HASH_BYTES, 0, {64, RNS_TABLE_RING}},
    [RNS_TRANSPORT_PATHS] = {"paths",
                             ADDRESS,
                             sizeof(transport_path_t),
                             {16, RNS_TABLE_CULL_OLDEST}},
    [RNS_TRANSPORT_ANNOUNCES] = {"announces",
                                 ADDRESS,
                                 sizeof(transport_announce_t),
                                 {8, RNS_TABLE_REJECT}},
    [RNS_TRANSPORT_REVERSE] = {"reverse",
                               ADDRESS,
                               sizeof(transport_reverse_t),
                               {8, RNS_TABLE_REJECT}},
    [RNS_TRANSPORT_LINKS] = {"links", ADDRESS, sizeof(transport_link_t), {8, RNS_TABLE_REJECT}},
    [RNS_TRANSPORT_KNOWN] = {"known",
                             ADDRESS,
                             sizeof(transport_known_t),
                             {2048, RNS_TABLE_CULL_OLDEST}},
    [RNS_TRANSPORT_REQUEST_TAGS] = {"request_tags",
                                    RNS_TRANSPORT_TAG_KEY_BYTES,
                                    0,
                                    {32, RNS_TABLE_RING}},
    [RNS_TRANSPORT_REQUESTS] = {"requests", ADDRESS, 0, {8, RNS_TABLE_REJECT}},
    [RNS_TRANSPORT_DESTINATIONS] = {"destinations", ADDRESS, 0, {32, RNS_TABLE_REJECT}},
    [RNS_TRANSPORT_RECEIPTS] = {"receipts",
                                ADDRESS,
                                sizeof(transport_receipt_t),
                                {8, RNS_TABLE_REJECT}},
    [RNS_TRANSPORT_PENDING] = {"pending_links", ADDRESS, 0, {4, RNS_TABLE_REJECT}},
    [RNS_TRANSPORT_ACTIVE] = {"active_links",
                              ADDRESS,
                              sizeof(transport_active_t),
                              {4, RNS_TABLE_REJECT}},
    [RNS_TRANSPORT_RESOURCES_IN] = {"resources_in",
                                    ADDRESS,
                                    sizeof(transport_resource_t),
                                    {8, RNS_TABLE_REJECT}},
    [RNS_TRANSPORT_RESOURCES_OUT] = {"resources_out",
                                     ADDRESS,
                                     sizeof(transport_resource_t),
                                     {8, RNS_TABLE_REJECT}},
    [RNS_TRANSPORT_PARTS_IN] = {"parts_in",
                                RNS_TRANSPORT_PART_KEY_BYTES,
                                sizeof(transport_part_t),
                                {256, RNS_TABLE_REJECT}},
    [RNS_TRANSPORT_PARTS_OUT] = {"parts_out",
                                 RNS_TRANSPORT_PART_KEY_BYTES,
                                 sizeof(transport_part_t),
                                 {256, RNS_TABLE_REJECT}},
};

void rns_transport_config_default(rns_transport_config_t* out)
{
    *out = (rns_transport_config_t){
        .is_transport = true,
        .interface_count = 1,
        .mtu_bytes = RNS_PACKET_MTU_BYTES,
        .timers = {.job_ns = SECOND_NS / 4u,
                   .links_ns = SECOND_NS,
                   .cull_ns = 5u * SECOND_NS,
                   .grace_ns = 5u * SECOND_NS,
                   .jitter_ns = SECOND_NS / 2u,
                   .path_ns = SECOND_NS * 86400u * 7u,
                   .reverse_ns = 480u * SECOND_NS,
                   .link_ns = 900u * SECOND_NS,
                   .hop_ns = 6u * SECOND_NS,
                   .stale_ns = 720u * SECOND_NS,
                   .resource_ns = 96u * SECOND_NS,
                   .request_ns = 20u * SECOND_NS,
                   .announce_retries = 1,
                   .heard_max = 2},
    };
    for (uint32_t i = 0; i < RNS_TRANSPORT_TABLES; ++i) {
        out->tables[i] = forms[i].size;
    }
}

/* ---- What leaves a table ---------------------------------------------------------------------
 */

void rns_transport_part_key(const uint8_t* link_id, uint32_t number, uint8_t* out)
{
    transport_copy(out, link_id, RNS_PACKET_ADDRESS_BYTES);
    for (uint32_t i = 0; i < 4u; ++i) {
        out[RNS_PACKET_ADDRESS_BYTES + i] = (uint8_t)(number >> (8u * i));
    }
}

uint32_t rns_transport_part_number(const uint8_t* key)
{
    uint32_t number = 0;
    for (uint32_t i = 0; i < 4u; ++i) {
        number |= (uint32_t)key[RNS_PACKET_ADDRESS_BYTES + i] << (8u * i);
    }
    return number;
}

/// Drop a value that begins with its handle.
static void drop_raw(void* context, const void* key, void* value)
{
    rns_transport_t* const self = context;
    (void)key;
    rns_bytes_clear(value, self->store);
}

static void drop_known(void* context, const void* key, void* value)
{
    rns_transport_t* const self = context;
    transport_known_t* const known = value;
    (void)key;
    rns_bytes_clear(&known->public_key, self->store);
    rns_bytes_clear(&known->app_data, self->store);
}

static void drop_receipt(void* context, const void* key, void* value)
{
    (void)key;
    (void)value;
    RNS_TRANSPORT_COUNT((rns_transport_t*)context, receipts_failed);
}

static void drop_pending(void* context, const void* key, void* value)
{
    (void)key;
    (void)value;
    RNS_TRANSPORT_COUNT((rns_transport_t*)context, links_failed);
}

static void drop_active(void* context, const void* key, void* value)
{
    rns_transport_t* const self = context;
    (void)value;
    (void)transport_remove(self, RNS_TRANSPORT_RESOURCES_IN, key);
    (void)transport_remove(self, RNS_TRANSPORT_RESOURCES_OUT, key);
    RNS_TRANSPORT_COUNT(self, links_closed);
}

static void drop_parts(rns_transport_t* self, rns_transport_table_t parts, const uint8_t* link_id,
                       const transport_resource_t* resource)
{
    for (uint32_t i = 0; i < resource->part_count; ++i) {
        uint8_t key[RNS_TRANSPORT_PART_KEY_BYTES];
        rns_transport_part_key(link_id, i, key);
        (void)transport_remove(self, parts, key);
    }
    if (resource->is_proven) {
        RNS_TRANSPORT_COUNT(self, resources_done);
    } else {
        RNS_TRANSPORT_COUNT(self, resources_failed);
    }
}

static void drop_resource_in(void* context, const void* key, void* value)
{
    drop_parts(context, RNS_TRANSPORT_PARTS_IN, key, value);
}

static void drop_resource_out(void* context, const void* key, void* value)
{
    drop_parts(context, RNS_TRANSPORT_PARTS_OUT, key, value);
}

typedef void (*drop_hook_t)(void* context, const void* key, void* value);

static drop_hook_t drop_hook(rns_transport_table_t table)
{
    static const drop_hook_t hooks[RNS_TRANSPORT_TABLES] = {
        [RNS_TRANSPORT_PATHS] = drop_raw,
        [RNS_TRANSPORT_ANNOUNCES] = drop_raw,
        [RNS_TRANSPORT_KNOWN] = drop_known,
        [RNS_TRANSPORT_RECEIPTS] = drop_receipt,
        [RNS_TRANSPORT_PENDING] = drop_pending,
        [RNS_TRANSPORT_ACTIVE] = drop_active,
        [RNS_TRANSPORT_RESOURCES_IN] = drop_resource_in,
        [RNS_TRANSPORT_RESOURCES_OUT] = drop_resource_out,
        [RNS_TRANSPORT_PARTS_IN] = drop_raw,
        [RNS_TRANSPORT_PARTS_OUT] = drop_raw,
    };
    return hooks[table];
}

/* ---- Storage -------------------------------------------------------------------------------- */

static rns_table_config_t table_config(const rns_transport_config_t* config, uint32_t index,
                                       rns_transport_t* context)
{
    return (rns_table_config_t){
        .capacity = config->tables[index].capacity,
        .policy = config->tables[index].policy,
        .key_bytes = forms[index].key_bytes,
        .value_bytes = forms[index].value_bytes,
        .seed = config->seed,
        .on_drop = {.drop = drop_hook((rns_transport_table_t)index), .context = context}};
}

/// Compute the storage of one table, rounded up so that the next is aligned too.
static rns_status_t table_bytes(const rns_transport_config_t* config, uint32_t index, size_t* out)
{
    const rns_table_config_t table = table_config(config, index, NULL);
    const rns_status_t status = rns_table_storage_bytes(&table, out);
    *out += (16u - *out % 16u) % 16u; /* no overflow: a table takes half of size_t at most */
    return status;
}

rns_status_t rns_transport_storage_bytes(const rns_transport_config_t* config, size_t* out)
{
    *out = 0;
    if (config->interface_count == 0 || config->interface_count > RNS_TRANSPORT_INTERFACES_MAX) {
        return RNS_CONFIG_INTERFACES;
    }
    if (config->hooks.send == NULL || config->hooks.hash.sha256 == NULL) {
        return RNS_CONFIG_HOOKS;
    }
    size_t total = 0;
    for (uint32_t i = 0; i < RNS_TRANSPORT_TABLES; ++i) {
        size_t bytes = 0;
        const rns_status_t status = table_bytes(config, i, &bytes);
        if (status != RNS_OK) {
            return status;
        }
        if (bytes > SIZE_MAX - total) {
            return RNS_CONFIG_OVERFLOW;
        }
        total += bytes;
    }
    *out = total;
    return RNS_OK;
}

static rns_status_t init_tables(rns_transport_t* self, const rns_transport_config_t* config,
                                rns_memory_t storage)
{
    size_t total = 0;
    rns_status_t status = rns_transport_storage_bytes(config, &total);
    if (status == RNS_OK && storage.bytes < total) {
        status = RNS_CONFIG_STORAGE_SMALL;
    }
    unsigned char* start = storage.start;
    for (uint32_t i = 0; i < RNS_TRANSPORT_TABLES && status == RNS_OK; ++i) {
        size_t bytes = 0;
        (void)table_bytes(config, i, &bytes); /* right, since all of them together were */
        const rns_table_config_t table = table_config(config, i, self);
        status = rns_table_init(&self->tables[i], &table, (rns_memory_t){start, bytes});
        start += bytes;
    }
    return status;
}

rns_status_t rns_transport_init(rns_transport_t* self, rns_store_t* store,
                                const rns_transport_config_t* config, rns_memory_t storage)
{
    *self = (rns_transport_t){.store = store,
                              .is_transport = config->is_transport,
                              .interface_count = config->interface_count,
                              .mtu_bytes = config->mtu_bytes,
                              .timers = config->timers,
                              .hooks = config->hooks,
                              .seed = config->seed != 0 ? config->seed : 1u};
    self->random = self->seed;
    transport_copy(self->identity, config->identity, RNS_PACKET_ADDRESS_BYTES);
    const rns_status_t status = init_tables(self, config, storage);
    if (status != RNS_OK) {
        *self = (rns_transport_t){0};
    }
    return status;
}

rns_status_t rns_transport_reset(rns_transport_t* self)
{
    if (self->is_busy) {
        return RNS_MISUSE_REENTRANT;
    }
    for (uint32_t i = 0; i < RNS_TRANSPORT_TABLES; ++i) {
        (void)rns_table_reset(&self->tables[i]);
    }
    self->random = self->seed;
    self->next_job_ns = 0;
    self->next_links_ns = 0;
    self->next_cull_ns = 0;
    self->stats = (rns_transport_stats_t){0};
    return RNS_OK;
}

/* ---- Looking in ----------------------------------------------------------------------------- */

rns_status_t rns_transport_add_destination(rns_transport_t* self, const uint8_t* address,
                                           uint64_t now_ns)
{
    return self->is_busy ? RNS_MISUSE_REENTRANT
                         : rns_table_put(&self->tables[RNS_TRANSPORT_DESTINATIONS], address, NULL,
                                         now_ns, NULL);
}

bool rns_transport_has_path(rns_transport_t* self, const uint8_t* address, uint8_t* hops_out)
{
    const transport_path_t* const path = transport_find(self, RNS_TRANSPORT_PATHS, address);
    if (hops_out != NULL) {
        *hops_out = path != NULL ? path->hops : 0;
    }
    return path != NULL;
}

rns_transport_stats_t rns_transport_stats(const rns_transport_t* self)
{
    return self->stats;
}

const rns_table_t* rns_transport_table(const rns_transport_t* self, rns_transport_table_t index)
{
    return (uint32_t)index < RNS_TRANSPORT_TABLES ? &self->tables[index] : NULL;
}

const char* rns_transport_table_name(rns_transport_table_t index)
{
    return (uint32_t)index < RNS_TRANSPORT_TABLES ? forms[index].name : NULL;
}
