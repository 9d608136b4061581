"""Bytes and instructions of the firmware on small targets, and days of a node on emulated ones.

The table is made from the objects and the image of `tests/firmware.py`; instructions are counted
by the emulator, so that they are the same every time. Run by `make firmware`, which takes minutes:
the image runs 48 hours of simulated time on each target, and has to end alike on all of them.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import report

sys.path.insert(0, str(report.ROOT / "tests"))

import cbuild  # noqa: E402
import firmware  # noqa: E402

MINUTES_PER_HOUR = 60
TIMEOUT_S = 7200
PARTS = {
    "tier": ("rns_tier",),
    "pool": ("rns_pool", "rns_pool_init", "rns_pool_stats"),
    "Bytes": ("rns_bytes", "rns_bytes_make", "rns_bytes_share", "rns_store"),
    "tables": ("rns_table", "rns_table_init"),
    "node": ("rns_packet", "rns_transport*"),
}
OPERATIONS = ("take", "give", "miss", "share", "write", "copy", "drop")
EMULATED = [name for name in firmware.TARGETS if name != "host"]


def sizes(folder, target):
    """Return the bytes of code and constants of each part, compiled with -Os."""
    objects = cbuild.compile_freestanding(folder, target, parts=("port", "core", "node"))
    tool = cbuild.TARGETS[target][0].replace("gcc", "size")
    row = {}
    for part, patterns in PARTS.items():
        mine = [path for path in objects if any(path.match(f"{name}.o") for name in patterns)]
        lines = cbuild.execute([tool, *mine]).splitlines()[1:]
        row[part] = sum(int(line.split()[0]) for line in lines)
    return row


def image_sizes(image, target):
    """Return text, data and bss of a linked image."""
    tool = cbuild.TARGETS[target][0].replace("gcc", "size")
    return cbuild.execute([tool, image]).splitlines()[1].split()[:3]


def costs(lines):
    """Return what an image printed about its costs."""
    return {what.partition(" ")[2]: n[0] for what, n in lines.items() if what.startswith("cost")}


def range_of(found, operation):
    """Return the fewest and the most instructions of an operation as text."""
    least, most = found[f"{operation} least"], found[f"{operation} most"]
    return f"{least}" if least == most else f"{least} to {most}"


def days(folder, hours):
    """Run the node for `hours` on each target; return rows, and whether all ended alike."""
    rows, endings = [], []
    for name in ("host", "cortex-m3", "rv32imac"):
        defines = [f"IMAGE_NODE_MINUTES={hours * MINUTES_PER_HOUR}u"]
        image = firmware.build(folder, name, defines)
        begin = time.monotonic()
        lines = firmware.run(name, image, TIMEOUT_S, counts=False)
        wall = time.monotonic() - begin
        endings.append({w: n for w, n in lines.items() if not w.startswith("cost")})
        numbers = [f"{lines[f'node {what}'][0]:,}" for what in ("events", "forwarded")]
        rows.append([name, *numbers, f"{lines['node sent'][0]:08x}", f"{wall:.0f} s"])
    return rows, all(ending == endings[0] for ending in endings)


def main():
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=int, default=48, help="of simulated time [48]")
    hours = parser.parse_args().hours
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        firmware.write_data(folder)
        flash, images, cost = [], [], {}
        for target in EMULATED:
            flash.append([target, *sizes(folder, target).values()])
            image = firmware.build(folder, target)
            images.append([target, *image_sizes(image, target)])
            cost[target] = costs(firmware.run(target, image))
        rows, is_alike = days(folder, hours)
    counted = [[op, *(range_of(cost[target], op) for target in EMULATED)] for op in OPERATIONS]
    state = [
        [what, *(cost[target][key] for target in EMULATED)]
        for what, key in (("rns_tier_t", "state_tier"), ("rns_pool_t, 8 tiers", "state_pool"))
    ]
    verdict = (
        "All ended alike, to the checksum of every byte sent." if is_alike else "THEY DIFFER."
    )
    text = [
        report.header("The firmware on small targets"),
        "Code and constants in bytes, gcc -Os, statistics and misuse checks on:",
        report.table(["target", *PARTS], flash),
        "State in bytes, without slots:",
        report.table(["state", *EMULATED], state),
        "Instructions, counted by the emulator, with the lock that masks interrupts (`take` and "
        "`give` over two tiers of 64 slots; `copy` is a write to 64 shared bytes):",
        report.table(["operation", *EMULATED], counted),
        "The image that the tests run, with recorded trace and operations in it:",
        report.table(["image", "text", "data", "bss"], images),
        f"A busy node for {hours} hours of simulated time, emulated, not on hardware:",
        report.table(["target", "events", "forwarded", "checksum", "time"], rows),
        verdict,
    ]
    report.publish("firmware", "\n\n".join(text))
    return 0 if is_alike else 1


if __name__ == "__main__":
    sys.exit(main())
