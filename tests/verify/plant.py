"""Faults in copies of the sources."""

import shutil
from pathlib import Path

import cbuild


def replace(path: Path, old: str, new: str) -> None:
    """Replace text that is in a file once."""
    text = path.read_text()
    assert text.count(old) == 1, f"{path} has {text.count(old)} times: {old}"
    path.write_text(text.replace(old, new))


def plant(folder: Path, source: str, old: str, new: str) -> Path:
    """Copy csrc and tests/c to `folder`/planted, with `old` replaced by `new` in one file.

    `source` is a path from the root of the tree; the text is there once. Where the copy is already
    there it gets one more fault. Returns its root, for ``cbuild.build(..., tree=...)``.
    """
    tree = folder / "planted"
    for part in ("csrc", "tests/c"):
        if not (tree / part).exists():
            shutil.copytree(cbuild.ROOT / part, tree / part)
    replace(tree / source, old, new)
    return tree
