/* Makes memory run out on purpose, in a process that has this preloaded: of the calls of malloc,
 * calloc and realloc that come from watched places in the code the n-th fails, once or from then
 * on. Steered from within, by the functions oom_*.
 *
 * The allocator is called by the names that glibc has for it beside its own: dlsym() may allocate.
 */
/* For dl_iterate_phdr().
 * NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
#define _GNU_SOURCE
#include <link.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define RANGES_MAX 32u
#define SITES_MAX  1024u
#define LIVE_MAX   65536u /* a power of two, far more than a test has */
#define GONE       UINTPTR_MAX

/* Those of stdlib.h have other names of parameters. */
void* malloc(size_t size_bytes);
void* calloc(size_t count, size_t each_bytes);
void* realloc(void* block, size_t size_bytes);
void free(void* block);

void* real_malloc(size_t size_bytes) __asm__("__libc_malloc");
void* real_calloc(size_t count, size_t each_bytes) __asm__("__libc_calloc");
void* real_realloc(void* block, size_t size_bytes) __asm__("__libc_realloc");
void real_free(void* block) __asm__("__libc_free");

void oom_watch(const char* name);
void oom_learn(const char* name, size_t least_bytes);
void oom_learn_no_more(void);
void oom_plan(uint64_t nth, bool is_sticky);
uint64_t oom_calls(void);
uint64_t oom_failures(void);
uint64_t oom_live(void);
uint64_t oom_sites(void);
uintptr_t oom_site(const char* name, uint64_t index);

/// Watched code: all of an object, or a place in it from which calls of so many bytes come.
typedef struct {
    uintptr_t start;
    uintptr_t end;
    size_t least_bytes;
} range_t;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* for all that follows */
static range_t ranges[RANGES_MAX];
static uint32_t range_count;
static range_t lesson; /* code whose calls say what to watch; empty: none */
static uint64_t calls;
static uint64_t failures;
static uint64_t fail_nth; /* 0: none */
static bool fail_sticky;
static uintptr_t sites[SITES_MAX];
static uint32_t site_count;
static uintptr_t live[LIVE_MAX]; /* addresses; 0 never held one, GONE did */
static uint64_t live_count;

static uint32_t live_home(uintptr_t block)
{
    return (uint32_t)((block >> 4) * UINT64_C(0x9E3779B97F4A7C15) >> 48) % LIVE_MAX;
}

static void remember(uintptr_t block)
{
    uint32_t at = live_home(block);
    while (live[at] != 0 && live[at] != GONE) {
        at = (at + 1u) % LIVE_MAX;
    }
    live[at] = block;
    ++live_count;
}

static void forget(uintptr_t block)
{
    for (uint32_t at = live_home(block); live[at] != 0; at = (at + 1u) % LIVE_MAX) {
        if (live[at] == block) {
            live[at] = GONE;
            --live_count;
            return;
        }
    }
}

static void note_site(uintptr_t caller)
{
    for (uint32_t i = 0; i < site_count; ++i) {
        if (sites[i] == caller) {
            return;
        }
    }
    if (site_count < SITES_MAX) {
        sites[site_count++] = caller;
    }
}

static bool is_in(const range_t* range, uintptr_t caller)
{
    return caller >= range->start && caller < range->end;
}

static void add_range(uintptr_t start, uintptr_t end, size_t least_bytes)
{
    if (range_count < RANGES_MAX) {
        ranges[range_count++] = (range_t){start, end, least_bytes};
    }
}

static bool is_watched(uintptr_t caller, size_t size_bytes)
{
    for (uint32_t i = 0; i < range_count; ++i) {
        if (is_in(&ranges[i], caller)) {
            return size_bytes >= ranges[i].least_bytes;
        }
    }
    if (is_in(&lesson, caller) && size_bytes >= lesson.least_bytes) {
        add_range(caller, caller + 1u, lesson.least_bytes);
    }
    return false;
}

/// Count a call of a watched object; tell whether it fails.
static bool strikes(uintptr_t caller)
{
    (void)pthread_mutex_lock(&mutex);
    ++calls;
    const bool is_hit = fail_nth != 0 && (fail_sticky ? calls >= fail_nth : calls == fail_nth);
    if (calls == fail_nth) {
        note_site(caller);
    }
    failures += is_hit;
    (void)pthread_mutex_unlock(&mutex);
    return is_hit;
}

static void* keep(void* block)
{
    if (block != NULL) {
        (void)pthread_mutex_lock(&mutex);
        remember((uintptr_t)block);
        (void)pthread_mutex_unlock(&mutex);
    }
    return block;
}

static void drop(const void* block)
{
    if (block != NULL && range_count > 0) {
        (void)pthread_mutex_lock(&mutex);
        forget((uintptr_t)block);
        (void)pthread_mutex_unlock(&mutex);
    }
}

#define CALLER ((uintptr_t)__builtin_return_address(0))

void* malloc(size_t size_bytes)
{
    if (!is_watched(CALLER, size_bytes)) {
        return real_malloc(size_bytes);
    }
    return strikes(CALLER) ? NULL : keep(real_malloc(size_bytes));
}

void* calloc(size_t count, size_t each_bytes)
{
    if (!is_watched(CALLER, count * each_bytes)) {
        return real_calloc(count, each_bytes);
    }
    return strikes(CALLER) ? NULL : keep(real_calloc(count, each_bytes));
}

void* realloc(void* block, size_t size_bytes)
{
    const bool is_ours = is_watched(CALLER, size_bytes);
    if (is_ours && strikes(CALLER)) {
        return NULL;
    }
    drop(block);
    void* const moved = real_realloc(block, size_bytes);
    return is_ours ? keep(moved) : moved;
}

void free(void* block)
{
    drop(block);
    real_free(block);
}

typedef struct {
    const char* name;
    range_t found;
    uintptr_t base;
} search_t;

static int find_code(struct dl_phdr_info* info, size_t info_bytes, void* context)
{
    search_t* const search = context;
    (void)info_bytes;
    if (strstr(info->dlpi_name, search->name) == NULL) {
        return 0;
    }
    search->base = (uintptr_t)info->dlpi_addr;
    for (uint32_t i = 0; i < info->dlpi_phnum; ++i) {
        const ElfW(Phdr)* const part = &info->dlpi_phdr[i];
        if (part->p_type == PT_LOAD && (part->p_flags & PF_X) != 0) {
            search->found.start = (uintptr_t)info->dlpi_addr + part->p_vaddr;
            search->found.end = search->found.start + part->p_memsz;
        }
    }
    return 1;
}

static search_t find(const char* name)
{
    search_t search = {.name = name};
    (void)dl_iterate_phdr(find_code, &search);
    return search;
}

/// Watch the first loaded object whose path contains `name`.
void oom_watch(const char* name)
{
    const range_t code = find(name).found;
    add_range(code.start, code.end, 0);
}

/// Watch the places in such an object from which calls of `least_bytes` and more come until
/// oom_learn_no_more().
void oom_learn(const char* name, size_t least_bytes)
{
    lesson = find(name).found;
    lesson.least_bytes = least_bytes;
}

void oom_learn_no_more(void)
{
    lesson = (range_t){0};
}

/// Begin to count calls, of which the `nth` fails, from 1; 0 fails none.
void oom_plan(uint64_t nth, bool is_sticky)
{
    (void)pthread_mutex_lock(&mutex);
    fail_nth = nth;
    fail_sticky = is_sticky;
    calls = 0;
    failures = 0;
    (void)pthread_mutex_unlock(&mutex);
}

/// Return how many calls and failures there were since the plan.
uint64_t oom_calls(void)
{
    return calls;
}

uint64_t oom_failures(void)
{
    return failures;
}

/// Return how many blocks of watched places are not freed yet.
uint64_t oom_live(void)
{
    return live_count;
}

/// Return at how many places in the code a call failed, and was the first to.
uint64_t oom_sites(void)
{
    return site_count;
}

/// Return the address in its file of such a place, behind the call; 0 if it is in another object.
uintptr_t oom_site(const char* name, uint64_t index)
{
    const search_t object = find(name);
    return index < site_count && is_in(&object.found, sites[index]) ? sites[index] - object.base
                                                                    : 0;
}
