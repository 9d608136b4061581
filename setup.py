"""Build script: the extension is declared in pyrns_pool/_build.py, the rest in setup.cfg.

There is no pyproject.toml on purpose: with one, pip isolates the build and a plain
``pip install .`` fails where PyPI is out of reach (CONTRIBUTING.md, "Packaging").
"""

import sysconfig

from pathlib import Path

from setuptools import Extension, setup

# The limited API does not exist on free-threaded CPython before 3.15 (python-cffi/cffi#104).
ABI3 = not sysconfig.get_config_var("Py_GIL_DISABLED")

CSRC = Path("csrc")
RECORDER_PARTS = ("recorder", "lab", "port")
# A shared library for LD_PRELOAD, which Python never loads; as an extension it is built and
# installed with the others. It unwinds with a copy of libgcc of its own that nobody else sees.
RECORDER = Extension(
    "pyrns_pool._recorder",
    sources=sorted(str(path) for path in (CSRC / "recorder").glob("*.c")),
    depends=sorted(str(path) for part in RECORDER_PARTS for path in (CSRC / part).glob("*.h")),
    include_dirs=[str(CSRC / part) for part in RECORDER_PARTS],
    extra_compile_args=["-std=c11", "-O2", "-fvisibility=hidden", "-fexceptions"],
    extra_link_args=["-static-libgcc", "-Wl,--exclude-libs,ALL"],
    py_limited_api=bool(ABI3),
)

setup(
    ext_modules=[RECORDER],
    cffi_modules=["pyrns_pool/_build.py:core_none", "pyrns_pool/_build.py:core_atomic"],
    setup_requires=["cffi>=1.15"],
    options={"bdist_wheel": {"py_limited_api": "cp39"}} if ABI3 else {},
)
