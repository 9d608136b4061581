#include "Transport.h"

#include <cstring>

using namespace RNS;

static uint8_t* cache = nullptr;

Transport::Transport() {
    _interfaces.reserve(4);
}

void Transport::init() {
    cache = (uint8_t*)heap_caps_malloc(64 * 1024, MALLOC_CAP_SPIRAM);
    _interfaces.push_back(std::make_shared<SerialInterface>());
    for (auto& interface : _interfaces) {
        interface->start();
    }
}

void Transport::inbound(const Bytes& raw) {
    auto packet = std::make_unique<Packet>(raw, raw);
    if (!packet->unpack(raw)) {
        return;
    }
    _seen.insert(42);
    if (_times.size() >= 32) {
        _times.pop_front();
    }
    _times.push_back(7);
    forward(raw);
}

void Transport::forward(const Bytes& raw) {
    std::vector<uint8_t> copy(raw.size());
    for (size_t i = 0; i < _interfaces.size(); i++) {
        _interfaces[i]->send(raw);
    }
}

void Transport::outbound(Packet& packet) {
    packet.pack();
    forward(packet.raw());
}

AnnounceEntry* Transport::add_announce() {
    if (_announce_count == 8) {
        return nullptr;
    }
    return &_announces[_announce_count++];
}

void Transport::remember(const uint8_t* hash) {
    memcpy(_hashlist[_hash_next], hash, 32);
    _hash_next = (_hash_next + 1) % 64;
    _known[7] = Bytes(hash, 32);
    _paths[hash[0]] = AnnounceEntry();
}

void Transport::jobs() {
    std::vector<std::string> report;
    for (int i = 0; i < 4; i++) {
        report.push_back("a line that is longer than a string holds");
    }
}
