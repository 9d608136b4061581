"""A slow contender: the pool of `model` and the heaps of `heap_model`, asked one by one.

Everything is counted from the list of all states; nothing is summed while the trace goes on.
"""

from types import SimpleNamespace

from heap_model import MODELS
from model import PoolModel

from pyrns_pool.trace import OP_ALLOC


class SlowContender:
    """A pool or none, and heaps behind it; the first may be None."""

    def __init__(self, config, heaps):
        self.pool = None if config is None else PoolModel(config)
        self.heaps = [heap and MODELS[heap[0]](*heap[1:]) for heap in heaps]
        self.where = {}

    def take(self, block, size):
        """Return whether someone served it."""
        place = "no pool" if self.pool is None else self.pool.take(size)
        if not isinstance(place, str):
            self.where[block] = ("pool", place.address, size)
            return True
        for number, heap in enumerate(self.heaps):
            offset = None if heap is None else heap.take(size)
            if offset is not None:
                self.where[block] = (number, offset, size)
                return True
        return False

    def give(self, block):
        if block not in self.where:
            return
        place, address, _ = self.where.pop(block)
        if place == "pool":
            assert self.pool.give(address) == "OK"
        else:
            self.heaps[place].give(address)

    def would_fit(self, size):
        """Return whether pool or first heap would serve it, by looking at every tier."""
        if self.pool is not None:
            home = self.pool.home(size)
            tiers = self.pool.tiers[home:] if home is not None else []
            if self.pool.config.policy == "strict":
                tiers = tiers[:1]
            if any(tier.free > tier.tier.reserve_count for tier in tiers):
                return True
        return self.heaps[0] is not None and self.heaps[0].fits(size)

    def free_parts(self):
        """Return the free bytes of the pool's slots and of each heap."""
        tiers = [] if self.pool is None else self.pool.tiers
        slots = sum(tier.free * tier.tier.slot_bytes for tier in tiers)
        return {"pool": slots, **{i: heap.total_free for i, heap in enumerate(self.heaps) if heap}}

    def state(self):
        """Return (free bytes, largest free, fragmentation in millionths)."""
        tiers = [] if self.pool is None else self.pool.tiers
        slots = [tier.tier.slot_bytes for tier in tiers for used in tier.used if not used]
        free, largest, ppm = sum(slots), max(slots, default=0), 0
        heap = self.heaps[0]
        if heap is not None:
            free += heap.total_free
            largest = max(largest, heap.largest_free)
            rest = heap.total_free - heap.largest_free
            ppm = rest * 1_000_000 // heap.total_free if heap.total_free else 0
        return free, largest, ppm


def compare_model(trace, edges_ns, config, heaps, probe_bytes):
    """Return what `rns_compare_run` has to keep of one contender."""
    contender = SlowContender(config, heaps)
    start = contender.state()
    parts = [contender.free_parts()]
    states, failed, probes, live, served = [], [], [], [], []
    for row, (event, block) in enumerate(zip(trace.events, trace.blocks.tolist())):
        if event["op"] != OP_ALLOC:
            contender.give(block)
        elif contender.take(block, int(event["size"])):
            served.append(contender.where[block][0])
        else:
            failed.append((row, int(event["t_ns"]), int(event["size"])))
        states.append(contender.state())
        parts.append(contender.free_parts())
        probes.append(not contender.would_fit(probe_bytes))
        live.append([size for _, _, size in contender.where.values()])
    bins = []
    times = trace.events["t_ns"].tolist()
    for begin, end in zip(edges_ns, edges_ns[1:]):
        rows = [i for i, t_ns in enumerate(times) if begin <= t_ns < end]
        earlier = [i for i, t_ns in enumerate(times) if t_ns < begin]
        before = states[earlier[-1]] if earlier else start
        during = [states[i] for i in rows]
        row = [len(rows), sum(trace.events["op"][i] == OP_ALLOC for i in rows)]
        row += [sum(i in rows for i, _, _ in failed), sum(probes[i] for i in rows)]
        for what in range(3):
            values = [state[what] for state in during]
            row += [sum(values), min([before[what], *values]), max([before[what], *values])]
        bins.append(tuple(row))
    return SimpleNamespace(
        bins=bins,
        failed=failed,
        free_min=min(free for free, _, _ in [start, *states]),
        part_free_min={place: min(part[place] for part in parts) for place in parts[0]},
        served={place: served.count(place) for place in ("pool", 0, 1)},
        live_blocks_sum=sum(map(len, live)),
        live_bytes_sum=sum(map(sum, live)),
    )
