#pragma once
#include "Packet.h"

namespace RNS {

// Grows on demand; its elements are a template's.
template <class T> class Window {
  public:
    void add(const T& item) { _items.push_back(item); }
    T* spare() { return new T(); }

  private:
    std::vector<T> _items;
};

class Link {
  public:
    bool request(uint32_t size);
    void receive(const Bytes& data);

  private:
    Window<Bytes> _window;
    uint8_t* _resource = nullptr;
};

inline bool Link::request(uint32_t size) {
    _resource = new (std::nothrow) uint8_t[size];
    return _resource != nullptr;
}

inline void Link::receive(const Bytes& data) {
    _window.add(data);
}

} // namespace RNS
