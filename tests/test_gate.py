"""The gate: which rule is broken, and by which request, beside a slow model."""

import json
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_cli import TRACE

import pyrns_pool as rp
from pyrns_pool.cli import main
from pyrns_pool.gate import Limits, check_stats, check_trace

NODE = rp.shipped("microreticulum_node_a.npz")


def misses(trace, config):
    """Return (time, size, site, home slot_bytes or None) of each missed request; slow, obvious."""
    in_use, where, missed = [0] * len(config.tiers), {}, []
    for t_ns, key, size, site, _, op in trace.events.tolist():
        if op == 1:
            tier = where.pop(key)
            if tier is not None:
                in_use[tier] -= 1
            continue
        fits = [i for i, tier in enumerate(config.tiers) if tier.slot_bytes >= size]
        served = fits if config.policy == "spill" else fits[:1]
        free = [i for i in served if in_use[i] < config.tiers[i].slot_count]
        where[key] = free[0] if free else None
        if free:
            in_use[free[0]] += 1
        else:
            home = config.tiers[fits[0]].slot_bytes if fits else None
            missed.append((t_ns, size, trace.sites[site], home))
    return missed


@st.composite
def traces(draw):
    live, columns = [], {"t_ns": [], "op": [], "id": [], "size": [], "site": []}
    for number in range(draw(st.integers(1, 30))):
        frees = bool(live) and draw(st.booleans())
        key = live.pop(draw(st.integers(0, len(live) - 1))) if frees else number
        if not frees:
            live.append(key)
        size = 0 if frees else draw(st.integers(0, 40))
        site = 0 if frees else draw(st.integers(0, 2))
        for name, value in zip(columns, (number * 10, int(frees), key, size, site)):
            columns[name].append(value)
    return rp.Trace.from_events(columns, ["app:a", "app:b", "app:c"])


configs = st.builds(
    lambda sizes, counts, policy: rp.PoolConfig(
        tuple(rp.Tier(size, count) for size, count in zip(sorted(sizes), counts)), policy
    ),
    st.sets(st.integers(1, 40), min_size=1, max_size=3),
    st.lists(st.integers(1, 4), min_size=3, max_size=3),
    st.sampled_from(["strict", "spill"]),
)


@given(
    trace=traces(),
    config=configs,
    rate=st.decimals(0, 1, places=2).map(float),
    failures=st.integers(0, 5),
    heap=st.integers(0, 5),
)
def test_the_request_that_broke_a_rule_is_that_of_the_model(trace, config, rate, failures, heap):
    verdict = check_trace(trace, config, Limits(rate, failures, heap))
    missed, requests = misses(trace, config), trace.block_count
    expected = []
    for count, miss in enumerate(missed, 1):
        # What the rate would be at the end if all later requests were served.
        if Fraction(requests - count, requests) < Fraction(str(rate)):
            expected.append(("min_hit_rate", *miss))
            break
    for name, most in (("max_failures", failures), ("max_heap_allocations", heap)):
        expected += [(name, *missed[most])] if len(missed) > most else []
    found = [(b.rule, b.t_ns, b.size_bytes, b.site, b.tier_slot_bytes) for b in verdict.breaches]
    assert found == expected
    assert verdict.holds == (not expected)
    assert len(verdict.lines()) == max(1, len(expected))


def test_a_fallback_is_no_failure_but_a_heap_allocation():
    trace = rp.Trace.from_events({"t_ns": [0], "op": [0], "id": [1], "size": [99]}, ["app:a"])
    config = rp.PoolConfig.parse("64x1", fallback="malloc")
    verdict = check_trace(trace, config, Limits(max_failures=0, max_heap_allocations=0))
    assert [breach.rule for breach in verdict.breaches] == ["max_heap_allocations"]


@pytest.mark.parametrize(("slots", "rate"), [(1, 0.1), (7, 0.7), (10, 1)])
def test_a_rate_that_is_met_exactly_holds(slots, rate):
    """0.1 as a float is above a tenth, 0.7 below seven tenths: what was written counts."""
    columns = {"t_ns": range(10), "op": [0] * 10, "id": range(10), "size": [8] * 10}
    trace = rp.Trace.from_events({name: list(column) for name, column in columns.items()})
    config = rp.PoolConfig.parse(f"8x{slots}")
    assert check_trace(trace, config, Limits(min_hit_rate=rate)).holds
    assert rate == 1 or not check_trace(trace, config, Limits(min_hit_rate=rate + 0.0001)).holds


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        ({"min_hit_rate": 1.1}, "min_hit_rate: 1.1 is not in 0 to 1"),
        ({"min_hit_rate": "1"}, "min_hit_rate: '1' is not in"),
        ({"max_failures": -1}, "max_failures: -1 is not in 0 to"),
        ({"max_heap_allocations": 0.5}, "max_heap_allocations: 0.5 is not a whole number"),
    ],
)
def test_limits_out_of_range_name_field_value_and_limit(limits, says):
    with pytest.raises(rp.ConfigError, match=says):
        Limits(**limits)


def test_what_a_pool_counted_names_the_tier_that_missed_most_or_the_oversize():
    with rp.Pool(rp.PoolConfig.parse("8x1,16x1")) as pool:
        pool.take(9)
        for size, kind in ((9, rp.PoolExhausted), (99, rp.TooLarge), (88, rp.TooLarge)):
            if size == 99:
                (line,) = check_stats(pool.stats(), Limits(max_failures=0))
                assert line == "failures: 1, more than 0; most at tier 16: 1 of 2 requests"
            with pytest.raises(kind):
                pool.take(size)
        (line,) = check_stats(pool.stats(), Limits(min_hit_rate=0.5))
        assert line == "hit rate 25.0000 % is below 50 %; most oversize: 2, up to 99 bytes"
        assert check_stats(pool.stats(), Limits(min_hit_rate=0.25)) == []


@pytest.fixture
def small(tmp_path):
    """Return the path of a trace of three requests."""
    path = tmp_path / "small.csv"
    path.write_text(TRACE)
    return path


def test_check_is_0_and_one_line_when_it_holds(small, capsys):
    assert main(["check", str(small), "--tiers", "256x2,512x1"]) == 0
    line = (
        "small.csv: holds with 256x2,512x1 strict: hit rate 100.0000 %, 0 failures of 3 requests"
    )
    assert capsys.readouterr() == (line + "\n", "")


def test_check_is_1_and_a_line_for_each_broken_rule_of_each_trace(small, capsys):
    arguments = ["--min-hit-rate", "0.7", "--max-failures", "0", "--tiers", "100x1,256x9"]
    assert main(["check", str(small), str(small), *arguments]) == 1
    out, err = capsys.readouterr()
    where = "broken at 0.000000 s: request of 300 bytes by app:second is larger than every tier"
    assert err == "" and out.splitlines() == 2 * [
        f"small.csv: hit rate 66.6666 % is below 70 %; {where}",
        f"small.csv: failures: 1, more than 0; {where}",
    ]


def test_check_without_a_rule_allows_no_failure_and_reads_the_configuration(small, capsys):
    file = small.with_name("pool.toml")
    assert main(["export", str(small), "--tiers", "512x1", "--to", "toml", "-o", str(file)]) == 0
    capsys.readouterr()
    assert main(["check", str(small), "--config", str(file), "--json"]) == 1
    (verdict,) = json.loads(capsys.readouterr().out)
    (breach,) = verdict["breaches"]
    assert (breach["rule"], breach["tier_slot_bytes"], breach["t_ns"]) == ("max_failures", 512, 10)
    assert verdict["replayed"]["hits"] == 1 and not verdict["holds"]
    assert main(["check", str(small), "--config", str(file), "--max-failures", "2"]) == 0


def test_check_finds_the_first_miss_of_the_recorded_node(capsys):
    preset = ["--preset", "fork", "--site", "RNS::Bytes::*"]
    assert main(["check", str(NODE), *preset, "--json"]) == 1
    (verdict,) = json.loads(capsys.readouterr().out)
    firsts = [tier["first_miss_ns"] for tier in verdict["replayed"]["tiers"]]
    assert verdict["replayed"]["oversize"] == 0 and verdict["replayed"]["requests"] > 100_000
    assert verdict["breaches"][0]["t_ns"] == min(first for first in firsts if first is not None)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["check", "x"], "no pool: name one with --tiers, --preset or --config"),
        (["check", "x", "--tiers", "8x1", "--min-hit-rate", "99"], "99.0 is not in 0 to 1"),
        (["check", "x", "--tiers", "8x1", "--config", "y"], "not allowed with"),
        (["export", "x", "--to", "elf"], "'elf' is not one of header"),
        (["export", "x", "--to", "header"], "no pool: name one"),
        (["export", "x", "--to", "toml", "--tiers", "8x1", "--json"], "name it with -o"),
    ],
)
def test_wrong_use_is_one_line_and_2(arguments, says, capsys):
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and says in err


def test_export_writes_whole_files_and_overwrites_with_force_only(small, capsys):
    folder = small.parent
    command = ["export", str(small), "--tiers", "100x1", "--to", "header", "-o", str(folder)]
    assert main([*command, "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    file = folder / "rns_pool_config.h"
    assert values["file"] == str(file) and values["bytes"] == file.stat().st_size
    assert values["replayed"]["hits"] == 1 and values["format"] == "header"
    before = file.read_bytes()
    assert main([*command[:4], "--config", str(file), *command[4:]]) == 2
    for trace in (str(small), "absent.csv"):  # It is refused before the trace is read.
        assert main(["export", trace, *command[2:]]) == 1
        assert "--force overwrites it" in capsys.readouterr().err
    assert file.read_bytes() == before and len(list(folder.iterdir())) == 2
    assert main([*command, "--force", "--policy", "spill"]) == 0
    assert file.read_bytes() != before
    capsys.readouterr()


def test_export_without_a_file_goes_to_standard_output(small, capsysbinary):
    assert main(["export", str(small), "--tiers", "512x3", "--to", "platformio"]) == 0
    out, err = capsysbinary.readouterr()
    assert err == b"" and out.endswith(b"-DCONFIG_RNS_POOL_TIER_0_SLOT_COUNT=3\n")


def test_replay_takes_policy_and_fallback_of_the_file_unless_told_otherwise(small, capsys):
    file = small.with_name("pool.toml")
    file.write_text('policy = "spill"\nfallback = "malloc"\ntiers = [{slot_bytes=8,slot_count=1}]')
    for extra, expected in (
        ([], ("spill", "malloc")),
        (["--policy", "strict", "--fallback", "none"], ("strict", "none")),
    ):
        assert main(["replay", str(small), "--config", str(file), "--json", *extra]) == 0
        values = json.loads(capsys.readouterr().out)
        assert (values["policy"], values["fallback"]) == expected
    file.write_text("[[tiers]]\nslot_bytes = 8\nslot_count = 0")
    assert main(["replay", str(small), "--config", str(file)]) == 2
    assert "pool.toml: tiers[0].slot_count: 0 is not in 1 to 16777216" in capsys.readouterr().err
    assert main(["replay", str(small), "--config", str(file) + "x"]) == 1
    assert "pool.tomlx: No such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("verb", "says"),
    [
        (["compare", "small.csv", "--arena", "64KiB"], "pool  600x77: 46,200 bytes of slots"),
        (["soak", "--hours", "1"], "pool    600x77 spill: 46,200 bytes of slots"),
    ],
)
def test_compare_and_soak_take_the_file_too(verb, says, small, capsys, monkeypatch):
    monkeypatch.chdir(small.parent)
    (small.parent / "pool.toml").write_text(
        'policy = "spill"\nfallback = "malloc"\ntiers = [{slot_bytes=600,slot_count=77}]'
    )
    assert main([*verb, "--config", "pool.toml"]) == 0
    assert says in capsys.readouterr().out
