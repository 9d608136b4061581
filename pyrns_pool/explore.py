"""Sliders for the sizes and slots of a pool, beside what they do to its hit rate; for notebooks.

Needs ipywidgets to slide. Without it the figure of the pool that was given is shown, as it is.
"""

from __future__ import annotations

from typing import Any

from pyrns_pool.config import PoolConfig, Tier
from pyrns_pool.curve import hit_curve
from pyrns_pool.curve_results import CurveSet
from pyrns_pool.errors import ConfigError
from pyrns_pool.replay import replay
from pyrns_pool.trace import Trace

__all__ = ["explore"]

SIZE_STEP_BYTES = 8


def explore(trace: Trace, config: PoolConfig) -> Any:
    """Show the exact hit curves of a strict pool, with sliders for its tiers.

    Parameters
    ----------
    trace : Trace
        What the pool has to serve.
    config : PoolConfig
        Where the sliders stand at first; its policy does not matter.

    Returns
    -------
    ipywidgets.VBox or Sheet
        Two sliders for each tier, slot_bytes and slot_count, and what they give. Without
        ipywidgets the figure alone, of `config`.

    Raises
    ------
    TraceError
        If the trace does not say which block is freed when (`Trace.require_identity`).

    Notes
    -----
    Each move is a replay and a curve, some 40 ns an event together, and a figure of a quarter of
    a second.
    """
    try:
        import ipywidgets
    except ImportError:
        return _figure(trace, config)
    return _sliders(ipywidgets, trace, config)


def _figure(trace: Trace, config: PoolConfig) -> Any:
    from pyrns_pool import plot  # Only who draws needs matplotlib.

    sizes, slots = zip(*((tier.slot_bytes, tier.slot_count) for tier in config.tiers))
    return plot.hit_curve_figure(CurveSet((hit_curve(trace, sizes, chosen=slots),)))


def _verdict(trace: Trace, config: PoolConfig) -> str:
    stats = replay(trace, config, bins=1).stats
    return (
        f"{config.slots_bytes:,} bytes of slots serve {stats.hit_rate:.1%}"
        f" of {stats.requests:,} requests; {stats.misses:,} missed"
    )


def _sliders(ipywidgets: Any, trace: Trace, config: PoolConfig) -> Any:
    largest = max(int(trace.block_sizes.max()), config.tiers[-1].slot_bytes)
    rows = []
    for tier in config.tiers:
        size = ipywidgets.IntSlider(
            value=tier.slot_bytes,
            min=SIZE_STEP_BYTES,
            max=-(-largest // SIZE_STEP_BYTES) * SIZE_STEP_BYTES,
            step=SIZE_STEP_BYTES,
            description="slot bytes",
            continuous_update=False,
        )
        count = ipywidgets.IntSlider(
            value=tier.slot_count,
            min=1,
            max=max(2 * tier.slot_count, trace.peak_live().blocks),
            description="slots",
            continuous_update=False,
        )
        rows.append(ipywidgets.HBox([size, count]))
    words, picture = ipywidgets.HTML(), ipywidgets.Image(format="png")

    def update(_: Any = None) -> None:
        try:
            pairs = ([slider.value for slider in row.children] for row in rows)
            moved = PoolConfig(tuple(Tier(*pair) for pair in pairs))
        except ConfigError as error:  # Two sliders may pass each other; the picture waits.
            words.value = str(error)
            return
        words.value = _verdict(trace, moved)
        picture.value = _figure(trace, moved).image("png")

    for row in rows:
        for slider in row.children:
            slider.observe(update, "value")
    update()
    return ipywidgets.VBox([*rows, words, picture])
