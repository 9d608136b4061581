"""Draw the figures of a result: occupancy and hit rate over time, sizes, copies, tables."""

from __future__ import annotations

import argparse
from pathlib import Path

from pyrns_pool.any_result import AnyResult, load_result
from pyrns_pool.cli import output

FORMATS = ("svg", "png")


def format_list(text: str) -> tuple[str, ...]:
    """Return the formats named in a comma-separated list."""
    formats = tuple(text.split(","))
    for name in formats:
        if name not in FORMATS:
            raise argparse.ArgumentTypeError(f"'{name}' is not one of {', '.join(FORMATS)}")
    return formats


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `run` reads."""
    parser.add_argument(
        "result", metavar="RESULT_OR_DIR", type=Path, help="what -o of another verb wrote"
    )
    parser.add_argument(
        "--format",
        metavar="LIST",
        type=format_list,
        default=FORMATS,
        help=f"of {', '.join(FORMATS)} [svg,png]",
    )
    parser.add_argument(
        "-o", "--output", metavar="DIR", type=Path, help="for the figures [beside the result]"
    )


def run(given: argparse.Namespace) -> None:
    """Draw and print the names of the files."""
    result = load_result(given.result)
    beside = given.result if given.result.is_dir() else given.result.parent
    directory = given.output or beside
    files = draw(result, directory, given.format, given.force)
    if given.json:
        output.print_json({"files": [str(file) for file in files]})
        return
    for file in files:
        print(file)


def draw(result: AnyResult, directory: Path, formats: tuple[str, ...], force: bool) -> list[Path]:
    """Write every figure with its data as CSV; return the files."""
    from pyrns_pool.plot import save_figures

    directory.mkdir(parents=True, exist_ok=True)
    return save_figures(result, directory, formats=formats, overwrite=force)
