/* The cost of the harness itself: take and give that do nothing. */
#include <stddef.h>

static char buffer[64];

__attribute__((visibility("default"))) void* bench_take(size_t size_bytes);
__attribute__((visibility("default"))) void bench_give(void* block);

void* bench_take(size_t size_bytes)
{
    (void)size_bytes;
    return buffer;
}

void bench_give(void* block)
{
    (void)block;
}
