"""Compile csrc into the two extension modules; used by setup.py only.

The same sources and the same declarations (``_cdef.h``) are built twice: ``_core_none`` without
synchronisation for replay, which owns its pool alone, and ``_core_atomic`` for `Pool`, since cffi
drops the GIL around every call; its pools can be observed, by `Recorder`.
"""

from pathlib import Path

from cffi import FFI

CDEF = Path(__file__).with_name("_cdef.h")
CSRC = Path("csrc")  # relative to setup.py, as setuptools demands of sources
PARTS = ("port", "core", "node", "lab")
NOT_INCLUDED = ("_inline.", "_lock_")  # by other headers, or only where there is such a lock
WARNINGS = ["-Wall", "-Wextra", "-Wno-missing-field-initializers"]


def builder(name: str, sync: str, observe: str) -> FFI:
    """Describe one build of the core and the laboratory."""
    sources = [path for part in PARTS for path in sorted((CSRC / part).glob("*.c"))]
    headers = [path for part in PARTS for path in sorted((CSRC / part).glob("*.h"))]
    included = [path.name for path in headers if not any(w in path.name for w in NOT_INCLUDED)]
    ffi = FFI()
    ffi.cdef(CDEF.read_text())
    ffi.set_source(
        f"pyrns_pool.{name}",
        "".join(f'#include "{name}"\n' for name in included),
        sources=[str(path) for path in sources],
        depends=[str(path) for path in headers],
        include_dirs=[str(CSRC / part) for part in PARTS],
        define_macros=[("RNS_SYNC", sync), ("RNS_OBSERVE", observe)],
        extra_compile_args=["-std=c11", "-O2", "-fvisibility=hidden", *WARNINGS],
    )
    return ffi


core_none = builder("_core_none", "RNS_SYNC_NONE", "0")
core_atomic = builder("_core_atomic", "RNS_SYNC_ATOMIC", "1")
