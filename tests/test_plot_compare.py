"""Figures of a comparison: drawn as counted, each with its twin, at any number of arenas."""

import csv

import numpy as np
import pytest
from figures import assert_words_stand_apart
from matplotlib.patches import StepPatch

import pyrns_pool as rp
from pyrns_pool import plot

FIGURES = ("largest_free", "heap_fragmentation", "ram")
TWINS = {
    "largest_free": plot.compare_data,
    "heap_fragmentation": plot.compare_data,
    "ram": plot.ram_data,
    "failures": plot.failures_data,
}


def make(arenas, heaps=rp.HEAPS, machine=None, bins=1000):
    trace = rp.packet_node(13_000, events=20_000, seed=3)
    pool = rp.sized_pool(trace, [112, 200, 504])
    return rp.compare(trace, pool, arenas, heaps=heaps, machine=machine, bins=bins)


def without_time():
    """Return what happens to one block of no bytes, by a recorder that kept no time."""
    columns = {"t_ns": [0, 1], "op": [0, 1], "id": [5, 5], "size": [0, 0]}
    trace = rp.Trace.from_events(columns, has_time=False)
    return rp.compare(trace, rp.sized_pool(trace, [32]), [16_384], heaps=["tlsf", "buddy"])


RESULTS = {
    "failing": lambda: make([16_384]),
    "two arenas": lambda: make([16_384, 65_536]),
    "machine": lambda: make([65_536], machine=rp.machine("esp32s3")),
    "one heap": lambda: make([16_384], heaps=["tlsf"], bins=1),
    "nothing": without_time,
    "pool alone": lambda: make([16_384], heaps=[]),
}


@pytest.fixture(params=list(RESULTS), scope="module")
def result(request):
    return RESULTS[request.param]()


def test_every_figure_is_saved_with_its_data_and_twice_alike(result, tmp_path):
    paths = plot.save_figures(result, tmp_path / "one")
    again = plot.save_figures(result, tmp_path / "two")
    drawn = [f"{name}.{kind}" for name in FIGURES for kind in ("svg", "png")]
    assert [path.name for path in paths] == drawn + [f"{name}.csv" for name in TWINS]
    assert [path.read_bytes() for path in paths] == [path.read_bytes() for path in again]
    for name, twin in TWINS.items():
        with open(tmp_path / "one" / f"{name}.csv", newline="") as file:
            header, *lines = csv.reader(file)
        rows = twin(result)
        assert tuple(header) == rows.dtype.names
        assert lines == [[str(value) for value in row] for row in rows.tolist()]


def test_the_data_adds_up_to_the_result(result):
    rows, ram, failed = (twin(result) for twin in list(TWINS.values())[1:])
    for one, bar in zip(result.contenders, ram):
        mine = [
            table[
                (table["contender"] == one.contender) & (table["arena_bytes"] == one.arena_bytes)
            ]
            for table in (rows, failed)
        ]
        assert mine[0]["failures"].sum() == one.failures
        assert len(mine[1]) == min(one.failures, 10_000)
        states = np.nan_to_num(mine[0]["fragmentation_mean"]) @ mine[0]["events"]
        assert states / one.events == pytest.approx(one.fragmentation_mean)
        assert mine[0]["fragmentation_max"].max() == one.fragmentation_worst
        assert (mine[0]["largest_min"] <= mine[0]["largest_max"]).all()
        assert bar["zero_failure_bytes"] == one.zero_failure_bytes
    assert len(rows) <= 200 * len(result.contenders)


def test_what_is_drawn_is_what_the_twin_says(result):
    rows = plot.compare_data(result)
    arenas = len(result.arenas)
    figure = plot.largest_free_figure(result)
    assert len(figure.axes) == 2 * arenas
    count = 0
    for arena, free, failures in zip(result.arenas, figure.axes[::2], figure.axes[1::2]):
        for ax, column in ((free, "largest_min"), (failures, "failures")):
            lines = {p.get_label(): p.get_data() for p in ax.patches if isinstance(p, StepPatch)}
            assert set(lines) == {one.contender for one in result.contenders}
            for name, line in lines.items():
                mine = rows[(rows["contender"] == name) & (rows["arena_bytes"] == arena)]
                values = np.cumsum(mine[column]) if column == "failures" else mine[column]
                assert line.values.tolist() == values.tolist()
                count += 1
    print(f"{count} lines")
    heaps = {one.contender for one in result.contenders if not one.is_pool}
    for ax in plot.heap_fragmentation_figure(result).axes:
        worst = {f"{name}, worst" for name in heaps}
        assert {patch.get_label() for patch in ax.patches} == heaps | worst
    bars = [bar.get_width() for bar in plot.ram_figure(result).axes[0].patches]
    assert bars == [one.zero_failure_bytes for one in result.of_arena(result.arenas[0])]


@pytest.mark.parametrize(
    "draw", [plot.largest_free_figure, plot.heap_fragmentation_figure, plot.ram_figure]
)
def test_no_word_leaves_the_sheet_or_lies_on_another(draw, result, monkeypatch):
    assert_words_stand_apart(lambda: draw(result), monkeypatch)
