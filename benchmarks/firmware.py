"""Bytes and instructions of the firmware on small targets, and days of a node on emulated ones.

The tables are those of `tests/firmware_costs.py`, which are the same every time. Run by
`make firmware`, which takes minutes: the image runs 48 hours of simulated time on each target, and
has to end alike on all of them.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import report

sys.path.insert(0, str(report.ROOT / "tests"))

import firmware  # noqa: E402
import firmware_costs  # noqa: E402

MINUTES_PER_HOUR = 60
TIMEOUT_S = 7200


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
        figures = firmware_costs.tables(firmware_costs.measure(folder))
        firmware.write_data(folder)
        rows, is_alike = days(folder, hours)
    verdict = (
        "All ended alike, to the checksum of every byte sent." if is_alike else "THEY DIFFER."
    )
    text = [
        report.header("The firmware on small targets"),
        "What is counted, and how: docs/firmware.md.",
        figures,
        f"A busy node for {hours} hours of simulated time, emulated, not on hardware:",
        report.table(["target", "events", "forwarded", "checksum", "time"], rows),
        verdict,
    ]
    report.publish("firmware", "\n\n".join(text))
    return 0 if is_alike else 1


if __name__ == "__main__":
    sys.exit(main())
