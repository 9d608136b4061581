/* The copies that the operations cannot do without, and nothing else: what is left to save. */
#include <stdint.h>
#include <string.h>

static struct {
    uint8_t header[16];
    uint8_t bytes[1024];
} first, second;

typedef void value_t;

#define COPIES_ONLY
#include "workloads.h"

int bench_init(void)
{
    return 0;
}

int bench_is_clean(void)
{
    return 1;
}

double bench_create(const uint8_t* data, size_t bytes, uint32_t count)
{
    const double start = now_ns();
    for (uint32_t i = 0; i < count; ++i) {
        memcpy(first.bytes, data, bytes);
        keep(&first);
    }
    return now_ns() - start;
}

double bench_write(const uint8_t* data, size_t bytes, uint32_t count)
{
    return bench_create(data, bytes, count);
}

double bench_packet(const uint8_t* data, size_t bytes, uint32_t count)
{
    const double start = now_ns();
    for (uint32_t i = 0; i < count; ++i) {
        memcpy(first.bytes, data, bytes);
        keep(&first);
        memcpy(second.bytes, first.bytes, bytes);
        keep(&second);
        memcpy(second.bytes + bytes, data, TRAILER_BYTES);
        keep(&second);
    }
    return now_ns() - start;
}
