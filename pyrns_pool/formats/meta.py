"""What a trace file says besides its events: provenance and quality flags, as text by key."""

from __future__ import annotations

from typing import Mapping

from pyrns_pool.errors import TraceError
from pyrns_pool.formats.files import PathLike, origin
from pyrns_pool._trace_checks import RESERVED_KEYS as FLAGS
from pyrns_pool.trace import Trace

__all__ = ["OF_THE_FILE", "flags_and_provenance", "meta_of"]

OF_THE_FILE = ("file", "format")  # Set anew by each reading, so not written.


def meta_of(trace: Trace) -> dict[str, str]:
    """Return what is to be written with a trace; a flag only when it is False.

    Parameters
    ----------
    trace : Trace
        The trace.

    Returns
    -------
    dict of str to str
        Flags first, then the provenance in its order.
    """
    flags = {name: "false" for name in FLAGS if not getattr(trace, name)}
    kept = {key: value for key, value in trace.provenance.items() if key not in OF_THE_FILE}
    return {**flags, **kept}


def flags_and_provenance(
    meta: Mapping[str, str], path: PathLike
) -> tuple[dict[str, bool], dict[str, str]]:
    """Return the two parts of what was read with a trace.

    Parameters
    ----------
    meta : mapping of str to str
        As `meta_of` returns it.
    path : str or path-like
        The file.

    Returns
    -------
    flags : dict of str to bool
        All of `FLAGS`.
    provenance : dict of str to str
        ``file``, ``format``, then the rest.

    Raises
    ------
    TraceError
        If a flag is neither ``true`` nor ``false``.
    """
    flags = {}
    for name in FLAGS:
        value = meta.get(name, "true")
        if value not in ("true", "false"):
            raise TraceError("is neither 'true' nor 'false'", field=name, value=value)
        flags[name] = value == "true"
    rest = {key: value for key, value in meta.items() if key not in (*FLAGS, *OF_THE_FILE)}
    return flags, {**origin(path), **rest}
