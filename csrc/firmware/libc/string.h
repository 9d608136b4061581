/// @file string.h
/// The four functions that a freestanding compiler expects, for images without a C library.
#ifndef RNS_FIRMWARE_STRING_H
#define RNS_FIRMWARE_STRING_H

#include <stddef.h>

void* memcpy(void* restrict to, const void* restrict from, size_t bytes);
void* memmove(void* to, const void* from, size_t bytes);
void* memset(void* to, int value, size_t bytes);
int memcmp(const void* left, const void* right, size_t bytes);

#endif
