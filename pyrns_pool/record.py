"""Record what a program allocates, by a library preloaded into it and all that it starts."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import IO, Any, Iterator, Optional, Sequence, Union

from pyrns_pool._native import none
from pyrns_pool._record_raw import Process, read_process, start_ns_of
from pyrns_pool.errors import ConfigError, TraceError

__all__ = ["DEPTH_MAX", "Process", "read_process", "record", "run_recorded"]

DEPTH_MAX: int = none.lib.RNS_RECORD_DEPTH_MAX
SEPARATORS = " :\t\n"  # of LD_PRELOAD, which has no way to quote them
PASSED_ON = (signal.SIGTERM, signal.SIGHUP)
Stream = Union[None, int, IO[Any]]


def record(command: Sequence[str], *, depth: int = 1) -> tuple[int, list[Process]]:
    """Run a command, and return what it and its children allocated.

    Parameters
    ----------
    command : sequence of str
        Program and arguments.
    depth : int, optional
        Frames of a site, 1 to DEPTH_MAX; a stack of them costs more time.

    Returns
    -------
    status : int
        Exit status of the command, 128 + the signal if one ended it.
    processes : list of Process
        By time of their start; an image before an exec is one of its own.

    Raises
    ------
    ConfigError
        If `depth` is out of range, or there is no command.
    TraceError
        If nothing was recorded.
    OSError
        If the command cannot be started.

    Examples
    --------
    >>> import pyrns_pool as rp
    >>> status, (process,) = rp.record(["/bin/true"])
    >>> status, process.is_complete, process.program.endswith("/true")
    (0, True, True)
    """
    with tempfile.TemporaryDirectory(prefix="pyrns-pool-record-") as spool:
        status, paths = run_recorded(command, Path(spool), depth=depth)
        return status, list(map(read_process, paths))


def run_recorded(
    command: Sequence[str], spool: Path, *, depth: int = 1, stdout: Stream = None
) -> tuple[int, list[Path]]:
    """Run a command under the recorder.

    While it runs, Ctrl-C is for the command: this process waits for its end. Signals that end a
    program politely are passed on.

    Parameters
    ----------
    command : sequence of str
        Program and arguments.
    spool : Path
        Folder on disk for what the processes write, 6 to 10 bytes an event.
    depth : int, optional
        Frames of a site, 1 to DEPTH_MAX.
    stdout : file or int, optional
        Of the command, as in `subprocess.Popen`.

    Returns
    -------
    status : int
        Exit status of the command, 128 + the signal if one ended it.
    paths : list of Path
        A file for each process, for `read_process`; by time of their start.

    Raises
    ------
    ConfigError
        If `depth` is out of range, or there is no command.
    TraceError
        If nothing was recorded.
    OSError
        If the command cannot be started.
    """
    with recording_environment(command, spool, depth=depth) as environment:
        status = _run(command, environment, stdout)
    paths = recordings(spool)
    if not paths:
        raise nothing_recorded(command)
    return status, paths


@contextmanager
def recording_environment(
    command: Sequence[str], spool: Path, *, depth: int = 1, endless: bool = False
) -> Iterator[dict[str, str]]:
    """Yield the environment in which a command is recorded.

    Parameters
    ----------
    command, spool, depth
        As of `run_recorded`.
    endless : bool, optional
        Whether to go on after as many events as a trace can hold.

    Raises
    ------
    ConfigError
        If `depth` is out of range, or there is no command.
    """
    if not command:
        raise ConfigError("command: is needed, such as -- sqlite3 :memory: 'select 1'")
    if isinstance(depth, bool) or not isinstance(depth, int) or not 1 <= depth <= DEPTH_MAX:
        raise ConfigError(f"depth: {depth!r} is not in 1 to {DEPTH_MAX}")
    with _preloadable() as library:
        preload = " ".join(filter(None, [str(library), os.environ.get("LD_PRELOAD")]))
        wanted = {"RNS_RECORD_DIR": str(spool.resolve()), "RNS_RECORD_DEPTH": str(depth)}
        wanted.update({"RNS_RECORD_ENDLESS": "1"} if endless else {})
        yield {**os.environ, **wanted, "LD_PRELOAD": preload}


def recordings(spool: Path) -> list[Path]:
    """Return the files that processes wrote to a folder, by time of their start."""
    return sorted(spool.glob("*.raw"), key=start_ns_of)


def nothing_recorded(command: Sequence[str]) -> TraceError:
    """Return what to raise for a command that left no file."""
    reason = "left no recording: it is linked statically, or runs with another user's rights"
    return TraceError(reason, field="command", value=command[0])


@contextmanager
def _preloadable() -> Iterator[Path]:
    """Yield the recorder's path; through a link where LD_PRELOAD would split it."""
    folder = Path(str(resources.files("pyrns_pool")))
    found = sorted(folder.glob("_recorder*.so"))
    if not found:
        raise ImportError("the recorder is not built: it needs Linux, and 'pip install' anew")
    if not set(SEPARATORS) & set(str(found[0])):
        yield found[0]
        return
    with tempfile.TemporaryDirectory(prefix="pyrns-pool-", dir="/tmp") as links:
        link = Path(links) / "recorder.so"
        link.symlink_to(found[0])
        yield link


def _run(command: Sequence[str], environment: dict[str, str], stdout: Stream) -> int:
    process: Optional[subprocess.Popen[bytes]] = None
    early: list[int] = []  # They came before there was a process to pass them on to.

    def pass_on(number: int, frame: object) -> None:
        if number == signal.SIGINT:
            return  # The terminal sends it to both.
        if process is None:
            early.append(number)
        else:
            process.send_signal(number)

    before: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        for kind in (signal.SIGINT, *PASSED_ON):
            if signal.getsignal(kind) != signal.SIG_IGN:  # As under nohup: so for the command.
                before[kind] = signal.signal(kind, pass_on)
    try:
        process = subprocess.Popen(command, env=environment, stdout=stdout)
        for number in early:
            process.send_signal(number)
        status = process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return status if status >= 0 else 128 - status
