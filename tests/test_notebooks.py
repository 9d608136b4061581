"""The notebooks run, say what is so, and are committed without outputs and without logic."""

import ast
import re
from collections import Counter

import heap_model
import matplotlib
import nbformat
import notebooks
import numpy as np
import ops_model
import pytest

import pyrns_pool as rp
from pyrns_pool.regions import pool_ram_bytes

METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
LOGIC = (
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda),
    *(ast.For, ast.AsyncFor, ast.While, ast.comprehension),
)
DEBIAN_MATPLOTLIB = "3.6.3"  # Another version draws other bytes.
RECORDING = "microreticulum_node_a.npz"
BUFFERS = "std::vector<>::reserve"

each_notebook = pytest.mark.parametrize("path", notebooks.NOTEBOOKS, ids=lambda path: path.stem)


def code_cells(path):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def strict_pool(trace, tiers):
    """Return hits, misses and high-water marks by slot size of a strict pool; slow and obvious.

    Oversize requests are misses of None.
    """
    slots = dict(tuple(map(int, tier.split("x"))) for tier in tiers.split(","))
    in_use, high_water, hits, misses = Counter(), Counter(), Counter(), Counter()
    home_of = {}
    for op, id_, size in trace.events[["op", "id", "size"]].tolist():
        if op == 0:
            home = next((slot_bytes for slot_bytes in sorted(slots) if size <= slot_bytes), None)
            is_hit = home is not None and in_use[home] < slots[home]
            (hits if is_hit else misses)[home] += 1
            if is_hit:
                home_of[id_] = home
                in_use[home] += 1
                high_water[home] = max(high_water[home], in_use[home])
        elif id_ in home_of:
            in_use[home_of.pop(id_)] -= 1
    return hits, misses, high_water


def percent(part, whole):
    return round(100 * part / whole, 1)


def first_pool():
    """Compute it by an array of operations, in the build without threads."""
    ops = rp.Workload()
    packet = ops.create(500)
    header = ops.slice(packet, 0, 19)
    kept = ops.share(packet)
    ops.write(packet, 1, 1)
    ops.write(packet, 2, 1)
    ops.drop(kept)
    ops.compact(header)
    result = rp.run_ops(ops, rp.PoolConfig.parse("256x16,512x16,1024x16"))
    done = result.bytes
    return {
        "copies_avoided": done.copies_avoided,
        "cow_copies": done.cow_copies,
        "cow_bytes": done.cow_bytes,
        "slots_in_use": result.stats.in_use,
    }


def tier_occupancy():
    buffers = rp.load_trace(rp.shipped(RECORDING)).filter(site=BUFFERS)
    requests = buffers.block_count
    planned, *_ = strict_pool(buffers, "256x16,512x16,1024x16")
    tuned, misses, high_water = strict_pool(buffers, "64x1024,256x16,512x12,1024x12")
    return {
        "planned_percent": percent(sum(planned.values()), requests),
        "tuned_percent": percent(sum(tuned.values()), requests),
        "small_slots_used": high_water[64],
        "misses_of_256": misses[256],
    }


def seven_releases():
    buffers = rp.load_trace(rp.shipped(RECORDING)).filter(site=BUFFERS)
    seventh = "64x512,256x8,512x8,1024x8"
    tuned = "32x456,64x71,232x110,488x5"
    no_miss = "32x531,64x108,232x136,2040x10"
    sizes = {tiers: rp.PoolConfig.parse(tiers) for tiers in (seventh, tuned, no_miss)}
    assert sizes[tuned].slots_bytes <= sizes[seventh].slots_bytes
    hits = {tiers: sum(strict_pool(buffers, tiers)[0].values()) for tiers in sizes}
    assert hits[no_miss] == buffers.block_count
    return {
        "seventh_percent": percent(hits[seventh], buffers.block_count),
        "tuned_percent": percent(hits[tuned], buffers.block_count),
        "seventh_bytes": sizes[seventh].slots_bytes,
        "seventh_slots": 512 + 8 + 8 + 8,
        "tuned_slots": 456 + 71 + 110 + 5,
        "no_miss_bytes": 32 * 531 + 64 * 108 + 232 * 136 + 2040 * 10,
    }


def tlsf_failures(trace, arena_bytes):
    heap = heap_model.Tlsf(arena_bytes, alignment=8, word=4)
    place_of = {}
    failures = 0
    for op, id_, size in trace.events[["op", "id", "size"]].tolist():
        if op == 0:
            place_of[id_] = heap.take(size)
            failures += place_of[id_] is None
        else:
            place = place_of.pop(id_)
            if place is not None:
                heap.give(place)
    return failures


def against_the_heaps():
    """Compute it by the slow heap, and take the soak from the 48 hours of docs/soak.md."""
    events = rp.packet_node(52_428, events=100_000)
    _, misses, slots = strict_pool(events, "112x999,200x999,504x999")
    assert not misses
    tiers = ",".join(f"{size}x{slots[size]}" for size in (112, 200, 504))
    pool_bytes = sum(pool_ram_bytes(rp.PoolConfig.parse(tiers)))
    tlsf_bytes = 68_864
    enough, less = (rp.Heap("tlsf", tlsf_bytes - lacking).run(events) for lacking in (0, 64))
    assert enough.failures == 0 < less.failures
    page = (notebooks.ROOT / "docs" / "soak.md").read_text()
    rows = re.findall(r"^  (?:2|4|6|8) .*%.*$", page, re.M)
    assert len(rows) == 4
    return {
        "tlsf_failures": tlsf_failures(events, 65_536),
        "pool_bytes": pool_bytes,
        "tlsf_bytes": tlsf_bytes,
        "times_tlsf": round(pool_bytes / tlsf_bytes, 2),
        "soak_misses": sum(int(row.split()[4]) for row in rows),
        "soak_drift": int(rows[-1].split()[7]),
        "worst_percent": max(float(row.split()[-3]) for row in rows),
    }


def audit():
    trace = rp.load_trace(rp.shipped(RECORDING))
    objects = trace.filter(site="app:RNS::Bytes::newData")
    _, _, high_water = strict_pool(objects, "24x9999")
    slots = high_water[24]
    one_less = strict_pool(objects, f"24x{slots - 1}")[1]
    return {
        "sites": len(np.unique(trace.events["site"][trace.events["op"] == 0])),
        "allocations": objects.block_count,
        "slots": slots,
        "misses": sum(strict_pool(objects, f"24x{slots}")[1].values()),
        "misses_with_one_slot_less": one_less[24],
    }


def your_own_workload():
    """Compute it by the slow Bytes, from packets written down without `Workload`."""
    rng = np.random.default_rng(1)
    starts = np.sort(rng.integers(0, 10**10, 5000)).tolist()
    sizes = rng.integers(51, 500, 5000).tolist()
    create, slice_, share, write, drop = (
        getattr(rp.Op, name) for name in ("CREATE", "SLICE", "SHARE", "WRITE", "DROP")
    )
    rows = []
    for i, (t_ns, size) in enumerate(zip(starts, sizes)):
        whole, header, reply = range(3 * i, 3 * i + 3)
        rows.append((t_ns, create, whole, 0, size, 0))
        rows.append((t_ns, slice_, header, whole, 19, 0))
        rows.append((t_ns, share, reply, whole, 0, 0))
        rows.append((t_ns, write, reply, 0, 1, 1))
        rows += [(t_ns + 40_000_000, drop, h, 0, 0, 0) for h in (whole, header, reply)]
    ops = np.array(sorted(rows, key=lambda row: row[0]), rp.OP_DTYPE)
    edges = [int(ops["t_ns"][0]), int(ops["t_ns"][-1]) + 1]
    short, roomy = (
        ops_model.run_model(ops, rp.PoolConfig.parse(tiers), 0, 15_000, edges)
        for tiers in ("128x32,256x32,512x32", "128x99,256x99,512x99")
    )
    assert short.stats.exhausted == short.stats.tiers[2].exhausted == short.stats.misses
    small, medium, large = roomy.stats.tiers
    return {
        "requests": short.stats.requests,
        "misses": short.stats.misses,
        "copies_avoided": short.bytes.copies_avoided,
        "copies_made": short.bytes.cow_copies,
        "small_slots": small.high_water,
        "medium_slots": medium.high_water,
        "large_slots": large.high_water,
    }


CONCLUSIONS = {
    "01_first_pool": first_pool,
    "02_tier_occupancy": tier_occupancy,
    "03_seven_releases": seven_releases,
    "04_against_the_heaps": against_the_heaps,
    "05_audit": audit,
    "06_your_own_workload": your_own_workload,
}


def test_every_notebook_has_a_conclusion_to_hold_it_to():
    assert [path.stem for path in notebooks.NOTEBOOKS] == sorted(CONCLUSIONS)


@each_notebook
def test_notebook_runs_and_shows_and_concludes_what_it_should(path, tmp_path, monkeypatch):
    monkeypatch.setenv("IPYTHONDIR", "")  # Both are put back after run changed them.
    monkeypatch.setenv("MPLBACKEND", "Agg")
    notebook = notebooks.run(path, tmp_path)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.execution_count
            is_figure = cell.source.startswith(("plot.", "rp.explore("))
            assert len(notebooks.pictures(cell)) == is_figure, cell.source

    numbers, text = notebooks.conclusion(notebook)
    assert numbers == CONCLUSIONS[path.stem]()
    assert text.startswith("**Conclusion.** ")
    said = Counter(re.findall(r"\d+(?:,\d{3})*(?:\.\d+)?", text))
    assert not Counter(f"{number:,}" for number in numbers.values()) - said

    rendered, images = notebooks.rendered(notebook, path.stem)
    assert rendered in notebooks.PAGE.read_text(), "run tests/notebooks.py"
    if matplotlib.__version__ == DEBIAN_MATPLOTLIB:
        for file, image in images.items():
            is_current = image == (notebooks.PICTURES / file).read_bytes()
            assert is_current, f"{file}: run tests/notebooks.py, and look"


def test_the_page_of_the_notebooks_shows_each_of_them_and_every_picture():
    page = notebooks.PAGE.read_text()
    assert page.startswith(notebooks.PAGE_HEAD)
    shown = re.findall(r"^## \[.+\]\(\.\./notebooks/(.+)\.ipynb\)$", page, re.M)
    assert shown == [path.stem for path in notebooks.NOTEBOOKS]
    files = sorted(path.name for path in notebooks.PICTURES.iterdir())
    assert sorted(re.findall(r"\]\(img/notebooks/(.+)\)$", page, re.M)) == files
    total = sum(path.stat().st_size for path in notebooks.PICTURES.iterdir())
    print(f"{len(files)} pictures, {total:,} bytes")
    assert 0 < total < 1_000_000


def test_the_table_of_releases_is_what_the_notebook_replays():
    (path,) = (path for path in notebooks.NOTEBOOKS if path.stem == "03_seven_releases")
    cells = nbformat.read(path, as_version=4).cells
    rows = re.findall(r"^\| (\w{7}) \|(.+)\|", cells[0].source, re.M)
    table = {}
    for commit, row in rows:
        counts = row.split("|")[:4]
        pairs = zip((64, 256, 512, 1024), (count.strip() for count in counts))
        table[commit] = ",".join(f"{size}x{count}" for size, count in pairs if count != "-")
    assert len(table) == 8
    values = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in ast.parse(cells[1].source).body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.List)
    }
    assert table == dict(zip(values["commits"], values["tiers"]))


@each_notebook
def test_notebook_is_committed_without_outputs_and_traces_of_a_machine(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata == METADATA
    for cell in notebook.cells:
        assert cell.metadata == {}, cell.source
    for cell in code_cells(path):
        assert (cell.outputs, cell.execution_count) == ([], None), cell.source


@each_notebook
def test_notebook_holds_no_logic(path):
    assert code_cells(path)
    for cell in code_cells(path):
        found = [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, LOGIC)]
        assert not found, f"belongs in the package:\n{cell.source}"
