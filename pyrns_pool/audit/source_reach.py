"""How often a function runs, from who calls it."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Iterable, Mapping, Sequence

from pyrns_pool.audit.source_model import Function

__all__ = ["frequencies", "is_named"]

STARTS = re.compile(r"^(?:main|app_main|setup|begin|init(?:ialize)?|start|.*_init|init_.*)$", re.I)
"""Names of functions that run once, when the program begins."""


def is_named(name: str, pattern: str) -> bool:
    """Return whether a pattern names a function: with all of its namespaces, or the last ones."""
    return fnmatchcase(name, pattern) or fnmatchcase(name, f"*::{pattern}")


def frequencies(
    functions: Mapping[str, Function], hot: Sequence[str], named: Iterable[tuple[str, str]] = ()
) -> dict[str, str]:
    """Return the frequency class of each function.

    Parameters
    ----------
    functions : mapping of str to Function
        By USR.
    hot : sequence of str
        Patterns of the functions that run for each packet.
    named : iterable of (str, str), optional
        Pattern of functions, and their class; before everything else.

    Returns
    -------
    dict of str to str
        "per-packet" if a hot function reaches it; "startup" if nothing but constructors and
        functions that are named like the beginning of a program does; else "unknown".
    """
    graph = _graph(functions)
    direct = {callee for usr in functions for callee in graph[usr]}
    called = direct | {inner for callee in direct for inner in graph.get(callee, ())}
    is_hot = [u for u, row in functions.items() if any(is_named(row.name, p) for p in hot)]
    starts = [u for u, row in functions.items() if _is_start(row, u in called)]
    # What nobody calls, may be called at any time.
    others = [u for u in functions if u not in called and u not in set(starts) | set(is_hot)]
    packet, startup = _reach(graph, is_hot), _reach(graph, starts)
    other = _reach(graph, others)
    result = {}
    for usr, row in functions.items():
        given = (name for pattern, name in named if is_named(row.name, pattern))
        found = "unknown"
        if usr in packet:
            found = "per-packet"
        elif usr in startup and usr not in other:
            found = "startup"
        result[usr] = next(given, found)
    return result


def _is_start(function: Function, is_called: bool) -> bool:
    """Return whether a function runs at the beginning; a constructor that is called, then too."""
    name = function.name.rpartition("::")[2]
    return STARTS.match(name) is not None or (function.is_constructor and not is_called)


def _graph(functions: Mapping[str, Function]) -> dict[str, set[str]]:
    """Return who calls whom; a call of a virtual method calls all that override it."""
    graph = {usr: {u for u in row.calls if u != usr} for usr, row in functions.items()}
    for usr, row in functions.items():
        for base in row.overrides:
            graph.setdefault(base, set()).add(usr)
        if row.is_constructor:
            # A USR is that of the class, "@F@", and the name with the types of the parameters.
            graph.setdefault(usr.rpartition("@F@")[0], set()).add(usr)
    return graph


def _reach(graph: Mapping[str, set[str]], roots: Iterable[str]) -> set[str]:
    reached, left = set(roots), list(roots)
    while left:
        for usr in graph.get(left.pop(), ()):
            if usr not in reached:
                reached.add(usr)
                left.append(usr)
    return reached
