"""Figures of a soak: drawn as recorded, with their twins."""

import csv

import numpy as np
import pytest
from figures import assert_words_stand_apart
from matplotlib.collections import LineCollection
from matplotlib.patches import StepPatch

import pyrns_pool as rp
from pyrns_pool import plot
from pyrns_pool.workloads.soak import HOUR_DTYPE

POOL = rp.PoolConfig.parse("64x40,256x24,512x8")
HOUR_NS = 3_600_000_000_000


@pytest.fixture(scope="module")
def hard():
    return rp.run_soak(rp.SoakSpec(POOL, "adversarial", hours=5, seed=3))


@pytest.fixture(scope="module")
def calm():
    return rp.run_soak(rp.SoakSpec(rp.PoolConfig.parse("64x2240,256x1600,512x160"), hours=1))


def test_the_figures_and_their_twins_are_in_the_set(hard, calm, tmp_path):
    names = {path.name for path in plot.save_figures(hard, tmp_path, formats=["svg"])}
    assert {"soak.svg", "soak.csv", "alarms.svg", "alarms.csv", "occupancy.svg"} <= names
    for name in ("soak", "alarms"):
        rows = getattr(plot, f"{name}_data")(hard)
        with open(tmp_path / f"{name}.csv", newline="") as file:
            header, *lines = csv.reader(file)
        print(f"{name}: {len(lines):,} rows of {len(header)}")
        assert tuple(header) == rows.dtype.names and len(lines) > 0
        assert lines == [[str(value) for value in row] for row in rows.tolist()]
    names = {path.name for path in plot.save_figures(calm, tmp_path / "calm", formats=["svg"])}
    assert "soak.svg" in names and "alarms.svg" not in names


def test_the_hours_are_drawn_as_recorded(hard):
    hours = hard.series["hours"]
    rows = plot.soak_data(hard)
    assert rows["start_ns"].tolist() == [hour * HOUR_NS for hour in range(5)]
    assert rows["end_ns"].tolist() == [hour * HOUR_NS for hour in range(1, 6)]
    assert all((rows[name] == hours[name]).all() for name in HOUR_DTYPE.names)
    free, fragmentation = plot.soak_figure(hard).axes
    drawn = {
        patch.get_label(): patch.get_data().values
        for ax in (free, fragmentation)
        for patch in ax.patches
        if isinstance(patch, StepPatch)
    }
    assert len(drawn) == 5
    for name, values in drawn.items():
        scale = 10_000 if name.endswith("_ppm") else 1
        assert np.array_equal(values, hours[name] / scale)


def test_an_alarm_is_a_bar_from_its_raise_to_its_end(hard):
    alarms = hard.series["alarms"]
    (ax,) = plot.alarms_figure(hard).axes
    bars = sum(len(c.get_segments()) for c in ax.collections if isinstance(c, LineCollection))
    marks = sum(len(line.get_xdata()) for line in ax.lines if line.get_marker() == "|")
    print(f"{bars:,} bars")
    assert bars == marks == alarms["raised"].sum() > 100
    spans = [segment for c in ax.collections for segment in c.get_segments() if len(segment) == 2]
    width = sum(end[0] - begin[0] for begin, end in spans)
    signs = np.where(alarms["raised"], -1, 1)
    still_on = int(alarms["raised"].sum() - (~alarms["raised"]).sum())
    on_ns = int((signs * alarms["t_ns"]).sum()) + still_on * 5 * HOUR_NS
    assert width == pytest.approx(on_ns / HOUR_NS)


@pytest.mark.parametrize("sheet", ["soak", "alarms"])
def test_no_words_of_a_sheet_leave_it_or_lie_on_others(hard, sheet, monkeypatch):
    assert_words_stand_apart(lambda: getattr(plot, f"{sheet}_figure")(hard), monkeypatch)


def test_what_is_no_soak_or_had_no_alarm_is_refused(calm):
    ops = rp.Workload()
    ops.drop(ops.create(10))
    other = rp.run_ops(ops.repeat(np.array([0])), POOL)
    with pytest.raises(ValueError, match="no soak"):
        plot.soak_figure(other)
    with pytest.raises(ValueError, match="no alarm"):
        plot.alarms_figure(calm)
