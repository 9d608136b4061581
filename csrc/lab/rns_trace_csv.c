#include "rns_trace_csv.h"

#include <stdbool.h>
#include <string.h>

#define FIELD_COUNT     6
#define DIGITS_MAX      20 // Of UINT64_MAX.
#define BYTE_ORDER_MARK "\xEF\xBB\xBF"

/// What is left of a line.
typedef struct {
    const char* next;
    const char* end;
} cursor_t;

static bool refuse(rns_trace_csv_t* self, rns_trace_error_t code, const char* field,
                   uint64_t limit)
{
    rns_trace_fault_set(&self->fault, code, field, limit);
    self->fault.line = self->line;
    self->fault.row = self->event_count;
    return false;
}

static bool refuse_text(rns_trace_csv_t* self, rns_trace_error_t code, const char* field,
                        cursor_t value)
{
    (void)refuse(self, code, field, 0);
    rns_trace_fault_quote(&self->fault, value.next, (size_t)(value.end - value.next));
    return false;
}

static bool refuse_limit(rns_trace_csv_t* self, rns_trace_error_t code, const char* field,
                         uint64_t limit, cursor_t value)
{
    (void)refuse_text(self, code, field, value);
    self->fault.limit = limit;
    return false;
}

/* ---- Names ---------------------------------------------------------------------------------- */

// Sequences as in table 3-7 of the Unicode Standard: no surrogates, no overlong forms.
static bool is_utf8_without_controls(const unsigned char* text, size_t text_bytes)
{
    size_t next = 0;
    while (next < text_bytes) {
        const unsigned char lead = text[next];
        const size_t more = lead < 0x80 ? 0 : lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
        if (lead < 0x20 || lead == 0x7F || (lead >= 0x80 && lead < 0xC2) || lead > 0xF4 ||
            more >= text_bytes - next) {
            return false;
        }
        unsigned char low = 0x80;
        unsigned char high = 0xBF;
        switch (lead) {
        case 0xC2: // U+0080 to U+009F are control characters.
        case 0xE0:
            low = 0xA0;
            break;
        case 0xED:
            high = 0x9F;
            break;
        case 0xF0:
            low = 0x90;
            break;
        case 0xF4:
            high = 0x8F;
            break;
        default:
            break;
        }
        for (size_t index = 1; index <= more; ++index) {
            if (text[next + index] < low || text[next + index] > high) {
                return false;
            }
            low = 0x80;
            high = 0xBF;
        }
        next += more + 1;
    }
    return true;
}

static bool read_site(rns_trace_csv_t* self, cursor_t name, uint32_t* site)
{
    const size_t name_bytes = (size_t)(name.end - name.next);
    if (name_bytes > RNS_TRACE_SITE_BYTES_MAX) {
        return refuse_limit(self, RNS_TRACE_SITE_LONG, "site", RNS_TRACE_SITE_BYTES_MAX, name);
    }
    uint32_t index = rns_trace_names_find(&self->sites, name.next, name_bytes);
    if (index == RNS_TRACE_NAMES_NONE) {
        if (!is_utf8_without_controls((const unsigned char*)name.next, name_bytes)) {
            return refuse_text(self, RNS_TRACE_NOT_TEXT, "site", name);
        }
        if (self->sites.count == RNS_TRACE_SITES_MAX) {
            return refuse_limit(self, RNS_TRACE_SITE_COUNT, "site", RNS_TRACE_SITES_MAX, name);
        }
        index = self->sites.count;
        if (!rns_trace_names_add(&self->sites, name.next, name_bytes)) {
            return refuse(self, RNS_TRACE_MEMORY, "site", 0);
        }
    }
    *site = index;
    return true;
}

/* ---- Fields --------------------------------------------------------------------------------- */

static cursor_t field_take(cursor_t* line)
{
    const char* const comma = memchr(line->next, ',', (size_t)(line->end - line->next));
    const cursor_t field = {line->next, comma != NULL ? comma : line->end};
    line->next = comma != NULL ? comma + 1 : line->end;
    return field;
}

static bool read_number(rns_trace_csv_t* self, cursor_t* line, const char* name, uint64_t limit,
                        uint64_t* value)
{
    const char* const begin = line->next;
    uint64_t number = 0;
    for (; line->next < line->end; ++line->next) {
        const unsigned digit = (unsigned)(unsigned char)*line->next - '0';
        if (digit > 9) {
            break;
        }
        number = number * 10 + digit;
    }
    const cursor_t digits = {begin, line->next};
    const ptrdiff_t count = digits.end - begin;
    if (line->next == line->end || *line->next != ',' || count < 1 || count > DIGITS_MAX) {
        line->next = begin;
        return refuse_text(self, RNS_TRACE_NOT_DECIMAL, name, field_take(line));
    }
    // Of twenty digits, 1... that wrapped around is below 2 * 10^19 - 2^64; 2... has wrapped.
    const bool fits = count < DIGITS_MAX || *begin == '0' ||
                      (*begin == '1' && number >= UINT64_C(10000000000000000000));
    if (!fits || number > limit) {
        return refuse_limit(self, RNS_TRACE_OVER_LIMIT, name, limit, digits);
    }
    ++line->next;
    *value = number;
    return true;
}

static bool read_op(rns_trace_csv_t* self, cursor_t* line, uint8_t* op)
{
    const cursor_t field = field_take(line);
    if (field.end - field.next != 1 || (*field.next != 'a' && *field.next != 'f')) {
        return refuse_text(self, RNS_TRACE_NOT_AN_OP, "op", field);
    }
    *op = *field.next == 'a' ? RNS_EVENT_ALLOC : RNS_EVENT_FREE;
    return true;
}

static bool read_nothing(rns_trace_csv_t* self, cursor_t field, const char* name)
{
    return field.next == field.end || refuse_text(self, RNS_TRACE_NOT_EMPTY, name, field);
}

/* ---- Lines ---------------------------------------------------------------------------------- */

static bool read_row(rns_trace_csv_t* self, cursor_t line, rns_trace_rows_t* rows)
{
    if (self->event_count == RNS_TRACE_EVENTS_MAX) {
        return refuse(self, RNS_TRACE_EVENT_COUNT, "", RNS_TRACE_EVENTS_MAX);
    }
    int commas = 0;
    for (cursor_t rest = line; commas < FIELD_COUNT - 1 && rest.next < rest.end; ++rest.next) {
        commas += *rest.next == ',';
    }
    if (commas < FIELD_COUNT - 1) {
        return refuse_limit(self, RNS_TRACE_FIELD_COUNT, "", FIELD_COUNT, line);
    }
    uint64_t t_ns = 0;
    uint64_t thread = 0;
    rns_event_t event = {0};
    if (!read_number(self, &line, "t_ns", (uint64_t)RNS_TRACE_TIME_NS_MAX, &t_ns) ||
        !read_op(self, &line, &event.op) ||
        !read_number(self, &line, "id", UINT64_MAX, &event.id)) {
        return false;
    }
    const bool is_alloc = event.op == RNS_EVENT_ALLOC;
    const bool size_read =
        is_alloc ? read_number(self, &line, "size", RNS_TRACE_SIZE_BYTES_MAX, &event.size_bytes)
                 : read_nothing(self, field_take(&line), "size");
    if (!size_read || !read_number(self, &line, "thread", RNS_TRACE_THREAD_MAX, &thread)) {
        return false;
    }
    if (!(is_alloc ? read_site(self, line, &event.site) : read_nothing(self, line, "site"))) {
        return false;
    }
    event.t_ns = (int64_t)t_ns;
    event.thread = (uint16_t)thread;
    rows->event[rows->count++] = event;
    ++self->event_count;
    return true;
}

static bool read_before_rows(rns_trace_csv_t* self, cursor_t line)
{
    const size_t bytes = (size_t)(line.end - line.next);
    if (bytes > 0 && *line.next == '#') {
        if (self->meta_count == RNS_TRACE_META_MAX) {
            return refuse(self, RNS_TRACE_META_COUNT, "", RNS_TRACE_META_MAX);
        }
        if (!is_utf8_without_controls((const unsigned char*)line.next, bytes)) {
            return refuse_text(self, RNS_TRACE_NOT_TEXT, "#", line);
        }
        ++self->meta_count;
        return rns_trace_names_add(&self->metas, line.next + 1, bytes - 1) ||
               refuse(self, RNS_TRACE_MEMORY, "", 0);
    }
    self->header_seen = bytes == strlen(RNS_TRACE_HEADER_LINE) &&
                        memcmp(line.next, RNS_TRACE_HEADER_LINE, bytes) == 0;
    return self->header_seen || refuse_text(self, RNS_TRACE_HEADER, "", line);
}

// `text` is a whole line without its LF.
static bool read_line(rns_trace_csv_t* self, const char* text, size_t text_bytes,
                      rns_trace_rows_t* rows)
{
    const size_t mark_bytes = strlen(BYTE_ORDER_MARK);
    cursor_t line = {text, text + text_bytes};
    ++self->line;
    if (self->line == 1 && text_bytes >= mark_bytes &&
        memcmp(text, BYTE_ORDER_MARK, mark_bytes) == 0) {
        line.next += mark_bytes;
    }
    if (line.next < line.end && line.end[-1] == '\r') {
        --line.end;
    }
    if ((size_t)(line.end - line.next) > RNS_TRACE_LINE_BYTES_MAX) {
        return refuse_limit(self, RNS_TRACE_LINE_LONG, "", RNS_TRACE_LINE_BYTES_MAX, line);
    }
    if (!self->header_seen) {
        return read_before_rows(self, line);
    }
    if (line.next == line.end) {
        return refuse(self, RNS_TRACE_LINE_EMPTY, "", 0);
    }
    return read_row(self, line, rows);
}

void rns_trace_csv_init(rns_trace_csv_t* self)
{
    memset(self, 0, sizeof *self);
    rns_trace_fault_set(&self->fault, RNS_TRACE_OK, "", 0);
}

void rns_trace_csv_drop(rns_trace_csv_t* self)
{
    rns_trace_names_drop(&self->sites);
    rns_trace_names_drop(&self->metas);
    rns_trace_csv_init(self);
}

size_t rns_trace_csv_feed(rns_trace_csv_t* self, const char* text, size_t text_bytes,
                          rns_trace_rows_t* rows)
{
    size_t next = 0;
    while (next < text_bytes && self->fault.code == RNS_TRACE_OK && rows->count < rows->capacity) {
        const size_t left = text_bytes - next;
        const char* const end = memchr(&text[next], '\n', left);
        const size_t piece = end != NULL ? (size_t)(end - &text[next]) : left;
        if (self->line_bytes == 0 && end != NULL) {
            (void)read_line(self, &text[next], piece, rows);
        } else {
            const size_t room = sizeof self->line_text - self->line_bytes;
            const bool is_long = piece > room;
            const size_t taken = is_long ? room : piece;
            memcpy(&self->line_text[self->line_bytes], &text[next], taken);
            self->line_bytes += taken;
            if (end != NULL || is_long) {
                (void)read_line(self, self->line_text, self->line_bytes, rows);
                self->line_bytes = 0;
            }
        }
        next += piece + (end != NULL);
    }
    return next;
}

rns_trace_error_t rns_trace_csv_finish(rns_trace_csv_t* self, rns_trace_rows_t* rows)
{
    RNS_ASSERT(rows->count < rows->capacity);
    if (self->fault.code == RNS_TRACE_OK && self->line_bytes > 0) {
        (void)read_line(self, self->line_text, self->line_bytes, rows);
        self->line_bytes = 0;
    }
    if (self->fault.code == RNS_TRACE_OK && !self->header_seen) {
        (void)refuse(self, RNS_TRACE_HEADER, "", 0);
    } else if (self->fault.code == RNS_TRACE_OK && self->event_count == 0) {
        (void)refuse(self, RNS_TRACE_NO_EVENTS, "", 0);
    }
    return self->fault.code;
}
