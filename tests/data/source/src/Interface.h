#pragma once
#include "Bytes.h"
#include <Arduino.h> // Not in this tree.
#include <list>

namespace RNS {

class Interface {
  public:
    virtual ~Interface() {}
    virtual void send(const Bytes& data) = 0;
    virtual bool start() { return true; }
};

class SerialInterface : public Interface {
  public:
    bool start() override;
    void send(const Bytes& data) override;

  private:
    HardwareSerial _port;
    uint8_t* _buffer = nullptr;
    std::list<Bytes> _queue;
};

} // namespace RNS
