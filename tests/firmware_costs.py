"""What the firmware costs on small targets: bytes of flash and RAM, and instructions.

``python tests/firmware_costs.py`` measures and prints the tables of docs/firmware.md; ``--record``
also writes the figures to tests/data/firmware_costs.json, which the tests hold new ones against,
and the tables into the page.

Flash is counted in linked images: how much longer an image without a main program gets by pulling
in the named functions and all that they call. So there are no bytes of callers in it, and none of
what a linker would drop.
"""

import argparse
import json
import re
import tempfile
from pathlib import Path

import cbuild
import firmware

RECORDED = cbuild.ROOT / "tests" / "data" / "firmware_costs.json"
PAGE = cbuild.ROOT / "docs" / "firmware.md"
TARGETS = [name for name in firmware.TARGETS if name != "host"]

# The rows: what they pull in. Each adds to the one before.
FLASH = {
    "take, give": ("rns_pool_take", "rns_pool_give"),
    "+ init": ("rns_pool_init",),
    "+ stats": ("rns_pool_stats",),
    "+ check, log, locate": (
        *("rns_pool_check", "rns_pool_log", "rns_pool_each_live"),
        *("rns_pool_locate", "rns_pool_storage_bytes"),
    ),
}
OBJECTS = {
    "Bytes": ("rns_bytes", "rns_bytes_make", "rns_bytes_share", "rns_store"),
    "tables": ("rns_table", "rns_table_init"),
    "node": ("rns_packet", "rns_transport*"),
}
STATE = {
    "tier": "sizeof(rns_pool_tier_t)",
    "pool without tiers": "sizeof(rns_pool_t) - RNS_TIERS_MAX * sizeof(rns_pool_tier_t)",
    "raw slot": "0 * sizeof(void*)",
    "Bytes, handle": "sizeof(rns_bytes_t)",
    "Bytes, in a slot": "RNS_BUFFER_HEADER_BYTES",
    "store": "sizeof(rns_store_t)",
    "table": "sizeof(rns_table_t)",
    "node": "sizeof(rns_transport_t)",
}
OPERATIONS = ("take", "give", "miss", "share", "write", "copy", "drop")
BUILDS = {
    "full": ("full", 1),
    "small": ("small", 1),
    "least": ("least", 1),
    "least, no statistics": ("least", 0),
}
OPTIMISE = ["-Os", "-ffunction-sections", "-fdata-sections"]


def compiler(target, build):
    """Return compiler and flags for a target and one of BUILDS; for one thread, without a lock."""
    profile, stats = BUILDS[build]
    defines = [f"-DRNS_PROFILE=RNS_PROFILE_{profile.upper()}", f"-DRNS_STATS={stats}"]
    parts = ("port", "core", "node", "firmware", "firmware/libc")
    machine = [word for word in firmware.TARGETS[target].compiler if word not in firmware.IRQ_LOCK]
    includes = [f"-I{cbuild.CSRC / part}" for part in parts]
    return [*machine, *cbuild.STRICT, *OPTIMISE, *defines, *includes]


def tool(target, name):
    """Return the program `name` of a target's binutils."""
    return firmware.TARGETS[target].compiler[0].replace("gcc", name)


def compile_all(folder, target, build, sources):
    """Compile for a target, one of BUILDS; return the objects by the names of the sources."""
    objects = {}
    for source in sources:
        objects[source.stem] = folder / f"{target}-{build.replace(', ', '-')}-{source.stem}.o"
        flags = ["-ffreestanding", "-c", source, "-o", objects[source.stem]]
        cbuild.execute([*compiler(target, build), *flags])
    return objects


def text_bytes(target, *files):
    """Return the bytes of code and constants of objects or images."""
    lines = cbuild.execute([tool(target, "size"), *files]).splitlines()[1:]
    return sum(int(line.split()[0]) for line in lines)


def flash(folder, target, build, rows=tuple(FLASH)):
    """Return the bytes that each of the `rows` of FLASH brings into a linked image, added up."""
    board = firmware.TARGETS[target]
    empty = folder / "empty.c"
    empty.write_text('#include "board.h"\nint image_main(void)\n{\n    return 0;\n}\n')
    pool = sorted(cbuild.CSRC.glob("core/rns_pool*.c")) + sorted(cbuild.CSRC.glob("core/rns_s*.c"))
    pool += [cbuild.CSRC / "core" / "rns_tier.c"]
    objects = compile_all(folder, target, build, [*pool, *board.sources, empty]).values()
    wanted, found = [], {}
    for row in ("", *rows):
        wanted += FLASH.get(row, ())
        image = folder / "flash.elf"
        cbuild.execute(
            [*compiler(target, build), *firmware.BARE, "-T", firmware.script(target), *objects]
            + ["-Wl,--gc-sections", *(f"-Wl,--undefined={name}" for name in wanted)]
            + ["-lgcc", "-o", image]
        )
        found[row] = text_bytes(target, image)
    return {row: found[row] - found[""] for row in rows}


def objects(folder, target, build):
    """Return the bytes of code and constants of each part of OBJECTS."""
    files = compile_all(folder, target, build, cbuild.sources("core", "node"))
    return {
        part: text_bytes(
            target,
            *(file for stem, file in files.items() for like in likes if Path(stem).match(like)),
        )
        for part, likes in OBJECTS.items()
    }


def state(folder, target, build):
    """Return the bytes of each object of STATE."""
    source = folder / "state.c"
    sizes = "".join(
        f"extern const char of_{i}[];\nconst char of_{i}[1 + ({size})] = {{0}};\n"
        for i, size in enumerate(STATE.values())
    )
    source.write_text(f'#include "rns_bytes.h"\n#include "rns_transport.h"\n{sizes}')
    made = compile_all(folder, target, build, [source])["state"]
    lines = cbuild.execute([tool(target, "nm"), "-S", made])
    found = {int(i): int(size, 16) for size, i in re.findall(r" (\w+) R of_(\d+)", lines)}
    return {what: found[i] - 1 for i, what in enumerate(STATE)}


def instructions(folder, target, profile):
    """Return what operations cost at least and at most, and what the image says of its state."""
    (folder / "trace.bin").write_bytes(b"\0")
    (folder / "ops.bin").write_bytes(b"")
    image = firmware.build(folder, target, profile=profile, parts=("cost",))
    return firmware.costs(firmware.run(target, image))


def measure(folder):
    """Return all figures: {target: {"flash": {build: ...}, "objects": ..., ...}}."""
    found = {}
    for target in TARGETS:
        found[target] = {
            "flash": {build: flash(folder, target, build) for build in BUILDS},
            "objects": {build: objects(folder, target, build) for build in BUILDS},
            "state": {build: state(folder, target, build) for build in BUILDS},
            "instructions": {p: instructions(folder, target, p) for p in firmware.PROFILES},
        }
        print(f"{target} measured")
    return found


def table(columns, rows):
    """Return a table as Markdown."""
    lines = [columns, ["---", *["---:"] * (len(columns) - 1)], *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def span(found, operation):
    """Return the fewest and the most instructions of an operation as text."""
    least, most = found[f"{operation} least"], found[f"{operation} most"]
    return f"{least}" if least == most else f"{least} to {most}"


def tables(found):
    """Return the figures as Markdown."""
    text = []
    for target, figures in found.items():
        builds = list(BUILDS)
        rows = [[row, *(figures["flash"][b][row] for b in builds)] for row in FLASH]
        rows += [
            [f"{part} (objects)", *(figures["objects"][b][part] for b in builds)]
            for part in OBJECTS
        ]
        text += [f"**{target}: bytes of flash**", table(["linked", *builds], rows)]
        rows = [[what, *(figures["state"][b][what] for b in builds)] for what in STATE]
        text += [f"**{target}: bytes of RAM**", table(["state", *builds], rows)]
        profiles = list(firmware.PROFILES)
        costs = figures["instructions"]
        rows = [[op, *(span(costs[p], op) for p in profiles)] for op in OPERATIONS]
        text += [f"**{target}: instructions**", table(["operation", *profiles], rows)]
    return "\n\n".join(text)


def page_with(tables_text):
    """Return docs/firmware.md with these tables between its marks."""
    head, mark, rest = PAGE.read_text().partition("<!-- figures -->\n")
    _, end, tail = rest.partition("<!-- end of figures -->\n")
    assert mark and end, f"{PAGE} has no marks around its figures"
    return f"{head}{mark}\n{tables_text}\n\n{end}{tail}"


def main():
    """Measure, print, and record if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--record", action="store_true", help="as the figures to keep")
    record = parser.parse_args().record
    with tempfile.TemporaryDirectory() as name:
        found = measure(Path(name))
    print(tables(found))
    if record:
        RECORDED.write_text(json.dumps(found, indent=1) + "\n")
        PAGE.write_text(page_with(tables(found)))


if __name__ == "__main__":
    main()
