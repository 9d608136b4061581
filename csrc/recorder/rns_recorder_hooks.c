/// What the C library is asked for, in front of it.
// For RTLD_NEXT. NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)
#define _GNU_SOURCE
#include "rns_recorder.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#define CALLER        __builtin_return_address(0)
#define EARLY_BYTES   ((size_t)16384)
#define EARLY_ALIGN   ((size_t)16)
#define LOOK_UP(name) look_up(&real.name, sizeof real.name, #name)

/* As libc's headers have them, which are not included: they mark what we define as theirs. */
void* malloc(size_t size);
void* calloc(size_t count, size_t size);
void* realloc(void* old, size_t size);
void* reallocarray(void* old, size_t count, size_t size);
void free(void* block);
void* aligned_alloc(size_t alignment, size_t size);
int posix_memalign(void** out, size_t alignment, size_t size);
void* memalign(size_t alignment, size_t size);
void* valloc(size_t size);
void* pvalloc(size_t size);

/// The functions that stand behind ours: of the C library, or of an allocator the program has.
static struct {
    void* (*malloc)(size_t);
    void* (*calloc)(size_t, size_t);
    void* (*realloc)(void*, size_t);
    void (*free)(void*);
    void* (*aligned_alloc)(size_t, size_t);
    int (*posix_memalign)(void**, size_t, size_t);
    void* (*memalign)(size_t, size_t);
    void* (*valloc)(size_t);
    void* (*pvalloc)(size_t);
} real;

/// Serves what dlsym asks for while it looks for malloc; never recorded, never given back.
static _Alignas(16) char early[EARLY_BYTES];
static size_t early_used;
static _Thread_local bool is_looking __attribute__((tls_model("initial-exec")));
static atomic_bool is_ready;

static void look_up(void* function, size_t bytes, const char* name)
{
    void* const found = dlsym(RTLD_NEXT, name);
    memcpy(function, &found, bytes); // ISO C has no conversion for it.
}

static void look_up_all(void)
{
    is_looking = true;
    LOOK_UP(malloc);
    LOOK_UP(calloc);
    LOOK_UP(realloc);
    LOOK_UP(free);
    LOOK_UP(aligned_alloc);
    LOOK_UP(posix_memalign);
    LOOK_UP(memalign);
    LOOK_UP(valloc);
    LOOK_UP(pvalloc);
    is_looking = false;
    atomic_store(&is_ready, true);
}

/// Return whether the real functions may be called; false only while they are looked up.
static bool is_open(void)
{
    if (!atomic_load_explicit(&is_ready, memory_order_acquire)) {
        if (is_looking) {
            return false;
        }
        look_up_all();
    }
    return true;
}

static void* take_early(size_t bytes)
{
    const size_t rounded = (bytes + EARLY_ALIGN - 1) / EARLY_ALIGN * EARLY_ALIGN;
    if (bytes > EARLY_BYTES || rounded > EARLY_BYTES - early_used) {
        errno = ENOMEM;
        return NULL;
    }
    void* const block = &early[early_used];
    early_used += rounded;
    return block;
}

static bool is_early(const void* block)
{
    return (uintptr_t)block - (uintptr_t)early < EARLY_BYTES;
}

RNS_EXPORT void* malloc(size_t size)
{
    if (!is_open()) {
        return take_early(size);
    }
    void* const block = real.malloc(size);
    rns_recorder_alloc(block, size, CALLER);
    return block;
}

RNS_EXPORT void* calloc(size_t count, size_t size)
{
    if (!is_open()) {
        return take_early(count * size);
    }
    void* const block = real.calloc(count, size);
    rns_recorder_alloc(block, count * size, CALLER); // It did not overflow, or there is no block.
    return block;
}

RNS_EXPORT void free(void* block)
{
    if (is_early(block) || !is_open()) {
        return;
    }
    rns_recorder_free(block);
    real.free(block);
}

static void* reallocate(void* old, size_t size, const void* caller)
{
    if (is_early(old)) {
        const size_t kept = EARLY_BYTES - (size_t)((char*)old - early);
        void* const block = is_open() ? real.malloc(size) : take_early(size);
        if (block != NULL) {
            memcpy(block, old, kept < size ? kept : size);
        }
        return block;
    }
    if (!is_open()) {
        return take_early(size);
    }
    const uint64_t number = old == NULL ? 0 : rns_recorder_take_number();
    void* const block = real.realloc(old, size);
    if (old == NULL) {
        rns_recorder_alloc(block, size, caller);
    } else {
        // Of size 0 the block is freed and NULL is the answer, unless the allocator has blocks of
        // 0.
        rns_recorder_realloc(number, old, block != NULL || size == 0, block, size, caller);
    }
    return block;
}

RNS_EXPORT void* realloc(void* old, size_t size)
{
    return reallocate(old, size, CALLER);
}

RNS_EXPORT void* reallocarray(void* old, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size) {
        errno = ENOMEM;
        return NULL;
    }
    return reallocate(old, count * size, CALLER);
}

RNS_EXPORT void* aligned_alloc(size_t alignment, size_t size)
{
    void* const block = is_open() ? real.aligned_alloc(alignment, size) : NULL;
    rns_recorder_alloc(block, size, CALLER);
    return block;
}

RNS_EXPORT int posix_memalign(void** out, size_t alignment, size_t size)
{
    const int error = is_open() ? real.posix_memalign(out, alignment, size) : ENOMEM;
    if (error == 0) {
        rns_recorder_alloc(*out, size, CALLER);
    }
    return error;
}

RNS_EXPORT void* memalign(size_t alignment, size_t size)
{
    void* const block = is_open() ? real.memalign(alignment, size) : NULL;
    rns_recorder_alloc(block, size, CALLER);
    return block;
}

RNS_EXPORT void* valloc(size_t size)
{
    void* const block = is_open() ? real.valloc(size) : NULL;
    rns_recorder_alloc(block, size, CALLER);
    return block;
}

RNS_EXPORT void* pvalloc(size_t size)
{
    void* const block = is_open() ? real.pvalloc(size) : NULL;
    rns_recorder_alloc(block, size, CALLER);
    return block;
}
