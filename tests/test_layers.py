"""Dependencies point one way: every #include and every import is held against the layers.

A file in a layer may use its own folder or module and the layers before it, nothing else.
"""

import ast
import graphlib
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CSRC = ROOT / "csrc"
PACKAGE = ROOT / "pyrns_pool"

C_LAYERS = [{"port"}, {"core"}, {"node"}, {"lab"}, {"recorder", "firmware"}]
# The headers that a freestanding compiler has; string.h is not one of them.
FREESTANDING = {"stdint.h", "stddef.h", "stdbool.h", "stdatomic.h", "limits.h"}
# The locks of others' kernels, which only a program for them includes.
KERNELS = {
    "rns_lock_esp.h": {"freertos/FreeRTOS.h"},
    "rns_lock_freertos.h": {"FreeRTOS.h", "task.h"},
}
FREESTANDING_PARTS = {"port", "core", "node"}

PYTHON_LAYERS = [
    {"_version", "_native", "errors", "words", "_toml"},
    {"config", "trace"},
    {"formats", "packets"},
    {"stats", "results", "slot_results", "compare_results", "workload_results", "_native_pool"}
    | {"erlang", "curve_results", "sweep_results", "tune_results", "any_result"},
    {"pool", "_native_store", "_window", "bytes", "store"}
    | {
        "timeline",
        "replay",
        "regions",
        "slots",
        "slot",
        "heaps",
        "trace_info",
        "record",
        "recorder",
    },
    {"workloads", "compare", "curve", "exports", "gate"},
    {"tune", "sweep", "audit"},
    {"plot", "report", "live", "explore"},
    {"cli", "progress", "__main__"},
    {"__init__"},
]
EXTENSIONS = {"_core_none", "_core_atomic"}
BUILD_SCRIPT = "_build"  # runs before there is a package


def rank(layers, name):
    """Return the layer of a folder or module; that of trace_x and _trace_x is that of trace."""
    for known in (name, name.strip("_").split("_")[0]):
        for i, layer in enumerate(layers):
            if known in layer:
                return i
    raise AssertionError(f"{name} is in no layer: give it a place in tests/test_layers.py")


def c_includes():
    """Return (file, what it includes) pairs; local includes as the path of the header."""
    headers = {path.name: path for path in CSRC.rglob("*.h")}
    for path in sorted(CSRC.rglob("*.[ch]")):
        for mark, name in re.findall(r'^\s*#\s*include\s*([<"])([^>"]+)', path.read_text(), re.M):
            yield path, headers.get(name, f"unknown {name}") if mark == '"' else name


def part(path):
    """Return the folder of csrc that a file is in."""
    return path.relative_to(CSRC).parts[0]


def module(path):
    """Return the module or subpackage of pyrns_pool that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def python_files():
    return [path for path in sorted(PACKAGE.rglob("*.py")) if module(path) != BUILD_SCRIPT]


def imports(path, tree):
    """Return the dotted names that a syntax tree of the file `path` imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = ["pyrns_pool", *path.relative_to(PACKAGE).parts[:-1]]
            base = package[: len(package) - node.level + 1] if node.level else []
            base += [node.module] if node.module else []
            yield from (".".join([*base, alias.name]) for alias in node.names)


def inner_imports(path):
    """Return the modules of pyrns_pool that a file imports; a name of the package is __init__."""
    known = {module(other) for other in PACKAGE.rglob("*.py")} | EXTENSIONS
    for name in imports(path, ast.parse(path.read_text())):
        words = name.split(".")
        if words[0] == "pyrns_pool":
            yield words[1] if len(words) > 1 and words[1] in known else "__init__"


def test_c_files_include_only_their_own_folder_and_lower_layers():
    pairs = [(path, used) for path, used in c_includes() if not isinstance(used, str)]
    print(f"{len(pairs)} local includes of {len({path for path, _ in pairs})} C files")
    assert pairs
    for path, used in pairs:
        lower = rank(C_LAYERS, part(used)) < rank(C_LAYERS, part(path))
        assert lower or part(used) == part(path), f"{path} must not include {used}"


def test_every_local_include_is_a_header_of_csrc():
    assert [(path, used) for path, used in c_includes() if str(used).startswith("unknown")] == []


def test_the_firmware_library_includes_freestanding_headers_only():
    pairs = [(path, used) for path, used in c_includes() if part(path) in FREESTANDING_PARTS]
    system = [(path, used) for path, used in pairs if isinstance(used, str)]
    print(f"{len(system)} system includes of {len({path for path, _ in system})} C files")
    assert system
    for path, used in system:
        allowed = FREESTANDING | KERNELS.get(path.name, set())
        assert used in allowed, f"{path} must not include <{used}>"


def test_modules_import_only_lower_layers_and_their_own():
    count = 0
    for path in python_files():
        for used in inner_imports(path):
            count += 1
            if used in EXTENSIONS:
                assert module(path) == "_native", f"{path} must import _native, not {used}"
                continue
            allowed = rank(PYTHON_LAYERS, used) <= rank(PYTHON_LAYERS, module(path))
            assert allowed, f"{path} must not import {used}"
    print(f"{count} imports of {len(python_files())} Python files")
    assert count > 0


def test_modules_of_one_layer_do_not_import_each_other_in_a_circle():
    graph = {}
    for path in python_files():
        graph.setdefault(module(path), set()).update(set(inner_imports(path)) - {module(path)})
    order = list(graphlib.TopologicalSorter(graph).static_order())
    print(f"{len(order)} modules: {' '.join(order)}")
    assert order


def test_only_plot_modules_import_matplotlib():
    for path in python_files():
        for name in imports(path, ast.parse(path.read_text())):
            is_plot = module(path).startswith("plot")
            assert is_plot or name.split(".")[0] != "matplotlib", f"{path} imports {name}"


def test_only_the_front_end_imports_rich_and_only_inside_functions():
    front_end = {"cli", "progress", "live"}
    for path in python_files():
        tree = ast.parse(path.read_text())
        inside = {node for f in functions(tree) for node in ast.walk(f)}
        for node in ast.walk(tree):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                names = {name.split(".")[0] for name in imports(path, node)}
                lazy = module(path) in front_end and node in inside
                assert lazy or "rich" not in names, f"{path}:{node.lineno} imports rich"


def functions(tree):
    return [n for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))]
