"""Figures of a run: which tier is full, since when, what was missed, and what was copied.

Each figure takes a `ReplayResult`, a `WorkloadResult` or either, and draws on the Axes it is
given, with no global state and no display; those that end in ``_figure`` make the whole sheet.
What a figure shows is also a table, its *data twin*: those that end in ``_data``. `save_figures`
writes both, those that fit the result.

>>> import pyrns_pool as rp
>>> from pyrns_pool import plot
>>> trace = rp.load_trace(rp.shipped("microreticulum_node_a.npz"))
>>> result = rp.replay(trace, rp.PoolConfig.preset("design"))
>>> figure = plot.occupancy_figure(result)
>>> plot.tiers_data(result)["high_water"][:3]
array([16, 16,  3], dtype=uint32)
"""

try:
    import matplotlib  # noqa: F401
except ImportError as error:
    raise ImportError(
        "pyrns_pool.plot needs matplotlib: install python3-matplotlib by apt, or matplotlib by pip"
    ) from error

from pyrns_pool.plot._compare import (
    heap_failures,
    heap_fragmentation,
    heap_fragmentation_figure,
    largest_free,
    largest_free_figure,
    ram,
    ram_figure,
)
from pyrns_pool.plot._compare_data import compare_data, failures_data, ram_data
from pyrns_pool.plot._cow import cow_figure, cow_panel
from pyrns_pool.plot._curve import hit_curve, hit_curve_data, hit_curve_figure
from pyrns_pool.plot._data import (
    alarms_data,
    cow_data,
    hit_rate_data,
    occupancy_data,
    rate_data,
    sizes_data,
    soak_data,
    table_fill_data,
    tiers_data,
)
from pyrns_pool.plot._episodes import episodes, episodes_figure
from pyrns_pool.plot._hit_rate import hit_rate, hit_rate_figure
from pyrns_pool.plot._holders import holders, holders_figure
from pyrns_pool.plot._hover import hover_data
from pyrns_pool.plot._lifetimes import lifetimes, lifetimes_figure
from pyrns_pool.plot._occupancy import occupancy, occupancy_figure, oversize
from pyrns_pool.plot._overview import overview_figure
from pyrns_pool.plot._rate import rate_figure, rate_panel, rate_trend
from pyrns_pool.plot._raster import raster, raster_figure
from pyrns_pool.plot._save import figures_of, save_figures
from pyrns_pool.plot._sizes import fragmentation, sizes, sizes_figure
from pyrns_pool.plot._slots_data import (
    episodes_data,
    holders_data,
    lifetimes_data,
    pinned_data,
    raster_data,
)
from pyrns_pool.plot._soak import alarms, alarms_figure, soak_figure, soak_fragmentation, soak_free
from pyrns_pool.plot._sheet import Sheet
from pyrns_pool.plot._sweep import pools, pools_data, pools_figure
from pyrns_pool.plot._tables import table_fill, table_fill_figure
from pyrns_pool.plot._tune import tune_data, tune_figure, tune_front, tune_front_data

__all__ = [
    "Sheet",
    "compare_data",
    "alarms",
    "alarms_data",
    "alarms_figure",
    "cow_data",
    "cow_figure",
    "cow_panel",
    "episodes",
    "episodes_data",
    "episodes_figure",
    "failures_data",
    "figures_of",
    "fragmentation",
    "heap_failures",
    "heap_fragmentation",
    "heap_fragmentation_figure",
    "hit_curve",
    "hit_curve_data",
    "hit_curve_figure",
    "hit_rate",
    "hit_rate_data",
    "hit_rate_figure",
    "holders",
    "holders_data",
    "holders_figure",
    "hover_data",
    "largest_free",
    "largest_free_figure",
    "lifetimes",
    "lifetimes_data",
    "lifetimes_figure",
    "occupancy",
    "occupancy_data",
    "occupancy_figure",
    "oversize",
    "overview_figure",
    "pinned_data",
    "pools",
    "pools_data",
    "pools_figure",
    "ram",
    "ram_data",
    "ram_figure",
    "raster",
    "raster_data",
    "raster_figure",
    "rate_data",
    "rate_figure",
    "rate_panel",
    "rate_trend",
    "save_figures",
    "sizes",
    "sizes_data",
    "sizes_figure",
    "soak_data",
    "soak_figure",
    "soak_fragmentation",
    "soak_free",
    "table_fill",
    "table_fill_data",
    "table_fill_figure",
    "tiers_data",
    "tune_data",
    "tune_figure",
    "tune_front",
    "tune_front_data",
]
