"""The same trace and seed give the same bytes, whatever compiled, ordered or counted them."""

import hashlib
import os
import subprocess
import sys
from functools import partial

import cbuild
from extension import built
from job import Job, Room

NODE = cbuild.ROOT / "pyrns_pool" / "data" / "microreticulum_node_a.npz"
PACKETS = cbuild.ROOT / "pyrns_pool" / "data" / "reticulum_mtu500_transport.csv.gz"
SWEEP = f"""
[[trace]]
path = "{NODE}"
site = "*Bytes*"

[[pool]]
tiers = [{{slot_bytes = 64, slots = {{from = 40, to = 44}}}}]
"""
SITE = ["--site", "*Bytes*"]
VERBS = {
    "replay": ["replay", NODE, "-o", "replay", "--plot", "--json"],
    "node": ["node", PACKETS, "-o", "node", "--json"],
    "compare": ["compare", NODE, *SITE, "--arena", "64KiB", "-o", "compare", "--json"],
    "curve": ["curve", NODE, *SITE, "-o", "curve", "--json"],
    "tune": ["tune", NODE, *SITE, "--budget", "32KiB", "-o", "tune", "--json"],
    "sweep": ["sweep", "sweep.toml", "-o", "sweep", "--json"],
    "audit": ["audit", NODE, "--json"],
    "soak": ["soak", "--hours", "1", "-o", "soak", "--json"],
    "export": ["export", NODE, "--preset", "design", "--to", "header"],
    "tables": ["replay", NODE, "--preset", "fork"],
    "info": ["info", NODE, "--json"],
}
SETTINGS = [
    # Turkish has an i that is no i in capitals, German a comma in its numbers.
    ("1", "tr_TR", "Pacific/Auckland", "1"),
    ("4242", "de_DE", "Asia/Kathmandu", "2"),
    ("99", "C", "America/St_Johns", "4"),
]
"""Hash seed, locale, time zone, threads of linear algebra."""
BASE = {"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8", "TZ": "UTC", "MPLBACKEND": "Agg"}
BUILDS = [("gcc", "-O0"), ("gcc", "-Os"), ("clang", "-O2")]
SOAK_BUILDS = [("clang", "-O0"), ("clang", "-Os"), ("gcc", "-O3")]
"""Beside that of the installed extension, gcc -O2; each in a setting of its own."""


def outputs(folder, environment, package=cbuild.ROOT, verbs=tuple(VERBS)):
    """Run verbs in a folder; return a digest of each output and each file that it wrote."""
    folder.mkdir()
    (folder / "sweep.toml").write_text(SWEEP)
    digests = {}
    for verb in verbs:
        done = subprocess.run(
            [sys.executable, "-m", "pyrns_pool", *map(str, VERBS[verb])],
            cwd=folder,
            env={**os.environ, **BASE, **environment, "PYTHONPATH": str(package)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
        )
        assert done.returncode == 0, f"{verb}: {done.stderr.decode()}"
        digests[verb] = hashlib.sha256(done.stdout).hexdigest()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.endswith(".jsonl"):  # A journal is in order of time.
            digests[str(path.relative_to(folder))] = hashlib.sha256(path.read_bytes()).hexdigest()
    return digests


def differences(folder, environment, expected, *how):
    """Return the names of outputs that are others than those expected."""
    seen = outputs(folder, environment, *how)
    return sorted(name for name in expected.keys() | seen if expected.get(name) != seen.get(name))


def environment_of(locales, hash_seed, locale, zone, threads):
    """Return the variables of a setting; a locale is compiled where it is not installed."""
    variables = {"PYTHONHASHSEED": hash_seed, "TZ": zone, "LOCPATH": str(locales)}
    variables |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), threads)
    if locale == "C":
        return {**variables, "LC_ALL": "C"}
    name = f"{locale}.UTF-8"
    locales.mkdir(exist_ok=True)
    cbuild.execute(["localedef", "-i", locale, "-f", "UTF-8", locales / name])
    return {**variables, "LC_ALL": name}


def look(room: Room) -> dict[str, int]:
    expected = outputs(room.tmp / "base", {})
    assert len(expected) > len(VERBS)
    builds = BUILDS + (SOAK_BUILDS if room.soak else [])
    for (compiler, optimise), setting in zip(builds, 2 * SETTINGS):
        name = f"{compiler}{optimise}"
        package = built(room.tmp / f"{name}-package", compiler, [optimise])
        environment = environment_of(room.tmp / "locales", *setting)
        other = differences(room.tmp / name, environment, expected, package)
        assert not other, f"{name}, {setting}: {other}"
    return {"settings": 1 + len(builds), "outputs": len(expected)}


def find(text: str, room: Room) -> str:
    """Add text to a module that every verb imports; one of them is enough."""
    verbs = ("tables",)
    expected = outputs(room.tmp / "base", {}, cbuild.ROOT, verbs)
    folder = room.tmp / "planted"
    folder.mkdir()
    cbuild.execute(["cp", "-r", cbuild.ROOT / "pyrns_pool", folder])
    with open(folder / "pyrns_pool" / "words.py", "a") as words:
        words.write(text)
    other = differences(room.tmp / "other", {"PYTHONHASHSEED": "7"}, expected, folder, verbs)
    return ", ".join(other)


PLANTS = {
    "a word that depends on the hash seed": (
        "\n_plural = plural\n\n\n"
        "def plural(*words): return _plural(*words) + ' ' * (hash('a') % 7)\n"
    )
}
JOBS = [
    Job(
        name="determinism",
        tool="gcc, clang",
        shows="results are the same bytes over compilers, -O levels, hash seeds, locales, zones",
        run=look,
        plants={name: partial(find, text) for name, text in PLANTS.items()},
        is_long=True,
    )
]
