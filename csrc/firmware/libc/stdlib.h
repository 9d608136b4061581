/// @file stdlib.h
/// What the laboratory's sources use of the C library, for images without one.
#ifndef RNS_FIRMWARE_STDLIB_H
#define RNS_FIRMWARE_STDLIB_H

#include <stddef.h>

void qsort(void* rows, size_t count, size_t row_bytes,
           int (*compare)(const void* left, const void* right));

#endif
