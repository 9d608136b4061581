"""The file of a recorded process: what is written is what is read, and damage does no harm."""

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrns_pool._native import none
from pyrns_pool._record_names import Module, Symbols, names_of, short_name, symbols_of
from pyrns_pool._record_raw import read_process
from pyrns_pool._trace_pair import pair
from pyrns_pool.errors import TraceError
from pyrns_pool.trace import EVENT_DTYPE

PAGE, CHUNK = none.lib.RNS_RECORD_PAGE_BYTES, none.lib.RNS_RECORD_CHUNK_BYTES
HEADER = struct.Struct("<QIIIIqQQIII4x512s2048s")
ALLOC, FREE, VOID, OTHER = range(4)
THREAD, SITE, MODULE = range(3)
MASK = 2**64 - 1


def number(value):
    """Return a number as in a record: seven bits a byte, low bits first."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def zigzag(difference):
    """Return a signed difference of 64 bits as a number without sign."""
    difference &= MASK
    signed = difference - 2**64 if difference >> 63 else difference
    return 2 * signed if signed >= 0 else -2 * signed - 1


def rotate(address):
    return (address >> 4 | address << 60) & MASK


class Chunk:
    """The slow model of a writer."""

    def __init__(self):
        self.records = b""
        self.last = (0, 0, 0)
        self.thread = None

    def other(self, kind, *numbers, tail=b""):
        self.records += b"".join(map(number, [kind << 2 | OTHER, *numbers])) + tail

    def event(self, op, index, t_ns=0, address=0, size=0, site=0, thread=0):
        if self.thread != thread:
            self.other(THREAD, thread)
            self.thread = thread
        was = self.last
        self.records += number(zigzag(index - was[0]) << 2 | op)
        self.last = (index, *was[1:])
        if op != VOID:
            self.last = (index, t_ns, rotate(address))
            steps = [zigzag(t_ns - was[1]), zigzag(rotate(address) - was[2])]
            more = [size, site] if op == ALLOC else []
            self.records += b"".join(map(number, steps + more))

    def packed(self):
        head = struct.pack("<IIQqQ", 32 + len(self.records), 0, 0, 0, 0)
        return (head + self.records).ljust(CHUNK, b"\0")


def write(path, chunks, count, depth=1):
    """Write a file of these chunks, of a process that gave `count` numbers."""
    size = PAGE + CHUNK * len(chunks)
    page = HEADER.pack(
        none.lib.RNS_RECORD_MAGIC, depth, 42, 41, 0, 1000, count, size, 3, 2, 0, b"/bin/a", b"a b"
    )
    path.write_bytes(page.ljust(PAGE, b"\0") + b"".join(chunk.packed() for chunk in chunks))


HISTORY = st.lists(
    st.tuples(
        st.sampled_from([ALLOC, ALLOC, FREE, FREE, VOID, None]),  # None: lost
        st.integers(0, 2**40),  # t_ns
        st.integers(1, 6).map(lambda n: n * 0x1000_0010 + n % 2),  # address
        st.integers(0, 2**36),
        st.integers(0, 5),
        st.integers(0, 3),  # which chunk, and thread
    ),
    max_size=60,
)


def slow_pair(events):
    """Return what `pair` does, one event after the other."""
    block_at, out, unpaired, reuses, blocks = {}, [], 0, 0, 0
    latest = 0
    for op, t_ns, address, size, site, thread in events:
        if op == FREE and address not in block_at:
            unpaired += 1
            continue
        latest = max(latest, t_ns)
        if op == ALLOC:
            reuses += address in block_at
            block_at[address] = blocks
            out.append((0, latest, blocks, size, site, thread))
            blocks += 1
        else:
            out.append((1, latest, block_at.pop(address), 0, 0, thread))
    return out, unpaired, reuses


@settings(max_examples=200)
@given(HISTORY)
def test_what_threads_write_in_any_order_is_read_in_the_order_of_its_numbers(
    tmp_path_factory, history
):
    path = tmp_path_factory.getbasetemp() / "history.raw"
    chunks = [Chunk() for _ in range(4)]
    for site in range(1, 6):
        chunks[0].other(SITE, site, 1, 0x5000 + site)
    for index, (op, t_ns, address, size, site, which) in enumerate(history):
        if op is not None:
            chunks[which].event(op, index, t_ns, address, size, site, which)
    write(path, chunks, len(history))
    process = read_process(path)
    happened = [event for event in history if event[0] in (ALLOC, FREE)]
    expected, unpaired, reuses = slow_pair(happened)
    assert (process.unpaired_frees, process.unfreed_reuses) == (unpaired, reuses)
    assert process.numbered == len(history)
    assert process.lost == sum(event[0] is None for event in history)
    assert process.void == sum(event[0] == VOID for event in history)
    assert process.events == len(happened) and process.damaged_chunks == 0
    assert (process.trace is None) == (not expected)
    if expected:
        trace = process.trace
        names = [f"[unknown]+{0x5000 + s:#x}" if s else "" for s in range(6)]
        rows = [
            (int(e["op"]), int(e["t_ns"]), int(e["id"]), int(e["size"]), int(e["thread"]))
            for e in trace.events
        ]
        assert rows == [(o, t, b, s, th) for o, t, b, s, _, th in expected]
        sites = [trace.sites[e["site"]] for e in trace.events[trace.alloc_rows]]
        assert sites == [names[site] for o, _, _, _, site, _ in expected if o == ALLOC]


@settings(max_examples=300)
@given(st.data())
def test_a_damaged_file_is_refused_or_read_in_part_but_counts_add_up(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "damaged.raw"
    chunk = Chunk()
    chunk.other(MODULE, 0x1000, 0x2000, 0, 6, tail=b"/bin/a")
    chunk.other(SITE, 1, 1, 0x1010)
    for index in range(20):
        chunk.event(index % 2, index, 10 * index, 0x10 * (index // 2), 40, 1)
    write(path, [chunk], 20)
    raw = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        spots = st.one_of(st.integers(0, 63), st.integers(PAGE, PAGE + 200))
        raw[data.draw(spots)] = data.draw(st.integers(0, 255))
    if int.from_bytes(raw[32:40], "little") > 10**6:
        raw[34:40] = bytes(6)  # So many events would be read into as much memory.
    path.write_bytes(raw[: data.draw(st.integers(0, len(raw)))])
    try:
        process = read_process(path)
    except TraceError:
        return
    total = process.events + process.void + process.lost + process.beyond_limit
    assert total == process.numbered
    assert process.events <= 20


def test_a_file_that_is_something_else_is_refused(tmp_path):
    for name, content in (("empty", b""), ("text", b"t_ns,op" * 1000)):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(TraceError, match="is no recording of this version"):
            read_process(tmp_path / name)


def test_a_record_that_comes_twice_ends_its_chunk():
    first, second = Chunk(), Chunk()
    first.event(ALLOC, 0, 0, 16, 8)
    second.event(ALLOC, 0, 0, 32, 8)
    events = np.zeros(1, EVENT_DTYPE)
    events["op"] = none.lib.RNS_RECORD_MISSING
    reader = none.ffi.new("rns_record_reader_t *")
    reader.event = none.ffi.cast("rns_event_t *", events.ctypes.data)
    reader.event_capacity = 1
    reader.depth = 1
    assert none.lib.rns_record_read_chunk(reader, first.packed(), CHUNK)
    assert not none.lib.rns_record_read_chunk(reader, second.packed(), CHUNK)
    assert (events["id"][0], reader.event_count) == (16, 1)


def test_an_empty_history_pairs_to_nothing():
    paired, unpaired, reuses = pair(np.zeros(0, EVENT_DTYPE))
    assert (len(paired), unpaired, reuses) == (0, 0, 0)


# ---- Names ----


@pytest.mark.parametrize(
    "text, name",
    [
        ("main", "main"),
        ("RNS::Bytes::newData(unsigned long)", "RNS::Bytes::newData"),
        (
            "std::vector<int, std::allocator<int> >::reserve(unsigned long)",
            "std::vector<>::reserve",
        ),
        ("void f<int>(std::vector<int> const&)", "f<>"),
        ("std::pair<int, int>* Map<A, B<C> >::find<D>(D (*)(int)) const", "Map<>::find<>"),
        ("operator new(unsigned long)", "operator new"),
        ("operator new[](unsigned long, std::nothrow_t const&)", "operator new[]"),
        ("std::ostream& operator<< <char>(std::ostream&, char)", "operator<<<>"),
        ("A::operator()(int) const", "A::operator()"),
        ("A::operator->()", "A::operator->"),
        ("A::operator unsigned long() const", "A::operator unsigned long"),
        ("bool operator<(A const&, A const&)", "operator<"),
        ("std::__cxx11::basic_string<char>::_M_mutate[abi:cxx11](char) [clone .cold]",)
        + ("std::__cxx11::basic_string<>::_M_mutate",),
        ("(anonymous namespace)::hidden(int)", "hidden"),
        ("main::{lambda(int, char)#1}::operator()(int, char) const",)
        + ("main::{lambda#1}::operator()",),
        ("A::~A()", "A::~A"),
        ("cooperator(int)", "cooperator"),
    ],
)
def test_a_c_plus_plus_name_is_what_a_person_would_call_it(text, name):
    assert short_name(text) == name


def path_of_libc():
    """Return the file of this process's C library."""
    lines = Path("/proc/self/maps").read_text(encoding="utf-8").splitlines()
    return next(line.split()[-1] for line in lines if "libc.so.6" in line)


@given(st.text(alphabet="ab:<>(){}~ ,*&operatw[]", min_size=1))
def test_every_text_has_a_short_name(text):
    assert short_name(text) is not None
    assert short_name(text) or not text.strip()


def test_an_address_is_named_by_the_function_that_holds_it_and_by_no_other():
    libc = path_of_libc()
    symbols = symbols_of(libc)
    index = symbols.names.index("strdup")
    first, end = int(symbols.first[index]), int(symbols.end[index])
    segments = [part for part in symbols.segments if part[2] <= first < part[2] + part[1]]
    ((offset, _, address),) = segments
    module = Module(0x10000, 0x10000 + (1 << 24), 0, libc)
    base = 0x10000 + offset - address
    names = names_of([base + first + 1, base + end, base + first], [module])
    assert names[base + first + 1] == names[base + end] == "libc.so.6:strdup"
    assert names[base + first] != "libc.so.6:strdup"


def test_an_offset_between_two_functions_is_in_neither():
    bounds = np.array([110, 150], np.uint64), np.array([120, 160], np.uint64)
    symbols = Symbols(((0, 100, 100),), *bounds, ("f", "g"))
    found = [symbols.find(offset) for offset in (9, 10, 19, 20, 49, 59, 60, 100)]
    assert found == [None, "f", "f", None, None, "g", None, None]


def test_what_no_file_lies_behind_is_named_so(tmp_path):
    text = tmp_path / "no elf"
    text.write_text("nothing")
    modules = [Module(0x1000, 0x2000, 0, ""), Module(0x2000, 0x3000, 0x100, str(text))]
    modules.append(Module(0x4000, 0x5000, 0, "/gone/lib.so (deleted)"))
    wanted = {
        0x1010: "[anonymous]+0x10",
        0x2010: "no elf+0x110",
        0x4010: "lib.so+0x10",
        0x9000: "[unknown]+0x9000",
    }
    assert names_of(wanted, modules) == wanted


def test_without_binutils_there_are_offsets(monkeypatch):
    symbols_of.cache_clear()
    monkeypatch.setenv("PATH", "/nonexistent")
    libc = path_of_libc()
    assert names_of([0x1010], [Module(0x1000, 0x9000, 0x30000, libc)]) == {
        0x1010: "libc.so.6+0x30010"
    }
    symbols_of.cache_clear()
