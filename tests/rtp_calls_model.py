"""The calls of a soak as a slow model has them: all packets first, then what became of each.

The draws are those of csrc/lab/rns_soak_rtp.c in the same order; when packets arrive, wait and are
played is found from the list of all of them.
"""

from types import SimpleNamespace

S, MS = 10**9, 10**6
U64 = (1 << 64) - 1


class Draws:
    """The xorshift of 64 bits that the workloads in C draw from."""

    def __init__(self, seed):
        self.state = seed

    def below(self, count):
        state = self.state
        state ^= state << 13 & U64
        state ^= state >> 7
        state ^= state << 17 & U64
        self.state = state
        return (state >> 32) * count >> 32

    def between(self, low, high):
        return low + self.below(high - low + 1)


def sent_by(draws):
    """Yield time and size of every packet, one call after the other."""
    now = end = sounds = 0
    while True:
        now += 20 * MS - now % (20 * MS)
        if now >= end:
            now += draws.between(1, 180) * S
            end, sounds = now + draws.between(60, 600) * S, 0
        sound = draws.between(80, 160)
        picture = draws.between(400, 2400) if sounds % 3 == 0 else 0
        sounds += 1
        yield now, sound
        while picture:
            now += MS // 5
            draws.between(80, 160)
            yield now, max(20, min(picture, 480))
            picture -= min(picture, 480)


def calls(seed, end_ns):
    """Return every packet that arrives before `end_ns`, and how many were lost before it."""
    draws = Draws(seed)
    packets, lost, free, arrival, capacity, until = [], 0, 0, 0, 0, 0
    for sent, size in sent_by(draws):
        if sent >= until:
            capacity = (200_000, 300_000, 600_000, 1_000_000)[draws.below(4)]
            until = sent + draws.between(20, 40) * S
        begin = max(sent, free)
        if begin - sent > S // 2:
            lost += 1
            continue
        free = begin + size * 8 * S // capacity
        if draws.below(1000) < 2:
            lost += 1
            continue
        arrival = max(arrival, free + 20 * MS + draws.below(2 * MS))
        if arrival >= end_ns:
            return packets, lost
        due = sent + 200 * MS
        packets.append(SimpleNamespace(size=size, arrival=arrival, end=max(due, arrival)))
