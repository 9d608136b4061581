#include "rns_malloc_fallback.h"

#include <stdlib.h>

static void* take(void* context, size_t size_bytes)
{
    (void)context;
    return malloc(size_bytes == 0 ? 1 : size_bytes); /* malloc(0) may answer NULL */
}

static bool give(void* context, void* block)
{
    (void)context;
    free(block);
    return true;
}

rns_fallback_t rns_malloc_fallback(void)
{
    return (rns_fallback_t){.take = take, .give = give};
}
