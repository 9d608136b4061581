"""A workload on one sheet: its tiers, and what its Bytes copied meanwhile."""

from __future__ import annotations

from pyrns_pool.plot._cow import cow_panels, cow_words
from pyrns_pool.plot._occupancy import occupancy_handles, occupancy_panels
from pyrns_pool.plot._sheet import Sheet, run_lines, stack
from pyrns_pool.plot._style import house_style
from pyrns_pool.workload_results import WorkloadResult
from pyrns_pool.words import plural

__all__ = ["overview_figure"]

_AXIS_IN = 0.5


@house_style()
def overview_figure(result: WorkloadResult) -> Sheet:
    """Draw the occupancy of every tier and, over the same time, copy-on-write.

    Parameters
    ----------
    result : WorkloadResult
        What ran; it had Bytes.

    Returns
    -------
    Sheet, a matplotlib Figure
        8 inches wide: 1200 pixels at its own resolution. The panels are those of
        `occupancy_figure` and `cow_figure`.

    Raises
    ------
    ValueError
        If the workload had no Bytes.
    """
    missed = f"missed {result.stats.misses:,} of {plural(result.stats.requests, 'request')}"
    title = f"{missed[0].upper()}{missed[1:]}; {cow_words(result)}"
    tiers, copies = occupancy_panels(result), cow_panels(result)
    tiers[-1] = tiers[-1]._replace(below_in=_AXIS_IN)
    copies[-1] = copies[-1]._replace(below_in=0.0)  # The foot has room for the axis.
    handles = occupancy_handles(result)
    return stack(title, run_lines(result), [*tiers, *copies], handles)
