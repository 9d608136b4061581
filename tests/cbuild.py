"""Compile C programs straight from csrc and run them, for the tests; nothing lands in the tree.

``build`` makes a program for this machine, ``run`` runs it, ``compile_freestanding`` compiles the
firmware library alone for one of `TARGETS`. Whatever fails raises AssertionError with the command
and all it printed.
"""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CSRC = ROOT / "csrc"

STRICT = """
    -std=c11 -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wcast-align
    -Wcast-qual -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wswitch-enum -Wvla
    -Wwrite-strings -Werror
""".split()


def includes(tree=ROOT):
    """Return the flags that let programs include what is in csrc and tests/c of a tree."""
    folders = [path for path in sorted((tree / "csrc").iterdir()) if path.is_dir()]
    return [f"-I{path}" for path in [*folders, tree / "tests" / "c"]]


def in_tree(tree, source):
    """Return the path in a tree of what is in this one; others stay."""
    return tree / source.relative_to(ROOT) if source.is_relative_to(ROOT) else source


INCLUDES = includes()

COMPILERS = ("gcc", "clang")
SYNCS = ("NONE", "LOCK", "ATOMIC")
SANITIZERS = {
    # gcc's thread sanitizer misses races in inlined memset and memcpy: use it with clang only.
    "address": "-fsanitize=address,undefined -fno-sanitize-recover=all".split(),
    "thread": ["-fsanitize=thread"],
}
VALGRIND = "valgrind --quiet --error-exitcode=77 --leak-check=full".split()

TARGETS = {
    "host-gcc": ["gcc"],
    "host-clang": ["clang"],
    "cortex-m0": "arm-none-eabi-gcc -mcpu=cortex-m0 -mthumb".split(),
    "cortex-m3": "arm-none-eabi-gcc -mcpu=cortex-m3 -mthumb".split(),
    "rv32imac": "riscv64-unknown-elf-gcc -march=rv32imac -mabi=ilp32".split(),
}


def sources(*parts):
    """Return the C files of these folders of csrc, sorted."""
    return [path for part in parts for path in sorted((CSRC / part).glob("*.c"))]


def build(
    tmp, sources, compiler="gcc", sync="NONE", sanitize=None, defines=(), m32=False, tree=ROOT
):
    """Compile and link a program from `sources` (paths, absolute or from the root of the tree).

    `tmp` is a folder of pytest's; `sync` is one of SYNCS, `sanitize` None or a key of SANITIZERS,
    and each of `defines` reads like ``"RNS_STATS=0"``. What would be of this tree is of `tree`,
    which may be a planted copy. Returns the path of the program.
    """
    __tracebackhide__ = True
    assert not (sanitize == "thread" and compiler == "gcc"), "gcc misses races: use clang"
    sources = [in_tree(tree, ROOT / source) for source in sources]
    variant = [compiler, sync, sanitize or "plain", *defines, *(["m32"] if m32 else [])]
    program = Path(tmp) / "-".join([sources[0].stem, *variant])
    optimise = ["-O1", "-fno-omit-frame-pointer", *SANITIZERS[sanitize]] if sanitize else ["-O2"]
    execute(
        [compiler, *STRICT, *optimise, "-g", "-pthread", *(["-m32"] if m32 else [])]
        + [f"-DRNS_SYNC=RNS_SYNC_{sync}", *(f"-D{define}" for define in defines)]
        + [*includes(tree), *sources, "-o", program]
    )
    return program


def build_library(tmp, sources, compiler="gcc", sync="NONE", optimise="-O2"):
    """Compile and link a shared library from `sources`, as `build` does; return its path."""
    __tracebackhide__ = True
    library = Path(tmp) / f"{compiler}-{sync}{optimise}.so"
    execute(
        [compiler, *STRICT, optimise, f"-DRNS_SYNC=RNS_SYNC_{sync}", "-fPIC", "-shared"]
        + [*INCLUDES, *sources, "-o", library]
    )
    return library


def run(program, *args, timeout=120, under=()):
    """Run a program, `under` a tool like VALGRIND if given; return all that it printed."""
    __tracebackhide__ = True
    return execute([*without_random_addresses(), *under, program, *args], timeout)


def compile_freestanding(tmp, target, sync="NONE", defines=(), parts=("port", "core")):
    """Compile the sources of `parts` alone, without a libc, for one of TARGETS.

    Returns the object files. The only include folders are those of `parts`.
    """
    __tracebackhide__ = True
    folder = Path(tmp) / "-".join([target, sync, *defines])
    folder.mkdir(parents=True)
    objects = []
    for source in sources(*parts):
        objects.append(folder / f"{source.stem}.o")
        execute(
            [*TARGETS[target], *STRICT, "-Os", "-ffreestanding", "-nostdlib"]
            + [f"-DRNS_SYNC=RNS_SYNC_{sync}", *(f"-D{define}" for define in defines)]
            + [*(f"-I{CSRC / part}" for part in parts), "-c", source, "-o", objects[-1]]
        )
    return objects


def undefined_symbols(target, objects):
    """Return the names that the objects of `compile_freestanding` expect from elsewhere."""
    nm = "nm" if target.startswith("host") else TARGETS[target][0].replace("gcc", "nm")
    lines = [line.split() for line in execute([nm, "-P", *objects]).splitlines()]
    kinds = [(words[0], words[1]) for words in lines if len(words) > 1]
    return {name for name, kind in kinds if kind == "U"} - {n for n, kind in kinds if kind != "U"}


def without_random_addresses():
    """Return the command prefix that fixes the addresses, or nothing where that is forbidden.

    The sanitizers of clang 14 do not start on kernels with 32 bits of address randomisation.
    """
    prefix = ["setarch", "-R"]
    allowed = subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0
    return prefix if allowed else []


def execute(command, timeout=120):
    """Run a command in the root of the tree; return what it printed, or raise with it."""
    __tracebackhide__ = True
    command = [str(word) for word in command]
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, "UBSAN_OPTIONS": "print_stacktrace=1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        output = (late.stdout or b"").decode(errors="replace")
        raise AssertionError(f"no end after {timeout} s: {' '.join(command)}\n{output}") from None
    if done.returncode != 0:
        raise AssertionError(f"exit {done.returncode}: {' '.join(command)}\n{done.stdout}")
    return done.stdout
