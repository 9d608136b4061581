// The packet path of allocs_bytes.c as existing stacks do it: one operation makes 500 bytes,
// copies 19 and 481 of them as slices, shares twice, changes a byte of a copy, appends 64, drops
// all. The copy reserves the room of what is appended, which spares these peers one allocation.
#include "allocs.h"
#include <memory>
#include <new>
#include <vector>

namespace
{
using Data = std::vector<uint8_t>;
using Handle = std::shared_ptr<Data>;

const uint8_t content[500] = {1, 2, 3};
const size_t header_bytes = 19;
const size_t proof_bytes = 64;

// The way of microReticulum's Bytes: object, control block and content are three blocks.
struct by_new {
    static Handle make()
    {
        return Handle(new Data());
    }
};

struct by_make_shared {
    static Handle make()
    {
        return std::make_shared<Data>();
    }
};

template <typename Way> Handle copy(const uint8_t* from, size_t length, size_t room = 0)
{
    Handle handle = Way::make();
    handle->reserve(length + room);
    handle->insert(handle->end(), from, from + length);
    return handle;
}

template <typename Way> void run(uint64_t operations)
{
    for (uint64_t i = 0; i < operations; ++i) {
        Handle packet = copy<Way>(content, sizeof content);
        Handle header = copy<Way>(packet->data(), header_bytes);
        Handle payload = copy<Way>(packet->data() + header_bytes, packet->size() - header_bytes);
        Handle tables[] = {packet, packet};
        packet = copy<Way>(packet->data(), packet->size(), proof_bytes);
        (*packet)[1] = static_cast<uint8_t>(i);
        packet->insert(packet->end(), content, content + proof_bytes);
        for (const Handle& handle : {packet, header, payload, tables[0], tables[1]}) {
            allocs_touch(handle->data());
        }
    }
}
} // namespace

void allocs_peer_shared_ptr(uint64_t operations)
{
    run<by_new>(operations);
}

void allocs_peer_make_shared(uint64_t operations)
{
    run<by_make_shared>(operations);
}

void allocs_plant_new(void)
{
    void* const one = ::operator new(24);
    void* const many = ::operator new[](24);
    allocs_touch(one);
    allocs_touch(many);
    ::operator delete(one);
    ::operator delete[](many);
}
