/// @file rns_trace_line.h
/// Sends allocation events over a UART, or anything else that takes bytes: as the CSV of
/// pyrns_pool, or in half of its bytes as records that survive a line which drops some.
///
///     static rns_trace_line_t line = {.put = uart_put, .context = UART0};
///     rns_trace_line_csv_begin(&line);
///     rns_trace_line_csv(&line, 'a', now_ns, (uintptr_t)block, size, task, "main:rx");
///     rns_trace_line_csv(&line, 'f', now_ns, (uintptr_t)block, 0, task, "");
///
/// Send a free before the block goes back and an allocation after it came, under one lock: then
/// the order on the line is that of the blocks. Nothing is stored, and nothing included but
/// stdint.
///
/// A record is 0x7E, `count & 63 | op << 6`, numbers of seven bits a byte with the low bits first,
/// and the CRC-16/CCITT-FALSE of all behind 0x7E, high byte first. The numbers are t_ns, id,
/// thread of a free (op 1), those and size_bytes, site of an allocation (op 0); site, length of
/// its name and the name (op 2).
#ifndef RNS_TRACE_LINE_H
#define RNS_TRACE_LINE_H

#include <stdint.h>

typedef struct {
    void (*put)(void* context, uint8_t byte);
    void* context;
    uint8_t count; ///< Of records; tells the reader how many were lost.
    uint16_t crc;  ///< Of the record so far.
} rns_trace_line_t;

static inline void rns_trace_line_byte(rns_trace_line_t* self, uint8_t byte)
{
    uint32_t crc = self->crc ^ (uint32_t)byte << 8;
    for (uint32_t bit = 0; bit < 8; ++bit) {
        crc = (crc & 0x8000u) != 0 ? crc << 1 ^ 0x1021u : crc << 1;
    }
    self->crc = (uint16_t)crc;
    self->put(self->context, byte);
}

static inline void rns_trace_line_text(rns_trace_line_t* self, const char* text)
{
    while (*text != '\0') {
        rns_trace_line_byte(self, (uint8_t)*text++);
    }
}

static inline void rns_trace_line_decimal(rns_trace_line_t* self, uint64_t number)
{
    char digits[21];
    char* first = &digits[20];
    *first = '\0';
    do {
        *--first = (char)('0' + number % 10u);
        number /= 10u;
    } while (number != 0);
    rns_trace_line_text(self, first);
}

/// Send the header line, once.
static inline void rns_trace_line_csv_begin(rns_trace_line_t* self)
{
    rns_trace_line_text(self, "t_ns,op,id,size,thread,site\n");
}

/// Send one line. `op` is 'a' or 'f'; a free has no size and no site.
static inline void rns_trace_line_csv(rns_trace_line_t* self, char op, uint64_t t_ns, uint64_t id,
                                      uint64_t size_bytes, uint32_t thread, const char* site)
{
    const char word[] = {',', op, ',', '\0'};
    rns_trace_line_decimal(self, t_ns);
    rns_trace_line_text(self, word);
    rns_trace_line_decimal(self, id);
    rns_trace_line_text(self, ",");
    if (op == 'a') {
        rns_trace_line_decimal(self, size_bytes);
    }
    rns_trace_line_text(self, ",");
    rns_trace_line_decimal(self, thread);
    rns_trace_line_text(self, ",");
    rns_trace_line_text(self, op == 'a' ? site : "");
    rns_trace_line_text(self, "\n");
}

static inline void rns_trace_line_number(rns_trace_line_t* self, uint64_t number)
{
    for (; number >= 0x80u; number >>= 7) {
        rns_trace_line_byte(self, (uint8_t)(number | 0x80u));
    }
    rns_trace_line_byte(self, (uint8_t)number);
}

static inline void rns_trace_line_begin(rns_trace_line_t* self, uint32_t op)
{
    self->put(self->context, 0x7E);
    self->crc = 0xFFFF;
    rns_trace_line_byte(self, (uint8_t)((self->count++ & 63u) | op << 6));
}

static inline void rns_trace_line_end(rns_trace_line_t* self)
{
    self->put(self->context, (uint8_t)(self->crc >> 8));
    self->put(self->context, (uint8_t)self->crc);
}

/// Send what the number of a site stands for, now and then: a line may drop it.
static inline void rns_trace_line_site(rns_trace_line_t* self, uint32_t site, const char* name)
{
    uint64_t length = 0;
    while (name[length] != '\0') {
        ++length;
    }
    rns_trace_line_begin(self, 2);
    rns_trace_line_number(self, site);
    rns_trace_line_number(self, length);
    rns_trace_line_text(self, name);
    rns_trace_line_end(self);
}

/// Send the record of an allocation.
static inline void rns_trace_line_alloc(rns_trace_line_t* self, uint64_t t_ns, uint64_t id,
                                        uint64_t size_bytes, uint32_t thread, uint32_t site)
{
    rns_trace_line_begin(self, 0);
    rns_trace_line_number(self, t_ns);
    rns_trace_line_number(self, id);
    rns_trace_line_number(self, thread);
    rns_trace_line_number(self, size_bytes);
    rns_trace_line_number(self, site);
    rns_trace_line_end(self);
}

/// Send the record of a free.
static inline void rns_trace_line_free(rns_trace_line_t* self, uint64_t t_ns, uint64_t id,
                                       uint32_t thread)
{
    rns_trace_line_begin(self, 1);
    rns_trace_line_number(self, t_ns);
    rns_trace_line_number(self, id);
    rns_trace_line_number(self, thread);
    rns_trace_line_end(self);
}

#endif
