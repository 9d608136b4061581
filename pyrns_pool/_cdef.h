/* What Python sees of csrc: one declaration list for both builds of the extension. */

/* ---- core: rns_status.h, rns_pool.h, rns_preset.h ---- */

#define RNS_TIERS_MAX ...
#define RNS_REGIONS_MAX ...
#define RNS_ALIGN_BYTES ...
#define RNS_SLOT_BYTES_MAX ...
#define RNS_SLOT_COUNT_MAX ...

typedef enum {
    RNS_OK,
    RNS_MISS_EXHAUSTED,
    RNS_MISS_OVERSIZE,
    RNS_MISS_SHARED,
    RNS_MISS_ABSENT,
    RNS_MISS_PRESENT,
    RNS_CONFIG_TIER_COUNT,
    RNS_CONFIG_TIER_ORDER,
    RNS_CONFIG_SLOT_BYTES,
    RNS_CONFIG_SLOT_COUNT,
    RNS_CONFIG_OVERFLOW,
    RNS_CONFIG_RESERVE,
    RNS_CONFIG_LOW_WATER,
    RNS_CONFIG_REGION,
    RNS_CONFIG_POLICY,
    RNS_CONFIG_HEADER,
    RNS_CONFIG_FALLBACK,
    RNS_CONFIG_STORAGE_SMALL,
    RNS_CONFIG_STORAGE_ALIGN,
    RNS_CONFIG_STORAGE_OVERLAP,
    RNS_CONFIG_KEY_BYTES,
    RNS_CONFIG_CULL,
    RNS_CONFIG_INTERFACES,
    RNS_CONFIG_HOOKS,
    RNS_CONFIG_RTP,
    RNS_MISUSE_FOREIGN,
    RNS_MISUSE_OUT_OF_RANGE,
    RNS_MISUSE_INTERIOR,
    RNS_MISUSE_MISALIGNED,
    RNS_MISUSE_DOUBLE_GIVE,
    RNS_MISUSE_WRONG_POOL,
    RNS_DAMAGE_CANARY,
    RNS_DAMAGE_WRITE_AFTER_GIVE,
    RNS_DAMAGE_INVARIANT,
    RNS_INPUT_HEX_DIGIT,
    RNS_INPUT_HEX_ODD,
    RNS_INPUT_RANGE,
    RNS_INPUT_SHORT,
    RNS_INPUT_LONG,
    RNS_INPUT_FLAGS,
    RNS_INPUT_IFAC,
    RNS_INPUT_VERSION,
    RNS_INPUT_EXTENSION,
    RNS_INPUT_PADDING,
    RNS_MISUSE_REENTRANT,
    ...
} rns_status_t;

const char* rns_status_name(rns_status_t status);

typedef enum { RNS_POLICY_STRICT, RNS_POLICY_SPILL, ... } rns_policy_t;
typedef enum { RNS_PRIORITY_NORMAL, RNS_PRIORITY_HIGH, ... } rns_priority_t;

typedef uint64_t rns_counter_t;

typedef struct {
    void* start;
    size_t bytes;
} rns_memory_t;

typedef struct {
    size_t slot_bytes;
    uint32_t slot_count;
    uint32_t reserve_count;
    uint32_t low_water_count;
    uint32_t hysteresis_count;
    uint8_t region;
    rns_memory_t memory;
} rns_tier_config_t;

typedef struct {
    void* (*take)(void* context, size_t size_bytes);
    bool (*give)(void* context, void* block);
    void* context;
    uint8_t region;
} rns_fallback_t;

typedef struct {
    void (*notify)(void* context, uint32_t tier_index, uint32_t free_count, bool low);
    void* context;
} rns_low_water_t;

typedef struct {
    const rns_tier_config_t* tiers;
    uint32_t tier_count;
    rns_policy_t policy;
    uint32_t header_bytes;
    rns_fallback_t fallback;
    rns_low_water_t low_water;
} rns_pool_config_t;

typedef struct {
    rns_counter_t foreign;
    rns_counter_t out_of_range;
    rns_counter_t interior;
    rns_counter_t misaligned;
    rns_counter_t double_give;
    rns_counter_t wrong_pool;
    rns_counter_t canary;
    rns_counter_t write_after_give;
} rns_misuse_counts_t;

typedef struct {
    uint32_t slot_bytes;
    uint32_t slot_count;
    uint32_t region;
    uint32_t in_use;
    uint32_t high_water;
    uint32_t window_high_water;
    uint32_t largest_request_bytes;
    rns_counter_t requests;
    rns_counter_t hits;
    rns_counter_t spills;
    rns_counter_t spills_in;
    rns_counter_t exhausted;
    rns_counter_t takes;
    rns_counter_t gives;
} rns_tier_stats_t;

typedef struct {
    uint32_t slot_count;
    uint32_t in_use;
    size_t slots_bytes;
    size_t in_use_bytes;
    rns_counter_t takes;
    rns_counter_t gives;
    rns_counter_t fallbacks;
} rns_region_stats_t;

typedef struct {
    uint32_t tier_count;
    uint32_t in_use;
    uint32_t largest_request_bytes;
    rns_counter_t requests;
    rns_counter_t hits;
    rns_counter_t spills;
    rns_counter_t exhausted;
    rns_counter_t oversize;
    rns_counter_t fallbacks;
    rns_counter_t failures;
    rns_counter_t takes;
    rns_counter_t gives;
    rns_counter_t fallback_gives;
    rns_misuse_counts_t misuse;
    rns_tier_stats_t tiers[...];
    rns_region_stats_t regions[...];
    ...;
} rns_pool_stats_t;

typedef struct {
    rns_status_t status;
    const char* invariant;
    uint32_t tier_index;
    uint32_t slot_index;
} rns_damage_t;

typedef struct {
    ...;
} rns_pool_t;

rns_status_t rns_pool_storage_bytes(const rns_pool_config_t* config, size_t* out);
rns_status_t rns_pool_init(rns_pool_t* self, const rns_pool_config_t* config,
                           rns_memory_t storage);
rns_status_t rns_pool_take(rns_pool_t* self, size_t size_bytes, rns_priority_t priority,
                           void** out);
rns_status_t rns_pool_give(rns_pool_t* self, void* slot);
rns_status_t rns_pool_locate(const rns_pool_t* self, const void* slot, uint32_t* tier_index,
                             uint32_t* slot_index);
void rns_pool_link(rns_pool_t* self, rns_pool_t* other);
void rns_pool_unlink(rns_pool_t* self);
void rns_pool_stats(rns_pool_t* self, rns_pool_stats_t* out);
void rns_pool_reset_window(rns_pool_t* self);
rns_damage_t rns_pool_check(const rns_pool_t* self);
typedef void (*rns_live_visitor_t)(void* context, uint32_t tier_index, uint32_t slot_index,
                                   void* slot);
void rns_pool_each_live(rns_pool_t* self, rns_live_visitor_t visit, void* context);
typedef struct {
    void (*write)(void* context, const char* text, size_t text_bytes);
    void* context;
} rns_sink_t;
void rns_pool_log(rns_pool_t* self, rns_sink_t sink);

typedef struct {
    const char* name;
    const char* origin;
    rns_policy_t policy;
    uint32_t tier_count;
    rns_tier_config_t tiers[...];
} rns_preset_t;

#define RNS_PRESET_COUNT ...
extern const rns_preset_t rns_presets[...];

extern "Python" {
void pyrns_notify(void* context, uint32_t tier_index, uint32_t free_count, bool low);
void pyrns_visit(void* context, uint32_t tier_index, uint32_t slot_index, void* slot);
void pyrns_write(void* context, const char* text, size_t text_bytes);
}

/* ---- core: rns_fault.h, rns_store.h ---- */

#define RNS_BUFFER_HEADER_BYTES ...
#define RNS_FAULT_RATE_ONE ...

typedef struct {
    rns_counter_t requests;
    rns_counter_t failures;
    ...;
} rns_fault_t;

void rns_fault_init(rns_fault_t* self);
void rns_fault_fail_nth(rns_fault_t* self, rns_counter_t nth, bool is_sticky);
void rns_fault_fail_tier(rns_fault_t* self, uint32_t tier_index);
void rns_fault_fail_rate(rns_fault_t* self, uint32_t rate, uint32_t seed);

typedef struct {
    uint32_t headroom_bytes;
    uint32_t tailroom_bytes;
    rns_priority_t priority;
    uint8_t tag;
    rns_fault_t* fault;
} rns_store_options_t;

typedef struct {
    rns_counter_t shares;
    rns_counter_t slices;
    rns_counter_t copies_avoided;
    rns_counter_t cow_copies;
    rns_counter_t cow_bytes;
    rns_counter_t tail_appends;
    rns_counter_t grows;
    rns_counter_t compactions;
} rns_store_stats_t;

typedef struct {
    ...;
} rns_store_t;

typedef struct {
    uint32_t tier_index;
    uint32_t slot_index;
    uint32_t capacity;
    uint32_t refs;
    uint8_t generation;
    uint8_t tag;
    ...;
} rns_live_buffer_t;

rns_status_t rns_store_init(rns_store_t* self, rns_pool_t* pool,
                            const rns_store_options_t* options);
rns_store_stats_t rns_store_stats(rns_store_t* self);
typedef void (*rns_live_buffer_visitor_t)(void* context, const rns_live_buffer_t* live);
void rns_store_each_live(rns_store_t* self, rns_live_buffer_visitor_t visit, void* context);
rns_damage_t rns_store_check(rns_store_t* self);

extern "Python" void pyrns_visit_buffer(void* context, const rns_live_buffer_t* live);

/* ---- lab: rns_handle.h ---- */

typedef struct rns_handle rns_handle_t;

typedef struct {
    uintptr_t buffer;
    uint32_t refs;
    uint32_t capacity;
    uint32_t headroom;
} rns_handle_info_t;

rns_handle_t* rns_handle_new(rns_store_t* store, const void* data, size_t length);
rns_handle_t* rns_handle_slice(rns_handle_t* self, size_t from, size_t length);
void rns_handle_drop(rns_handle_t* self);
const char* rns_handle_pin(rns_handle_t* self, size_t from, size_t length);
void rns_handle_unpin(rns_handle_t* self);
rns_handle_info_t rns_handle_info(rns_handle_t* self);
int rns_handle_get(rns_handle_t* self, size_t index);
int rns_handle_compare(rns_handle_t* self, size_t from, size_t length, const void* data,
                       size_t data_length);
rns_status_t rns_handle_narrow(rns_handle_t* self, size_t from, size_t length);
rns_status_t rns_handle_set(rns_handle_t* self, size_t index, uint8_t byte);
rns_status_t rns_handle_write(rns_handle_t* self, size_t at, const void* data, size_t length);
rns_status_t rns_handle_append(rns_handle_t* self, const void* data, size_t length);
rns_status_t rns_handle_prepend(rns_handle_t* self, const void* data, size_t length);
rns_status_t rns_handle_assign(rns_handle_t* self, const void* data, size_t length);
rns_status_t rns_handle_resize(rns_handle_t* self, size_t length);
rns_status_t rns_handle_reserve(rns_handle_t* self, size_t headroom, size_t tailroom);
rns_status_t rns_handle_compact(rns_handle_t* self);

/* ---- lab: rns_malloc_fallback.h ---- */

rns_fallback_t rns_malloc_fallback(void);

/* ---- lab: rns_trace.h, rns_trace_csv.h ---- */

#define RNS_TRACE_EVENTS_MAX ...
#define RNS_TRACE_SITES_MAX ...
#define RNS_TRACE_SITE_BYTES_MAX ...
#define RNS_TRACE_SIZE_BYTES_MAX ...
#define RNS_TRACE_TIME_NS_MAX ...
#define RNS_TRACE_THREAD_MAX ...
#define RNS_TRACE_LINE_BYTES_MAX ...
#define RNS_TRACE_META_MAX ...

typedef enum {
    RNS_EVENT_ALLOC,
    RNS_EVENT_FREE,
    ...
} rns_event_op_t;

typedef struct {
    int64_t t_ns;
    uint64_t id;
    uint64_t size_bytes;
    uint32_t site;
    uint16_t thread;
    uint8_t op;
    uint8_t reserved;
} rns_event_t;

typedef enum {
    RNS_TRACE_OK,
    RNS_TRACE_NO_EVENTS,
    RNS_TRACE_MEMORY,
    ...
} rns_trace_error_t;

typedef struct {
    rns_trace_error_t code;
    uint64_t row;
    uint64_t line;
    uint64_t limit;
    const char* field;
    char value[...];
} rns_trace_fault_t;

typedef struct {
    const rns_event_t* event;
    size_t event_count;
    uint32_t site_count;
} rns_trace_t;

rns_trace_error_t rns_trace_index(const rns_trace_t* self, uint32_t* block,
                                  rns_trace_fault_t* fault);

typedef struct {
    size_t event_count;
    uint64_t unpaired_frees;
    uint64_t unfreed_reuses;
} rns_trace_pairing_t;

bool rns_trace_pair(rns_event_t* event, size_t event_count, rns_trace_pairing_t* out);
const char* rns_trace_error_name(rns_trace_error_t code);

typedef struct {
    char* text;
    size_t bytes;
    ...;
} rns_trace_names_t;

typedef struct {
    rns_event_t* event;
    size_t capacity;
    size_t count;
} rns_trace_rows_t;

typedef struct {
    rns_trace_fault_t fault;
    uint64_t event_count;
    uint32_t meta_count;
    rns_trace_names_t sites;
    rns_trace_names_t metas;
    ...;
} rns_trace_csv_t;

void rns_trace_csv_init(rns_trace_csv_t* self);
void rns_trace_csv_drop(rns_trace_csv_t* self);
size_t rns_trace_csv_feed(rns_trace_csv_t* self, const char* text, size_t text_bytes,
                          rns_trace_rows_t* rows);
rns_trace_error_t rns_trace_csv_finish(rns_trace_csv_t* self, rns_trace_rows_t* rows);

/* ---- lab: rns_trace_names.h, rns_trace_scan.h ---- */

#define RNS_TRACE_NAMES_NONE ...
#define RNS_TRACE_SCAN_VALUES ...

typedef struct {
    uint64_t value[...];
    uint64_t line;
    uint32_t caller;
    uint8_t letter;
    uint8_t value_count;
    uint16_t reserved;
} rns_trace_scan_row_t;

typedef struct {
    rns_trace_scan_row_t* row;
    size_t capacity;
    size_t count;
} rns_trace_scan_rows_t;

typedef struct {
    const char* letters;
    uint64_t line;
    rns_trace_names_t callers;
    bool is_out_of_memory;
} rns_trace_scan_t;

size_t rns_trace_scan_feed(rns_trace_scan_t* self, const char* text, size_t text_bytes,
                            rns_trace_scan_rows_t* rows);
void rns_trace_names_drop(rns_trace_names_t* self);

/* ---- lab: rns_slots.h ---- */

#define RNS_SLOTS_NONE ...

typedef struct {
    void* slot;
    uint32_t tier;
    uint32_t index;
} rns_slot_place_t;

typedef struct {
    rns_pool_t* pool;
    const rns_event_t* events;
    const uint32_t* block;
    rns_slot_place_t* places;
} rns_slots_t;

rns_status_t rns_slots_run(rns_slots_t* self, size_t first, size_t end);

/* ---- lab: rns_regions.h, rns_replay.h ---- */

typedef struct {
    uint32_t header_bytes;
    ...;
} rns_heap_t;

#define RNS_REGIONS_LARGE_BYTES ...

typedef struct {
    rns_heap_t* heap;
    bool is_psram;
    uint64_t served;
    uint64_t refused;
    uint64_t large;
    uint32_t free_min_bytes;
} rns_region_t;

typedef struct {
    rns_region_t regions[...];
    uint32_t header_bytes;
    ...;
} rns_regions_t;

void rns_regions_begin(rns_regions_t* self);
rns_fallback_t rns_regions_fallback(rns_regions_t* self);

#define RNS_REPLAY_NO_TIER ...

typedef struct {
    uint64_t in_use_ns;
    uint64_t requests;
    uint64_t spills;
    uint64_t exhausted;
    uint32_t in_use_min;
    uint32_t in_use_max;
} rns_replay_bin_t;

typedef struct {
    uint32_t in_use;
    uint32_t high_water;
    int64_t high_water_ns;
    int64_t first_miss_ns;
    ...;
} rns_replay_tier_t;

typedef struct {
    void* slot;
    uint32_t tier;
} rns_replay_block_t;

typedef struct {
    rns_pool_t* pool;
    rns_replay_block_t* blocks;
    uint32_t bin_count;
    const int64_t* edges_ns;
    rns_replay_bin_t* bins;
    uint64_t* oversize;
    uint64_t* site_misses;
    const rns_event_t* events;
    const uint32_t* block;
    const int64_t* alloc_rows;
    const rns_regions_t* regions;
    bool is_pool_in_psram;
    uint64_t* site_large;
    uint64_t missed_bytes_peak;
    int64_t missed_bytes_peak_ns;
    rns_replay_tier_t tiers[...];
    ...;
} rns_replay_t;

void rns_replay_begin(rns_replay_t* self);
rns_status_t rns_replay_run(rns_replay_t* self, size_t first, size_t end);
void rns_replay_end(rns_replay_t* self);

/* ---- core: rns_bytes.h; lab: rns_meter.h, rns_ops.h ---- */

typedef struct {
    uint32_t length;
    ...;
} rns_bytes_t;

const uint8_t* rns_bytes_data(const rns_bytes_t* self);

typedef struct {
    uint64_t copies_avoided;
    uint64_t cow_copies;
    uint64_t cow_bytes;
} rns_meter_cow_t;

typedef struct {
    int64_t high_water_ns;
    int64_t first_miss_ns;
    ...;
} rns_meter_tier_t;

typedef struct {
    rns_pool_t* pool;
    rns_store_t* store;
    uint32_t bin_count;
    const int64_t* edges_ns;
    rns_replay_bin_t* bins;
    uint64_t* oversize;
    rns_meter_cow_t* cow;
    rns_meter_tier_t tiers[...];
    ...;
} rns_meter_t;

void rns_meter_begin(rns_meter_t* self);
void rns_meter_advance(rns_meter_t* self, int64_t now_ns);
void rns_meter_sample(rns_meter_t* self, int64_t now_ns);
void rns_meter_end(rns_meter_t* self);

#define RNS_OPS_LENGTH_MAX ...
#define RNS_OPS_PATTERN ...

typedef enum {
    RNS_OP_CREATE,
    RNS_OP_SHARE,
    RNS_OP_SLICE,
    RNS_OP_WRITE,
    RNS_OP_APPEND,
    RNS_OP_PREPEND,
    RNS_OP_CONCAT,
    RNS_OP_COMPACT,
    RNS_OP_DROP,
    ...
} rns_op_code_t;

typedef struct {
    int64_t t_ns;
    uint32_t op;
    uint32_t handle;
    uint32_t other;
    uint32_t length;
    uint64_t start;
} rns_op_t;

typedef struct {
    rns_store_t* store;
    rns_meter_t* meter;
    rns_bytes_t* handles;
    const uint8_t* pattern;
    const rns_op_t* ops;
    int16_t* status;
} rns_ops_t;

rns_status_t rns_ops_run(rns_ops_t* self, size_t first, size_t end);
void rns_ops_end(rns_ops_t* self, size_t handle_count);

/* ---- core: rns_table.h; node: rns_rtp_receiver.h; lab: rns_rtp_run.h ---- */

typedef enum { RNS_TABLE_REJECT, RNS_TABLE_CULL_OLDEST, RNS_TABLE_RING, ... } rns_table_policy_t;

typedef struct {
    uint32_t capacity;
    uint32_t count;
    uint32_t high_water;
    rns_counter_t puts;
    rns_counter_t inserts;
    rns_counter_t updates;
    rns_counter_t rejects;
    rns_counter_t finds;
    rns_counter_t hits;
    rns_counter_t removes;
    rns_counter_t culls;
    rns_counter_t cull_runs;
    rns_counter_t overwrites;
    rns_counter_t expired;
    ...;
} rns_table_stats_t;

typedef enum { RNS_RTP_TRENDLINE, RNS_RTP_KALMAN, ... } rns_rtp_filter_t;

typedef struct {
    uint8_t extension_id;
    rns_rtp_filter_t filter;
    rns_table_policy_t stream_policy;
    ...;
} rns_rtp_config_t;

typedef struct {
    rns_counter_t packets;
    rns_counter_t malformed;
    rns_counter_t rejected;
    rns_counter_t duplicates;
    rns_counter_t timeless;
    rns_counter_t late;
    rns_counter_t missed;
    rns_counter_t grouped;
    rns_counter_t beyond;
    rns_counter_t takes;
    rns_counter_t gives;
    rns_counter_t refusals;
    rns_counter_t groups;
    rns_counter_t restarts;
    rns_counter_t overuses;
    rns_counter_t rembs;
} rns_rtp_counts_t;

typedef struct {
    rns_rtp_counts_t counts;
    rns_table_stats_t streams;
    ...;
} rns_rtp_stats_t;

typedef struct {
    ...;
} rns_rtp_receiver_t;

rns_rtp_config_t rns_rtp_config_default(rns_pool_t* pool);
rns_status_t rns_rtp_receiver_storage_bytes(const rns_rtp_config_t* config, size_t* out);
rns_status_t rns_rtp_receiver_init(rns_rtp_receiver_t* self, const rns_rtp_config_t* config,
                                   rns_memory_t storage);
void rns_rtp_receiver_reset(rns_rtp_receiver_t* self);
void rns_rtp_receiver_stats(const rns_rtp_receiver_t* self, rns_rtp_stats_t* out);
rns_damage_t rns_rtp_receiver_check(const rns_rtp_receiver_t* self);

#define RNS_RTP_RUN_HEADER_BYTES ...
#define RNS_RTP_RUN_PACKET_BYTES ...
#define RNS_RTP_RUN_EXTENSION_ID ...

typedef struct {
    int64_t arrival_ns;
    int64_t send_ns;
    uint32_t size;
    uint32_t ssrc;
    uint16_t seq;
} rns_rtp_run_packet_t;

typedef struct {
    int64_t t_ns;
    int64_t trend_ns;
    int64_t threshold_ns;
    uint32_t incoming_bps;
    uint32_t estimate_bps;
    uint32_t signal;
    uint32_t state;
} rns_rtp_run_point_t;

typedef struct {
    rns_rtp_receiver_t* receiver;
    rns_meter_t* meter;
    uint8_t* buffer;
    const rns_rtp_run_packet_t* packets;
    rns_rtp_run_point_t* points;
} rns_rtp_run_t;

rns_status_t rns_rtp_run(rns_rtp_run_t* self, size_t first, size_t end);

/* ---- core: rns_bytes.h, rns_table.h; node: rns_packet.h, rns_transport.h ---- */

typedef struct {
    const void* start;
    size_t bytes;
} rns_span_t;

#define RNS_PACKET_HASH_BYTES     ...
#define RNS_PACKET_MTU_BYTES      ...
#define RNS_PACKET_HEADER_2_BYTES ...

typedef enum {
    RNS_CONTEXT_NONE,
    RNS_CONTEXT_RESOURCE,
    RNS_CONTEXT_RESOURCE_ADV,
    RNS_CONTEXT_RESOURCE_REQ,
    RNS_CONTEXT_RESOURCE_HMU,
    RNS_CONTEXT_RESOURCE_PRF,
    RNS_CONTEXT_RESOURCE_ICL,
    RNS_CONTEXT_RESOURCE_RCL,
    RNS_CONTEXT_CACHE_REQUEST,
    RNS_CONTEXT_REQUEST,
    RNS_CONTEXT_RESPONSE,
    RNS_CONTEXT_PATH_RESPONSE,
    RNS_CONTEXT_COMMAND,
    RNS_CONTEXT_COMMAND_STATUS,
    RNS_CONTEXT_CHANNEL,
    RNS_CONTEXT_KEEPALIVE,
    RNS_CONTEXT_LINKIDENTIFY,
    RNS_CONTEXT_LINKCLOSE,
    RNS_CONTEXT_LINKPROOF,
    RNS_CONTEXT_LRRTT,
    RNS_CONTEXT_LRPROOF,
    ...
} rns_packet_context_t;

typedef struct {
    void (*sha256)(void* context, const rns_span_t* spans, size_t count, uint8_t* out);
    void* context;
} rns_hash_hook_t;

extern "Python" {
void pyrns_sha256(void* context, const rns_span_t* spans, size_t count, uint8_t* out);
}

typedef struct {
    rns_table_policy_t policy;
    ...;
} rns_table_t;

void rns_table_stats(const rns_table_t* self, rns_table_stats_t* out);

#define RNS_TRANSPORT_TABLES ...

typedef struct {
    uint32_t capacity;
    rns_table_policy_t policy;
} rns_transport_table_config_t;

typedef struct {
    ...;
} rns_transport_hooks_t;

typedef struct {
    bool is_transport;
    uint32_t interface_count;
    uint8_t identity[...];
    uint32_t mtu_bytes;
    rns_transport_table_config_t tables[...];
    rns_transport_hooks_t hooks;
    uint64_t seed;
    ...;
} rns_transport_config_t;

typedef struct {
    rns_counter_t packets_in;
    rns_counter_t bytes_in;
    rns_counter_t forwarded;
    rns_counter_t delivered;
    rns_counter_t announces;
    rns_counter_t path_requests;
    rns_counter_t duplicates;
    rns_counter_t dropped_malformed;
    rns_counter_t dropped_no_memory;
    rns_counter_t dropped_table_full;
    rns_counter_t dropped_no_route;
    rns_counter_t dropped_hops;
    rns_counter_t dropped_stale;
    rns_counter_t packets_out;
    rns_counter_t bytes_out;
    rns_counter_t originated;
    rns_counter_t rebroadcasts;
    rns_counter_t path_responses;
    rns_counter_t sends;
    rns_counter_t send_failures;
    rns_counter_t rebroadcast_misses;
    rns_counter_t response_misses;
    rns_counter_t known_misses;
    rns_counter_t part_misses;
    rns_counter_t links_opened;
    rns_counter_t links_closed;
    rns_counter_t links_failed;
    rns_counter_t proofs;
    rns_counter_t receipts_failed;
    rns_counter_t resources_done;
    rns_counter_t resources_failed;
} rns_transport_stats_t;

typedef struct {
    ...;
} rns_transport_t;

void rns_transport_config_default(rns_transport_config_t* out);
rns_status_t rns_transport_storage_bytes(const rns_transport_config_t* config, size_t* out);
rns_status_t rns_transport_init(rns_transport_t* self, rns_store_t* store,
                                const rns_transport_config_t* config, rns_memory_t storage);
rns_status_t rns_transport_reset(rns_transport_t* self);
rns_transport_stats_t rns_transport_stats(const rns_transport_t* self);
const rns_table_t* rns_transport_table(const rns_transport_t* self, uint32_t index);
const char* rns_transport_table_name(uint32_t index);
rns_damage_t rns_transport_check(rns_transport_t* self);

/* ---- lab: rns_traffic.h, rns_node_run.h ---- */

typedef struct {
    int64_t t_ns;
    uint32_t length;
    uint8_t direction;
    uint8_t type;
    uint8_t context;
    uint8_t reserved;
} rns_traffic_row_t;

typedef struct {
    uint64_t destinations;
    uint64_t links;
    uint64_t transfers;
    uint64_t without_destination;
    uint64_t without_link;
    uint64_t without_packet;
} rns_traffic_stats_t;

typedef struct {
    const rns_traffic_row_t* rows;
    size_t row_count;
    uint8_t* buffer;
    bool is_leaf;
    uint8_t identity[...];
    uint64_t random;
    rns_hash_hook_t hash;
    rns_traffic_stats_t stats;
    ...;
} rns_traffic_t;

typedef struct {
    rns_transport_t* node;
    rns_traffic_t* traffic;
    rns_meter_t* meter;
    uint64_t timers;
    uint64_t inputs;
    uint64_t asks_refused;
    uint64_t out[...][...];
    ...;
} rns_node_run_t;

rns_transport_hooks_t rns_node_run_hooks(rns_node_run_t* self, rns_hash_hook_t hash);
void rns_node_run_begin(rns_node_run_t* self);
void rns_node_run_rows(rns_node_run_t* self, size_t first, size_t end, size_t* next_out);

/* ---- lab: rns_heap.h, rns_heap_run.h, rns_packet_node.h ---- */

#define RNS_HEAP_ARENA_BYTES_MAX ...
#define RNS_HEAP_KIND_COUNT ...
#define RNS_HEAP_NONE ...
#define RNS_PACKET_NODE_TICK_NS ...
#define RNS_PACKET_NODE_SHARE_BYTES_MAX ...

typedef enum { RNS_HEAP_FIRST_FIT, ... } rns_heap_kind_t;

typedef struct {
    rns_heap_kind_t kind;
    uint32_t arena_bytes;
    uint32_t alignment_bytes;
    uint32_t word_bytes;
} rns_heap_config_t;

typedef struct {
    rns_status_t status;
    const char* invariant;
    uint32_t offset_bytes;
} rns_heap_damage_t;

const char* rns_heap_kind_name(uint32_t kind);
rns_status_t rns_heap_storage_bytes(const rns_heap_config_t* config, size_t* out);
rns_status_t rns_heap_init(rns_heap_t* self, const rns_heap_config_t* config,
                           rns_memory_t storage);
rns_status_t rns_heap_take(rns_heap_t* self, size_t size_bytes, uint32_t* out);
rns_status_t rns_heap_give(rns_heap_t* self, uint32_t offset_bytes);
bool rns_heap_fits(const rns_heap_t* self, size_t size_bytes);
uint64_t rns_heap_block_bytes(const rns_heap_t* self, size_t size_bytes);
uint32_t rns_heap_largest_free(const rns_heap_t* self);
uint32_t rns_heap_total_free(const rns_heap_t* self);
typedef void (*rns_heap_visitor_t)(void* context, uint32_t offset_bytes, uint32_t block_bytes,
                                   bool is_free);
void rns_heap_walk(const rns_heap_t* self, rns_heap_visitor_t visit, void* context);
rns_heap_damage_t rns_heap_check(const rns_heap_t* self);

extern "Python" void pyrns_heap_visit(void* context, uint32_t offset_bytes, uint32_t block_bytes,
                                      bool is_free);

typedef struct {
    uint64_t events;
    uint64_t requests;
    uint64_t failures;
    uint64_t probe_failures;
    uint64_t fragmentation_ppm_sum;
    uint32_t fragmentation_ppm_max;
    uint32_t largest_free_min;
    uint32_t total_free_min;
    int64_t first_failure_event;
    int64_t first_failure_ns;
    ...;
} rns_heap_tally_t;

typedef struct {
    rns_heap_t* heap;
    uint32_t* offsets;
    uint32_t probe_bytes;
} rns_heap_run_t;

void rns_heap_tally_init(rns_heap_tally_t* self);
rns_status_t rns_heap_run(const rns_heap_run_t* self, const rns_event_t* events,
                          const uint32_t* blocks, size_t count, rns_heap_tally_t* tally);

typedef struct {
    ...;
} rns_packet_node_t;

size_t rns_packet_node_storage_bytes(uint32_t share_bytes);
rns_status_t rns_packet_node_init(rns_packet_node_t* self, uint32_t share_bytes, uint64_t seed,
                                  rns_memory_t storage);
void rns_packet_node_events(rns_packet_node_t* self, rns_event_t* out, size_t count);

/* ---- lab: rns_compare.h ---- */

typedef struct {
    uint64_t events;
    uint64_t requests;
    uint64_t failures;
    uint64_t probe_failures;
    uint64_t free_sum;
    uint64_t free_min;
    uint64_t free_max;
    uint64_t largest_sum;
    uint64_t largest_min;
    uint64_t largest_max;
    uint64_t fragmentation_ppm_sum;
    uint32_t fragmentation_ppm_min;
    uint32_t fragmentation_ppm_max;
} rns_compare_bin_t;

typedef struct {
    int64_t event;
    int64_t t_ns;
    uint64_t size_bytes;
} rns_compare_failure_t;

typedef struct {
    void* slot;
    uint32_t offset;
    uint32_t place;
} rns_compare_block_t;

typedef struct {
    rns_heap_t* heap;
    uint64_t served;
    uint64_t free_min_bytes;
} rns_compare_heap_t;

typedef struct {
    rns_pool_t* pool;
    rns_compare_heap_t heaps[...];
    size_t probe_bytes;
    const rns_event_t* events;
    const uint32_t* block;
    const int64_t* alloc_rows;
    rns_compare_block_t* blocks;
    uint32_t bin_count;
    uint32_t failure_capacity;
    const int64_t* edges_ns;
    rns_compare_bin_t* bins;
    rns_compare_failure_t* failures;
    uint64_t failure_count;
    uint64_t pool_served;
    uint64_t pool_free_min_bytes;
    uint64_t free_min_bytes;
    uint64_t live_blocks_sum;
    uint64_t live_bytes_sum;
    ...;
} rns_compare_t;

void rns_compare_begin(rns_compare_t* self);
rns_status_t rns_compare_run(rns_compare_t* self, size_t first, size_t end);
rns_status_t rns_compare_serves(rns_compare_t* self, size_t first, size_t end);
void rns_compare_end(rns_compare_t* self);

/* ---- lab: rns_timed.h ---- */

typedef struct {
    rns_pool_t* pool;
    rns_heap_t* heaps[...];
    const rns_event_t* events;
    const uint32_t* block;
    unsigned char** blocks;
    size_t block_count;
    uint64_t failures;
} rns_timed_t;

void rns_timed_begin(rns_timed_t* self);
void rns_timed_run(rns_timed_t* self, size_t first, size_t end);
void rns_timed_end(rns_timed_t* self);
void rns_timed_trim(void);

/* ---- lab: rns_watch.h, rns_shadow.h, rns_node_rows.h, rns_mix.h, rns_soak.h, rns_soak_rtp.h, rns_soak_node.h ---- */

typedef struct {
    bool is_above;
    uint64_t bad;
    uint64_t good;
    bool is_on;
} rns_watch_t;

typedef enum { RNS_WATCH_SAME, RNS_WATCH_RAISED, RNS_WATCH_ENDED, ... } rns_watch_change_t;

rns_watch_change_t rns_watch_step(rns_watch_t* self, uint64_t value);

#define RNS_SHADOW_PROBE_BYTES ...

typedef struct {
    uint64_t requests;
    uint64_t failures;
    uint64_t samples;
    uint64_t fragmentation_ppm_sum;
    uint64_t probe_failures;
    uint32_t fragmentation_ppm_max;
    uint32_t largest_free_min;
    uint32_t total_free_min;
} rns_shadow_tally_t;

typedef struct {
    rns_heap_t* heap;
    rns_shadow_tally_t tally;
    ...;
} rns_shadow_t;

rns_fallback_t rns_shadow_fallback(rns_shadow_t* self);
void rns_shadow_drop(rns_shadow_t* self);
void rns_shadow_clear(rns_shadow_t* self);

#define RNS_NODE_ROWS_MAX ...

typedef struct {
    rns_traffic_row_t* rows;
    uint64_t random;
    uint32_t ready;
    uint32_t count;
    uint64_t minute;
} rns_node_rows_t;

uint32_t rns_node_rows_population(rns_node_rows_t* self);
void rns_node_rows_minute(rns_node_rows_t* self);

rns_hash_hook_t rns_mix_hook(void);

typedef enum {
    RNS_SOAK_POOL_FREE,
    RNS_SOAK_POOL_LARGEST,
    RNS_SOAK_TIER_FREE,
    RNS_SOAK_HEAP_FREE,
    RNS_SOAK_HEAP_LARGEST,
    RNS_SOAK_HEAP_FRAGMENTATION,
    ...
} rns_soak_metric_t;

typedef struct {
    rns_soak_metric_t metric;
    uint32_t tier_index;
    rns_watch_t watch;
} rns_soak_watch_t;

typedef struct {
    int64_t t_ns;
    uint64_t value;
    uint32_t watch;
    uint32_t is_raised;
} rns_soak_alarm_t;

typedef struct {
    uint32_t tier_index;
    uint32_t slot_index;
    uint8_t generation;
    uint8_t tag;
    uint16_t reserved;
} rns_soak_live_t;

typedef struct {
    rns_pool_t* pool;
    rns_meter_t* meter;
    rns_shadow_t* shadow;
    rns_soak_watch_t* watches;
    uint32_t watch_count;
    rns_soak_alarm_t* alarms;
    uint32_t alarm_capacity;
    uint32_t alarm_count;
    uint64_t alarms_lost;
    uint64_t events;
    uint64_t pool_free_min;
    int64_t now_ns;
    ...;
} rns_soak_t;

void rns_soak_finish(rns_soak_t* self, int64_t end_ns);
uint32_t rns_soak_live(rns_store_t* store, rns_soak_live_t* out, uint32_t capacity,
                       uint64_t* refs_out);

#define RNS_SOAK_RTP_PACKET_BYTES ...

typedef struct {
    rns_soak_t* soak;
    rns_store_t* stores[...];
    rns_rtp_receiver_t* receiver;
    uint8_t* buffer;
    uint64_t random;
    uint64_t calls;
    uint64_t sent;
    uint64_t lost;
    uint64_t late;
    uint64_t played;
    ...;
} rns_soak_rtp_t;

void rns_soak_rtp_until(rns_soak_rtp_t* self, int64_t end_ns);
uint32_t rns_soak_rtp_held(const rns_soak_rtp_t* self);
void rns_soak_rtp_drop(rns_soak_rtp_t* self);

typedef struct {
    rns_soak_t* soak;
    rns_transport_t* nodes[...];
    rns_traffic_t* traffic;
    rns_node_rows_t* rows;
    rns_soak_rtp_t* rtp;
    uint64_t frames;
    uint64_t timers;
} rns_soak_node_t;

rns_transport_hooks_t rns_soak_node_hooks(rns_hash_hook_t hash);
void rns_soak_node_begin(rns_soak_node_t* self);
void rns_soak_node_until(rns_soak_node_t* self, int64_t end_ns);
uint64_t rns_transport_handles(rns_transport_t* self);

/* ---- lab: rns_soak_hard.h ---- */

typedef struct {
    ...;
} rns_buffer_t;

typedef struct {
    rns_buffer_t* lanes[...];
    ...;
} rns_soak_block_t;

typedef struct {
    rns_soak_t* soak;
    rns_store_t* stores[...][...];
    uint32_t slot_count;
    rns_soak_block_t* blocks;
    void** drilled;
    uint32_t* image;
    uint64_t random;
    uint32_t drills_per_hour;
    uint32_t block_count;
    uint64_t leaked;
    uint64_t drills;
    uint64_t drill_requests;
    uint64_t drill_faults;
} rns_soak_hard_t;

void rns_soak_hard_hour(rns_soak_hard_t* self);
bool rns_soak_hard_drill(rns_soak_hard_t* self, uint32_t tier, bool is_last_first);

/* ---- lab: rns_curve.h ---- */

#define RNS_CURVE_LEVELS ...
#define RNS_CURVE_GIVE ...

typedef struct {
    uint32_t block;
    uint32_t size;
} rns_curve_step_t;

void rns_curve_steps(const rns_event_t* events, const uint32_t* block, size_t first, size_t end,
                     uint32_t* sizes, rns_curve_step_t* out);
size_t rns_curve_select(const rns_curve_step_t* steps, size_t count, uint32_t least, uint32_t most,
                        rns_curve_step_t* out);

typedef struct {
    uint32_t capacity;
    uint32_t* taken;
    uint64_t* words;
    uint32_t* index;
    uint32_t high_water;
    uint32_t free_count;
    ...;
} rns_curve_t;

size_t rns_curve_words(uint32_t capacity);
void rns_curve_begin(rns_curve_t* self);
void rns_curve_grow(rns_curve_t* self, uint32_t capacity, uint32_t* taken, uint64_t* words);
size_t rns_curve_run(rns_curve_t* self, const rns_curve_step_t* steps, size_t count);
/* ---- lab: rns_record.h ---- */

#define RNS_RECORD_MAGIC ...
#define RNS_RECORD_MISSING ...
#define RNS_RECORD_VOID_OP ...
#define RNS_RECORD_PAGE_BYTES ...
#define RNS_RECORD_CHUNK_BYTES ...
#define RNS_RECORD_DEPTH_MAX ...

typedef struct {
    uint32_t depth;
    uint32_t pid;
    uint32_t parent_pid;
    uint32_t started_count;
    int64_t start_ns;
    uint64_t event_count;
    uint64_t file_bytes;
    uint32_t thread_count;
    uint32_t site_count;
    uint32_t error;
    char program[512];
    char command[2048];
} rns_record_info_t;

typedef struct {
    uint64_t first;
    uint64_t end;
    uint64_t offset;
    char path[1024];
} rns_record_module_t;

typedef struct {
    rns_event_t* event;
    uint64_t event_capacity;
    uint64_t event_count;
    uint64_t void_count;
    uint64_t* frame;
    uint32_t depth;
    rns_record_module_t* module;
    uint32_t module_capacity;
    uint32_t module_count;
} rns_record_reader_t;

bool rns_record_info(const void* page, size_t bytes, rns_record_info_t* out);
bool rns_record_read_chunk(rns_record_reader_t* self, const void* chunk, size_t chunk_bytes);

/* ---- lab: rns_follow.h, rns_misses.h, rns_live.h ---- */

typedef struct {
    uint32_t used_bytes;
    ...;
} rns_record_chunk_t;

typedef struct {
    rns_record_chunk_t last;
    uint64_t number;
    bool has_event;
    ...;
} rns_follow_chunk_t;

typedef struct {
    rns_record_reader_t reader;
    rns_event_t* window;
    uint64_t capacity;
    uint64_t due;
    uint64_t void_count;
    uint64_t lost_count;
    uint64_t late_count;
} rns_follow_t;

void rns_follow_begin(rns_follow_t* self);
rns_follow_chunk_t rns_follow_chunk(void);
bool rns_follow_read(rns_follow_t* self, rns_follow_chunk_t* chunk, const void* bytes, size_t count);
size_t rns_follow_take(rns_follow_t* self, rns_event_t* out, size_t capacity);
void rns_follow_skip(rns_follow_t* self, uint64_t end);

#define RNS_MISSES_KEPT ...
#define RNS_MISSES_QUIET_NS ...

typedef struct {
    int64_t t_ns;
    uint64_t size_bytes;
    uint32_t site;
} rns_miss_t;

typedef struct {
    uint64_t count;
    uint64_t episodes;
    int64_t episode_ns;
    const int64_t* now_ns;
    uint32_t header_bytes;
    rns_miss_t last[...];
} rns_misses_t;

rns_fallback_t rns_misses_fallback(rns_misses_t* self);

typedef struct {
    uint32_t tier;
    ...;
} rns_live_block_t;

typedef struct {
    uint32_t in_use;
    uint32_t high_water;
    uint32_t peak;
    int64_t high_water_ns;
    int64_t first_full_ns;
    int64_t first_miss_ns;
} rns_live_tier_t;

typedef struct {
    uint64_t requests;
    uint64_t misses;
} rns_live_site_t;

typedef struct {
    rns_pool_t* pool;
    rns_heap_t* heap;
    rns_misses_t* misses;
    rns_live_site_t* sites;
    rns_live_block_t* blocks;
    size_t block_capacity;
    size_t block_count;
    uint64_t event_count;
    uint64_t unpaired_frees;
    uint64_t unfreed_reuses;
    uint64_t heap_failures;
    int64_t now_ns;
    uint64_t missed_bytes;
    uint64_t missed_bytes_peak;
    rns_live_tier_t tiers[...];
} rns_live_t;

void rns_live_begin(rns_live_t* self);
size_t rns_live_room(const rns_live_t* self, size_t count);
void rns_live_move(rns_live_t* self, rns_live_block_t* blocks, size_t capacity);
rns_status_t rns_live_run(rns_live_t* self, const rns_event_t* events, size_t count);

/* ---- lab: rns_tune.h ---- */

#define RNS_TUNE_NONE ...
#define RNS_TUNE_HITS_MAX ...

typedef struct {
    uint32_t tiers_max;
    uint32_t boundary_count;
    uint32_t units;
    int32_t* best;
} rns_tune_t;

typedef struct {
    uint32_t lower;
    uint32_t upper;
    uint32_t slot_units;
    uint32_t slots;
    uint32_t count;
    const int32_t* hits;
} rns_tune_range_t;

size_t rns_tune_entries(const rns_tune_t* self);
void rns_tune_begin(rns_tune_t* self);
void rns_tune_offer(rns_tune_t* self, const rns_tune_range_t* range);
/* ---- lab: rns_recording.h ---- */

typedef struct {
    ...;
} rns_observer_t;

typedef struct {
    rns_observer_t observer;
    ...;
} rns_recording_t;

bool rns_pool_observe(rns_pool_t* self, const rns_observer_t* observer);
void rns_recording_init(rns_recording_t* self, rns_event_t* event, uint64_t capacity);
void rns_recording_set_site(rns_recording_t* self, uint32_t site);
uint64_t rns_recording_count(rns_recording_t* self);
