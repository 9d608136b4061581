"""Slow and obvious: what a pool and a replay do, by counting one request at a time.

Nothing here is clever on purpose: tiers are lists of booleans, statistics are counted anew from
the list of all requests, and the timeline from the list of all changes. What C does with bitmaps,
reciprocals and running sums must come out the same, to the last integer.
"""

from collections import Counter
from types import SimpleNamespace
from typing import NamedTuple, Optional

from pyrns_pool.stats import MisuseStats, PoolStats, RegionStats, TierStats
from pyrns_pool.trace import OP_ALLOC

ALIGN_BYTES = 16
UINT32_MAX = 2**32 - 1
HEAP_BYTES_MAX = 2**63 - 1  # malloc() refuses more at once; tests stay far below, or above.


class Request(NamedTuple):
    """One request: its size, its home tier, and the tier that served it."""

    size: int
    home: Optional[int]  # None: oversize
    tier: Optional[int]  # None: missed
    fallback: bool


class Place(NamedTuple):
    """What a take handed out; tier and index are None for a block of the fallback."""

    tier: Optional[int]
    index: Optional[int]
    address: Optional[int]  # None: the heap chooses


class TierModel:
    """Slots that are used or not."""

    def __init__(self, tier, start, header_bytes=0):
        self.tier = tier
        self.start = start
        self.stride = header_bytes + -(-tier.slot_bytes // ALIGN_BYTES) * ALIGN_BYTES
        self.used = [False] * tier.slot_count
        self.takes = 0
        self.gives = 0
        self.high_water = 0
        self.window_high_water = 0
        self.is_low = False

    @property
    def in_use(self):
        return self.used.count(True)

    @property
    def free(self):
        return self.used.count(False)

    @property
    def end(self):
        return self.start + self.stride * self.tier.slot_count

    def take(self, priority):
        """Return the lowest free index, None if what is free is none or reserved."""
        if self.free <= (0 if priority else self.tier.reserve_count):
            return None
        index = self.used.index(False)
        self.used[index] = True
        self.takes += 1
        self.high_water = max(self.high_water, self.in_use)
        self.window_high_water = max(self.window_high_water, self.in_use)
        return index


class PoolModel:
    """A pool whose slots lie from `start` on, one tier behind the other."""

    def __init__(self, config, start=0, storage_bytes=0, header_bytes=0):
        self.config = config
        self.start = start
        self.storage_bytes = storage_bytes
        self.tiers = []
        for tier in config.tiers:
            first = self.tiers[-1].end if self.tiers else start
            self.tiers.append(TierModel(tier, first, header_bytes))
        self.requests = []
        self.misuse = Counter()
        self.fallback_blocks = 0
        self.fallback_gives = 0
        self.told = []  # What the low-water callback was told.

    def home(self, size):
        """Return the smallest tier that is large enough, None if none is."""
        for i, tier in enumerate(self.config.tiers):
            if size <= tier.slot_bytes:
                return i
        return None

    def take(self, size, priority=False):
        """Return a Place, or the name of the miss."""
        home = self.home(size)
        choices = []
        if home is not None:
            last = len(self.tiers) if self.config.policy == "spill" else home + 1
            choices = range(home, last)
        for i in choices:
            index = self.tiers[i].take(priority)
            if index is not None:
                self.requests.append(Request(size, home, i, False))
                self._look_low(i)
                return Place(i, index, self.tiers[i].start + index * self.tiers[i].stride)
        fallback = self.config.fallback == "malloc" and size <= HEAP_BYTES_MAX
        self.requests.append(Request(size, home, None, fallback))
        if fallback:
            self.fallback_blocks += 1
            return Place(None, None, None)
        return "MISS_OVERSIZE" if home is None else "MISS_EXHAUSTED"

    def give(self, address):
        """Give an address that is no block of the fallback; return the name of the status."""
        status = self._give(address)
        if status != "OK":
            self.misuse[status] += 1
        return status

    def _give(self, address):
        for i, tier in enumerate(self.tiers):
            if not tier.start <= address < tier.end:
                continue
            if (address - tier.start) % ALIGN_BYTES != 0:
                return "MISUSE_MISALIGNED"
            if (address - tier.start) % tier.stride != 0:
                return "MISUSE_INTERIOR"
            index = (address - tier.start) // tier.stride
            if not tier.used[index]:
                return "MISUSE_DOUBLE_GIVE"
            tier.used[index] = False
            tier.gives += 1
            self._look_recovered(i)
            return "OK"
        inside = self.start <= address < self.start + self.storage_bytes
        return "MISUSE_OUT_OF_RANGE" if inside else "MISUSE_FOREIGN"

    def give_fallback(self):
        """Give any block of the fallback."""
        self.fallback_blocks -= 1
        self.fallback_gives += 1

    def _look_low(self, i):
        tier = self.tiers[i]
        if not tier.is_low and tier.free < tier.tier.low_water_count:
            tier.is_low = True
            self.told.append((i, tier.free, True))

    def _look_recovered(self, i):
        tier = self.tiers[i]
        if tier.is_low and tier.free >= tier.tier.low_water_count + tier.tier.hysteresis_count:
            tier.is_low = False
            self.told.append((i, tier.free, False))

    def reset_window(self):
        for tier in self.tiers:
            tier.window_high_water = tier.in_use

    def live(self):
        """Return (tier, index, address) of every slot in use."""
        found = []
        for i, tier in enumerate(self.tiers):
            for index, used in enumerate(tier.used):
                if used:
                    found.append((i, index, tier.start + index * tier.stride))
        return found

    def stats(self):
        """Count everything anew."""
        tiers = tuple(self._tier_stats(i) for i in range(len(self.tiers)))
        sizes = [request.size for request in self.requests]
        missed = [request for request in self.requests if request.tier is None]
        served = [request for request in self.requests if request.tier is not None]
        return PoolStats(
            in_use=sum(tier.in_use for tier in self.tiers),
            largest_request_bytes=min(max(sizes, default=0), UINT32_MAX),
            requests=len(self.requests),
            hits=sum(request.tier == request.home for request in served),
            spills=sum(request.tier != request.home for request in served),
            exhausted=sum(request.home is not None for request in missed),
            oversize=sum(request.home is None for request in missed),
            fallbacks=sum(request.fallback for request in missed),
            failures=sum(not request.fallback for request in missed),
            takes=sum(tier.takes for tier in self.tiers),
            gives=sum(tier.gives for tier in self.tiers),
            fallback_gives=self.fallback_gives,
            tiers=tiers,
            regions=self._region_stats(),
            misuse=MisuseStats(
                foreign=self.misuse["MISUSE_FOREIGN"],
                out_of_range=self.misuse["MISUSE_OUT_OF_RANGE"],
                interior=self.misuse["MISUSE_INTERIOR"],
                misaligned=self.misuse["MISUSE_MISALIGNED"],
                double_give=self.misuse["MISUSE_DOUBLE_GIVE"],
                wrong_pool=0,
                canary=0,
                write_after_give=0,
            ),
        )

    def _tier_stats(self, i):
        tier = self.tiers[i]
        mine = [request for request in self.requests if request.home == i]
        return TierStats(
            slot_bytes=tier.tier.slot_bytes,
            slot_count=tier.tier.slot_count,
            region=tier.tier.region,
            in_use=tier.in_use,
            high_water=tier.high_water,
            window_high_water=tier.window_high_water,
            largest_request_bytes=max((request.size for request in mine), default=0),
            requests=len(mine),
            hits=sum(request.tier == i for request in mine),
            spills=sum(request.tier not in (i, None) for request in mine),
            spills_in=sum(r.tier == i and r.home != i for r in self.requests),
            exhausted=sum(request.tier is None for request in mine),
            takes=tier.takes,
            gives=tier.gives,
        )

    def _region_stats(self):
        """Count by region; the fallback's is 0, and shows once the fallback has served."""
        fallbacks = sum(request.fallback for request in self.requests)
        regions = {tier.tier.region for tier in self.tiers} | ({0} if fallbacks else set())
        rows = []
        for region in sorted(regions):
            tiers = [tier for tier in self.tiers if tier.tier.region == region]
            rows.append(
                RegionStats(
                    region=region,
                    slot_count=sum(tier.tier.slot_count for tier in tiers),
                    in_use=sum(tier.in_use for tier in tiers),
                    slots_bytes=sum(tier.tier.slot_count * tier.stride for tier in tiers),
                    in_use_bytes=sum(tier.in_use * tier.stride for tier in tiers),
                    takes=sum(tier.takes for tier in tiers),
                    gives=sum(tier.gives for tier in tiers),
                    fallbacks=fallbacks if region == 0 else 0,
                )
            )
        return tuple(rows)

    def log_line(self):
        """Return the line that firmware prints."""
        stats = self.stats()
        served = stats.hits + stats.spills
        tenths = served * 1000 // stats.requests if stats.requests else 1000
        tiers = [f"{t.slot_bytes}:{t.in_use}/{t.slot_count}^{t.high_water}" for t in stats.tiers]
        return (
            f"requests={stats.requests} hits={stats.hits} spills={stats.spills} "
            f"hit_rate={tenths // 10}.{tenths % 10}% {' '.join(tiers)}"
        )


def replay_model(trace, config, edges):
    """Replay a trace one event at a time.

    Returns stats, bins (rows of BIN_DTYPE as tuples, by bin and tier), oversize by bin,
    high_water_ns and first_miss_ns by tier, missed_bytes_peak, missed_bytes_peak_ns and
    site_misses by name.
    """
    pool = PoolModel(config)
    start = edges[0]
    place_of = {}  # Live id: what the pool handed out, and the size.
    changes = [[] for _ in config.tiers]  # By tier: (t_ns, in_use from then on).
    requests = []  # (t_ns, Request)
    missed_bytes = [(start, 0)]  # (t_ns, bytes from then on)
    site_misses = Counter()
    for event in trace.events.tolist():
        t_ns, id_, size, site, _, op = event[:6]
        if op == OP_ALLOC:
            place = pool.take(size)
            place_of[id_] = place, size
            requests.append((t_ns, pool.requests[-1]))
            tier = pool.requests[-1].tier
        else:
            place, size = place_of.pop(id_)
            tier = place.tier if isinstance(place, Place) else None
            if tier is not None:
                assert pool.give(place.address) == "OK"
            elif isinstance(place, Place):
                pool.give_fallback()
        if tier is not None:
            changes[tier].append((t_ns, pool.tiers[tier].in_use))
        elif op == OP_ALLOC:
            site_misses[trace.sites[site]] += 1
            missed_bytes.append((t_ns, missed_bytes[-1][1] + size))
        else:
            missed_bytes.append((t_ns, missed_bytes[-1][1] - size))
    peak = max(count for _, count in missed_bytes)
    timeline = [_tier_timeline(edges, changes[i], requests, i) for i in range(len(config.tiers))]
    return SimpleNamespace(
        stats=pool.stats(),
        bins=[list(row) for row in zip(*timeline)],
        oversize=_per_bin(edges, [t_ns for t_ns, r in requests if r.home is None]),
        high_water_ns=[_first_high(start, steps) for steps in changes],
        first_miss_ns=[_first_miss(requests, i) for i in range(len(config.tiers))],
        missed_bytes_peak=peak,
        missed_bytes_peak_ns=next(t_ns for t_ns, count in missed_bytes if count == peak),
        site_misses=dict(site_misses),
    )


def _first_high(start, steps):
    high_water = max((in_use for _, in_use in steps), default=0)
    return next((t_ns for t_ns, in_use in steps if in_use == high_water), start)


def _first_miss(requests, tier):
    return next((t for t, r in requests if r.home == tier and r.tier is None), None)


def _per_bin(edges, times):
    """Count times, which ascend, by bin."""
    counts = []
    i = 0
    for end in edges[1:]:
        first = i
        while i < len(times) and times[i] < end:
            i += 1
        counts.append(i - first)
    assert i == len(times)
    return counts


def _tier_timeline(edges, steps, requests, tier):
    """Return one tuple of BIN_DTYPE for each bin."""
    mine = [(t_ns, r.tier) for t_ns, r in requests if r.home == tier]
    counts = _per_bin(edges, [t_ns for t_ns, _ in mine])
    spills = _per_bin(edges, [t_ns for t_ns, served in mine if served not in (tier, None)])
    exhausted = _per_bin(edges, [t_ns for t_ns, served in mine if served is None])
    rows = []
    i = 0
    in_use = 0
    for b, (begin, end) in enumerate(zip(edges, edges[1:])):
        values = [in_use]
        in_use_ns = 0
        now = begin
        while i < len(steps) and steps[i][0] < end:
            in_use_ns += in_use * (steps[i][0] - now)
            now, in_use = steps[i]
            values.append(in_use)
            i += 1
        in_use_ns += in_use * (end - now)
        rows.append((in_use_ns, counts[b], spills[b], exhausted[b], min(values), max(values)))
    return rows


def broken_identities(stats):
    """Return the identities of the README's glossary that do not hold; [] if all do."""
    tiers = stats.tiers
    misses = stats.exhausted + stats.oversize
    held = {
        "requests": stats.requests == stats.hits + stats.spills + misses,
        "misses": stats.misses == misses == stats.fallbacks + stats.failures,
        "in_use": stats.in_use == stats.takes - stats.gives,
        "takes": stats.takes == stats.hits + stats.spills,
        "spills": stats.spills == sum(tier.spills_in for tier in tiers),
        "tier requests": sum(tier.requests for tier in tiers) + stats.oversize == stats.requests,
        "fallback gives": stats.fallback_gives <= stats.fallbacks,
        "region fallbacks": sum(r.fallbacks for r in stats.regions) == stats.fallbacks,
    }
    for name in ("in_use", "hits", "spills", "exhausted", "takes", "gives"):
        held[f"sum of {name}"] = sum(getattr(t, name) for t in tiers) == getattr(stats, name)
    for name in ("in_use", "takes", "gives"):
        total = sum(getattr(region, name) for region in stats.regions)
        held[f"regions' {name}"] = total == getattr(stats, name)
    for t in tiers:
        held[f"{t.slot_bytes} requests"] = t.requests == t.hits + t.spills + t.exhausted
        held[f"{t.slot_bytes} in_use"] = t.in_use == t.takes - t.gives
        held[f"{t.slot_bytes} takes"] = t.takes == t.hits + t.spills_in
        marks = t.in_use <= t.window_high_water <= t.high_water <= t.slot_count
        held[f"{t.slot_bytes} high_water"] = marks
    return [name for name, holds in held.items() if not holds]


def disagreements(result, trace):
    """Return what a replay found and what the model does, where they differ; {} if nowhere."""
    timeline = result.timeline
    expected = replay_model(trace, result.config, timeline.edges_ns.tolist())
    found = SimpleNamespace(
        stats=result.stats,
        bins=timeline.bins.tolist(),
        oversize=timeline.oversize.tolist(),
        high_water_ns=[times.high_water_ns for times in result.tier_times],
        first_miss_ns=[times.first_miss_ns for times in result.tier_times],
        missed_bytes_peak=result.missed_bytes_peak,
        missed_bytes_peak_ns=result.missed_bytes_peak_ns,
        site_misses={site.site: site.misses for site in result.sites},
    )
    pairs = {name: (getattr(found, name), right) for name, right in vars(expected).items()}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
