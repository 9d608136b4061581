/* The scanner of other tools' lines: rows and bytes read do not depend on the room for rows, it
 * stops where a line begins, and callers are numbered within their limit. */
#include "fuzz.h"
#include "rns_trace_scan.h"

#define ROWS_MAX 1024u

static rns_trace_scan_row_t all_rows[ROWS_MAX];
static rns_trace_scan_row_t few_rows[ROWS_MAX];

/// Read up to the first line that is no row, `room` rows at a time; return the bytes read.
static size_t scan(rns_trace_scan_t* self, fuzz_input_t text, size_t room,
                   rns_trace_scan_row_t* row, size_t* row_count)
{
    const size_t size = (size_t)(text.end - text.next);
    size_t read = 0;
    size_t count = 0;
    size_t last = room;
    while (last == room && count + room <= ROWS_MAX) {
        rns_trace_scan_rows_t rows = {&row[count], room, 0};
        const size_t taken =
            rns_trace_scan_feed(self, (const char*)text.next + read, size - read, &rows);
        DEMAND(taken <= size - read && rows.count <= room && (taken == 0) == (rows.count == 0));
        DEMAND(taken == 0 || text.next[read + taken - 1u] == '\n');
        read += taken;
        last = rows.count;
        count += rows.count;
    }
    DEMAND(self->line == count);
    *row_count = count;
    return read;
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    fuzz_input_t input = {data, data + size};
    const size_t room = 1u + fuzz_byte(&input) % 4u;
    if (size > 3u * (ROWS_MAX - 4u)) {
        return -1;
    }
    rns_trace_scan_t all = {.letters = "+-<>t!sia"};
    rns_trace_scan_t few = all;
    size_t all_count = 0;
    size_t few_count = 0;
    const size_t all_read = scan(&all, input, ROWS_MAX, all_rows, &all_count);
    DEMAND(all_read == scan(&few, input, room, few_rows, &few_count));
    DEMAND(all_count == few_count);
    DEMAND(memcmp(all_rows, few_rows, all_count * sizeof *all_rows) == 0);
    DEMAND(all.callers.count == few.callers.count);
    for (size_t i = 0; i < all_count; ++i) {
        const rns_trace_scan_row_t* const row = &all_rows[i];
        DEMAND(row->caller == RNS_TRACE_NAMES_NONE || row->caller < all.callers.count);
        DEMAND(row->value_count >= 1 && row->value_count <= RNS_TRACE_SCAN_VALUES);
        DEMAND(row->letter != 0 && strchr(all.letters, row->letter) != NULL);
        DEMAND(row->line == i + 1u);
    }
    rns_trace_names_drop(&all.callers);
    rns_trace_names_drop(&few.callers);
    return 0;
}
