"""Build script: the extension is declared in pyrns_pool/_build.py, the rest in setup.cfg.

There is no pyproject.toml on purpose: with one, pip isolates the build and a plain
``pip install .`` fails where PyPI is out of reach (CONTRIBUTING.md, "Packaging").
"""

import sysconfig

from setuptools import setup

# The limited API does not exist on free-threaded CPython before 3.15 (python-cffi/cffi#104).
ABI3 = not sysconfig.get_config_var("Py_GIL_DISABLED")

setup(
    cffi_modules=["pyrns_pool/_build.py:core_none", "pyrns_pool/_build.py:core_atomic"],
    setup_requires=["cffi>=1.15"],
    options={"bdist_wheel": {"py_limited_api": "cp39"}} if ABI3 else {},
)
