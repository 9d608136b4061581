"""What a device sends with rns_trace_line.h is read back, also from a line that drops bytes."""

import ctypes

import cbuild
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pyrns_pool as rp
from pyrns_pool.errors import TraceError
from pyrns_pool.trace import OP_ALLOC, OP_FREE

SITES = ["main:rx", "radio:isr <- main:loop", "naïve, with a comma", "", "x" * 1024]
NOISE = b"\r\nboot: ESP-ROM ~ \x7e\x7e\x00\xff\r\n"


class DeviceEvent(ctypes.Structure):
    """As in tests/c/trace_line_buffer.c."""

    _fields_ = [
        ("t_ns", ctypes.c_uint64),
        ("id", ctypes.c_uint64),
        ("size_bytes", ctypes.c_uint64),
        ("thread", ctypes.c_uint32),
        ("site", ctypes.c_uint32),
        ("is_free", ctypes.c_uint32),
    ]


class Buffer(ctypes.Structure):
    """As in tests/c/trace_line_buffer.c."""

    _fields_ = [
        ("bytes", ctypes.c_void_p),
        ("capacity", ctypes.c_size_t),
        ("used", ctypes.c_size_t),
    ]


@pytest.fixture(scope="module")
def device(tmp_path_factory):
    folder = tmp_path_factory.mktemp("device")
    return ctypes.CDLL(str(cbuild.build_library(folder, ["tests/c/trace_line_buffer.c"])))


def sent(device, form, events):
    """Return the bytes that the device sends."""
    native = (DeviceEvent * len(events))(*events)
    sites = (ctypes.c_char_p * len(SITES))(*(name.encode() for name in SITES))
    room = ctypes.create_string_buffer(2000 * (len(events) + len(SITES)) + 100)
    out = Buffer(ctypes.addressof(room), len(room), 0)
    function = getattr(device, f"trace_line_{form}")
    counts = [] if form == "csv" else [ctypes.c_size_t(len(SITES))]
    function.restype = None
    function(native, ctypes.c_size_t(len(events)), sites, *counts, ctypes.byref(out))
    assert out.used <= out.capacity
    return room.raw[: out.used]


@st.composite
def histories(draw):
    """Return events of a device in order: blocks at few addresses, each freed or not."""
    live, events, t_ns = set(), [], 0
    for _ in range(draw(st.integers(1, 30))):
        t_ns += draw(st.one_of(st.integers(0, 300), st.integers(0, 2**55)))
        address = draw(st.one_of(st.integers(0, 3), st.integers(0, 2**64 - 1)))
        thread = draw(st.integers(0, 65535))
        if address in live:
            events.append((t_ns, address, 0, thread, 0, 1))
        else:
            size, site = draw(st.integers(0, 2**36)), draw(st.integers(0, len(SITES) - 1))
            events.append((t_ns, address, size, thread, site, 0))
        live ^= {address}
    return events


def plain(trace):
    """Return what a trace says, whatever its ids are and however its sites are numbered."""
    return [
        (int(e["t_ns"]), int(block), int(e["size"]), int(e["thread"]), int(e["op"]))
        + ((trace.sites[e["site"]],) if e["op"] == OP_ALLOC else ())
        for e, block in zip(trace.events, trace.blocks)
    ]


@given(events=histories())
def test_both_forms_are_read_as_what_the_device_saw(device, tmp_path_factory, events):
    folder = tmp_path_factory.getbasetemp()
    (folder / "a.csv").write_bytes(sent(device, "csv", events))
    (folder / "a.bin").write_bytes(sent(device, "records", events))
    by_csv, by_records = rp.load_trace(folder / "a.csv"), rp.load_trace(folder / "a.bin")
    assert plain(by_csv) == plain(by_records)
    assert [int(n) for n in by_csv.events["t_ns"]] == [event[0] for event in events]
    assert [int(n) for n in by_csv.events["id"]] == [event[1] for event in events]
    assert [int(n) for n in by_csv.events["size"]] == [event[2] for event in events]
    names = [SITES[event[4]] for event in events if not event[5]]
    assert [by_csv.sites[e["site"]] for e in by_csv.events[by_csv.alloc_rows]] == names
    for key in ("records_lost", "bytes_skipped", "unpaired_frees", "unfreed_reuses"):
        assert by_records.provenance[key] == "0"


def regular(count):
    """Return a history of so many pairs of events with an address each."""
    return [
        (100 * n, 0x2000_0000 + 16 * (n // 2), 0 if n % 2 else 40 + n, 1, 0, n % 2)
        for n in range(2 * count)
    ]


def test_output_between_the_records_is_skipped_and_counted(device, tmp_path):
    events = regular(50)
    records = sent(device, "records", events)
    path = tmp_path / "capture.rns"
    path.write_bytes(NOISE + records + NOISE)
    trace = rp.load_trace(path)
    assert len(trace) == 100
    assert trace.provenance["bytes_skipped"] == str(2 * len(NOISE))
    assert (trace.provenance["format"], trace.provenance["records_lost"]) == ("line", "0")


@given(st.data())
def test_whatever_the_line_drops_the_rest_is_read_and_the_loss_told(
    device, tmp_path_factory, data
):
    events = regular(40)
    records = sent(device, "records", events)
    starts = len(sent(device, "records", []))
    begin = data.draw(st.integers(starts, len(records) - 100))
    end = begin + data.draw(st.integers(1, 60))
    path = tmp_path_factory.getbasetemp() / "dropped.rns"
    path.write_bytes(records[:begin] + records[end:])
    trace = rp.load_trace(path)
    lost = int(trace.provenance["records_lost"])
    assert 1 <= lost <= 2 + (end - begin) // 8
    assert len(trace) + int(trace.provenance["unpaired_frees"]) >= 80 - lost
    times = {event[0] for event in events}
    assert {int(t) for t in trace.events["t_ns"]} <= times


@given(st.binary(max_size=200))
def test_no_bytes_make_the_reader_fail_otherwise_than_by_a_trace_error(tmp_path_factory, noise):
    path = tmp_path_factory.getbasetemp() / "noise.rns"
    path.write_bytes(b"\x7e" + noise)
    try:
        assert len(rp.load_trace(path)) > 0
    except TraceError as error:
        assert "noise.rns" in str(error)


def test_a_free_whose_allocation_was_lost_is_left_out_and_counted(device, tmp_path):
    events = [(5, 64, 0, 0, 0, 1), (6, 32, 8, 0, 0, 0), (7, 32, 9, 0, 0, 0), (8, 32, 0, 0, 0, 1)]
    path = tmp_path / "a.rns"
    path.write_bytes(sent(device, "records", events))
    trace = rp.load_trace(path)
    assert trace.events["op"].tolist() == [OP_ALLOC, OP_ALLOC, OP_FREE]
    assert trace.blocks.tolist() == [0, 1, 1]
    told = [trace.provenance[key] for key in ("unpaired_frees", "unfreed_reuses")]
    assert told == ["1", "1"]


def test_a_site_whose_name_was_lost_goes_by_its_number(device, tmp_path):
    records = sent(device, "records", regular(1))
    path = tmp_path / "a.rns"
    path.write_bytes(records[records.rindex(b"\x7e", 0, records.rindex(b"\x7e")) :])
    assert rp.load_trace(path).sites == ("site 0",)


def test_a_capture_without_an_event_is_refused(tmp_path):
    path = tmp_path / "a.rns"
    path.write_bytes(b"nothing but text")
    with pytest.raises(TraceError, match="a.rns: holds no record of an event"):
        rp.load_trace(path)


def test_a_number_beyond_the_limits_of_a_trace_is_named(device, tmp_path):
    path = tmp_path / "a.rns"
    path.write_bytes(sent(device, "records", [(2**63, 1, 1, 0, 0, 0)]))
    with pytest.raises(TraceError, match="event 0: field 't_ns': value '9223372036854775808'"):
        rp.load_trace(path)


def test_the_records_take_about_half_of_the_csv(device):
    events = [(1_000_000_007 * n, *event[1:]) for n, event in enumerate(regular(1000))]
    begin = len(sent(device, "records", []))
    csv, records = len(sent(device, "csv", events)), len(sent(device, "records", events)) - begin
    print(f"{csv / 2000:.1f} bytes an event as CSV, {records / 2000:.1f} as records")
    assert records < 0.55 * csv


@pytest.mark.parametrize("target", cbuild.TARGETS)
def test_the_header_needs_no_library_of_the_device(target, tmp_path):
    source = tmp_path / "device.c"
    source.write_text(
        '#include "rns_trace_line.h"\n'
        "void send(rns_trace_line_t* line);\n"
        "void send(rns_trace_line_t* line)\n{\n"
        '    rns_trace_line_csv_begin(line);\n    rns_trace_line_site(line, 0, "a");\n'
        "    rns_trace_line_csv(line, 'a', 1, 2, 3, 4, \"a\");\n"
        "    rns_trace_line_alloc(line, 1, 2, 3, 4, 0);\n"
        "    rns_trace_line_free(line, 5, 2, 4);\n}\n"
    )
    flags = [*cbuild.STRICT, "-Os", "-ffreestanding", "-nostdlib", "-c"]
    output = tmp_path / "device.o"
    include = f"-I{cbuild.CSRC / 'firmware'}"
    cbuild.execute([*cbuild.TARGETS[target], *flags, include, source, "-o", output])
    missing = cbuild.undefined_symbols(target, [output])
    print(missing)
    # What remains is the compiler's own: division of 64 bits.
    assert {name for name in missing if not name.startswith("__")} <= {"memcpy"}
