/* What the recorders record in the tests: random calls, each also written to standard output by the
 * program itself, so that a recording can be compared with what really happened. Deterministic but
 * for the addresses. Built with -DMTRACE it switches glibc's mtrace() on. */
#include <inttypes.h>
#include <mcheck.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define BLOCKS 40

static uint32_t state = 1;
static char buffer[1 << 20]; /* Standard output must not allocate one. */
static void* live[BLOCKS];

static uint32_t draw(uint32_t below)
{
    state = state * 1664525u + 1013904223u;
    return (uint32_t)(((uint64_t)state * below) >> 32);
}

static void wrote(char op, uintptr_t address, size_t size_bytes)
{
    printf("%c %" PRIuPTR " %zu\n", op, address, size_bytes);
}

__attribute__((noinline)) static void* make_small(size_t size_bytes)
{
    void* volatile block = malloc(size_bytes);
    wrote('a', (uintptr_t)block, size_bytes);
    return block;
}

__attribute__((noinline)) static void* make_zeroed(size_t size_bytes)
{
    void* volatile block = calloc(size_bytes, 2);
    wrote('a', (uintptr_t)block, 2 * size_bytes);
    return block;
}

__attribute__((noinline)) static void* make_aligned(size_t size_bytes)
{
    void* volatile block = aligned_alloc(64, 64 * size_bytes);
    wrote('a', (uintptr_t)block, 64 * size_bytes);
    return block;
}

__attribute__((noinline)) static void* grow(void* block, size_t size_bytes)
{
    const uintptr_t old = (uintptr_t)block;
    void* volatile grown = realloc(block, size_bytes);
    wrote('f', old, 0);
    wrote('a', (uintptr_t)grown, size_bytes);
    return grown;
}

int main(int argc, char** argv)
{
    const long steps = argc > 1 ? atol(argv[1]) : 1000;
    setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
#ifdef MTRACE
    mtrace();
#endif
    for (long step = 0; step < steps; ++step) {
        void** const slot = &live[draw(BLOCKS)];
        const size_t size_bytes = 1 + draw(3) * 100;
        if (*slot != NULL && draw(4) == 0) {
            *slot = grow(*slot, size_bytes + 8);
        } else if (*slot != NULL) {
            wrote('f', (uintptr_t)*slot, 0);
            free(*slot);
            *slot = NULL;
        } else {
            const uint32_t kind = draw(8);
            *slot = kind == 0   ? make_aligned(size_bytes)
                    : kind == 1 ? make_zeroed(size_bytes)
                                : make_small(size_bytes);
        }
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
