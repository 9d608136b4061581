"""Lifetimes as MiniMalloc reads them: the offline packing problem that a trace poses.

::

    id,lower,upper,size
    0,0,2,64

A buffer occupies ``size`` bytes from event ``lower`` up to but not including event ``upper``.
github.com/google/minimalloc adds an ``offset`` and so finds how little RAM any allocator can do
with, had it known the future.
"""

from __future__ import annotations

from typing import BinaryIO

import numpy as np

from pyrns_pool.exports.source import Source
from pyrns_pool.trace import OP_ALLOC

__all__ = ["write_minimalloc"]

BLOCK_ROWS = 1 << 16


def write_minimalloc(source: Source, file: BinaryIO) -> None:
    """Write a row for each block.

    Parameters
    ----------
    source : Source
        Its trace; a block that is never freed lives until behind the last event.
    file : binary file
        Open for writing.

    Raises
    ------
    TraceError
        If the trace does not say which block is freed when (`Trace.require_identity`).
    """
    trace = source.trace
    trace.require_identity("a lifetime")
    upper = np.full(trace.block_count, len(trace))
    frees = np.flatnonzero(trace.events["op"] != OP_ALLOC)
    upper[trace.blocks[frees]] = frees
    columns = (np.arange(trace.block_count), trace.alloc_rows, upper, trace.block_sizes)
    file.write(b"id,lower,upper,size\n")
    for begin in range(0, trace.block_count, BLOCK_ROWS):
        parts = (column[begin : begin + BLOCK_ROWS].tolist() for column in columns)
        file.write("".join("%d,%d,%d,%d\n" % row for row in zip(*parts)).encode())
        if source.progress is not None:
            source.progress(min(1.0, (begin + BLOCK_ROWS) / trace.block_count))
