"""Slow and obvious: one strict tier with so many slots, and Erlang's formula as it is printed."""

from fractions import Fraction
from math import factorial

from pyrns_pool.trace import OP_ALLOC


def tier_with(trace, low, high, slots):
    """Return the hits of sizes in (low, high], and the slots in use after each event."""
    held, hits, in_use = set(), 0, []
    for event, block in zip(trace.events, trace.blocks.tolist()):
        if event["op"] != OP_ALLOC:
            held.discard(block)
        elif low < event["size"] <= high and len(held) < slots:
            held.add(block)
            hits += 1
        in_use.append(len(held))
    return hits, in_use


def load_of(trace, least, most):
    """Return mean and variance of the number of live blocks, looking at every nanosecond."""
    start, end = int(trace.events["t_ns"][0]), int(trace.events["t_ns"][-1])
    counts = []
    live = 0
    rows = list(zip(trace.events, trace.blocks.tolist()))
    for now in range(start, end):
        for event, block in rows:
            if event["t_ns"] == now and least <= trace.block_sizes[block] <= most:
                live += 1 if event["op"] == OP_ALLOC else -1
        counts.append(live)
    mean = Fraction(sum(counts), len(counts))
    return mean, sum((count - mean) ** 2 for count in counts) / len(counts)


def erlang_b(erlangs, slots):
    """Return the missed share, by the definition."""
    load = Fraction(erlangs)
    terms = [load**k / factorial(k) for k in range(slots + 1)]
    return terms[-1] / sum(terms)
