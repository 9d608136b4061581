"""Programs and workloads that are watched: at the end every count is that of a replay."""

import functools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from record_fixture import program
from test_record_raw import ALLOC, FREE, VOID, Chunk, write

import pyrns_pool as rp
from pyrns_pool.errors import ConfigError, TraceError
from pyrns_pool.live import ALARMS, Recorded, Workload, _follow
from pyrns_pool.live._follow import Follower
from pyrns_pool.live.engine import Engine
from pyrns_pool.live.sample import HeapNow
from pyrns_pool.live.source import Alarms, Windows
from pyrns_pool.record import read_process, recordings
from pyrns_pool.workloads.soak import HOUR_NS, SoakSpec

TIERS = "32x400,64x100,128x50,512x6"
SQL = """
create table t(a, b);
with recursive c(x) as (select 1 union all select x + 1 from c where x < 4000)
insert into t select x, hex(x) || x from c;
select a % 7, count(*), length(group_concat(b)) from t group by 1;
"""
JQ = "[range(3000) | {a: ., b: tostring}] | group_by(.a % 7) | map(length)"
BUSY = Path(__file__).resolve().parent.parent / "benchmarks" / "record_speed.c"
COUNTS = "requests hits spills exhausted oversize in_use".split()
TIER_COUNTS = "slot_bytes slot_count in_use high_water requests hits spills spills_in exhausted"
COMMANDS = {
    "sqlite3": ["sqlite3", "-init", os.devnull, ":memory:", SQL],
    "jq": ["jq", "-n", JQ],
    "threads": [program("record_threads.cc"), "6", "20000", "300"],
}


def config(policy="strict", tiers=TIERS):
    return rp.PoolConfig(rp.PoolConfig.parse(tiers).tiers, policy)


def watched(command, pool=None, period_s=0.05, **options):
    """Return all samples of a command, and the sites that missed."""
    with Recorded(pool or config(), command, stdout=subprocess.DEVNULL, **options) as source:
        return list(source.samples(period_s)), source.sites()


def check_equal(sample, sites, process, pool):
    """Check a last sample against the replay of the recording of the very same run."""
    trace = process.trace
    result = rp.replay(trace, pool)
    assert (sample.behind, sample.lost, sample.events) == (0, process.lost, len(trace))
    assert sample.unpaired_frees == process.unpaired_frees
    for name in COUNTS:
        assert getattr(sample, name) == getattr(result.stats, name), name
    for now, tier, times in zip(sample.tiers, result.stats.tiers, result.tier_times):
        for name in TIER_COUNTS.split():
            assert getattr(now, name) == getattr(tier, name), (now, name)
        assert now.high_water_ns == times.high_water_ns
        assert now.first_miss_ns == times.first_miss_ns
        is_full = now.high_water == now.slot_count
        assert now.first_full_ns == (times.high_water_ns if is_full else None)
    assert sample.missed_bytes_peak == result.missed_bytes_peak
    assert sites == result.sites
    beside = rp.Heap(sample.heap.kind, sample.heap.arena_bytes, alignment=4)
    run = beside.run(trace)
    assert (sample.heap.requests, sample.heap.failures) == (run.requests, run.failures)
    assert sample.heap.largest_free == beside.largest_free
    assert sample.heap.total_free == beside.total_free
    print(f"{len(trace):,} events, {sample.misses:,} missed, {run.failures:,} by the heap")


# ---- A program ----


@pytest.mark.parametrize("policy", ["strict", "spill"])
@pytest.mark.parametrize("name", COMMANDS)
def test_the_last_sample_is_the_replay_of_the_recording_of_that_run(name, policy, tmp_path):
    samples, sites = watched(COMMANDS[name], config(policy), spool=tmp_path)
    (path,) = recordings(tmp_path)
    process = read_process(path)
    assert process.is_complete and process.events > 5000
    assert process.threads > 1 or name != "threads"
    last = samples[-1]
    assert (last.state, last.status) == ("ended", 0)
    assert last.misses > 0 or name == "threads"
    check_equal(last, sites, process, config(policy))
    kept = [miss for miss in last.last_misses]
    rows = [row for row in process.trace.alloc_rows]
    sizes = process.trace.events["size"][rows].tolist()
    assert len(kept) == min(16, last.misses)
    assert all(miss.size_bytes in sizes and miss.site for miss in kept)
    assert [miss.time_ns for miss in kept] == sorted(miss.time_ns for miss in kept)


def test_samples_only_ever_grow_and_each_adds_up():
    samples, _ = watched(COMMANDS["sqlite3"], period_s=0.005)
    print(f"{len(samples)} samples, events {[sample.events for sample in samples][:6]}")
    assert samples[-1].events > 5000
    for before, sample in zip(samples, samples[1:]):
        for name in ("time_ns", "events", "requests", "hits", "misses"):
            assert getattr(before, name) <= getattr(sample, name)
    for sample in samples:
        assert sample.requests == sample.hits + sample.spills + sample.misses
        assert sum(tier.in_use for tier in sample.tiers) == sample.in_use
        assert sum(tier.requests for tier in sample.tiers) + sample.oversize == sample.requests
        assert json.loads(json.dumps(sample.to_dict()))["misses"] == sample.misses


def test_a_child_is_watched_if_it_is_asked_for_and_its_inherited_blocks_are_no_events(tmp_path):
    command = [program("record_ends.c"), "fork"]
    samples, sites = watched(command, process=2, spool=tmp_path)
    processes = [read_process(path) for path in recordings(tmp_path)]
    assert len(processes) == 4 and processes[1].parent_pid == processes[0].pid
    assert samples[-1].other_processes == 3
    check_equal(samples[-1], sites, processes[1], config())


def test_what_a_command_becomes_by_exec_is_watched_from_an_empty_pool_on(tmp_path):
    samples, sites = watched(["env", "A=1", *COMMANDS["jq"]], spool=tmp_path)
    first, second = [read_process(path) for path in recordings(tmp_path)]
    assert first.pid == second.pid and second.program.endswith("jq")
    check_equal(samples[-1], sites, second, config())


def test_files_of_processes_that_are_not_watched_are_removed(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    script = "i=0; while [ $i -lt 20 ]; do /bin/true; i=$((i+1)); done"
    with Recorded(config(), ["sh", "-c", script]) as source:
        last = list(source.samples(0.05))[-1]
        files = [path.name for path in tmp_path.rglob("*.raw")]
        assert files == [f"{source.process.pid}.0.raw"]
    assert last.other_processes >= 20 and last.events > 0


def test_a_process_that_there_is_not_is_named():
    with pytest.raises(TraceError, match="process.*'3'.*there is no such process; there were 1"):
        watched(["jq", "-n", "1"], process=3)
    with pytest.raises(ConfigError, match="process: 0 is not 1 or more"):
        Recorded(config(), ["jq"], process=0)


def test_a_command_that_cannot_be_started_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with pytest.raises(FileNotFoundError):
        watched(["/no/such/program"])
    assert list(tmp_path.iterdir()) == []


def test_leaving_early_ends_the_command_and_removes_what_it_recorded(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with Recorded(config(), ["sleep", "60"]) as source:
        assert next(iter(source.samples(0.05))).state in ("waiting", "running")
        pid = source.process.pid
        assert len(list(tmp_path.iterdir())) == 1
    assert source.process.returncode == -15 and not Path(f"/proc/{pid}").exists()
    assert list(tmp_path.iterdir()) == []


def test_a_command_that_is_stopped_gives_a_last_sample_with_its_status():
    with Recorded(config(), ["sleep", "60"]) as source:
        samples = source.samples(0.05)
        assert any(sample.state == "running" for sample in samples)
        source.stop()
        assert [sample.status for sample in samples][-1] == 128 + 15


def resident_pages():
    return int(Path("/proc/self/statm").read_text().split()[1])


def test_neither_memory_nor_disk_grows_with_the_events(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    busy = tmp_path / "busy"
    subprocess.run(["gcc", "-O2", BUSY, "-o", busy], check=True)
    pages, events, disk = [], [], []
    pool = config(tiers="32x400,512x600")
    with Recorded(pool, [str(busy), "5000000"], stdout=subprocess.DEVNULL) as source:
        for sample in source.samples(0.1):
            if sample.state == "waiting":
                continue
            pages.append(resident_pages())
            events.append(sample.events)
            (path,) = tmp_path.glob("pyrns-pool-live-*/*.raw")
            disk.append((path.stat().st_size, 512 * path.stat().st_blocks))
    assert events[-1] > 10**7
    early = next(i for i, count in enumerate(events) if count > 10**6)
    grown = (max(pages[early:]) - pages[early]) * os.sysconf("SC_PAGESIZE")
    size, used = disk[-1]
    print(
        f"{events[-1]:,} events, {len(pages)} samples; {grown:,} bytes of memory more than after"
    )
    print(f"{events[early]:,}; {size:,} bytes were recorded, {used:,} of them on disk at the end")
    assert grown < 4 << 20
    assert size > 40 << 20 and used < size / 2


# ---- The file, piece by piece ----


def fed(path):
    """Return a follower of a file that a test writes, and the engine that it feeds."""
    engine = Engine(config())
    return Follower(path, engine.feed_native, is_kept=True), engine


def test_a_number_that_never_comes_is_lost_at_the_end(tmp_path):
    chunk = Chunk()
    for index, op in enumerate([ALLOC, ALLOC, None, VOID, FREE, FREE]):
        if op is not None:
            chunk.event(op, index, 10 * index, 16 * (1 + index % 2), 20, 1)
    write(tmp_path / "a.raw", [chunk], 8)
    follower, engine = fed(tmp_path / "a.raw")
    follower.read()
    assert (engine.events, follower.behind, follower.lost) == (2, 6, 0)
    follower.finish()
    assert (engine.events, follower.behind, follower.lost, follower.void) == (4, 0, 3, 1)
    follower.close()


def test_a_gap_is_given_up_only_while_the_process_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(_follow, "GAP_S", -1.0)
    chunk = Chunk()
    chunk.event(ALLOC, 1, 5, 32, 20, 1)
    write(tmp_path / "a.raw", [chunk], 2)
    follower, engine = fed(tmp_path / "a.raw")
    for _ in range(4):
        follower.read()  # The process may have been stopped in the middle of event 0.
    assert (engine.events, follower.lost) == (0, 0)
    chunk.event(FREE, 2, 6, 32)
    write(tmp_path / "a.raw", [chunk], 3)
    for _ in range(4):
        follower.read()
    assert (engine.events, follower.lost, follower.behind) == (2, 1, 0)
    follower.close()


def test_a_block_over_a_live_one_keeps_the_slot_as_in_a_replay(tmp_path):
    chunk = Chunk()
    for index, op in enumerate([ALLOC, ALLOC, FREE, FREE]):
        chunk.event(op, index, 10 * index, 64, 20, 1)
    write(tmp_path / "a.raw", [chunk], 4)
    follower, engine = fed(tmp_path / "a.raw")
    follower.finish()
    process = read_process(tmp_path / "a.raw")
    assert (engine.unfreed_reuses, engine.unpaired_frees) == (1, 1)
    assert (process.unfreed_reuses, process.unpaired_frees) == (1, 1)
    stats = rp.replay(process.trace, config()).stats
    assert engine.stats().tiers == stats.tiers and stats.in_use == 1
    follower.close()


def test_a_chunk_that_is_damaged_is_counted_and_the_rest_is_read(tmp_path):
    good, bad = Chunk(), Chunk()
    good.event(ALLOC, 1, 5, 32, 20, 1)
    bad.event(ALLOC, 0, 5, 48, 20, 1)
    bad.records += b"\xff" * 12
    write(tmp_path / "a.raw", [bad, good], 2)
    follower, engine = fed(tmp_path / "a.raw")
    follower.finish()
    assert (engine.events, follower.damaged_chunks) == (2, 1)
    follower.close()


# ---- A workload ----


SPECS = {
    "node": SoakSpec(config(tiers="64x200,256x100,512x8"), "node", 1, 7),
    "mixed": SoakSpec(config(tiers="64x200,256x200,512x32"), "mixed", 1, 7),
}


@functools.lru_cache(maxsize=None)
def soak(name):
    return rp.run_soak(SPECS[name])


@pytest.mark.parametrize("name, speed", [("node", None), ("node", 20000.0), ("mixed", 9000.0)])
def test_the_last_sample_of_a_workload_is_the_result_of_its_soak(name, speed):
    spec, expected = SPECS[name], soak(name)
    with Workload(spec, speed=speed) as source:
        samples = list(source.samples(0.02))
        result = source.soak.result()
    last = samples[-1]
    print(f"{len(samples)} samples, {last.misses:,} of {last.requests:,} missed")
    assert len(samples) > 3
    assert result.stats == expected.stats and result.counts == expected.counts
    assert (result.series["hours"] == expected.series["hours"]).all()
    assert (last.time_ns, last.events) == (spec.hours * HOUR_NS, expected.workload.events)
    for count in COUNTS:
        assert getattr(last, count) == getattr(expected.stats, count), count
    for now, tier, times in zip(last.tiers, expected.stats.tiers, expected.tier_times):
        assert all(getattr(now, n) == getattr(tier, n) for n in TIER_COUNTS.split())
        assert (now.high_water_ns, now.first_miss_ns) == (times.high_water_ns, times.first_miss_ns)
    hours = expected.series["hours"]
    assert last.heap.requests == hours["heap_requests"].sum()
    assert last.heap.failures == hours["heap_failures"].sum()
    assert last.misses and len(last.last_misses) == 16


def test_a_workload_at_its_own_speed_keeps_to_the_clock():
    spec = SoakSpec(config(tiers="64x200,256x100,512x8"))
    with Workload(spec, speed=60.0) as source:
        samples = source.samples(0.1)
        early = [next(samples) for _ in range(4)]
        source.stop()
        last = list(samples)[-1]
    times = [sample.time_ns for sample in early]
    print(times)
    assert times[0] == 0 and times == sorted(set(times))
    assert times[3] >= 60 * 200_000_000  # The last step is begun within its period.
    assert last.state == "ended" and last.time_ns < HOUR_NS


def test_workloads_and_speeds_that_there_are_not_are_refused():
    with pytest.raises(ConfigError, match="workload: 'adversarial' is not one of node, rtp"):
        Workload(SoakSpec(config(), "adversarial"))
    with pytest.raises(ConfigError, match="speed: 0 is not above 0"):
        Workload(SoakSpec(config()), speed=0)


# ---- Alarms and windows ----


def heap(largest):
    return HeapNow("tlsf", 2000, 1000, largest, 0, 0)


def test_alarms_begin_at_the_upper_value_and_end_below_the_lower_one():
    alarms = Alarms(config(tiers="64x10,128x15"))
    misses = Engine(config()).misses
    steps = [  # Of 10 slots 9 are 90 % and 8 are 80 %; of 15, 13.5 and 12.
        ((8, 13), 600, []),
        ((9, 14), 501, [(ALARMS[0], 64), (ALARMS[0], 128)]),
        ((8, 12), 500, [(ALARMS[0], 64), (ALARMS[0], 128), (ALARMS[2], None)]),
        ((7, 11), 550, [(ALARMS[2], None)]),
        ((8, 13), 551, []),
        ((10, 0), 551, [(ALARMS[0], 64)]),
    ]
    for at, (peaks, largest, on) in enumerate(steps):
        found = alarms.step(at, peaks, misses, heap(largest))
        assert {(a.name, a.slot_bytes) for a in found if a.is_on} == set(on), at
    raised = {(a.name, a.slot_bytes): (a.raised, a.since_ns) for a in found}
    assert raised == {(ALARMS[0], 64): (2, 5), (ALARMS[0], 128): (1, 3), (ALARMS[2], None): (1, 4)}


def test_the_window_is_ten_seconds_or_the_last_step_if_that_is_longer():
    windows = Windows()
    second = 10**9
    steps = [windows.step(t * second, 100 * t, t * t) for t in (1, 4, 11, 12, 40)]
    assert [(w.ns // second, w.requests, w.misses) for w in steps] == [
        (1, 100, 1),
        (4, 400, 16),
        (10, 1000, 120),
        (11, 1100, 143),
        (28, 2800, 1456),
    ]
    assert steps[2].hit_rate == 0.88 and steps[2].misses_per_s == 12.0
    empty = Windows().step(0, 0, 0)
    assert (empty.hit_rate, empty.misses_per_s) == (None, 0.0)


def test_the_package_is_watched_without_rich():
    code = "import sys; sys.modules['rich'] = None; import pyrns_pool.live, pyrns_pool.cli"
    subprocess.run([sys.executable, "-c", code], check=True)
