/// @file shade.h
/// Bytes that nobody owns, hidden from the program by the address sanitizer (gcc's).
///
/// Nothing is hidden where the core itself looks into free slots, for writes after a give.
#ifndef SHADE_H
#define SHADE_H

#include "rns_port.h"

#if defined(__SANITIZE_ADDRESS__) && !RNS_POISON && !RNS_CANARY
#    include <sanitizer/asan_interface.h>
#    define HIDE(bytes, count) __asan_poison_memory_region((bytes), (count))
#    define SHOW(bytes, count) __asan_unpoison_memory_region((bytes), (count))
#else
#    define HIDE(bytes, count) ((void)(bytes), (void)(count))
#    define SHOW(bytes, count) ((void)(bytes), (void)(count))
#endif

#endif
