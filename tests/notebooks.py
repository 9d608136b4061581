"""Runs the notebooks, and keeps the copy of their figures that readers of the repository see.

``python tests/notebooks.py`` runs them all and writes docs/notebooks.md and docs/img/notebooks;
tests/test_notebooks.py fails once either would look different today.
"""

import ast
import base64
import io
import os
import re
import sys
import tempfile
from pathlib import Path

import nbformat
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
PAGE = ROOT / "docs" / "notebooks.md"
PICTURES = ROOT / "docs" / "img" / "notebooks"
CELL_TIMEOUT_S = 120
PICTURE_WIDTH, PICTURE_COLOURS = 800, 256
PAGE_HEAD = """# The notebooks, as they come out

What `notebooks/` shows when it runs, for those who read along without running it: the figures and
the conclusion of each. Written by `python tests/notebooks.py`; the tests compare it with what the
notebooks show today.
"""


# With or without ipywidgets the notebooks shall come out the same: figures in place of sliders.
NO_WIDGETS = "--IPKernelApp.exec_lines=import sys; sys.modules['ipywidgets'] = None"


class OwnKernelManager(AsyncKernelManager):
    """Starts kernels in this interpreter; Debian's kernelspec names the one of the system."""

    kernel_spec = KernelSpec(
        argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", NO_WIDGETS],
        display_name="Python 3",
        language="python",
    )


def run(path, folder):
    """Return a notebook as it is after all its cells ran, with `folder` to write in."""
    os.environ.pop("MPLBACKEND", None)  # Figures as the reader's kernel makes them.
    os.environ["IPYTHONDIR"] = os.fspath(Path(folder) / "ipython")
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook,
        kernel_manager_class=OwnKernelManager,
        resources={"metadata": {"path": os.fspath(folder)}},
        timeout=CELL_TIMEOUT_S,
    ).execute()
    return notebook


def pictures(cell):
    """Return the figures that a cell showed, as PNG."""
    shown = [output.get("data", {}) for output in cell.get("outputs", ())]
    return [base64.b64decode(data["image/png"]) for data in shown if "image/png" in data]


def reduced(png):
    """Return a smaller picture of the same: enough to read it, a third of the bytes."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    size = (PICTURE_WIDTH, round(image.height * PICTURE_WIDTH / image.width))
    small = image.resize(size, Image.LANCZOS)
    options = {"method": Image.Quantize.MAXCOVERAGE, "dither": Image.Dither.NONE}
    out = io.BytesIO()
    small.quantize(PICTURE_COLOURS, **options).save(out, "png", optimize=True)
    return out.getvalue()


def conclusion(notebook):
    """Return the numbers that the last code cell shows, and the text below it."""
    *_, numbers, text = notebook.cells
    return ast.literal_eval(numbers.outputs[-1].data["text/plain"]), text.source


def rendered(notebook, name):
    """Return what the page says of a notebook, and its pictures by file name."""
    title, intro = notebook.cells[0].source.split("\n\n", 1)
    lines = [f"## [{title[2:]}](../notebooks/{name}.ipynb)", "", intro, ""]
    images = {}
    for above, cell in zip(notebook.cells, notebook.cells[1:]):
        for image in pictures(cell):
            file = f"{name}_{len(images) + 1}.png"
            images[file] = reduced(image)
            caption = above.source.rpartition("\n\n")[2]
            sentence = re.split(r"(?<=[.:]) ", " ".join(caption.split()))[0].rstrip(".:")
            lines += [f"![{sentence}](img/notebooks/{file})", "", caption, ""]
    return "\n".join([*lines, conclusion(notebook)[1], ""]), images


def main():
    """Run every notebook and write the page and its pictures."""
    page = PAGE_HEAD
    PICTURES.mkdir(parents=True, exist_ok=True)
    for old in PICTURES.glob("*.png"):
        old.unlink()
    for path in NOTEBOOKS:
        with tempfile.TemporaryDirectory() as folder:
            text, images = rendered(run(path, folder), path.stem)
        page += f"\n{text}"
        for file, image in images.items():
            (PICTURES / file).write_bytes(image)
        print(f"{path.stem}: {len(images)} figures")
    PAGE.write_text(page)


if __name__ == "__main__":
    main()
