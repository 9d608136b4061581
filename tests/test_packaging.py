"""The source distribution is complete, and installs with a plain pip into a fresh environment."""

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LEFTOVERS = shutil.ignore_patterns(".*", "*.egg-info", "*.so", "__pycache__")


def call(*command, cwd):
    """Run a command without a network index; return what it printed."""
    ours = {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull, "CFLAGS": "-O0"}
    theirs = ("PIP_", "PYTHON", "VIRTUAL_ENV")
    env = {name: value for name, value in os.environ.items() if not name.startswith(theirs)}
    done = subprocess.run(
        [os.fspath(word) for word in command],
        cwd=cwd,
        env={**env, **ours},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def sdist(tmp_path_factory):
    """Unpacked source distribution, made from a copy of the tree."""
    tmp = tmp_path_factory.mktemp("sdist")
    shutil.copytree(ROOT, tmp / "tree", ignore=LEFTOVERS)
    sdist_command = [sys.executable, "setup.py", "--quiet", "sdist", "--dist-dir", tmp / "dist"]
    call(*sdist_command, cwd=tmp / "tree")
    (archive,) = (tmp / "dist").glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(tmp / "unpacked")
    (unpacked,) = (tmp / "unpacked").iterdir()
    return unpacked


@pytest.fixture(scope="module")
def environment(sdist, tmp_path_factory):
    """Fresh virtual environment over the system's packages, with pyrns_pool installed."""
    venv = tmp_path_factory.mktemp("fresh") / "venv"
    call(sys.executable, "-m", "venv", "--system-site-packages", venv, cwd=venv.parent)
    call(venv / "bin" / "python", "-m", "pip", "install", "--quiet", ".", cwd=sdist)
    return venv


@pytest.fixture(scope="module")
def installed(environment):
    (package,) = environment.glob("lib/python*/site-packages/pyrns_pool")
    return package


def files(folder, pattern):
    """Return the paths below a folder that match, relative to it."""
    skipped = {"__pycache__", ".ipynb_checkpoints"}
    paths = [path.relative_to(folder) for path in folder.rglob(pattern) if path.is_file()]
    return {path for path in paths if not skipped & set(path.parts)}


@pytest.mark.parametrize("folder", ["csrc", "pyrns_pool/data", "tests", "notebooks", "benchmarks"])
def test_the_source_distribution_holds_every_file_of(folder, sdist):
    compiled = {path for path in files(ROOT / folder, "*") if path.suffix in {".o", ".so", ".pyc"}}
    wanted = files(ROOT / folder, "*") - compiled
    print(f"{len(wanted)} files in {folder}")
    assert wanted
    assert wanted <= files(sdist / folder, "*")


def test_the_wheel_serves_every_python_from_3_9_on(installed):
    (tags,) = installed.parent.glob("pyrns_pool-*.dist-info/WHEEL")
    assert "Tag: cp39-abi3-" in tags.read_text()
    modules = {path.name for path in installed.glob("_core_*.so")}
    assert modules == {"_core_none.abi3.so", "_core_atomic.abi3.so"}


def test_modules_data_and_the_files_of_reports_and_pages_are_installed(installed):
    wanted = {p for p in files(ROOT / "pyrns_pool", "*") if p.suffix not in {".so", ".pyc"}}
    wanted -= {Path("_cdef.h")}  # Read by the build alone.
    print(f"{len(wanted)} files")
    assert {Path("py.typed"), Path("live/page.html"), Path("report/report.css")} <= wanted
    assert wanted <= files(installed, "*"), wanted - files(installed, "*")


def test_the_installed_package_imports_from_another_folder(environment, installed, tmp_path):
    program = "import pyrns_pool; print(pyrns_pool.__file__)"
    printed = call(environment / "bin" / "python", "-c", program, cwd=tmp_path)
    assert Path(printed.strip()) == installed / "__init__.py"


def test_the_installed_command_prints_its_version(environment, sdist, tmp_path):
    printed = call(environment / "bin" / "pyrns-pool", "--version", cwd=tmp_path)
    assert sdist.name.rpartition("-")[2] in printed


def test_the_installed_pytest_plugin_is_found(environment, tmp_path):
    printed = call(environment / "bin" / "python", "-m", "pytest", "--markers", cwd=tmp_path)
    assert "@pytest.mark.pool(min_hit_rate=" in printed


def test_importing_the_package_loads_neither_matplotlib_nor_rich(environment, tmp_path):
    program = "import pyrns_pool, sys; print({'matplotlib', 'rich'} & set(sys.modules))"
    printed = call(environment / "bin" / "python", "-W", "error", "-c", program, cwd=tmp_path)
    assert printed.strip() == "set()"
