"""The image of csrc/firmware on emulated microcontrollers and here: the same, to the last slot."""

import json
import shutil

import cbuild
import firmware
import pytest

import pyrns_pool as rp

TIERS = "32x2000,64x350,256x200,1024x100"
BYTES_TIERS = "64x24,256x16,1024x8"
BUDGETS = cbuild.ROOT / "tests" / "data" / "firmware_instructions.json"
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
    costs = {what.partition(" ")[2]: value[0] for what, value in lines.items() if "cost" in what}
    print(name, costs)
    budget = json.loads(BUDGETS.read_text())[name]
    assert budget.keys() == costs.keys()
    over = {
        what: (costs[what], most) for what, most in budget.items() if costs[what] > most * OVER
    }
    assert not over, f"{name}: more than {BUDGETS.name} allows: {over}"
    assert costs["give least"] == costs["give most"] > 0


@pytest.mark.parametrize(
    "name, plant, status", [("cortex-m3", 1, 1), ("cortex-m3", 2, 99), ("rv32imac", 2, 99)]
)
def test_a_planted_fault_is_found(name, plant, status, folder, tmp_path):
    for file in ("trace.bin", "ops.bin"):
        shutil.copy(folder / file, tmp_path)
    image = firmware.build(tmp_path, name, [f"IMAGE_PLANT={plant}", "IMAGE_NODE_MINUTES=1u"])
    with pytest.raises(AssertionError, match=rf"^exit {status}: "):
        firmware.run(name, image)
