"""A report as Markdown: its words and tables; figures are files of their own."""

from __future__ import annotations

import re
from typing import Iterable

from pyrns_pool.audit.markdown import code, table
from pyrns_pool.errors import printable
from pyrns_pool.report.content import Chapter, Report, Section, Table

__all__ = ["markdown"]


def markdown(report: Report) -> str:
    """Return one document."""
    lines = ["# Report of pyrns_pool", ""]
    for chapter in report.chapters:
        lines += _chapter(chapter)
    lines += ["## How this was made", "", f"    {printable(report.command)}", ""]
    lines += _facts(report.versions)
    return "\n".join(lines).rstrip() + "\n"


def _chapter(chapter: Chapter) -> Iterable[str]:
    yield from (f"## {code(chapter.title)}", "", _plain(" ".join(chapter.verdict)), "")
    yield from _facts(chapter.facts)
    for section in chapter.sections:
        yield from _section(section)


def _section(section: Section) -> Iterable[str]:
    if not (section.text or section.tables or section.commands):
        return
    yield from (f"### {section.title}", "")
    for text in section.text:
        yield from (_plain(text), "")
    for one in section.tables:
        yield from _table(one)
    if section.commands:
        yield from (*(f"    {printable(command)}" for command in section.commands), "")


def _table(one: Table) -> Iterable[str]:
    yield from (f"{_plain(one.caption)}:", "")
    yield from table(one.columns, [[_plain(cell) for cell in row] for row in one.rows])


def _facts(facts: Iterable[tuple[str, str]]) -> Iterable[str]:
    yield from (f"- {name}: {_plain(value)}" for name, value in facts)
    yield ""


def _plain(text: str) -> str:
    """Return text in which nothing is markup."""
    return re.sub(r"([\\`*|<>\[\]]|(?<!\w)_|_(?!\w))", r"\\\1", printable(text))
