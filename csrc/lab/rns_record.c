#include "rns_record.h"

#include <string.h>

#define NUMBER_BYTES_MAX 10

/// What is left of a chunk.
typedef struct {
    const uint8_t* next;
    const uint8_t* end;
    bool is_whole; ///< Nothing was cut or too long so far.
} cursor_t;

static uint64_t get(cursor_t* cursor)
{
    uint64_t number = 0;
    for (uint32_t i = 0; i < NUMBER_BYTES_MAX && cursor->next < cursor->end; ++i) {
        const uint8_t byte = *cursor->next++;
        number |= (uint64_t)(byte & 0x7Fu) << (7u * i);
        if (byte < 0x80u) {
            return number;
        }
    }
    cursor->is_whole = false;
    return 0;
}

static uint64_t unzigzag(uint64_t number)
{
    return (number >> 1) ^ (0 - (number & 1u));
}

static uint64_t unrotate(uint64_t address)
{
    return (address << 4) | (address >> 60);
}

static void read_event(rns_record_reader_t* self, rns_record_chunk_t* last, uint64_t first,
                       cursor_t* cursor)
{
    const rns_record_op_t op = (rns_record_op_t)(first & 3u);
    rns_event_t event = {.op = RNS_RECORD_VOID_OP};
    last->event += unzigzag(first >> 2);
    if (op != RNS_RECORD_VOID) {
        last->t_ns = (int64_t)((uint64_t)last->t_ns + unzigzag(get(cursor)));
        last->address += unzigzag(get(cursor));
        event.op = op == RNS_RECORD_ALLOC ? RNS_EVENT_ALLOC : RNS_EVENT_FREE;
        event.t_ns = last->t_ns;
        event.id = unrotate(last->address);
        event.thread =
            (uint16_t)(last->thread < RNS_TRACE_THREAD_MAX ? last->thread : RNS_TRACE_THREAD_MAX);
    }
    if (op == RNS_RECORD_ALLOC) {
        const uint64_t size_bytes = get(cursor);
        const uint64_t site = get(cursor);
        event.size_bytes = size_bytes;
        event.site = site < RNS_TRACE_SITES_MAX ? (uint32_t)site : 0;
    }
    if (!cursor->is_whole || last->event >= self->event_capacity) {
        return;
    }
    rns_event_t* const row = &self->event[last->event];
    if (row->op != RNS_RECORD_MISSING) {
        cursor->is_whole = false;
        return;
    }
    *row = event;
    ++self->event_count;
    self->void_count += op == RNS_RECORD_VOID;
}

static void read_site(rns_record_reader_t* self, cursor_t* cursor)
{
    const uint64_t site = get(cursor);
    const uint64_t frame_count = get(cursor);
    if (site >= RNS_TRACE_SITES_MAX || frame_count > self->depth) {
        cursor->is_whole = false;
        return;
    }
    for (uint64_t i = 0; i < frame_count; ++i) {
        self->frame[site * self->depth + i] = get(cursor);
    }
}

static void read_module(rns_record_reader_t* self, cursor_t* cursor)
{
    rns_record_module_t module = {.first = get(cursor), .end = get(cursor)};
    module.offset = get(cursor);
    const uint64_t path_bytes = get(cursor);
    if (!cursor->is_whole || path_bytes >= sizeof module.path ||
        path_bytes > (size_t)(cursor->end - cursor->next)) {
        cursor->is_whole = false;
        return;
    }
    memcpy(module.path, cursor->next, path_bytes);
    cursor->next += path_bytes;
    if (self->module_count < self->module_capacity) {
        self->module[self->module_count++] = module;
    }
}

static void read_other(rns_record_reader_t* self, rns_record_chunk_t* last, uint64_t kind,
                       cursor_t* cursor)
{
    if (kind == RNS_RECORD_THREAD) {
        last->thread = (uint32_t)get(cursor);
    } else if (kind == RNS_RECORD_SITE) {
        read_site(self, cursor);
    } else if (kind == RNS_RECORD_MODULE) {
        read_module(self, cursor);
    } else {
        cursor->is_whole = false;
    }
}

bool rns_record_info(const void* page, size_t bytes, rns_record_info_t* out)
{
    rns_record_file_t file;
    if (bytes < RNS_RECORD_PAGE_BYTES) {
        return false;
    }
    memcpy(&file, page, sizeof file);
    if (file.magic != RNS_RECORD_MAGIC || file.depth == 0 || file.depth > RNS_RECORD_DEPTH_MAX) {
        return false;
    }
    *out = (rns_record_info_t){
        .depth = file.depth,
        .pid = file.pid,
        .parent_pid = file.parent_pid,
        .started_count = file.started_count,
        .start_ns = file.start_ns,
        .event_count = atomic_load(&file.event_count),
        .file_bytes = atomic_load(&file.file_bytes),
        .thread_count = atomic_load(&file.thread_count),
        .site_count = atomic_load(&file.site_count),
        .error = atomic_load(&file.error),
    };
    memcpy(out->program, file.program, sizeof out->program - 1);
    memcpy(out->command, file.command, sizeof out->command - 1);
    return true;
}

bool rns_record_read_chunk(rns_record_reader_t* self, const void* chunk, size_t chunk_bytes)
{
    rns_record_chunk_t last;
    if (chunk_bytes < sizeof last) {
        return false;
    }
    memcpy(&last, chunk, sizeof last);
    if (last.used_bytes == 0) {
        return true; // Taken, and the process ended before anything was written.
    }
    if (last.used_bytes < sizeof last || last.used_bytes > chunk_bytes) {
        return false;
    }
    const uint8_t* const bytes = chunk;
    cursor_t cursor = {bytes + sizeof last, bytes + last.used_bytes, true};
    last = (rns_record_chunk_t){.thread = UINT32_MAX};
    while (cursor.is_whole && cursor.next < cursor.end) {
        const uint64_t first = get(&cursor);
        if ((first & 3u) == RNS_RECORD_OTHER) {
            read_other(self, &last, first >> 2, &cursor);
        } else {
            read_event(self, &last, first, &cursor);
        }
    }
    return cursor.is_whole;
}
