"""Slow and obvious: who has which slot, how long blocks live, and when there is none left."""

from collections import Counter

from pyrns_pool.trace import OP_ALLOC


def spans_of(trace, config):
    """Return (tier, slot, begin, end) of each block: the lowest free slot, one event at a time."""
    free = [set(range(tier.slot_count)) for tier in config.tiers]
    spans = []
    for event, block in zip(range(len(trace)), trace.blocks):
        if trace.events["op"][event] != OP_ALLOC:
            tier, slot, begin, _ = spans[block]
            spans[block] = (tier, slot, begin, event)
            if tier >= 0:
                free[tier].add(slot)
            continue
        fitting = fitting_tiers(config, int(trace.events["size"][event]))
        tier = next((i for i in fitting if len(free[i]) > config.tiers[i].reserve_count), -1)
        slot = min(free[tier]) if tier >= 0 else -1
        if tier >= 0:
            free[tier].remove(slot)
        spans.append((tier, slot, event, len(trace)))
    return spans


def fitting_tiers(config, size):
    """Return the tiers that may serve a size, the home tier first."""
    fitting = [i for i, tier in enumerate(config.tiers) if tier.slot_bytes >= size]
    return fitting if config.policy == "spill" else fitting[:1]


class Slots:
    """One trace in one pool, in Python integers; blocks and events are walked one by one."""

    def __init__(self, trace, config):
        self.trace, self.config, self.spans = trace, config, spans_of(trace, config)
        self.t_ns = trace.events["t_ns"].tolist()
        self.t_ns.append(self.t_ns[-1] + 1)
        self.sites = trace.events["site"][trace.alloc_rows].tolist()
        self.sizes = trace.block_sizes.tolist()

    def home(self, block):
        bounds = [tier.slot_bytes for tier in self.config.tiers]
        return next((i for i, size in enumerate(bounds) if size >= self.sizes[block]), -1)

    def time(self, block):
        """Return when a block begins and ends."""
        return tuple(self.t_ns[event] for event in self.spans[block][2:])

    def in_use(self, tier, event):
        """Return the slots of a tier in use just after an event."""
        return sum(t == tier and b <= event < e for t, _, b, e in self.spans)

    def is_pinning(self, block):
        begin, end = self.time(block)
        return self.spans[block][0] >= 0 and end - begin > (self.t_ns[-1] - self.t_ns[0]) // 2

    def pinned(self):
        rows = []
        for block, (tier, slot, _, _) in enumerate(self.spans):
            if self.is_pinning(block):
                rows.append((tier, slot, self.sites[block], self.sizes[block], *self.time(block)))
        return sorted(rows)

    def cell(self, row, begin_ns, end_ns):
        """Return busy_ns, pinned_ns and takes of the slots of a row in one bin."""
        tier, first, slots = row
        busy = pinned = takes = 0
        for block, (its, slot, _, _) in enumerate(self.spans):
            if its == tier and first <= slot < first + slots:
                begin, end = self.time(block)
                inside = max(0, min(end, end_ns) - max(begin, begin_ns))
                busy += inside
                pinned += inside if self.is_pinning(block) else 0
                takes += begin_ns <= begin < end_ns
        return busy, pinned, takes

    def holders(self):
        rows = []
        for tier in range(len(self.config.tiers)):
            counts = [self.in_use(tier, event) for event in range(len(self.trace))]
            peak = counts.index(max(counts))
            slots, sizes, pinned = Counter(), Counter(), Counter()
            for block, (its, _, begin, end) in enumerate(self.spans):
                if its == tier and begin <= peak < end:
                    site = self.sites[block]
                    slots[site] += 1
                    sizes[site] += self.sizes[block]
                    pinned[site] += self.is_pinning(block)
            for site in sorted(slots, key=lambda site: (-slots[site], site)):
                rows.append((tier, site, slots[site], sizes[site], pinned[site]))
        return rows

    def lives(self, tier):
        """Return the lives of the blocks of a home tier, None for one that is never freed."""
        mine = [block for block in range(len(self.spans)) if self.home(block) == tier]
        times = [self.time(block) for block in mine]
        freed = [self.spans[block][3] < len(self.trace) for block in mine]
        return [end - begin if done else None for (begin, end), done in zip(times, freed)]

    def is_full(self, home, event):
        """Return whether no tier could serve a request of this home tier after an event."""
        last = len(self.config.tiers) if self.config.policy == "spill" else home + 1
        tiers = range(home, last) if home >= 0 else ()
        return all(self.free(tier, event) == 0 for tier in tiers)

    def free(self, tier, event):
        its = self.config.tiers[tier]
        return its.slot_count - its.reserve_count - self.in_use(tier, event)

    def episodes(self):
        rows = []
        for home in range(-1, len(self.config.tiers)):
            for begin, end in self.stretches(home):
                missed = [
                    block
                    for block, (tier, _, event, _) in enumerate(self.spans)
                    if tier < 0 and self.home(block) == home and begin <= event < end
                ]
                if missed:
                    rows.append(self.episode(home, begin, end, missed))
        return sorted(rows, key=lambda row: (row[2], row[0]))

    def stretches(self, home):
        """Yield the longest runs of events after which the tiers are full."""
        begin = None
        for event in range(len(self.trace) + 1):
            full = event < len(self.trace) and self.is_full(home, event)
            if full and begin is None:
                begin = event
            elif not full and begin is not None:
                yield begin, event
                begin = None

    def episode(self, home, begin, end, missed):
        times = [self.time(block)[0] for block in missed]
        sizes = [self.sizes[block] for block in missed]
        counts = Counter(self.sites[block] for block in missed)
        site = min(counts, key=lambda site: (-counts[site], site))
        larger = range(home + 1, len(self.config.tiers)) if home >= 0 else ()
        free = [sum(self.free(t, self.spans[b][2]) for t in larger) for b in missed]
        stretch = (self.t_ns[begin], self.t_ns[end])
        totals = (min(sizes), max(sizes), sum(sizes), min(free))
        ends = (min(times), max(times))
        return (home, len(missed), *ends, *stretch, *totals, site, counts[site])
