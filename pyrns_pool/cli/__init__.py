"""The command ``pyrns-pool``: it parses, calls and prints; it computes nothing.

Exit status: 0, or that of the command that `record` or `live` runs; 1 for data that cannot be
used, with one line on stderr, and for a limit that `check` found broken; 2 for wrong use; 130 when
interrupted.
"""

from __future__ import annotations

import argparse
import atexit
import gc
import os
import signal
import sys
import threading
from contextlib import contextmanager
from types import FrameType
from typing import Any, Iterator, NoReturn, Optional, Sequence

from pyrns_pool._version import VERSION
from pyrns_pool.cli import (
    audit,
    check,
    compare,
    curve,
    demo,
    export,
    import_,
    info,
    live,
    node,
    plot,
    record,
    replay,
    report,
    serve,
    soak,
    sweep,
    tune,
)
from pyrns_pool.errors import ConfigError, PyrnsPoolError

__all__ = ["main"]

VERBS = (
    record,
    live,
    serve,
    import_,
    replay,
    node,
    compare,
    curve,
    tune,
    sweep,
    audit,
    soak,
    plot,
    report,
    export,
    check,
    info,
    demo,
)
EXIT_DATA, EXIT_USE, EXIT_INTERRUPTED = 1, 2, 130
AGAIN_S = 0.001
"""After which an interrupt that was dropped is sent again."""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without the usage in front."""

    def error(self, message: str) -> NoReturn:
        """Leave with status 2."""
        self.exit(EXIT_USE, f"{self.prog}: {message} (see {self.prog} --help)\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="pyrns-pool",
        description="Size a tiered memory pool from recorded allocation traces.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"pyrns-pool {VERSION}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for verb in VERBS:
        name = verb.__name__.rpartition(".")[2].rstrip("_")
        about = (verb.__doc__ or "").splitlines()[0]
        verb_parser = verbs.add_parser(name, help=about, description=about, allow_abbrev=False)
        verb.add_arguments(verb_parser)
        verb_parser.add_argument("--json", action="store_true", help="print JSON, not tables")
        verb_parser.add_argument("--force", action="store_true", help="overwrite existing files")
        verb_parser.set_defaults(run=verb.run)
    return parser


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run one verb.

    Parameters
    ----------
    arguments : sequence of str, optional
        As in ``sys.argv[1:]``, which is the default.

    Returns
    -------
    int
        The exit status.
    """
    if sys.stdout is None:
        return _fail("standard output is closed", EXIT_DATA)
    try:
        with _heard_interrupts(), _plain_interrupts():
            status = _run(arguments)
        if status == EXIT_INTERRUPTED:
            _leave_soon()
        return status
    except KeyboardInterrupt as interrupt:
        _leave_soon()
        return _fail(str(interrupt) or "interrupted", EXIT_INTERRUPTED)
    except ConfigError as error:
        return _fail(str(error), EXIT_USE)
    except BrokenPipeError:
        # The reader has seen enough.
        _drop_output()
        return 0
    except FileExistsError as error:
        return _fail(f"{error.filename} exists; --force overwrites it", EXIT_DATA)
    except (PyrnsPoolError, ImportError, MemoryError) as error:
        return _fail(str(error) or "out of memory", EXIT_DATA)
    except OSError as error:
        # What is written is either a file, which output_file names, or what is printed.
        if error.filename is None:
            _drop_output()
        return _fail(f"{error.filename or 'standard output'}: {error.strerror}", EXIT_DATA)


def _run(arguments: Optional[Sequence[str]]) -> int:
    try:
        given = _parser().parse_args(arguments)
    except SystemExit as leave:  # --help, --version and wrong use
        return leave.code if isinstance(leave.code, int) else EXIT_USE
    status: Optional[int] = given.run(given)
    sys.stdout.flush()
    return status or 0


@contextmanager
def _heard_interrupts() -> Iterator[None]:
    """Send an interrupt again where Python drops it, and says so on stderr.

    So it does where nobody could catch it: in ``__del__``, and in what weak references call.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # Signals are not its business.
        return
    tell = sys.unraisablehook

    def told(event: Any) -> None:
        if issubclass(event.exc_type, KeyboardInterrupt):
            # At once would be in here, where it would be dropped as well.
            signal.setitimer(signal.ITIMER_REAL, AGAIN_S)
        else:
            tell(event)

    def again(number: int, frame: Optional[FrameType]) -> None:
        if frame is not None and frame.f_code is told.__code__:
            signal.setitimer(signal.ITIMER_REAL, AGAIN_S)
        else:
            signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGALRM, again)
    sys.unraisablehook = told
    try:
        yield
    finally:
        sys.unraisablehook = tell
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _plain_interrupts() -> Iterator[None]:
    """Raise KeyboardInterrupt where it comes as the cause of something else.

    So it does while modules are imported: from the making of a class before Python 3.12, and from
    C code that says ImportError of all that goes wrong in it.
    """
    try:
        yield
    except Exception as error:
        cause: Optional[BaseException] = error
        while cause is not None and not isinstance(cause, KeyboardInterrupt):
            cause = cause.__cause__ or cause.__context__
        if cause is None:
            raise
        raise cause from None


def _leave_soon() -> None:
    """Keep Python from going through all objects at its exit: 0.1 s where there are figures.

    What they hold goes with the process.
    """
    atexit.register(gc.freeze)


def _drop_output() -> None:
    """Let what Python flushes at its exit go nowhere: it would complain once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(text: str, status: int) -> int:
    print(f"pyrns-pool: {text}", file=sys.stderr)
    return status
