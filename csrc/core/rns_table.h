/// @file rns_table.h
/// A table of fixed capacity: keys of one length, values of one length, a time stamp each.
///
/// Owns: the entries in memory that the caller gave, their order, and what happens when full.
/// Does not: own that memory, know what a value means (the drop hook tells its owner that one
/// goes), read a clock (every call is told the time), or lock.
///
/// Threads: unsynchronised, in every RNS_SYNC; one owner at a time, and no function is safe beside
/// another of the same table.
///
/// When a new key finds no room, the policy decides: RNS_TABLE_REJECT refuses and counts it;
/// RNS_TABLE_CULL_OLDEST has made room before, since from 90 % on a new key first removes the
/// entries with the oldest time stamps, down to 80 %; RNS_TABLE_RING overwrites the entry inserted
/// first. Nothing is ever allocated, and no entry ever moves: the address of a value holds until
/// its entry goes.
///
/// Order: entries stand in the order in which they were inserted; an update or a touch changes the
/// time stamp, not the place. Of equal time stamps the one inserted first is the older.
///
/// The drop hook is told of every value that leaves unless the caller received it: culled,
/// overwritten, expired, removed, reset, and the old value of an update. Its entry can no longer
/// be found then (but for an update), and its key and value are intact until the hook returns.
/// From within the hook this table may be read, by rns_table_find() too, but not be checked, since
/// an entry is on its way, nor changed: that is refused as RNS_MISUSE_REENTRANT.
///
/// Cost: find, put, remove and touch hash the key (rns_hash.h: 8 rounds for 16 bytes) and look at
/// 1.5 cells on average if it is there and 2.5 if not (2 and 5 where the index is fullest): open
/// addressing, at most two thirds full, 7 bits of the hash in each cell so that other keys are
/// rarely compared, and no tombstones, since removal shifts back what follows. Keys that collide
/// in the whole hash cost up to `count` cells and key comparisons a call. Without the seed nobody
/// can choose such keys; with a known seed anybody can, and stats.longest_probe shows it. A cull
/// of k out of n entries is O(n + k log n) in the one put that needs it (of 2,048 entries 206, by
/// every 206th new key); expire, each and reset are O(n).
///
/// Memory for each entry: 24 bytes, the key, the value rounded up to RNS_ALIGN_BYTES, 6 to 12
/// bytes of index, and with RNS_TABLE_CULL_OLDEST 4 bytes to sort in.
///
/// Invariants (rns_table_check):
///   I1  The list of entries, walked from the oldest, is linked both ways and has `count` of them.
///   I2  The list of free entries has the others.
///   I3  Each entry holds the hash of its key.
///   I4  Each entry has one cell, with its tag, and no empty one before it; no other cell is used.
///   I5  No two entries have equal keys.
///   I6  count <= high_water <= the most the policy allows.
///   I7  inserts = count + removes + culls + overwrites + expired.
#ifndef RNS_TABLE_H
#define RNS_TABLE_H

#include "rns_pool.h"

#define RNS_TABLE_KEY_BYTES_MAX   64u
#define RNS_TABLE_VALUE_BYTES_MAX ((uint32_t)1 << 24)
#define RNS_TABLE_CAPACITY_MAX    ((uint32_t)1 << 24)

#define RNS_TABLE_CULL_AT_PERCENT 90u ///< If the configuration leaves both percentages zero.
#define RNS_TABLE_CULL_TO_PERCENT 80u

typedef enum {
    RNS_TABLE_REJECT = 0,      ///< Full: a new key is refused. For fixed buffers.
    RNS_TABLE_CULL_OLDEST = 1, ///< Nearly full: the oldest by time stamp go. For caches.
    RNS_TABLE_RING = 2,        ///< Full: the one inserted first goes. For lists of hashes.
} rns_table_policy_t;

/// Told of values that leave the table; see the file comment.
typedef struct {
    /// @param key    key_bytes.
    /// @param value  value_bytes, aligned to RNS_ALIGN_BYTES.
    void (*drop)(void* context, const void* key, void* value);
    void* context;
} rns_table_hook_t;

/// A table as the caller wants it; not needed after rns_table_init().
typedef struct {
    uint32_t capacity;    ///< Entries, 1 to RNS_TABLE_CAPACITY_MAX.
    uint32_t key_bytes;   ///< 1 to RNS_TABLE_KEY_BYTES_MAX.
    uint32_t value_bytes; ///< 0 (a set of keys) to RNS_TABLE_VALUE_BYTES_MAX.
    rns_table_policy_t policy;
    /// RNS_TABLE_CULL_OLDEST: a new key that finds count >= capacity * cull_at_percent / 100 culls
    /// until count <= capacity * cull_to_percent / 100. 1 to 100, and below the former. Both zero:
    /// 90 and 80.
    uint32_t cull_at_percent;
    uint32_t cull_to_percent;
    uint64_t seed; ///< Of the hash. Random, and unknown to whoever may choose keys.
    rns_table_hook_t on_drop;
} rns_table_config_t;

/// Everything a table knows of itself. Zero where RNS_STATS is off, but for capacity and count.
///
/// puts = inserts + updates + rejects; hits <= finds;
/// inserts = count + removes + culls + overwrites + expired.
typedef struct {
    uint32_t capacity;
    uint32_t count;
    uint32_t high_water;    ///< Largest count.
    uint32_t longest_probe; ///< Most cells that one call had to look at.
    rns_counter_t puts;
    rns_counter_t inserts;
    rns_counter_t updates;
    rns_counter_t rejects; ///< Puts refused because the table was full.
    rns_counter_t finds;
    rns_counter_t hits;
    rns_counter_t removes;
    rns_counter_t culls; ///< Entries.
    rns_counter_t cull_runs;
    rns_counter_t overwrites;
    rns_counter_t expired;
    rns_counter_t reentrant; ///< Calls refused as RNS_MISUSE_REENTRANT.
} rns_table_stats_t;

/// What the table keeps of an entry beside key and value.
typedef struct {
    uint64_t time_ns;
    uint32_t hash;
    uint32_t newer; ///< Entry inserted next; of a free entry, the next free one.
    uint32_t older; ///< Entry inserted before; a mark in a free entry.
    uint32_t rank;  ///< Place in the order of insertion; only valid while culling.
} rns_table_entry_t;

typedef struct {
    rns_table_entry_t* entries;
    unsigned char* values;
    unsigned char* keys;
    uint32_t* cells;     ///< The index: 0, or an entry's number, 7 bits of its hash, and bit 31.
    uint32_t* heap;      ///< Where culls are sorted; NULL in other policies.
    uint32_t cell_mask;  ///< Number of cells - 1.
    uint32_t count_most; ///< By policy.
    uint32_t cull_to_count;
    uint32_t capacity;
    uint32_t key_bytes;
    uint32_t value_bytes;
    uint32_t value_stride_bytes;
    uint64_t seed;
    rns_table_policy_t policy;
    rns_table_hook_t on_drop;
    uint32_t count;
    uint32_t oldest;
    uint32_t newest;
    uint32_t first_free;
    bool is_in_hook;
    bool is_in_each;
    uint32_t each_next; ///< What rns_table_each() visits next, and last.
    uint32_t each_last;
#if RNS_STATS
    rns_table_stats_t stats; ///< Without capacity, count and inserts.
#endif
} rns_table_t;

/// Compute how much storage rns_table_init() needs for `config`.
///
/// @param out  Receives the bytes; 0 unless RNS_OK is returned.
///
/// @retval RNS_CONFIG_SLOT_COUNT, RNS_CONFIG_KEY_BYTES, RNS_CONFIG_SLOT_BYTES  Capacity, key_bytes
///                              or value_bytes is out of range.
/// @retval RNS_CONFIG_POLICY    None of the three.
/// @retval RNS_CONFIG_CULL      The percentages are out of range.
/// @retval RNS_CONFIG_OVERFLOW  The storage does not fit size_t.
///
/// Cost: O(1).  Threads: pure.
RNS_MUST_USE rns_status_t rns_table_storage_bytes(const rns_table_config_t* config, size_t* out);

/// Make an empty table.
///
/// @param self     Uninitialised memory for the table; left all zero unless RNS_OK is returned.
/// @param storage  Aligned to RNS_ALIGN_BYTES (and to uint64_t), outlives the table.
///
/// @retval RNS_CONFIG_*  The configuration or the storage is refused.
///
/// Cost: O(capacity).
RNS_MUST_USE rns_status_t rns_table_init(rns_table_t* self, const rns_table_config_t* config,
                                         rns_memory_t storage);

/// Drop every entry, in order, and begin the statistics anew.
///
/// @retval RNS_MISUSE_REENTRANT  Called from the drop hook.
///
/// Cost: O(capacity).
rns_status_t rns_table_reset(rns_table_t* self);

/// Insert a key, or update the one that is there; either way its time stamp becomes `now_ns`.
///
/// @param key    key_bytes, not inside this table unless they are the entry's own key.
/// @param value  value_bytes to copy, not inside this table; NULL to write them through `out`: a
///               new value is then all zero, and one that was there stays as it is.
/// @param out    Receives the address of the entry's value, NULL if refused. May itself be NULL.
///
/// @retval RNS_OK                Inserted.
/// @retval RNS_MISS_PRESENT      The key was there: updated. The old value was dropped through the
///                               hook, unless `value` is NULL.
/// @retval RNS_MISS_EXHAUSTED    Full, and the policy is RNS_TABLE_REJECT. Nothing was changed.
/// @retval RNS_MISUSE_REENTRANT  Called from the drop hook.
///
/// Counts: puts, and updates or rejects; culls and cull_runs, or overwrites.
/// Cost: see the file comment.
RNS_MUST_USE rns_status_t rns_table_put(rns_table_t* self, const void* key, const void* value,
                                        uint64_t now_ns, void** out);

/// Find a key.
///
/// @param out  Receives the address of its value, which may be written to, aligned to
///             RNS_ALIGN_BYTES and valid until the entry goes; NULL unless RNS_OK is returned.
///
/// @retval RNS_MISS_ABSENT  The key is not in the table.
///
/// Counts: finds, and hits.  Cost: see the file comment.
RNS_MUST_USE rns_status_t rns_table_find(rns_table_t* self, const void* key, void** out);

/// Renew the time stamp of a key.
///
/// @retval RNS_MISS_ABSENT       The key is not in the table.
/// @retval RNS_MISUSE_REENTRANT  Called from the drop hook.
///
/// Cost: as rns_table_find(). Counts nothing.
RNS_MUST_USE rns_status_t rns_table_touch(rns_table_t* self, const void* key, uint64_t now_ns);

/// Remove a key.
///
/// @param key        May be the entry's own key, as a visitor is given it.
/// @param value_out  Receives the value, of which the hook is then not told. May be NULL.
///
/// @retval RNS_MISS_ABSENT       The key is not in the table; `value_out` is untouched.
/// @retval RNS_MISUSE_REENTRANT  Called from the drop hook.
///
/// Counts: removes.  Cost: as rns_table_find().
RNS_MUST_USE rns_status_t rns_table_remove(rns_table_t* self, const void* key, void* value_out);

/// Remove, in order, every entry with now_ns - time stamp > max_age_ns.
///
/// An entry stamped later than `now_ns` has no age and stays.
///
/// @param out  Receives how many were removed; 0 unless RNS_OK is returned. May be NULL.
///
/// @retval RNS_MISUSE_REENTRANT  Called from the drop hook.
///
/// Counts: expired.  Cost: O(count).
rns_status_t rns_table_expire(rns_table_t* self, uint64_t now_ns, uint64_t max_age_ns,
                              uint32_t* out);

/// Called by rns_table_each(); returns whether to go on.
typedef bool (*rns_table_visitor_t)(void* context, const void* key, void* value, uint64_t time_ns);

/// Call `visit` for each entry in the order of insertion.
///
/// The visitor may do anything to this table but visit it again. An entry that goes before its
/// turn is not visited; nor is one inserted meanwhile, even if its key was in the table before.
///
/// @retval RNS_MISUSE_REENTRANT  Called from a visitor of this table.
///
/// Cost: O(count).
rns_status_t rns_table_each(rns_table_t* self, rns_table_visitor_t visit, void* context);

/// Return the number of entries.
uint32_t rns_table_count(const rns_table_t* self);

/// Return a snapshot.
void rns_table_stats(const rns_table_t* self, rns_table_stats_t* out);

/// Verify I1 to I7. Reads nothing outside the storage, whatever was written to it.
///
/// @return RNS_OK and zeros, or RNS_DAMAGE_INVARIANT, the invariant, and the entry or cell in
///         `slot_index`.
///
/// Cost: O(capacity), and a hash for each entry.
rns_damage_t rns_table_check(const rns_table_t* self);

#endif
