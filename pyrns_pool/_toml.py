"""TOML files that users write: bounded in size, refused in a few words."""

from __future__ import annotations

import importlib
import re
from typing import Any

from pyrns_pool.errors import printable

__all__ = ["TomlError", "read_toml"]


KEY_PARTS_MAX = 8
LONG_KEY = re.compile(rb"""(?:["'\w-]+[ \t]*\.[ \t]*){%d}["'\w-]""" % KEY_PARTS_MAX)
"""A key of more parts, for which the reader's time and memory grow with their square."""


class TomlError(ValueError):
    """What is wrong with the file, without its name."""


def read_toml(path: Any, bytes_max: int) -> dict[str, Any]:
    """Return what a file holds.

    Parameters
    ----------
    path : str or path-like
        The file.
    bytes_max : int
        A longer file is refused.

    Raises
    ------
    TomlError
        If it is no TOML.
    OSError
        If it cannot be read.
    ImportError
        If this Python is older than 3.11 and has no tomli.
    """
    toml: Any = None
    for name in ("tomllib", "tomli"):
        try:
            toml = importlib.import_module(name)
            break
        except ImportError:
            continue
    if toml is None:
        raise ImportError(
            "TOML needs Python 3.11 or tomli: install python3-tomli by apt, or tomli by pip"
        )
    with open(path, "rb") as file:
        content = file.read(bytes_max + 1)
    if len(content) > bytes_max:
        raise TomlError(f"is longer than {bytes_max} bytes")
    if LONG_KEY.search(content):
        raise TomlError(f"has a key of more than {KEY_PARTS_MAX} parts (KEY_PARTS_MAX)")
    try:
        values: dict[str, Any] = toml.loads(content.decode())
        return values
    except UnicodeDecodeError as error:
        raise TomlError(f"is not UTF-8 at byte {error.start}") from None
    except (ValueError, RecursionError) as error:
        raise TomlError(f"is no TOML: {printable(str(error), 200)}") from None
