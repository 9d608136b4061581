#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void* memcpy(void* restrict to, const void* restrict from, size_t bytes)
{
    uint8_t* out = to;
    const uint8_t* in = from;
    while (bytes-- > 0) {
        *out++ = *in++;
    }
    return to;
}

void* memmove(void* to, const void* from, size_t bytes)
{
    uint8_t* const out = to;
    const uint8_t* const in = from;
    if ((uintptr_t)out <= (uintptr_t)in) {
        for (size_t i = 0; i < bytes; ++i) {
            out[i] = in[i];
        }
    } else {
        while (bytes-- > 0) {
            out[bytes] = in[bytes];
        }
    }
    return to;
}

void* memset(void* to, int value, size_t bytes)
{
    uint8_t* out = to;
    while (bytes-- > 0) {
        *out++ = (uint8_t)value;
    }
    return to;
}

int memcmp(const void* left, const void* right, size_t bytes)
{
    const uint8_t* a = left;
    const uint8_t* b = right;
    for (; bytes > 0; --bytes, ++a, ++b) {
        if (*a != *b) {
            return *a < *b ? -1 : 1;
        }
    }
    return 0;
}

static void swap(uint8_t* a, uint8_t* b, size_t bytes)
{
    while (bytes-- > 0) {
        const uint8_t kept = *a;
        *a++ = *b;
        *b++ = kept;
    }
}

/* Heap sort: no memory beside the rows, no recursion, and no order that is slow. */
void qsort(void* rows, size_t count, size_t row_bytes,
           int (*compare)(const void* left, const void* right))
{
    uint8_t* const row = rows;
    size_t root = count / 2u;
    while (count > 1u) {
        if (root > 0) {
            root -= 1u;
        } else {
            count -= 1u;
            swap(row, row + count * row_bytes, row_bytes);
        }
        for (size_t at = root, child = 2u * at + 1u; child < count; child = 2u * at + 1u) {
            if (child + 1u < count &&
                compare(row + child * row_bytes, row + (child + 1u) * row_bytes) < 0) {
                child += 1u;
            }
            if (compare(row + at * row_bytes, row + child * row_bytes) >= 0) {
                break;
            }
            swap(row + at * row_bytes, row + child * row_bytes, row_bytes);
            at = child;
        }
    }
}
