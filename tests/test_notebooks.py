"""The notebooks run, in this interpreter, and are committed without outputs and without logic."""

import ast
import os
import sys
from pathlib import Path

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
LOGIC = (
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda),
    *(ast.For, ast.AsyncFor, ast.While, ast.comprehension),
)
CELL_TIMEOUT_S = 120

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


class OwnKernelManager(AsyncKernelManager):
    """Starts kernels in this interpreter; Debian's kernelspec names the one of the system."""

    kernel_spec = KernelSpec(
        argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        display_name="Python 3",
        language="python",
    )


def code_cells(path):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def test_there_are_notebooks_to_test():
    assert NOTEBOOKS


@each_notebook
def test_notebook_runs_from_its_first_cell_to_its_last(path, tmp_path, monkeypatch):
    monkeypatch.delenv("MPLBACKEND", raising=False)  # figures as the reader's kernel makes them
    monkeypatch.setenv("IPYTHONDIR", os.fspath(tmp_path / "ipython"))
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        kernel_manager_class=OwnKernelManager,
        resources={"metadata": {"path": os.fspath(tmp_path)}},
        timeout=CELL_TIMEOUT_S,
    )
    client.execute()
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in cells)
    for cell in cells:
        shown = [output for output in cell.outputs if "image/png" in output.get("data", {})]
        assert len(shown) == cell.source.startswith("plot."), cell.source


@each_notebook
def test_notebook_is_committed_without_outputs_and_traces_of_a_machine(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata == METADATA
    for cell in notebook.cells:
        assert cell.metadata == {}, cell.source
    for cell in code_cells(path):
        assert (cell.outputs, cell.execution_count) == ([], None), cell.source


@each_notebook
def test_notebook_holds_no_logic(path):
    assert code_cells(path)
    for cell in code_cells(path):
        found = [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, LOGIC)]
        assert not found, f"belongs in the package:\n{cell.source}"
