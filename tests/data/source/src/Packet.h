#pragma once
#include "Bytes.h"
#include "ObjectPool.h"

namespace RNS {

static const size_t MTU = 500;

class Packet {
  public:
    Packet(const Bytes& destination, const Bytes& data);
    void pack();
    bool unpack(const Bytes& raw);
    const Bytes& raw() const { return _object->raw; }

  private:
    struct Object {
        Bytes raw;
        Bytes destination;
        Bytes data;
        uint8_t hash[32];
        uint8_t frame[MTU];
        uint8_t hops;
    };
    std::shared_ptr<Object> _object;
    static ObjectPool<Object, 24> _pool;
};

} // namespace RNS
