"""Slow and obvious: operations on Bytes, a bytearray for each handle, over the pool of model.py.

A handle is content and, unless it is empty, a buffer and where in it the content begins. What
decides when a buffer is taken, shared, copied or claimed is written down here once more, from the
rules in rns_bytes.h.
"""

from types import SimpleNamespace

from model import PoolModel

from pyrns_pool.stats import BytesStats
from pyrns_pool.workloads import Op

HEADER_BYTES = 16
STATUS = {"OK": 0, "MISS_EXHAUSTED": 1, "MISS_OVERSIZE": 2, "INPUT_RANGE": -42}


class Buffer:
    """A slot, or a block of the fallback, that handles share."""

    def __init__(self, place, capacity):
        self.place = place
        self.capacity = capacity
        self.refs = 1
        self.used = 0


class Handle:
    """Content of its own; where it lies, it may share."""

    def __init__(self, data=b"", buffer=None, offset=0):
        self.data = bytearray(data)
        self.buffer = buffer
        self.offset = offset

    @property
    def end(self):
        return self.offset + len(self.data)


class OpsModel:
    """Handles over a pool."""

    def __init__(self, config, headroom_bytes, handle_count):
        self.config = config
        self.pool = PoolModel(config, header_bytes=HEADER_BYTES)
        self.headroom = headroom_bytes
        self.handles = [Handle() for _ in range(handle_count)]
        names = ("shares", "slices", "cow_copies", "cow_bytes", "tail_appends", "grows")
        self.counts = dict.fromkeys((*names, "compactions"), 0)

    def bytes_stats(self):
        avoided = self.counts["shares"] + self.counts["slices"]
        return BytesStats(copies_avoided=avoided, **self.counts)

    def apply(self, op, handle, other, length, start, data):
        """Do one operation; return the name of its status."""
        mine, theirs = self.handles[handle], self.handles[other]
        if op == Op.CREATE:
            self.drop(mine)
            return self.append(mine, data)
        if op == Op.SHARE:
            self.replace(mine, self.window(theirs, 0, len(theirs.data), "shares"))
        elif op == Op.SLICE:
            self.replace(mine, self.window(theirs, start, length, "slices"))
        elif op == Op.WRITE:
            return self.write(mine, start, data)
        elif op == Op.APPEND:
            return self.append(mine, data)
        elif op == Op.PREPEND:
            return self.prepend(mine, data)
        elif op == Op.CONCAT and mine.buffer is None:
            self.replace(mine, self.window(theirs, 0, len(theirs.data), "shares"))
        elif op == Op.CONCAT:
            return self.append(mine, bytes(theirs.data))
        elif op == Op.COMPACT:
            return self.compact(mine)
        else:
            assert op == Op.DROP
            self.drop(mine)
        return "OK"

    def window(self, whole, start, length, count):
        data = whole.data[start : start + length]
        if not data:
            return Handle()
        if whole.buffer.refs == 1:
            whole.buffer.used = whole.end
        whole.buffer.refs += 1
        self.counts[count] += 1
        return Handle(data, whole.buffer, whole.offset + start)

    def replace(self, place, by):
        self.drop(place)
        place.data, place.buffer, place.offset = by.data, by.buffer, by.offset

    def drop(self, handle):
        if handle.buffer is not None:
            self.release(handle.buffer)
        handle.data, handle.buffer, handle.offset = bytearray(), None, 0

    def release(self, buffer):
        buffer.refs -= 1
        if buffer.refs == 0 and buffer.place.tier is None:
            self.pool.give_fallback()
        elif buffer.refs == 0:
            assert self.pool.give(buffer.place.address) == "OK"

    def take(self, need, wish):
        """Return a buffer, or the name of the miss."""
        largest = self.config.tiers[-1].slot_bytes
        size = largest if need <= largest < need + wish else need + wish
        place = self.pool.take(size)
        if isinstance(place, str):
            return place
        tiers = self.config.tiers
        return Buffer(place, size if place.tier is None else tiers[place.tier].slot_bytes)

    def write(self, handle, start, data):
        if start + len(data) > len(handle.data):
            return "INPUT_RANGE"
        if not data:
            return "OK"
        if handle.buffer.refs > 1:
            status = self.move(handle, 0, 0)
            if status != "OK":
                return status
        handle.data[start : start + len(data)] = data
        return "OK"

    def append(self, handle, data):
        if not data:
            return "OK"
        buffer = handle.buffer
        need = len(handle.data) + len(data)
        if buffer is not None and buffer.refs == 1 and need <= buffer.capacity:
            if handle.offset + need > buffer.capacity:
                handle.offset = 0
        elif (
            buffer is not None
            and buffer.refs > 1
            and buffer.used == handle.end
            and handle.end + len(data) <= buffer.capacity
        ):
            buffer.used += len(data)
            self.counts["tail_appends"] += 1
        else:
            status = self.move(handle, 0, len(data))
            if status != "OK":
                return status
        handle.data += data
        return "OK"

    def prepend(self, handle, data):
        if not data:
            return "OK"
        buffer = handle.buffer
        need = len(handle.data) + len(data)
        if buffer is not None and buffer.refs == 1 and need <= buffer.capacity:
            if handle.offset < len(data):
                handle.offset = len(data) + min(self.headroom, buffer.capacity - need)
        else:
            status = self.move(handle, len(data), 0)
            if status != "OK":
                return status
        handle.offset -= len(data)
        handle.data[:0] = data
        return "OK"

    def move(self, handle, front, back):
        """Give a handle a buffer of its own with that much room at its ends."""
        need = front + len(handle.data) + back
        wish = self.headroom
        if handle.data and need > self.config.tiers[-1].slot_bytes:
            wish += need // 2
        buffer = self.take(need, wish)
        if isinstance(buffer, str):
            return buffer
        old = handle.buffer
        if old is not None and old.refs == 1:
            self.counts["grows"] += 1
        elif old is not None:
            self.counts["cow_copies"] += 1
            self.counts["cow_bytes"] += len(handle.data)
        if old is not None:
            self.release(old)
        handle.buffer = buffer
        handle.offset = front + min(self.headroom, buffer.capacity - need)
        return "OK"

    def compact(self, handle):
        if handle.buffer is None:
            return "OK"
        length, old = len(handle.data), handle.buffer
        home = self.pool.home(length)
        if (length if home is None else self.config.tiers[home].slot_bytes) >= old.capacity:
            return "OK"
        buffer = self.take(length, 0)
        if isinstance(buffer, str):
            return buffer
        if buffer.capacity >= old.capacity:
            self.release(buffer)
            return "MISS_EXHAUSTED"
        self.release(old)
        handle.buffer, handle.offset = buffer, 0
        self.counts["compactions"] += 1
        return "OK"


def run_model(ops, config, headroom_bytes, handle_count, edges):
    """Run operations one by one; return what run_ops has to find, and each handle's content."""
    model = OpsModel(config, headroom_bytes, handle_count)
    rows = list(enumerate(ops.tolist()))
    tiers = model.pool.tiers
    status, bins, oversize, cow = [], [], [], []
    high_water_ns, first_miss_ns = [edges[0]] * len(tiers), [None] * len(tiers)
    for begin, end in zip(edges, edges[1:]):
        model.pool.reset_window()
        seen, before = len(model.pool.requests), model.bytes_stats()
        now, in_use_ns = begin, [0] * len(tiers)
        at_rest = [[tier.in_use for tier in tiers]]
        for row, (t_ns, *what) in [row for row in rows if begin <= row[1][0] < end]:
            data = bytes((row + i) % 256 for i in range(what[-2]))
            marks, requests = [tier.high_water for tier in tiers], len(model.pool.requests)
            status.append(STATUS[model.apply(*what, data)])
            for i, tier in enumerate(tiers):
                in_use_ns[i] += at_rest[-1][i] * (t_ns - now)
                if tier.high_water > marks[i]:
                    high_water_ns[i] = t_ns
                missed = [r for r in model.pool.requests[requests:] if r.tier is None]
                if first_miss_ns[i] is None and any(r.home == i for r in missed):
                    first_miss_ns[i] = t_ns
            at_rest.append([tier.in_use for tier in tiers])
            now = t_ns
        new = model.pool.requests[seen:]
        bins.append([])
        for i, tier in enumerate(tiers):
            mine = [request for request in new if request.home == i]
            total_ns = in_use_ns[i] + at_rest[-1][i] * (end - now)
            spills = sum(request.tier not in (i, None) for request in mine)
            exhausted = sum(request.tier is None for request in mine)
            extremes = min(state[i] for state in at_rest), tier.window_high_water
            bins[-1].append((total_ns, len(mine), spills, exhausted, *extremes))
        oversize.append(sum(request.home is None for request in new))
        after = model.bytes_stats()
        names = ("copies_avoided", "cow_copies", "cow_bytes")
        cow.append(tuple(getattr(after, name) - getattr(before, name) for name in names))
    return SimpleNamespace(
        status=status,
        bins=bins,
        oversize=oversize,
        cow=cow,
        high_water_ns=high_water_ns,
        first_miss_ns=first_miss_ns,
        stats=model.pool.stats(),
        bytes=model.bytes_stats(),
        contents=[bytes(handle.data) for handle in model.handles],
    )
