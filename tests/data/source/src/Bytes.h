#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace RNS {

using Data = std::vector<uint8_t>;

// A buffer that copies share until one of them is written.
class Bytes {
  public:
    Bytes() {}
    Bytes(const uint8_t* data, size_t size) { assign(data, size); }
    void assign(const uint8_t* data, size_t size);
    void append(const Bytes& other);
    std::string toHex() const;
    size_t size() const { return _data ? _data->size() : 0; }
    const uint8_t* data() const { return _data->data(); }

  private:
    void newData(size_t capacity = 0);
    void exclusiveData();
    std::shared_ptr<Data> _data;
    bool _exclusive = true;
};

} // namespace RNS
