"""Whether the C suites notice a change of one file of csrc.

Everything is compiled once. For a mutant only what includes the changed file is compiled again, in
a copy of csrc, and the programs that contain it are made and run until one of them fails.
"""

import queue
import resource
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Iterable, Iterator, NamedTuple, Optional

import cbuild
from mutate import Mutant
from suites import SUITES, sources_of

# The suites of the changed file come first: they are most likely to notice.
FIRST = {"bytes": "bytes", "store": "bytes", "fault": "bytes", "guard": "bytes"}
FIRST |= {"table": "table", "hash": "table", "packet": "node", "transport": "node", "rtp": "rtp"}
CPU_SECONDS = 6
"""Several times what a suite takes; a mutant that needs more is caught in a loop."""
CPU_SECONDS_SANITIZED = 60


class Outcome(NamedTuple):
    """What became of a mutant."""

    mutant: Mutant
    caught_by: str
    """A suite; "" if none noticed, "compiler" if it does not compile."""


class Build(NamedTuple):
    """One way to compile C suites."""

    flags: tuple[str, ...] = ()
    """Those that decide which code there is."""
    tools: tuple[str, ...] = ()
    """The others."""
    suites: tuple[str, ...] = tuple(SUITES)
    profile: str = "FULL"

    @property
    def code_flags(self) -> list[str]:
        return [*self.flags, f"-DRNS_PROFILE=RNS_PROFILE_{self.profile}"]


class Programs:
    """C suites, compiled in one way."""

    def __init__(self, tmp: Path, build: Build = Build()):
        self.tmp = tmp
        self.flags = ["-w", "-std=c11", "-pthread", *build.code_flags, *build.tools]
        is_slow = any(flag.startswith("-fsanitize") for flag in self.flags)
        self.cpu_seconds = CPU_SECONDS_SANITIZED if is_slow else CPU_SECONDS
        self.sources = {name: sources_of(name, build.profile) for name in build.suites}
        self.all = sorted({source for some in self.sources.values() for source in some})
        base = self.copy()
        with ThreadPoolExecutor(2) as executor:
            list(executor.map(lambda source: self.compile(base, source, "-O1"), self.all))
        self.objects = {source: object_of(base, source) for source in self.all}
        self.includes = {source: included(base, source) for source in self.all}
        self.workers: "queue.Queue[Path]" = queue.Queue()
        for _ in range(2):
            self.workers.put(self.copy())
        for name in self.sources:
            program = self.link(base, name, {})
            assert program and not fails(
                program, self.cpu_seconds
            ), f"{name} fails without a mutant"

    def copy(self) -> Path:
        """Return a new folder with a copy of csrc."""
        folder = Path(tempfile.mkdtemp(dir=self.tmp))
        shutil.copytree(cbuild.CSRC, folder / "csrc")
        return folder

    def compile(self, folder: Path, source: Path, optimise: str = "-O0") -> Optional[Path]:
        """Compile a source with the csrc of `folder`; return the object, None if it cannot be.

        What is run once is compiled fast, what is run for every mutant runs fast.
        """
        here = folder / "csrc" / source.relative_to(cbuild.CSRC) if in_csrc(source) else source
        output = object_of(folder, source)
        includes = [f"-I{path}" for path in sorted((folder / "csrc").iterdir()) if path.is_dir()]
        command = ["gcc", optimise, *self.flags, *includes, f"-I{cbuild.ROOT}/tests/c", "-MMD"]
        done = subprocess.run([*command, "-c", here, "-o", output], capture_output=True)
        return output if done.returncode == 0 else None

    def link(self, folder: Path, name: str, changed: dict[Path, Path]) -> Optional[Path]:
        objects = [changed.get(source, self.objects[source]) for source in self.sources[name]]
        program = folder / name
        done = subprocess.run(["gcc", *self.flags, *objects, "-o", program], capture_output=True)
        return program if done.returncode == 0 else None

    def judge(self, mutant: Mutant) -> Outcome:
        """Compile a mutant and run the suites until one fails."""
        folder = self.workers.get()
        place = folder / mutant.file
        original = place.read_bytes()
        try:
            place.write_text(mutant.text)
            return Outcome(mutant, self.caught_by(folder, mutant))
        finally:
            place.write_bytes(original)
            self.workers.put(folder)

    def caught_by(self, folder: Path, mutant: Mutant) -> str:
        file = Path(mutant.file)
        changed: dict[Path, Path] = {}
        first = FIRST.get(file.stem.split("_")[1], "core")
        for name in sorted(self.sources, key=lambda name: name != first):
            mine = [source for source in self.sources[name] if file.name in self.includes[source]]
            for source in mine:
                compiled = changed.get(source) or self.compile(folder, source)
                if not compiled:
                    return "compiler"
                changed[source] = compiled
            if not mine:
                continue
            program = self.link(folder, name, changed)
            if not program:
                return "compiler"
            if fails(program, self.cpu_seconds):
                return name
        return ""

    def judge_all(self, mutants: Iterable[Mutant]) -> Iterator[Outcome]:
        with ThreadPoolExecutor(2) as executor:
            yield from executor.map(self.judge, mutants)


def in_csrc(source: Path) -> bool:
    return cbuild.CSRC in source.parents


def object_of(folder: Path, source: Path) -> Path:
    return folder / f"{source.stem}.o"


def included(folder: Path, source: Path) -> set[str]:
    """Return the names of the files that a compiled source consists of."""
    rule = object_of(folder, source).with_suffix(".d").read_text()
    return {Path(word).name for word in rule.replace("\\\n", " ").split()[1:]}


def fails(program: Path, cpu_seconds: int) -> bool:
    """Run suites up to the first test that fails; tell whether there is one."""
    with subprocess.Popen(
        [program],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds,) * 2),
    ) as process:
        for line in process.stdout:
            if line.startswith(b"FAIL"):
                process.kill()
        return process.wait() != 0
