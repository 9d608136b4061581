"""The image of csrc/firmware on emulated microcontrollers and here: the same, to the last slot."""

import json
import shutil

import cbuild
import firmware
import firmware_costs
import pytest

import pyrns_pool as rp

TIERS = "32x2000,64x350,256x200,1024x100"
BYTES_TIERS = "64x24,256x16,1024x8"
RECORDED = json.loads(firmware_costs.RECORDED.read_text())
OVER = 1.05
EMULATED = [name for name in firmware.TARGETS if name != "host"]


@pytest.fixture(scope="module")
def data():
    return firmware.recording(), firmware.random_ops()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("firmware")
    firmware.write_data(folder)
    return folder


@pytest.fixture(scope="module")
def here(folder):
    lines = firmware.run("host", firmware.build(folder, "host"))
    return {what: numbers for what, numbers in lines.items() if not what.startswith("cost")}


def counts(stats):
    names = ("requests", "hits", "spills", "exhausted", "oversize", "in_use")
    return {name: [getattr(stats, name)] for name in names} | {
        "high_water": [tier.high_water for tier in stats.tiers]
    }


def part(lines, name):
    return {what.split()[1]: numbers for what, numbers in lines.items() if what.startswith(name)}


@pytest.mark.parametrize("policy", ["strict", "spill"])
def test_the_image_replays_the_recording_as_replay_does(policy, data, here):
    stats = rp.replay(data[0], rp.PoolConfig.parse(TIERS, policy)).stats
    assert counts(stats).items() <= part(here, policy).items()
    assert stats.requests == 451_138 and stats.exhausted > 1000


def test_the_image_runs_operations_on_bytes_as_run_ops_does(data, here):
    result = rp.run_ops(data[1], rp.PoolConfig.parse(BYTES_TIERS))
    found = part(here, "bytes")
    assert counts(result.stats).items() <= found.items()
    assert found["copies"] == [result.bytes.cow_copies] and result.bytes.cow_copies > 100
    assert found["avoided"] == [result.bytes.copies_avoided]


def test_the_node_of_the_image_has_traffic(here):
    found = part(here, "node")
    print(found)
    assert found["packets_in"][0] > 10_000 and found["forwarded"][0] > 9_000


@pytest.mark.parametrize("name", EMULATED)
def test_an_emulated_microcontroller_agrees_and_keeps_its_budget(name, folder, here):
    lines = firmware.run(name, firmware.build(folder, name))
    found = {what: numbers for what, numbers in lines.items() if not what.startswith("cost")}
    assert found == here and found["image failures"] == [0]
    check_instructions(firmware.costs(lines), name, "full")


def check_instructions(costs, name, profile):
    """Verify that instructions and state are within what is recorded, and a give flat."""
    print(name, profile, costs)
    budget = RECORDED[name]["instructions"][profile]
    assert budget.keys() == costs.keys()
    over = {
        what: (costs[what], most) for what, most in budget.items() if costs[what] > most * OVER
    }
    assert not over, f"{name}, {profile}: more than {firmware_costs.RECORDED.name} allows: {over}"
    assert costs["give least"] == costs["give most"] > 0


@pytest.mark.parametrize("profile", ["small", "least"])
def test_the_small_pools_keep_their_budget_of_instructions(profile, tmp_path):
    costs = firmware_costs.instructions(tmp_path, "cortex-m3", profile)
    check_instructions(costs, "cortex-m3", profile)
    full = RECORDED["cortex-m3"]["instructions"]["full"]
    assert costs["take most"] < full["take most"] and costs["give most"] < full["give most"]


# Bytes of flash that the project set itself for a Cortex-M3, for take, give and what they call.
BOUNDS = {"small": 985, "least": 480, "least, no statistics": 280}


@pytest.mark.parametrize("build", BOUNDS)
def test_a_small_pool_keeps_its_bounds_of_flash_and_state(build, tmp_path):
    flash = firmware_costs.flash(tmp_path, "cortex-m3", build)
    state = firmware_costs.state(tmp_path, "cortex-m3", build)
    print(build, flash, state)
    budget = RECORDED["cortex-m3"]["flash"][build]
    assert not {
        row: (flash[row], budget[row]) for row in budget if flash[row] > budget[row] * OVER
    }
    assert 0 < flash["take, give"] <= BOUNDS[build]
    assert state == RECORDED["cortex-m3"]["state"][build] and state["raw slot"] == 0
    if build == "least, no statistics":
        assert state["tier"] <= 20 and state["pool without tiers"] <= 16


def test_the_page_on_firmware_shows_the_recorded_figures():
    assert firmware_costs.PAGE.read_text() == firmware_costs.page_with(
        firmware_costs.tables(RECORDED)
    )


@pytest.mark.parametrize(
    "name, plant, status", [("cortex-m3", 1, 1), ("cortex-m3", 2, 99), ("rv32imac", 2, 99)]
)
def test_a_planted_fault_is_found(name, plant, status, folder, tmp_path):
    for file in ("trace.bin", "ops.bin"):
        shutil.copy(folder / file, tmp_path)
    image = firmware.build(tmp_path, name, [f"IMAGE_PLANT={plant}", "IMAGE_NODE_MINUTES=1u"])
    with pytest.raises(AssertionError, match=rf"^exit {status}: "):
        firmware.run(name, image)


HOST_CLANG = ["clang", "-DRNS_SYNC=RNS_SYNC_NONE", *cbuild.SANITIZERS["address"]]


def run_wrapped(folder, name, **how):
    """Run the program whose malloc is wrapped; the other parts have no data."""
    for file in ("trace.bin", "ops.bin"):
        (folder / file).write_bytes(b"\0")
    return firmware.run(name, firmware.build(folder, name, parts=[firmware.WRAP], **how))


def test_a_wrapped_malloc_does_as_the_model_does_here_and_on_emulated_processors(tmp_path):
    here = run_wrapped(tmp_path, "host")
    print(here)
    assert here["image failures"] == [0]
    assert here["refuse EXHAUSTED"][0] > 100 and here["pass OUTSIDE"][0] > 100
    assert run_wrapped(tmp_path, "host", compiler=HOST_CLANG) == here
    assert run_wrapped(tmp_path, "cortex-m3", profile="least") == here
    assert run_wrapped(tmp_path, "rv32imac") == here


def test_a_block_freed_twice_is_a_violation_that_the_model_misses(tmp_path):
    with pytest.raises(AssertionError, match="image failures [1-9]"):
        run_wrapped(tmp_path, "host", defines=["WRAP_PLANT=1"])
