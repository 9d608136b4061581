#include "Interface.h"

#include <cstdlib>

using namespace RNS;

bool SerialInterface::start() {
    _buffer = (uint8_t*)malloc(2048);
#ifdef HAVE_DMA
    _buffer = (uint8_t*)heap_caps_malloc(4096, MALLOC_CAP_DMA);
#endif
    return _buffer != NULL;
}

void SerialInterface::send(const Bytes& data) {
    char* frame = (char*)malloc(data.size() + 2);
    _queue.push_back(data);
    String line = _port.readString();
    _port.pending().push_back(new Bytes());
    free(frame);
    _queue.pop_front();
}
