#include "rns_trace_names.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS_FIRST    ((uint32_t)256)
#define CAPACITY_FIRST ((size_t)4096)

static size_t length_of(const rns_trace_names_t* self, uint32_t name)
{
    const bool is_last = name + 1 == self->count;
    const size_t end = is_last ? self->bytes : self->begin[name + 1];
    return end - self->begin[name] - 1;
}

// The seed is where the table lies, so that a text cannot be made whose names all collide.
static uint32_t* slot_of(const rns_trace_names_t* self, const char* name, size_t name_bytes)
{
    uint64_t hash = (uint64_t)(uintptr_t)self->slot | 1;
    for (size_t index = 0; index < name_bytes; ++index) {
        hash = (hash ^ (unsigned char)name[index]) * UINT64_C(0x9E3779B97F4A7C15);
    }
    uint32_t slot = (uint32_t)(hash >> 32) & (self->slots - 1);
    while (self->slot[slot] != 0) {
        const uint32_t known = self->slot[slot] - 1;
        if (length_of(self, known) == name_bytes &&
            memcmp(&self->text[self->begin[known]], name, name_bytes) == 0) {
            break;
        }
        slot = (slot + 1) & (self->slots - 1);
    }
    return &self->slot[slot];
}

static bool grow_table(rns_trace_names_t* self)
{
    const uint32_t slots = self->slots == 0 ? SLOTS_FIRST : 2 * self->slots;
    uint32_t* const table = calloc(slots, sizeof *table);
    uint32_t* const begin = realloc(self->begin, slots / 2 * sizeof *begin);
    self->begin = begin != NULL ? begin : self->begin;
    if (table == NULL || begin == NULL) {
        free(table);
        return false;
    }
    free(self->slot);
    self->slot = table;
    self->slots = slots;
    for (uint32_t name = 0; name < self->count; ++name) {
        *slot_of(self, &self->text[begin[name]], length_of(self, name)) = name + 1;
    }
    return true;
}

static bool grow_text(rns_trace_names_t* self, size_t bytes)
{
    const size_t capacity_bytes = bytes < CAPACITY_FIRST / 2 ? CAPACITY_FIRST : 2 * bytes;
    char* const grown = realloc(self->text, capacity_bytes);
    if (grown == NULL) {
        return false;
    }
    self->text = grown;
    self->capacity_bytes = capacity_bytes;
    return true;
}

uint32_t rns_trace_names_find(const rns_trace_names_t* self, const char* name, size_t name_bytes)
{
    // An empty slot is 0, one less is RNS_TRACE_NAMES_NONE.
    return self->count == 0 ? RNS_TRACE_NAMES_NONE : *slot_of(self, name, name_bytes) - 1;
}

bool rns_trace_names_add(rns_trace_names_t* self, const char* name, size_t name_bytes)
{
    const size_t bytes = self->bytes + name_bytes + 1;
    if ((self->count == self->slots / 2 && !grow_table(self)) ||
        (bytes > self->capacity_bytes && !grow_text(self, bytes))) {
        return false;
    }
    uint32_t* const slot = slot_of(self, name, name_bytes);
    memcpy(&self->text[self->bytes], name, name_bytes);
    self->text[bytes - 1] = '\0';
    self->begin[self->count] = (uint32_t)self->bytes;
    self->bytes = bytes;
    *slot = ++self->count;
    return true;
}

void rns_trace_names_drop(rns_trace_names_t* self)
{
    free(self->text);
    free(self->begin);
    free(self->slot);
    memset(self, 0, sizeof *self);
}
