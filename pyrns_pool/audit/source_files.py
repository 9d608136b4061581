"""The files of a source tree, what each is compiled with, and their parses on all processors."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import shlex
import signal
import sys
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Callable, Iterator, Optional, Sequence

from pyrns_pool.audit.source_libclang import libclang
from pyrns_pool.audit.source_model import Parsed
from pyrns_pool.audit.source_parse import C_SUFFIX, parse
from pyrns_pool.errors import AuditError, printable
from pyrns_pool.formats.files import PathLike

__all__ = ["parse_tree"]

SOURCES = (".c", ".cc", ".cpp", ".cxx", ".ino")
HEADER_SUFFIXES = (".h", ".hh", ".hpp", ".hxx", ".ipp")
FILES_MAX = 20_000
FOLDERS_MAX = 500
"""Folders that are searched for headers where no compile command says which."""
COMMANDS_BYTES_MAX = 1 << 28
DEPTH_MAX = 50_000
KEPT_FLAGS = re.compile(r"-(?:D|U|I|isystem|iquote|include|std=|m32|m64|-target=|target$)")
TWO_WORDS = ("-D", "-U", "-I", "-isystem", "-iquote", "-include", "-target")
PATHS = ("-I", "-isystem", "-iquote", "-include")

Task = tuple[str, str, tuple[str, ...], bool]
"""The arguments of `parse`."""


def parse_tree(
    root: Path,
    compile_commands: Optional[PathLike] = None,
    progress: Optional[Callable[[float], object]] = None,
) -> list[Parsed]:
    """Parse every file of a tree: the sources, then the headers that none of them includes.

    Parameters
    ----------
    root : Path
        The directory.
    compile_commands : path-like, optional
        A ``compile_commands.json``: include folders and macros. Without, or for files that it
        does not name, every folder of the tree that holds headers is searched.
    progress : callable, optional
        Called with the fraction of the files that is done, 0 to 1.

    Returns
    -------
    list of Parsed
        In the order of the names of the files.

    Raises
    ------
    AuditError
        If there is no such directory, no source in it, too many, or the commands cannot be read.
    ImportError
        If libclang is not installed.
    """
    libclang()
    sources, headers = _files(root)
    if not sources and not headers:
        raise AuditError(f"{printable(str(root))}: holds no C or C++ file")
    commands = {} if compile_commands is None else _commands(Path(compile_commands))
    folders = sorted({str((root / name).parent.resolve()) for name in headers})[:FOLDERS_MAX]
    default = tuple(f"-I{folder}" for folder in [str(root.resolve()), *folders])

    only_c = bool(sources) and all(name.endswith(C_SUFFIX) for name in sources)

    def task(name: str) -> Task:
        found = commands.get(str((root / name).resolve()), default)
        return str(root.resolve()), name, found, only_c or name.endswith(C_SUFFIX)

    done = progress or (lambda fraction: None)
    total = len(sources) + len(headers)
    parsed: list[Parsed] = []
    for result in _parse_all([task(name) for name in sources]):
        parsed.append(result)
        done(len(parsed) / total)
    included = {name for result in parsed for name in result.headers}
    parsed += _parse_all([task(name) for name in headers if name not in included])
    done(1.0)
    return sorted(parsed, key=lambda result: result.file)


def _files(root: Path) -> tuple[list[str], list[str]]:
    """Return sources and headers of a tree, relative to it, hidden folders left out."""
    if not root.is_dir():
        raise AuditError(f"{printable(str(root))}: no such directory")
    sources: list[str] = []
    headers: list[str] = []
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = os.path.relpath(os.path.join(folder, name), root)
            suffix = os.path.splitext(name)[1].lower()
            if suffix in SOURCES:
                sources.append(path)
            elif suffix in HEADER_SUFFIXES:
                headers.append(path)
        if len(sources) + len(headers) > FILES_MAX:
            raise AuditError(f"{printable(str(root))}: more than {FILES_MAX} files (FILES_MAX)")
    return sources, headers


def _parse_all(tasks: Sequence[Task]) -> Iterator[Parsed]:
    """Yield each parse as it is done.

    On processes, since nothing interrupts libclang but their end, and since it may crash: that
    costs the one file.
    """
    left = list(reversed(tasks))
    running: dict[Connection, tuple[BaseProcess, Task]] = {}
    idle: list[tuple[Connection, BaseProcess]] = []
    try:
        while left or running:
            while left and len(running) < (os.cpu_count() or 1):
                connection, process = idle.pop() if idle else _start()
                running[connection] = (process, left.pop())
                connection.send(running[connection][1])
            for ready in wait(list(running)):
                assert isinstance(ready, Connection)
                process, task = running.pop(ready)
                try:
                    yield ready.recv()
                    idle.append((ready, process))
                except EOFError:
                    process.join()
                    yield Parsed(task[1], error="libclang crashed")
    finally:
        for process in [row[0] for row in running.values()] + [row[1] for row in idle]:
            process.kill()
            process.join()


def _start() -> tuple[Connection, BaseProcess]:
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    theirs.close()
    return ours, process


def _serve(connection: Connection) -> None:
    """Parse until nobody asks."""
    # Ctrl-C goes to every process of the terminal; the first one ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.setrecursionlimit(DEPTH_MAX)
    while True:
        try:
            task = connection.recv()
        except EOFError:
            return
        try:
            parsed = parse(*task)
        except OSError as error:
            parsed = Parsed(task[1], error=str(error.strerror))
        except RecursionError:
            parsed = Parsed(task[1], error=f"nested deeper than {DEPTH_MAX} (DEPTH_MAX)")
        connection.send(parsed)


def _commands(path: Path) -> dict[str, tuple[str, ...]]:
    """Return the options of each file that a compilation database names."""
    try:
        with open(path, "rb") as file:
            text = file.read(COMMANDS_BYTES_MAX + 1)
        if len(text) > COMMANDS_BYTES_MAX:
            raise AuditError(f"longer than {COMMANDS_BYTES_MAX} bytes")
        return dict(_command(entry, path.parent) for entry in json.loads(text))
    except FileNotFoundError:
        raise AuditError(f"{printable(str(path))}: no such file") from None
    except (AuditError, ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        what = printable(str(error), 80)
        raise AuditError(f"{printable(str(path))}: no compile commands ({what})") from None


def _command(entry: dict[str, Any], base: Path) -> tuple[str, tuple[str, ...]]:
    folder = base / entry["directory"]
    words = entry.get("arguments") or shlex.split(entry["command"])
    kept: list[str] = []
    at = 1
    while at < len(words):
        word = words[at]
        at += 1
        if not KEPT_FLAGS.match(word):
            continue
        flag = next((flag for flag in TWO_WORDS if word.startswith(flag)), word)
        value = word[len(flag) :]
        if flag in TWO_WORDS and not value and at < len(words):
            value = words[at]
            at += 1
        if flag in PATHS:
            value = str(folder / value)
        kept += [flag, value] if flag in TWO_WORDS else [word]
    return str((folder / entry["file"]).resolve()), tuple(kept)
