/// @file rns_ops.h
/// Runs an array of operations on Bytes: a workload that a script wrote, in closed loop.
///
/// Owns: nothing; store, meter, handles and rows are the caller's.
/// Does not: check the operations (pyrns_pool does), or stop at a miss: its status is noted and
/// the workload goes on with what it has. After RNS_OP_CREATE that missed, the handle is empty;
/// after any other it is as it was.
///
/// Handles are numbers. One that was never made, or was dropped, is empty: a handle like any
/// other. What is created, written or added is a pattern that tells operations apart: byte i of
/// the operation in row r is (r + i) mod 256.
///
/// Cost: an operation is that of rns_bytes.h, and O(tier_count) for the meter.
#ifndef RNS_OPS_H
#define RNS_OPS_H

#include "rns_bytes.h"
#include "rns_meter.h"

typedef enum {
    RNS_OP_CREATE,  ///< `handle` becomes `length` new bytes.
    RNS_OP_SHARE,   ///< `handle` becomes another handle of `other`.
    RNS_OP_SLICE,   ///< `handle` becomes the `length` bytes of `other` from `start` on, clamped.
    RNS_OP_WRITE,   ///< Write `length` bytes of `handle` from `start` on; never longer.
    RNS_OP_APPEND,  ///< Put `length` bytes behind `handle`.
    RNS_OP_PREPEND, ///< Put `length` bytes in front of it.
    RNS_OP_CONCAT,  ///< Put the content of `other` behind `handle`.
    RNS_OP_COMPACT, ///< Move `handle` to the smallest tier that holds it.
    RNS_OP_DROP,    ///< `handle` becomes empty.
    RNS_OP_COUNT,
} rns_op_code_t;

#define RNS_OPS_LENGTH_MAX RNS_SLOT_BYTES_MAX ///< Of one operation.
#define RNS_OPS_PATTERN    256u               ///< Bytes of the pattern before it repeats.

typedef struct {
    int64_t t_ns; ///< Not decreasing, within the meter's edges.
    uint32_t op;  ///< Below RNS_OP_COUNT.
    uint32_t handle;
    uint32_t other;
    uint32_t length; ///< Up to RNS_OPS_LENGTH_MAX.
    uint64_t start;
} rns_op_t;

typedef struct {
    rns_store_t* store;
    rns_meter_t* meter;     ///< Begun, or NULL.
    rns_bytes_t* handles;   ///< One for each number that an operation names, all zero.
    const uint8_t* pattern; ///< The longest length + RNS_OPS_PATTERN bytes; byte i is i mod 256.
    const rns_op_t* ops;
    int16_t* status; ///< Receives an rns_status_t for each operation.
} rns_ops_t;

/// Run the operations from `first` up to but not including `end`.
///
/// Consecutive calls that cover the array give what one call gives, so that a caller can look up
/// in between.
///
/// @retval RNS_OK
/// @retval RNS_MISUSE_*, RNS_DAMAGE_*  The pool refused to take back what it had handed out.
RNS_MUST_USE rns_status_t rns_ops_run(rns_ops_t* self, size_t first, size_t end);

/// Drop every handle; needed where a fallback serves misses, whose blocks do not go with the pool.
void rns_ops_end(rns_ops_t* self, size_t handle_count);

#endif
