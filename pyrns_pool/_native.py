"""The only module that imports the compiled extension.

``none`` is the unsynchronised build, for code that owns its pool alone (replay, trace reading);
``atomic`` is the thread-safe one, for `Pool`. Each is a ``(lib, ffi)`` pair of its own: cdata of
one must not be passed to the other.
"""

from __future__ import annotations

from typing import Any, NamedTuple

try:
    import pyrns_pool._core_atomic as _core_atomic
    import pyrns_pool._core_none as _core_none
except ImportError as error:  # pragma: no cover - needs a broken installation
    raise ImportError(
        "pyrns_pool is not built: run 'make' or 'pip install .' in its source directory "
        f"({error})"
    ) from error


class Build(NamedTuple):
    """One compiled build of csrc: cffi's library and its FFI object."""

    lib: Any
    ffi: Any


none = Build(_core_none.lib, _core_none.ffi)
CORE_NONE_FILE: str = _core_none.__file__
"""Of the extension, for a process that is to load nothing else."""
atomic = Build(_core_atomic.lib, _core_atomic.ffi)
