/// @file rns_status.h
/// What every function of the core answers: 0, an ordinary miss, or a named fault.
///
/// 0 is success, positive is an ordinary miss, negative is a refused configuration or input,
/// misuse or damage. A negative status means that nothing was changed.
#ifndef RNS_STATUS_H
#define RNS_STATUS_H

typedef enum {
    RNS_OK = 0,

    /* Ordinary misses: no memory was handed out, nothing was changed. */
    RNS_MISS_EXHAUSTED = 1, ///< Every slot that might serve the request is in use.
    RNS_MISS_OVERSIZE = 2,  ///< Larger than the largest tier.
    RNS_MISS_SHARED = 3,    ///< Others share the buffer: it cannot be written without a copy.
    RNS_MISS_ABSENT = 4,    ///< The table has no entry with the key.
    RNS_MISS_PRESENT = 5,   ///< The table had one: it was updated, the one miss that acts.

    /* Configuration that rns_pool_init() refuses. */
    RNS_CONFIG_TIER_COUNT = -1, ///< No tier, or more than RNS_TIERS_MAX.
    RNS_CONFIG_TIER_ORDER = -2, ///< slot_bytes do not strictly ascend.
    RNS_CONFIG_SLOT_BYTES = -3, ///< slot_bytes is 0 or above RNS_SLOT_BYTES_MAX.
    RNS_CONFIG_SLOT_COUNT = -4, ///< slot_count is 0 or above RNS_SLOT_COUNT_MAX.
    RNS_CONFIG_OVERFLOW = -5,   ///< A tier or the whole storage does not fit its size type.
    RNS_CONFIG_RESERVE = -6,    ///< reserve_count is above slot_count.
    RNS_CONFIG_LOW_WATER = -7,  ///< low_water_count + hysteresis_count is above slot_count.
    RNS_CONFIG_REGION = -8,     ///< region is RNS_REGIONS_MAX or above.
    RNS_CONFIG_POLICY = -9,     ///< Neither strict nor spill.
    RNS_CONFIG_HEADER = -10,    ///< header_bytes is no multiple of RNS_ALIGN_BYTES, or too large.
    RNS_CONFIG_FALLBACK = -11,  ///< Only one of take and give is set.
    RNS_CONFIG_STORAGE_SMALL = -12,   ///< Less storage than rns_pool_storage_bytes() asks for.
    RNS_CONFIG_STORAGE_ALIGN = -13,   ///< Storage is NULL or not aligned to RNS_ALIGN_BYTES.
    RNS_CONFIG_STORAGE_OVERLAP = -14, ///< Two tiers, or a tier and the storage, share memory.
    RNS_CONFIG_KEY_BYTES = -15,       ///< key_bytes is 0 or above RNS_TABLE_KEY_BYTES_MAX.
    RNS_CONFIG_CULL = -16,            ///< Percentages above 100, or not descending.
    RNS_CONFIG_INTERFACES = -17,      ///< interface_count is 0 or too large.
    RNS_CONFIG_HOOKS = -18,           ///< A hook that has to be there is not.
    RNS_CONFIG_RTP = -19, ///< Id, filter, bounds or bucket count of a receiver out of range.

    /* Misuse of give; each has a counter (rns_misuse_counts_t). */
    RNS_MISUSE_FOREIGN = -20,      ///< Not in this pool's memory, nor taken from its fallback.
    RNS_MISUSE_OUT_OF_RANGE = -21, ///< In the pool's memory, but in no slot.
    RNS_MISUSE_INTERIOR = -22,     ///< Aligned, inside a slot, but not at its start.
    RNS_MISUSE_MISALIGNED = -23,   ///< In a slot, but not aligned to RNS_ALIGN_BYTES.
    RNS_MISUSE_DOUBLE_GIVE = -24,  ///< The slot is already free.
    RNS_MISUSE_WRONG_POOL = -25,   ///< In the memory of a pool that this one is linked to.

    /* Damage to memory. */
    RNS_DAMAGE_CANARY = -26,           ///< Written past the end of a slot (RNS_CANARY).
    RNS_DAMAGE_WRITE_AFTER_GIVE = -27, ///< Written to after it was given back (RNS_POISON).
    RNS_DAMAGE_INVARIANT = -28,        ///< The pool's own records contradict each other.

    /* Input that a function of Bytes refuses. */
    RNS_INPUT_HEX_DIGIT = -40, ///< A character that is no hexadecimal digit.
    RNS_INPUT_HEX_ODD = -41,   ///< Hexadecimal text with half a byte at its end.
    RNS_INPUT_RANGE = -42,     ///< An index, or room for output, outside what is there.

    /* Packets that are refused. */
    RNS_INPUT_SHORT = -43, ///< Ends before what its header says it holds.
    RNS_INPUT_LONG = -44,  ///< Longer than the interface carries.
    RNS_INPUT_FLAGS = -45, ///< Header fields that do not go together.
    RNS_INPUT_IFAC = -46,  ///< An access code where there must be none, or none where there must.
    RNS_INPUT_VERSION = -47,   ///< Of another version of its protocol.
    RNS_INPUT_EXTENSION = -48, ///< An element of the header extension is too long or too short.
    RNS_INPUT_PADDING = -49,   ///< Padding of no byte, or of more bytes than there are.

    /* Misuse of a table. */
    RNS_MISUSE_REENTRANT = -60, ///< A change from its drop hook, or a visit within a visit.
} rns_status_t;

/// Return the enumerator's name without its prefix, "MISUSE_DOUBLE_GIVE" for instance.
///
/// @retval "UNKNOWN"  `status` is not one of the enumerators.
const char* rns_status_name(rns_status_t status);

#endif
