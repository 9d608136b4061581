"""Packet logs: what is read, and what is refused and how."""

import gzip
import pickle
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrns_pool import packets
from pyrns_pool.errors import TraceError
from pyrns_pool.formats import shipped
from pyrns_pool.packets import DIRECTIONS, PACKET_DTYPE, TYPES, PacketLog, load_packets

HEADER = "t_s,dir,type,context,length\n"
ROW = "0.978578,in,DATA,NONE,195\n"


def load(tmp_path, text, name="log.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_packets(path)


rows = st.lists(
    st.tuples(
        st.integers(0, 2**62 - 1) | st.integers(0, 10**12),
        st.integers(1, 1 << 20),
        st.integers(0, 2),
        st.integers(0, 3),
        st.sampled_from(["NONE", "RESOURCE_ADV", "X9"]),
    ),
    min_size=1,
    max_size=20,
).map(sorted)


@given(rows)
def test_packets_are_read_to_the_last_nanosecond(tmp_path_factory, drawn):
    text = HEADER + "".join(
        f"{t // 10**9}.{t % 10**9:09},{DIRECTIONS[d]},{TYPES[kind]},{context},{length}\n"
        for t, length, d, kind, context in drawn
    )
    log = load(tmp_path_factory.mktemp("log"), text)
    assert [(*row[:4], log.contexts[row[4]]) for row in log.packets.tolist()] == drawn
    assert len(log) == len(drawn) and log.duration_ns == drawn[-1][0] - drawn[0][0]
    assert set(log.contexts) == {row[4] for row in drawn}


@pytest.mark.parametrize(
    "t_s, t_ns",
    [
        ("16777217.123456", 16777217123456000),
        ("4503599.627370497", 4503599627370497),
        ("4611686018.427387903", 2**62 - 1),
        ("0.1", 10**8),
        ("7", 7 * 10**9),
    ],
)
def test_seconds_become_nanoseconds_without_rounding(tmp_path, t_s, t_ns):
    assert load(tmp_path, f"{HEADER}{t_s},in,DATA,NONE,1").packets["t_ns"].tolist() == [t_ns]


@pytest.mark.parametrize(
    "text",
    [
        HEADER + ROW,
        (HEADER + ROW)[:-1],
        (HEADER + ROW).replace("\n", "\r\n"),
        "\ufeff" + HEADER + ROW,
        gzip.compress((HEADER + ROW).encode()),
    ],
    ids=["plain", "no newline at the end", "CRLF", "byte order mark", "gzip"],
)
def test_forms_of_the_same_text_give_the_same_packets(tmp_path, text):
    log = load(tmp_path, text)
    assert log.packets.tolist() == [(978_578_000, 195, 2, 0, 0)] and log.contexts == ("NONE",)
    form = "csv.gz" if isinstance(text, bytes) else "csv"
    assert log.provenance == {"file": "log.csv", "format": form}


def test_lines_may_be_cut_anywhere_between_chunks(tmp_path, monkeypatch):
    text = HEADER + "".join(f"{i}.5,out,PROOF,C{i % 7},{i + 1}\n" for i in range(50))
    whole = load(tmp_path, text)
    for chunk_bytes in (1, 2, 3, 64):
        monkeypatch.setattr("pyrns_pool.formats.files.CHUNK_BYTES", chunk_bytes)
        assert (load(tmp_path, text).packets == whole.packets).all()


def test_a_line_that_is_too_long_is_not_read_to_its_end(tmp_path):
    (tmp_path / "log.csv").write_text(HEADER + "1" * 10_000_000)
    seen = []
    with pytest.raises(TraceError, match="is the start of a line longer than 256 bytes"):
        load_packets(tmp_path / "log.csv", seen.append)
    assert all(fraction < 0.1 for fraction in seen)


def test_more_contexts_than_the_limit_are_refused(tmp_path):
    lines = [f"1,in,DATA,C{i},1\n" for i in range(257)]
    assert len(load(tmp_path, HEADER + "".join(lines[:-1])).contexts) == 256
    message = ":258: field 'context': value '257' is beyond the limit of 256 contexts"
    with pytest.raises(TraceError, match=message):
        load(tmp_path, HEADER + "".join(lines))


def test_more_packets_than_the_limit_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(packets, "PACKETS_MAX", 3)
    assert len(load(tmp_path, HEADER + ROW * 3)) == 3
    with pytest.raises(TraceError, match=re.escape(":5: more than 3 packets (PACKETS_MAX)")):
        load(tmp_path, HEADER + ROW * 4)


SOUND = np.array([(5, 10, 0, 1, 0), (6, 20, 2, 3, 1)], PACKET_DTYPE)


@pytest.mark.parametrize(
    "field, value, message",
    [
        ("t_ns", -1, "field 't_ns': value '-1' is outside 0 to"),
        ("t_ns", 4, "field 't_ns': value '4' is earlier than the packet before it, at 5 ns"),
        ("length", 0, "field 'length': value '0' is outside 1 to 1048576"),
        ("direction", 3, "field 'direction': value '3' is outside 0 to 2 (DIRECTIONS)"),
        ("type", 4, "field 'type': value '4' is outside 0 to 3 (TYPES)"),
        ("context", 2, "field 'context': value '2' is outside 0 to 1 (contexts)"),
    ],
)
def test_a_log_built_from_wrong_numbers_is_refused(field, value, message):
    rows = SOUND.copy()
    rows[field][1] = value
    with pytest.raises(TraceError, match=re.escape(f"event 1: {message}")):
        PacketLog(rows, ("A", "B"))


@pytest.mark.parametrize(
    "packets_, contexts, message",
    [
        (SOUND[:0], ("A", "B"), "value '0' is not 1 to 4194304 packets (PACKETS_MAX)"),
        (SOUND["t_ns"], ("A", "B"), "value '1-D, int64' is no one-dimensional array"),
        (SOUND.reshape(1, 2), ("A", "B"), "value '2-D, "),
        (SOUND, ("A", "A"), "field 'contexts': value 'A' is no name of"),
        (SOUND, ("A", "b"), "field 'contexts': value 'b' is no name of"),
        (SOUND, tuple(f"C{i}" for i in range(257)), "value '257' is beyond the limit of 256"),
    ],
)
def test_a_log_built_from_wrong_parts_is_refused(packets_, contexts, message):
    with pytest.raises(TraceError, match=re.escape(message)):
        PacketLog(packets_, contexts)


def test_a_log_cannot_be_changed_and_survives_pickling():
    rows = SOUND.copy()
    log = pickle.loads(pickle.dumps(PacketLog(rows, ("A", "B"), {"k": "v"})))
    rows["length"] = 99
    assert log.packets["length"].tolist() == [10, 20]
    assert (log.contexts, log.provenance) == (("A", "B"), {"k": "v"})
    with pytest.raises(ValueError, match="read-only"):
        log.packets["length"] = 0


def test_the_shipped_log_is_whole():
    log = load_packets(shipped("reticulum_mtu500_transport.csv.gz"))
    assert len(log) == 41_969 and log.packets["length"].max() == 499
    counts = dict(zip(DIRECTIONS, np.bincount(log.packets["direction"]).tolist()))
    assert counts == {"pack": 1_320, "out": 20_894, "in": 19_755}
    assert sorted({TYPES[kind] for kind in log.packets["type"]}) == sorted(TYPES)
