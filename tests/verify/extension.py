"""Copies of the package whose extension was compiled in another way."""

import os
import subprocess
import sys

import cbuild
from plant import replace

FILES = ("pyrns_pool", "csrc", "setup.py", "setup.cfg", "README.md", "pytest_pyrns_pool.py")


def built(folder, compiler, flags):
    """Make a folder with the package, compiled with these flags instead of -O2; return it."""
    folder.mkdir()
    cbuild.execute(["cp", "-r", *(cbuild.ROOT / name for name in FILES), folder])
    for path in (folder / "pyrns_pool").glob("*.so"):
        path.unlink()
    replace(folder / "pyrns_pool" / "_build.py", '"-O2"', ", ".join(map(repr, flags)))
    links = [flag for flag in flags if flag.startswith("-fsanitize")]
    environment = {
        **os.environ,
        "CC": compiler,
        "LDSHARED": " ".join([compiler, "-shared", *links]),
    }
    command = [sys.executable, "setup.py", "-q", "build_ext", "--inplace"]
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return folder
