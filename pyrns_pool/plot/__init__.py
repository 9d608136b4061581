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
    compare_data,
    failures_data,
    heap_fragmentation_figure,
    largest_free_figure,
    ram_data,
    ram_figure,
)
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
from pyrns_pool.plot._hit_rate import hit_rate, hit_rate_figure
from pyrns_pool.plot._hover import hover_data
from pyrns_pool.plot._occupancy import occupancy, occupancy_figure, oversize
from pyrns_pool.plot._overview import overview_figure
from pyrns_pool.plot._rate import rate_figure, rate_panel
from pyrns_pool.plot._save import figures_of, save_figures
from pyrns_pool.plot._sizes import fragmentation, sizes, sizes_figure
from pyrns_pool.plot._soak import alarms_figure, soak_figure
from pyrns_pool.plot._style import Sheet
from pyrns_pool.plot._sweep import pools_data, pools_figure
from pyrns_pool.plot._tables import table_fill, table_fill_figure
from pyrns_pool.plot._tune import tune_data, tune_figure, tune_front, tune_front_data

__all__ = [
    "Sheet",
    "compare_data",
    "alarms_data",
    "alarms_figure",
    "cow_data",
    "cow_figure",
    "cow_panel",
    "failures_data",
    "figures_of",
    "fragmentation",
    "heap_fragmentation_figure",
    "hit_curve",
    "hit_curve_data",
    "hit_curve_figure",
    "hit_rate",
    "hit_rate_data",
    "hit_rate_figure",
    "largest_free_figure",
    "hover_data",
    "occupancy",
    "occupancy_data",
    "occupancy_figure",
    "oversize",
    "overview_figure",
    "pools_data",
    "pools_figure",
    "ram_data",
    "ram_figure",
    "rate_data",
    "rate_figure",
    "rate_panel",
    "save_figures",
    "sizes",
    "sizes_data",
    "sizes_figure",
    "soak_data",
    "soak_figure",
    "table_fill",
    "table_fill_data",
    "table_fill_figure",
    "tiers_data",
    "tune_data",
    "tune_figure",
    "tune_front",
    "tune_front_data",
]
