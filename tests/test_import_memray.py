"""Recordings of memray: the line that says it is missing, what is made of its records.

memray is not in Debian and does not run here. `Reader` has that part of `memray.FileReader` that
is used, as memray 1.x declares it in `_memray.pyi`; no file of memray itself is read here.
"""

import enum
import sys
import types

import pytest

from pyrns_pool import load_trace
from pyrns_pool.errors import TraceError
from pyrns_pool.trace import OP_FREE

MAGIC = b"memray\0\x0d\0\0\0"
Kind = enum.IntEnum("Kind", "MALLOC FREE CALLOC REALLOC MMAP MUNMAP PYMALLOC_MALLOC PYMALLOC_FREE")
RECORDS = [
    (Kind.MALLOC, 0xA0, 100, 7, [("main", "/app/run.py", 3), ("<module>", "/app/run.py", 9)]),
    (Kind.MMAP, 0x1000, 1 << 18, 7, [("main", "/app/run.py", 4)]),
    (Kind.FREE, 0x70, 0, 7, None),
    (Kind.PYMALLOC_MALLOC, 0xB0, 32, 9, []),
    (Kind.FREE, 0xA0, 0, 9, None),
    (Kind.MUNMAP, 0x1000, 1 << 18, 7, None),
    (Kind.REALLOC, 0xA0, 50, 7, [("grow", "/app/grow.py", 1)]),
]


class Record:
    def __init__(self, kind, address, size, tid, frames):
        self.allocator, self.address, self.size, self.tid = int(kind), address, size, tid
        self.frames = frames

    def stack_trace(self, max_stacks=None):
        if self.frames is None:
            raise NotImplementedError("Stack traces for deallocations aren't captured.")
        return self.frames[:max_stacks]


class Reader:
    records = RECORDS
    metadata = types.SimpleNamespace(total_allocations=len(RECORDS), command_line="run.py --fast")

    def __init__(self, file_name):
        if file_name.endswith("old.bin"):
            raise OSError("file format version 1, expected version 13")

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None

    def get_allocation_records(self):
        return (Record(*record) for record in self.records)


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "run.bin"
    path.write_bytes(MAGIC)
    return path


@pytest.fixture
def memray(monkeypatch):
    module = types.SimpleNamespace(AllocatorType=Kind, FileReader=Reader)
    monkeypatch.setitem(sys.modules, "memray", module)


def test_without_memray_one_line_says_what_to_install(recording, monkeypatch):
    monkeypatch.setitem(sys.modules, "memray", None)
    with pytest.raises(ImportError) as caught:
        load_trace(recording)
    assert str(caught.value) == (
        f"{recording}: a recording of memray is read by memray, which is not installed: "
        "pip install memray"
    )


def test_records_become_events_without_time_and_without_mappings(recording, memray):
    seen = []
    trace = load_trace(recording, seen.append)
    rows = [
        (op == OP_FREE, int(id_), int(size))
        for op, id_, size in trace.events[["op", "id", "size"]]
    ]
    assert rows == [(False, 0xA0, 100), (False, 0xB0, 32), (True, 0xA0, 0), (False, 0xA0, 50)]
    assert [trace.sites[site] for site in trace.events["site"][[0, 1, 3]]] == [
        "run.py:main",
        "",
        "grow.py:grow",
    ]
    assert trace.events["thread"].tolist() == [0, 1, 1, 0]
    assert (trace.has_time, trace.has_identity) == (False, True)
    assert trace.provenance["frees_of_older_blocks"] == "1" and seen == [0.0]


def test_what_memray_refuses_and_what_contradicts_itself_is_one_line(
    tmp_path, memray, monkeypatch
):
    old = tmp_path / "old.bin"
    old.write_bytes(MAGIC)
    with pytest.raises(TraceError, match=r"old.bin: is refused by memray \(file format version 1"):
        load_trace(old)
    monkeypatch.setattr(Reader, "records", RECORDS[:1] * 2)
    old = tmp_path / "twice.bin"
    old.write_bytes(b"\x04\x22\x4d\x18packed")
    with pytest.raises(TraceError, match="event 1: field 'address': value '0xa0' is already live"):
        load_trace(old)
