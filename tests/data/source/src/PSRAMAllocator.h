#pragma once
#include <cstddef>
#include <esp_heap_caps.h>

// Puts the elements of a container into external RAM.
template <class T> struct PSRAMAllocator {
    using value_type = T;
    T* allocate(std::size_t count) {
        return static_cast<T*>(heap_caps_malloc(count * sizeof(T), MALLOC_CAP_SPIRAM));
    }
    void deallocate(T* block, std::size_t) { heap_caps_free(block); }
};
