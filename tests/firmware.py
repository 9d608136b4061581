"""Build the image of csrc/firmware for small targets and for this machine, and run it.

An image holds the core, the node, and the part of the laboratory that drives them, without a C
library; the same sources, compiled with a few lines for this machine, are what it must agree with.
"""

from typing import NamedTuple

import cbuild
import numpy as np

import pyrns_pool as rp


FIRMWARE = cbuild.CSRC / "firmware"
PROFILES = ("full", "small", "least")
PARTS = ("trace", "bytes", "node", "cost")
WRAP = "wrap"  # a part of its own: the program's malloc is wrapped
WRAPPED = [f"-Wl,--wrap={name}" for name in ("malloc", "calloc", "realloc", "free")]
LAB = "mix node_rows ops traffic traffic_find traffic_parts".split()
SOURCES = [
    *cbuild.sources("core", "node"),
    *(cbuild.CSRC / "lab" / f"rns_{name}.c" for name in LAB),
    *(FIRMWARE / f"image_{name}.c" for name in ("main", *PARTS)),
]
IRQ_LOCK = ["-DRNS_SYNC=RNS_SYNC_LOCK", '-DRNS_LOCK_HEADER="rns_lock_irq.h"']
BARE = ["-ffreestanding", "-nostdlib", "-nostartfiles", f"-I{FIRMWARE / 'libc'}"]
CORTEX_M = [FIRMWARE / "board_cortex_m.c", FIRMWARE / "libc" / "libc.c"]
RV32 = [FIRMWARE / "board_rv32.c", FIRMWARE / "libc" / "libc.c"]
MPS2 = """
    qemu-system-arm -M mps2-an385 -nographic -monitor none -serial none
    -semihosting-config enable=on,target=native
""".split()
VIRT = """
    qemu-system-riscv32 -M virt -bios none -display none -monitor none -serial stdio
""".split()


class Target(NamedTuple):
    """How an image is compiled, and what runs it."""

    compiler: list
    sources: list
    script: str = ""
    emulator: tuple = ()
    counting: tuple = ()  # Makes the emulator count instructions, which is half as fast.


TARGETS = {
    "host": Target(["gcc", "-DRNS_SYNC=RNS_SYNC_NONE"], [FIRMWARE / "board_host.c"]),
    "cortex-m0": Target(
        ["arm-none-eabi-gcc", "-mcpu=cortex-m0", "-mthumb", *IRQ_LOCK],
        CORTEX_M,
        "cortex_m",
        MPS2,
        ["-icount", "shift=10"],
    ),
    "cortex-m3": Target(
        ["arm-none-eabi-gcc", "-mcpu=cortex-m3", "-mthumb", *IRQ_LOCK],
        CORTEX_M,
        "cortex_m",
        MPS2,
        ["-icount", "shift=10"],
    ),
    "rv32imac": Target(
        ["riscv64-unknown-elf-gcc", "-march=rv32imac", "-mabi=ilp32", "-misa-spec=2.2", *IRQ_LOCK],
        RV32,
        "rv32",
        VIRT,
        ["-icount", "shift=0"],
    ),
}


def pack_trace(trace):
    """Return a trace as image.h describes it."""
    out, unused, numbers = bytearray(), [], {}
    live = trace.peak_live().blocks
    unused.extend(range(live - 1, -1, -1))

    def put(number):
        while number >= 0x80:
            out.append(number & 0x7F | 0x80)
            number >>= 7
        out.append(number)

    put(live)
    sizes = trace.block_sizes.tolist()
    for op, block in zip(trace.events["op"].tolist(), trace.blocks.tolist()):
        if op == 0:
            numbers[block] = unused.pop()
            put(sizes[block] << 1)
        else:
            number = numbers.pop(block)
            unused.append(number)
            put(number << 1 | 1)
    return bytes(out)


def recording():
    """Return the trace that the image replays."""
    return rp.load_trace(rp.shipped("microreticulum_node_a.npz"))


def random_ops(count=20_000, handles=64, seed=8):
    """Return operations of every kind on a few handles, as many as the image has room for."""
    random = np.random.default_rng(seed)
    ops = np.zeros(count, rp.OP_DTYPE)
    ops["t_ns"] = np.arange(count)
    ops["op"] = random.integers(0, len(rp.Op), count)
    ops["handle"], ops["other"] = random.integers(0, handles, (2, count))
    ops["length"] = random.integers(0, 120, count)
    ops["start"] = random.integers(0, 60, count)
    return ops


def write_data(folder):
    """Write what data.S includes."""
    (folder / "trace.bin").write_bytes(pack_trace(recording()))
    (folder / "ops.bin").write_bytes(random_ops().tobytes())


def script(name):
    """Return the linker script for one of TARGETS."""
    return FIRMWARE / f"{TARGETS[name].script}.ld"


def sources(profile, parts):
    """Return what an image of these PARTS is compiled from; one with all if they are none."""
    if parts:
        found = [*cbuild.sources("core"), FIRMWARE / "image_main.c"]
        found += [FIRMWARE / "rns_malloc_wrap.c"] if WRAP in parts else []
        return found + [FIRMWARE / f"image_{part}.c" for part in parts]
    meter = [cbuild.CSRC / "lab" / "rns_meter.c"] if profile == "full" else []
    return [*SOURCES, *meter]


def build(folder, name, defines=(), optimise="-Os", profile="full", parts=(), compiler=()):
    """Compile and link the image for one of TARGETS with the data in `folder`; return its path.

    `parts` are those that it has; PARTS if there are none.
    """
    __tracebackhide__ = True
    target = TARGETS[name]
    image = folder / f"{name}-{profile}.elf"
    mask = sum(1 << (*PARTS, WRAP).index(part) for part in parts or PARTS)
    defines = [f"RNS_PROFILE=RNS_PROFILE_{profile.upper()}", f"IMAGE_PARTS={mask}", *defines]
    bare = [*BARE, "-T", script(name)] if target.script else []
    wrapped = ["-fno-builtin", *WRAPPED] if WRAP in parts else []
    wrapped += [FIRMWARE / "wrap_heap.c"] if WRAP in parts and bare else []
    cbuild.execute(
        [*(compiler or target.compiler), *cbuild.STRICT, optimise, *bare, *wrapped]
        + ["-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections"]
        + [f"-Wl,-Map={image}.map", f"-Wa,-I{folder}", *(f"-D{define}" for define in defines)]
        + [f"-I{cbuild.CSRC / part}" for part in ("port", "core", "node", "lab", "firmware")]
        + [*sources(profile, parts), *target.sources, FIRMWARE / "data.S"]
        + ["-o", image, *(["-lgcc"] if bare else [])]
    )
    return image


def costs(lines):
    """Return what an image printed about its costs."""
    return {what.partition(" ")[2]: n[0] for what, n in lines.items() if what.startswith("cost")}


def run(name, image, timeout=120, counts=True):
    """Run an image, and count instructions if it `counts`; return its lines, {what: [numbers]}."""
    __tracebackhide__ = True
    target = TARGETS[name]
    command = [*target.emulator, *(target.counting if counts else ())]
    command += ["-kernel", image] if target.emulator else [image]
    lines = {}
    for line in cbuild.execute(command, timeout).splitlines():
        what, _, number = line.rpartition(" ")
        lines.setdefault(what, []).append(int(number))
    return lines
