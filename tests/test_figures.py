"""What holds for every figure: an Axes in and out, spikes that stay, words, colours, bytes."""

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from figure_fixture import MAKERS, PANELS, draw, of_rows, result_of, traffic
from figures import assert_words_stand_apart
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text

import pyrns_pool as rp
from pyrns_pool import plot
from pyrns_pool.plot import figures_of
from pyrns_pool.plot._style import TIER_COLOURS, house_style, shade, tint

TESTS = Path(__file__).parent
NO_FIGURES = {"Sheet", "figures_of", "hover_data", "save_figures"}
WIDTHS = (300, 1600)
CASES = [(panel, kind) for panel, kinds in PANELS.items() for kind in kinds]
# Each sheet of the first result that has it, the cheapest ones come first.
SHEETS = {name: kind for kind in reversed(MAKERS) for name in figures_of(result_of(kind))}
FOLLOWED = ("raster", "holders", "lifetimes", "episodes")


def axes(width_px, height_px=400):
    """Return an Axes of a figure of that size, as a notebook would make it."""
    figure = Figure(figsize=(width_px / 100, height_px / 100), dpi=100)
    FigureCanvasAgg(figure)
    return figure.add_subplot()


def test_every_public_name_is_a_panel_a_sheet_of_panels_or_a_twin():
    panels = {panel.__name__ for panel in PANELS}
    sheets = {name for name in plot.__all__ if name.endswith("_figure")}
    twins = {name for name in plot.__all__ if name.endswith("_data")} - NO_FIGURES
    print(f"{len(panels)} panels, {len(sheets)} sheets, {len(twins)} twins")
    assert sorted(plot.__all__) == sorted(panels | sheets | twins | NO_FIGURES)
    assert len(set(plot.__all__)) == len(plot.__all__)
    drawn = {figures_of(result_of(kind))[name][0].__name__ for name, kind in SHEETS.items()}
    assert drawn == sheets


@pytest.mark.parametrize("panel, kind", CASES, ids=lambda case: getattr(case, "__name__", case))
def test_every_panel_draws_on_the_axes_it_was_given_and_its_words_stand_apart(
    panel, kind, monkeypatch
):
    def make():
        with house_style():
            ax = axes(600)
            assert draw(panel, result_of(kind), ax) is ax
            assert len(ax.get_figure().axes) == 1
            ax.figure.subplots_adjust(0.16, 0.18, 0.96, 0.86)
        return ax.figure

    assert_words_stand_apart(make, monkeypatch, least=3)


@pytest.mark.parametrize("name", [*FOLLOWED, "tune"])
@pytest.mark.parametrize("kind", ["replay", "no time"])
def test_the_words_of_a_sheet_stand_apart_at_600_pixels(kind, name, monkeypatch):
    result = result_of("tune" if name == "tune" else kind)
    sheet = figures_of(result)[name][0](result)
    sheet.set_dpi(75)
    assert_words_stand_apart(lambda: sheet, monkeypatch, least=6)


@pytest.mark.parametrize("name", SHEETS)
def test_every_sheet_but_the_overview_has_a_twin_with_rows(name):
    result = result_of(SHEETS[name])
    twin = figures_of(result)[name][1]
    assert (twin is None) == (name == "overview")
    assert twin is None or len(twin(result)) > 0


def test_tiers_keep_their_colours_in_every_figure():
    result = result_of("replay")
    lives, misses = (panel(result, axes(900)) for panel in (plot.lifetimes, plot.episodes))
    curve = rp.CurveSet((rp.hit_curve(traffic(), [t.slot_bytes for t in result.config.tiers]),))
    count = 0
    for index, colour in enumerate(TIER_COLOURS):
        name = f"{result.config.tiers[index].slot_bytes:,} B ×"
        seen = [line.get_color() for line in lives.lines if line.get_label().startswith(name)]
        seen += [line.get_color() for line in misses.lines if line.get_label() == f"full {index}"]
        seen.append(plot.hit_curve(curve, index, axes(900)).lines[0].get_color())
        assert set(seen) == {colour} and len(seen) >= 2
        holders = plot.holders(result, axes(900), tier=index).patches
        bars = {to_hex(bar.get_facecolor()) for bar in holders}
        assert bars == {to_hex(tint(colour, 0.5)), to_hex(shade(colour))}
        (image,) = plot.raster(result, axes(900), tier=index).images
        assert_of_colour(np.asarray(image.get_array()).reshape(-1, 3), colour)
        count += len(seen) + 2
    print(f"{count} places")
    assert count >= 8 * 4


def assert_of_colour(pixels, colour):
    """Hold pixels to mixtures of white, a tier's colour and its dark."""
    basis = np.stack([1 - np.array(to_rgb(colour)), 1 - np.array(shade(colour))], axis=1)
    parts, *_ = np.linalg.lstsq(basis, (1 - pixels).T, rcond=None)
    np.testing.assert_allclose(basis @ parts, (1 - pixels).T, atol=1e-9)
    assert (parts > -1e-9).all() and (parts.max(axis=1) > 0).any()


# A long calm, and the same with one short event in the middle; both have a larger one later, so
# that their scales are alike.
SECONDS = 40


def calm_rows(spike, is_large):
    rows, number = [], 0
    for step in range(10 * SECONDS):
        at = 100_000_000 * step
        burst = 30 if step == 8 * SECONDS else 5 if spike and step == 5 * SECONDS else 0
        for size in (20, *[60] * burst, *[500] * (is_large and burst > 0)):
            rows.append((at + len(rows) % 50, 0, number, size, 0))
            rows[-1] = (max(rows[-1][0], rows[-2][0] if len(rows) > 1 else 0), *rows[-1][1:])
            number += 1
        first = number - 1 - burst - (is_large and burst > 0)
        for block in range(first, number):
            rows.append((max(rows[-1][0], at + 60), 1, block, 0, 0))
    return rows


def of_trace(spike, is_large=False):
    trace = of_rows(calm_rows(spike, is_large))
    return rp.replay(trace, rp.PoolConfig.parse("32x4,64x4"), slots=True)


def of_large(spike):
    return of_trace(spike, True)


def of_bytes(spike):
    result = result_of("ops")
    cow = np.zeros_like(result.cow)
    for name in cow.dtype.names:
        cow[name][len(cow) * 4 // 5], cow[name][len(cow) // 2] = 90, 9 * spike
    return replace(result, cow=cow)


def of_stream(spike):
    result = result_of("rtp")
    edges = result.timeline.edges_ns
    rate = np.zeros(8000, result.series["rate"].dtype)
    rate["t_ns"] = np.linspace(edges[0], edges[-1] - 1, len(rate)).astype(np.int64)
    rate["threshold_ns"] = 6_000_000
    for name, unit in (
        ("incoming_bps", 10**6),
        ("estimate_bps", 10**6),
        ("trend_ns", 10**5),
    ):
        rate[name] = unit
        rate[name][6400], rate[name][4003] = 90 * unit, (60 if spike else 1) * unit
    return replace(result, series={**result.series, "rate": rate})


def of_hours(spike):
    result = result_of("soak")
    hours = np.zeros(1000, result.series["hours"].dtype)
    edges = np.arange(1001) * 3_600_000_000_000
    timeline = replace(result.timeline, edges_ns=edges)
    for name in ("free_bytes_min", "heap_free_min", "heap_largest_free_min"):
        hours[name] = 1000
        hours[name][500] = 400 if spike else 1000
    for name in ("heap_fragmentation_mean_ppm", "heap_fragmentation_max_ppm"):
        hours[name][500] = 600_000 * spike
    alarms = np.zeros(4, result.series["alarms"].dtype)
    alarms["metric"], alarms["level"], alarms["tier"] = "pool free", "warn", -1
    alarms["t_ns"] = (edges[500], edges[500] + 10**9, edges[800], edges[800] + 10**9)
    alarms["raised"] = (True, False, True, False)
    alarms = alarms if spike else alarms[2:]
    return replace(result, timeline=timeline, series={"hours": hours, "alarms": alarms})


def of_heaps(spike):
    result = result_of("compare")
    contenders = []
    for one in result.contenders:
        bins = np.zeros(1000, one.bins.dtype)
        bins["events"], bins["requests"] = 1000, 500
        bins["largest_min"] = bins["largest_max"] = bins["free_min"] = 9000
        bins["failures"][800] = 90
        if spike:
            bins["largest_min"][503] = 3000
            bins["fragmentation_ppm_max"][503] = 700_000
            bins["failures"][503] = 1
        contenders.append(replace(one, bins=bins))
    edges = np.linspace(0, 10**9, 1001).astype(np.int64)
    return replace(result, contenders=tuple(contenders), edges_ns=edges)


OVER_TIME = {
    plot.occupancy: (of_trace, 0.5),
    plot.oversize: (of_large, 0.5),
    plot.hit_rate: (of_trace, 0.5),
    plot.raster: (of_trace, 0.5),
    plot.episodes: (of_trace, 0.5),
    plot.cow_panel: (of_bytes, 0.5),
    plot.rate_panel: (of_stream, 4003 / 8000),
    plot.rate_trend: (of_stream, 4003 / 8000),
    plot.soak_free: (of_hours, 0.5),
    plot.soak_fragmentation: (of_hours, 0.5),
    plot.alarms: (of_hours, 0.5),
    plot.largest_free: (of_heaps, 0.503),
    plot.heap_failures: (of_heaps, 0.503),
    plot.heap_fragmentation: (of_heaps, 0.503),
}


def test_every_panel_with_a_time_axis_has_a_spike_to_show():
    timed = {
        panel
        for panel, kinds in PANELS.items()
        if draw(panel, result_of(kinds[0]), axes(900)).get_xlabel().startswith("time (")
    }
    assert timed == set(OVER_TIME)


def pixels(panel, result, width_px):
    """Return the inside of a panel without its words, as floats: rows, columns, colours."""
    with house_style():
        ax = axes(width_px, 300)
        draw(panel, result, ax, tier=1)
        for text in ax.figure.findobj(Text):
            text.set_visible(False)
        ax.figure.canvas.draw()
    image = np.asarray(ax.figure.canvas.buffer_rgba())[..., :3].astype(int)
    box = ax.get_window_extent()
    inside = image[300 - int(box.y1) : 300 - int(box.y0), :]
    return inside, ax


@pytest.mark.parametrize("panel", OVER_TIME, ids=lambda panel: panel.__name__)
@pytest.mark.parametrize("width_px", WIDTHS)
def test_a_spike_of_one_event_is_seen_at_any_width(panel, width_px):
    make, where = OVER_TIME[panel]
    (calm, _), (spiked, ax) = (pixels(panel, make(spike), width_px) for spike in (False, True))
    left, right = ax.transData.transform([(x, 1) for x in data_limits(ax)])[:, 0]
    at = round(left + where * (right - left))
    quarter = round(left + 0.25 * (right - left))
    difference = np.abs(spiked - calm).max(axis=(0, 2))
    here = difference[at - 4 : at + 5].max()
    print(f"{panel.__name__} at {width_px} px: {here} of 255")
    assert here > 40
    if panel is not plot.heap_failures:  # It counts all so far.
        assert difference[quarter - 4 : quarter + 5].max() == 0


def data_limits(ax):
    """Return begin and end of the time that an axis shows, without its margin of 0.6 %."""
    low, high = ax.get_xlim()
    margin = 0.006 * (high - low) / 1.012
    return low + margin, high - margin


def digests():
    """Return the SHA-256 of every figure as SVG."""
    made = {}
    for name, kind in SHEETS.items():
        image = figures_of(result_of(kind))[name][0](result_of(kind)).image("svg")
        made[name] = hashlib.sha256(image).hexdigest()
    return made


def test_every_figure_has_the_same_bytes_in_a_process_with_other_hashes():
    program = "import json, test_figures as t; print(json.dumps([hash('x'), t.digests()]))"
    environment = {**os.environ, "PYTHONHASHSEED": "1", "PYTHONPATH": str(TESTS)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    other_hash, others = json.loads(done.stdout)
    print(f"{len(others)} figures")
    assert other_hash != hash("x")
    assert digests() == others and len(others) == len(SHEETS) > 15


def test_a_replay_that_did_not_follow_its_blocks_says_how_to():
    result = replace(result_of("replay"), slots=None)
    assert not set(FOLLOWED) & set(figures_of(result))
    for panel in (plot.raster, plot.holders, plot.lifetimes, plot.episodes):
        with pytest.raises(ValueError, match="not followed; replay with slots=True"):
            draw(panel, result, axes(600))
