"""The file of a sweep: what it means, and what is wrong with it in one line."""

import itertools
import sys

import pytest

import pyrns_pool as rp
from pyrns_pool import errors, sweep_file

EVERYTHING = """
[[trace]]
path = "node.npz"
site = "RNS::Bytes::*"
thread = 1
name = "node, buffers"

[[trace]]
path = "/data/other.csv"

[[node]]
path = "packets.csv.gz"
seed = [1, 7]
role = "leaf"
headroom_bytes = 16
tables = {links = 33, paths = {capacity = 160, policy = "reject"}}
name = "busy"

[[pool]]
tiers = [
    {slot_bytes = 64, slots = [8, 16]},
    {slot_bytes = {from = 512, to = 1024, step = 512}, slots = {from = 2, to = 4}},
]
policy = ["strict", "spill"]
fallback = "malloc"

[[pool]]
preset = ["design", "prism"]

[[pool]]
preset = "prism"
policy = ["strict", "spill"]
"""


@pytest.fixture
def load(tmp_path):
    """Return what loads a text as the file of a sweep."""

    def load(text):
        path = tmp_path / "s.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return rp.load_sweep(path)

    return load


def test_every_combination_of_what_is_listed_is_a_pool_once(load):
    plan = load(EVERYTHING)
    texts = [
        (f"64x{small},{size}x{large}", policy, "malloc")
        for small, (size, large) in itertools.product(
            (8, 16), itertools.product((512, 1024), (2, 3, 4))
        )
        for policy in ("strict", "spill")
    ]
    pools = [rp.PoolConfig.parse(*text) for text in texts]
    pools += [rp.PoolConfig.preset(name) for name in ("design", "prism")]
    pools.append(rp.PoolConfig.preset("prism", "strict"))  # Its own is spill, which is there.
    print(f"{len(pools)} pools")
    assert plan.configs == tuple(pools) and len(pools) == 24 + 3


def test_inputs_are_found_beside_the_file_and_a_list_of_seeds_is_several(load, tmp_path):
    first, second, *nodes = load(EVERYTHING).inputs
    assert first == rp.TraceInput(tmp_path / "node.npz", "RNS::Bytes::*", 1, "node, buffers")
    assert second == rp.TraceInput("/data/other.csv") and second.name == "other.csv"
    tables = {"links": 33, "paths": (160, "reject")}
    log = tmp_path / "packets.csv.gz"
    assert nodes == [
        rp.NodeInput(log, seed, "leaf", tables, 16, f"busy seed={seed}") for seed in (1, 7)
    ]


def test_the_file_of_the_docs_is_one(load):
    text = sweep_file.__doc__.split("::\n", 1)[1].split("\nWhere a list", 1)[0]
    plan = load("\n".join(line[4:] for line in text.splitlines()))
    assert len(plan.inputs) == 4 and len(plan.configs) == 3 * 4 * 2 * 2 + 2


INPUT = '[[trace]]\npath = "a.npz"\n'
POOL = '[[pool]]\npreset = "design"\n'
TIERS = "[[pool]]\ntiers = [{slot_bytes = %s, slots = %s}]\n"


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(errors.SweepError, match=r"none.toml: cannot be read \(No such file"):
        rp.load_sweep(tmp_path / "none.toml")


def test_an_older_python_reads_it_with_tomli_and_says_so_if_it_has_none(load, monkeypatch):
    plan = load(EVERYTHING)
    monkeypatch.setitem(sys.modules, "tomllib", None)
    assert load(EVERYTHING) == plan and "tomli" in sys.modules
    monkeypatch.setitem(sys.modules, "tomli", None)
    with pytest.raises(ImportError, match="python3-tomli by apt"):
        load(EVERYTHING)
