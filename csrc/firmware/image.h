/// @file image.h
/// The image that runs on every target: the same pool, Bytes and node over the same data, and
/// lines of text that have to be the same on all of them.
///
/// Each part prints lines `part name number`. What differs between targets (bytes, instructions)
/// is in lines that begin with `cost`.
///
/// Owns: its memory, all of it static.
/// Does not: know the targets (board.h does) or contain the data (data.S does).
#ifndef IMAGE_H
#define IMAGE_H

#include "rns_pool.h"

/// Which fault the image is built with: 0 none, 1 a double give, 2 a write into nothing.
#ifndef IMAGE_PLANT
#    define IMAGE_PLANT 0
#endif

/// Which parts it has: 1 the trace, 2 operations on Bytes, 4 the node, 8 what things cost;
/// 16 malloc, in a program that is linked so (rns_malloc_wrap.h).
#ifndef IMAGE_PARTS
#    define IMAGE_PARTS 15
#endif

/// A recorded trace, packed by tests/firmware.py: after the number of blocks that are live at
/// most, a varint for each event. An even one is a request of half as many bytes, an odd one gives
/// block number n / 2 back; a request takes the number that was given back last.
extern const uint8_t image_trace_begin[];
extern const uint8_t image_trace_end[];

/// Operations on Bytes, rns_op_t as NumPy has written them.
extern const uint8_t image_ops_begin[];
extern const uint8_t image_ops_end[];

/// Print a line.
void image_line(const char* part, const char* name, uint64_t number);

/// Return a checksum with one more number in it; the first is IMAGE_SUM. (The constants are those
/// of FNV-1a, by words instead of bytes.)
#define IMAGE_SUM 2166136261u
uint32_t image_sum(uint32_t sum, uint64_t number);

/// Print the statistics of a pool, the parts of which are named as in Python.
void image_pool(const char* part, rns_pool_t* pool);

/// Make a pool in the image's memory for pools; return whether it fits.
bool image_pool_init(rns_pool_t* pool, const rns_pool_config_t* config);

/* Each part returns the number of things that went wrong. */
int image_trace(void);
int image_bytes(void);
int image_node(void);
int image_cost(void);
int image_wrap(void);

#endif
