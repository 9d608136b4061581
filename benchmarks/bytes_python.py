"""Time `pyrns_pool.Bytes` beside bytes, bytearray and a plainer cffi design, interleaved.

The plainer design is a class with a handle that ffi.gc drops, as one would write it first: every
slice is a call of C. Run by `make bench`.
"""

import argparse
import statistics
import time

import report

import pyrns_pool as rp
from pyrns_pool._native import atomic

LENGTH = 500
CALLS = 200  # of each case in each round: less than a slice of the scheduler
GOAL = 0.5  # slice / create


class Plain:
    """Bytes as ffi.gc would have it: a handle that owns itself, and a call for each slice."""

    __slots__ = ("handle", "length")

    def __init__(self, handle, length):
        self.handle = atomic.ffi.gc(handle, atomic.lib.rns_handle_drop)
        self.length = length

    def __getitem__(self, index):
        """Return a slice."""
        start, stop, _ = index.indices(self.length)
        part = atomic.lib.rns_handle_slice(self.handle, start, stop - start)
        return Plain(part, stop - start)


def cases():
    """Return {what: {who: callable}}; each callable does the same for its type."""
    store = rp.Store(rp.PoolConfig.parse("64x48,256x24,512x16,1024x16"), headroom_bytes=8)
    native = store._native.store
    data = bytes(i % 251 for i in range(LENGTH))
    other = bytes(bytearray(data))
    ours, mutable, plain = store.bytes(data), bytearray(data), None

    def create_plain():
        return Plain(atomic.lib.rns_handle_new(native, data, LENGTH), LENGTH)

    plain = create_plain()

    def append(make):
        grown = make()
        grown += b"0123456789abcdef"
        return grown

    def write_shared():
        part = ours[:]
        part[0] = 1

    return {
        "create": {
            "Bytes": lambda: store.bytes(data),
            "ffi.gc": create_plain,
            "bytearray": lambda: bytearray(data),
            "bytes": lambda: bytes(mutable),
        },
        "slice 19:": {
            "Bytes": lambda: ours[19:],
            "ffi.gc": lambda: plain[19:],
            "bytearray": lambda: mutable[19:],
            "bytes": lambda: data[19:],
        },
        "view": {
            "Bytes": lambda: ours.view(),
            "bytearray": lambda: memoryview(mutable),
            "bytes": lambda: memoryview(data),
        },
        "create and += 16": {
            "Bytes": lambda: append(lambda: store.bytes(data[:480])),
            "bytearray": lambda: append(lambda: bytearray(data[:480])),
            "bytes": lambda: append(lambda: bytes(mutable[:480])),
        },
        "slice and write it": {
            "Bytes": write_shared,
            "bytearray": lambda: mutable[:].__setitem__(0, 1),
        },
        "== bytes": {
            "Bytes": lambda: ours == other,
            "bytearray": lambda: mutable == other,
            "bytes": lambda: data == other,
        },
        "[7]": {
            "Bytes": lambda: ours[7],
            "bytearray": lambda: mutable[7],
            "bytes": lambda: data[7],
        },
        "[7] = 1": {
            "Bytes": lambda: ours.__setitem__(7, data[7]),
            "bytearray": lambda: mutable.__setitem__(7, data[7]),
        },
        "to bytes": {"Bytes": lambda: bytes(ours), "bytearray": lambda: bytes(mutable)},
        "a call alone": {who: lambda: None for who in ("Bytes", "ffi.gc", "bytearray", "bytes")},
    }


def nanoseconds(function):
    """Return the mean time of one call."""
    calls = range(CALLS)
    begin = time.perf_counter_ns()
    for _ in calls:
        function()
    return (time.perf_counter_ns() - begin) / CALLS


def measure(rounds):
    """Return {(what, who): ns}, medians of rounds that visit every case in turn."""
    everything = [
        (what, who, function) for what, peers in cases().items() for who, function in peers.items()
    ]
    times = {(what, who): [] for what, who, _ in everything}
    for round_ in range(rounds + 1):
        turn = round_ % len(everything)
        for what, who, function in everything[turn:] + everything[:turn]:
            times[what, who].append(nanoseconds(function))
    return {key: statistics.median(values[1:]) for key, values in times.items()}


def main():
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=401)
    rounds = parser.parse_args().rounds
    ns = measure(rounds)
    empty = ns["a call alone", "Bytes"]
    peers = ["Bytes", "ffi.gc", "bytearray", "bytes"]
    rows = []
    for what in dict.fromkeys(what for what, _ in ns):
        cells = [f"{ns[what, who]:.0f}" if (what, who) in ns else "-" for who in peers]
        rows.append([what, *cells])

    create, cut = ns["create", "Bytes"] - empty, ns["slice 19:", "Bytes"] - empty
    verdict = "met" if cut <= GOAL * create else "missed"
    of_gc = (ns["slice 19:", "ffi.gc"] - empty) / (ns["create", "ffi.gc"] - empty)
    text = "\n\n".join(
        [
            report.header("Bytes in Python"),
            f"ns, median of {rounds} interleaved rounds of {CALLS:,} calls, {LENGTH} bytes; the "
            "time of a call alone is in each figure, what is made is dropped in it, too.",
            report.table(["what", *peers], rows),
            f"Without the call alone, a slice takes {cut / create:.2f} of the time of creating "
            f"(goal: at most {GOAL}; {verdict}); with ffi.gc it takes {of_gc:.2f}, and "
            f"{(ns['slice 19:', 'ffi.gc'] - empty) / cut:.1f} times as long as ours.",
        ]
    )
    report.publish("bytes-python", text)


if __name__ == "__main__":
    main()
