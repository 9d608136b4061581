// What libclang needs to know of the C library and of ESP-IDF's heap to find who allocates. It is
// included before every file; the standard headers themselves are then empty.
#ifndef RNS_AUDIT_LIBC_H
#define RNS_AUDIT_LIBC_H

typedef __INT8_TYPE__ int8_t;
typedef __INT16_TYPE__ int16_t;
typedef __INT32_TYPE__ int32_t;
typedef __INT64_TYPE__ int64_t;
typedef __UINT8_TYPE__ uint8_t;
typedef __UINT16_TYPE__ uint16_t;
typedef __UINT32_TYPE__ uint32_t;
typedef __UINT64_TYPE__ uint64_t;
typedef __UINT32_TYPE__ uint_fast32_t;
typedef __INTPTR_TYPE__ intptr_t;
typedef __UINTPTR_TYPE__ uintptr_t;
typedef __INTMAX_TYPE__ intmax_t;
typedef __UINTMAX_TYPE__ uintmax_t;
typedef __SIZE_TYPE__ size_t;
typedef __PTRDIFF_TYPE__ ptrdiff_t;
typedef __PTRDIFF_TYPE__ ssize_t;
typedef __builtin_va_list va_list;
typedef long time_t;
typedef struct rns_file FILE;
typedef union {
    long long integer;
    double real;
} max_align_t;

#define UINT8_MAX 0xffU
#define UINT16_MAX 0xffffU
#define UINT32_MAX 0xffffffffU
#define UINT64_MAX 0xffffffffffffffffULL
#define INT8_MAX 127
#define INT16_MAX 32767
#define INT32_MAX 2147483647
#define INT64_MAX 9223372036854775807LL
#define INT32_MIN (-INT32_MAX - 1)
#define INT64_MIN (-INT64_MAX - 1)
#define INT_MAX __INT_MAX__
#define UINT_MAX (__INT_MAX__ * 2U + 1U)
#define LONG_MAX __LONG_MAX__
#define CHAR_BIT 8
#define SIZE_MAX __SIZE_MAX__
#define UINTPTR_MAX __UINTPTR_MAX__
#define PTRDIFF_MAX __PTRDIFF_MAX__
#define UINT8_C(c) c
#define UINT16_C(c) c
#define UINT32_C(c) c##U
#define UINT64_C(c) c##ULL
#define INT64_C(c) c##LL
#define offsetof(type, member) __builtin_offsetof(type, member)
#define va_start(list, last) __builtin_va_start(list, last)
#define va_arg(list, type) __builtin_va_arg(list, type)
#define va_end(list) __builtin_va_end(list)
#define va_copy(to, from) __builtin_va_copy(to, from)
#define assert(condition) ((void)(condition))
#define static_assert _Static_assert
#define PRIu32 "u"
#define PRIu64 "llu"
#define PRIi32 "i"
#define PRIx32 "x"
#define EXIT_SUCCESS 0
#define EXIT_FAILURE 1
#ifdef __cplusplus
#undef static_assert
#define NULL __null
extern "C" {
#else
#define NULL ((void*)0)
#define bool _Bool
#define true 1
#define false 0
#define alignas _Alignas
#define alignof _Alignof
#define noreturn _Noreturn
typedef __WCHAR_TYPE__ wchar_t;

#define ATOMIC_VAR_INIT(value) (value)
#define atomic_init __c11_atomic_init
#define atomic_load(object) __c11_atomic_load(object, 5)
#define atomic_store(object, value) __c11_atomic_store(object, value, 5)
#define atomic_load_explicit(object, order) __c11_atomic_load(object, order)
#define atomic_store_explicit(object, value, order) __c11_atomic_store(object, value, order)
#define atomic_exchange_explicit(object, value, order) __c11_atomic_exchange(object, value, order)
#define atomic_fetch_add_explicit(object, value, order) __c11_atomic_fetch_add(object, value, order)
#define atomic_fetch_sub_explicit(object, value, order) __c11_atomic_fetch_sub(object, value, order)
#define atomic_fetch_or_explicit(object, value, order) __c11_atomic_fetch_or(object, value, order)
#define atomic_fetch_and_explicit(object, value, order) __c11_atomic_fetch_and(object, value, order)
#define atomic_compare_exchange_weak_explicit(object, expected, desired, ok, bad)                \
    __c11_atomic_compare_exchange_weak(object, expected, desired, ok, bad)
#define atomic_compare_exchange_strong_explicit(object, expected, desired, ok, bad)              \
    __c11_atomic_compare_exchange_strong(object, expected, desired, ok, bad)
#define atomic_thread_fence(order) __c11_atomic_thread_fence(order)
#define memory_order_relaxed 0
#define memory_order_consume 1
#define memory_order_acquire 2
#define memory_order_release 3
#define memory_order_acq_rel 4
#define memory_order_seq_cst 5
typedef int memory_order;
typedef _Atomic(_Bool) atomic_bool;
typedef _Atomic(int) atomic_int;
typedef _Atomic(unsigned) atomic_uint;
typedef _Atomic(uint8_t) atomic_uint_least8_t;
typedef _Atomic(uint32_t) atomic_uint_least32_t;
typedef _Atomic(uint64_t) atomic_uint_least64_t;
typedef _Atomic(size_t) atomic_size_t;
typedef _Atomic(uintptr_t) atomic_uintptr_t;
typedef struct {
    _Atomic(_Bool) set;
} atomic_flag;
#define ATOMIC_FLAG_INIT {0}
_Bool atomic_flag_test_and_set_explicit(volatile atomic_flag*, memory_order);
void atomic_flag_clear_explicit(volatile atomic_flag*, memory_order);
#endif

void* malloc(size_t);
void* calloc(size_t, size_t);
void* realloc(void*, size_t);
void* reallocarray(void*, size_t, size_t);
void* aligned_alloc(size_t, size_t);
void* memalign(size_t, size_t);
int posix_memalign(void**, size_t, size_t);
void free(void*);
char* strdup(const char*);
char* strndup(const char*, size_t);
int asprintf(char**, const char*, ...);
void abort(void);
void exit(int);
int abs(int);
int atoi(const char*);
long strtol(const char*, char**, int);
unsigned long strtoul(const char*, char**, int);
char* getenv(const char*);
void qsort(void*, size_t, size_t, int (*)(const void*, const void*));
int rand(void);
void* memcpy(void*, const void*, size_t);
void* memmove(void*, const void*, size_t);
void* memset(void*, int, size_t);
int memcmp(const void*, const void*, size_t);
void* memchr(const void*, int, size_t);
size_t strlen(const char*);
int strcmp(const char*, const char*);
int strncmp(const char*, const char*, size_t);
char* strcpy(char*, const char*);
char* strncpy(char*, const char*, size_t);
char* strcat(char*, const char*);
char* strchr(const char*, int);
char* strstr(const char*, const char*);
extern FILE* stdout;
extern FILE* stderr;
int printf(const char*, ...);
int fprintf(FILE*, const char*, ...);
int sprintf(char*, const char*, ...);
int snprintf(char*, size_t, const char*, ...);
int vsnprintf(char*, size_t, const char*, va_list);
int puts(const char*);
int putchar(int);
int fflush(FILE*);
time_t time(time_t*);

#define MALLOC_CAP_EXEC (1 << 0)
#define MALLOC_CAP_32BIT (1 << 1)
#define MALLOC_CAP_8BIT (1 << 2)
#define MALLOC_CAP_DMA (1 << 3)
#define MALLOC_CAP_SPIRAM (1 << 10)
#define MALLOC_CAP_INTERNAL (1 << 11)
#define MALLOC_CAP_DEFAULT (1 << 12)
void* heap_caps_malloc(size_t, uint32_t);
void* heap_caps_calloc(size_t, size_t, uint32_t);
void* heap_caps_realloc(void*, size_t, uint32_t);
void* heap_caps_aligned_alloc(size_t, size_t, uint32_t);
void* heap_caps_malloc_prefer(size_t, size_t, ...);
void heap_caps_free(void*);
size_t heap_caps_get_free_size(uint32_t);
size_t heap_caps_get_largest_free_block(uint32_t);
void* ps_malloc(size_t);
void* ps_calloc(size_t, size_t);
void* ps_realloc(void*, size_t);
void* pvPortMalloc(size_t);
void vPortFree(void*);

#ifdef __cplusplus
}
#endif
#endif
