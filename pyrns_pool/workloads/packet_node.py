"""A trace made from a seed: packets that live shortly among entries that live long."""

from __future__ import annotations

import numpy as np

from pyrns_pool._native import none
from pyrns_pool._trace_checks import EVENT_DTYPE
from pyrns_pool.config import whole
from pyrns_pool.errors import ConfigError
from pyrns_pool.trace import Trace

__all__ = ["packet_node"]

EVENTS_MAX: int = none.lib.RNS_TRACE_EVENTS_MAX
SEED_MAX = 2**64 - 2
SITES = ("packet", "entry")


def packet_node(share_bytes: int, *, events: int = 2_000_000, seed: int = 1) -> Trace:
    """Generate the workload of a packet node.

    Half of the live bytes are packets of 20 to 500 bytes that live 50 ticks on average, half are
    entries of 60 to 200 bytes that live 20,000; lives are exponential, sizes uniform. A tick is
    10 ms.

    Parameters
    ----------
    share_bytes : int
        The most that is live, as requested: a share of some arena. 1,000 to 2**28.
    events : int, optional
        Length of the trace.
    seed : int, optional
        0 to 2**64 - 2. Each gives another trace, the same everywhere.

    Returns
    -------
    Trace
        Site "packet" or "entry".

    Examples
    --------
    >>> packet_node(50_000, events=1000).peak_live().bytes <= 50_000
    True
    """
    lib, ffi = none
    whole("share_bytes", share_bytes, 1000, lib.RNS_PACKET_NODE_SHARE_BYTES_MAX)
    whole("events", events, 1, EVENTS_MAX)
    whole("seed", seed, 0, SEED_MAX)
    storage_bytes = lib.rns_packet_node_storage_bytes(share_bytes)
    storage = ffi.new("char[]", storage_bytes)
    node = ffi.new("rns_packet_node_t *")
    memory = {"start": storage, "bytes": storage_bytes}
    if lib.rns_packet_node_init(node, share_bytes, seed, memory) != lib.RNS_OK:
        raise ConfigError(f"share_bytes: {share_bytes} was refused")
    rows = np.zeros(events, EVENT_DTYPE)
    lib.rns_packet_node_events(node, ffi.from_buffer("rns_event_t[]", rows), events)
    rows.flags.writeable = False
    provenance = {"workload": f"packet_node share_bytes={share_bytes} seed={seed}"}
    return Trace.from_events(rows, SITES, provenance)
