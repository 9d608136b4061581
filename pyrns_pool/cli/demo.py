"""Show what a recorded Reticulum node does to a 256/512/1024 x 16 pool."""

from __future__ import annotations

import argparse
from pathlib import Path

from pyrns_pool.cli import output
from pyrns_pool.cli.plot import draw
from pyrns_pool.cli.replay import print_result, write_result
from pyrns_pool.config import PoolConfig
from pyrns_pool.formats import load_trace, shipped
from pyrns_pool.replay import replay

RECORDING = "microreticulum_node_a.npz"
PRESET = "design"
DIRECTORY = Path("demo")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `run` reads."""
    parser.add_argument(
        "-o",
        "--output",
        metavar="DIR",
        type=Path,
        default=DIRECTORY,
        help=f"for the figures [{DIRECTORY}]",
    )


def run(given: argparse.Namespace) -> None:
    """Replay the shipped recording, print the table, draw the figures."""
    config = PoolConfig.preset(PRESET)
    with output.progress("replaying") as report:
        result = replay(load_trace(shipped(RECORDING)), config, slots=True, progress=report)
    write_result(result, given.output, given.force)
    files = draw(result, given.output, ("svg", "png"), given.force)
    if given.json:
        output.print_json({**result.to_dict(), "files": [str(file) for file in files]})
        return
    print_result(result)
    print("\nfigures, each with its data as CSV:")
    for file in files:
        if file.suffix == ".png":
            print(f"  {file}")
