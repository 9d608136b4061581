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


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "has neither [[trace]] nor [[node]]"),
        (INPUT, "has no [[pool]]"),
        (INPUT + POOL + "[other]\n", "'other' is not one of trace, node, pool"),
        ("trace = 3\n" + POOL, "trace: 3 is not an array of tables"),
        ("trace = [3]\n" + POOL, "trace[0]: 3 is not a table"),
        ("[[trace]]\n" + POOL, "trace[0].path: is missing"),
        ("[[trace]]\npath = ''\n" + POOL, "trace[0].path: '' is not text of 1 to 4096"),
        ('[[trace]]\npath = "a\\u001b"\n' + POOL, "trace[0].path: 'a\\x1b' has characters"),
        (INPUT + "thread = 65536\n" + POOL, "trace[0].thread: 65536 is not in 0 to 65535"),
        (INPUT + "thread = true\n" + POOL, "trace[0].thread: True is not a whole number"),
        (INPUT + "slots = 1\n" + POOL, "trace[0]: 'slots' is not one of path, site"),
        ("[[node]]\npath = 'a'\nseed = [1, 0]\n" + POOL, "node[0].seed[1]: 0 is not in 1 to 184"),
        ("[[node]]\npath = 'a'\nseed = []\n" + POOL, "node[0].seed: [] holds no value"),
        ("[[node]]\npath = 'a'\nrole = 'x'\n" + POOL, "node[0].role: 'x' is not one of auto"),
        ("[[node]]\npath = 'a'\ntables = {x = 1}\n" + POOL, "node[0].tables: 'x' is not one of"),
        (
            "[[node]]\npath = 'a'\ntables = {links = {capacity = 0}}\n" + POOL,
            "node[0].tables.links.capacity: 0 is not in 1 to 1048576",
        ),
        (
            "[[node]]\npath = 'a'\ntables = {links = {policy = 'lru'}}\n" + POOL,
            "node[0].tables.links.policy: 'lru' is not one of reject, cull, ring",
        ),
        (INPUT + "[[pool]]\n", "pool[0]: needs either tiers or preset"),
        (INPUT + POOL + "tiers = []\n", "pool[0]: needs either tiers or preset"),
        (INPUT + "[[pool]]\ntiers = []\n", "pool[0]: tiers: 0 tiers are not 1 to 8"),
        (INPUT + POOL + "policy = 'both'\n", "pool[0].policy: 'both' is not one of strict, spill"),
        (INPUT + POOL + "fallback = ['x']\n", "pool[0].fallback[0]: 'x' is not one of none, mal"),
        (INPUT + "[[pool]]\npreset = 'mine'\n", "pool[0].preset: 'mine' is not one of design"),
        (INPUT + TIERS % (64, 0), "pool[0].tiers[0].slots: 0 is not in 1 to 16777216"),
        (INPUT + TIERS % (64, "[1, 2.5]"), "pool[0].tiers[0].slots[1]: 2.5 is not a whole number"),
        (INPUT + TIERS % (0, 1), "pool[0].tiers[0].slot_bytes: 0 is not in 1 to 16777216"),
        (INPUT + TIERS % (64, "{from = 8}"), "pool[0].tiers[0].slots.to: is missing"),
        (INPUT + TIERS % (64, "{from = 8, to = 4}"), "slots.to: 4 is less than from, 8"),
        (INPUT + TIERS % (64, "{from = 4, to = 8, step = 0}"), "slots.step: 0 is not in 1 to 8"),
        (INPUT + TIERS % (64, "{from = 4, to = 8, by = 2}"), "slots: 'by' is not one of from"),
        (INPUT + TIERS % (64, "{from = 1, to = 100_001}"), "slots: 100001 values are beyond"),
        (
            INPUT + TIERS % ("{from = 1, to = 400}", "{from = 1, to = 300}"),
            "pool[0].tiers[0]: 120000 pools are beyond the limit of 100000 (SWEEP_CONFIGS_MAX)",
        ),
        (
            INPUT + TIERS % (64, "{from = 1, to = 60_000}") + "policy = ['strict', 'spill']\n",
            "pool[0]: 120000 pools are beyond the limit of 100000 (SWEEP_CONFIGS_MAX)",
        ),
        (
            INPUT + 2 * (TIERS % (64, "{from = 1, to = 60_000}")),
            "pool: 120000 pools are beyond the limit of 100000 (SWEEP_CONFIGS_MAX)",
        ),
        (
            INPUT
            + "[[pool]]\ntiers = [{slot_bytes = 64, slots = 1}, {slot_bytes = 64, slots = 1}]",
            "pool[0]: tiers: 64 after 64: sizes must ascend",
        ),
        ("= 1", "is no TOML: Invalid"),
        (b"\xff", "is not UTF-8 at byte 0"),
        ("#" * (1 << 20) + "\n", "is longer than 1048576 bytes"),
        ("a = " + "[" * 100_000, "is no TOML: "),
        ("a = " + 5000 * "9", "is no TOML: "),
    ],
)
def test_every_error_names_file_key_value_and_limit_in_one_line(load, text, says):
    with pytest.raises(errors.SweepError) as caught:
        load(text)
    assert f"s.toml: {says}" in str(caught.value) or f".{says}" in str(caught.value)
    assert str(caught.value).isprintable()


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
