/* Counts what the whole process asks of its heap: malloc, calloc, realloc, reallocarray,
 * aligned_alloc, posix_memalign, memalign, valloc, pvalloc and free, whoever calls them, in any
 * thread; operator new among them, since it calls malloc.
 *
 * How: the program defines these functions itself, so that every shared object of the process,
 * libc included, finds them first; each counts and calls glibc's own. The counter allocates
 * nothing. What it does not see is memory taken with mmap or sbrk past the heap.
 *
 * Threads: the functions are safe; start, stop and sites are for one thread. */
#ifndef HEAP_COUNTER_H
#define HEAP_COUNTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HEAP_SITE_DEPTH 12
#define HEAP_SITES_MAX  64

typedef struct {
    uint64_t allocations; /* Calls for memory; of realloc all but those that free. */
    uint64_t bytes;       /* That they asked for. */
    uint64_t frees;       /* Of anything but NULL. */
    uint64_t own;         /* Allocations made by the counter itself: 0. */
} heap_counts_t;

/* Where allocations came from: the return addresses, the caller of the heap first. */
typedef struct {
    uint64_t allocations;
    size_t depth;
    void* frames[HEAP_SITE_DEPTH];
} heap_site_t;

/* Count from 0. To note sites as well costs a walk of the stack at each allocation. */
void heap_counter_start(bool notes_sites);

heap_counts_t heap_counter_stop(void);

/* Return the sites noted since the last start; allocations beyond HEAP_SITES_MAX sites are in the
 * last one, which then has no frames. */
size_t heap_counter_sites(const heap_site_t** out);

#ifdef __cplusplus
}
#endif
#endif
