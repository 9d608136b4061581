"""What a report says, before it is HTML or Markdown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable

from pyrns_pool.formats.files import PathLike, output_file
from pyrns_pool.plot import Sheet

__all__ = ["Chapter", "Figure", "Report", "Section", "Table"]


@dataclass(frozen=True)
class Table:
    """Rows of text; a column whose name ends in ":" holds numbers and goes to the right."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Figure:
    """One figure of a result; it is drawn when a report shows it."""

    name: str
    """As `pyrns-pool plot` calls the file."""
    result: Any
    draw: Callable[[Any], Sheet]


@dataclass(frozen=True)
class Section:
    """What one tab shows."""

    name: str
    """Unique in its chapter; lower case."""
    title: str
    text: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    commands: tuple[str, ...] = ()
    """What to run next."""


@dataclass(frozen=True)
class Chapter:
    """Everything about one trace or workload."""

    title: str
    verdict: tuple[str, ...]
    """Two sentences, with numbers."""
    facts: tuple[tuple[str, str], ...]
    """What was measured: name and value."""
    sections: tuple[Section, ...]


@dataclass(frozen=True)
class Report:
    """A whole report; it has no date, so that the same inputs give the same bytes."""

    chapters: tuple[Chapter, ...]
    command: str
    """What made it, as one would type it."""
    versions: tuple[tuple[str, str], ...]
    """Of what it was made with: name and version."""

    def html(self) -> str:
        """Return one HTML document that needs no other file and no network.

        Raises
        ------
        ImportError
            If Jinja2 is missing; says how to install it.
        """
        from pyrns_pool.report._html import html

        return html(self)

    def markdown(self) -> str:
        """Return one Markdown document, without the figures."""
        from pyrns_pool.report._markdown import markdown

        return markdown(self)

    def save(self, path: PathLike, *, markdown: bool = False, overwrite: bool = False) -> None:
        """Write the report to one file.

        Parameters
        ----------
        path : str or path-like
            The file; it appears once it is complete.
        markdown : bool, optional
            Whether to write Markdown, and not HTML.
        overwrite : bool, optional
            Whether to replace a file of that name.

        Raises
        ------
        FileExistsError
            If there is such a file and `overwrite` is False.
        ImportError
            If Jinja2 is missing and HTML is wanted.
        """
        text = self.markdown() if markdown else self.html()
        with output_file(path, overwrite) as file:
            file.write(text.encode())
