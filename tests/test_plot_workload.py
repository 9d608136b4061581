"""Figures of workloads: copy-on-write and tables, drawn as counted, and the set that fits."""

import csv
from dataclasses import replace

import numpy as np
import pytest
from figures import assert_words_stand_apart
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch
from workload_fixture import RESULTS, ops_result, table

from pyrns_pool import plot
from pyrns_pool.stats import TableStats

COLUMNS = ("copies_avoided", "cow_copies", "cow_bytes")
SHEETS = {
    "normal": ["occupancy", "hit_rate", "cow", "overview", "table_fill"],
    "extreme": ["occupancy", "hit_rate", "cow", "overview", "table_fill"],
    "idle": ["occupancy", "hit_rate", "cow", "overview", "table_fill"],
    "pool only": ["occupancy", "hit_rate"],
    "rtp": ["occupancy", "hit_rate", "rate", "table_fill"],
    "one packet": ["occupancy", "hit_rate", "rate", "table_fill"],
}


@pytest.fixture(params=list(RESULTS))
def name(request):
    return request.param


@pytest.fixture
def result(name):
    return RESULTS[name]()


def facts(ax):
    return ax.get_title(loc="right") or ax.get_title(loc="left")


def test_the_set_that_fits_is_drawn_and_each_figure_has_its_twin(name, result, tmp_path):
    paths = plot.save_figures(result, tmp_path)
    pictures = [f"{sheet}.{kind}" for sheet in SHEETS[name] for kind in ("svg", "png")]
    twins = [sheet for sheet in (*SHEETS[name], "tiers") if sheet != "overview"]
    tables = [f"{twin}.csv" for twin in twins]
    assert [path.name for path in paths] == pictures + tables
    for table_name in tables:
        rows = getattr(plot, table_name.replace(".csv", "_data"))(result)
        with open(tmp_path / table_name, newline="") as file:
            header, *lines = csv.reader(file)
        assert tuple(header) == rows.dtype.names
        assert lines == [[str(value) for value in row] for row in rows.tolist()]
    again = plot.save_figures(result, tmp_path / "again")
    assert [path.read_bytes() for path in paths] == [path.read_bytes() for path in again]


def test_the_overview_has_the_panels_of_tiers_and_copies_over_the_same_time():
    result = ops_result()
    both = [plot.occupancy_figure(result), plot.cow_figure(result)]
    axes = plot.overview_figure(result).axes
    print([facts(ax) for ax in axes])
    assert [facts(ax) for ax in axes] == [facts(ax) for figure in both for ax in figure.axes]
    assert len({ax.get_xlim() for ax in axes}) == 1
    with pytest.raises(ValueError, match="^result: the workload 'rtp' has no Bytes"):
        plot.overview_figure(RESULTS["pool only"]())


@pytest.mark.parametrize(
    "sheet", ["occupancy", "hit_rate", "cow", "overview", "rate", "table_fill"]
)
def test_no_words_of_a_sheet_leave_it_or_lie_on_others(name, result, sheet, monkeypatch):
    if sheet in SHEETS[name]:
        assert_words_stand_apart(lambda: getattr(plot, f"{sheet}_figure")(result), monkeypatch)


def test_the_header_says_which_workload_ran(result):
    words = [text.get_text() for text in plot.occupancy_figure(result).texts]
    run = result.workload
    parts = [f"workload {run.name}", *([run.provenance["file"]] if run.seed is not None else [])]
    parts += [] if run.seed is None else [f"seed {run.seed}"]
    assert words[1].startswith(", ".join([*parts, f"{run.events:,} event"]))
    assert words[2] == f"pool {result.config}"


def test_the_rows_of_copy_on_write_add_up_to_its_counts():
    result = ops_result()
    rows = plot.cow_data(result)
    assert len(rows) == 200 and len(result.cow) == 700
    assert (rows["start_ns"][1:] == rows["end_ns"][:-1]).all()
    edges = result.timeline.edges_ns
    assert (rows["start_ns"][0], rows["end_ns"][-1]) == (edges[0], edges[-1])
    for column in COLUMNS:
        assert rows[column].sum() == getattr(result.bytes, column) > 0
    middle = rows[100]
    inside = (edges[:-1] >= middle["start_ns"]) & (edges[1:] <= middle["end_ns"])
    assert result.cow["cow_bytes"][inside].sum() == middle["cow_bytes"]


@pytest.mark.parametrize("column", COLUMNS)
def test_a_panel_draws_its_column_and_says_the_totals(column):
    result = ops_result()
    ax = Figure(figsize=(8, 3)).add_subplot()
    assert plot.cow_panel(result, ax, column=column) is ax
    (line,) = [p for p in ax.patches if isinstance(p, StepPatch) and p.get_label() == column]
    values = plot.cow_data(result)[column]
    np.testing.assert_array_equal(np.nan_to_num(line.get_data().values), values)
    assert ax.get_ylim()[1] >= values.max()
    stats = result.bytes
    said = {
        "copies_avoided": f"{stats.shares:,} shares, {stats.slices:,} slices",
        "cow_copies": f"{stats.cow_copies:,} to write what was shared; {stats.grows:,} to grow",
        "cow_bytes": f"{stats.cow_bytes:,}, {stats.cow_bytes / stats.cow_copies:,.0f} a copy",
    }
    assert facts(ax).startswith(said[column])


def test_the_rows_of_a_rate_are_what_the_receiver_knew_at_the_end_of_each_bin():
    result = RESULTS["rtp"]()
    rows, rate = plot.rate_data(result), result.series["rate"]
    assert 900 < len(rows) <= 1000
    assert (rows["packets"].sum(), len(rate)) == (result.workload.events,) * 2
    assert rows["overused"].sum() == (rate["signal"] == 1).sum() > 20
    for row in rows[::50]:
        inside = (rate["t_ns"] >= row["start_ns"]) & (rate["t_ns"] < row["end_ns"])
        assert inside.sum() == row["packets"] > 0
        for name in ("incoming_bps", "estimate_bps", "trend_ns", "threshold_ns"):
            assert rate[inside][name][-1] == row[name]


def test_a_rate_is_drawn_as_its_rows_and_says_its_extremes():
    result = RESULTS["rtp"]()
    ax = plot.rate_panel(result, Figure(figsize=(8, 3)).add_subplot())
    (line,) = [line for line in ax.lines if line.get_label() == "estimate_bps"]
    estimate = plot.rate_data(result)["estimate_bps"] / 1e6
    assert (line.get_ydata() == estimate).all() and ax.get_ylim()[1] >= estimate.max()
    words = f"least {estimate.min():,.3g}, most {estimate.max():,.3g}, last {estimate[-1]:,.3g}"
    assert facts(ax).startswith(words)
    title = plot.rate_figure(result).texts[0].get_text()
    assert title.startswith(f"Rate: {estimate[-1]:,.3g} Mbit/s estimated after ")


def test_the_bars_of_a_table_are_its_share_of_the_capacity():
    result = ops_result()
    ax = plot.table_fill(result, Figure(figsize=(8, 3)).add_subplot())
    bars = {c.get_label(): c[0].get_width() for c in ax.containers if " " in c.get_label()}
    used = [each for each in result.tables if each.puts]
    assert [len(bars), len(used), len(result.tables)] == [6, 3, 4]
    for lane, each in enumerate(used):
        assert bars[f"count {lane}"] == 100 * each.count / each.capacity
        assert bars[f"high {lane}"] == 100 * each.high_water / each.capacity
    words = [text.get_text() for text in ax.texts]
    assert words == [
        "paths (cull)",
        "1,700 of 2,048, high water 1,844; culled 12,345 in 45 runs",
        "reverse (reject)",
        "500 of 512, high water 512; rejected 1,234,567; expired 998,877",
        "hashes (ring)",
        "4,096 of 4,096, high water 4,096; overwrote 1,000,000",
    ]


def test_tables_are_drawn_even_if_none_was_used():
    tables = (table("a"), table("b", "ring"))
    ax = plot.table_fill(replace(ops_result(), tables=tables), Figure().add_subplot())
    assert [text.get_text() for text in ax.texts][::2] == ["a (reject)", "b (ring)"]


def test_the_rows_of_the_tables_are_their_statistics():
    tables = (table("a", count=3), table("a longer name", "ring", 1 << 24, culls=2**40))
    rows = plot.table_fill_data(replace(ops_result(), tables=tables))
    assert [TableStats(*row) for row in rows.tolist()] == list(tables)


def test_the_titles_say_what_was_lost():
    title = plot.table_fill_figure(ops_result()).texts[0].get_text()
    assert title == "Tables: 1,234,567 rejected, 12,345 culled, 1,000,000 overwritten"
    title = plot.table_fill_figure(RESULTS["idle"]()).texts[0].get_text()
    assert title == "Tables: nothing rejected, culled or overwritten"
    result = ops_result()
    made, avoided = result.bytes.cow_copies, result.bytes.copies_avoided
    title = plot.cow_figure(result).texts[0].get_text()
    assert title == f"Copy-on-write: {made:,} copies made, {avoided:,} avoided"


def test_what_a_workload_does_not_have_is_refused_by_name():
    result = RESULTS["pool only"]()
    ax = Figure().add_subplot()
    for draw in (plot.cow_figure, lambda r: plot.cow_panel(r, ax)):
        with pytest.raises(ValueError, match="^result: the workload 'rtp' has no Bytes$"):
            draw(result)
    for draw in (plot.table_fill_figure, lambda r: plot.table_fill(r, ax)):
        with pytest.raises(ValueError, match="^result: the workload 'rtp' has no tables$"):
            draw(result)
    for draw in (plot.rate_figure, plot.rate_data, lambda r: plot.rate_panel(r, ax)):
        with pytest.raises(ValueError, match="^result: the workload 'rtp' has no rate$"):
            draw(result)
    with pytest.raises(ValueError, match="^column: 'shares' is not one of copies_avoided, cow_"):
        plot.cow_panel(ops_result(), ax, column="shares")
