"""Time this process's malloc with a trace, alone in a process: run by `_compare_time` alone.

It loads the extension by its path and nothing else of the package, so that its memory grows by
little but what the trace asks for. Reads event_count, block_count, events and blocks from stdin;
writes ns of each round and the growth of its resident memory, in bytes or null, as JSON.
"""

import importlib.machinery
import importlib.util
import json
import sys
import time
from typing import Optional

ROUNDS = 5
CHUNK_EVENTS = 1 << 18


def kib_of(name: str) -> Optional[int]:
    """Return a value of /proc/self/status in KiB, None where there is none."""
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            return next((int(line.split()[1]) for line in status if line.startswith(name)), None)
    except OSError:
        return None


def main() -> None:
    """Run."""
    loader = importlib.machinery.ExtensionFileLoader("_core_none", sys.argv[1])
    spec = importlib.util.spec_from_file_location("_core_none", sys.argv[1], loader=loader)
    assert spec is not None
    core = importlib.util.module_from_spec(spec)
    loader.exec_module(core)
    lib, ffi = core.lib, core.ffi
    read = sys.stdin.buffer.read
    event_count, block_count = (int.from_bytes(read(8), "little") for _ in range(2))
    events, blocks = read(event_count * ffi.sizeof("rns_event_t")), read(4 * event_count)
    held = {
        "events": ffi.from_buffer("rns_event_t[]", events),
        "block": ffi.from_buffer("uint32_t[]", blocks),
        "blocks": ffi.new("unsigned char *[]", block_count),
    }
    state = ffi.new("rns_timed_t *", {**held, "block_count": block_count})
    lib.rns_timed_begin(state)
    lib.rns_timed_trim()
    try:
        with open("/proc/self/clear_refs", "w", encoding="ascii") as refs:
            refs.write("5")  # The high-water mark of resident memory begins anew.
        before = kib_of("VmRSS:")
    except OSError:
        before = None
    ns: list[int] = []
    growth = None
    for _ in range(ROUNDS):
        begin = time.perf_counter_ns()
        for first in range(0, event_count, CHUNK_EVENTS):
            lib.rns_timed_run(state, first, min(first + CHUNK_EVENTS, event_count))
        ns.append(time.perf_counter_ns() - begin)
        peak = kib_of("VmHWM:")
        if growth is None and before is not None and peak is not None:
            growth = max(0, peak - before) * 1024  # Of the first round, into empty memory.
        lib.rns_timed_end(state)
    print(json.dumps({"ns": ns, "rss_bytes": growth, "failures": state.failures}))


if __name__ == "__main__":
    main()
