/* The reader of CSV traces: whatever the text is and however it is cut, the same events and the
 * same fault come of it, every limit holds, and what it accepts can be indexed. */
#include "fuzz.h"
#include "rns_trace_csv.h"

#define EVENTS_MAX 280u /* Of one input; a row takes more than ten bytes. */

typedef struct {
    rns_trace_csv_t reader;
    rns_event_t event[EVENTS_MAX];
    size_t event_count;
} reading_t;

static reading_t whole;
static reading_t pieces;

/// Read a text, `piece` bytes and `room` rows at a time.
static void read_text(reading_t* self, fuzz_input_t text, size_t piece, size_t room)
{
    rns_trace_csv_init(&self->reader);
    self->event_count = 0;
    while (text.next < text.end && self->reader.fault.code == RNS_TRACE_OK) {
        const size_t left = (size_t)(text.end - text.next);
        const size_t offered = piece < left ? piece : left;
        DEMAND(self->event_count < EVENTS_MAX - 1u);
        const size_t places = EVENTS_MAX - 1u - self->event_count;
        rns_trace_rows_t rows = {&self->event[self->event_count], room < places ? room : places,
                                 0};
        const size_t taken =
            rns_trace_csv_feed(&self->reader, (const char*)text.next, offered, &rows);
        DEMAND(taken <= offered || self->reader.fault.code != RNS_TRACE_OK);
        DEMAND(rows.count <= rows.capacity);
        self->event_count += rows.count;
        DEMAND(taken > 0 || self->reader.fault.code != RNS_TRACE_OK);
        text.next += taken;
    }
    rns_trace_rows_t rows = {&self->event[self->event_count], 1, 0};
    (void)rns_trace_csv_finish(&self->reader, &rows);
    self->event_count += rows.count;
    DEMAND(self->event_count == self->reader.event_count);
}

static void check_events(const reading_t* self)
{
    for (size_t i = 0; i < self->event_count; ++i) {
        const rns_event_t* const event = &self->event[i];
        DEMAND(event->t_ns >= 0 && event->t_ns <= (int64_t)RNS_TRACE_TIME_NS_MAX);
        DEMAND(event->size_bytes <= RNS_TRACE_SIZE_BYTES_MAX);
        DEMAND(event->op == RNS_EVENT_ALLOC || event->op == RNS_EVENT_FREE);
        DEMAND(event->op == RNS_EVENT_FREE || event->site < self->reader.sites.count);
    }
    uint32_t block[EVENTS_MAX];
    const rns_trace_t trace = {self->event, self->event_count, self->reader.sites.count};
    rns_trace_fault_t fault = {0};
    const rns_trace_error_t error = rns_trace_index(&trace, block, &fault);
    for (size_t i = 0; error == RNS_TRACE_OK && i < self->event_count; ++i) {
        DEMAND(block[i] < self->event_count);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    fuzz_input_t input = {data, data + size};
    const size_t piece = 1u + fuzz_byte(&input) % 64u;
    const size_t room = 1u + piece % 3u;
    if (size > 10u * (EVENTS_MAX - 8u)) {
        return -1;
    }
    read_text(&whole, input, SIZE_MAX, EVENTS_MAX);
    read_text(&pieces, input, piece, room);
    DEMAND(whole.event_count == pieces.event_count);
    const size_t bytes = whole.event_count * sizeof *whole.event;
    DEMAND(memcmp(whole.event, pieces.event, bytes) == 0);
    const rns_trace_fault_t* const fault = &whole.reader.fault;
    const rns_trace_fault_t* const other = &pieces.reader.fault;
    DEMAND(fault->code == other->code && fault->line == other->line && fault->row == other->row);
    DEMAND(strcmp(fault->value, other->value) == 0 && fault->limit == other->limit);
    for (const char* text = fault->value; *text != '\0'; ++text) {
        DEMAND(*text >= 0x20 && *text < 0x7F);
    }
    DEMAND(whole.reader.sites.bytes == pieces.reader.sites.bytes);
    DEMAND(fault->code != RNS_TRACE_OK || whole.event_count > 0);
    if (whole.event_count > 0) {
        check_events(&whole);
    }
    rns_trace_csv_drop(&whole.reader);
    rns_trace_csv_drop(&pieces.reader);
    return 0;
}
