/// @file stdlib.h
/// What sources in images use of the C library, for images without one: a heap is theirs.
#ifndef RNS_FIRMWARE_STDLIB_H
#define RNS_FIRMWARE_STDLIB_H

#include <stddef.h>

void qsort(void* rows, size_t count, size_t row_bytes,
           int (*compare)(const void* left, const void* right));

void* malloc(size_t bytes);
void* calloc(size_t count, size_t each_bytes);
void* realloc(void* block, size_t bytes);
void free(void* block);

#endif
