/* absl::Cord: a tree of shared pieces. It has no write in place: a change is spliced in. */
#include <absl/strings/cord.h>
#include <cstdint>
#include <cstring>
#include <utility>

using value_t = absl::Cord;

static int peer_init()
{
    return 0;
}

static int peer_is_clean()
{
    return 1;
}

static inline absl::string_view view(const uint8_t* data, size_t bytes)
{
    return {reinterpret_cast<const char*>(data), bytes};
}

static inline void value_make(value_t* out, const uint8_t* data, size_t bytes)
{
    *out = value_t(view(data, bytes));
}

static inline void value_share(value_t* out, const value_t* from)
{
    *out = *from;
}

static inline void value_slice(value_t* out, const value_t* from, size_t at, size_t bytes)
{
    *out = from->Subcord(at, bytes);
}

static inline void value_write(value_t* self, size_t at, uint8_t byte, size_t)
{
    value_t changed = self->Subcord(0, at);
    changed.Append(view(&byte, 1));
    changed.Append(self->Subcord(at + 1, self->size() - at - 1));
    *self = std::move(changed);
}

static inline void value_append(value_t* self, const uint8_t* data, size_t bytes)
{
    self->Append(view(data, bytes));
}

static inline void value_cut(value_t* self, size_t bytes)
{
    self->RemoveSuffix(self->size() - bytes);
}

static inline void value_concat(value_t* out, const value_t* front, const value_t* back)
{
    *out = *front;
    out->Append(*back);
}

static inline void value_drop(value_t* self)
{
    *self = value_t();
}

static inline size_t value_read(const value_t* self, uint8_t* to)
{
    for (absl::string_view chunk : self->Chunks()) {
        std::memcpy(to, chunk.data(), chunk.size());
        to += chunk.size();
    }
    return self->size();
}

#include "workloads.h"
