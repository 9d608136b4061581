"""The RTP receiver in C against the slow model in floats, over streams through a bottleneck."""

import random
import re

import cbuild
import pytest
import rtp_model as model

CORE = "status tier pool pool_init pool_stats table table_init table_check".split()
NODE = "rtp rtp_delay rtp_rate rtp_receiver".split()
DRIVER = [f"tests/c/{name}.c" for name in "rtp_driver rtp_fixture pool_fixture check".split()]
DRIVER += [f"csrc/core/rns_{name}.c" for name in CORE] + [f"csrc/node/rns_{name}.c" for name in NODE]
FILTERS = {"trendline": model.TRENDLINE, "kalman": model.KALMAN}
SLOTS = 6  # RNS_RTP_GROUP_PACKETS

MS = 10**6
S = 10**9


class Link:
    """A bottleneck: packets queue in order for `bps`, then take 20 ms and some jitter."""

    def __init__(self, seed, bps, jitter_ms=0.0):
        self.random = random.Random(seed)
        self.bps = bps
        self.jitter_ms = jitter_ms
        self.free_ns = 0

    def carry(self, sent_ns, size):
        """Return when a packet arrives."""
        self.free_ns = max(self.free_ns, sent_ns) + size * 8 * S // self.bps
        late = abs(self.random.gauss(0, self.jitter_ms))
        return self.free_ns + 20 * MS + int(late * MS)


def packet(sent_ns, arrival_ns, sequence, size=1000, ssrc=1):
    return model.Packet(arrival_ns, sent_ns * 2**18 // S % 2**24, ssrc, sequence % 2**16, size)


def paced(link, spacing_ns, seconds, size=1000, start_ns=S, bps_at=None):
    """Return what arrives of packets sent at a constant spacing; `bps_at` changes the link."""
    packets = []
    for i in range(int(seconds * S / spacing_ns)):
        sent_ns = start_ns + i * spacing_ns
        link.bps = bps_at((sent_ns - start_ns) / S) if bps_at else link.bps
        packets.append(packet(sent_ns, link.carry(sent_ns, size), i, size))
    return sorted(packets)


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    return cbuild.build(tmp_path_factory.mktemp("rtp"), DRIVER)
