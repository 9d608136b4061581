#include "Packet.h"

using namespace RNS;

ObjectPool<Packet::Object, 24> Packet::_pool;

Packet::Packet(const Bytes& destination, const Bytes& data) : _object(new Object()) {
    _object->destination = destination;
    _object->data = data;
}

void Packet::pack() {
    uint8_t* scratch = new uint8_t[MTU];
    _object->raw.assign(scratch, MTU);
    delete[] scratch;
}

bool Packet::unpack(const Bytes& raw) {
    Object* object = _pool.allocate();
    if (object == nullptr) {
        return false;
    }
    object = new (object) Object();
    object->raw = raw;
    _pool.release(object);
    return true;
}
