"""Figures: what is drawn is what was counted, on every kind of trace, and the files hold it."""

import csv
import subprocess
import sys
import textwrap

import matplotlib
import numpy as np
import pytest
from figures import assert_words_stand_apart
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch

import pyrns_pool as rp
from pyrns_pool import plot
from pyrns_pool.plot._style import MISS, TIER_COLOURS, TimeAxis, duration_text, percent
from pyrns_pool.plot._style import plain
from pyrns_pool.results import NO_TIER

SECOND = 1_000_000_000
FIGURES = (plot.occupancy_figure, plot.hit_rate_figure, plot.sizes_figure)
EIGHT = "16x4,32x2,64x64,128x8,256x16,500x2,512x3,2048x1"


def traffic(count=2000, seed=7, has_time=True, name="node.csv", scale=1000):
    """Return blocks of many sizes, a third of which stays; some sizes are above 2,048 bytes."""
    rng = np.random.default_rng(seed)
    rows, live, now = [], [], 0
    for block in range(count):
        now += int(rng.integers(1, scale)) if has_time else 1
        rows.append((now, block, int(2 ** rng.uniform(0, 11.5)), 0, 0, 0))
        live.append(block)
        if rng.random() < 0.7:
            now += int(rng.integers(1, scale)) if has_time else 1
            rows.append((now, live.pop(int(rng.integers(len(live)))), 0, 0, 0, 1))
    if not has_time:
        rows = [(number, *row[1:]) for number, row in enumerate(rows)]
    events = np.array(
        rows, [(name, "<u8") for name in ("t_ns", "id", "size", "site", "thread", "op")]
    )
    columns = {name: events[name].astype(np.int64) for name in events.dtype.names}
    return rp.Trace.from_events(columns, provenance={"file": name}, has_time=has_time)


def of_events(*rows, **more):
    """Return a trace of (t_ns, op, id, size)."""
    names = ("t_ns", "op", "id", "size")
    return rp.Trace.from_events(dict(zip(names, map(list, zip(*rows)))), **more)


TOY = of_events((0, 0, 1, 32), (10, 0, 2, 64), (20, 1, 1, 0))
RESULTS = {
    "strict": lambda: rp.replay(traffic(), rp.PoolConfig.preset("design")),
    "spill": lambda: rp.replay(traffic(), rp.PoolConfig.preset("prism")),
    "eight": lambda: rp.replay(traffic(), rp.PoolConfig.parse(EIGHT, "spill")),
    "large": lambda: rp.replay(traffic(), rp.PoolConfig.parse("8x2500000")),
    "toy": lambda: rp.replay(TOY, rp.PoolConfig.parse("64x1")),
    "one": lambda: rp.replay(of_events((3_467_074, 0, 1, 0)), rp.PoolConfig.parse("64x1")),
    "no time": lambda: rp.replay(traffic(has_time=False), rp.PoolConfig.preset("fork")),
    "unused": lambda: rp.replay(TOY, rp.PoolConfig.parse("64x2,128x4")),
    "oversize only": lambda: rp.replay(of_events((5, 0, 1, 99)), rp.PoolConfig.parse("64x1")),
}
CACHE = {}


def result_of(name):
    if name not in CACHE:
        CACHE[name] = RESULTS[name]()
    return CACHE[name]


@pytest.fixture(params=list(RESULTS))
def result(request):
    return result_of(request.param)


@pytest.fixture
def ax():
    figure = Figure(figsize=(8, 4))
    FigureCanvasAgg(figure)
    return figure.add_subplot()


def steps(ax, label):
    """Return what the step line of this label was given: values and edges."""
    (found,) = [p for p in ax.patches if isinstance(p, StepPatch) and p.get_label() == label]
    return found.get_data()


def ticks(ax, label):
    """Return positions and heights of the ticks under an axis."""
    (line,) = [line for line in ax.lines if line.get_label() == label]
    x, y = line.get_data()
    return x[0::3], y[1::3] - y[0::3]


def words(ax):
    return [text.get_text() for text in ax.texts]


def test_each_figure_draws_on_the_axes_it_was_given_and_returns_them(result):
    for draw in (plot.occupancy, plot.hit_rate, plot.oversize, plot.sizes, plot.fragmentation):
        ax = Figure().add_subplot()
        assert draw(result, ax) is ax
        assert ax.get_xlabel() and (ax.get_title() or ax.get_title(loc="left"))
        ax.figure.canvas.draw()


@pytest.mark.parametrize("width_px", [200, 600, 1200, 1600])
def test_a_peak_of_one_event_is_visible_at_every_width(ax, width_px):
    start = [(0, 0, 0, 8), (1, 0, 1, 8)]
    middle = 1800 * SECOND
    burst = [(middle + i, 0, 10 + i, 8) for i in range(8)]
    burst += [(middle + 8 + i, 1, 10 + i, 0) for i in range(8)]
    trace = of_events(*start, *burst, (3600 * SECOND, 1, 1, 0))
    plot.occupancy(rp.replay(trace, rp.PoolConfig.parse("8x20")), ax, legend=False)
    values, edges, _ = steps(ax, "in_use_max")
    assert values.max() == 10
    peak = int(values.argmax())
    assert edges[peak] <= 30 < edges[peak + 1] and values[peak - 1] == 2

    ax.texts[-1].remove()  # The words and the line to them would hide what is looked for.
    for line in [line for line in ax.lines if line.get_label().startswith("_")]:
        line.remove()
    ax.grid(False)
    ax.figure.set_dpi(width_px / 8)
    ax.figure.canvas.draw()
    pixels = np.asarray(ax.figure.canvas.buffer_rgba())[..., :3].astype(int)
    (x, low), (_, high) = ax.transData.transform([(30, 4), (30, 9)])
    height = len(pixels)
    box = pixels[height - int(high) : height - int(low), int(x) - 3 : int(x) + 4]
    darkest = box.sum(axis=2).min(axis=1)
    assert len(darkest) > 1 and (darkest < 3 * 245).all(), "the peak faded away"


def test_the_lines_of_a_tier_are_its_timeline(ax):
    result = result_of("spill")
    plot.occupancy(result, ax, tier=1)
    bins = result.timeline.bins[:, 1]
    middles = TimeAxis.of(result).positions(result.timeline.edges_ns)
    middles = (middles[:-1] + middles[1:]) / 2
    expected = {"in_use_max": bins["in_use_max"], "in_use_mean": result.timeline.in_use_mean[:, 1]}
    for label, values in expected.items():
        drawn, edges, _ = steps(ax, label)
        assert (drawn[np.searchsorted(edges, middles) - 1] == values).all()
    (capacity,) = [line for line in ax.lines if line.get_label() == "capacity"]
    assert set(capacity.get_ydata()) == {result.config.tiers[1].slot_count}


def test_the_high_water_mark_is_labelled_with_the_value_and_time_of_the_statistics(result):
    axis = TimeAxis.of(result)
    for index, (tier, times) in enumerate(zip(result.stats.tiers, result.tier_times)):
        ax = plot.occupancy(result, Figure().add_subplot(), tier=index)
        labels = [text for text in words(ax) if text.startswith("high water")]
        if not tier.high_water:
            assert labels == []
            continue
        full = " (full)" if tier.high_water == tier.slot_count else ""
        value = f"high water {tier.high_water:,} of {tier.slot_count:,}{full}"
        assert labels == [f"{value}, first at {axis.moment(times.high_water_ns)}"]
        (mark,) = [line for line in ax.lines if line.get_marker() == "o"]
        assert mark.get_xydata().tolist() == [
            [axis.position(times.high_water_ns), tier.high_water]
        ]


@pytest.mark.parametrize("name", ["strict", "spill", "eight", "no time"])
def test_ticks_stand_in_exactly_the_bins_with_misses_and_more_is_taller(name):
    result = result_of(name)
    axis, bins = TimeAxis.of(result), result.timeline.bins
    edges = result.timeline.edges_ns
    middle = axis.positions((edges[:-1] + edges[1:]) // 2)
    counts = [(bins["exhausted"][:, i], i, "exhausted") for i in range(bins.shape[1])]
    if result.config.policy == "spill":
        counts += [(bins["spills"][:, i], i, "spills") for i in range(bins.shape[1])]
    counts += [(result.timeline.oversize, NO_TIER, "oversize")]
    assert sum(int(count.sum()) for count, *_ in counts) > result.stats.oversize
    for count, tier, label in counts:
        ax = Figure().add_subplot()
        plot.oversize(result, ax) if tier < 0 else plot.occupancy(result, ax, tier=tier)
        x, height = ticks(ax, label)
        assert x.tolist() == middle[count > 0].tolist()
        rank = np.argsort(count[count > 0], kind="stable")
        assert (np.diff(height[rank]) >= -1e-9).all() and (height > 0).all()
        low, high = ax.get_ylim()
        assert (height <= high - low).all()


def test_the_words_over_a_tier_say_what_was_missed_since_when_and_what_spilled():
    result = result_of("spill")
    for index, (tier, times) in enumerate(zip(result.stats.tiers, result.tier_times)):
        ax = plot.occupancy(result, Figure(figsize=(12, 4)).add_subplot(), tier=index)
        facts = ax.get_title(loc="right")
        assert f"missed {tier.exhausted:,} of {tier.requests:,}" in facts
        assert ("first at" in facts) == (times.first_miss_ns is not None)
        assert (f"{tier.spills:,} out" in facts) == (tier.spills > 0)
        assert (f"{tier.spills_in:,} in" in facts) == (tier.spills_in > 0)


def test_a_tier_that_does_not_exist_is_refused(ax):
    for tier in (-1, 3):
        with pytest.raises(ValueError, match=f"tier: {tier} is not in 0 to 2"):
            plot.occupancy(result_of("strict"), ax, tier=tier)


def test_every_data_twin_adds_up_to_the_statistics(result):
    stats = result.stats
    for data in (plot.occupancy_data, plot.hit_rate_data, plot.tiers_data):
        rows = data(result)
        for name in ("requests", "spills", "exhausted", "oversize"):
            assert rows[name].sum() == getattr(stats, name), (data.__name__, name)
        assert (NO_TIER in rows["tier"]) == (stats.oversize > 0)
        for index, tier in enumerate(stats.tiers):
            mine = rows[rows["tier"] == index]
            assert (mine["slot_bytes"] == tier.slot_bytes).all()
            for name in ("requests", "spills", "exhausted"):
                assert mine[name].sum() == getattr(tier, name)
    sizes = plot.sizes_data(result)
    assert sizes["requests"].sum() == stats.requests
    assert sizes["requests"][sizes["tier"] == NO_TIER].sum() == stats.oversize
    for index, tier in enumerate(stats.tiers):
        assert sizes["requests"][sizes["tier"] == index].sum() == tier.requests
        occupancy = plot.occupancy_data(result)
        assert occupancy["in_use_max"][occupancy["tier"] == index].max() == tier.high_water


def test_a_class_of_sizes_has_one_home_tier_and_holds_its_sizes(result):
    rows = plot.sizes_data(result)
    assert (rows["requests"] > 0).all() and (np.diff(rows["up_to_bytes"].astype(int)) > 0).all()
    for size, requests, tier in result.sizes.tolist():
        (row,) = rows[(rows["above_bytes"] < max(size, 1)) & (size <= rows["up_to_bytes"])]
        assert row["tier"] == tier and row["requests"] >= requests


def test_the_bars_of_the_sizes_are_the_rows_of_their_twin(result, ax):
    rows = plot.sizes_data(result)
    plot.sizes(result, ax)
    bars = sorted((bar for bar in ax.patches), key=lambda bar: bar.get_x())
    assert [bar.get_height() for bar in bars] == rows["requests"].tolist()
    right = [bar.get_x() + bar.get_width() for bar in bars]
    assert right == rows["up_to_bytes"].tolist()
    for tier in result.config.tiers:
        assert f"tier {tier.slot_bytes:,} B" in words(ax)
    assert ("oversize" in words(ax)) == (result.stats.oversize > 0)


def test_the_fragmentation_is_written_in_bytes_and_percent(result, ax):
    plot.fragmentation(result, ax)
    for text, fit in zip(words(ax), result.fit):
        unused = fit.internal_fragmentation_bytes
        share = percent(unused, unused + fit.requested_bytes)
        assert text == (f"{unused:,} B unused, {share}" if fit.requests else "no requests")
    filled = [bar.get_width() for bar in ax.patches[0::2]]
    expected = [100 * (1 - fit.fragmentation) if fit.requests else 0 for fit in result.fit]
    assert filled == pytest.approx(expected)


def test_the_hit_rate_is_that_of_at_most_100_merged_bins_and_nan_without_requests(result, ax):
    rows = plot.hit_rate_data(result)
    plot.hit_rate(result, ax)
    lanes = list(dict.fromkeys(rows["tier"].tolist()))
    for index, tier in enumerate(lanes):
        mine = rows[rows["tier"] == tier]
        assert len(mine) == min(100, len(result.timeline.oversize))
        asked = mine["requests"] > 0
        served = (mine["requests"] - mine["exhausted"] - mine["oversize"])[asked]
        assert np.isnan(mine["hit_rate"][~asked]).all()
        assert mine["hit_rate"][asked].tolist() == (served / mine["requests"][asked]).tolist()
        drawn, _, _ = steps(ax, f"tier {tier}")
        base = (len(lanes) - 1 - index) * 1.55
        np.testing.assert_allclose(drawn - base, mine["hit_rate"], atol=1e-12)
    for tier in result.stats.tiers:
        if tier.requests:
            served = tier.hits + tier.spills
            text = f"served {served:,} of {tier.requests:,}, {percent(served, tier.requests)}"
            assert any(words.startswith(text) for words in words(ax))


def test_merging_bins_loses_no_count_and_no_extreme():
    timeline = result_of("spill").timeline
    for bins_max in (1, 7, 100, 1999, 2000, 5000):
        coarse = timeline.coarsen(bins_max)
        count = len(coarse.oversize)
        assert count == min(bins_max, 2000) and len(coarse.edges_ns) == count + 1
        assert (np.diff(coarse.edges_ns) > 0).all()
        assert coarse.edges_ns[[0, -1]].tolist() == timeline.edges_ns[[0, -1]].tolist()
        assert coarse.oversize.sum() == timeline.oversize.sum()
        for name in ("in_use_ns", "requests", "spills", "exhausted"):
            assert (coarse.bins[name].sum(axis=0) == timeline.bins[name].sum(axis=0)).all()
        assert (
            coarse.bins["in_use_max"].max(axis=0) == timeline.bins["in_use_max"].max(axis=0)
        ).all()
        assert (
            coarse.bins["in_use_min"].min(axis=0) == timeline.bins["in_use_min"].min(axis=0)
        ).all()


def test_a_tier_has_the_same_colour_in_every_figure():
    result = result_of("eight")
    sheet = [figure(result).axes for figure in FIGURES]
    lanes, (bars, fit) = sheet[1][0], sheet[2]
    for index, colour in enumerate(TIER_COLOURS):
        (line,) = [p for p in sheet[0][index].patches if p.get_label() == "in_use_max"]
        name = f"{result.config.tiers[index].slot_bytes:,} B ×"
        (group,) = [c for c in bars.containers if c.get_label().startswith(name)]
        seen = {to_hex(line.get_edgecolor()), to_hex(group[0].get_facecolor())}
        seen |= {to_hex(fit.patches[2 * index].get_facecolor())}
        assert seen == {colour.lower()}
    hatches = [p for p in lanes.patches if p.get_hatch()]
    edges = [to_hex(p.get_edgecolor()) for p in hatches]
    assert edges == [colour.lower() for colour in (*TIER_COLOURS, MISS)]


def test_a_sheet_has_a_panel_for_each_tier_over_the_same_time(result):
    panels = plot.occupancy_figure(result).axes
    assert len(panels) == len(result.config.tiers) + (result.stats.oversize > 0)
    assert len({panel.get_xlim() for panel in panels}) == 1
    assert [bool(panel.get_xlabel()) for panel in panels] == [False] * (len(panels) - 1) + [True]


@pytest.mark.parametrize("make", FIGURES)
def test_no_words_of_a_sheet_leave_it_or_lie_on_others(result, make, monkeypatch):
    assert_words_stand_apart(lambda: make(result), monkeypatch)


def test_an_axis_counts_events_where_the_trace_has_no_time():
    result = result_of("no time")
    for draw in (plot.occupancy, plot.hit_rate, plot.oversize):
        label = draw(result, Figure().add_subplot()).get_xlabel()
        assert label.startswith("event number, in "), label
    assert any("at event " in text for text in words(plot.occupancy_figure(result).axes[0]))


@pytest.mark.parametrize(
    "start, end, unit, origin",
    [
        (0, 20, "ns", 0),
        (0, 5_000_000, "ms", 0),
        (3, 49 * SECOND, "s", 0),
        (0, 600 * SECOND, "min", 0),
        (0, 86_400 * SECOND, "h", 0),
        (86_400 * SECOND, 86_403 * SECOND, "s", 86_400 * SECOND),
    ],
)
def test_time_is_in_the_unit_that_fits(start, end, unit, origin, ax):
    trace = of_events((start, 0, 1, 8), (end, 1, 1, 0))
    result = rp.replay(trace, rp.PoolConfig.parse("8x1"))
    axis = TimeAxis.of(result)
    assert (axis.unit, axis.origin_ns) == (unit, origin)
    since = f"time since {origin:,} ns" if origin else "time"
    assert plot.hit_rate(result, ax).get_xlabel().startswith(f"{since} ({unit}), in ")


def test_durations_and_shares_are_written_so_that_they_are_not_misread():
    assert [duration_text(ns) for ns in (0, 999, 1500, 59 * SECOND, 400 * SECOND)] == [
        "0 ns",
        "999 ns",
        "1.5 µs",
        "59 s",
        "6.667 min",
    ]
    assert [percent(*of) for of in ((0, 9), (1, 9999), (1, 3), (9998, 9999), (9, 9))] == [
        "0 %",
        "<0.1 %",
        "33.3 %",
        "99.9 %",
        "100 %",
    ]


@pytest.mark.parametrize("name", ["cost $x^2$.csv", "a_b\\frac{.csv", "日本.csv", "x" * 500])
def test_any_name_of_a_trace_is_drawn_as_it_is_and_warns_of_nothing(name):
    figure = plot.sizes_figure(rp.replay(traffic(50, name=name), rp.PoolConfig.parse("64x1")))
    figure.canvas.draw()
    assert plain("cost $x^2$") == r"cost \$x^2\$"
    assert len(figure.texts[1].get_text()) <= 120


def test_the_files_hold_the_figures_and_the_rows_of_their_twins(result, tmp_path):
    paths = plot.save_figures(result, tmp_path / "new" / "folder")
    names = [
        f"{name}.{kind}" for name in ("occupancy", "hit_rate", "sizes") for kind in ("svg", "png")
    ]
    tables = ["occupancy.csv", "hit_rate.csv", "sizes.csv", "tiers.csv"]
    assert [path.name for path in paths] == names + tables
    assert sorted(paths) == sorted((tmp_path / "new" / "folder").iterdir())
    for name in names:
        start = {"svg": b"<?xml", "png": b"\x89PNG"}[name[-3:]]
        assert (paths[0].parent / name).read_bytes().startswith(start)
    for name in tables:
        rows = getattr(plot, name.replace(".csv", "_data"))(result)
        with open(paths[0].parent / name, newline="") as file:
            header, *lines = csv.reader(file)
        assert tuple(header) == rows.dtype.names
        assert lines == [[repr(value) for value in row] for row in rows.tolist()]


def test_the_png_is_1200_pixels_wide(tmp_path):
    for path in plot.save_figures(result_of("strict"), tmp_path, formats=["png"])[:3]:
        assert int.from_bytes(path.read_bytes()[16:20], "big") == 1200


def test_files_are_the_same_bytes_again_whatever_the_settings_of_matplotlib(tmp_path):
    first = plot.save_figures(result_of("spill"), tmp_path / "a")
    with matplotlib.rc_context({"font.size": 20, "svg.hashsalt": "x", "axes.grid": True}):
        before = dict(matplotlib.rcParams)
        second = plot.save_figures(
            rp.replay(traffic(), rp.PoolConfig.preset("prism")), tmp_path / "b"
        )
        assert dict(matplotlib.rcParams) == before
    for one, other in zip(first, second):
        assert one.read_bytes() == other.read_bytes(), one.name
    assert b"<dc:date>" not in first[0].read_bytes()


def test_nothing_is_written_when_one_file_exists_unless_it_may_be_replaced(tmp_path):
    result = result_of("toy")
    (tmp_path / "tiers.csv").write_text("mine")
    with pytest.raises(FileExistsError, match=r"exists; pass overwrite=True .*tiers\.csv"):
        plot.save_figures(result, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["tiers.csv"]
    assert (tmp_path / "tiers.csv").read_text() == "mine"
    assert len(plot.save_figures(result, tmp_path, overwrite=True)) == 10
    assert (tmp_path / "tiers.csv").read_text() != "mine"


@pytest.mark.parametrize("formats", [("svg", "gif"), ("pdf",), "svg", [None]])
def test_an_unknown_format_is_refused_before_anything_is_written(formats, tmp_path):
    with pytest.raises(ValueError, match="formats: .* is not among svg, png"):
        plot.save_figures(result_of("toy"), tmp_path / "new", formats=formats)
    assert not (tmp_path / "new").exists()


def test_without_formats_only_the_tables_are_written(tmp_path):
    paths = plot.save_figures(result_of("toy"), tmp_path, formats=())
    assert {path.suffix for path in paths} == {".csv"} and len(paths) == 4


def run(program):
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(program)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_matplotlib_is_imported_for_figures_only_and_pyplot_never(tmp_path):
    done = run(
        f"""
        import sys
        import pyrns_pool as rp
        assert "matplotlib" not in sys.modules
        from pyrns_pool import plot
        columns = {{"t_ns": [0], "op": [0], "id": [1], "size": [32]}}
        result = rp.replay(rp.Trace.from_events(columns), rp.PoolConfig.parse("64x1"))
        plot.save_figures(result, {str(tmp_path)!r})
        assert "matplotlib.pyplot" not in sys.modules
        """
    )
    assert done.returncode == 0, done.stderr


def test_a_missing_matplotlib_is_one_helpful_line():
    done = run("import sys; sys.modules['matplotlib'] = None; import pyrns_pool.plot")
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: pyrns_pool.plot needs matplotlib: install "), done.stderr
