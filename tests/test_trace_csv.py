"""The CSV reader: what it accepts, what it refuses and how it says so."""

import pytest
import trace_model
from hypothesis import example, given
from hypothesis import strategies as st

from pyrns_pool._native import none
from pyrns_pool._trace_fault import error_of
from pyrns_pool.errors import TraceError
from pyrns_pool.formats import load_trace
from pyrns_pool.formats.csv import write_csv
from pyrns_pool.trace import Trace

HEADER = b"t_ns,op,id,size,thread,site\n"
ROW = b"0,a,0,40,0,app:main\n"


def load(tmp_path, text):
    path = tmp_path / "trace.csv"
    path.write_bytes(text)
    return load_trace(path)


def feed(pieces, capacity=1):
    """Return (events, sites, fault) of a text in pieces, `capacity` rows at a time."""
    lib, ffi = none
    reader = ffi.new("rns_trace_csv_t*")
    lib.rns_trace_csv_init(reader)
    events = []

    def call(function, *args):
        event = ffi.new("rns_event_t[]", capacity)
        rows = ffi.new("rns_trace_rows_t*", [event, capacity, 0])
        result = function(reader, *args, rows)
        events.extend(bytes(ffi.buffer(event + i, 32)) for i in range(rows.count))
        return result

    for piece in pieces:
        while piece and not reader.fault.code:
            piece = piece[call(lib.rns_trace_csv_feed, ffi.from_buffer(piece), len(piece)) :]
    call(lib.rns_trace_csv_finish)
    fault = str(error_of(reader.fault)) if reader.fault.code else None
    sites = bytes(ffi.buffer(reader.sites.text, reader.sites.bytes)) if reader.sites.bytes else b""
    lib.rns_trace_csv_drop(reader)
    return events, sites, fault


texts = st.lists(
    st.sampled_from(
        [
            HEADER,
            HEADER,
            HEADER.replace(b"\n", b"\r\n"),
            b"\xef\xbb\xbf",
            b"#a: b\n",
            b"#\xc3\xa9\n",
        ]
        + [ROW, ROW, b"5,f,0,,0,\n", b"1,a,7,0,65535,std::map<a, b>::x\r\n", b"\r", b"\n", b"\0"]
        + [
            b"a" * 2000,
            b"#" + b"x" * 44,
            b"18446744073709551615",
            b"9,a,1,1,1,",
            b"\xf0\x9f\x98\x80",
        ]
    ),
    max_size=8,
).map(b"".join)
LONGEST = b"#" + b"x" * 2047


@given(texts, st.integers(1, 70), st.integers(1, 3))
@example(b"\xef\xbb\xbf" + LONGEST + b"\r\n" + HEADER + ROW, 1, 1)
@example(b"\xef\xbb\xbf" + LONGEST + b"xy\r\n" + HEADER + ROW, 7, 1)
def test_events_and_fault_do_not_depend_on_how_the_text_is_cut(text, piece_bytes, capacity):
    pieces = [text[at : at + piece_bytes] for at in range(0, len(text), piece_bytes)]
    assert feed(pieces, capacity) == feed([text], 50)


def test_a_cut_character_is_not_completed_by_what_an_earlier_line_left_behind():
    first, second = "0,a,0,1,0,\U0001f600\n".encode(), "0,a,1,1,0,\U0001f600".encode()[:-1]
    events, _, fault = feed([HEADER, first[:5], first[5:], second])
    assert len(events) == 1
    assert fault == rf"event 1: field 'site': value '\xf0\x9f\x98' {NOT_TEXT}"


@given(trace_model.valid_traces())
def test_a_line_is_read_as_the_numbers_it_says(drawn):
    rows, sites = drawn
    lines = [
        f"{t},a,{id_},{size},{thread},{sites[site]}" if op == 0 else f"{t},f,{id_},,{thread},"
        for t, id_, size, site, thread, op in rows
    ]
    events, _, fault = feed([HEADER, "\n".join(lines).encode()])
    read = [none.ffi.from_buffer("rns_event_t*", event) for event in events]
    assert fault is None
    assert [(e.t_ns, e.id, e.size_bytes, e.thread, e.op) for e in read] == [
        (t, id_, size, thread, op) for t, id_, size, _, thread, op in rows
    ]


def accepted(text):
    return text.replace(b"HEADER\n", HEADER).replace(b"ROW\n", ROW)


ACCEPTED = {
    "plain": b"HEADER\nROW\n",
    "crlf": (HEADER + ROW).replace(b"\n", b"\r\n"),
    "no_final_line_end": HEADER + ROW[:-1],
    "no_final_lf_after_cr": HEADER + ROW[:-1] + b"\r",
    "byte_order_mark": b"\xef\xbb\xbfHEADER\nROW\n",
    "byte_order_mark_before_comment": b"\xef\xbb\xbf# c\nHEADER\nROW\n",
    "comments": b"#\n# no key\n#see https://x\nHEADER\nROW\n",
    "leading_zeros": b"HEADER\n00,a,00000000000000000000,040,0,app:main\n",
}


@pytest.mark.parametrize("text", ACCEPTED.values(), ids=ACCEPTED)
def test_forms_of_the_same_text_give_the_same_trace(tmp_path, text):
    plain = Trace.from_events({"t_ns": [0], "op": [0], "id": [0], "size": [40]}, ["app:main"])
    trace = load(tmp_path, accepted(text))
    assert trace == plain
    assert trace.provenance == {"file": "trace.csv", "format": "csv"}


def test_limits_themselves_are_accepted(tmp_path):
    row = b"4611686018427387903,a,18446744073709551615,68719476736,65535," + b"s" * 1024
    comments = b"".join(b"#k%d: v\n" % i for i in range(58)) + b"# c\n" * 5 + LONGEST + b"\n"
    trace = load(tmp_path, comments + HEADER + row)
    t_ns, id_, size, site, thread, op = trace.events[0].tolist()
    assert (t_ns, id_, size, thread) == (2**62 - 1, 2**64 - 1, 2**36, 65535)
    assert trace.sites == ("s" * 1024,) and len(trace.provenance) == 60


def test_comments_with_a_key_become_provenance_and_flags(tmp_path):
    text = b"#program: a: b\n#  machine:x \n#file: other\n#has_time: false\n"
    trace = load(tmp_path, text + HEADER + ROW)
    assert dict(trace.provenance) == {
        "file": "trace.csv",
        "format": "csv",
        "program": "a: b",
        "machine": "x",
    }
    assert not trace.has_time and trace.has_identity


def test_the_site_takes_the_rest_of_its_line_and_may_be_empty(tmp_path):
    names = ["std::map<a, b>::x", "", "#", ",,", "Größe", "'\"\\ "]
    rows = [f"{i},a,{i},1,0,{name}\n" for i, name in enumerate(names + names[:2])]
    trace = load(tmp_path, HEADER + "".join(rows).encode())
    assert trace.sites == tuple(names)
    assert trace.events["site"].tolist() == [0, 1, 2, 3, 4, 5, 0, 1]


def test_as_many_sites_as_the_limit_are_told_apart_and_one_more_is_refused(tmp_path):
    rows = [f"0,a,{i},1,0,site {i}\n" for i in range(65537)]
    trace = load(tmp_path, HEADER + "".join(rows[:-1]).encode())
    assert trace.sites == tuple(f"site {i}" for i in range(65536))
    assert (trace.events["site"] == trace.events["id"]).all()
    with pytest.raises(TraceError) as caught:
        load(tmp_path, HEADER + "".join(rows).encode())
    assert str(caught.value) == (
        f"{tmp_path}/trace.csv:65538: event 65536: field 'site': value 'site 65536' is beyond the "
        "limit of 65536 sites (RNS_TRACE_SITES_MAX)"
    )
    assert caught.value.limit == 65536


def test_a_site_that_another_one_starts_with_is_a_site_of_its_own(tmp_path):
    names = ["s" * length for length in range(1024, -1, -1)]
    rows = [f"0,a,{i},1,0,{name}\n" for i, name in enumerate(names)]
    assert load(tmp_path, HEADER + "".join(rows).encode()).sites == tuple(names)


def test_one_event_more_than_the_limit_is_refused():
    reader = none.ffi.new("rns_trace_csv_t*")
    none.lib.rns_trace_csv_init(reader)
    rows = none.ffi.new("rns_trace_rows_t*", [none.ffi.new("rns_event_t[2]"), 2, 0])
    text = HEADER + ROW
    reader.event_count = 2**26
    assert none.lib.rns_trace_csv_feed(reader, text, len(text), rows) == len(text)
    assert rows.count == 0
    assert error_of(reader.fault).reason == "more than 67108864 events (RNS_TRACE_EVENTS_MAX)"
    none.lib.rns_trace_csv_drop(reader)


NOT_TEXT = "has a control character or is not UTF-8"


def row(field, value):
    """Return a second row in which one field is something else."""
    fields = {"t_ns": "1", "op": "a", "id": "1", "size": "2", "thread": "0", "site": "s"}
    return HEADER + ROW + ",".join({**fields, field: value}.values()).encode() + b"\n"


def test_the_attributes_of_a_refusal_are_those_in_its_text(tmp_path):
    with pytest.raises(TraceError) as caught:
        load(tmp_path, row("size", str(2**36 + 1)))
    error = caught.value
    assert (error.path, error.line, error.event) == (f"{tmp_path}/trace.csv", 3, 1)
    assert (error.field, error.value, error.limit) == ("size", str(2**36 + 1), 2**36)


def test_writing_gives_the_documented_text(tmp_path):
    trace = Trace.from_events(
        {"t_ns": [0, 9050], "op": [0, 1], "id": [5, 5], "size": [40, 0], "thread": [0, 1]},
        ["app:main", "unused"],
        {"program": "node 1.2", "file": "x", "format": "npz"},
        has_identity=False,
    )
    path = tmp_path / "trace.csv"
    with open(path, "wb") as file:
        write_csv(trace, file, compress=False)
    assert path.read_bytes() == (
        b"#has_identity: false\n#program: node 1.2\n"
        + HEADER
        + b"0,a,5,40,0,app:main\n9050,f,5,,1,\n"
    )
