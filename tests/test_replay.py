"""Replay: exact against the model on a recording, the same each time, and interruptible."""

import signal
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from model import PoolModel, broken_identities, disagreements

import pyrns_pool as rp
from pyrns_pool.config import PoolConfig, Tier, preset_names
from pyrns_pool.errors import ConfigError
from pyrns_pool.replay import BINS_DEFAULT, CHUNK_EVENTS, replay
from pyrns_pool.results import SIZE_DTYPE, SiteMisses, SizeFit, TierTimes, TraceSummary
from pyrns_pool.trace import OP_ALLOC, OP_FREE, Trace

# The module; the package has a function of that name.
replay_module = sys.modules["pyrns_pool.replay"]

RECORDED_EVENTS = 60_000


@pytest.fixture(scope="module")
def recorded():
    return rp.load_trace(rp.shipped("microreticulum_node_a.npz"))


@pytest.fixture(scope="module")
def beginning(recorded):
    return Trace(recorded.events[:RECORDED_EVENTS], recorded.sites)


@pytest.mark.parametrize("policy", ["strict", "spill"])
@pytest.mark.parametrize("name", preset_names())
def test_the_recording_gives_exactly_what_the_model_gives(beginning, name, policy):
    result = replay(beginning, PoolConfig.preset(name, policy))
    assert len(result.timeline.bins) == BINS_DEFAULT
    assert disagreements(result, beginning) == {}
    assert broken_identities(result.stats) == []
    assert result.stats.requests == beginning.block_count


@pytest.mark.parametrize("policy", ["strict", "spill"])
def test_the_whole_recording_gives_exactly_what_the_model_gives(recorded, policy):
    result = replay(recorded, PoolConfig.preset("design", policy))
    assert disagreements(result, recorded) == {}
    assert broken_identities(result.stats) == []


WORKED = {
    # Tier 0 has two slots of 16 bytes, tier 1 one of 64; bins are [0, 10), [10, 20), [20, 30).
    "t_ns": [0, 2, 2, 9, 10, 14, 15, 20, 22, 29, 29],
    "op": [0, 0, 0, 1, 0, 0, 1, 0, 1, 0, 1],
    "id": [1, 2, 3, 1, 4, 5, 2, 6, 3, 7, 7],
    "size": [16, 1, 5, 0, 0, 60, 0, 65, 0, 20, 0],
    "site": [0, 0, 1, 0, 1, 0, 0, 2, 0, 1, 0],
}


def worked(policy):
    trace = Trace.from_events(WORKED, ["a", "b", "c", "unused"])
    return replay(trace, PoolConfig.parse("16x2,64x1", policy), bins=3)


def test_a_worked_example_of_strict_is_counted_by_hand():
    result = worked("strict")
    # Tier 0: 1 from 0, 2 from 2, 1 from 9, 2 from 10, 1 from 15 on; tier 1: 1 from 14 on.
    assert result.timeline.edges_ns.tolist() == [0, 10, 20, 30]
    assert result.timeline.bins.tolist() == [
        [(2 + 14 + 1, 3, 0, 1, 0, 2), (0, 0, 0, 0, 0, 0)],
        [(10 + 5, 1, 0, 0, 1, 2), (6, 1, 0, 0, 0, 1)],
        [(10, 0, 0, 0, 1, 1), (10, 1, 0, 1, 1, 1)],
    ]
    assert result.timeline.oversize.tolist() == [0, 0, 1]
    assert result.timeline.in_use_mean.tolist() == [[1.7, 0.0], [1.5, 0.6], [1.0, 1.0]]
    assert np.array_equal(
        result.timeline.hit_rate, [[2 / 3, np.nan], [1, 1], [np.nan, 0]], equal_nan=True
    )
    assert result.tier_times == (TierTimes(2, 2), TierTimes(14, 29))
    # 5 bytes missed from 2 to 22, 65 from 20 on, 20 at 29 for no time.
    assert (result.missed_bytes_peak, result.missed_bytes_peak_ns) == (85, 29)
    assert result.sites == (SiteMisses("b", 3, 2), SiteMisses("c", 1, 1))
    stats = result.stats
    assert (stats.requests, stats.hits, stats.exhausted, stats.oversize) == (7, 4, 2, 1)


def test_a_worked_example_of_spill_is_counted_by_hand():
    result = worked("spill")
    # The third block spills to tier 1 from 2 to 22, so that 60 bytes at 14 find it full.
    assert result.timeline.bins.tolist() == [
        [(2 + 14 + 1, 3, 1, 0, 0, 2), (8, 0, 0, 0, 0, 1)],
        [(10 + 5, 1, 0, 0, 1, 2), (10, 1, 0, 1, 1, 1)],
        [(10, 0, 0, 0, 1, 1), (2 + 0, 1, 0, 0, 0, 1)],
    ]
    assert result.tier_times == (TierTimes(2, None), TierTimes(2, 14))
    assert (result.missed_bytes_peak, result.missed_bytes_peak_ns) == (125, 20)
    assert result.sites == (SiteMisses("c", 1, 1), SiteMisses("a", 3, 1))[::-1]
    assert (result.stats.hits, result.stats.spills) == (4, 1)


def test_sizes_and_fit_count_every_request_whether_served_or_not():
    result = worked("strict")
    assert result.sizes.dtype == SIZE_DTYPE
    expected = [(0, 1, 0), (1, 1, 0), (5, 1, 0), (16, 1, 0), (20, 1, 1), (60, 1, 1), (65, 1, -1)]
    assert result.sizes.tolist() == expected
    assert result.fit == (SizeFit(16, 4, 22, 42), SizeFit(64, 2, 80, 48))
    assert [fit.fragmentation for fit in result.fit] == [42 / 64, 48 / 128]
    assert SizeFit(16, 0, 0, 0).fragmentation == 0.0


def test_sizes_and_fit_of_the_recording_are_those_counted_directly(beginning):
    result = replay(beginning, PoolConfig.preset("prism"))
    counts = Counter(
        size for size, op in beginning.events[["size", "op"]].tolist() if op == OP_ALLOC
    )
    model = PoolModel(result.config)
    expected = []
    for size in sorted(counts):
        home = model.home(size)
        expected.append((size, counts[size], -1 if home is None else home))
    assert result.sizes.tolist() == expected
    for i, (fit, tier) in enumerate(zip(result.fit, result.config.tiers)):
        mine = [(size, count) for size, count, home in expected if home == i]
        requested = sum(size * count for size, count in mine)
        requests = sum(count for _, count in mine)
        unused = requests * tier.slot_bytes - requested
        assert fit == SizeFit(tier.slot_bytes, requests, requested, unused)
        assert fit.requests == result.stats.tiers[i].requests
    assert sum(site.misses for site in result.sites) == result.stats.misses


def test_sites_come_by_falling_misses_then_by_name(beginning):
    result = replay(beginning, PoolConfig.preset("design"))
    keys = [(-site.misses, site.site) for site in result.sites]
    assert keys == sorted(keys) and len(keys) > 5
    assert all(0 < site.misses <= site.requests for site in result.sites)


def test_the_result_tells_which_trace_it_is_of(recorded):
    site = "*RNS::Packet*"
    part = recorded.filter(site=site)
    result = replay(part, PoolConfig.preset("design"), bins=1)
    peak = part.peak_live()
    assert result.trace == TraceSummary(
        name="microreticulum_node_a.npz",
        sha256=part.sha256,
        filter=f"site={site!r}",
        events=len(part),
        blocks=part.block_count,
        duration_ns=part.duration_ns,
        has_time=True,
        peak_live_bytes=peak.bytes,
        peak_live_blocks=peak.blocks,
    )
    assert 0 < result.stats.requests == part.block_count < recorded.block_count


@pytest.mark.parametrize("times", [[5], [0, 0], [3, 9], [7, 7, 1006], [0, 2**62 - 1]], ids=str)
@pytest.mark.parametrize("bins", [1, 2, 7, 2000])
def test_the_edges_cover_the_trace_in_bins_of_equal_width(times, bins):
    columns = {"t_ns": times, "op": [OP_ALLOC] * len(times), "id": range(len(times))}
    trace = Trace.from_events({**columns, "size": [1] * len(times)})
    edges = replay(trace, PoolConfig.parse("16x1"), bins=bins).timeline.edges_ns.tolist()
    assert edges[0] == times[0] and edges[-1] == times[-1] + 1
    assert len(edges) == min(bins, edges[-1] - edges[0]) + 1
    widths = {end - begin for begin, end in zip(edges, edges[1:])}
    assert min(widths) >= 1 and max(widths) - min(widths) <= 1


@pytest.mark.parametrize("bins", [0, -1, 1_000_001, True, 2.0, "7", None])
def test_a_number_of_bins_out_of_range_is_refused(bins):
    trace = Trace.from_events(WORKED, list("abc"))
    with pytest.raises(ValueError) as caught:
        replay(trace, PoolConfig.parse("16x1"), bins=bins)
    assert str(caught.value) == f"bins: {bins!r} is not in 1 to 1000000"


def test_a_pool_that_cannot_be_is_refused():
    trace = Trace.from_events(WORKED, list("abc"))
    with pytest.raises(ConfigError, match=r"^16777216x16777216 strict: .*\(CONFIG_OVERFLOW\)$"):
        replay(trace, PoolConfig((Tier(2**24, 2**24),)))


def same(a, b, folder):
    """Return whether two results are equal in everything, to the byte."""
    a.save(folder / "a", overwrite=True)
    b.save(folder / "b", overwrite=True)
    return (
        a.to_dict() == b.to_dict() and (folder / "a").read_bytes() == (folder / "b").read_bytes()
    )


@pytest.mark.parametrize("fallback", ["none", "malloc"])
def test_the_same_trace_and_configuration_give_an_equal_result(recorded, tmp_path, fallback):
    config = PoolConfig(PoolConfig.preset("pyxis").tiers, "spill", fallback)
    first = replay(recorded, config)
    assert same(first, replay(recorded, config), tmp_path)
    again = Trace(recorded.events.copy(), recorded.sites, recorded.provenance)
    assert same(first, replay(again, PoolConfig.from_dict(config.to_dict())), tmp_path)
    assert not same(first, replay(recorded, config, bins=1999), tmp_path)


@pytest.mark.parametrize("chunk", [1, 7, 999, 1000, 1001])
def test_the_number_of_events_between_looks_does_not_matter(
    beginning, tmp_path, monkeypatch, chunk
):
    trace = Trace(beginning.events[:1000], beginning.sites)
    config = PoolConfig.parse("16x1,64x8,256x4", "spill", "malloc")
    whole = replay(trace, config, bins=7)
    monkeypatch.setattr(replay_module, "CHUNK_EVENTS", chunk)
    assert same(whole, replay(trace, config, bins=7), tmp_path)


def test_progress_is_told_after_every_chunk(recorded, monkeypatch):
    told = []
    replay(recorded, PoolConfig.preset("design"), progress=told.append)
    done = [round(fraction * len(recorded)) for fraction in told]
    assert np.diff(done, prepend=0).max() == CHUNK_EVENTS and done[-1] == len(recorded)
    assert len(done) == -(-len(recorded) // CHUNK_EVENTS) > 2
    monkeypatch.setattr(replay_module, "CHUNK_EVENTS", 4)
    told.clear()
    replay(Trace.from_events(WORKED, list("abc")), PoolConfig.parse("16x1"), progress=told.append)
    assert told == [4 / 11, 8 / 11, 1.0]


def test_what_a_progress_callback_raises_ends_the_replay(recorded):
    told = []

    def interrupt(fraction):
        told.append(fraction)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replay(recorded, PoolConfig.preset("design"), progress=interrupt)
    assert told == [CHUNK_EVENTS / len(recorded)]
    # The trace is as good as before.
    config = PoolConfig.preset("design")
    assert replay(recorded, config).stats.requests == recorded.block_count


INTERRUPTED = """
import os, signal, threading
import numpy as np
from pyrns_pool import PoolConfig, Trace, replay
signal.signal(signal.SIGINT, signal.default_int_handler)  # A background process ignores it.
n = 1 << 21
rows = np.arange(n)
columns = {"t_ns": rows, "op": rows % 2, "id": rows // 2, "size": (rows % 2 == 0) * 40}
trace = Trace.from_events(columns)
running, sent = threading.Event(), threading.Event()

def interrupt():
    running.wait()
    os.kill(os.getpid(), signal.SIGINT)
    sent.set()

def progress(fraction):
    print(fraction, flush=True)
    running.set()
    if fraction > 0.25:
        sent.wait()  # However slow the other thread is, the signal comes before the end.

threading.Thread(target=interrupt, daemon=True).start()
replay(trace, PoolConfig.parse("16x4,64x4"), progress=progress)
print("done")
"""


def test_ctrl_c_ends_a_replay_before_the_trace_is_done():
    result = subprocess.run(
        [sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, timeout=60
    )
    assert result.returncode == -signal.SIGINT
    assert result.stderr.rstrip().endswith("KeyboardInterrupt")
    told = result.stdout.split()
    print(told)
    assert "done" not in told and 0 < float(told[-1]) < 1


HEAP = """
import resource
from pyrns_pool import PoolConfig, Trace, replay
n = 400
columns = {"t_ns": range(n), "op": [0] * n, "id": range(n), "size": [1 << 20] * n}
trace = Trace.from_events(columns)
config = PoolConfig.parse("16x1", fallback="malloc")
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
def stop(fraction):
    raise KeyboardInterrupt
for _ in range(4):
    try:
        replay(trace, config, progress=stop)
    except KeyboardInterrupt:
        pass
    stats = replay(trace, config).stats
    print(stats.fallbacks, stats.failures, stats.fallback_gives)
"""


def test_blocks_that_the_trace_does_not_free_go_back_to_the_heap():
    result = subprocess.run([sys.executable, "-c", HEAP], capture_output=True, text=True)
    assert result.stderr == ""
    assert result.stdout.splitlines() == ["400 0 0"] * 4


def test_a_replay_of_a_filter_is_that_of_the_filtered_events(beginning):
    site, count = Counter(
        beginning.sites[site]
        for site, op in beginning.events[["site", "op"]].tolist()
        if op == OP_ALLOC
    ).most_common(1)[0]
    keep = []
    live = set()
    for row, (id_, index, op) in enumerate(beginning.events[["id", "site", "op"]].tolist()):
        if op == OP_ALLOC and beginning.sites[index] == site:
            live.add(id_)
            keep.append(row)
        elif op == OP_FREE and id_ in live:
            live.remove(id_)
            keep.append(row)
    alone = Trace(beginning.events[keep], beginning.sites)
    for policy in ("strict", "spill"):
        result = replay(beginning.filter(site=site), PoolConfig.preset("fork", policy), bins=50)
        assert result.stats.requests == count
        assert disagreements(result, alone) == {}


def test_the_timeline_cannot_be_written_to():
    result = worked("strict")
    for array in (
        result.sizes,
        result.timeline.edges_ns,
        result.timeline.bins,
        result.timeline.oversize,
    ):
        with pytest.raises(ValueError):
            array[0] = array[0]


def test_the_largest_number_of_tiers_and_times_is_replayed_exactly():
    start = 2**62 - 10_000
    rng = np.random.default_rng(3)
    n = 600
    columns = {
        "t_ns": start + np.sort(rng.integers(0, 10_000, n)),
        "op": np.full(n, OP_ALLOC),
        "id": 2**64 - 1 - np.arange(n, dtype=np.uint64),
        "size": rng.choice([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 2**24, 2**36], n),
    }
    trace = Trace.from_events(columns)
    config = PoolConfig(tuple(Tier(size, 30) for size in (*range(1, 8), 2**20)), "spill")
    result = replay(trace, config, bins=7)
    assert disagreements(result, trace) == {}
    assert result.stats.exhausted > 0 and result.stats.oversize > 0


def test_bins_too_wide_for_64_bits_are_refused_by_name():
    columns = {"t_ns": [0, 2**62 - 1], "op": [0, 0], "id": [1, 2], "size": [16, 16]}
    trace = rp.Trace.from_events(columns)
    with pytest.raises(rp.ConfigError, match=r"^bins: 100 slots over 4611686018427387904 ns"):
        rp.replay(trace, rp.PoolConfig.parse("16x100"), bins=1)
    result = rp.replay(trace, rp.PoolConfig.parse("16x100"), bins=100)
    assert int(result.timeline.bins["in_use_ns"].astype(object).sum()) == 2**62 - 1 + 2
