"""The process's own malloc beside pool and heap models: time and resident memory, nothing else."""

import json
import resource

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_cli import pyrns_pool
from test_compare import traces

import pyrns_pool as rp
from pyrns_pool import _compare_time
from pyrns_pool._native import none
from pyrns_pool._native_pool import NativePool
from pyrns_pool._results_file import read_result

MIB = 1 << 20
MEASURED = ("ns_per_event", "rss_bytes", "library")


def trace_of(count, size_bytes, is_kept):
    """Return a trace of blocks that are kept to the end, or freed one after the other."""
    ids = np.arange(count) if is_kept else np.repeat(np.arange(count), 2)
    op = np.zeros(count) if is_kept else np.tile([0, 1], count)
    columns = {"t_ns": np.arange(len(ids)), "op": op.astype(np.uint8), "id": ids}
    return rp.Trace.from_events({**columns, "size": np.where(op == 0, size_bytes, 0)})


@pytest.mark.parametrize(
    ("is_kept", "least", "most"), [(True, 24 * MIB, 28 * MIB), (False, 0, 3 * MIB)]
)
def test_resident_memory_grows_by_what_is_live_at_the_peak(is_kept, least, most):
    run = _compare_time.run_malloc(trace_of(24 * 16, MIB // 16, is_kept))
    print(run)
    assert least <= run.rss_bytes <= most and run.ns_per_event > 0 and run.library == "libc"


def test_what_is_preloaded_is_named(monkeypatch):
    monkeypatch.setenv("LD_PRELOAD", "libm.so.6")
    assert _compare_time.run_malloc(trace_of(9, 100, True)).library == "libm.so.6"


def test_a_request_that_it_refuses_is_an_error():
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (1 << 35, before[1]))  # Some machines have 64 GiB.
    try:
        with pytest.raises(rp.PyrnsPoolError) as caught:
            _compare_time.run_malloc(trace_of(1, 1 << 36, True))
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
    assert str(caught.value) == "malloc: refused requests; the largest is of 68,719,476,736 bytes"


@settings(max_examples=40, deadline=None)
@given(traces(), st.sampled_from(["16x1", "64x4,512x2"]), st.sampled_from([1024, 4096]))
def test_what_is_timed_is_what_is_compared(trace, tiers, arena):
    lib, ffi = none
    config = rp.PoolConfig.parse(tiers)
    result = rp.compare(trace, config, [arena], heaps=["first_fit"], bins=1)
    for one in result.contenders:
        pool = NativePool(none, config.with_policy(one.contender[5:])) if one.is_pool else None
        inside = next((use.bytes for use in one.regions if use.what == one.heap), 0)
        heap = rp.Heap(one.heap, inside) if one.heap else None
        free = heap.total_free if heap else 0
        timed = _compare_time.Timed(trace)
        state = timed.native
        state.pool = pool.pool if pool else ffi.NULL
        state.heaps[1] = heap.native if heap else ffi.NULL
        for _ in range(2):
            lib.rns_timed_begin(state)
            lib.rns_timed_run(state, 0, len(trace))
            assert pool or heap or state.failures == 0
            assert state.failures == one.failures
            lib.rns_timed_end(state)
            assert (heap.total_free if heap else 0) == free
            assert pool is None or pool.stats().in_use == 0


@pytest.fixture(scope="module")
def result():
    trace = rp.packet_node(13_000, events=20_000)
    return rp.compare(trace, rp.PoolConfig.parse("200x9"), [8192, 16384], heaps=["tlsf", "malloc"])


def test_only_time_and_memory_are_said_of_malloc_and_time_of_all(result):
    *rows, last = json.loads(json.dumps(result.to_list(), allow_nan=False))
    assert [row["contender"] for row in rows] == ["pool_strict", "pool_spill", "tlsf"] * 2
    for row in rows:
        assert list(row) == list(last)
        assert row["ns_per_event"] > 0 and row["rss_bytes"] is row["library"] is None
    assert {name for name, value in last.items() if value is not None} == {"contender", *MEASURED}
    assert last["contender"] == "malloc"


def test_nothing_is_measured_unless_malloc_is_asked_for():
    trace = rp.packet_node(2000, events=500)
    result = rp.compare(trace, rp.PoolConfig.parse("200x9"), [8192], heaps=["tlsf"])
    assert result.malloc is None
    assert [row[name] for row in result.to_list() for name in MEASURED] == [None] * 9


def test_a_result_comes_back_and_so_does_one_from_before_malloc(result, tmp_path):
    result.save(tmp_path / "result.npz")
    again = rp.load_result(tmp_path)
    assert again.to_list() == result.to_list() and again.malloc == result.malloc
    values, members = read_result(tmp_path, {rp.CompareResult.FORMAT: lambda *both: both})
    del values["malloc"]
    for one in values["contenders"]:
        del one["ns_per_event"]
    text = np.frombuffer(json.dumps(values).encode(), np.uint8)
    np.savez(tmp_path / "old.npz", **{**members, "values": text})
    old = rp.load_result(tmp_path / "old.npz")
    assert old.malloc is None and old.contenders[0].ns_per_event is None
    assert old.to_list()[2]["failures"] == result.to_list()[2]["failures"]


def test_the_table_has_a_row_for_malloc_and_the_figures_do_not_miss_it(tmp_path):
    run = ("compare", "packet-node", "--arena", "8KiB", "--load", "40", "--heaps", "tlsf,malloc")
    text = pyrns_pool(*run, "-o", tmp_path / "out", "--plot")
    header, *rows = text.split("\n\n")[2].splitlines()
    assert header.split()[-3:] == ["ns/event", "RSS", "growth"]
    cells = rows[3].split()
    assert cells[:3] == ["malloc", "(libc)", "-"] and float(cells[-2]) > 0
    assert int(cells[-1].replace(",", "")) >= 0
    assert (tmp_path / "out" / "ram.png").exists()


def test_a_process_that_fails_is_said_in_one_line(monkeypatch):
    monkeypatch.setattr(_compare_time, "CORE_NONE_FILE", "/nonexistent.so")
    with pytest.raises(rp.PyrnsPoolError, match="^malloc: the process that times it failed: Imp"):
        _compare_time.run_malloc(trace_of(1, 1, True))
