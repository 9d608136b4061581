"""Every reader of files under text that was damaged by seed: a refusal or what it reads, only.

Seeds are small files of each form (corpus/readers), and the broken ones of tests/data/bad.
"""

import contextlib
import functools
import io
import random
import resource
import signal
import zipfile
from pathlib import Path

from pyrns_pool import ImportOptions, errors, load_trace
from pyrns_pool.any_result import load_result
from pyrns_pool.audit.rules import Rules
from pyrns_pool.exports import load_config
from pyrns_pool.packets import load_packets
from pyrns_pool.sweep_file import load_sweep

HERE = Path(__file__).resolve().parent
SEEDS = HERE / "corpus" / "readers"
BAD = HERE.parent / "data" / "bad"
SECONDS_MAX = 10
ADDRESSES_MAX = 3 << 30
OPTIONS = ImportOptions(duration_s=1e-6, cpu_mhz=240.0, pairing="fifo")


def trace_of(form):
    return functools.partial(load_trace, form=form, options=OPTIONS), errors.TraceError


READERS = {
    "csv": (*trace_of("csv"), ["numbers", "order", "lines"]),
    "npz": (*trace_of("npz"), ["npz"]),
    "line": (*trace_of("line"), []),
    **{
        form: (*trace_of(form), ["recordings"])
        for form in ("mtrace", "heaptrack", "valgrind", "profile", "heap_trace", "systemview")
    },
    "packets": (load_packets, errors.TraceError, ["packets"]),
    "pool": (load_config, errors.ConfigError, ["pool"]),
    "sweep": (load_sweep, errors.SweepError, ["sweep"]),
    "rules": (Rules.load, errors.AuditError, ["rules"]),
    "result": (load_result, errors.ResultError, []),
}
TOKENS = [b"0", b"-1", b"1e9", b"nan", b"0x", b"ffffffffffffffff", b"18446744073709551616", b"\0"]
TOKENS += [
    b"9" * 400,
    b"\xff",
    b"\xf0\x9f\x98\x80",
    b"\n",
    b"\r",
    b",",
    b'"',
    b"[",
    b"{",
    b" ",
    b"~",
]


def fuzz(reader, runs, folder, seed=1):
    """Read `runs` damaged files; return how many were read and how many refused.

    What goes otherwise raises AssertionError; the file stays in the folder.
    """
    load, error, groups = READERS[reader]
    seeds = [path.read_bytes() for path in sorted((SEEDS / reader).iterdir())]
    # The good ones first and often: what is broken already is refused at the same place.
    more = [path.read_bytes() for group in groups for path in sorted((BAD / group).iterdir())]
    own = [data for data in more if len(data) < 4000]
    draw = random.Random(f"{reader} {seed}")
    path = Path(folder) / f"{reader}.file"
    counts = {"read": 0, "refused": 0}
    with limits():
        for number in range(runs):
            data = draw.choice(own if own and draw.random() < 0.3 else seeds)
            path.write_bytes(damaged(data, draw, seeds + own))
            counts[outcome(load, error, path, number)] += 1
    return counts


def outcome(load, error, path, number):
    """Read one file, and hold what comes of it to the rule."""
    signal.alarm(SECONDS_MAX)
    try:
        load(path)
        return "read"
    except error as refusal:
        text = str(refusal)
        assert type(refusal) is error, f"{path} {number}: raised {type(refusal)!r}"
        assert text.startswith(str(path)) and text.isprintable(), f"{path} {number}: {text!r}"
        return "refused"
    except Exception as other:
        told = f"{path} {number}: raised {type(other).__name__}: {other}"
        raise AssertionError(told) from other
    finally:
        signal.alarm(0)


@contextlib.contextmanager
def limits():
    """Bound time and memory, so that both show as an exception where they are used up."""

    def late(*_):
        raise TimeoutError(f"no end after {SECONDS_MAX} s")

    before = resource.getrlimit(resource.RLIMIT_AS)
    handler = signal.signal(signal.SIGALRM, late)
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES_MAX, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
        signal.signal(signal.SIGALRM, handler)


def damaged(data, draw, others):
    """Return a file with some damage; inside of a zip file, so that its checksums still hold."""
    if data.startswith(b"PK") and draw.random() < 0.7:
        with contextlib.suppress(Exception):
            return rezipped(data, draw, others)
    for _ in range(draw.choice([1, 1, 2, 4, 8])):
        data = cut(data, draw, others)
    return data


def rezipped(data, draw, others):
    """Damage some members of a zip file, and pack them again."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(packed, "w") as new:
        for name in dict.fromkeys(old.namelist()):
            member = old.read(name)
            new.writestr(name, cut(member, draw, others) if draw.random() < 0.3 else member)
    return packed.getvalue()


def cut(data, draw, others):
    """Change one place."""
    at = draw.randrange(len(data) + 1)
    end = min(len(data), at + draw.choice([1, 1, 2, 8, 40]))
    way = draw.randrange(7)
    if way == 0 and data:
        at = min(at, len(data) - 1)
        return data[:at] + bytes([data[at] ^ 1 << draw.randrange(8)]) + data[at + 1 :]
    if way == 1:
        return data[:at] + data[end:]
    if way == 2:
        return data[:end] + data[at:]
    if way == 3:
        return data[:at] + draw.choice(TOKENS) + data[at:]
    if way == 4:
        return data[:at] + draw.choice(TOKENS) + data[end:]
    if way == 5:
        other = draw.choice(others)
        begin = draw.randrange(len(other) + 1)
        return data[:at] + other[begin : begin + draw.choice([4, 20, 200])] + data[end:]
    lines = data.split(b"\n")
    one, two = draw.randrange(len(lines)), draw.randrange(len(lines))
    lines[one], lines[two] = lines[two], lines[one]
    return b"\n".join(lines)
