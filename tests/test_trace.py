"""Trace: its C event, the check that numbers its blocks, and what is derived from it."""

import hashlib
import pickle
import re
import struct

import numpy as np
import pytest
import trace_model
from hypothesis import example, given
from hypothesis import strategies as st

from pyrns_pool._native import none
from pyrns_pool._trace_fault import error_of
from pyrns_pool.errors import PyrnsPoolError, TraceError
from pyrns_pool.trace import EVENT_DTYPE, OP_ALLOC, OP_FREE, PeakLive, SiteUse, Trace

COLUMNS = ("t_ns", "id", "size", "site", "thread", "op")
SPREAD = 0x9E3779B97F4A7C15  # Odd, so that times it modulo 2^64 no two ids become one.


def events_of(rows):
    return np.array(rows, EVENT_DTYPE)


def trace_of(rows, sites=("app:a", "app:b", "lib:c"), **more):
    return Trace.from_events(events_of(rows), sites, **more)


def spread(rows):
    return [(t, id_ * SPREAD % 2**64, *rest) for t, id_, *rest in rows]


THREE_SITES = trace_of(
    [
        (10, 0, 100, 0, 0, OP_ALLOC),
        (20, 1, 30, 1, 1, OP_ALLOC),
        (30, 0, 0, 0, 1, OP_FREE),
        (40, 2, 5, 1, 0, OP_ALLOC),
        (50, 3, 7, 2, 1, OP_ALLOC),
        (60, 1, 0, 0, 0, OP_FREE),
    ],
    ["app:RNS::Bytes::newData", "app:std::map<a, b>::x", "RNS::Bytes::late"],
)


def test_event_dtype_has_the_layout_of_the_c_struct():
    ffi = none.ffi
    members = dict(ffi.typeof("rns_event_t").fields)
    assert EVENT_DTYPE.itemsize == ffi.sizeof("rns_event_t") == 32
    for name in COLUMNS:
        member = "size_bytes" if name == "size" else name
        dtype, offset = EVENT_DTYPE.fields[name][:2]
        assert offset == ffi.offsetof("rns_event_t", member)
        assert dtype.itemsize == ffi.sizeof(members[member].type)
    assert (OP_ALLOC, OP_FREE) == (0, 1)


@given(trace_model.valid_traces())
def test_blocks_are_those_of_the_model(drawn):
    rows, sites = drawn
    assert trace_of(rows, sites).blocks.tolist() == trace_model.number_blocks(rows, len(sites))


@pytest.mark.parametrize("change", [list, spread], ids=["dense", "hashed"])
@given(trace_model.wild_rows)
def test_wild_events_are_refused_where_the_model_refuses_them(change, rows):
    try:
        expected = trace_model.number_blocks(rows, 2)
    except trace_model.Refused as refused:
        with pytest.raises(TraceError) as caught:
            trace_of(change(rows), ["a", "b"])
        assert (caught.value.event, caught.value.field) == refused.args
    else:
        assert trace_of(change(rows), ["a", "b"]).blocks.tolist() == expected


def test_a_hundred_thousand_scattered_ids_are_told_apart():
    ids = np.arange(100_000, dtype=np.uint64) * np.uint64(SPREAD)
    columns = {"t_ns": range(200_000), "op": [0] * 100_000 + [1] * 100_000}
    columns.update(id=np.concatenate((ids, ids[::-1])), size=[0] * 200_000)
    blocks = Trace.from_events(columns).blocks
    assert (blocks[:100_000] == np.arange(100_000)).all()
    assert (blocks[100_000:] == np.arange(100_000)[::-1]).all()


A = OP_ALLOC
F = OP_FREE
REFUSED_EVENTS = {
    "id_live": (
        [(0, 5, 1, 0, 0, A), (0, 6, 1, 0, 0, A), (1, 5, 1, 0, 0, A)],
        "event 2: field 'id': value '5' is already live (since event 0)",
    ),
    "id_live_after_reuse": (
        [(0, 5, 1, 0, 0, A), (0, 5, 0, 0, 0, F), (1, 5, 1, 0, 0, A), (1, 5, 1, 0, 0, A)],
        "event 3: field 'id': value '5' is already live (since event 2)",
    ),
    "id_unknown": (
        [(0, 5, 1, 0, 0, A), (1, 4, 0, 0, 0, F)],
        "event 1: field 'id': value '4' is freed but was never allocated",
    ),
    "id_allocated_only_later": (
        [(0, 5, 1, 0, 0, A), (1, 6, 0, 0, 0, F), (1, 6, 1, 0, 0, A)],
        "event 1: field 'id': value '6' is freed but was never allocated",
    ),
    "first_event_a_free": (
        [(0, 2**64 - 1, 0, 0, 0, F)],
        "event 0: field 'id': value '18446744073709551615' is freed but was never allocated",
    ),
    "id_freed_twice": (
        [(0, 5, 1, 0, 0, A), (1, 5, 0, 0, 0, F), (1, 5, 0, 0, 0, F)],
        "event 2: field 'id': value '5' is freed again",
    ),
    "time_backward": (
        [(7, 5, 1, 0, 0, A), (6, 6, 1, 0, 0, A)],
        "event 1: field 't_ns': value '6' is earlier than the event before it, at 7 ns",
    ),
    "time_negative": (
        [(-3, 5, 1, 0, 0, A)],
        "event 0: field 't_ns': value '-3' is before the start of the recording",
    ),
    "time_over_limit": (
        [(2**62, 5, 1, 0, 0, A)],
        "event 0: field 't_ns': value '4611686018427387904' is greater than the limit of "
        "4611686018427387903 (RNS_TRACE_TIME_NS_MAX)",
    ),
    "op_unknown": (
        [(0, 5, 1, 0, 0, 2)],
        "event 0: field 'op': value '2' is neither 0 (allocate) nor 1 (free)",
    ),
    "size_over_limit": (
        [(0, 5, 2**36 + 1, 0, 0, A)],
        "event 0: field 'size': value '68719476737' is greater than the limit of 68719476736 "
        "(RNS_TRACE_SIZE_BYTES_MAX)",
    ),
    "size_of_a_free": (
        [(0, 5, 1, 0, 0, A), (1, 5, 1, 0, 0, F)],
        "event 1: field 'size': value '1' belongs to no free: size and site are those of its "
        "allocation",
    ),
    "site_of_a_free": (
        [(0, 5, 1, 0, 0, A), (1, 5, 0, 1, 0, F)],
        "event 1: field 'site': value '1' belongs to no free: size and site are those of its "
        "allocation",
    ),
    "site_unknown": (
        [(0, 5, 1, 3, 0, A)],
        "event 0: field 'site': value '3' is not below 3, the number of site names",
    ),
}


@pytest.mark.parametrize("change", [list, spread], ids=["dense", "hashed"])
@pytest.mark.parametrize("rows, message", REFUSED_EVENTS.values(), ids=REFUSED_EVENTS)
def test_a_broken_event_is_named_with_field_value_and_limit(rows, message, change):
    with pytest.raises(TraceError) as caught:
        trace_of(change(rows))
    if change is spread and caught.value.field == "id":
        message = re.sub(r"value '\d+'", f"value '{caught.value.value}'", message)
        assert int(caught.value.value) in [id_ for _, id_, *_ in spread(rows)]
    assert str(caught.value) == message
    assert type(caught.value) is TraceError and isinstance(caught.value, PyrnsPoolError)


@pytest.mark.parametrize(
    "count, sites, reason",
    [
        (2**26 + 1, 1, "more than 67108864 events (RNS_TRACE_EVENTS_MAX)"),
        (1, 65537, "is beyond the limit of 65536 sites (RNS_TRACE_SITES_MAX)"),
        (0, 1, "no events"),
    ],
)
def test_c_refuses_counts_before_it_reads_an_event(count, sites, reason):
    fault = none.ffi.new("rns_trace_fault_t*")
    view = none.ffi.new("rns_trace_t*", [none.ffi.NULL, count, sites])
    assert none.lib.rns_trace_index(view, none.ffi.NULL, fault) != none.lib.RNS_TRACE_OK
    error = error_of(fault)
    assert error.reason == reason and error.event is None


REFUSED_COLUMNS = {
    "missing": ({"t_ns": [0], "op": [0], "id": [1]}, "field 'size': column is missing"),
    "unknown": (
        {"t_ns": [0], "op": [0], "id": [1], "size": [1], "tag": [1]},
        "field 'tag': column is none of t_ns, id, size, site, thread, op",
    ),
    "float": (
        {"t_ns": [0.5], "op": [0], "id": [1], "size": [1]},
        "field 't_ns': value 'float64' is no integer dtype",
    ),
    "bool": (
        {"t_ns": [0], "op": [True], "id": [1], "size": [1]},
        "field 'op': value 'bool' is no integer dtype",
    ),
    "length": (
        {"t_ns": [0, 1], "op": [0], "id": [1, 2], "size": [1, 1]},
        "field 'op': value '(1,)' is not the shape of 't_ns', (2,)",
    ),
    "thread_too_large": (
        {"t_ns": [0, 0], "op": [0, 0], "id": [1, 2], "size": [1, 1], "thread": [0, 65536]},
        "event 1: field 'thread': value '65536' is outside 0 to 65535",
    ),
    "negative_size": (
        {"t_ns": [0], "op": [0], "id": [1], "size": [-1]},
        "event 0: field 'size': value '-1' is outside 0 to 18446744073709551615",
    ),
    "empty": ({"t_ns": [], "op": [], "id": [], "size": []}, "value 'float64' is no integer dtype"),
}


@pytest.mark.parametrize("columns, message", REFUSED_COLUMNS.values(), ids=REFUSED_COLUMNS)
def test_a_wrong_column_is_named(columns, message):
    with pytest.raises(TraceError, match=re.escape(message)):
        Trace.from_events(columns)


@pytest.mark.parametrize(
    "sites, message",
    [
        ("app", "field 'sites': value 'app' is one str, not a sequence of them"),
        (["a", "b", "a"], "field 'sites': value 'a' is there twice"),
        (["a\nb"], r"field 'sites': value 'a\nb' has a control character"),
        (["\ud800"], r"field 'sites': value '\ud800' has a control character"),
        ([b"a"], "is no str"),
        (["é" * 513], "is longer than 1024 bytes (RNS_TRACE_SITE_BYTES_MAX)"),
        ([], "event 0: field 'site': value '0' is not below 0, the number of site names"),
    ],
)
def test_wrong_site_names_are_refused(sites, message):
    with pytest.raises(TraceError, match=re.escape(message)):
        trace_of([(0, 0, 1, 0, 0, A)], sites)


@pytest.mark.parametrize(
    "provenance, message",
    [
        ({"a b": "x"}, "value 'a b' is no key for a provenance"),
        ({"has_time": "x"}, "value 'has_time' is no key for a provenance"),
        ({"a": "x\ny"}, r"value 'x\ny' of 'a' is not one line of text without space around it"),
        ({"a": " x"}, "value ' x' of 'a' is not one line of text without space around it"),
        ({"a": 3}, "value '3' of 'a' is not one line of text without space around it"),
        ({"a": "x" * 1901}, "of 'a' is longer than 1900 bytes (PROVENANCE_VALUE_BYTES_MAX)"),
        ({f"k{i}": "" for i in range(61)}, "value '61' is beyond the limit of 60 entries"),
    ],
)
def test_a_provenance_that_no_file_could_hold_is_refused(provenance, message):
    with pytest.raises(TraceError, match=re.escape(message)):
        trace_of([(0, 0, 1, 0, 0, A)], provenance=provenance)


@pytest.mark.parametrize("events", [[1], np.zeros(3), np.zeros((1, 1), EVENT_DTYPE)])
def test_events_of_another_dtype_or_shape_are_refused(events):
    with pytest.raises(TraceError, match="is no one-dimensional array of EVENT_DTYPE"):
        Trace.from_events(events)


def test_a_trace_cannot_be_changed_through_what_it_was_built_from():
    events = events_of([(0, 0, 1, 0, 0, A)])
    provenance = {"program": "x"}
    trace = trace_of(events, provenance=provenance)
    events["size"] = 99
    provenance["program"] = "y"
    assert trace.events["size"][0] == 1 and trace.provenance == {"program": "x"}
    for array in (trace.events, trace.blocks, trace.alloc_rows, trace.block_sizes):
        with pytest.raises(ValueError, match="read-only"):
            array[:] = 0
    with pytest.raises(TypeError):
        trace.provenance["program"] = "z"


def test_events_that_nobody_can_write_to_are_not_copied():
    events = events_of([(0, 0, 1, 0, 0, A)])
    events.flags.writeable = False
    assert np.shares_memory(Trace.from_events(events).events, events)


def test_every_second_event_of_an_array_is_read_correctly():
    rows = events_of([(0, 0, 1, 0, 0, A), (9, 9, 9, 9, 9, 9), (1, 1, 2, 0, 0, A)])[::2]
    rows.flags.writeable = False
    assert Trace.from_events(rows).events["size"].tolist() == [1, 2]


@given(trace_model.valid_traces())
def test_live_curve_peaks_sizes_and_sites_are_those_of_the_model(drawn):
    rows, sites = drawn
    trace = trace_of(rows, sites)
    blocks = trace_model.number_blocks(rows, len(sites))
    curve = trace_model.live_curve(rows, blocks)
    assert list(zip(*(part.tolist() for part in trace.live_curve()))) == curve

    most_bytes, most_blocks = max(row[0] for row in curve), max(row[1] for row in curve)
    at = [
        rows[[row[i] for row in curve].index(m)][0] for i, m in ((0, most_bytes), (1, most_blocks))
    ]
    assert trace.peak_live() == PeakLive(most_bytes, at[0], most_blocks, at[1])

    allocated = [row for row in rows if row[5] == OP_ALLOC]
    sizes, counts = trace.sizes()
    assert sizes.tolist() == sorted({row[2] for row in allocated})
    assert counts.sum() == trace.block_count == len(allocated)

    peaks = trace_model.site_peaks(rows, blocks)
    expected = {
        SiteUse(
            sites[site],
            sum(row[3] == site for row in allocated),
            sum(row[2] for row in allocated if row[3] == site),
            peak,
        )
        for site, peak in peaks.items()
    }
    top = trace.top_sites(100)
    assert set(top) == expected and len(top) == len(expected)
    assert [row.allocations for row in top] == sorted(
        (row.allocations for row in top), reverse=True
    )


def test_top_sites_are_cut_to_the_number_asked_for():
    assert [row.site for row in THREE_SITES.top_sites(1)] == ["app:std::map<a, b>::x"]


@given(trace_model.valid_traces(), st.integers(0, 3))
@example(([(0, 7, 1, 0, 1, A), (1, 7, 0, 0, 0, F), (2, 7, 2, 0, 0, A)], ["s"]), 0)
def test_filter_by_thread_keeps_the_blocks_allocated_by_it_and_their_frees(drawn, thread):
    rows, sites = drawn
    blocks = trace_model.number_blocks(rows, len(sites))
    chosen = {block for row, block in zip(rows, blocks) if row[5] == A and row[4] == thread}
    expected = [row for row, block in zip(rows, blocks) if block in chosen]
    if not chosen:
        with pytest.raises(TraceError, match="is no thread that allocates"):
            trace_of(rows, sites).filter(thread=thread)
    else:
        kept = trace_of(rows, sites).filter(thread=thread)
        assert [
            tuple(int(value) for value in row) for row in kept.events[list(COLUMNS)]
        ] == expected
        assert kept.sites == tuple(sites)


@pytest.mark.parametrize(
    "pattern, block_ids",
    [
        ("RNS::Bytes::*", [0, 3]),
        ("app:RNS::Bytes::newData", [0]),
        ("app:*", [0, 1, 2]),
        ("std::map<a, b>::x", [1, 2]),
        ("*::late", [3]),
        ("*", [0, 1, 2, 3]),
    ],
)
def test_a_site_pattern_matches_the_whole_name_or_the_symbol_behind_the_module(pattern, block_ids):
    kept = THREE_SITES.filter(site=pattern)
    assert kept.events["id"][kept.alloc_rows].tolist() == block_ids
    assert kept.provenance["filter"] == f"site={pattern!r}"


def test_a_name_with_brackets_matches_itself():
    trace = trace_of([(0, 0, 1, 0, 0, A)], ["app:operator[x]"])
    assert len(trace.filter("app:operator[x]")) == 1


def test_site_patterns_tell_upper_from_lower_case():
    with pytest.raises(TraceError) as caught:
        THREE_SITES.filter("rns::bytes::newdata")
    assert str(caught.value).startswith(
        "field 'site': value 'rns::bytes::newdata' matches no site; "
        "nearest: 'app:RNS::Bytes::newData' or "
    )


def test_filters_add_up_and_what_matches_nothing_together_is_refused():
    kept = THREE_SITES.filter("app:*").filter(thread=0)
    assert kept.provenance["filter"] == "site='app:*'; thread=0"
    assert kept == THREE_SITES.filter("app:*", 0)
    with pytest.raises(TraceError, match=r"field 'thread': value '1' allocates nothing at a site"):
        THREE_SITES.filter("*newData", 1)
    with pytest.raises(TraceError, match=r"value '9' is no thread that allocates; nearest: 1, 0"):
        THREE_SITES.filter(thread=9)


@given(trace_model.valid_traces(), st.randoms(use_true_random=False))
def test_the_hash_does_not_depend_on_how_sites_are_numbered(drawn, random):
    rows, sites = drawn
    order = list(range(len(sites)))
    random.shuffle(order)
    shuffled = [sites[site] for site in order] + ["an unused name that is too long to be drawn"]
    moved = [(*row[:3], order.index(row[3]) if row[5] == A else 0, *row[4:]) for row in rows]
    one, other = trace_of(rows, sites), trace_of(moved, shuffled)
    assert one.sha256 == other.sha256 and one == other and hash(one) == hash(other)


@pytest.mark.parametrize("column", COLUMNS)
def test_the_hash_depends_on_every_column(column):
    rows = events_of([(5, 1, 10, 0, 0, A), (5, 2, 10, 1, 0, A), (6, 3, 10, 0, 0, A)])
    before = trace_of(rows)
    rows[column][1:2] = {"op": 1, "id": 1}.get(column, rows[column][1] + 1)
    if column == "op":
        rows["id"][1], rows["size"][1], rows["site"][1] = 1, 0, 0
    if column == "id":
        rows["id"][1] = 9
    assert trace_of(rows) != before


def test_the_hash_is_over_counts_columns_and_sites_by_first_use():
    columns = struct.pack(
        "<4q4B4Q4Q4H", 5, 8, 9, 9, *(0, 1, 0, 0), 3, 3, 4, 5, 10, 0, 2, 1, 7, 6, 7, 7
    )
    sites = struct.pack("<3I", 0, 1, 0) + b"b\na\n"
    expected = hashlib.sha256(b"pyrns_pool trace 1\n4 2\n" + columns + sites).hexdigest()
    rows = [(5, 3, 10, 1, 7, A), (8, 3, 0, 0, 6, F), (9, 4, 2, 0, 7, A), (9, 5, 1, 1, 7, A)]
    assert trace_of(rows, ["a", "b"]).sha256 == expected
    assert trace_of(rows, ["b", "a"]).sha256 != expected


def test_a_trace_survives_pickling():
    trace = trace_of([(0, 0, 1, 0, 0, A)], provenance={"k": "v"}, has_time=False)
    again = pickle.loads(pickle.dumps(trace))
    assert again == trace and again.provenance == {"k": "v"} and not again.has_time
    assert not again.events.flags.writeable


def test_repr_tells_what_is_missing_from_a_recording():
    trace = trace_of([(0, 0, 1, 0, 0, A)], has_time=False, has_identity=False)
    assert repr(trace) == (
        "<Trace: 1 event, 1 block, 1 site, 1 thread, no time, frees guessed, no frees>"
    )
    assert not trace.has_frees and THREE_SITES.has_frees
    assert (len(THREE_SITES), THREE_SITES.duration_ns) == (6, 50)


def test_a_trace_equals_nothing_but_a_trace():
    assert THREE_SITES != "trace" and not THREE_SITES == 5
