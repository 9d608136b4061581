"""libclang through its Python bindings: loaded when it is needed, with what these leave out."""

from __future__ import annotations

import importlib
from ctypes import POINTER, Structure, byref, c_int, c_longlong, c_uint, c_void_p
from functools import lru_cache
from typing import Any, Iterator, Optional

__all__ = ["libclang", "overridden", "pattern_of", "skipped_lines", "value_of"]

INTEGER_RESULT = 1


@lru_cache(maxsize=None)
def libclang() -> Any:
    """Return the module ``clang.cindex`` with the library loaded.

    Raises
    ------
    ImportError
        If the bindings or the library are not installed.
    """
    try:
        cindex = importlib.import_module("clang.cindex")
        library = cindex.conf.lib
    except Exception as error:  # LibclangError is no ImportError, and cannot be named without.
        kind = type(error).__name__
        raise ImportError(
            "--source needs libclang: install python3-clang by apt, or libclang by pip"
            f" ({kind}: {str(error).splitlines()[0]})"
        ) from None

    class RangeList(Structure):
        _fields_ = [("count", c_uint), ("ranges", POINTER(cindex.SourceRange))]

    for name, arguments, result in (
        ("clang_Cursor_Evaluate", [cindex.Cursor], c_void_p),
        ("clang_EvalResult_getKind", [c_void_p], c_int),
        ("clang_EvalResult_getAsLongLong", [c_void_p], c_longlong),
        ("clang_EvalResult_dispose", [c_void_p], None),
        ("clang_isInvalidDeclaration", [cindex.Cursor], c_uint),
        ("clang_getSpecializedCursorTemplate", [cindex.Cursor], cindex.Cursor),
        ("clang_getAllSkippedRanges", [cindex.TranslationUnit], POINTER(RangeList)),
        ("clang_disposeSourceRangeList", [POINTER(RangeList)], None),
        (
            "clang_getOverriddenCursors",
            [cindex.Cursor, POINTER(POINTER(cindex.Cursor)), POINTER(c_uint)],
            None,
        ),
        ("clang_disposeOverriddenCursors", [POINTER(cindex.Cursor)], None),
    ):
        function = getattr(library, name)
        function.argtypes, function.restype = arguments, result
        function.errcheck = lambda value, function, arguments: value
    return cindex


def value_of(cursor: Any) -> Optional[int]:
    """Return the value of a constant expression that depends on no template, else None."""
    library = libclang().conf.lib
    result = library.clang_Cursor_Evaluate(cursor)
    if not result:
        return None
    try:
        if library.clang_EvalResult_getKind(result) != INTEGER_RESULT:
            return None
        return int(library.clang_EvalResult_getAsLongLong(result))
    finally:
        library.clang_EvalResult_dispose(result)


def pattern_of(cursor: Any) -> Any:
    """Return the template that a function was instantiated from, else the function itself."""
    template = libclang().conf.lib.clang_getSpecializedCursorTemplate(cursor)
    if template.kind.is_invalid():
        return cursor
    template._tu = cursor._tu
    return template


def overridden(cursor: Any) -> Iterator[str]:
    """Yield the USR of each method that a method overrides."""
    cindex = libclang()
    library = cindex.conf.lib
    found, count = POINTER(cindex.Cursor)(), c_uint()
    library.clang_getOverriddenCursors(cursor, byref(found), byref(count))
    if not found:
        return
    try:
        for index in range(count.value):
            yield found[index].get_usr()
    finally:
        library.clang_disposeOverriddenCursors(found)


def skipped_lines(unit: Any) -> Iterator[tuple[str, int, int]]:
    """Yield file, first and last line of what the preprocessor left out."""
    library = libclang().conf.lib
    ranges = library.clang_getAllSkippedRanges(unit)
    try:
        for index in range(ranges.contents.count):
            extent = ranges.contents.ranges[index]
            if extent.start.file is not None:
                yield extent.start.file.name, extent.start.line, extent.end.line
    finally:
        library.clang_disposeSourceRangeList(ranges)
