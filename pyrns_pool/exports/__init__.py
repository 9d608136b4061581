"""What goes out of the laboratory: one registry of forms, one function that writes any of them.

A form of a *pool* is text for firmware: C header, Kconfig, PlatformIO, lwIP, Zephyr, TOML. Each
says in comments which trace it was chosen from, what a replay of that trace predicts, how much
RAM it takes and which version wrote it. A form of a *trace* is a file for another tool.

A form is an `ExportFormat` in `FORMATS`; whatever writes files is its ``write``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Callable

from pyrns_pool.errors import ConfigError, printable
from pyrns_pool.exports.flags import kconfig_text, platformio_text
from pyrns_pool.exports.header import header_text
from pyrns_pool.exports.lifetimes import write_minimalloc
from pyrns_pool.exports.perfetto import write_perfetto
from pyrns_pool.exports.prometheus import prometheus_text
from pyrns_pool.exports.slabs import lwip_text, zephyr_text
from pyrns_pool.exports.source import Source
from pyrns_pool.exports.toml import load_config, toml_text
from pyrns_pool.formats.files import PathLike, output_file
from pyrns_pool.formats.csv import write_csv
from pyrns_pool.formats.npz import write_npz

__all__ = [
    "FORMATS",
    "ExportFormat",
    "Source",
    "export",
    "export_format",
    "header_text",
    "kconfig_text",
    "load_config",
    "lwip_text",
    "platformio_text",
    "toml_text",
    "zephyr_text",
]


@dataclass(frozen=True)
class ExportFormat:
    """One form of file."""

    name: str
    """As the command line calls it."""
    about: str
    """A few words for its help."""
    file_name: str
    """The file's name where only a directory is given."""
    needs_pool: bool
    """Whether a pool has to be named; the trace is then replayed through it first."""
    write: Callable[[Source, BinaryIO], None]


def _pool_form(name: str, about: str, file_name: str, text: Callable[..., str]) -> ExportFormat:
    """Return a form that is the text of a function of replay results."""

    def write(source: Source, file: BinaryIO) -> None:
        file.write(text(source.result).encode())

    return ExportFormat(name, about, file_name, True, write)


def _csv(source: Source, file: BinaryIO) -> None:
    write_csv(source.trace, file, compress=False)


def _npz(source: Source, file: BinaryIO) -> None:
    write_npz(source.trace, file)


FORMATS: tuple[ExportFormat, ...] = (
    _pool_form("header", "C header for csrc/core", "rns_pool_config.h", header_text),
    _pool_form("kconfig", "Kconfig fragment", "rns_pool.conf", kconfig_text),
    _pool_form("platformio", "PlatformIO build flags", "rns_pool.ini", platformio_text),
    _pool_form("lwip", "lwIP's pools", "lwippools.h", lwip_text),
    _pool_form("zephyr", "Zephyr memory slabs", "rns_slabs.h", zephyr_text),
    _pool_form("toml", "TOML that --config reads", "rns_pool.toml", toml_text),
    _pool_form("prometheus", "Prometheus text", "rns_pool.prom", prometheus_text),
    ExportFormat("perfetto", "Chrome JSON for Perfetto", "trace.json.gz", True, write_perfetto),
    ExportFormat(
        "minimalloc", "lifetimes for MiniMalloc", "lifetimes.csv", False, write_minimalloc
    ),
    ExportFormat("csv", "the trace as CSV", "trace.csv", False, _csv),
    ExportFormat("npz", "the trace as NPZ", "trace.npz", False, _npz),
)


def export_format(name: str) -> ExportFormat:
    """Return the form of that name.

    Raises
    ------
    ConfigError
        If there is none; names those that there are.
    """
    for known in FORMATS:
        if known.name == name:
            return known
    names = ", ".join(known.name for known in FORMATS)
    raise ConfigError(f"format: '{printable(name, 40)}' is not one of {names}")


def export(source: Source, name: str, path: PathLike, *, overwrite: bool = False) -> Path:
    """Write one form to a file, whole or not at all.

    Parameters
    ----------
    source : Source
        The trace, and its replay if the form needs a pool.
    name : str
        The form, one of `FORMATS`.
    path : str or path-like
        The file; or a directory, in which it has the form's own name.
    overwrite : bool, optional
        Whether to replace a file of that name.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    ConfigError
        If there is no such form, if it needs a pool and there is no result, or if the pool has
        something that the form cannot say.
    FileExistsError
        If there is such a file and `overwrite` is False.
    """
    form = export_format(name)
    if form.needs_pool and source.result is None:
        raise ConfigError(f"format: {name} is of a pool, and no pool is given")
    target = Path(path)
    target = target / form.file_name if target.is_dir() else target
    with output_file(target, overwrite) as file:
        form.write(source, file)
    return target
