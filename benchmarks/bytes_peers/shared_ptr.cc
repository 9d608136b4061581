/* std::shared_ptr<std::vector>: with `new`, as RNS::Bytes of microReticulum has it, or with
 * MAKE_SHARED. A write copies unless use_count() is 1; a slice is a copy. */
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

using content_t = std::vector<uint8_t>;
using value_t = std::shared_ptr<content_t>;

static int peer_init()
{
    return 0;
}

static int peer_is_clean()
{
    return 1;
}

template <typename... Arguments> static value_t fresh(Arguments... arguments)
{
#ifdef MAKE_SHARED
    return std::make_shared<content_t>(arguments...);
#else
    return value_t(new content_t(arguments...));
#endif
}

static inline void value_make(value_t* out, const uint8_t* data, size_t bytes)
{
    *out = fresh(data, data + bytes);
}

static inline void value_share(value_t* out, const value_t* from)
{
    *out = *from;
}

static inline void value_slice(value_t* out, const value_t* from, size_t at, size_t bytes)
{
    *out = fresh((*from)->data() + at, (*from)->data() + at + bytes);
}

/// Become the only owner, with room behind the content.
static inline void own(value_t* self, size_t room_bytes)
{
    if (self->use_count() == 1) {
        return;
    }
    value_t mine = fresh();
    mine->reserve((*self)->size() + room_bytes);
    mine->insert(mine->end(), (*self)->begin(), (*self)->end());
    *self = std::move(mine);
}

static inline void value_write(value_t* self, size_t at, uint8_t byte, size_t room_bytes)
{
    own(self, room_bytes);
    (**self)[at] = byte;
}

static inline void value_append(value_t* self, const uint8_t* data, size_t bytes)
{
    own(self, bytes);
    (*self)->insert((*self)->end(), data, data + bytes);
}

static inline void value_cut(value_t* self, size_t bytes)
{
    own(self, 0);
    (*self)->resize(bytes);
}

static inline void value_concat(value_t* out, const value_t* front, const value_t* back)
{
    value_t joined = fresh();
    joined->reserve((*front)->size() + (*back)->size());
    joined->insert(joined->end(), (*front)->begin(), (*front)->end());
    joined->insert(joined->end(), (*back)->begin(), (*back)->end());
    *out = std::move(joined);
}

static inline void value_drop(value_t* self)
{
    self->reset();
}

static inline size_t value_read(const value_t* self, uint8_t* to)
{
    std::memcpy(to, (*self)->data(), (*self)->size());
    return (*self)->size();
}

#include "workloads.h"
