/* Hexadecimal text, search and comparison. */
#include "rns_bytes.h"

/// Return the value of a hexadecimal digit, 16 of any other character.
static uint32_t digit_value(char digit)
{
    const uint32_t code = (uint8_t)digit;
    if (code - '0' < 10u) {
        return code - '0';
    }
    const uint32_t letter = (code | 0x20u) - 'a';
    return letter < 6u ? letter + 10u : 16u;
}

static rns_status_t check_hex(const char* text, size_t text_length)
{
    for (size_t i = 0; i < text_length; ++i) {
        if (digit_value(text[i]) == 16u) {
            return RNS_INPUT_HEX_DIGIT;
        }
    }
    return text_length % 2u == 0 ? RNS_OK : RNS_INPUT_HEX_ODD;
}

rns_status_t rns_bytes_append_hex(rns_bytes_t* self, rns_store_t* store, const char* text,
                                  size_t text_length)
{
    rns_status_t status = check_hex(text, text_length);
    if (status != RNS_OK) {
        return status;
    }
    /* The text may be the handle's own content, which a second handle keeps where it is. */
    const bool is_own = (uintptr_t)text - (uintptr_t)rns_bytes_data(self) < self->length;
    rns_bytes_t keeper = {0};
    if (is_own) {
        keeper = rns_bytes_share(self, store);
    }
    const uint32_t before = self->length;
    status = rns_bytes_resize(self, store, before + text_length / 2u);
    if (status == RNS_OK && text_length > 0) {
        uint8_t* const out = rns_buffer_bytes(self->buffer) + self->offset + before;
        for (size_t i = 0; i < text_length / 2u; ++i) {
            out[i] = (uint8_t)(digit_value(text[2u * i]) << 4 | digit_value(text[2u * i + 1u]));
        }
    }
    (void)rns_bytes_drop(&keeper, store);
    return status;
}

rns_status_t rns_bytes_assign_hex(rns_bytes_t* self, rns_store_t* store, const char* text,
                                  size_t text_length)
{
    rns_bytes_t fresh = {0};
    const rns_status_t status = rns_bytes_append_hex(&fresh, store, text, text_length);
    if (status == RNS_OK) {
        (void)rns_bytes_drop(self, store);
        *self = fresh;
    }
    return status;
}

rns_status_t rns_bytes_to_hex(const rns_bytes_t* self, bool is_upper, char* text,
                              size_t text_bytes)
{
    const char* const digits = is_upper ? "0123456789ABCDEF" : "0123456789abcdef";
    if (text_bytes == 0 || self->length > (text_bytes - 1u) / 2u) {
        if (text_bytes > 0) {
            text[0] = '\0';
        }
        return RNS_INPUT_RANGE;
    }
    const uint8_t* const data = rns_bytes_data(self);
    for (size_t i = 0; i < self->length; ++i) {
        text[2u * i] = digits[data[i] >> 4];
        text[2u * i + 1u] = digits[data[i] & 0xFu];
    }
    text[2u * (size_t)self->length] = '\0';
    return RNS_OK;
}

/// As memcmp(), but for no bytes any pointer will do.
static int compare(const uint8_t* a, const void* b, size_t count)
{
    return count == 0 ? 0 : __builtin_memcmp(a, b, count);
}

uint32_t rns_bytes_find(const rns_bytes_t* self, size_t from, const void* needle, size_t length)
{
    if (from > self->length || length > self->length - from) {
        return RNS_BYTES_NOT_FOUND;
    }
    const uint8_t* const data = rns_bytes_data(self);
    for (size_t i = from; i + length <= self->length; ++i) {
        if (length == 0 || compare(data + i, needle, length) == 0) {
            return (uint32_t)i;
        }
    }
    return RNS_BYTES_NOT_FOUND;
}

uint32_t rns_bytes_rfind(const rns_bytes_t* self, const void* needle, size_t length)
{
    if (length > self->length) {
        return RNS_BYTES_NOT_FOUND;
    }
    const uint8_t* const data = rns_bytes_data(self);
    for (size_t i = self->length - length + 1u; i-- > 0;) {
        if (length == 0 || compare(data + i, needle, length) == 0) {
            return (uint32_t)i;
        }
    }
    return RNS_BYTES_NOT_FOUND;
}

bool rns_bytes_starts_with(const rns_bytes_t* self, const void* data, size_t length)
{
    return length <= self->length && compare(rns_bytes_data(self), data, length) == 0;
}

bool rns_bytes_ends_with(const rns_bytes_t* self, const void* data, size_t length)
{
    if (length == 0 || length > self->length) {
        return length == 0;
    }
    return compare(rns_bytes_data(self) + (self->length - length), data, length) == 0;
}

int rns_bytes_compare(const rns_bytes_t* self, const void* data, size_t length)
{
    const size_t common = self->length < length ? self->length : length;
    const int order = compare(rns_bytes_data(self), data, common);
    if (order != 0) {
        return order < 0 ? -1 : 1;
    }
    return (self->length > length ? 1 : 0) - (self->length < length ? 1 : 0);
}

int rns_bytes_compare_bytes(const rns_bytes_t* self, const rns_bytes_t* other)
{
    return rns_bytes_compare(self, rns_bytes_data(other), other->length);
}

bool rns_bytes_equal(const rns_bytes_t* self, const rns_bytes_t* other)
{
    return self->length == other->length && rns_bytes_compare_bytes(self, other) == 0;
}

bool rns_bytes_equal_constant_time(const rns_bytes_t* self, const void* data, size_t length)
{
    if (self->length != length) {
        return false;
    }
    const uint8_t* const a = rns_bytes_data(self);
    const uint8_t* const b = data;
    /* Volatile, or a compiler may leave the loop at the first difference. */
    volatile uint8_t difference = 0;
    for (size_t i = 0; i < length; ++i) {
        difference = (uint8_t)(difference | (a[i] ^ b[i]));
    }
    return difference == 0;
}
