/* A heap for images that have no C library: what malloc is before it is wrapped. First fit over
 * blocks of one size, which is enough to see who gets a block and who gives it back. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BLOCKS      128u
#define BLOCK_BYTES 2048u

static _Alignas(16) uint8_t blocks[BLOCKS][BLOCK_BYTES];
static bool is_taken[BLOCKS];

void* malloc(size_t bytes)
{
    for (uint32_t i = 0; i < BLOCKS && bytes <= BLOCK_BYTES; ++i) {
        if (!is_taken[i]) {
            is_taken[i] = true;
            return blocks[i];
        }
    }
    return NULL;
}

void* calloc(size_t count, size_t each_bytes)
{
    void* const block = malloc(count * each_bytes); /* its caller saw to overflow */
    return block != NULL ? memset(block, 0, count * each_bytes) : NULL;
}

void* realloc(void* block, size_t bytes)
{
    return bytes <= BLOCK_BYTES ? block : NULL;
}

void free(void* block)
{
    const uintptr_t offset = (uintptr_t)block - (uintptr_t)blocks;
    if (block == NULL) {
        return;
    }
    if (offset >= sizeof blocks || offset % BLOCK_BYTES != 0 || !is_taken[offset / BLOCK_BYTES]) {
        __builtin_trap(); /* the pool's block, or one twice */
    }
    is_taken[offset / BLOCK_BYTES] = false;
}
