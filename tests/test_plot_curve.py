"""The figure of hit curves: as counted, with its twin, whatever the curves are."""

import csv

import numpy as np
import pytest
from figures import assert_words_stand_apart
from test_curve import ANOMALY, loop, trace_of

import pyrns_pool as rp
from pyrns_pool import plot
from pyrns_pool.curve_results import CurveSet

TRACES = [rp.packet_node(13_000 + 800 * seed, events=8000, seed=seed) for seed in (1, 2, 3)]
BOUNDS = [112, 200, 504]


def make(count, **arguments):
    curves = (rp.hit_curve(trace, BOUNDS, **arguments) for trace in TRACES[:count])
    return CurveSet(tuple(curves))


RESULTS = {
    "exact": lambda: make(1, loads=True),
    "chosen": lambda: make(1, loads=True, chosen=[25, 50, 10]),
    "band": lambda: make(3, chosen=[25, 50, 10]),
    "spill": lambda: make(1, policy="spill", chosen=[4, 4, 4]),
    "spill band": lambda: make(3, policy="spill", chosen=[4, 4, 4]),
    "loop": lambda: CurveSet((rp.hit_curve(loop, [64], chosen=[9]),)),
    "nothing": lambda: CurveSet((rp.hit_curve(trace_of([(90, 0)]), [32, 64], loads=True),)),
    "eight": lambda: CurveSet((rp.hit_curve(TRACES[0], range(64, 576, 64), loads=True),)),
}


@pytest.fixture(params=list(RESULTS), scope="module")
def result(request):
    return RESULTS[request.param]()


def test_it_is_saved_with_its_data_and_twice_alike(result, tmp_path):
    paths = plot.save_figures(result, tmp_path / "one")
    again = plot.save_figures(result, tmp_path / "two")
    assert [path.name for path in paths] == [f"hit_curve.{kind}" for kind in ("svg", "png", "csv")]
    assert [path.read_bytes() for path in paths] == [path.read_bytes() for path in again]
    with open(tmp_path / "one" / "hit_curve.csv", newline="") as file:
        header, *lines = csv.reader(file)
    rows = plot.hit_curve_data(result)
    assert tuple(header) == rows.dtype.names and len(lines) == len(rows)
    points = sum(len(tier.points) for curve in result.curves for tier in curve.tiers)
    assert len(rows) == points


def test_no_word_lies_on_another(result, monkeypatch):
    assert_words_stand_apart(lambda: plot.hit_curve_figure(result), monkeypatch)


def test_the_title_says_exact_or_simulated(result):
    texts = [text.get_text() for text in plot.hit_curve_figure(result).texts]
    method = result.curves[0].method
    assert texts[0].startswith(f"Hit rate against slot count: {method}, ")


def test_the_lines_are_the_rows_of_the_twin():
    result = RESULTS["chosen"]()
    rows = plot.hit_curve_data(result)
    for tier, ax in enumerate(plot.hit_curve_figure(result).axes):
        mine = rows[rows["tier"] == tier]
        curve, erlang, zero, chosen = ax.lines
        assert np.array_equal(curve.get_xdata(), np.append(0, mine["slots"]))
        assert np.array_equal(curve.get_ydata(), np.append(0, mine["hit_rate"]))
        assert np.array_equal(erlang.get_ydata()[1:], mine["erlang_b"])
        assert zero.get_xdata() == [mine["slots"][-1]] and zero.get_ydata() == [1.0]
        slots = result.curves[0].chosen[tier]
        at = mine[np.minimum(slots, mine["slots"][-1]) - 1]
        assert (chosen.get_xdata()[0], chosen.get_ydata()[0]) == (slots, at["hit_rate"])


def test_a_simulation_shows_the_whole_pool_beside_the_tier():
    trace = trace_of([(1, 0), *((size, which + 1) for size, which in ANOMALY)])
    curve = rp.hit_curve(trace, [32, 64], "spill", chosen=[1, 1], counts=[1, 2, 3])
    rows = plot.hit_curve_data(CurveSet((curve,)))
    assert rows["pool_hit_rate"][:3].tolist() == [0.8, 0.6, 1.0]
    tier, pool = plot.hit_curve_figure(CurveSet((curve,))).axes[0].lines[:2]
    assert tier.get_ydata().tolist() == rows["hit_rate"][:3].tolist()
    assert pool.get_ydata().tolist() == [0.8, 0.6, 1.0]
