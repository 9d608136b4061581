/* The malloc family of a program that counts its own allocations; see heap_counter.h. */
#define _GNU_SOURCE
#include "heap_counter.h"
#include <errno.h>
#include <execinfo.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* glibc exports its functions under these names too, so that nothing has to be looked up with
 * dlsym(), which may allocate. */
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* block, size_t size);
void* __libc_memalign(size_t alignment, size_t size);
void* __libc_valloc(size_t size);
void* __libc_pvalloc(size_t size);
void __libc_free(void* block);

static atomic_bool is_counting;
static atomic_bool is_noting;
static atomic_uint_fast64_t allocations;
static atomic_uint_fast64_t bytes;
static atomic_uint_fast64_t frees;
static atomic_uint_fast64_t own;

static atomic_flag sites_lock = ATOMIC_FLAG_INIT;
static heap_site_t sites[HEAP_SITES_MAX];
static size_t site_count;

/* In the program itself thread-local storage is there from the start and costs no allocation. */
static _Thread_local bool is_inside;

static void add(atomic_uint_fast64_t* counter, uint64_t value)
{
    atomic_fetch_add_explicit(counter, value, memory_order_relaxed);
}

/* Return the place of these frames in the table; the last one if the table is full. */
static heap_site_t* site_of(void* const* frames, size_t depth)
{
    for (size_t i = 0; i < site_count; ++i) {
        if (sites[i].depth == depth &&
            memcmp(sites[i].frames, frames, depth * sizeof frames[0]) == 0) {
            return &sites[i];
        }
    }
    if (site_count == HEAP_SITES_MAX) {
        return &sites[HEAP_SITES_MAX - 1];
    }
    heap_site_t* const site = &sites[site_count++];
    *site = (heap_site_t){0};
    if (site_count < HEAP_SITES_MAX) {
        site->depth = depth;
        memcpy(site->frames, frames, depth * sizeof frames[0]);
    }
    return site;
}

static void note_site(const void* caller)
{
    void* stack[HEAP_SITE_DEPTH + 4];
    is_inside = true;
    const int found = backtrace(stack, (int)(sizeof stack / sizeof stack[0]));
    size_t first = 0;
    while (first < (size_t)found && stack[first] != caller) {
        ++first; /* the frames of this file */
    }
    first = first < (size_t)found ? first : 0;
    const size_t depth = (size_t)found - first;
    while (atomic_flag_test_and_set_explicit(&sites_lock, memory_order_acquire)) {
    }
    ++site_of(stack + first, depth < HEAP_SITE_DEPTH ? depth : HEAP_SITE_DEPTH)->allocations;
    atomic_flag_clear_explicit(&sites_lock, memory_order_release);
    is_inside = false;
}

static void count(size_t size, const void* caller)
{
    if (is_inside) {
        add(&own, 1);
    } else if (atomic_load_explicit(&is_counting, memory_order_acquire)) {
        add(&allocations, 1);
        add(&bytes, size);
        if (atomic_load_explicit(&is_noting, memory_order_relaxed)) {
            note_site(caller);
        }
    }
}

static void count_free(const void* block)
{
    if (block != NULL && atomic_load_explicit(&is_counting, memory_order_acquire)) {
        add(&frees, 1);
    }
}

void heap_counter_start(bool notes_sites)
{
    /* The first backtrace() of a process loads the unwinder, which allocates. */
    void* stack[1];
    (void)backtrace(stack, 1);
    atomic_store(&allocations, 0);
    atomic_store(&bytes, 0);
    atomic_store(&frees, 0);
    atomic_store(&own, 0);
    site_count = 0;
    atomic_store(&is_noting, notes_sites);
    atomic_store(&is_counting, true);
}

heap_counts_t heap_counter_stop(void)
{
    atomic_store(&is_counting, false);
    return (heap_counts_t){.allocations = atomic_load(&allocations),
                           .bytes = atomic_load(&bytes),
                           .frees = atomic_load(&frees),
                           .own = atomic_load(&own)};
}

size_t heap_counter_sites(const heap_site_t** out)
{
    *out = sites;
    return site_count;
}

/* ---- The family ----------------------------------------------------------------------------- */

void* malloc(size_t size)
{
    count(size, __builtin_return_address(0));
    return __libc_malloc(size);
}

void* calloc(size_t number, size_t size)
{
    size_t product = 0;
    count(__builtin_mul_overflow(number, size, &product) ? 0 : product,
          __builtin_return_address(0));
    return __libc_calloc(number, size);
}

static void* reallocate(void* block, size_t size, const void* caller)
{
    if (block != NULL && size == 0) {
        count_free(block);
    } else {
        count(size, caller);
    }
    return __libc_realloc(block, size);
}

void* realloc(void* block, size_t size)
{
    return reallocate(block, size, __builtin_return_address(0));
}

void* reallocarray(void* block, size_t number, size_t size)
{
    size_t product = 0;
    if (__builtin_mul_overflow(number, size, &product)) {
        errno = ENOMEM;
        return NULL;
    }
    return reallocate(block, product, __builtin_return_address(0));
}

void* memalign(size_t alignment, size_t size)
{
    count(size, __builtin_return_address(0));
    return __libc_memalign(alignment, size);
}

void* aligned_alloc(size_t alignment, size_t size)
{
    count(size, __builtin_return_address(0));
    return __libc_memalign(alignment, size);
}

int posix_memalign(void** out, size_t alignment, size_t size)
{
    const bool is_power = alignment != 0 && (alignment & (alignment - 1)) == 0;
    if (!is_power || alignment % sizeof(void*) != 0) {
        return EINVAL;
    }
    count(size, __builtin_return_address(0));
    void* const block = __libc_memalign(alignment, size);
    if (block == NULL) {
        return ENOMEM;
    }
    *out = block;
    return 0;
}

void* valloc(size_t size)
{
    count(size, __builtin_return_address(0));
    return __libc_valloc(size);
}

void* pvalloc(size_t size)
{
    count(size, __builtin_return_address(0));
    return __libc_pvalloc(size);
}

void free(void* block)
{
    count_free(block);
    __libc_free(block);
}
