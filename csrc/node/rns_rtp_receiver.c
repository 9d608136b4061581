#include "rns_rtp_receiver.h"

#define BURST_TICKS     1311u ///< 5 ms of the sender's clock, rounded up.
#define BURST_NS        5000000u
#define BURST_MOST_NS   100000000u
#define GAP_MOST_NS     2000000000u
#define JUMP_MOST_TICKS ((uint64_t)3 * RNS_RTP_TICKS_SECOND)
#define TICKS_START     ((uint64_t)1 << 32) ///< Room to go back.

#if RNS_STATS
#    define COUNT(counter) ((void)++self->counts.counter)
#else
#    define COUNT(counter) ((void)0)
#endif

rns_rtp_config_t rns_rtp_config_default(rns_pool_t* pool)
{
    return (rns_rtp_config_t){
        .pool = pool,
        .extension_id = 3,
        .filter = RNS_RTP_TRENDLINE,
        .bounds = {.least_bps = 10000, .start_bps = 300000, .most_bps = 30000000},
        .bucket_count = 100,
        .stream_count = 8,
        .stream_policy = RNS_TABLE_CULL_OLDEST,
    };
}

static rns_table_config_t streams_config(const rns_rtp_config_t* config)
{
    return (rns_table_config_t){.capacity = config->stream_count,
                                .key_bytes = sizeof(uint32_t),
                                .policy = config->stream_policy,
                                .seed = config->seed};
}

static rns_status_t check_config(const rns_rtp_config_t* config)
{
    const rns_rtp_bounds_t* const bounds = &config->bounds;
    const bool has_filter =
        config->filter == RNS_RTP_TRENDLINE || config->filter == RNS_RTP_KALMAN;
    const bool has_bounds = bounds->least_bps > 0 && bounds->least_bps <= bounds->start_bps &&
                            bounds->start_bps <= bounds->most_bps;
    const bool has_buckets =
        config->bucket_count >= RNS_RTP_BUCKETS_MIN && config->bucket_count <= RNS_RTP_BUCKETS_MAX;
    return has_filter && has_bounds && has_buckets && config->extension_id != 0 ? RNS_OK
                                                                                : RNS_CONFIG_RTP;
}

/// Return the bytes of the ring, which comes behind the table.
static size_t buckets_bytes(const rns_rtp_config_t* config)
{
    return config->bucket_count * sizeof(uint32_t);
}

rns_status_t rns_rtp_receiver_storage_bytes(const rns_rtp_config_t* config, size_t* out)
{
    *out = 0;
    rns_status_t status = check_config(config);
    if (status != RNS_OK) {
        return status;
    }
    const rns_table_config_t streams = streams_config(config);
    size_t streams_bytes = 0;
    status = rns_table_storage_bytes(&streams, &streams_bytes);
    /* No overflow: a table takes half of size_t at most. */
    *out = status == RNS_OK ? streams_bytes + buckets_bytes(config) : 0;
    return status;
}

rns_status_t rns_rtp_receiver_init(rns_rtp_receiver_t* self, const rns_rtp_config_t* config,
                                   rns_memory_t storage)
{
    *self = (rns_rtp_receiver_t){0};
    size_t needed = 0;
    const rns_status_t status = rns_rtp_receiver_storage_bytes(config, &needed);
    if (status != RNS_OK) {
        return status;
    }
    if (config->pool->header_bytes != 0) {
        return RNS_CONFIG_HEADER;
    }
    if (rns_pool_home(config->pool, sizeof(rns_rtp_info_t)) == config->pool->tier_count) {
        return RNS_CONFIG_SLOT_BYTES;
    }
    if (storage.bytes < needed) {
        return RNS_CONFIG_STORAGE_SMALL;
    }
    const rns_table_config_t streams = streams_config(config);
    const rns_status_t refused = rns_table_init(&self->streams, &streams, storage);
    if (refused != RNS_OK) {
        return refused;
    }
    unsigned char* const end = (unsigned char*)storage.start + needed;
    self->rate.buckets = (uint32_t*)(void*)(end - buckets_bytes(config));
    self->rate.bucket_count = config->bucket_count;
    self->rate.bounds = config->bounds;
    self->pool = config->pool;
    self->extension_id = config->extension_id;
    rns_rtp_rate_reset(&self->rate);
    rns_rtp_delay_reset(&self->delay, config->filter);
    return RNS_OK;
}

/// Give back every info of the open group.
static void close_group(rns_rtp_receiver_t* self)
{
    while (self->newest != NULL) {
        rns_rtp_info_t* const info = self->newest;
        self->newest = info->older;
        if (rns_pool_give(self->pool, info) == RNS_OK) { /* or it is damaged: R5 tells */
            COUNT(gives);
        }
        --self->group_count;
    }
}

/// Begin the arrival-time model anew.
static void restart(rns_rtp_receiver_t* self)
{
    close_group(self);
    self->has_settled = false;
    rns_rtp_delay_reset(&self->delay, self->delay.filter);
}

void rns_rtp_receiver_reset(rns_rtp_receiver_t* self)
{
    restart(self);
    (void)rns_table_reset(&self->streams); /* it has no hook to be called from */
    rns_rtp_rate_reset(&self->rate);
    self->now_ns = 0;
    self->remb_ns = 0;
    self->remb_bps = 0;
    self->counts = (rns_rtp_counts_t){0};
}

/// Return ticks of the sender's clock in ns; exact, but for the last one.
static int64_t ticks_ns(uint64_t ticks)
{
    return (int64_t)(ticks * 1953125u >> 9);
}

/// Hand the step from the group before to the estimator.
static void add_sample(rns_rtp_receiver_t* self, rns_rtp_moment_t last)
{
    const rns_rtp_moment_t before = self->settled;
    const rns_rtp_sample_t sample = {
        .arrival_step_ns = (int64_t)(last.arrival_ns - before.arrival_ns),
        .send_step_ns = ticks_ns(last.send_ticks - before.send_ticks)};
    if (sample.arrival_step_ns > RNS_RTP_STEP_MOST_NS ||
        sample.send_step_ns > RNS_RTP_STEP_MOST_NS) {
        rns_rtp_delay_reset(&self->delay, self->delay.filter);
        COUNT(restarts);
        return;
    }
    const rns_rtp_signal_t signal = rns_rtp_delay_add(&self->delay, sample);
    if (signal == RNS_RTP_OVERUSE) {
        COUNT(overuses);
    }
    rns_rtp_rate_update(&self->rate, signal, self->now_ns);
}

static void settle(rns_rtp_receiver_t* self)
{
    const rns_rtp_moment_t last = self->newest->at;
    close_group(self);
    COUNT(groups);
    if (self->has_settled) {
        add_sample(self, last);
    }
    self->settled = last;
    self->has_settled = true;
}

/// Tell whether a packet belongs to the open group, by one of the draft's two rules.
static bool belongs(const rns_rtp_receiver_t* self, rns_rtp_moment_t moment)
{
    const rns_rtp_moment_t first = self->opened;
    const rns_rtp_moment_t last = self->newest->at;
    if (moment.send_ticks - first.send_ticks <= BURST_TICKS) {
        return true;
    }
    const uint64_t gap_ns = moment.arrival_ns - last.arrival_ns;
    const int64_t sent_ns = ticks_ns(moment.send_ticks - last.send_ticks);
    return gap_ns < BURST_NS && (int64_t)gap_ns - sent_ns < -ticks_ns(1) &&
           moment.arrival_ns - first.arrival_ns < BURST_MOST_NS;
}

/// Put a packet into the open group, or open one with it.
static rns_status_t join(rns_rtp_receiver_t* self, const rns_rtp_info_t* packet)
{
    void* slot = NULL;
    rns_status_t status = RNS_OK;
    if (self->group_count < RNS_RTP_GROUP_PACKETS) {
        status = rns_pool_take(self->pool, sizeof *packet, RNS_PRIORITY_NORMAL, &slot);
    }
    if (status != RNS_OK) {
        COUNT(refusals);
    }
    if (slot == NULL && self->newest == NULL) {
        COUNT(missed);
        return status;
    }
    rns_rtp_info_t* older = self->newest;
    if (slot == NULL) {
        slot = self->newest;
        older = self->newest->older;
        COUNT(beyond);
    } else {
        COUNT(takes);
        ++self->group_count;
    }
    self->opened = self->newest == NULL ? packet->at : self->opened;
    self->newest = slot;
    *self->newest = *packet;
    self->newest->older = older;
    COUNT(grouped);
    return status;
}

/// Tell how a packet stands to the last one that was grouped, and group it if it is in order.
static rns_status_t place(rns_rtp_receiver_t* self, rns_rtp_info_t* packet, uint32_t send_time)
{
    const rns_rtp_moment_t* const last = self->newest != NULL ? &self->newest->at : &self->settled;
    packet->at.send_ticks = TICKS_START + send_time;
    if (self->newest != NULL || self->has_settled) {
        const uint64_t ticks = rns_rtp_unwrap(last->send_ticks, send_time);
        const bool is_late = ticks < last->send_ticks;
        const uint64_t jump = is_late ? last->send_ticks - ticks : ticks - last->send_ticks;
        if (jump > JUMP_MOST_TICKS || packet->at.arrival_ns - last->arrival_ns > GAP_MOST_NS) {
            restart(self);
            COUNT(restarts);
        } else if (is_late) {
            COUNT(late);
            return RNS_OK;
        } else {
            packet->at.send_ticks = ticks;
        }
    }
    if (self->newest != NULL && !belongs(self, packet->at)) {
        settle(self);
    }
    return join(self, packet);
}

static bool is_duplicate(const rns_rtp_receiver_t* self, const rns_rtp_header_t* header)
{
    for (const rns_rtp_info_t* info = self->newest; info != NULL; info = info->older) {
        if (info->sequence == header->sequence && info->ssrc == header->ssrc) {
            return true;
        }
    }
    return false;
}

/// Take in a well-formed packet. `timed` is RNS_OK, or RNS_MISS_ABSENT without a send time.
static rns_status_t take_in(rns_rtp_receiver_t* self, const rns_rtp_header_t* header,
                            rns_status_t timed, uint32_t send_time)
{
    rns_status_t status = rns_table_put(&self->streams, &header->ssrc, NULL, self->now_ns, NULL);
    if (status != RNS_OK && status != RNS_MISS_PRESENT) {
        COUNT(rejected);
        return status;
    }
    if (is_duplicate(self, header)) {
        COUNT(duplicates);
        return RNS_OK;
    }
    rns_rtp_rate_add(&self->rate, header->payload.bytes + header->padding_bytes, self->now_ns);
    if (timed != RNS_OK) {
        COUNT(timeless);
        return timed;
    }
    rns_rtp_info_t packet = {
        .at = {.arrival_ns = self->now_ns}, .ssrc = header->ssrc, .sequence = header->sequence};
    return place(self, &packet, send_time);
}

rns_status_t rns_rtp_receiver_receive(rns_rtp_receiver_t* self, rns_span_t packet, uint64_t now_ns)
{
    COUNT(packets);
    rns_rtp_header_t header;
    uint32_t send_time = 0;
    rns_status_t status = rns_rtp_header_parse(packet, &header);
    if (status == RNS_OK) {
        status = rns_rtp_send_time(&header, self->extension_id, &send_time);
    }
    if (status < 0) {
        COUNT(malformed);
        return status;
    }
    self->now_ns = now_ns > self->now_ns ? now_ns : self->now_ns;
    return take_in(self, &header, status, send_time);
}

/// Tell whether a REMB has to be sent at `now_ns`, which is not before the last one.
static bool is_due(const rns_rtp_receiver_t* self, uint64_t now_ns)
{
    return self->remb_bps == 0 || now_ns - self->remb_ns >= RNS_RTP_REMB_NS ||
           (uint64_t)self->rate.estimate_bps * 100u <= (uint64_t)self->remb_bps * 97u;
}

rns_status_t rns_rtp_receiver_remb(rns_rtp_receiver_t* self, uint64_t now_ns, uint32_t* out)
{
    *out = 0;
    self->now_ns = now_ns > self->now_ns ? now_ns : self->now_ns;
    (void)rns_table_expire(&self->streams, self->now_ns, RNS_RTP_STREAM_AGE_NS, NULL);
    if (rns_table_count(&self->streams) == 0) {
        restart(self);
        return RNS_MISS_ABSENT;
    }
    if (!is_due(self, self->now_ns)) {
        return RNS_MISS_ABSENT;
    }
    self->remb_ns = self->now_ns;
    self->remb_bps = self->rate.estimate_bps;
    COUNT(rembs);
    *out = self->remb_bps;
    return RNS_OK;
}

void rns_rtp_receiver_stats(const rns_rtp_receiver_t* self, rns_rtp_stats_t* out)
{
    *out = (rns_rtp_stats_t){
        .counts = self->counts,
        .signal = self->delay.signal,
        .state = self->rate.state,
        .trend_ns = self->delay.trend_ns,
        .threshold_ns = self->delay.threshold_ns,
        .incoming_bps = rns_rtp_rate_incoming(&self->rate, self->now_ns),
        .estimate_bps = self->rate.estimate_bps,
        .in_use = self->group_count,
    };
    rns_table_stats(&self->streams, &out->streams);
}

/// Verify R3 and R4. A pointer is read through only if the pool knows its slot.
static const char* check_group(const rns_rtp_receiver_t* self)
{
    uint32_t count = 0;
    rns_rtp_moment_t later = {.arrival_ns = UINT64_MAX, .send_ticks = UINT64_MAX};
    for (const rns_rtp_info_t* info = self->newest; info != NULL; info = info->older) {
        uint32_t tier = 0;
        uint32_t slot = 0;
        const bool is_slot = rns_pool_locate(self->pool, info, &tier, &slot) == RNS_OK;
#if RNS_EXTRAS
        const bool is_known = is_slot || self->pool->fallback.take != NULL;
#else
        const bool is_known = is_slot;
#endif
        if (count == RNS_RTP_GROUP_PACKETS || !is_known) {
            return "R3";
        }
        if (info->at.arrival_ns > later.arrival_ns || info->at.send_ticks > later.send_ticks) {
            return "R4";
        }
        later = info->at;
        ++count;
    }
    return count == self->group_count ? NULL : "R3";
}

static const char* check_counts(const rns_rtp_receiver_t* self)
{
#if RNS_STATS
    const rns_rtp_counts_t* const c = &self->counts;
    if (c->takes - c->gives != self->group_count) {
        return "R5";
    }
    if (c->packets != c->malformed + c->rejected + c->duplicates + c->timeless + c->late +
                          c->missed + c->grouped) {
        return "R6";
    }
#endif
    const int64_t threshold = self->delay.threshold_ns;
    return threshold < RNS_RTP_THRESHOLD_LEAST_NS || threshold > RNS_RTP_THRESHOLD_MOST_NS ? "R7"
                                                                                           : NULL;
}

rns_damage_t rns_rtp_receiver_check(const rns_rtp_receiver_t* self)
{
    rns_damage_t found = rns_rtp_rate_check(&self->rate);
    if (found.status != RNS_OK) {
        return found;
    }
    found = rns_table_check(&self->streams);
    if (found.status != RNS_OK) {
        return found;
    }
    found.invariant = check_group(self);
    if (found.invariant == NULL) {
        found.invariant = check_counts(self);
    }
    found.status = found.invariant == NULL ? RNS_OK : RNS_DAMAGE_INVARIANT;
    return found;
}
