"""Make memory run out in every verb of the package: ``python oom_python.py FOLDER N [VERB ...]``.

Runs with tests/c/oom_preload.c preloaded, which makes the n-th call of malloc and its kin fail
that comes from the package's extension or, for an array, from NumPy: for every n of a verb, or
where there are many for N of them evenly, once and from then on. Each time the verb raises
MemoryError, or does without and gives the same result; nothing is leaked, and the same call
succeeds afterwards. Prints what it did as JSON.
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
from pyrns_pool._compare_time import Timed
from pyrns_pool._native import none
from pyrns_pool.workloads.soak import Soak, SoakSpec

ARRAY_BYTES_MIN = 1024
"""NumPy keeps smaller blocks for itself, so that they look leaked."""
ALL_TO = 64
"""So many calls of a verb are all made to fail."""
MODULES = ("pyrns_pool/_core_none", "pyrns_pool/_core_atomic")
DATA = Path(__file__).resolve().parent.parent / "data"
SOAK_NS = 20 * 10**9
POOL = rp.PoolConfig.parse("64x8,256x4,1024x2", "spill")


class Oom:
    """The preloaded functions."""

    def __init__(self):
        lib = ctypes.CDLL(None)
        for name in ("oom_calls", "oom_failures", "oom_live", "oom_sites", "oom_site"):
            getattr(lib, name).restype = ctypes.c_uint64
            setattr(self, name[4:], getattr(lib, name))
        lib.oom_site.argtypes = [ctypes.c_char_p, ctypes.c_uint64]
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

    def places(self):
        """Return, by module, the addresses in its file behind the calls that failed."""
        numbers = range(self.sites())
        return {
            module: [at for at in (self.site(module.encode(), n) for n in numbers) if at]
            for module in MODULES
        }


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


def taken_from_malloc():
    """Take what a pool has to ask malloc for."""
    with rp.Pool(rp.PoolConfig.parse("64x1", fallback="malloc")) as pool:
        slots = [pool.take(10) for _ in range(3)]
        for slot in slots:
            pool.give(slot)
        return pool.stats().fallbacks


def shared_bytes():
    """Make Bytes, share and separate them."""
    store = rp.Store(POOL)
    whole = store.bytes(b"content")
    part = whole[2:]
    part[0] = 0
    return bytes(whole), bytes(part), store.stats().pool.in_use


def on_a_machine(trace):
    """Replay over the heaps of a machine; what is no more served there has to be counted."""
    stats = rp.replay(trace, POOL, machine=rp.machine("esp32s3")).stats
    if sum(region.fallbacks for region in stats.regions) != stats.fallbacks:
        raise AssertionError("fallbacks of the regions are not those of the pool")
    if stats.failures:
        raise MemoryError(f"{stats.failures} requests failed")
    return stats


def timed(trace):
    """Send a trace to malloc, as a process of `compare` does."""
    run = Timed(trace)
    lib, state = none.lib, run.native
    lib.rns_timed_begin(state)
    lib.rns_timed_run(state, 0, len(trace))
    lib.rns_timed_end(state)
    if state.failures:
        raise MemoryError(f"{state.failures} requests failed")
    return len(trace)


def soaked(spec):
    """Soak for some minutes; the pool does not depend on the heap beside it."""
    soak = Soak(spec)
    try:
        soak.until(SOAK_NS)
        return soak.stats()
    finally:
        soak.close()


def verbs(folder):
    """Return, by name, calls of the package that give something comparable."""
    trace = rp.packet_node(16_384, events=1500, seed=1)
    blocks = rp.packet_node(16_384, events=60, seed=1)
    spec = SoakSpec(rp.PoolConfig.parse("64x320,256x224,512x8"), "node", hours=1, seed=1)
    done = {
        "pool": taken_from_malloc,
        "bytes": shared_bytes,
        "machine": lambda: on_a_machine(blocks),
        "malloc": lambda: timed(blocks),
        "soak": lambda: soaked(spec),
    }
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

    def __init__(self, oom, name, call, most):
        self.oom, self.name, self.call, self.most = oom, name, call, most
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
        if self.calls > max(self.most, ALL_TO):
            numbers = [1 + self.calls * i // self.most for i in range(self.most)]
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
    folder, most, chosen = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    calls = verbs(folder)
    verdict = {}
    for name in chosen or calls:
        print(name, file=sys.stderr)  # So that a crash says in what.
        verdict[name] = Trial(oom, name, calls[name], most).run()
    json.dump({"sites": oom.sites(), "places": oom.places(), "verbs": verdict}, sys.stdout)


if __name__ == "__main__":
    main()
