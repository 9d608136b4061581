"""Copies of the C sources with a fault in them."""

import shutil
from pathlib import Path

import cbuild


def plant(folder: Path, source: str, old: str, new: str) -> Path:
    """Copy csrc and tests/c to `folder`/planted, with `old` replaced by `new` in one file.

    `source` is a path from the root of the tree; the text is there once. Where the copy is already
    there it gets one more fault. Returns its root, for ``cbuild.build(..., tree=...)``.
    """
    tree = folder / "planted"
    for part in ("csrc", "tests/c"):
        if not (tree / part).exists():
            shutil.copytree(cbuild.ROOT / part, tree / part)
    text = (tree / source).read_text()
    assert text.count(old) == 1, f"{source} has {text.count(old)} times: {old}"
    (tree / source).write_text(text.replace(old, new))
    return tree
