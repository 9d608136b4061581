"""The library exports what its headers declare, also what they inline."""

import re

import cbuild
import pytest

CORE = cbuild.CSRC / "core"
COMMENT = re.compile(r"//.*?$|/\*.*?\*/", re.M | re.S)
DECLARED = re.compile(r"^[A-Za-z][\w\s*]*?\b(rns_\w+)\(", re.M)


def declared(header):
    """Return the functions that a header declares."""
    return set(DECLARED.findall(COMMENT.sub("", (CORE / header).read_text())))


def missing(library, names):
    """Return those of the names that a library does not export."""
    lines = cbuild.execute(["nm", "--dynamic", "--defined-only", library]).splitlines()
    symbols = [line.split()[-2:] for line in lines]
    return names - {name for kind, name in symbols if kind == "T"}


@pytest.mark.parametrize("sync", cbuild.SYNCS)
@pytest.mark.parametrize("compiler, optimise", [("gcc", "-O0"), ("clang", "-O0"), ("gcc", "-O2")])
def test_every_function_of_bytes_and_store_is_exported(compiler, optimise, sync, tmp_path):
    sources = cbuild.sources("port", "core")
    library = cbuild.build_library(tmp_path, sources, compiler, sync, optimise)
    bytes_names, store_names = declared("rns_bytes.h"), declared("rns_store.h")
    print(f"{len(bytes_names)} functions of Bytes, {len(store_names)} of stores")
    assert len(bytes_names) >= 55 and len(store_names) >= 11
    assert {"rns_bytes_share", "rns_bytes_append", "rns_bytes_drop"} <= bytes_names
    assert missing(library, bytes_names | store_names) == set()
    assert missing(library, {"rns_bytes_forgotten"}) == {"rns_bytes_forgotten"}


def test_without_the_file_that_exports_them_the_inline_functions_are_missing(tmp_path):
    sources = [path for path in cbuild.sources("core") if path.name != "rns_bytes_inline.c"]
    gone = missing(cbuild.build_library(tmp_path, sources), declared("rns_bytes.h"))
    assert {"rns_bytes_share", "rns_bytes_append"} <= gone
    assert "rns_bytes_init" not in gone
