/* rns_trace_scan and rns_trace_names: text in memory of exactly its length, damaged at random, so
 * that a sanitizer sees every byte too far. What rows mean is held against regular expressions by
 * tests/test_import_text.py. */
#include "check.h"
#include "rns_trace_scan.h"
#include <stdio.h>
#include <stdlib.h>

#define NAMES       ((uint32_t)20000)
#define TEXTS       5000
#define TEXT_LINES  8
#define LINE_BYTES  64
#define ROOM        ((size_t)5) /* Rows of one call: fewer than lines. */
#define MARKS_COUNT 12u

static uint32_t state = 1;

static uint32_t draw(uint32_t below)
{
    state = state * UINT32_C(1664525) + UINT32_C(1013904223);
    return (uint32_t)((uint64_t)state * below >> 32);
}

static size_t name_of(uint32_t number, char* name, size_t room_bytes)
{
    return (size_t)snprintf(name, room_bytes, "./w:(f%u)[0x%x]", number, 7u * number);
}

static void test_every_name_is_found_under_its_number_and_no_other_is(void)
{
    rns_trace_names_t names = {0};
    char name[LINE_BYTES];
    CHECK_EQUAL(rns_trace_names_find(&names, "", 0), RNS_TRACE_NAMES_NONE);
    for (uint32_t i = 0; i < NAMES; ++i) {
        const size_t bytes = name_of(i, name, sizeof name);
        CHECK_EQUAL(rns_trace_names_find(&names, name, bytes), RNS_TRACE_NAMES_NONE);
        CHECK(rns_trace_names_add(&names, name, bytes));
    }
    for (uint32_t i = 0; i < NAMES; ++i) {
        const size_t bytes = name_of(i, name, sizeof name);
        CHECK_EQUAL(rns_trace_names_find(&names, name, bytes), i);
        CHECK_TEXT(&names.text[names.begin[i]], name);
    }
    CHECK_EQUAL(names.count, NAMES);
    rns_trace_names_drop(&names);
    CHECK_EQUAL(names.count, 0);
    CHECK(rns_trace_names_add(&names, "again", 5));
    CHECK_EQUAL(rns_trace_names_find(&names, "again", 5), 0);
    rns_trace_names_drop(&names);
}

static size_t write_line(char* line)
{
    const unsigned a = draw(UINT32_MAX);
    const unsigned b = draw(1000);
    int bytes = 0;
    switch (draw(4)) {
    case 0:
        bytes = snprintf(line, LINE_BYTES, "@ ./w:[0x%x] + 0x%x 0x%x\n", b % 5u, a, b);
        break;
    case 1:
        bytes = snprintf(line, LINE_BYTES, "- %x\n", a);
        break;
    case 2:
        bytes = snprintf(line, LINE_BYTES, "t %x %x %X\r\n", b, b, a);
        break;
    default:
        bytes = snprintf(line, LINE_BYTES, "s 5 other\n");
        break;
    }
    return (size_t)bytes;
}

/// Return text of some lines in memory of its own of exactly that length.
static char* text_of(size_t* text_bytes, bool is_damaged)
{
    static const char marks[MARKS_COUNT + 1] = "+-t@ ]x0fF\n\r";
    char lines[TEXT_LINES * LINE_BYTES];
    size_t bytes = 0;
    for (int i = 0; i < TEXT_LINES; ++i) {
        bytes += write_line(&lines[bytes]);
    }
    bytes -= is_damaged ? draw((uint32_t)bytes) : 0u;
    char* const text = malloc(bytes);
    if (text == NULL) {
        abort();
    }
    memcpy(text, lines, bytes);
    for (uint32_t i = is_damaged ? draw(9) : 0u; i > 0; --i) {
        text[draw((uint32_t)bytes)] = draw(4) == 0 ? (char)draw(256) : marks[draw(MARKS_COUNT)];
    }
    *text_bytes = bytes;
    return text;
}

/// Read a text as Python does; return how many of its lines were rows.
static uint64_t scan(const char* text, size_t text_bytes)
{
    rns_trace_scan_t reader = {.letters = "+-t"};
    rns_trace_scan_row_t* const row = malloc(ROOM * sizeof *row);
    rns_trace_scan_rows_t rows = {row, ROOM, 0};
    uint64_t seen = 0;
    size_t next = 0;
    while (next < text_bytes) {
        const uint64_t line = reader.line;
        rows.count = 0;
        next += rns_trace_scan_feed(&reader, &text[next], text_bytes - next, &rows);
        CHECK_EQUAL(reader.line, line + rows.count);
        for (size_t i = 0; i < rows.count; ++i) {
            CHECK_EQUAL(row[i].line, line + i + 1u);
            CHECK(row[i].value_count >= 1u && row[i].value_count <= RNS_TRACE_SCAN_VALUES);
            CHECK(row[i].caller == RNS_TRACE_NAMES_NONE || row[i].caller < reader.callers.count);
        }
        seen += rows.count;
        if (next < text_bytes && rows.count < rows.capacity) {
            const char* const end = memchr(&text[next], '\n', text_bytes - next);
            if (end == NULL) {
                break;
            }
            next = (size_t)(end - text) + 1u;
            ++reader.line;
        }
    }
    rns_trace_names_drop(&reader.callers);
    free(row);
    return seen;
}

static void test_no_damage_makes_the_reader_leave_the_text(void)
{
    uint64_t whole = 0;
    uint64_t damaged = 0;
    for (int i = 0; i < TEXTS; ++i) {
        size_t bytes = 0;
        char* text = text_of(&bytes, false);
        whole += scan(text, bytes);
        free(text);
        text = text_of(&bytes, true);
        damaged += scan(text, bytes);
        free(text);
        check_state.operations += 2;
    }
    CHECK(whole > UINT64_C(5) * TEXTS); /* Three lines of four are rows. */
    CHECK(damaged > TEXTS && damaged < whole);
}

int main(void)
{
    RUN(test_every_name_is_found_under_its_number_and_no_other_is);
    RUN(test_no_damage_makes_the_reader_leave_the_text);
    return check_finish();
}
