"""NPZ: what its members are, and that damaged or hostile files are refused unexpanded."""

import io
import json
import re
import struct
import zipfile
import zlib

import numpy as np
import pytest
from refusals import refusal

from pyrns_pool.errors import TraceError
from pyrns_pool.formats import load_trace, npz
from pyrns_pool.trace import EVENT_DTYPE, Trace


def test_npz_members_are_the_documented_arrays():
    columns = {"t_ns": [7, 7, 300], "op": [0, 0, 1], "size": [0, 99999, 0], "site": [1, 2, 0]}
    columns["id"] = np.array([2**64 - 1, 1, 1], np.uint64)
    trace = Trace.from_events(columns, ["", "a", "é"])
    file = io.BytesIO()
    npz.write_npz(trace, file)
    file.seek(0)
    with np.load(file, allow_pickle=False) as archive:
        arrays = {name: (str(archive[name].dtype), archive[name].tolist()) for name in archive}
    assert arrays == {
        "dt_ns": ("uint16", [7, 0, 293]),
        "id_step": ("int8", [-1, 2, 0]),
        "size": ("uint32", [0, 99999, 0]),
        "op": ("uint8", [0, 0, 1]),
        "thread": ("uint8", [0, 0, 0]),
        "site": ("uint8", [1, 2, 0]),
        "sites": ("uint8", list("\na\né".encode())),
        "meta": ("uint8", list(b"{}")),
    }


def test_numpy_itself_writes_a_file_that_is_read(tmp_path):
    arrays = {"dt_ns": np.uint64([5]), "id_step": np.int64([-2]), "size": np.uint64([9])}
    arrays.update(op=np.uint8([0]), thread=np.uint16([3]), site=np.uint32([0]))
    arrays.update(sites=np.frombuffer(b"s", "u1"), meta=np.frombuffer(b"{}", "u1"))
    for write in (np.savez, np.savez_compressed):
        write(tmp_path / "t.npz", **arrays)
        assert load_trace(tmp_path / "t.npz").events.tolist() == [(5, 2**64 - 2, 9, 0, 3, 0)]


def members(**changed):
    """Return the members of a sound file as bytes, some of them replaced, None left out."""
    arrays = {"dt_ns": np.uint16([0, 9050]), "id_step": np.int8([5, 0]), "size": np.uint8([40, 0])}
    arrays.update(op=np.uint8([0, 1]), thread=np.uint8([0, 1]), site=np.uint8([0, 0]))
    arrays.update(sites=np.frombuffer(b"app:main", "u1"), meta=np.frombuffer(b"{}", "u1"))
    arrays.update(changed)
    packed = {}
    for name, array in arrays.items():
        if isinstance(array, np.ndarray):
            file = io.BytesIO()
            np.save(file, array, allow_pickle=True)
            array = file.getvalue()
        if array is not None:
            packed[f"{name}.npy"] = array
    return packed


def zipped(packed, twice=None):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in packed.items():
            archive.writestr(name, data)
    data = file.getvalue()
    # Renamed afterwards, for zipfile warns of a name that is there twice.
    return data if twice is None else data.replace(twice[0].encode(), twice[1].encode())


def text(content):
    return np.frombuffer(content, "u1")


def npy(header, data=b"\0\0"):
    """Return a member with a header of one's own."""
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


NO_NPY = "is no header of a one-dimensional array in npy format 1.0"
SOUND = zipped(members())
NPZ_REFUSED = {
    "objects": (
        zipped(members(site=np.array([0, "x"], object))),
        ": field 'site': value '{'descr': '|O', 'fortran_order': False, ...' " + NO_NPY,
    ),
    "object_member_more": (
        zipped({**members(), "payload.npy": b"x"}),
        ": field 'directory': value '9 members, {size} bytes' is more than 8 members or "
        "4096 bytes (NPZ_DIRECTORY_BYTES_MAX)",
    ),
    "structured": (
        zipped(members(op=np.zeros(2, EVENT_DTYPE))),
        ": field 'op': value '{'descr': [('t_ns', '<i8'), ('id', '<u8'...' " + NO_NPY,
    ),
    "float": (
        zipped(members(size=np.float64([1, 2]))),
        ": field 'size': value 'f8' is no dtype for it; use u1 or u2 or u4 or u8",
    ),
    "signed": (
        zipped(members(dt_ns=np.int64([0, -1]))),
        ": field 'dt_ns': value 'i8' is no dtype for it; use u1 or u2 or u4 or u8",
    ),
    "op_too_wide": (
        zipped(members(op=np.uint16([0, 1]))),
        ": field 'op': value 'u2' is no dtype for it; use u1",
    ),
    "big_endian": (
        zipped(members(size=np.array([40, 0], ">u2"))),
        ": field 'size': value '{'descr': '>u2', 'fortran_order': False,...' " + NO_NPY,
    ),
    "two_dimensional": (
        zipped(members(size=np.uint8([[40], [0]]))),
        ": field 'size': value '{'descr': '|u1', 'fortran_order': False,...' " + NO_NPY,
    ),
    "no_dimension": (
        zipped(members(size=np.array(4, "u1"))),
        ": field 'size': value '{'descr': '|u1', 'fortran_order': False,...' " + NO_NPY,
    ),
    "header_of_deep_python": (
        zipped(members(op=npy(b"(" * 9000))),
        f": field 'op': value '{'(' * 40}...' {NO_NPY}",
    ),
    "npy_version_2": (
        zipped(members(op=b"\x93NUMPY\x02\x00" + members()["op.npy"][8:])),
        ": field 'op': value '{'descr': '|u1', 'fortran_order': False,...' " + NO_NPY,
    ),
    "no_npy": (zipped(members(op=b"")), f": field 'op': value '' {NO_NPY}"),
    "length_differs": (
        zipped(members(thread=np.uint8([0]))),
        ": field 'thread': value '1' is not the length of 'dt_ns', 2",
    ),
    "length_too_large": (
        zipped(
            members(op=npy(b"{'descr': '|u1', 'fortran_order': False, 'shape': (67108865,), }\n"))
        ),
        ": field 'op': value '67108865' is longer than the limit of 67108864 "
        "(RNS_TRACE_EVENTS_MAX)",
    ),
    "data_missing": (
        zipped(members(op=members()["op.npy"][:-1])),
        ": field 'op': value '129' is not the size of 2 elements of u1",
    ),
    "data_more": (
        zipped(members(op=members()["op.npy"] + b"\0")),
        ": field 'op': value '131' is not the size of 2 elements of u1",
    ),
    "member_missing": (zipped(members(thread=None)), ": field 'thread': member is missing"),
    "member_extra": (
        zipped({**members(thread=None), "label.npy": b"x"}),
        ": field 'directory': value 'label.npy' is no member of a trace",
    ),
    "member_twice": (
        zipped(members(), ("site.npy", "size.npy")),
        ": field 'directory': value 'size.npy' is there twice",
    ),
    "path_traversal": (
        zipped(members(), ("sites.npy", "../op.npy")),
        ": field 'directory': value '../op.npy' is no member of a trace",
    ),
    "absolute_path": (
        zipped(members(), ("sites.npy", "/site.npy")),
        ": field 'directory': value '/site.npy' is no member of a trace",
    ),
    "no_member": (zipped({}), ": field 'dt_ns': member is missing"),
    "zip_cut": (SOUND[:-30], ": zip file is cut off, or followed by something else"),
    "zip_magic_only": (b"PK", ": zip file is cut off, or followed by something else"),
    "zip_followed": (SOUND + b"x", ": zip file is cut off, or followed by something else"),
    "zip_directory_gone": (
        SOUND[:40] + SOUND[-22:],
        ": zip file is damaged (Bad offset for central directory)",
    ),
    "no_event": (
        zipped(members(**{name: np.zeros(0, d[0]) for name, d in list(npz.DTYPES.items())[:6]})),
        ": no events",
    ),
    "time_wraps_around": (
        zipped(members(dt_ns=np.uint64([9, 2**64 - 1]))),
        ": event 1: field 't_ns': value '8' is earlier than the event before it, at 9 ns",
    ),
    "time_too_large": (
        zipped(members(dt_ns=np.uint64([9, 2**63]))),
        f": event 1: field 't_ns': value '{2**63 + 9}' is outside -{2**63} to {2**63 - 1}",
    ),
    "event_wrong": (
        zipped(members(id_step=np.int8([5, 1]))),
        ": event 1: field 'id': value '6' is freed but was never allocated",
    ),
    "sites_no_utf8": (
        zipped(members(sites=text(b"a\xff"))),
        r": field 'sites': value '\xff' is not UTF-8",
    ),
    "sites_twice": (
        zipped(members(sites=text(b"a\na"))),
        ": field 'sites': value 'a' is there twice",
    ),
    "meta_no_json": (
        zipped(members(meta=text(b"{"))),
        ": field 'meta': value '{' is no JSON object of strings",
    ),
    "meta_list": (
        zipped(members(meta=text(b"[1]"))),
        ": field 'meta': value '[1]' is no JSON object of strings",
    ),
    "meta_number": (
        zipped(members(meta=text(b'{"a": 1}'))),
        ": field 'meta': value '{\"a\": 1}' is no JSON object of strings",
    ),
    "meta_deep": (
        zipped(members(meta=text(b"[" * 200_000))),
        f": field 'meta': value '{'[' * 40}...' is no JSON object of strings",
    ),
    "meta_too_long": (
        zipped(members(meta=text(b" " * (1 << 18) + b"{"))),
        ": field 'meta': value '262145' is longer than the limit of 262144 (NPZ_META_BYTES_MAX)",
    ),
    "meta_key": (
        zipped(members(meta=text(json.dumps({"a b": "c"}).encode()))),
        ": field 'provenance': value 'a b' is no key for a provenance",
    ),
}


@pytest.mark.parametrize("data, message", NPZ_REFUSED.values(), ids=NPZ_REFUSED)
def test_npz_that_breaks_a_rule_is_refused(tmp_path, data, message):
    expected = re.escape(message).replace(re.escape("{size}"), r"\d+")
    assert re.fullmatch(expected, refusal(tmp_path, data))


def test_npz_with_a_wrong_checksum_is_refused(tmp_path):
    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w", zipfile.ZIP_STORED) as archive:
        for name, data in members().items():
            archive.writestr(name, data)
    damaged = stored.getvalue().replace(b"app:main", b"app:maim")
    message = ": zip file is damaged (Bad CRC-32 for file 'sites.npy')"
    assert refusal(tmp_path, damaged) == message


@pytest.mark.parametrize("at", range(0, len(SOUND), 7))
def test_npz_with_any_byte_changed_is_read_or_refused_but_never_fails_otherwise(tmp_path, at):
    path = tmp_path / "t.npz"
    path.write_bytes(SOUND[:at] + bytes([SOUND[at] ^ 0xFF]) + SOUND[at + 1 :])
    try:
        load_trace(path)
    except TraceError as error:
        assert str(error).isprintable()


def test_a_member_that_expands_beyond_what_it_declares_is_not_expanded(tmp_path, monkeypatch):
    sound = members()["meta.npy"]
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = packer.compress(sound + bytes(50_000_000)) + packer.flush()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, data in members().items():
            archive.writestr(name, bomb if name == "meta.npy" else data)
    data = bytearray(packed.getvalue())
    for magic, method, crc in ((b"PK\3\4", 8, 14), (b"PK\1\2", 10, 16)):
        at = [m.start() for m in re.finditer(re.escape(magic), data)][-1]
        struct.pack_into("<H", data, at + method, 8)
        struct.pack_into("<3I", data, at + crc, zlib.crc32(sound), len(bomb), len(sound))
    (tmp_path / "t.npz").write_bytes(data)

    expanded = []
    inner = zlib.decompressobj

    class Counting:
        def __init__(self, *args):
            self.inner = inner(*args)

        def __getattr__(self, name):
            return getattr(self.inner, name)

        def decompress(self, *args):
            expanded.append(len(piece := self.inner.decompress(*args)))
            return piece

    monkeypatch.setattr(zipfile.zlib, "decompressobj", Counting)
    load_trace(tmp_path / "t.npz")
    assert expanded and max(expanded) <= 4096
