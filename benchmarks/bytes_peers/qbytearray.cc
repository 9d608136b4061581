/* Qt's QByteArray: implicitly shared, detached by the first write. A slice is a copy. */
#include <cstdint>
#include <cstring>
#include <QByteArray>

using value_t = QByteArray;

static int peer_init()
{
    return 0;
}

static int peer_is_clean()
{
    return 1;
}

static inline void value_make(value_t* out, const uint8_t* data, size_t bytes)
{
    *out = QByteArray(reinterpret_cast<const char*>(data), static_cast<int>(bytes));
}

static inline void value_share(value_t* out, const value_t* from)
{
    *out = *from;
}

static inline void value_slice(value_t* out, const value_t* from, size_t at, size_t bytes)
{
    *out = from->mid(static_cast<int>(at), static_cast<int>(bytes));
}

static inline void value_write(value_t* self, size_t at, uint8_t byte, size_t room_bytes)
{
    if (room_bytes > 0) {
        self->reserve(self->size() + static_cast<int>(room_bytes));
    }
    (*self)[static_cast<int>(at)] = static_cast<char>(byte);
}

static inline void value_append(value_t* self, const uint8_t* data, size_t bytes)
{
    self->append(reinterpret_cast<const char*>(data), static_cast<int>(bytes));
}

static inline void value_cut(value_t* self, size_t bytes)
{
    self->resize(static_cast<int>(bytes));
}

static inline void value_concat(value_t* out, const value_t* front, const value_t* back)
{
    *out = *front + *back;
}

static inline void value_drop(value_t* self)
{
    *self = QByteArray();
}

static inline size_t value_read(const value_t* self, uint8_t* to)
{
    std::memcpy(to, self->constData(), static_cast<size_t>(self->size()));
    return static_cast<size_t>(self->size());
}

#include "workloads.h"
