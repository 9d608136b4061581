"""The C suites of the firmware library, as the jobs build them that judge the suites."""

from pathlib import Path

import cbuild
import test_c_bytes
import test_c_core
import test_c_node
import test_c_rtp
import test_c_table

SUITES = {
    "core": test_c_core,
    "bytes": test_c_bytes,
    "table": test_c_table,
    "node": test_c_node,
    "rtp": test_c_rtp,
}


def sources_of(suite: str, profile: str = "FULL") -> list[Path]:
    """Return the sources of the program that runs a suite in a profile."""
    is_core = suite == "core"  # the only suite with tests of what a profile lacks in files apart
    sources = test_c_core.sources_in(profile) if is_core else SUITES[suite].SOURCES
    return [cbuild.ROOT / source for source in sources]
