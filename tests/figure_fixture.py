"""A result of every kind for the tests of all figures, and how each panel is drawn of it."""

from functools import lru_cache

import numpy as np
from workload_fixture import ops_result, rtp_result

import pyrns_pool as rp
from pyrns_pool import plot
from pyrns_pool.curve_results import CurveSet

EIGHT = "16x4,32x2,64x64,128x8,256x16,500x2,512x3,2048x1"
SITES = ["app:RNS::Packet::Packet(unsigned char const*, unsigned int)", "app:std::vector<>", "io"]


def traffic(count=1500, seed=7, has_time=True):
    """Return blocks of many sizes, a third of which stays; some are above 2,048 bytes."""
    rng = np.random.default_rng(seed)
    rows, live, now = [], [], 0
    for block in range(count):
        now += int(rng.integers(1, 90_000)) if has_time else 1
        rows.append((now, 0, block, int(2 ** rng.uniform(0, 11.5)), block % 3))
        live.append(block)
        if rng.random() < 0.7:
            now += int(rng.integers(1, 90_000)) if has_time else 1
            rows.append((now, 1, live.pop(int(rng.integers(len(live)))), 0, 0))
    if not has_time:
        rows = [(number, *row[1:]) for number, row in enumerate(rows)]
    return of_rows(rows, has_time)


def of_rows(rows, has_time=True):
    """Return a trace of (t_ns, op, id, size, site)."""
    names = ("t_ns", "op", "id", "size", "site")
    columns = dict(zip(names, zip(*rows)))
    return rp.Trace.from_events(columns, SITES, {"file": "node.csv"}, has_time=has_time)


def replayed(tiers=EIGHT, policy="strict", **more):
    return rp.replay(traffic(**more), rp.PoolConfig.parse(tiers, policy), slots=True)


def compared():
    pool = rp.PoolConfig.parse("64x40,512x20,4096x4")
    return rp.compare(traffic(), pool, arenas=[16_384, 65_536])


def tuned():
    """Return the best pool beside eight others, some of them alike."""
    pools = [(f"release {i}", rp.PoolConfig.parse(f"64x{10 + i // 2},512x9")) for i in range(8)]
    return rp.tune(traffic(600), budget_bytes=16_384, max_tiers=3, compared=pools)


def swept():
    pools = [
        rp.PoolConfig.parse(f"64x{9 * i},2048x{i}", ("strict", "spill")[i % 2])
        for i in range(1, 30)
    ]
    return rp.sweep(pools, [traffic(300)])


def soaked():
    pool = rp.PoolConfig.parse("64x40,256x24,512x8")
    return rp.run_soak(rp.SoakSpec(pool, "adversarial", hours=2, seed=3))


MAKERS = {
    "one tier": lambda: replayed("256x9"),
    "rtp": rtp_result,
    "soak": soaked,
    "ops": ops_result,
    "compare": compared,
    "curve": lambda: CurveSet((rp.hit_curve(traffic(), [64, 256, 2048], loads=True),)),
    "tune": tuned,
    "sweep": swept,
    "replay": replayed,
    "no miss": lambda: replayed("4096x900"),
    "no time": lambda: replayed(has_time=False),
}


@lru_cache(maxsize=None)
def result_of(kind):
    return MAKERS[kind]()


FOLLOWED = ("replay", "no miss", "no time")
PANELS = {
    plot.occupancy: ("replay",),
    plot.oversize: ("replay",),
    plot.hit_rate: ("replay",),
    plot.sizes: ("replay",),
    plot.fragmentation: ("replay",),
    plot.raster: FOLLOWED,
    plot.holders: FOLLOWED,
    plot.lifetimes: FOLLOWED,
    plot.episodes: FOLLOWED,
    plot.cow_panel: ("ops",),
    plot.table_fill: ("ops",),
    plot.rate_panel: ("rtp",),
    plot.rate_trend: ("rtp",),
    plot.soak_free: ("soak",),
    plot.soak_fragmentation: ("soak",),
    plot.alarms: ("soak",),
    plot.largest_free: ("compare",),
    plot.heap_failures: ("compare",),
    plot.heap_fragmentation: ("compare",),
    plot.ram: ("compare",),
    plot.hit_curve: ("curve",),
    plot.tune_front: ("tune",),
    plot.pools: ("sweep",),
}
"""Every function that draws on an Axes, with kinds of results that it can draw."""


def draw(panel, result, ax, tier=0):
    """Draw a panel; `tier` counts for those that show one."""
    if panel in (plot.occupancy, plot.raster, plot.holders, plot.hit_curve):
        return panel(result, ax=ax, tier=tier)
    return panel(result, ax=ax)
