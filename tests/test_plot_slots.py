"""Figures of slots and blocks: drawn as counted, each with its twin."""

import csv

import numpy as np
import pytest
from figure_fixture import result_of
from matplotlib.figure import Figure

from pyrns_pool import plot
from pyrns_pool.plot._style import percent

TWINS = ("raster", "holders", "lifetimes", "episodes", "pinned")


@pytest.fixture
def result():
    return result_of("replay")


@pytest.fixture
def ax():
    return Figure(figsize=(9, 4)).add_subplot()


def test_the_files_hold_the_rows_of_the_twins(result, tmp_path):
    plot.save_figures(result, tmp_path, formats=())
    for name in TWINS:
        rows = getattr(plot, f"{name}_data")(result)
        with open(tmp_path / f"{name}.csv", newline="") as file:
            header, *lines = csv.reader(file)
        print(f"{name}: {len(lines):,} rows of {len(header)}")
        assert tuple(header) == rows.dtype.names and len(lines) > 0
        assert lines == [[str(value) for value in row] for row in rows.tolist()]


def test_the_twins_add_up_to_the_statistics(result):
    stats = result.stats
    raster, holders, episodes, lifetimes = (
        getattr(plot, f"{name}_data")(result)
        for name in ("raster", "holders", "episodes", "lifetimes")
    )
    tiers = plot.tiers_data(result)
    assert (raster["busy"] <= 1).all() and (raster["pinned"] <= raster["busy"]).all()
    for index, tier in enumerate(stats.tiers):
        mine = raster[raster["tier"] == index]
        assert (mine["slot_bytes"] == tier.slot_bytes).all()
        assert mine["takes"].sum() == tier.hits + tier.spills_in
        width = (mine["end_ns"] - mine["start_ns"]) * mine["slots"]
        in_use_ns = int(result.timeline.bins["in_use_ns"][:, index].sum())
        assert (mine["busy"] * width).sum() == pytest.approx(in_use_ns)
        held = holders[holders["tier"] == index]
        assert held["slots"].sum() == tier.high_water
        assert held["share"].sum() == pytest.approx(1)
        assert (held["bytes"] <= held["slots"] * tier.slot_bytes).all()
        assert episodes["misses"][episodes["tier"] == index].sum() == tier.exhausted
        pinned = plot.pinned_data(result)
        assert tiers["pinned"][index] == np.count_nonzero(pinned["tier"] == index)
        ages = lifetimes[lifetimes["tier"] == index]
        assert set(ages["blocks"]) == {tier.requests}
        assert ages["held"][-1] == tiers["kept"][index]
        assert (np.diff(ages["held"]) <= 0).all() and (np.diff(ages["age_ns"]) > 0).all()
    assert episodes["misses"].sum() == stats.misses
    assert tiers["kept"].sum() == sum(result.slots.lifetimes["kept"])


def test_the_bars_are_the_holders_and_the_rest_is_one_bar(result, ax):
    rows = plot.holders_data(result)
    for tier in range(len(result.config.tiers)):
        mine = rows[rows["tier"] == tier]
        bars = plot.holders(result, Figure().add_subplot(), tier=tier)
        shares = [bar.get_width() for bar in bars.patches[0::2]]
        assert shares == pytest.approx((100 * mine["share"]).tolist())
        words = [text.get_text() for text in bars.texts[1::2]]
        high_water = result.stats.tiers[tier].high_water
        facts = [f"{row['slots']:,}, {percent(int(row['slots']), high_water)}" for row in mine]
        assert all(word.startswith(fact) for word, fact in zip(words, facts))


def test_each_episode_stands_at_its_first_miss_and_reaches_as_long_as_the_tier_was_full(
    result, ax
):
    rows = plot.episodes_data(result)
    plot.episodes(result, ax)
    lines = {line.get_label(): line.get_xydata() for line in ax.lines}
    unit = 1e6  # The trace takes 100 ms; its axis is in ms.
    count = 0
    for tier in set(rows["tier"].tolist()):
        mine = rows[rows["tier"] == tier]
        stems, spans = lines[f"stems {tier}"], lines[f"full {tier}"]
        assert stems[1::3, 1].tolist() == spans[0::3, 1].tolist() == mine["misses"].tolist()
        assert stems[0::3, 0] == pytest.approx(mine["first_ns"] / unit)
        assert spans[0::3, 0] == pytest.approx(mine["full_from_ns"] / unit)
        assert spans[1::3, 0] == pytest.approx(mine["full_until_ns"] / unit)
        count += len(mine)
    print(f"{count} episodes")
    assert count == len(rows) > 20


def test_the_lines_of_the_lifetimes_are_the_shares_still_held(result, ax):
    rows = plot.lifetimes_data(result)
    plot.lifetimes(result, ax)
    tiers = list(dict.fromkeys(rows["tier"].tolist()))
    assert len(ax.lines) == len(tiers) == 9
    for line, tier in zip(ax.lines, tiers):
        mine = rows[rows["tier"] == tier]
        x, y = line.get_xdata()[1:-1], line.get_ydata()[1:-1]
        assert x.tolist() == mine["age_ns"].tolist()
        floor = ax.get_ylim()[0]
        assert y == pytest.approx(np.maximum(100 * mine["held_share"], floor))


def test_a_tier_that_does_not_exist_is_refused(result, ax):
    for panel in (plot.raster, plot.holders):
        for tier in (-1, 8):
            with pytest.raises(ValueError, match=f"tier: {tier} is not in 0 to 7"):
                panel(result, ax, tier=tier)
