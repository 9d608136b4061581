"""The programs of tests/c/misuse, each of which does one thing wrong, and what they have to say.

``python tests/misuse.py`` writes the table of docs/misuse.md.
"""

import re
from pathlib import Path
from typing import NamedTuple

import cbuild

FOLDER = cbuild.ROOT / "tests" / "c" / "misuse"
PAGE = cbuild.ROOT / "docs" / "misuse.md"
BEGIN, END = "<!-- misuse: begin -->", "<!-- misuse: end -->"
CHECKING = ("RNS_CANARY=1", "RNS_POISON=1")
HEAD = re.compile(r"/\* (.*?)\n \*\n \* Says: +(.*?)\n(?: \* Checking: (.*?)\n)? \*/\n", re.S)


class Case(NamedTuple):
    """One program."""

    path: Path
    does: str
    says: str
    """The line that it prints."""
    says_checking: str
    """The line where the library is built with guards and poison."""


def cases() -> list[Case]:
    found = []
    for path in sorted(FOLDER.glob("*.c")):
        head = HEAD.match(path.read_text())
        assert head, f"{path.name} does not begin with what it does and says"
        does = " ".join(head[1].replace("\n *", " ").split())
        found.append(Case(path, does, head[2], head[3] or head[2]))
    return found


def library(tmp: Path, *flags: str, tree: Path = cbuild.ROOT) -> Path:
    """Compile the core of a tree for the programs to be linked with."""
    path = Path(tmp) / "core.so"
    sources = [cbuild.in_tree(tree, source) for source in cbuild.sources("core")]
    _compile(tree, *flags, "-fPIC", "-shared", *sources, "-o", path)
    return path


def run(case: Case, core: Path, *flags: str, tree: Path = cbuild.ROOT) -> str:
    """Compile a program, with the flags of its library, and return what it prints."""
    program = core.parent / case.path.stem
    _compile(tree, *flags, cbuild.in_tree(tree, case.path), core, "-o", program)
    return cbuild.run(program)


def _compile(tree: Path, *words: object) -> None:
    flags = [*cbuild.STRICT, "-O0", "-g", "-pthread", "-DRNS_SYNC=RNS_SYNC_ATOMIC"]
    cbuild.execute(["gcc", *flags, *cbuild.includes(tree), *words])


def page(text: str) -> str:
    """Return the page with the table as it is today."""
    rows = [
        "| program | what it does | it says | with guards and poison |",
        "| --- | --- | --- | --- |",
    ]
    for case in cases():
        link = f"[{case.path.stem}](../{case.path.relative_to(cbuild.ROOT)})"
        more = "the same" if case.says_checking == case.says else f"`{case.says_checking}`"
        rows.append(f"| {link} | {case.does} | `{case.says}` | {more} |")
    head, rest = text.split(BEGIN)
    return "\n".join([head + BEGIN, *rows, END + rest.split(END)[1]])


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
