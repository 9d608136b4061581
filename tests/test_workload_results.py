"""Results of workloads: kept whole in a file, told apart from replays, refused when damaged."""

import json
import pickle
from dataclasses import replace

import numpy as np
import pytest
from workload_fixture import RESULTS, ops_result

import pyrns_pool as rp
from pyrns_pool.errors import ResultError
from pyrns_pool.results import ReplayResult
from pyrns_pool.workload_results import COW_DTYPE, WorkloadResult, WorkloadSummary, coarsen_cow

SERIES = {"rate": np.array([(1, 2.5)], [("t_ns", "<i8"), ("bps", "<f8")]), "x": np.zeros((2, 0))}


def same(a, b):
    """Return whether two results are equal in everything."""
    arrays = [
        (r.timeline.edges_ns, r.timeline.bins, r.timeline.oversize, r.cow, *r.series.values())
        for r in (a, b)
    ]
    return (
        a.to_dict() == b.to_dict()
        and (a.stats, a.tier_times, a.config) == (b.stats, b.tier_times, b.config)
        and (a.workload, a.bytes, a.tables, a.counts) == (b.workload, b.bytes, b.tables, b.counts)
        and list(a.series) == list(b.series)
        and all(
            (x.dtype, x.shape, x.tobytes()) == (y.dtype, y.shape, y.tobytes())
            for x, y in zip(*arrays)
        )
    )


@pytest.mark.parametrize("name", RESULTS)
def test_a_result_survives_its_file_and_pickling(name, tmp_path):
    result = replace(RESULTS[name](), series=SERIES)
    result.save(tmp_path / "result.npz")
    loaded = WorkloadResult.load(tmp_path)
    assert same(loaded, result) and isinstance(rp.load_result(tmp_path), WorkloadResult)
    assert same(pickle.loads(pickle.dumps(result)), result)
    loaded.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "result.npz").read_bytes()
    assert not same(loaded, replace(result, counts={"more": 1}))


def test_a_replay_and_a_workload_are_told_apart(tmp_path):
    columns = {"t_ns": [0], "op": [0], "id": [1], "size": [32]}
    rp.replay(rp.Trace.from_events(columns), rp.PoolConfig.parse("64x1")).save(tmp_path / "r")
    ops_result().save(tmp_path / "w")
    assert isinstance(rp.load_result(tmp_path / "r"), ReplayResult)
    with pytest.raises(ResultError, match=r"\(its format is 'pyrns_pool replay 1'\)$"):
        WorkloadResult.load(tmp_path / "r")
    with pytest.raises(ResultError, match=r"\(its format is 'pyrns_pool workload 1'\)$"):
        ReplayResult.load(tmp_path / "w")


def test_the_summary_is_that_of_a_replay_with_bytes_tables_and_counts():
    result = ops_result()
    values = result.to_dict()
    assert json.loads(json.dumps(values)) == values
    columns = {"t_ns": [0], "op": [0], "id": [1], "size": [32]}
    replayed = rp.replay(rp.Trace.from_events(columns), rp.PoolConfig.parse("64x1")).to_dict()
    only_replays = {"missed_bytes_peak", "missed_bytes_peak_ns", "trace"}
    only_replays |= {"episodes", "episode_count"}
    only_workloads = {"bytes", "tables", "counts", "workload"}
    assert set(replayed) - set(values) == only_replays
    assert set(values) - set(replayed) == only_workloads
    assert set(values["tiers"][0]) == set(replayed["tiers"][0])
    assert values["tables"][0]["name"] == "paths" and values["bytes"]["cow_copies"] > 0


def test_what_a_result_holds_cannot_be_changed_from_outside(tmp_path):
    counts, provenance = {"sent": 1}, {"file": "a"}
    result = replace(
        ops_result(), counts=counts, workload=WorkloadSummary("node", 1, 2, 3, provenance)
    )
    counts["sent"], provenance["file"] = 2, "b"
    assert result.counts == {"sent": 1} and result.workload.provenance == {"file": "a"}
    result.save(tmp_path / "a")
    loaded = WorkloadResult.load(tmp_path / "a")
    for array in (result.cow, *result.series.values(), loaded.cow, *loaded.series.values()):
        with pytest.raises(ValueError):
            array[:1] = array[:1]


def damaged(path, **arrays):
    with np.load(path) as archive:
        members = {name: archive[name] for name in archive.files}
    np.savez(path, **{**members, **arrays})


@pytest.mark.parametrize(
    "arrays, text",
    [
        ({"cow": np.zeros(3, COW_DTYPE)}, "cow has the shape"),
        ({"cow": np.zeros(700, "<u8")}, "cow is uint64"),
        ({"series.status": np.array([None])}, "allow_pickle=False"),
        ({"values": np.frombuffer(b'{"format": "pyrns_pool workload 1"}', "u1")}, "'stats'"),
    ],
)
def test_a_damaged_file_is_refused_on_one_line(arrays, text, tmp_path):
    path = tmp_path / "result.npz"
    ops_result().save(path)
    damaged(path, **arrays)
    for load in (WorkloadResult.load, rp.load_result):
        with pytest.raises(ResultError) as caught:
            load(path)
        assert str(caught.value).startswith(f"{path}: not a result of pyrns_pool (")
        assert text in str(caught.value) and str(caught.value).isprintable()


@pytest.mark.parametrize("bins_max", [1, 7, 200, 699, 700, 701])
def test_coarser_bins_of_copies_are_those_of_the_timeline(bins_max):
    result = ops_result()
    coarse = coarsen_cow(result.cow, bins_max)
    edges = result.timeline.coarsen(bins_max).edges_ns
    assert len(coarse) == len(edges) - 1 == min(bins_max, 700)
    of_bin = np.searchsorted(edges, result.timeline.edges_ns[:-1], side="right") - 1
    for name in COW_DTYPE.names:
        sums = [int(result.cow[name][of_bin == i].sum()) for i in range(len(coarse))]
        assert coarse[name].tolist() == sums
