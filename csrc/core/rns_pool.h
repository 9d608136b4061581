/// @file rns_pool.h
/// A pool of 1 to RNS_TIERS_MAX tiers, smallest slots first, over memory that the caller owns.
/// In which of three builds, and what the two smaller ones lack: RNS_PROFILE, rns_small.h.
///
/// Owns: the choice of a tier for a size, the owner of an address, the reserve, the fallback, the
/// low-water callback, the lock, and all statistics.
/// Does not: own memory, find slots in a tier (rns_tier_t), or count references (rns_bytes_t).
///
/// Words: the *home* tier of a request is the smallest whose slot_bytes >= size. Served there it
/// is a *hit*, by a larger tier a *spill*. Else it is *exhausted*, or *oversize* if no tier is
/// large enough; both are *misses*. A miss that the fallback hook serves is a *fallback*, else a
/// *failure*.
///
/// Cost: take and give are O(tier_count), both over bounds that lie side by side, plus the tier's
/// own cost (rns_tier.h). No division, no loop over slots, no memory outside slot and pool.
///
/// Threads: as RNS_SYNC says. In RNS_SYNC_LOCK one lock covers the pool; hooks run outside it.
///
/// Invariants (rns_pool_check; those of each tier, I1 to I7, as well):
///   I8   slot_bytes strictly ascend.
///   I9   No two tiers share a byte.
///   I10  No tier served more spills than it had takes.
///   I11  Spills by home tier and by serving tier have the same sum. (At rest.)
///   I12  Of the fallback's blocks no more came back than went out. (At rest.)
#ifndef RNS_POOL_H
#define RNS_POOL_H

#include "rns_tier.h"

typedef enum {
    RNS_POLICY_STRICT = 0, ///< Only the home tier serves a request.
    RNS_POLICY_SPILL = 1,  ///< If the home tier is full, the next larger that is not.
} rns_policy_t;

typedef enum {
    RNS_PRIORITY_NORMAL = 0,
    RNS_PRIORITY_HIGH = 1, ///< May take the reserve, so that one direction cannot starve another.
} rns_priority_t;

/// Memory that the caller owns.
typedef struct {
    void* start;
    size_t bytes;
} rns_memory_t;

/// One tier as the caller wants it. What is left zero is off.
typedef struct {
    size_t slot_bytes;   ///< Payload of a slot, 1 to RNS_SLOT_BYTES_MAX.
    uint32_t slot_count; ///< 1 to RNS_SLOT_COUNT_MAX.
#if RNS_EXTRAS
    uint32_t reserve_count;    ///< The last free slots, for RNS_PRIORITY_HIGH only.
    uint32_t low_water_count;  ///< Tell when fewer than this many slots are free.
    uint32_t hysteresis_count; ///< Tell again only after this many more were free.
    uint8_t region;            ///< Kind of memory the slots lie in, below RNS_REGIONS_MAX.
    rns_memory_t memory;       ///< For the slots, in that region; zero: in the pool's storage.
#endif
} rns_tier_config_t;

/// Serves misses from elsewhere, a heap for instance. Both functions or none.
typedef struct {
    /// Return `size_bytes` of memory, which include the pool's header_bytes, or NULL.
    void* (*take)(void* context, size_t size_bytes);
    /// Take a block back; return false, changing nothing, if it is not one of take()'s live
    /// blocks. A hook that cannot know (free()) returns true: a foreign pointer is then only
    /// detected while no block of the fallback is out.
    bool (*give)(void* context, void* block);
    void* context;
    uint8_t region; ///< Kind of memory its blocks lie in, below RNS_REGIONS_MAX.
} rns_fallback_t;

/// Told when a tier runs low, outside the lock, in the thread whose take or give crossed the mark.
/// Low and recovered alternate; where threads race for the mark, an event may come one call late.
typedef struct {
    /// @param low  true: fewer than low_water_count slots are free; false: low_water_count +
    ///             hysteresis_count are free again.
    void (*notify)(void* context, uint32_t tier_index, uint32_t free_count, bool low);
    void* context;
} rns_low_water_t;

/// Told of every take that is served and every give. (RNS_OBSERVE) Outside the lock, in the thread
/// that takes or gives; all three functions are set.
typedef struct {
    /// A take was served; `size_bytes` is what was asked for.
    void (*took)(void* context, const void* slot, size_t size_bytes);
    /// A give begins: nobody else can have got the slot yet. Return a number for gave().
    uint64_t (*giving)(void* context);
    /// It ended with `status`: anything else than RNS_OK is a refusal.
    void (*gave)(void* context, uint64_t number, const void* slot, rns_status_t status);
    void* context;
} rns_observer_t;

/// A pool as the caller wants it; not needed after rns_pool_init().
typedef struct {
    const rns_tier_config_t* tiers;
    uint32_t tier_count;
    rns_policy_t policy;
    uint32_t header_bytes; ///< In front of each payload, a multiple of RNS_ALIGN_BYTES.
#if RNS_EXTRAS
    rns_fallback_t fallback;
    rns_low_water_t low_water;
#endif
} rns_pool_config_t;

/// Refusals and damage, each by its status.
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

/// One tier in a snapshot. requests = hits + spills + exhausted.
typedef struct {
    uint32_t slot_bytes;
    uint32_t slot_count;
    uint32_t region;
    uint32_t in_use;
    uint32_t high_water;
    uint32_t window_high_water;
    uint32_t largest_request_bytes; ///< Of those whose home tier this is.
    rns_counter_t requests;         ///< With this home tier.
    rns_counter_t hits;
    rns_counter_t spills;    ///< Requests of this home tier that a larger tier served.
    rns_counter_t spills_in; ///< Requests of smaller home tiers that this tier served.
    rns_counter_t exhausted;
    rns_counter_t takes; ///< hits + spills_in
    rns_counter_t gives;
} rns_tier_stats_t;

/// One region in a snapshot.
typedef struct {
    uint32_t slot_count;
    uint32_t in_use;
    size_t slots_bytes;  ///< Of all tiers in the region, header and padding included.
    size_t in_use_bytes; ///< Of their slots in use.
    rns_counter_t takes;
    rns_counter_t gives;
    rns_counter_t fallbacks; ///< Blocks the fallback served from this region.
} rns_region_stats_t;

/// Duration of calls in ticks of RNS_TICKS(). Zero without RNS_TIMING.
typedef struct {
    rns_counter_t calls;
    rns_counter_t total_ticks;
    uint32_t worst_ticks;
} rns_timing_t;

/// Everything a pool knows of itself at one moment. Counters are zero where RNS_STATS is off.
///
/// requests = hits + spills + exhausted + oversize; exhausted + oversize = fallbacks + failures;
/// in_use = takes - gives; in_use <= high_water <= slot_count; sums over tiers = pool.
typedef struct {
    uint32_t tier_count;
    uint32_t in_use;
    uint32_t largest_request_bytes; ///< Saturates at UINT32_MAX.
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
    rns_timing_t take_timing;
    rns_timing_t give_timing;
    rns_tier_stats_t tiers[RNS_TIERS_MAX];
    rns_region_stats_t regions[RNS_REGIONS_MAX];
} rns_pool_stats_t;

#if RNS_PROFILE != RNS_PROFILE_FULL
#    include "rns_small.h"
#else
/// A duration record that threads share.
typedef struct {
    RNS_CELL(rns_counter_t) calls;
    RNS_CELL(rns_counter_t) total_ticks;
    RNS_CELL(uint32_t) worst_ticks;
} rns_stopwatch_t;

/// A tier and what only its pool knows of it.
typedef struct {
    rns_tier_t tier;
    uint32_t reserve_count;
    uint32_t low_water_count;
    uint32_t recovered_count; ///< low_water_count + hysteresis_count
    RNS_CELL(uint32_t) is_low;
#    if RNS_STATS
    RNS_CELL(uint32_t) largest_request_bytes;
    RNS_CELL(rns_counter_t) spills;
    RNS_CELL(rns_counter_t) spills_in;
    RNS_CELL(rns_counter_t) exhausted;
#    endif
} rns_pool_tier_t;

/// What a give has to know of the tier whose memory holds an address; a copy of the tier's own.
typedef struct {
    uint32_t slots_bytes;
    uint32_t stride_inverse;
    uint32_t stride_shift;
    uint32_t gate_slot_count;
    uint32_t tier_index;
} rns_pool_owner_t;

typedef struct rns_pool {
    uint32_t tier_count;
    rns_policy_t policy;
    /* What every call looks through lies side by side. */
    size_t home_limit[RNS_TIERS_MAX];       ///< slot_bytes, then SIZE_MAX.
    uintptr_t slots_start[RNS_TIERS_MAX];   ///< Ascending, then UINTPTR_MAX.
    rns_pool_owner_t owners[RNS_TIERS_MAX]; ///< Whose slots start there.
    uint32_t slot_bytes[RNS_TIERS_MAX];
    uint8_t region[RNS_TIERS_MAX];
    rns_pool_tier_t tiers[RNS_TIERS_MAX];
    uint32_t header_bytes;
    rns_memory_t storage;
    rns_fallback_t fallback;
    rns_low_water_t low_water;
    struct rns_pool* next; ///< Ring of linked pools; the pool itself if it is alone.
#    if RNS_SYNC == RNS_SYNC_LOCK
    rns_lock_t lock;
#    endif
    RNS_CELL(rns_counter_t) fallbacks;
    RNS_CELL(rns_counter_t) fallback_gives;
#    if RNS_STATS
    RNS_CELL(uint32_t) largest_oversize_bytes;
    RNS_CELL(rns_counter_t) oversize;
    RNS_CELL(rns_counter_t) misuse[RNS_MISUSE_FOREIGN - RNS_DAMAGE_CANARY + 1]; ///< By status.
#    endif
#    if RNS_TIMING
    rns_stopwatch_t take_timing;
    rns_stopwatch_t give_timing;
#    endif
#    if RNS_OBSERVE
    RNS_CELL(const rns_observer_t*) observer;
    RNS_CELL(uint32_t) observed_calls; ///< That may be in the observer now.
#    endif
} rns_pool_t;
#endif

/// Compute how much storage rns_pool_init() needs for `config`.
///
/// @param out  Receives the bytes; 0 unless RNS_OK is returned.
///
/// @retval RNS_CONFIG_*  The configuration is refused; every rule is checked here but those of
///                       the storage itself.
///
/// Cost: O(tier_count).  Threads: pure.
RNS_MUST_USE rns_status_t rns_pool_storage_bytes(const rns_pool_config_t* config, size_t* out);

/// Make an empty pool.
///
/// @param self     Uninitialised memory for the pool; left all zero unless RNS_OK is returned.
/// @param storage  For slots and bitmaps; aligned to RNS_ALIGN_BYTES, outlives the pool.
///
/// @retval RNS_CONFIG_*  The configuration or the storage is refused.
///
/// Cost: O(slots), with RNS_POISON O(bytes).  Threads: none else may use the pool yet.
RNS_MUST_USE rns_status_t rns_pool_init(rns_pool_t* self, const rns_pool_config_t* config,
                                        rns_memory_t storage);

/// Take a slot for `size_bytes` of payload.
///
/// A request of 0 bytes is one of the smallest tier.
///
/// @param out  Receives the slot (its header first, if the pool has headers), aligned to
///             RNS_ALIGN_BYTES, or the fallback's block; NULL unless RNS_OK is returned.
///
/// @retval RNS_OK              A hit, a spill or a fallback. Give it back with rns_pool_give().
/// @retval RNS_MISS_EXHAUSTED  No slot that may serve it is free, nor did the fallback serve it.
/// @retval RNS_MISS_OVERSIZE   No tier is large enough, nor did the fallback serve it.
///
/// Counts: requests, and one of hits, spills, exhausted, oversize; a miss: fallbacks or failures.
/// Cost: see the file comment.  Threads: safe, also in an interrupt if the lock is.
RNS_MUST_USE rns_status_t rns_pool_take(rns_pool_t* self, size_t size_bytes,
                                        rns_priority_t priority, void** out);

/// Give back what rns_pool_take() handed out.
///
/// @retval RNS_MISUSE_*       Refused, counted, and nothing changed. NULL is foreign.
/// @retval RNS_DAMAGE_CANARY  Written past its end; the slot stays taken. (RNS_CANARY)
///
/// Counts: gives, or the refusal.  Cost: see the file comment.  Threads: safe; of two threads
/// that give the same slot exactly one succeeds.
RNS_MUST_USE rns_status_t rns_pool_give(rns_pool_t* self, void* slot);

#if RNS_PROFILE == RNS_PROFILE_FULL
/// Set the observer, or none (NULL). When it returns, no call is in the one before.
///
/// @retval false  Built without RNS_OBSERVE; nothing is observed.
///
/// Cost: while there is none, a load for each take and give.  Threads: safe with RNS_SYNC_ATOMIC,
/// else none other may use the pool meanwhile. Not from the observer itself.
bool rns_pool_observe(rns_pool_t* self, const rns_observer_t* observer);
#endif

/// Return the home tier of a size; tier_count if it is oversize.
uint32_t rns_pool_home(const rns_pool_t* self, size_t size_bytes);

/// Tell which slot `slot` is the start of.
///
/// @param tier_index, slot_index  Receive its place; UINT32_MAX unless RNS_OK is returned.
///
/// @retval RNS_MISUSE_*  As rns_pool_give(), but RNS_MISUSE_DOUBLE_GIVE. Not counted.
///
/// Cost: O(tier_count).  Threads: pure.
RNS_MUST_USE rns_status_t rns_pool_locate(const rns_pool_t* self, const void* slot,
                                          uint32_t* tier_index, uint32_t* slot_index);

/// Return the slot at a place in the pool, in use or not.
void* rns_pool_slot(const rns_pool_t* self, uint32_t tier_index, uint32_t slot_index);

/// Tell whether the slot at a place in the pool is in use.  Threads: safe.
bool rns_pool_is_live(rns_pool_t* self, uint32_t tier_index, uint32_t slot_index);

#if RNS_EXTRAS
/// Let two pools know each other's memory, so that a slot of one given to the other is reported
/// as RNS_MISUSE_WRONG_POOL instead of RNS_MISUSE_FOREIGN. Joins the rings of both.
///
/// Do not link a pool with one that its own fallback draws from: those blocks are no misuse.
///
/// Threads: before other threads use either pool.
void rns_pool_link(rns_pool_t* self, rns_pool_t* other);

/// Leave the ring of linked pools; needed before a linked pool's memory goes away.
void rns_pool_unlink(rns_pool_t* self);
#endif

/// Return a snapshot.
///
/// At rest it is exact; under load each tier is right for some moment of the call, and the
/// identities hold. In RNS_SYNC_ATOMIC a take that spills is at first counted as a hit of the tier
/// that serves it, then for a moment not at all: between two snapshots `requests` may step back by
/// one for each such take that is on its way.
///
/// Cost: O(tier_count).  Threads: safe.
void rns_pool_stats(rns_pool_t* self, rns_pool_stats_t* out);

#if RNS_EXTRAS
/// Begin a new window: each tier's window_high_water becomes its in_use.  Threads: safe.
void rns_pool_reset_window(rns_pool_t* self);
#endif

/// Verify I1 to I12.
///
/// @return RNS_OK and zeros, or the first broken invariant and where.
///
/// Cost: O(slots), with RNS_POISON O(bytes).  Threads: at rest only.
rns_damage_t rns_pool_check(const rns_pool_t* self);

/// Called by rns_pool_each_live() for one slot in use.
typedef void (*rns_live_visitor_t)(void* context, uint32_t tier_index, uint32_t slot_index,
                                   void* slot);

/// Call `visit` for every slot in use, by tier and index.
///
/// Cost: O(slots).  Threads: safe; a slot that changes hands meanwhile may be visited or not.
void rns_pool_each_live(rns_pool_t* self, rns_live_visitor_t visit, void* context);

/// Receives text, not 0-terminated.
typedef struct {
    void (*write)(void* context, const char* text, size_t text_bytes);
    void* context;
} rns_sink_t;

/// Write the statistics as one line: requests, hits, hit rate in per cent rounded down to a
/// tenth, then per tier slot_bytes:in_use/slot_count^high_water. The line comes in pieces and ends
/// with a newline.
///
/// Cost: a snapshot and some 20 bytes of text for each tier; no stdio.  Threads: safe.
void rns_pool_log(rns_pool_t* self, rns_sink_t sink);

#endif
