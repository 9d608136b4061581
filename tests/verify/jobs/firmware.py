"""The image on emulated microcontrollers in every profile, and what the profiles cost."""

import json
from functools import partial

import firmware
import firmware_costs
from job import Job, Room, found

SMALL = [
    profile for profile in firmware.PROFILES if profile != "full"
]  # full: tests/test_firmware
PLANT = "IMAGE_PLANT=1"  # a slot is given twice


def lines_of(
    room: Room, name: str, profile: str, defines: tuple[str, ...] = ()
) -> dict[str, list]:
    """Return what an image says that has to be the same everywhere."""
    image = firmware.build(room.tmp, name, defines, profile=profile)
    lines = firmware.run(name, image, timeout=300, counts=False)
    return {what: numbers for what, numbers in lines.items() if not what.startswith("cost")}


def agree(room: Room) -> dict[str, int]:
    firmware.write_data(room.tmp)
    here = lines_of(room, "host", "full")
    count = 0
    for name in firmware_costs.TARGETS:
        for profile in SMALL:
            assert lines_of(room, name, profile) == here, f"{name}, {profile} differs"
            count += len(here)
    return {"equal lines": count, "images": len(firmware_costs.TARGETS) * len(SMALL)}


def plant(profile: str, room: Room) -> str:
    firmware.write_data(room.tmp)
    return found(lambda: lines_of(room, "cortex-m3", profile, (PLANT,)), "exit 1: ")[:60]


def figures(room: Room) -> dict[str, int]:
    """Verify that the recorded figures, which docs/firmware.md shows, are those of today."""
    recorded = json.loads(firmware_costs.RECORDED.read_text())
    assert firmware_costs.measure(room.tmp) == recorded, "docs/firmware.md shows other figures"
    return {"figures": count(recorded)}


def plant_byte(room: Room) -> str:
    """Compare the figure of one build with that of another."""
    recorded = json.loads(firmware_costs.RECORDED.read_text())["cortex-m3"]["flash"]["least"]
    build = "least, no statistics"

    def compare() -> None:
        now = firmware_costs.flash(room.tmp, "cortex-m3", build, rows=("take, give",))
        assert now == {"take, give": recorded["take, give"]}, f"flash of {build}: {now}"

    return found(compare, "flash of ")


def count(figures) -> int:
    return sum(map(count, figures.values())) if isinstance(figures, dict) else 1


JOBS = [
    Job(
        name="firmware-profiles",
        tool="qemu",
        shows="small pools on Cortex-M0, M3 and RV32 serve trace, Bytes and node as the host does",
        run=agree,
        plants={f"a double give, {profile}": partial(plant, profile) for profile in SMALL},
    ),
    Job(
        name="firmware-figures",
        tool="gcc",
        shows="flash, RAM and instructions in docs/firmware.md are those of this compiler",
        run=figures,
        plants={"another build": plant_byte},
    ),
]
