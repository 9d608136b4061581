/* rns_trace_line.h into memory, for tests/test_trace_line.py: as a device would, byte by byte. */
#include "rns_trace_line.h"

#include <stddef.h>

typedef struct {
    uint8_t* bytes;
    size_t capacity;
    size_t used;
} buffer_t;

/// One event as a device knows it.
typedef struct {
    uint64_t t_ns;
    uint64_t id;
    uint64_t size_bytes;
    uint32_t thread;
    uint32_t site;
    uint32_t is_free;
} device_event_t;

void trace_line_csv(const device_event_t* event, size_t count, const char* const* sites,
                    buffer_t* out);
void trace_line_records(const device_event_t* event, size_t count, const char* const* sites,
                        size_t site_count, buffer_t* out);

static void put(void* context, uint8_t byte)
{
    buffer_t* const buffer = context;
    if (buffer->used < buffer->capacity) {
        buffer->bytes[buffer->used] = byte;
    }
    ++buffer->used;
}

void trace_line_csv(const device_event_t* event, size_t count, const char* const* sites,
                    buffer_t* out)
{
    rns_trace_line_t line = {.put = put, .context = out};
    rns_trace_line_csv_begin(&line);
    for (size_t i = 0; i < count; ++i) {
        rns_trace_line_csv(&line, event[i].is_free != 0 ? 'f' : 'a', event[i].t_ns, event[i].id,
                           event[i].size_bytes, event[i].thread, sites[event[i].site]);
    }
}

void trace_line_records(const device_event_t* event, size_t count, const char* const* sites,
                        size_t site_count, buffer_t* out)
{
    rns_trace_line_t line = {.put = put, .context = out};
    for (size_t i = 0; i < site_count; ++i) {
        rns_trace_line_site(&line, (uint32_t)i, sites[i]);
    }
    for (size_t i = 0; i < count; ++i) {
        if (event[i].is_free != 0) {
            rns_trace_line_free(&line, event[i].t_ns, event[i].id, event[i].thread);
        } else {
            rns_trace_line_alloc(&line, event[i].t_ns, event[i].id, event[i].size_bytes,
                                 event[i].thread, event[i].site);
        }
    }
}
