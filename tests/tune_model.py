"""Slow and obvious: the best pool, found by sending the trace through every pool there is."""

from itertools import combinations, product

from model import Place, PoolModel

from pyrns_pool.config import PoolConfig, Tier
from pyrns_pool.trace import OP_ALLOC


def hits_of(trace, config):
    """Return the hits of a strict pool, one request at a time."""
    pool = PoolModel(config)
    places = {}
    for op, block in zip(trace.events["op"].tolist(), trace.blocks.tolist()):
        if op == OP_ALLOC:
            places[block] = pool.take(int(trace.block_sizes[block]))
        elif isinstance(places[block], Place):
            assert pool.give(places[block].address) == "OK"
    return sum(isinstance(place, Place) for place in places.values())


def fragmentation_of(traces, config):
    """Return for each tier which share of its slots the requests at home in it leave unused."""
    shares = []
    low = -1
    for tier in config.tiers:
        sizes = [int(s) for t in traces for s in t.block_sizes if low < s <= tier.slot_bytes]
        asked, slots = sum(sizes), len(sizes) * tier.slot_bytes
        shares.append((slots - asked) / slots if slots else 0.0)
        low = tier.slot_bytes
    return shares


def every_pool(sizes, bytes_max, tiers_max, require=()):
    """Yield every pool of these slot sizes in so many bytes."""
    needed = {tier.slot_bytes: tier for tier in require}
    for number in range(1, tiers_max + 1):
        for chosen in combinations(sizes, number):
            if not needed.keys() <= set(chosen):
                continue
            ladders = [range(1, bytes_max // size + 1) for size in chosen]
            for slots in product(*ladders):
                pairs = list(zip(chosen, slots))
                if sum(size * count for size, count in pairs) > bytes_max:
                    continue
                if any(size in needed and n < needed[size].slot_count for size, n in pairs):
                    continue
                reserve = {size: tier.reserve_count for size, tier in needed.items()}
                yield PoolConfig(tuple(Tier(s, n, reserve.get(s, 0)) for s, n in pairs))


def ranked(traces, weights, sizes, bytes_max, tiers_max, require=(), cap=None):
    """Return (weighted hits, bytes, tiers) of every pool that is allowed."""
    rows = []
    for config in every_pool(sizes, bytes_max, tiers_max, require):
        if cap is not None and any(share > cap for share in fragmentation_of(traces, config)):
            continue
        hits = sum(hits_of(trace, config) * weight for trace, weight in zip(traces, weights))
        rows.append((hits, config.slots_bytes, len(config.tiers)))
    return rows
