// For syscall. NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)
#define _GNU_SOURCE
#include "rns_recorder.h"

#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <unwind.h>

/// What a walk up the stack collects.
typedef struct {
    uint64_t* frame;
    uint32_t depth;
    uint32_t count;
    uint64_t caller; ///< Frames below this one are the recorder's.
} walk_t;

static _Unwind_Reason_Code visit_frame(struct _Unwind_Context* context, void* argument)
{
    walk_t* const walk = argument;
    const uint64_t address = _Unwind_GetIP(context);
    if (walk->count > 0 || address == walk->caller) {
        walk->frame[walk->count++] = address;
    }
    return walk->count < walk->depth ? _URC_NO_REASON : _URC_END_OF_STACK;
}

static uint32_t walk_stack(uint64_t* frame, uint32_t depth, const void* caller)
{
    walk_t walk = {.frame = frame, .depth = depth, .caller = (uintptr_t)caller};
    if (depth > 1) {
        (void)_Unwind_Backtrace(visit_frame, &walk);
    }
    if (walk.count == 0) { // Not wanted, or without the tables to do it.
        frame[0] = (uintptr_t)caller;
        walk.count = 1;
    }
    return walk.count;
}

// Of one frame a bijection (David Stafford's Mix13), so that different callers never collide.
static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

static uint64_t key_of(const uint64_t* frame, uint32_t frame_count)
{
    uint64_t key = 0;
    for (uint32_t i = 0; i < frame_count; ++i) {
        key = mix(key + frame[i]);
    }
    return key == 0 ? 1 : key;
}

/* ---- Modules -------------------------------------------------------------------------------- */

static bool is_in_known_module(sites_t* self, uint64_t address)
{
    const uint32_t count = atomic_load(&self->range_count);
    for (uint32_t i = 0; i < count && i < MODULES_MAX; ++i) {
        if (address < atomic_load(&self->range[i].end) &&
            address >= atomic_load(&self->range[i].first)) {
            return true;
        }
    }
    return false;
}

static const char* get_hexadecimal(const char* text, uint64_t* out)
{
    *out = 0;
    for (; *text != '\0'; ++text) {
        const char* const digits = "0123456789abcdef";
        const char* const digit = strchr(digits, *text);
        if (digit == NULL) {
            break;
        }
        *out = *out * 16 + (uint64_t)(digit - digits);
    }
    return text;
}

// A line of maps: first-end perms offset device inode path.
static bool parse_map(const char* line, rns_record_module_t* out)
{
    const char* next = get_hexadecimal(line, &out->first);
    next = get_hexadecimal(next + (*next == '-'), &out->end);
    if (strlen(next) < 6 || next[3] != 'x') {
        return false;
    }
    (void)get_hexadecimal(next + 6, &out->offset);
    const char* const path = strchr(next, '/');
    out->path[0] = '\0';
    if (path != NULL) {
        (void)strncat(out->path, path, sizeof out->path - 1);
    }
    return true;
}

static bool find_in_line(char* line, uint64_t address, rns_record_module_t* out)
{
    return parse_map(line, out) && address >= out->first && address < out->end;
}

// The file is read in pieces that fit the smallest stack; a line that does not is cut.
static bool find_module(uint64_t address, rns_record_module_t* out)
{
    char line[RNS_RECORD_MODULE_CHARS];
    char piece[512];
    size_t line_bytes = 0;
    bool is_found = false;
    const int file = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/maps", O_RDONLY | O_CLOEXEC);
    long got = 0;
    while (file >= 0 && !is_found && (got = syscall(SYS_read, file, piece, sizeof piece)) > 0) {
        for (long i = 0; i < got && !is_found; ++i) {
            if (piece[i] != '\n') {
                line[line_bytes] = piece[i];
                line_bytes += line_bytes < sizeof line - 1;
                continue;
            }
            line[line_bytes] = '\0';
            line_bytes = 0;
            is_found = find_in_line(line, address, out);
        }
    }
    if (file >= 0) {
        (void)syscall(SYS_close, file);
    }
    return is_found;
}

static void note_module(sites_t* self, rns_record_chunk_t* chunk, uint64_t address)
{
    rns_record_module_t module = {.first = address, .end = address + 1};
    if (!find_module(address, &module)) {
        module.path[0] = '\0';
    }
    const uint32_t index = atomic_fetch_add(&self->range_count, 1);
    if (index < MODULES_MAX) {
        atomic_store(&self->range[index].first, module.first);
        atomic_store(&self->range[index].end, module.end);
    }
    const size_t path_bytes = strlen(module.path);
    uint8_t* next = chunk_end(chunk);
    next = rns_record_put(next, RNS_RECORD_MODULE << 2 | RNS_RECORD_OTHER);
    next = rns_record_put(next, module.first);
    next = rns_record_put(next, module.end);
    next = rns_record_put(next, module.offset);
    next = rns_record_put(next, path_bytes);
    memcpy(next, module.path, path_bytes);
    chunk_commit(chunk, next + path_bytes);
}

/* ---- Sites ---------------------------------------------------------------------------------- */

static uint32_t new_site(sites_t* self, rns_record_file_t* file, rns_record_chunk_t* chunk,
                         const uint64_t* frame, uint32_t frame_count)
{
    const uint32_t site = 1 + atomic_fetch_add(&file->site_count, 1);
    if (site >= RNS_TRACE_SITES_MAX) {
        return 0;
    }
    // Modules that are new are looked for frame by frame; the caller's room is for one of them.
    for (uint32_t i = 0; i < frame_count; ++i) {
        const size_t room = RNS_RECORD_CHUNK_BYTES - chunk->used_bytes;
        if (room > 2 * RNS_RECORD_NOTE_MAX && !is_in_known_module(self, frame[i])) {
            note_module(self, chunk, frame[i]);
        }
    }
    uint8_t* next = chunk_end(chunk);
    next = rns_record_put(next, RNS_RECORD_SITE << 2 | RNS_RECORD_OTHER);
    next = rns_record_put(next, site);
    next = rns_record_put(next, frame_count);
    for (uint32_t i = 0; i < frame_count; ++i) {
        next = rns_record_put(next, frame[i]);
    }
    chunk_commit(chunk, next);
    return site;
}

uint32_t rns_recorder_site(sites_t* self, rns_record_file_t* file, rns_record_chunk_t* chunk,
                           const void* caller)
{
    uint64_t frame[RNS_RECORD_DEPTH_MAX];
    const uint32_t frame_count = walk_stack(frame, file->depth, caller);
    const uint64_t key = key_of(frame, frame_count);
    for (uint32_t probe = 0; probe < SITE_SLOTS; ++probe) {
        site_slot_t* const slot = &self->slot[(key + probe) % SITE_SLOTS];
        uint64_t found = atomic_load_explicit(&slot->key, memory_order_acquire);
        if (found == 0) {
            if (atomic_load(&file->site_count) + 1 >= RNS_TRACE_SITES_MAX) {
                return 0; // Keeps the table half empty, so a search ends soon.
            }
            if (atomic_compare_exchange_strong(&slot->key, &found, key)) {
                // Another thread that meets the slot now waits for a few system calls.
                const uint32_t site = new_site(self, file, chunk, frame, frame_count);
                atomic_store(&slot->site, site + 1);
                return site;
            }
        }
        if (found == key) {
            uint32_t site = 0;
            while ((site = atomic_load_explicit(&slot->site, memory_order_acquire)) == 0) {
                (void)sched_yield();
            }
            return site - 1;
        }
    }
    return 0;
}
