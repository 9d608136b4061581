/// @file fuzz.h
/// What the harnesses share: a demand that ends the process, and numbers read from the input.
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// What a fuzzer calls for each input; the memory behind it is not the harness's.
int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

#define DEMAND(condition)                                                                         \
    do {                                                                                          \
        if (!(condition)) {                                                                       \
            (void)fprintf(stderr, "DEMAND %s:%d: %s\n", __FILE__, __LINE__, #condition);          \
            abort();                                                                              \
        }                                                                                         \
    } while (0)

typedef struct {
    const uint8_t* next;
    const uint8_t* end;
} fuzz_input_t;

/// Read one byte; 0 behind the end.
static inline uint32_t fuzz_byte(fuzz_input_t* self)
{
    return self->next < self->end ? *self->next++ : 0u;
}

static inline uint32_t fuzz_pair(fuzz_input_t* self)
{
    const uint32_t high = fuzz_byte(self);
    return high << 8 | fuzz_byte(self);
}

#endif
