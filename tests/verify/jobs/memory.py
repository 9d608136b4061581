"""The tests in Python under AddressSanitizer, and objects made and closed without growth."""

import os
import re
import subprocess
import sys
import tempfile
from functools import lru_cache
from pathlib import Path

import cbuild
from extension import FILES, built
from job import Job, Room, found
from plant import replace

TESTS = """
    bytes bytes_views bytes_threads store pool stats slots config trace trace_csv trace_line
    formats formats_npz import_text members packets replay curve heaps ops run_rtp record_raw
    erlang gate pool_watch recorder results trace_info tune_sites workload_results
""".split()
"""Those whose subject is the extension, with ten examples for each property; `make soak` runs all
but the following, with as many examples as `make test`."""
NOT_TESTS = (
    # They start compilers, and what those make.
    *("lint", "readme", "notebooks", "packaging", "verify", "allocs", "cbuild"),
    *("firmware", "firmware_project", "exports", "exports_trace"),
    # They preload another malloc, or count what the process asks of its own.
    *("record", "import_tools", "cli_live", "live", "compare_malloc", "out_of_memory"),
    # They start Chromium.
    *("browser", "live_page", "report_page"),
)
LIMITS = {
    "bad_case.py": ("ADDRESSES_MAX = 4 << 30", "ADDRESSES_MAX = -1"),
    "fuzz/readers.py": ("ADDRESSES_MAX = 3 << 30", "ADDRESSES_MAX = -1"),
    "test_bad_input.py": (
        "SECONDS_MAX, PEAK_BYTES_MAX = 1.0, 256 << 20",
        "SECONDS_MAX, PEAK_BYTES_MAX = 10.0, 4 << 30",
    ),
}
"""Of addresses, of which ASan needs terabytes, of time and memory: wider under it."""
NOT_HERE = (
    # They limit their addresses, or have to be refused memory that ASan has.
    "pool.py::test_a_process_with_little_memory_gets_it_back_or_a_config_error",
    "replay.py::test_blocks_that_the_trace_does_not_free_go_back_to_the_heap",
    "bad_input.py::test_each_case_ends_as_it_has_to_soon_and_in_little_memory[config]",
    "bad_input.py::test_each_case_ends_as_it_has_to_soon_and_in_little_memory[commands]",
    "bad_input.py::test_a_case_that_goes_wrong_is_told",
    # It records a program, which preloads another malloc.
    "cli_import.py::test_import_of_guessed_frees_tells_how_to_accept_the_guess",
)
SLOW = (
    # Their time is that of the models, in Python.
    "replay.py::test_the_whole_recording_gives_exactly_what_the_model_gives",
    "replay.py::test_the_recording_gives_exactly_what_the_model_gives",
    "heaps.py::test_a_long_random_run_stays_with_the_model",
    "heaps.py::test_every_block_lies_where_the_model_puts_it",
    "curve.py::test_every_slot_count_gives_what_a_replay_and_the_model_give",
)
"""Left to `make soak`."""
NOT_COPIED = (".git", ".venv", ".hypothesis", ".mypy_cache", ".pytest_cache", "build", "demo")
ASAN = ["-O1", "-g", "-fno-omit-frame-pointer", "-fsanitize=address"]
FEW = """
settings.register_profile("few", settings.get_profile("repeatable"), max_examples=10)
settings.load_profile("few")
"""
LATE = """
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


@lru_cache(maxsize=None)
def tree() -> Path:
    """Return a copy of everything, with the package under AddressSanitizer."""
    folder = built(Path(tempfile.mkdtemp()) / "tree", "gcc", ASAN)
    for path in cbuild.ROOT.iterdir():
        if path.name not in (*FILES, *NOT_COPIED) and path.suffix != ".egg-info":
            cbuild.execute(["cp", "-r", path, folder])
    return folder


def run_tests(room: Room, names, skipped):
    """Run test files under AddressSanitizer; return how many tests passed."""
    folder = tree()
    preload = cbuild.execute(["gcc", "-print-file-name=libasan.so"]).strip()
    environment = {
        **os.environ,
        "LD_PRELOAD": preload,
        "PYTHONMALLOC": "malloc",
        # For what tests start in folders of their own.
        "PYTHONPATH": str(folder),
        # To files: pytest keeps what is printed, and loses it when the process dies.
        "ASAN_OPTIONS": f"detect_leaks=0:allocator_may_return_null=1:log_path={room.tmp}/asan",
    }
    files = [f"tests/test_{name}.py" for name in names]
    options = ["-q", "-n", "2", "-p", "no:cacheprovider"]
    options += [f"--deselect=tests/test_{test}" for test in skipped]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *files],
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
    # A warning says that there is no memory for a request of 2^64 - 1 bytes.
    assert done.returncode == 0 and summary and "ERROR: " not in reports, told
    return int(summary[1])


def look_asan(room: Room) -> dict[str, int]:
    names, skipped = TESTS, NOT_HERE + SLOW
    if room.soak:
        paths = sorted((cbuild.ROOT / "tests").glob("test_*.py"))
        every = [path.stem.removeprefix("test_") for path in paths]
        names = [n for n in every if n not in NOT_TESTS and not n.startswith("c_")]
        skipped = NOT_HERE
        for name, (old, new) in LIMITS.items():
            replace(tree() / "tests" / name, old, new)
    else:
        with open(tree() / "tests" / "conftest.py", "a") as conftest:
            conftest.write(FEW)
    return {"files": len(names), "tests": run_tests(room, names, skipped)}


def find_asan(room: Room) -> str:
    """Read what a pool's memory was after it was freed."""
    (tree() / "tests" / "test_late.py").write_text(LATE)
    return found(lambda: run_tests(room, ["late"], ()), "heap-use-after-free")


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
        cores=2,
    ),
    Job(
        name="growth",
        tool="RSS",
        shows="a process that makes and closes pools, stores, Bytes and views stays as small",
        run=look_growth,
        plants={"every tenth pool is kept": find_growth},
    ),
]
