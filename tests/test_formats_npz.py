"""NPZ: what its members are, and that damaged files are refused unexpanded.

Those that break a rule of the form are in tests/data/bad/npz.
"""

import io
import re
import struct
import zipfile
import zlib

import numpy as np
import pytest
from refusals import refusal

from pyrns_pool.errors import TraceError
from pyrns_pool.formats import load_trace, npz
from pyrns_pool.trace import Trace


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


def members():
    """Return the members of a sound file as bytes."""
    arrays = {"dt_ns": np.uint16([0, 9050]), "id_step": np.int8([5, 0]), "size": np.uint8([40, 0])}
    arrays.update(op=np.uint8([0, 1]), thread=np.uint8([0, 1]), site=np.uint8([0, 0]))
    arrays.update(sites=np.frombuffer(b"app:main", "u1"), meta=np.frombuffer(b"{}", "u1"))
    packed = {}
    for name, array in arrays.items():
        file = io.BytesIO()
        np.save(file, array)
        packed[f"{name}.npy"] = file.getvalue()
    return packed


def zipped(compression):
    """Return a sound file."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, data in members().items():
            archive.writestr(name, data)
    return file.getvalue()


SOUND = zipped(zipfile.ZIP_DEFLATED)


def test_npz_with_a_wrong_checksum_is_refused(tmp_path):
    damaged = zipped(zipfile.ZIP_STORED).replace(b"app:main", b"app:maim")
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
