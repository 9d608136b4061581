/// @file workloads.h
/// The timed operations, written once over what each peer defines before it includes this file:
///
///   value_t                                    `value_t v = {};` is an empty one
///   value_make(out, data, bytes)               a copy of memory
///   value_share(out, from)                     another one with the same content
///   value_slice(out, from, at, bytes)          a part of it
///   value_write(self, at, byte, room_bytes)    change one byte, leave room to append; others that
///                                              share the content do not see it
///   value_append(self, data, bytes)
///   value_cut(self, bytes)                     shorten
///   value_concat(out, front, back)
///   value_drop(self)
///   value_read(self, to)                       copy the content out; return its length
///
/// Every `out` is empty. Also `peer_init()`, 0 if all is well, and `peer_is_clean()` at the end.
///
/// Owns: the loops and their clock, and bench_results(), by which the harness verifies that all
/// peers do the same. copies.c has loops of its own (COPIES_ONLY) and takes the rest.
#ifndef WORKLOADS_H
#define WORKLOADS_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#ifdef __cplusplus
#    define EXPORTED extern "C" __attribute__((visibility("default")))
#else
#    define EXPORTED __attribute__((visibility("default")))
#endif

#define HEADER_BYTES  19u
#define APPEND_BYTES  32u
#define TRAILER_BYTES 64u
#define BATCH         16u ///< Values that are made before the clock starts.

EXPORTED int bench_init(void);
EXPORTED int bench_is_clean(void);
EXPORTED size_t bench_results(const uint8_t* data, size_t bytes, uint8_t* to);
EXPORTED double bench_create(const uint8_t* data, size_t bytes, uint32_t count);
EXPORTED double bench_share(const uint8_t* data, size_t bytes, uint32_t count);
EXPORTED double bench_slice(const uint8_t* data, size_t bytes, uint32_t count);
EXPORTED double bench_write(const uint8_t* data, size_t bytes, uint32_t count);
EXPORTED double bench_append(const uint8_t* data, size_t bytes, uint32_t count);
EXPORTED double bench_concat(const uint8_t* data, size_t bytes, uint32_t count);
EXPORTED double bench_packet(const uint8_t* data, size_t bytes, uint32_t count);

static inline double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/// Make the compiler believe that a value is used, so that no work is left out.
static inline __attribute__((always_inline)) void keep(value_t* value)
{
    __asm__ volatile("" : : "r"(value) : "memory");
}

#ifndef COPIES_ONLY
int bench_init(void)
{
    return peer_init();
}

int bench_is_clean(void)
{
    return peer_is_clean();
}

/// A packet on its way: what a node keeps of it, and what it sends on.
typedef struct {
    value_t packet;
    value_t header;
    value_t payload;
    value_t tables[2];
} path_t;

static inline __attribute__((always_inline)) void path_run(path_t* self, const uint8_t* data,
                                                           size_t bytes)
{
    value_make(&self->packet, data, bytes);
    value_slice(&self->header, &self->packet, 0, HEADER_BYTES);
    value_slice(&self->payload, &self->packet, HEADER_BYTES, bytes - HEADER_BYTES);
    value_share(&self->tables[0], &self->packet);
    value_share(&self->tables[1], &self->packet);
    value_write(&self->packet, 1, 0x5A, TRAILER_BYTES);
    value_append(&self->packet, data, TRAILER_BYTES);
    keep(&self->packet);
    keep(&self->header);
    keep(&self->payload);
    keep(&self->tables[0]);
    keep(&self->tables[1]);
}

static inline __attribute__((always_inline)) void path_end(path_t* self)
{
    value_drop(&self->header);
    value_drop(&self->payload);
    value_drop(&self->tables[0]);
    value_drop(&self->tables[1]);
    value_drop(&self->packet);
}

double bench_create(const uint8_t* data, size_t bytes, uint32_t count)
{
    const double start = now_ns();
    for (uint32_t i = 0; i < count; ++i) {
        value_t value = {};
        value_make(&value, data, bytes);
        keep(&value);
        value_drop(&value);
    }
    return now_ns() - start;
}

double bench_share(const uint8_t* data, size_t bytes, uint32_t count)
{
    value_t base = {};
    value_make(&base, data, bytes);
    const double start = now_ns();
    for (uint32_t i = 0; i < count; ++i) {
        value_t value = {};
        value_share(&value, &base);
        keep(&value);
        value_drop(&value);
    }
    const double ns = now_ns() - start;
    value_drop(&base);
    return ns;
}

double bench_slice(const uint8_t* data, size_t bytes, uint32_t count)
{
    value_t base = {};
    value_make(&base, data, bytes);
    const size_t at = bytes < 2u * HEADER_BYTES ? 1u : HEADER_BYTES;
    const double start = now_ns();
    for (uint32_t i = 0; i < count; ++i) {
        value_t value = {};
        value_slice(&value, &base, at, bytes - at);
        keep(&value);
        value_drop(&value);
    }
    const double ns = now_ns() - start;
    value_drop(&base);
    return ns;
}

double bench_write(const uint8_t* data, size_t bytes, uint32_t count)
{
    value_t base = {};
    value_make(&base, data, bytes);
    const double start = now_ns();
    for (uint32_t i = 0; i < count; ++i) {
        value_t value = {};
        value_share(&value, &base);
        value_write(&value, 1, (uint8_t)i, 0);
        keep(&value);
        value_drop(&value);
    }
    const double ns = now_ns() - start;
    value_drop(&base);
    return ns;
}

double bench_append(const uint8_t* data, size_t bytes, uint32_t count)
{
    value_t value = {};
    value_make(&value, data, bytes);
    value_append(&value, data, APPEND_BYTES);
    value_cut(&value, bytes);
    const double start = now_ns();
    for (uint32_t i = 0; i < count; ++i) {
        value_append(&value, data, APPEND_BYTES);
        keep(&value);
        value_cut(&value, bytes);
    }
    const double ns = now_ns() - start;
    value_drop(&value);
    return ns;
}

double bench_concat(const uint8_t* data, size_t bytes, uint32_t count)
{
    value_t front = {};
    value_t back = {};
    value_make(&front, data, HEADER_BYTES);
    value_make(&back, data, bytes);
    const double start = now_ns();
    for (uint32_t i = 0; i < count; ++i) {
        value_t value = {};
        value_concat(&value, &front, &back);
        keep(&value);
        value_drop(&value);
    }
    const double ns = now_ns() - start;
    value_drop(&front);
    value_drop(&back);
    return ns;
}

double bench_packet(const uint8_t* data, size_t bytes, uint32_t count)
{
    const double start = now_ns();
    for (uint32_t i = 0; i < count; ++i) {
        path_t path = {};
        path_run(&path, data, bytes);
        path_end(&path);
    }
    return now_ns() - start;
}

static size_t write_result(const value_t* value, uint8_t* to)
{
    const size_t bytes = value_read(value, to + 2);
    to[0] = (uint8_t)(bytes >> 8);
    to[1] = (uint8_t)bytes;
    return bytes + 2u;
}

/// Do every operation once; write each value as its length and its content.
size_t bench_results(const uint8_t* data, size_t bytes, uint8_t* to)
{
    uint8_t* const start = to;
    path_t path = {};
    path_run(&path, data, bytes);
    to += write_result(&path.packet, to);
    to += write_result(&path.header, to);
    to += write_result(&path.payload, to);
    to += write_result(&path.tables[0], to);
    to += write_result(&path.tables[1], to);
    value_t joined = {};
    value_concat(&joined, &path.header, &path.payload);
    to += write_result(&joined, to);
    value_t other = {};
    value_share(&other, &joined);
    value_append(&other, data, APPEND_BYTES);
    value_write(&other, 0, 0xA5, 0);
    to += write_result(&other, to);
    value_cut(&other, bytes);
    to += write_result(&other, to);
    to += write_result(&joined, to);
    value_drop(&joined);
    value_drop(&other);
    path_end(&path);
    return (size_t)(to - start);
}

#endif
#endif
