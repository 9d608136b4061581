"""Building and running the harnesses of tests/fuzz under libFuzzer and AFL++."""

import re
import shutil
import subprocess
from pathlib import Path

import cbuild

FUZZ = cbuild.ROOT / "tests" / "fuzz"
CORE = cbuild.sources("core")
LAB = {
    "csv": ["rns_trace", "rns_trace_csv", "rns_trace_names"],
    "scan": ["rns_trace_scan", "rns_trace_names"],
    "record": ["rns_record"],
    "pool": [],
    "ops": ["rns_ops", "rns_meter", "rns_replay", "rns_trace"],
}
"""By harness: the sources of csrc/lab that it is built with."""
FLAGS = {
    "clang": ["-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all"],
    "afl-clang-fast": ["-fsanitize=fuzzer"],
}
LENGTH_MAX = {"csv": 2600, "record": 2048, "scan": 256, "pool": 96, "ops": 96}


def build(tmp, harness, compiler="clang", tree=cbuild.ROOT):
    """Compile and link a harness; return the path of the program."""
    program = Path(tmp) / f"{harness}-{compiler}"
    core = CORE if harness in ("pool", "ops") else [cbuild.CSRC / "core" / "rns_status.c"]
    sources = [*core, *(cbuild.CSRC / "lab" / f"{name}.c" for name in LAB[harness])]
    cbuild.execute(
        [compiler, *cbuild.STRICT, "-O2", "-g", "-fno-omit-frame-pointer", *FLAGS[compiler]]
        + ["-DRNS_SYNC=RNS_SYNC_NONE", *cbuild.includes(tree), FUZZ / f"fuzz_{harness}.c"]
        + [*(cbuild.in_tree(tree, source) for source in sources), "-o", program]
    )
    return program


def run_libfuzzer(tmp, harness, runs, tree=cbuild.ROOT):
    """Run a harness on its corpus and `runs` inputs made from it; return how many were run.

    Whatever it finds raises AssertionError, with the input that shows it.
    """
    program = build(tmp, harness, tree=tree)
    corpus = Path(tmp) / "corpus"
    shutil.copytree(FUZZ / "corpus" / harness, corpus)
    length = LENGTH_MAX[harness]
    options = [f"-runs={runs}", "-seed=1", f"-max_len={length}", "-print_final_stats=1"]
    options += [f"-artifact_prefix={tmp}/", "-timeout=10", "-rss_limit_mb=1024"]
    text = cbuild.run(program, *options, corpus, timeout=600 + runs // 1000)
    return int(re.search(r"stat::number_of_executed_units:\s*(\d+)", text)[1])


def run_afl(tmp, harness, seconds, tree=cbuild.ROOT):
    """Run a harness under AFL++ for so long; return how many inputs were run.

    A crash or a hang raises AssertionError with the first input that shows it.
    """
    program = build(tmp, harness, "afl-clang-fast", tree)
    out = Path(tmp) / "out"
    environment = {
        "AFL_SKIP_CPUFREQ": "1",
        "AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES": "1",
        "AFL_NO_UI": "1",
        "AFL_NO_AFFINITY": "1",
        "AFL_BENCH_UNTIL_CRASH": "1",
        "PATH": "/usr/bin:/bin",
    }
    command = ["afl-fuzz", "-V", str(seconds), "-s", "1", "-i", FUZZ / "corpus" / harness]
    done = subprocess.run(
        [*command, "-o", out, "--", program],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=seconds + 120,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    stats = (out / "default" / "fuzzer_stats").read_text()
    for kind in ("crashes", "hangs"):
        inputs = sorted((out / "default" / kind).glob("id:*"))
        assert not inputs, f"AFL++ {kind} {inputs[0].name}: {inputs[0].read_bytes()[:200]!r}"
    return int(re.search(r"execs_done\s*: (\d+)", stats)[1])
