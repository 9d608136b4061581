#pragma once
#include "Interface.h"
#include "PSRAMAllocator.h"
#include "Packet.h"
#include <deque>
#include <map>
#include <set>
#include <vector>

namespace RNS {

struct AnnounceEntry {
    uint64_t timestamp;
    uint8_t destination[16];
    uint8_t hops;
};

class Transport {
  public:
    Transport();
    void init();
    void inbound(const Bytes& raw);
    void outbound(Packet& packet);
    AnnounceEntry* add_announce();
    void remember(const uint8_t* hash);
    void jobs();

  private:
    void forward(const Bytes& raw);
    std::vector<std::shared_ptr<Interface>> _interfaces;
    std::map<uint32_t, AnnounceEntry> _paths;
    std::map<uint32_t, Bytes, std::less<uint32_t>,
             PSRAMAllocator<std::pair<const uint32_t, Bytes>>>
        _known;
    std::set<uint32_t> _seen;
    std::deque<uint32_t> _times;
    AnnounceEntry _announces[8];
    uint8_t _hashlist[64][32];
    size_t _announce_count = 0;
    size_t _hash_next = 0;
};

} // namespace RNS
