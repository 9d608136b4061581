"""A report as one HTML file: figures inline, no network, readable without JavaScript."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import Any

try:
    import jinja2
except ImportError as missing:
    raise ImportError(
        "an HTML report needs Jinja2: install python3-jinja2 by apt, or jinja2 by pip;"
        " --markdown works without"
    ) from missing

from pyrns_pool.errors import printable
from pyrns_pool.plot import Sheet, hover_data
from pyrns_pool.report.content import Figure, Report

__all__ = ["html"]

SVG_BYTES_MAX = 700_000
"""A figure with more in it than a screen can show is embedded as a picture of 1200 pixels."""
_HERE = Path(__file__).parent


def html(report: Report) -> str:
    """Return the document; `Report.html` says what it is."""
    environment = jinja2.Environment(
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        loader=jinja2.FileSystemLoader(_HERE),
    )
    environment.filters["plain"] = _plain
    script = (_HERE / "report.js").read_text()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    page: str = environment.get_template("report.html.j2").render(
        report=report,
        style=(_HERE / "report.css").read_text(),
        script=script,
        script_hash=f"sha256-{digest}",
        figure=_figure,
    )
    return page


def _plain(text: str) -> str:
    """Return text on one line, in which a number stays with its per cent."""
    return printable(text).replace(" %", "\u00a0%")


def _figure(figure: Figure, name: str) -> dict[str, Any]:
    """Return a drawn figure: its image as markup, its words, and the numbers under the pointer.

    `name` starts the ids in it, and is unique in the document.
    """
    sheet = figure.draw(figure.result)
    label = _label(sheet)
    svg = _inline(sheet.image("svg").decode(), name)
    picture = ""
    if len(svg) > SVG_BYTES_MAX:
        svg, picture = "", base64.b64encode(sheet.image("png")).decode()
    width, height = sheet.get_size_inches() * 96
    hover = hover_data(figure.name, figure.result, sheet)
    size = {"width": round(width), "height": round(height)}
    return {"svg": svg, "picture": picture, "label": label, "hover": hover, **size}


def _label(sheet: Sheet) -> str:
    """Return what the figure says in words: its title, its source, and the title of each panel."""
    words = [text.get_text() for text in sheet.texts]
    for ax in sheet.axes:
        titles = [ax.get_title(side) for side in ("left", "center", "right")]
        words.append(": ".join(title.replace("\n", ": ") for title in titles if title))
    return ". ".join(word for word in words if word).replace("\\$", "$")


def _inline(svg: str, name: str) -> str:
    """Return the element of an SVG file, fit to stand among others in one document."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", svg, flags=re.S)
    # The same id in two figures would make one use the clipping and hatches of the other.
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'(xlink:href="#|url\(#)', rf"\g<1>{name}-", svg)
    svg = svg.replace("xlink:href=", "href=")
    svg = re.sub(r"(\.\d\d\d)\d+", r"\1", svg)  # A thousandth of a point cannot be seen.
    svg = re.sub(r"\s*\n\s*", " ", svg)
    head = re.search(r'viewBox="[^"]*"', svg)
    assert head is not None
    body = svg[svg.index(">") + 1 :]
    return f'<svg {head[0]} aria-hidden="true" focusable="false">{body.strip()}'
