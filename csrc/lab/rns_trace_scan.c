#include "rns_trace_scan.h"

#include <string.h>

#define DIGITS_MAX   16 // Of UINT64_MAX.
#define CALLER_BEGIN "@ "
#define CALLER_END   "] "
#define NO_DIGIT     0xFF

/// What is left of a line.
typedef struct {
    const char* next;
    const char* end;
} cursor_t;

static bool skip(cursor_t* line, const char* text)
{
    const size_t bytes = strlen(text);
    const bool is_there =
        (size_t)(line->end - line->next) >= bytes && memcmp(line->next, text, bytes) == 0;
    line->next += is_there ? bytes : 0;
    return is_there;
}

static unsigned digit_of(char text)
{
    const unsigned code = (unsigned char)text;
    if (code - '0' < 10) {
        return code - '0';
    }
    const unsigned lower = code | 0x20;
    return lower - 'a' < 6 ? lower - 'a' + 10 : NO_DIGIT;
}

static bool read_number(cursor_t* line, uint64_t* value)
{
    (void)skip(line, "0x");
    const char* const begin = line->next;
    uint64_t number = 0;
    for (; line->next < line->end; ++line->next) {
        const unsigned digit = digit_of(*line->next);
        if (digit == NO_DIGIT) {
            break;
        }
        number = number << 4 | digit;
    }
    *value = number;
    return line->next != begin && line->next - begin <= DIGITS_MAX;
}

static bool read_numbers(cursor_t line, rns_trace_scan_row_t* row)
{
    while (row->value_count < RNS_TRACE_SCAN_VALUES) {
        if (!skip(&line, " ") || !read_number(&line, &row->value[row->value_count])) {
            return false;
        }
        ++row->value_count;
        if (line.next == line.end) {
            return true;
        }
    }
    return false;
}

// A caller ends in the address in brackets; its path may contain spaces.
static bool skip_caller(cursor_t* line, cursor_t* caller)
{
    caller->next = line->next;
    for (; line->next < line->end; ++line->next) {
        caller->end = line->next + 1;
        if (skip(line, CALLER_END)) {
            return true;
        }
    }
    return false;
}

static bool number_caller(rns_trace_scan_t* self, cursor_t caller, uint32_t* number)
{
    const size_t bytes = (size_t)(caller.end - caller.next);
    *number = rns_trace_names_find(&self->callers, caller.next, bytes);
    if (*number != RNS_TRACE_NAMES_NONE) {
        return true;
    }
    *number = self->callers.count;
    if (bytes > RNS_TRACE_SITE_BYTES_MAX || *number >= RNS_TRACE_SITES_MAX) {
        return false;
    }
    self->is_out_of_memory = !rns_trace_names_add(&self->callers, caller.next, bytes);
    return !self->is_out_of_memory;
}

// `line` is a whole one without its LF.
static bool read_line(rns_trace_scan_t* self, cursor_t line, rns_trace_scan_row_t* row)
{
    *row = (rns_trace_scan_row_t){.line = self->line + 1, .caller = RNS_TRACE_NAMES_NONE};
    if (line.next < line.end && line.end[-1] == '\r') {
        --line.end;
    }
    cursor_t caller = {NULL, NULL};
    if (skip(&line, CALLER_BEGIN) && !skip_caller(&line, &caller)) {
        return false;
    }
    if (line.next == line.end || *line.next == '\0' || strchr(self->letters, *line.next) == NULL) {
        return false;
    }
    row->letter = (uint8_t)*line.next++;
    return read_numbers(line, row) &&
           (caller.next == NULL || number_caller(self, caller, &row->caller));
}

size_t rns_trace_scan_feed(rns_trace_scan_t* self, const char* text, size_t text_bytes,
                           rns_trace_scan_rows_t* rows)
{
    size_t next = 0;
    while (rows->count < rows->capacity) {
        const char* const end = memchr(&text[next], '\n', text_bytes - next);
        if (end == NULL ||
            !read_line(self, (cursor_t){&text[next], end}, &rows->row[rows->count])) {
            break;
        }
        next = (size_t)(end - text) + 1;
        ++rows->count;
        ++self->line;
    }
    return next;
}
