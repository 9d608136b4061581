/// operator new in front of that of the C++ library, so that the site is its caller. The library's
/// own is called, which throws and calls the new handler; it asks malloc, which records.
/// operator delete is not here: its free has no site.
// For RTLD_NEXT. NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)
#define _GNU_SOURCE
#include "rns_recorder.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#define CALLER __builtin_return_address(0)

typedef void* (*new_t)(size_t);
typedef void* (*new_nothrow_t)(size_t, const void*);
typedef void* (*new_aligned_t)(size_t, size_t);
typedef void* (*new_aligned_nothrow_t)(size_t, size_t, const void*);

/// The C++ library may have been loaded by dlopen, for its module alone.
static void* find(const char* name)
{
    static const char* const libraries[] = {"libstdc++.so.6", "libc++.so.1"};
    void* found = dlsym(RTLD_NEXT, name);
    for (size_t i = 0; found == NULL && i < sizeof libraries / sizeof *libraries; ++i) {
        void* const library = dlopen(libraries[i], RTLD_LAZY | RTLD_NOLOAD);
        if (library != NULL) {
            found = dlsym(library, name);
            (void)dlclose(library);
        }
    }
    return found;
}

/// Return the function of that name, looked up once.
static void* real_new(_Atomic(void*)* known, const char* name)
{
    void* found = atomic_load_explicit(known, memory_order_acquire);
    if (found == NULL) {
        const bool is_first = rns_recorder_enter();
        found = find(name);
        if (is_first) {
            rns_recorder_leave();
        }
        if (found == NULL) {
            abort(); // Nobody could have called us: the caller's own library has the function.
        }
        atomic_store(known, found);
    }
    return found;
}

/// Define one operator new. An exception passes through: the next allocation then has its own
/// caller, since the failed one has used up ours or nothing has.
#define OPERATOR_NEW(name, symbol, type, parameters, arguments)                                   \
    RNS_EXPORT void* name parameters __asm__(symbol);                                             \
    RNS_EXPORT void* name parameters                                                              \
    {                                                                                             \
        static _Atomic(void*) known;                                                              \
        void* const found = real_new(&known, symbol);                                             \
        type function;                                                                            \
        memcpy(&function, &found, sizeof function);                                               \
        const bool is_outer = rns_recorder_begin_new(CALLER);                                     \
        void* const block = function arguments;                                                   \
        if (is_outer) {                                                                           \
            rns_recorder_end_new();                                                               \
        }                                                                                         \
        return block;                                                                             \
    }

#if __SIZEOF_SIZE_T__ == 8
#    define SYMBOL(kind, rest) "_Z" kind "m" rest
#else
#    define SYMBOL(kind, rest) "_Z" kind "j" rest
#endif
#define NOTHROW "RKSt9nothrow_t"
#define ALIGNED "St11align_val_t"

OPERATOR_NEW(new_one, SYMBOL("nw", ""), new_t, (size_t size), (size))
OPERATOR_NEW(new_array, SYMBOL("na", ""), new_t, (size_t size), (size))
OPERATOR_NEW(new_one_nothrow, SYMBOL("nw", NOTHROW), new_nothrow_t,
             (size_t size, const void* nothrow), (size, nothrow))
OPERATOR_NEW(new_array_nothrow, SYMBOL("na", NOTHROW), new_nothrow_t,
             (size_t size, const void* nothrow), (size, nothrow))
OPERATOR_NEW(new_one_aligned, SYMBOL("nw", ALIGNED), new_aligned_t, (size_t size, size_t align),
             (size, align))
OPERATOR_NEW(new_array_aligned, SYMBOL("na", ALIGNED), new_aligned_t, (size_t size, size_t align),
             (size, align))
OPERATOR_NEW(new_one_aligned_nothrow, SYMBOL("nw", ALIGNED NOTHROW), new_aligned_nothrow_t,
             (size_t size, size_t align, const void* nothrow), (size, align, nothrow))
OPERATOR_NEW(new_array_aligned_nothrow, SYMBOL("na", ALIGNED NOTHROW), new_aligned_nothrow_t,
             (size_t size, size_t align, const void* nothrow), (size, align, nothrow))
