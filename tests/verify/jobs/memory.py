"""The tests in Python under AddressSanitizer, and objects made and closed without growth."""

import os
import re
import subprocess
import sys

import cbuild
from extension import built
from job import Job, Room, found

TESTS = """
    bytes bytes_threads store pool stats slots config trace trace_csv trace_line formats
    formats_npz import_text members packets replay curve heaps ops run_rtp record_raw
""".split()
"""Those whose subject is the extension; `make soak` runs all but these that start compilers."""
NOT_TESTS = ("lint", "readme", "notebooks", "packaging", "verify", "allocs", "firmware", "cbuild")
ASAN = ["-O1", "-g", "-fno-omit-frame-pointer", "-fsanitize=address"]
ROUNDS, SOAK_ROUNDS = 1_000_000, 20_000_000
GROWTH_BYTES_MAX = 4 << 20
CHURN = """
import os, sys, pyrns_pool as rp
config = rp.PoolConfig.parse("64x4,256x2")
kept = []

def resident():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

def churn(rounds, leak):
    store = rp.Store(config)
    for number in range(rounds):
        b = store.bytes(b"content")
        part = b[2:]
        part[0] = number & 255
        view = part.view()
        if number % 10 == 0:
            with rp.Pool(config) as pool:
                pool.give(pool.take(100))
            rp.Store(config).bytes(b"x").release()
            if leak:
                kept.append(rp.Pool(config))

rounds, leak = int(sys.argv[1]), len(sys.argv) > 2
churn(rounds // 20, leak)
before = resident()
churn(rounds, leak)
print(resident() - before)
"""


def run_tests(room: Room, names, more=()):
    """Run test files on a package under AddressSanitizer; return how many tests passed."""
    folder = built(room.tmp / "package", "gcc", ASAN)
    cbuild.execute(["cp", "-r", cbuild.ROOT / "tests", folder])
    for name, text in more:
        (folder / "tests" / name).write_text(text)
    preload = cbuild.execute(["gcc", "-print-file-name=libasan.so"]).strip()
    environment = {
        **os.environ,
        "LD_PRELOAD": preload,
        "PYTHONMALLOC": "malloc",
        # To files: pytest keeps what is printed, and loses it when the process dies.
        "ASAN_OPTIONS": f"detect_leaks=0:allocator_may_return_null=1:log_path={room.tmp}/asan",
    }
    files = [f"tests/test_{name}.py" for name in names]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
    )
    summary = re.search(r"(\d+) passed", done.stdout)
    reports = "".join(path.read_text() for path in sorted(room.tmp.glob("asan.*")))
    told = done.stdout[-3000:] + done.stderr[-3000:] + reports
    assert done.returncode == 0 and summary and not reports, told
    return int(summary[1])


def look_asan(room: Room) -> dict[str, int]:
    names = TESTS
    if room.soak:
        paths = sorted((cbuild.ROOT / "tests").glob("test_*.py"))
        every = [path.stem.removeprefix("test_") for path in paths]
        names = [n for n in every if not n.startswith(("c_", *NOT_TESTS))]
    return {"files": len(names), "tests": run_tests(room, names)}


def find_asan(room: Room) -> str:
    """Read what a pool's memory was after it was freed."""
    text = """
from pyrns_pool._native import atomic

def test_late():
    lib, ffi = atomic
    memory = ffi.new("char[]", 100)
    place = ffi.cast("char *", memory)
    del memory
    lib.rns_status_name(0)
    event = ffi.new("rns_trace_csv_t *")
    lib.rns_trace_csv_init(event)
    rows = ffi.new("rns_trace_rows_t *", [ffi.NULL, 1, 0])
    assert lib.rns_trace_csv_feed(event, place, 100, rows)
"""
    return found(
        lambda: run_tests(room, ["late"], [("test_late.py", text)]), "heap-use-after-free"
    )


def churn(rounds, *leak):
    """Return by how many bytes a process grows that makes and closes objects."""
    return int(cbuild.execute([sys.executable, "-c", CHURN, rounds, *leak], timeout=7200))


def look_growth(room: Room) -> dict[str, int]:
    rounds = SOAK_ROUNDS if room.soak else ROUNDS
    growth = churn(rounds)
    assert growth < GROWTH_BYTES_MAX, f"grew by {growth} bytes in {rounds} rounds"
    return {"objects made and closed": rounds * 3 + rounds // 10 * 3}


def find_growth(room: Room) -> str:
    growth = churn(100_000, "leak")
    return f"grew by {growth} bytes" if growth >= GROWTH_BYTES_MAX else ""


JOBS = [
    Job(
        name="asan-python",
        tool="ASan",
        shows="the tests of what calls C touch no memory that is not theirs",
        run=look_asan,
        plants={"text read after it was freed": find_asan},
    ),
    Job(
        name="growth",
        tool="RSS",
        shows="a process that makes and closes pools, stores, Bytes and views stays as small",
        run=look_growth,
        plants={"every tenth pool is kept": find_growth},
    ),
]
