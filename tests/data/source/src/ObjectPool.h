#pragma once
#include <cstddef>
#include <cstdint>

// Slots of one type in static memory; the free ones are a list.
template <class T, size_t N> class ObjectPool {
  public:
    ObjectPool() {
        for (size_t i = 0; i < N; i++) {
            _next[i] = static_cast<uint8_t>(i + 1);
        }
    }
    T* allocate() {
        if (_free >= N) {
            return nullptr;
        }
        T* slot = reinterpret_cast<T*>(_slots[_free]);
        _free = _next[_free];
        return slot;
    }
    void release(T* slot) {
        size_t index = (reinterpret_cast<uint8_t*>(slot) - _slots[0]) / sizeof(T);
        _next[index] = _free;
        _free = static_cast<uint8_t>(index);
    }

  private:
    alignas(T) uint8_t _slots[N][sizeof(T)];
    uint8_t _next[N];
    uint8_t _free = 0;
};
