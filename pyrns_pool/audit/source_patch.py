"""Findings as a patch that writes them into the source: ``// FIXME(frag): ...`` above the line."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Sequence

from pyrns_pool.audit.findings import Findings
from pyrns_pool.errors import printable
from pyrns_pool.formats.files import PathLike

__all__ = ["annotate"]

CONTEXT_LINES = 3
MARK = b"// FIXME(frag): "
PLACE = re.compile(r"(.+):(\d+)")
IN_COMMENT_OR_TEXT = re.compile(
    rb'//[^\n]*|/\*.*?\*/|R"(\w{0,16})\(.*?\)\1"|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)+\'', re.S
)


def annotate(findings: Findings, directory: PathLike) -> bytes:
    """Return a patch that adds a comment above the line of each finding that is not low.

    Parameters
    ----------
    findings : Findings
        Of `audit_source`, or of `join`, where those of the trace are left out.
    directory : path-like
        The tree that was audited.

    Returns
    -------
    bytes
        A unified diff for ``patch -p1`` in that directory; empty if there is nothing to add. It
        adds lines that are comments and nothing else: what the compiler reads stays the same.

    Notes
    -----
    A line that continues the one before it, by a backslash or inside of a text, has its comment
    above the first of them. Lines that have their comment already get no second one.
    """
    notes: dict[str, dict[int, list[str]]] = {}
    for name, item in zip(findings.ids, findings):
        match = PLACE.fullmatch(item.where)
        if item.severity != "low" and match and os.path.isfile(Path(directory, match[1])):
            text = f"{name} {item.severity}, {item.frequency}: {item.pattern}. "
            rows = notes.setdefault(match[1], {}).setdefault(int(match[2]), [])
            rows.append(text + item.recommendation)
    return b"".join(
        _file_patch(file, Path(directory, file).read_bytes(), rows)
        for file, rows in sorted(notes.items())
    )


def _file_patch(file: str, text: bytes, notes: dict[int, list[str]]) -> bytes:
    lines = text.splitlines(keepends=True) if b"\r" not in text else _lines(text)
    before = _line_starts(text)
    end = b"\r\n" if lines and lines[0].endswith(b"\r\n") else b"\n"
    added: dict[int, list[bytes]] = {}
    for number, rows in sorted(notes.items()):
        if not 1 <= number <= len(lines):
            continue
        at = before[number - 1]
        if at > 0 and MARK in lines[at - 1]:
            continue
        line = lines[at]
        indent = line[: len(line) - len(line.lstrip(b" \t"))]
        for row in rows:
            # A backslash at the end, or a trigraph of it, would continue the comment.
            safe = printable(row).encode("ascii", "replace").replace(b"\\", b"/")
            added.setdefault(at, []).append(indent + MARK + safe.replace(b"??/", b"?") + end)
    return _diff(file, lines, added) if added else b""


def _lines(text: bytes) -> list[bytes]:
    """Return lines that end with a line feed alone: patch knows no other end."""
    return re.findall(rb"[^\n]*\n|[^\n]+", text)


def _line_starts(text: bytes) -> list[int]:
    """Return for each line the first of those that it continues, itself if it continues none."""
    begins = [0, *(match.end() for match in re.finditer(rb"\n", text))]
    first = list(range(len(begins)))
    inside: set[int] = set()
    line = 0
    for match in IN_COMMENT_OR_TEXT.finditer(text):
        while line + 1 < len(begins) and begins[line + 1] <= match.start():
            line += 1
        inside.update(range(line + 1, line + 1 + match[0].count(b"\n")))
    for number in range(1, len(begins)):
        ends = text[begins[number - 1] : begins[number]].rstrip(b"\r\n \t")
        if number in inside or ends.endswith((b"\\", b"??/")):
            first[number] = first[number - 1]
    return first


def _diff(file: str, lines: Sequence[bytes], added: dict[int, list[bytes]]) -> bytes:
    """Return a unified diff that puts lines in front of others."""
    out = [f"--- a/{file}\n+++ b/{file}\n".encode("utf-8", "surrogateescape")]
    hunks: list[list[int]] = []
    for at in sorted(added):
        if hunks and at - hunks[-1][-1] <= 2 * CONTEXT_LINES:
            hunks[-1].append(at)
        else:
            hunks.append([at])
    more = 0
    for hunk in hunks:
        begin = max(hunk[0] - CONTEXT_LINES, 0)
        end = min(hunk[-1] + CONTEXT_LINES, len(lines))
        count = sum(len(added[at]) for at in hunk)
        old, new = end - begin, end - begin + count
        out.append(b"@@ -%d,%d +%d,%d @@\n" % (begin + 1, old, begin + 1 + more, new))
        for number in range(begin, end):
            out += [b"+" + row for row in added.get(number, ()) if number in hunk]
            line = lines[number]
            out.append(b" " + line)
            if not line.endswith(b"\n"):
                out.append(b"\n\\ No newline at end of file\n")
        more += count
    return b"".join(out)
