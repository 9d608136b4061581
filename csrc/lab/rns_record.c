#include "rns_record.h"

#include <string.h>

#define NUMBER_BYTES_MAX 10

static uint64_t get(rns_record_cursor_t* cursor)
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

static void read_event(rns_record_cursor_t* cursor, uint64_t first, uint64_t* number,
                       rns_event_t* out)
{
    const rns_record_op_t op = (rns_record_op_t)(first & 3u);
    rns_record_chunk_t* const last = &cursor->last;
    *out = (rns_event_t){.op = RNS_RECORD_VOID_OP};
    last->event += unzigzag(first >> 2);
    *number = last->event;
    if (op != RNS_RECORD_VOID) {
        last->t_ns = (int64_t)((uint64_t)last->t_ns + unzigzag(get(cursor)));
        last->address += unzigzag(get(cursor));
        out->op = op == RNS_RECORD_ALLOC ? RNS_EVENT_ALLOC : RNS_EVENT_FREE;
        out->t_ns = last->t_ns;
        out->id = unrotate(last->address);
        out->thread =
            (uint16_t)(last->thread < RNS_TRACE_THREAD_MAX ? last->thread : RNS_TRACE_THREAD_MAX);
    }
    if (op == RNS_RECORD_ALLOC) {
        const uint64_t size_bytes = get(cursor);
        const uint64_t site = get(cursor);
        out->size_bytes = size_bytes;
        out->site = site < RNS_TRACE_SITES_MAX ? (uint32_t)site : 0;
    }
}

static void read_site(rns_record_reader_t* self, rns_record_cursor_t* cursor)
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

static void read_module(rns_record_reader_t* self, rns_record_cursor_t* cursor)
{
    rns_record_module_t module = {.first = get(cursor), .end = get(cursor)};
    module.offset = get(cursor);
    const uint64_t path_bytes = get(cursor);
    if (!cursor->is_whole || path_bytes >= sizeof module.path ||
        path_bytes > (size_t)(cursor->end - cursor->next)) {
        cursor->is_whole = false;
        return;
    }
    memcpy(module.path, cursor->next, (size_t)path_bytes);
    cursor->next += path_bytes;
    if (self->module_count < self->module_capacity) {
        self->module[self->module_count++] = module;
    }
}

static void read_other(rns_record_reader_t* self, uint64_t kind, rns_record_cursor_t* cursor)
{
    if (kind == RNS_RECORD_THREAD) {
        cursor->last.thread = (uint32_t)get(cursor);
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

bool rns_record_next(rns_record_reader_t* self, rns_record_cursor_t* cursor, uint64_t* number,
                     rns_event_t* out)
{
    while (cursor->is_whole && cursor->next < cursor->end) {
        const uint64_t first = get(cursor);
        if ((first & 3u) != RNS_RECORD_OTHER) {
            read_event(cursor, first, number, out);
            return cursor->is_whole;
        }
        read_other(self, first >> 2, cursor);
    }
    return false;
}

bool rns_record_read_chunk(rns_record_reader_t* self, const void* chunk, size_t chunk_bytes)
{
    rns_record_chunk_t head;
    if (chunk_bytes < sizeof head) {
        return false;
    }
    memcpy(&head, chunk, sizeof head);
    if (head.used_bytes == 0) {
        return true; // Taken, and the process ended before anything was written.
    }
    if (head.used_bytes < sizeof head || head.used_bytes > chunk_bytes) {
        return false;
    }
    const uint8_t* const bytes = chunk;
    rns_record_cursor_t cursor = {.next = bytes + sizeof head,
                                  .end = bytes + head.used_bytes,
                                  .last = {.thread = UINT32_MAX},
                                  .is_whole = true};
    uint64_t number = 0;
    rns_event_t event;
    while (rns_record_next(self, &cursor, &number, &event)) {
        if (number >= self->event_capacity) {
            continue;
        }
        rns_event_t* const row = &self->event[number];
        if (row->op != RNS_RECORD_MISSING) {
            return false;
        }
        *row = event;
        ++self->event_count;
        self->void_count += event.op == RNS_RECORD_VOID_OP;
    }
    return cursor.is_whole;
}
