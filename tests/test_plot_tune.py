"""Figure of tuning: drawn as found, with its twins, whatever stands beside."""

import csv

import numpy as np
import pytest
from figures import assert_words_stand_apart

import pyrns_pool as rp
from pyrns_pool import plot

TWINS = {"tune": plot.tune_front_data, "tune_pools": plot.tune_data}
PRESETS = [(name, rp.PoolConfig.preset(name)) for name in rp.preset_names()]


def make(tiers=4, compared=PRESETS, **goal):
    recorded = rp.load_trace(rp.shipped("microreticulum_node_a.npz"))
    trace = rp.Trace(recorded.events[:30_000], recorded.sites)
    return rp.tune(
        trace,
        **(goal or {"budget_bytes": 16_384}),
        max_tiers=tiers,
        candidates=[16, 32, 64, 128, 256, 512],
        compared=compared,
    )


def without_time():
    columns = {"t_ns": [0, 1], "op": [0, 1], "id": [5, 5], "size": [0, 0]}
    return rp.tune(rp.Trace.from_events(columns, has_time=False), max_misses=0)


RESULTS = {
    "presets": make,
    "one tier": lambda: make(1),
    "eight tiers, nothing beside": lambda: make(8, []),
    "a rate": lambda: make(3, PRESETS[:1], min_hit_rate=0.75),
    "all alike": lambda: make(2, [(f"copy {i}", PRESETS[0][1]) for i in range(3)]),
    "nothing": without_time,
}


@pytest.fixture(params=list(RESULTS), scope="module")
def result(request):
    return RESULTS[request.param]()


def test_the_figure_is_saved_with_its_data_and_twice_alike(result, tmp_path):
    paths = plot.save_figures(result, tmp_path / "one")
    again = plot.save_figures(result, tmp_path / "two")
    assert [path.name for path in paths] == ["tune.svg", "tune.png", "tune.csv", "tune_pools.csv"]
    assert [path.read_bytes() for path in paths] == [path.read_bytes() for path in again]
    for name, twin in TWINS.items():
        with open(tmp_path / "one" / f"{name}.csv", newline="") as file:
            header, *lines = csv.reader(file)
        rows = twin(result)
        assert tuple(header) == rows.dtype.names
        assert lines == [[str(value) for value in row] for row in rows.tolist()]


def test_the_lines_and_marks_are_the_data(result):
    figure = plot.tune_figure(result)
    rows, pools = plot.tune_front_data(result), plot.tune_data(result)
    beside = [other.name for other in result.compared]
    for ax, name in zip(figure.axes, ("hit_rate", "fragmentation")):
        steps = [line for line in ax.lines if line.get_drawstyle() == "steps-post"]
        assert len(steps) == result.goal.max_tiers
        for number, line in enumerate(steps, start=1):
            mine = rows[rows["max_tiers"] == number]
            assert np.array_equal(line.get_xdata(), mine["bytes"] / 1024)
            assert np.array_equal(line.get_ydata(), 100 * mine[name])
        for mark, names in (("*", ["tuned"]), ("s", beside)):
            drawn = [line for line in ax.lines if line.get_marker() == mark]
            points = [(line.get_xdata()[0], line.get_ydata()[0]) for line in drawn]
            wanted = [pools[pools["pool"] == one][0] for one in names]
            wanted = [(row["bytes"] / 1024, 100 * row[name]) for row in wanted]
            assert points == wanted


def test_the_marked_pools_are_those_of_the_result(result):
    pools = {row["pool"]: row for row in plot.tune_data(result)}
    assert pools["tuned"]["served"] == result.total.hits
    for one in result.compared:
        assert pools[one.name]["served"] == one.served
        if one.tuned is not None:
            assert pools[f"tuned for {one.name}"]["served"] == one.replayed


@pytest.mark.parametrize("name", [name for name in RESULTS if name != "all alike"])
def test_no_words_leave_the_sheet_or_lie_on_others(name, monkeypatch):
    result = RESULTS[name]()
    assert_words_stand_apart(lambda: plot.tune_figure(result), monkeypatch)
