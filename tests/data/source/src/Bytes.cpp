#include "Bytes.h"

using namespace RNS;

void Bytes::newData(size_t capacity) {
    Data* data = new Data(); // a comment with new Data() and malloc(1) in it
    if (capacity > 0) {
        data->reserve(capacity);
    }
    _data = std::shared_ptr<Data>(data);
    _exclusive = true;
}

void Bytes::exclusiveData() {
    if (_exclusive) {
        return;
    }
    _data = std::shared_ptr<Data>(new Data(*_data));
    _exclusive = true;
}

void Bytes::assign(const uint8_t* data, size_t size) {
    newData(size);
    _data->insert(_data->end(), data, data + size);
}

void Bytes::append(const Bytes& other) {
    exclusiveData();
    _data->insert(_data->end(), other._data->begin(), other._data->end());
}

std::string Bytes::toHex() const {
    static const char digits[] = "0123456789abcdef";
    std::string hex;
    for (size_t i = 0; i < size(); i++) {
        hex += digits[data()[i] >> 4];
        hex += digits[data()[i] & 15];
    }
    return hex;
}
