"""Each path of the library runs without the heap, and what would show the contrary works."""

import copy
import shutil
import subprocess
import sys
from fractions import Fraction

import cbuild
import pytest

import pyrns_pool as rp

sys.path.insert(0, str(cbuild.ROOT / "benchmarks"))
import allocs  # noqa: E402

OPERATIONS = 400
ROUNDS = 5
BYTES_PATHS = [
    "create",
    "share",
    "slice",
    "export",
    "write in place",
    "COW write",
    "append",
    "append, growing",
    "prepend",
    "shared tail append",
    "concat",
    "compact",
    "gather",
    "hex",
    "packet as Bytes",
]
PACKET_PATHS = [
    "packet build",
    "packet parse",
    "packet route",
    "packet route, shared",
    "packet hash",
]
NODE_PATHS = [
    "node inbound",
    "node forward",
    "node outbound",
    "node tick",
    "node announce",
    "node path request",
    "node link",
    "node link in transit",
    "node resource",
]
LOG_PATHS = {"node, whole log": 512, "node, whole log, default tables": 1}
"""By the least capacity of every table."""
LOG_PACKETS = 41969
RTP_PATHS = [f"RTP receive, {spacing} ms" for spacing in range(1, 101)]
REQUIRED = BYTES_PATHS + PACKET_PATHS + NODE_PATHS + RTP_PATHS + list(LOG_PATHS)


@pytest.fixture(scope="module", params=cbuild.SYNCS)
def rows(request, tmp_path_factory):
    """What the counting program prints, in each synchronisation mode."""
    return allocs.measure(tmp_path_factory.mktemp("allocs"), OPERATIONS, request.param)


def of(rows, name, pool):
    """Return the one row of that name on that pool."""
    (row,) = [row for row in rows if (row["name"], row["pool"]) == (name, pool)]
    return row


def test_nothing_is_wrong_with_the_counts(rows):
    assert allocs.faults(rows) == []


def test_every_required_path_runs_on_its_high_water_marks_without_the_heap(rows):
    operations = 0
    for name in REQUIRED:
        row = of(rows, name, "exact")
        assert row["operations"] >= ROUNDS, name
        assert (row["allocations"], row["bytes"], row["frees"]) == (0, 0, 0), row
        assert row["misses"] == 0 and sum(row["slots"].values()) > 0, row
        operations += row["operations"]
    print(f"{len(REQUIRED)} paths, {operations} operations, 0 allocations")
    assert {row["name"] for row in rows if row["kind"] == "path"} == set(REQUIRED)


def test_a_pool_that_is_too_small_calls_malloc_as_often_as_its_statistics_say(rows):
    fallbacks = 0
    for name in REQUIRED:
        row = of(rows, name, "too small")
        assert row["allocations"] == row["fallbacks"] == row["misses"] > 0, row
        assert row["frees"] == row["fallback_gives"] == row["fallbacks"], row
        fallbacks += row["fallbacks"]
    print(f"{len(REQUIRED)} paths, {fallbacks} fallbacks, as many allocations")


def test_the_planted_allocation_is_counted_exactly_and_its_site_named(rows):
    row = of(rows, "planted", "none")
    assert Fraction(row["allocations"], row["operations"]) == Fraction(1, 8)
    (site,) = row["sites"]
    assert site["allocations"] == row["allocations"] == ROUNDS * OPERATIONS // 8
    assert site["frames"][0].startswith("allocs: planted_allocation (allocs_controls.c:")
    assert site["frames"][1].startswith("allocs: run_planted (allocs_controls.c:")


def test_every_function_of_the_family_is_counted_at_a_site_of_its_own(rows):
    row = of(rows, "planted, whole family", "none")
    assert row["allocations"] == 14 * row["operations"] > 0
    counts = [site["allocations"] for site in row["sites"]]
    assert counts == [row["operations"]] * 14
    callers = {frame.split(" ")[1] for site in row["sites"] for frame in site["frames"]}
    assert {"run_family", "allocs_plant_new", "operator"} <= callers


def test_allocations_of_all_threads_are_counted_exactly(rows):
    row = of(rows, "planted, 4 threads", "none")
    assert row["allocations"] == row["frees"] == row["operations"] == ROUNDS * 200000


def test_the_counter_itself_never_allocates(rows):
    assert [row["own"] for row in rows] == [0] * len(rows)


def test_the_packet_path_of_the_peers_allocates_12_and_8_times(rows):
    counts = {"packet, new + shared_ptr<vector>": 12, "packet, make_shared<vector>": 8}
    for name, count in counts.items():
        row = of(rows, name, "none")
        assert allocs.per_operation(row, "allocations") == count
        assert allocs.per_operation(row, "frees") == count


def test_paths_of_bytes_do_what_their_names_say(rows):
    does = {
        "create": {"requests": 1},
        "share": {"shares": 1, "requests": 0},
        "slice": {"slices": 1, "requests": 0},
        "export": {"shares": 1, "requests": 0},
        "write in place": {"cow_copies": 0, "requests": 0},
        "COW write": {"cow_copies": 1, "requests": 1},
        "append": {"grows": 0, "tail_appends": 0, "requests": 0},
        "append, growing": {"grows": 1, "requests": 2},
        "prepend": {"grows": 0, "slices": 1, "requests": 0},
        "shared tail append": {"tail_appends": 1, "cow_copies": 0, "requests": 0},
        "concat": {"requests": 1},
        "compact": {"compactions": 1, "requests": 2},
        "gather": {"requests": 1},
        "hex": {"requests": 1},
        "packet as Bytes": {"slices": 2, "shares": 2, "cow_copies": 1, "requests": 2},
    }
    assert list(does) == BYTES_PATHS
    for name, counts in does.items():
        row = of(rows, name, "exact")
        per_operation = {counter: allocs.per_operation(row, counter) for counter in counts}
        assert per_operation == counts, name


@pytest.mark.parametrize("name", LOG_PATHS)
def test_the_whole_recorded_log_is_run_in_every_round_as_run_node_runs_it(rows, name):
    row = of(rows, name, "exact")
    assert row["operations"] == ROUNDS * LOG_PACKETS
    assert of(rows, name, "too small")["operations"] == LOG_PACKETS
    log = rp.load_packets(rp.shipped(allocs.LOG))
    least = LOG_PATHS[name]
    tables = {table: max(size, least) for table, (size, _) in rp.workloads.node_tables().items()}
    pool = rp.PoolConfig.parse("64x4096,256x4096,512x4096,1024x4096")
    result = rp.run_node(log, pool, seed=1, headroom_bytes=32, tables=tables)
    print(f"{name}: {result.counts['forwarded']} forwarded, {result.stats.requests} requests")
    assert row["requests"] == ROUNDS * result.stats.requests
    assert row["cow_copies"] == ROUNDS * result.bytes.cow_copies > 0


def test_the_report_shows_every_row_as_counted(rows):
    text = allocs.render(rows)
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    shown = [cells for cells in lines if len(cells) == 8]
    first = {cells[0]: cells[1:5] for cells in reversed(shown)}
    for name in BYTES_PATHS + PACKET_PATHS + NODE_PATHS:
        assert first[name] == [f"{ROUNDS * OPERATIONS:,}", "0", "0", "0"]
    folded = f"{ROUNDS * OPERATIONS * len(RTP_PATHS):,}"
    assert first["RTP receive, each of 1 ms ... 100 ms"] == [folded, "0", "0", "0"]
    assert first["planted"] == ["2,000", "250", "1/8", "25/2"]
    assert first["packet, new + shared_ptr<vector>"][2] == "12/1"
    assert "nothing reached the heap" in text and "planted_allocation" in text


DOCTORED = {
    "planted: 1/8 allocations": ("planted", {"allocations": 249}),
    "planted, 4 threads: 1/1 allocations": ("planted, 4 threads", {"allocations": 1}),
    "planted: its site was not named": ("planted", {"sites": []}),
    "share: the counter allocated": ("share", {"own": 1}),
    "slice: 1 allocations, 2 frees in 2000": ("slice", {"allocations": 1, "frees": 2}),
    "create: 3 misses in": ("create", {"misses": 3}),
    "create: no operations": ("create", {"operations": 0}),
}


@pytest.mark.parametrize("complaint", DOCTORED)
def test_a_wrong_count_is_a_fault(rows, complaint):
    rows = copy.deepcopy(rows)
    name, change = DOCTORED[complaint]
    next(row for row in rows if row["name"] == name).update(change)
    found = allocs.faults(rows)
    assert len(found) == 1 and found[0].startswith(complaint), found


def test_fallbacks_that_differ_from_the_heap_are_a_fault(rows):
    for change in ({"allocations": 0}, {"frees": 1}, {"allocations": 0, "fallbacks": 0}):
        doctored = copy.deepcopy(rows)
        of(doctored, "concat", "too small").update(change)
        (found,) = allocs.faults(doctored)
        assert found.startswith("concat, pool too small: ")


def test_missing_rows_are_faults(rows):
    assert "no path was run" in allocs.faults([row for row in rows if row["kind"] != "path"])
    assert len(allocs.faults([row for row in rows if row["kind"] != "control"])) == 4


def test_an_allocation_that_escapes_fails_the_command_and_is_named(tmp_path):
    for part in ("csrc", "benchmarks"):
        shutil.copytree(cbuild.ROOT / part, tmp_path / part)
    source = tmp_path / "csrc" / "core" / "rns_bytes_make.c"
    text = source.read_text()
    begin = text.index("rns_status_t rns_bytes_compact(")
    begin = text.index("{\n", begin) + 2
    planted = "    void* volatile block = malloc(24);\n    free(block);\n"
    source.write_text("#include <stdlib.h>\n" + text[:begin] + planted + text[begin:])
    command = [sys.executable, tmp_path / "benchmarks" / "allocs.py", "--operations", "8"]
    done = subprocess.run(
        [*command, "--json"], capture_output=True, text=True, check=False, env={"PATH": "/usr/bin"}
    )
    print(done.stderr)
    assert done.returncode == 1
    assert "compact: 40 allocations, 40 frees in 40 operations" in done.stderr
    assert "compact: 40 from\n    allocs: rns_bytes_compact (rns_bytes_make.c:" in done.stderr
