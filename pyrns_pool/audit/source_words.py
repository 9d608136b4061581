"""The words of a source file that allocate, where libclang could not resolve them."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import Iterable, Optional, Sequence

from pyrns_pool.audit import source_names as names
from pyrns_pool.audit.source_model import Function, Site

__all__ = ["word_sites"]

METHODS = sorted(names.GROWS - {"operator+=", "operator[]", "push", "replace"}, key=len)
NO_CODE = re.compile(
    rb"""//(?:[^\n\\]|\\.)*|/\*.*?\*/|R"(\w{0,16})\(.*?\)\1\""""
    rb"""|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)+'"""
    rb"""|^[ \t]*\#(?:[^\n\\]|\\.)*""",
    re.S | re.M,
)
"""Comments, text, characters and directives with what they continue on."""
WORD = re.compile(
    rb"(?<!operator)(?<!operator )\b(?P<new>new)\b(?!\s*\()"
    rb"|\b(?P<maker>" + "|".join(names.MAKERS).encode() + rb")\s*<"
    rb"|(?<![\w.>])(?P<heap>" + "|".join(names.HEAP).encode() + rb")\s*\("
    rb"|(?:\.|->)\s*(?P<method>" + "|".join(METHODS).encode() + rb")\s*[(<]"
)
LOOP = re.compile(rb"\b(?:for|while)\s*\(")


def word_sites(
    file: str,
    text: bytes,
    skipped: Sequence[tuple[int, int]],
    seen: set[tuple[int, str]],
    functions: Iterable[Function],
) -> set[Site]:
    """Return the sites that words tell of and that were not resolved.

    Parameters
    ----------
    file : str
        Its name in the sites.
    text : bytes
        What is in it.
    skipped : sequence of (int, int)
        First and last lines of what the preprocessor left out.
    seen : set of (int, str)
        Lines and names of what was resolved.
    functions : iterable of Function
        Those in the file; each site is given to the one that it is in.

    Returns
    -------
    set of Site
        Not ``resolved``; sizes and types are not known.

    Notes
    -----
    Of two equal words on a line, one that was resolved hides the other.
    """
    code = NO_CODE.sub(_blank, text)
    newlines = [match.start() for match in re.finditer(rb"\n", code)]
    spans = sorted(((row.line, row.last_line, row.usr) for row in functions), reverse=True)
    sites = set()
    for match in WORD.finditer(code):
        group = str(match.lastgroup)
        word = match[group].decode()
        line = bisect_right(newlines, match.start(group)) + 1
        if (line, word) in seen or any(begin <= line <= end for begin, end in skipped):
            continue
        what = _what(code, match, group, word)
        kind = {"new": "new", "heap": "malloc", "method": "growth"}.get(group, "make_shared")
        if word == "make_unique":
            kind = "make_unique"
        function: Optional[tuple[int, int, str]] = next(
            (span for span in spans if span[0] <= line <= span[1]), None
        )
        if kind == "new" and re.match(rb"[^;({]*\[", code[match.end() :]):
            kind = "new[]"
        usr, loops = "", False
        if function is not None:
            usr = function[2]
            start = newlines[function[0] - 2] if function[0] > 1 else 0
            loops = _is_in_loop(code[start : match.start()])
        sites.add(Site(file, line, kind, what, usr, in_loop=loops, resolved=False))
    return sites


def _blank(match: re.Match[bytes]) -> bytes:
    return re.sub(rb"[^\n]", b" ", match[0])


def _what(code: bytes, match: re.Match[bytes], group: str, word: str) -> str:
    """Return the type behind new or in the brackets of a maker, else the name itself."""
    if group in ("new", "maker"):
        named = re.match(rb"\s*(?:struct\s+)?([\w:]+)", code[match.end() :])
        return named[1].decode() if named else "?"
    return f"?::{word}" if group == "method" else word


def _is_in_loop(before: bytes) -> bool:
    """Return whether a loop that began in this part of a function is still open at its end."""
    for loop in LOOP.finditer(before):
        rest = before[loop.end() - 1 :]
        depth = low = 0
        closed = False
        for char in re.findall(rb"[{};()]", rest):
            if char in b"({":
                depth += 1
            elif char in b")}":
                depth -= 1
                closed = closed or (depth == 0 and char == b"}")
            elif depth == 0:
                closed = True
            low = min(low, depth)
            if closed or low < 0:
                closed = True
                break
        if not closed:
            return True
    return False
