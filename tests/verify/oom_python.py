"""Make memory run out in every verb of the package: ``python oom_python.py FOLDER [VERB ...]``.

Runs with tests/c/oom_preload.c preloaded, which makes the n-th call of malloc and its kin fail
that comes from the package's extension or, for an array, from NumPy: for every n of a verb, once
and from then on. Each time the verb raises MemoryError, or does without and gives the same result;
nothing is leaked, and the same call succeeds afterwards. Prints what it did as JSON.
"""

import ctypes
import gc
import json
import sys
import warnings
from pathlib import Path

import numpy as np

import pyrns_pool as rp
from pyrns_pool import _sweep_task

ARRAY_BYTES_MIN = 1024
"""NumPy keeps smaller blocks for itself, so that they look leaked."""
CALLS_MAX = 64
"""Where a verb has more, so many are made to fail, evenly among them."""
MODULES = ("pyrns_pool/_core_none", "pyrns_pool/_core_atomic")
DATA = Path(__file__).resolve().parent.parent / "data"
POOL = rp.PoolConfig.parse("64x8,256x4,1024x2", "spill")


class Oom:
    """The preloaded functions."""

    def __init__(self):
        lib = ctypes.CDLL(None)
        for name in ("oom_calls", "oom_failures", "oom_live", "oom_sites"):
            getattr(lib, name).restype = ctypes.c_uint64
            setattr(self, name[4:], getattr(lib, name))
        lib.oom_plan.argtypes = [ctypes.c_uint64, ctypes.c_bool]
        lib.oom_learn.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
        self.plan = lib.oom_plan
        for module in MODULES:
            lib.oom_watch(module.encode())
        # What NumPy takes for its own work it does not always look at: before 2.0 it crashes.
        lib.oom_learn(b"_multiarray_umath", ARRAY_BYTES_MIN)
        np.empty(ARRAY_BYTES_MIN, "u1").resize(2 * ARRAY_BYTES_MIN)
        np.zeros(ARRAY_BYTES_MIN, "u1")
        lib.oom_learn_no_more()


def texts(trace):
    """Return the recording of a trace as other tools write it, by format."""
    rows = [(op == 0, int(id_), int(size)) for op, id_, size in trace.events[["op", "id", "size"]]]
    return {
        "mtrace": ["= Start"]
        + [
            f"@ ./w:[0x{size:x}] + {16 * id_ + 16:#x} {size:#x}"
            if takes
            else f"@ ./w:[0x1] - {16 * id_ + 16:#x}"
            for takes, id_, size in rows
        ],
        "heaptrack raw": ["v 10400 3", "x 3 /w x", "m 1 x 1000 0 fff", "t 1234 0", "c a"]
        + [
            f"+ {size:x} 1 {16 * id_ + 16:x}" if takes else f"- {16 * id_ + 16:x}"
            for takes, id_, size in rows
        ],
    }


def plain(trace):
    """Return what makes two traces the same, for comparing."""
    return trace.events.tobytes(), trace.sites


def recorded_sizes(command):
    """Record a program; return the sizes that it allocated."""
    _, (process,) = rp.record(command)
    return process.trace.events["size"].tobytes()


def swept(pools, path):
    """Run a sweep that forgets its input: else it would read the trace once for all calls."""
    try:
        return rp.sweep(pools, [path]).to_list()
    finally:
        _sweep_task._kept.clear()


def verbs(folder):
    """Return, by name, calls of the package that give something comparable."""
    trace = rp.packet_node(16_384, events=1500, seed=1)
    done = {}
    for suffix in (".csv", ".csv.gz", ".npz"):
        path = folder / f"trace{suffix}"
        rp.save_trace(trace, path, overwrite=True)
        done[f"read {suffix[1:]}"] = lambda path=path: plain(rp.load_trace(path))
        again = folder / f"again{suffix}"
        done[f"write {suffix[1:]}"] = lambda again=again: (
            rp.save_trace(trace, again, overwrite=True),
            plain(rp.load_trace(again)),
        )
    for name, lines in texts(trace).items():
        path = folder / name.replace(" ", "-")
        path.write_text("\n".join(lines) + "\n")
        done[f"import {name}"] = lambda path=path: plain(rp.load_trace(path))
    for name in ("heap_trace.txt", "systemview.json"):
        done[f"import {name.split('.')[0]}"] = lambda name=name: plain(rp.load_trace(DATA / name))
    pools = [POOL, rp.PoolConfig.preset("fork")]
    return {
        **done,
        "record": lambda: recorded_sizes(["sh", "-c", ":"]),
        "replay": lambda: rp.replay(rp.load_trace(folder / "trace.npz"), POOL).to_dict(),
        "hit_curve": lambda: rp.hit_curve(trace, [64, 256, 1024]).to_list(),
        "hit_curve simulated": lambda: rp.hit_curve(
            trace, [64, 256, 1024], "spill", chosen=[8, 4, 2]
        ).to_list(),
        "tune": lambda: rp.tune(trace, budget_bytes=16_384, candidates_max=8).to_dict(),
        "compare": lambda: rp.compare(trace, POOL, [16_384], bins=16).to_list(),
        "audit_trace": lambda: rp.audit_trace(trace, POOL).to_dict(),
        "sweep": lambda: swept(pools, folder / "trace.npz"),
    }


def is_refusal(error):
    """Tell whether an error says that there is no memory.

    NumPy before 1.25 only warns where ``==`` has no memory for its result, and answers False; here
    such a warning is an error.
    """
    words = "not enough memory", "elementwise comparison failed"
    return isinstance(error, MemoryError) or any(word in str(error) for word in words)


class Trial:
    """One verb, made to fail."""

    def __init__(self, oom, name, call):
        self.oom, self.name, self.call = oom, name, call
        self.faults = []
        self.refused = self.served = 0
        for _ in range(2):  # What the first call keeps for later calls is no leak.
            self.expected = call()
        gc.collect()
        self.live = oom.live()
        oom.plan(0, False)
        call()
        self.calls = oom.calls()
        self.expect_no_leak("")

    def expect_no_leak(self, where):
        gc.collect()
        if self.oom.live() != self.live:
            self.faults.append(f"{where}leaks {self.oom.live() - self.live} blocks")
            self.live = self.oom.live()

    def run(self):
        numbers = range(1, self.calls + 1)
        if self.calls > CALLS_MAX:
            numbers = [1 + self.calls * i // CALLS_MAX for i in range(CALLS_MAX)]
        for number in numbers:
            for sticky in (False, True):
                where = f"call {number} of {self.calls}{', sticky' if sticky else ''}: "
                self.fail(number, sticky, where)
        return {
            "calls": self.calls,
            "refused": self.refused,
            "served": self.served,
            "faults": self.faults,
        }

    def fail(self, number, sticky, where):
        self.oom.plan(number, sticky)
        try:
            result = self.call()
        except BaseException as error:
            if is_refusal(error):
                self.refused += 1
            else:
                self.faults.append(f"{where}{type(error).__name__}: {error}")
        else:
            self.served += 1
            if result != self.expected:
                self.faults.append(f"{where}another result")
            del result
        failures = self.oom.failures()
        self.oom.plan(0, False)
        if failures == 0:
            self.faults.append(f"{where}nothing failed")
        self.expect_no_leak(where)
        if self.call() != self.expected:
            self.faults.append(f"{where}another result afterwards")


def main():
    warnings.simplefilter("error", DeprecationWarning)
    oom = Oom()
    folder, chosen = Path(sys.argv[1]), sys.argv[2:]
    calls = verbs(folder)
    verdict = {}
    for name in chosen or calls:
        print(name, file=sys.stderr)  # So that a crash says in what.
        verdict[name] = Trial(oom, name, calls[name]).run()
    json.dump({"sites": oom.sites(), "verbs": verdict}, sys.stdout)


if __name__ == "__main__":
    main()
