"""The corpus of bad input: every case, by group.

Small files lie in tests/data/bad, a folder for each group; cases.toml has a line for each, with
what is said of it. What cannot be a small file is made by `bad_made`; objects and processes that
are used badly are in `bad_use`, `bad_bytes` and `bad_process`.
"""

import functools

import bad_bytes
import bad_made
import bad_process
import bad_use
from bad_case import DATA, Case

from pyrns_pool import errors, load_trace
from pyrns_pool._toml import read_toml
from pyrns_pool.audit.rules import Rules
from pyrns_pool.exports import load_config
from pyrns_pool.packets import load_packets
from pyrns_pool.sweep_file import load_sweep

TRACE = (load_trace, errors.TraceError, ("replay",))
READERS = {
    # group: what reads it, what that raises, the verb that reads it
    **dict.fromkeys(("numbers", "order", "lines", "gzip", "npz", "recordings"), TRACE),
    "packets": (load_packets, errors.TraceError, ("node",)),
    "sweep": (load_sweep, errors.SweepError, ("sweep", "-o", "never")),
    "pool": (load_config, errors.ConfigError, ("soak", "--config")),
    "rules": (Rules.load, errors.AuditError, ("audit", "x", "--rules")),
}
MODULES = (bad_made, bad_use, bad_bytes, bad_process)


def groups():
    """Return the names of all groups."""
    return list(dict.fromkeys([*READERS, *(case.group for m in MODULES for case in m.CASES)]))


def cases(group):
    """Return the cases of a group."""
    made = [case for module in MODULES for case in module.CASES if case.group == group]
    return (files(group) if group in READERS else []) + made


def files(group):
    """Return a case for each small file."""
    read, error, command = READERS[group]
    listed = read_toml(DATA / "cases.toml", 1 << 20)[group]
    found = []
    for name, says in listed.items():
        path = DATA / group / name
        make = functools.partial(lambda path, folder: path, path)
        found.append(Case(group, name, make, read, error, f"{path}{says}", command))
    return found
