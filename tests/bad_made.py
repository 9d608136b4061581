"""Files that cannot lie in a repository: too large, not regular, or packed without bound."""

import functools
import gzip
import io
import os
import socket
import zipfile
import zlib

import numpy as np
import zstandard
from bad_case import Case

from pyrns_pool import errors, load_trace
from pyrns_pool.any_result import load_result
from pyrns_pool.exports import load_config
from pyrns_pool.formats import npz
from pyrns_pool.packets import load_packets
from pyrns_pool.sweep_file import load_sweep

CASES = []
HEADER = b"t_ns,op,id,size,thread,site\n"
LINE_LONG = "is the start of a line longer than "


def made(group, says, load=load_trace, error=errors.TraceError, verb=("replay",)):
    """Add a case: what the decorated function makes is read by `load`, and by a verb."""

    def add(make):
        CASES.append(Case(group, make.__name__, make, load, error, says, verb))
        return make

    return add


def written(folder, data, name="made"):
    (folder / name).write_bytes(data)
    return folder / name


# ---- What is not a file with something in it ----


@made("paths", ": is a directory")
def directory(folder):
    return folder


@made("paths", "missing: no such file")
def missing(folder):
    return folder / "missing"


@made("paths", "loop: cannot be read (Too many levels of symbolic links)")
def link_to_itself(folder):
    (folder / "loop").symlink_to("loop")
    return folder / "loop"


@made("paths", "link: no such file")
def link_to_nothing(folder):
    (folder / "link").symlink_to("nowhere")
    return folder / "link"


@made("paths", "link: is a directory")
def link_to_a_directory(folder):
    (folder / "link").symlink_to(".")
    return folder / "link"


@made("paths", "made/t.csv: cannot be read (Not a directory)")
def below_a_file(folder):
    return written(folder, HEADER) / "t.csv"


@made("paths", ": cannot be read (File name too long)")
def name_of_a_thousand_letters(folder):
    return folder / ("n" * 1000)


@made("paths", "a\\x00b: no such file: a name cannot hold a NUL", verb=None)
def name_with_nul(folder):
    return folder / "a\0b"


@made("paths", "pipe: is no regular file")
def pipe(folder):
    os.mkfifo(folder / "pipe")
    return folder / "pipe"


@made("paths", "socket: is no regular file")
def unix_socket(folder):
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(folder / "socket"))
    server.close()
    return folder / "socket"


@made("paths", "/dev/zero: is no regular file")
def endless_device(folder):
    return "/dev/zero"


@made("paths", "/dev/null: is no regular file")
def empty_device(folder):
    return "/dev/null"


@made("paths", "/proc/self/mem: cannot be read (Input/output error)")
def unreadable(folder):
    """Permissions do not keep root out; this file opens, and its first byte does not read."""
    return "/proc/self/mem"


@made("paths", "a\\n\\x1b[2Jb: no such file")
def name_that_clears_the_screen(folder):
    return folder / "a\n\x1b[2Jb"


# ---- A line of a gigabyte, which is to be read no further than the limit of a line ----

GIGABYTE = 1 << 30
STARTS = {
    "trace": (b"", ":1: value '\\x00"),
    "row": (HEADER + b"0,a,0,", ":2: value '0,a,0,\\x00"),
    "comment": (b"#", ":1: value '#\\x00"),
    "mtrace": (b"= Start\n", ":2: value '\\x00"),
    "heaptrack": (b"v 10400 3\n", ":2: value '\\x00"),
    "valgrind": (b"--7-- malloc(8) = 0x1\n", ":2: value '\\x00"),
    "profile": (b"size,alloc_rate,num_live\n", ":2: value '\\x00"),
    "heap_trace": (b"== Heap Trace: 2 records (9 capacity) ==\n", ":2: value '\\x00"),
    "systemview": (b'{"events": [', ": text is longer than 134217728 bytes (JSON_BYTES_MAX)"),
    "gzip": (b"\x1f\x8b", ": gzip data are damaged (unknown compression method)"),
    "zip": (b"PK\3\4", ": zip file is cut off, or followed by something else"),
    "zstd": (b"\x28\xb5\x2f\xfd", ": zstd data hold no text for 1048576 bytes (SILENT_BYTES_MAX)"),
}


def long_line(start, folder):
    """Return a file that takes no room on the disk."""
    path = written(folder, start)
    os.truncate(path, GIGABYTE)
    return path


for form, (start, says) in STARTS.items():
    each = functools.partial(long_line, start)
    each.__name__ = f"gigabyte_line_{form}"
    made("long", says)(each)


@made("long", ": is longer than 134217728 bytes (LINE_BYTES_MAX)")
def gigabyte_of_device_records(folder):
    path = written(folder, b"~")
    os.truncate(path, GIGABYTE + 1)
    return path


@made(
    "long", ": is longer than 1048576 bytes", load_config, errors.ConfigError, ("soak", "--config")
)
def gigabyte_of_configuration(folder):
    return long_line(b"", folder)


@made(
    "long",
    ": is longer than 1048576 bytes",
    load_sweep,
    errors.SweepError,
    ("sweep", "-o", "never"),
)
def gigabyte_of_sweep(folder):
    return long_line(b"", folder)


@made("long", "is not the header line 't_s,dir,type", load_packets, verb=("node",))
def gigabyte_of_packets(folder):
    return long_line(b"", folder)


# ---- Depth ----


@made("depth", ": is no JSON (maximum recursion depth exceeded")
def json_of_100000_brackets(folder):
    return written(folder, b'{"a":' + b"[" * 100_000)


@made("depth", ": is no TOML: ", load_config, errors.ConfigError, ("soak", "--config"))
def configuration_of_100000_brackets(folder):
    return written(folder, b"a = " + b"[" * 100_000)


@made("depth", ": is no TOML: ", load_sweep, errors.SweepError, ("sweep", "-o", "never"))
def sweep_of_100000_brackets(folder):
    return written(folder, b"a = " + b"[" * 100_000)


@made(
    "depth",
    ": has a key of more than 8 parts (KEY_PARTS_MAX)",
    load_config,
    errors.ConfigError,
    ("soak", "--config"),
)
def configuration_of_100000_dots(folder):
    return written(folder, b"a." * 100_000 + b"a = 1")


# ---- Bombs ----


def packed(pieces, level=1):
    """Return the gzip data of a text that is never in memory as a whole."""
    packer = zlib.compressobj(level, wbits=31)
    return b"".join([*map(packer.compress, pieces), packer.flush()])


@made("bombs", ": gzip data expand more than 200 times (TRACE_GZIP_RATIO_MAX)")
def gzip_of_equal_rows(folder):
    return written(folder, packed([HEADER, *[b"0,f,0,,0,\n" * 100_000] * 40], 9))


@made("bombs", ":1: value '\\x00")
def gzip_of_zeros(folder):
    return written(folder, packed([bytes(1 << 20)] * 64))


@made("bombs", ":1: value '\\x1f\\x8b")
def gzip_in_gzip(folder):
    return written(folder, gzip.compress(packed([bytes(1 << 20)] * 64)))


@made("bombs", ": field 'directory': value 'bomb.zip' is no member of a trace")
def zip_in_zip(folder):
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(32 << 20))
    with zipfile.ZipFile(folder / "t.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.zip", inner.getvalue())
    return folder / "t.npz"


@made("bombs", ":1: value '\\x00")
def zstd_of_zeros(folder):
    packer = zstandard.ZstdCompressor(level=3).compressobj()
    data = b"".join([*(packer.compress(bytes(1 << 20)) for _ in range(64)), packer.flush()])
    return written(folder, data)


@made("bombs", LINE_LONG + "2048 bytes")
def zstd_of_one_row(folder):
    packer = zstandard.ZstdCompressor(level=3).compressobj()
    pieces = [HEADER + b"0,a,0,1,0,", *[b"s" * (1 << 20)] * 64]
    return written(folder, b"".join([*map(packer.compress, pieces), packer.flush()]))


def bomb_of_members(folder, members):
    """Return an NPZ file whose members are zeros, packed a thousand times smaller."""
    path = folder / "t.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, (dtype, length) in members.items():
            header = io.BytesIO()
            np.lib.format.write_array_header_1_0(
                header, {"descr": np.dtype(dtype).str, "fortran_order": False, "shape": (length,)}
            )
            with archive.open(f"{name}.npy", "w") as member:
                member.write(header.getvalue())
                left = length * np.dtype(dtype).itemsize
                while left:
                    left -= member.write(bytes(min(left, 1 << 20)))
    return path


@made("bombs", ": members expand more than 200 times (MEMBERS_RATIO_MAX)")
def npz_of_sixteen_million_equal_events(folder):
    lengths = dict.fromkeys(npz.DTYPES, 1 << 24) | {"sites": 1, "meta": 2}
    return bomb_of_members(
        folder, {name: (npz.DTYPES[name][0], lengths[name]) for name in lengths}
    )


@made(
    "bombs",
    "members expand more than 200 times (MEMBERS_RATIO_MAX)",
    load_result,
    errors.ResultError,
    ("plot",),
)
def result_of_zeros(folder):
    return bomb_of_members(folder, {"values": ("u1", 1 << 24), "bins": ("u8", 1 << 24)})


@made("bombs", ": field 'directory': value '9 members")
def npz_of_a_member_more(folder):
    with zipfile.ZipFile(folder / "t.npz", "w") as archive:
        for number in range(9):
            archive.writestr(f"{number}.npy", b"")
    return folder / "t.npz"


@made("bombs", ": field 'directory': value '65535 members")
def npz_of_65535_members(folder):
    with zipfile.ZipFile(folder / "t.npz", "w") as archive:
        for number in range(65535):
            info = zipfile.ZipInfo(f"{number}")
            archive.writestr(info, b"")
    return folder / "t.npz"


# ---- Results, whose form changes with the package ----


def result_with(folder, **members):
    np.savez(folder / "result.npz", **members)
    return folder / "result.npz"


def refused_result(says):
    return made(
        "results",
        f"result.npz: not a result of pyrns_pool ({says}",
        load_result,
        errors.ResultError,
        ("plot",),
    )


@refused_result("Object arrays cannot be loaded when allow_pickle=False)")
def objects(folder):
    return result_with(folder, values=np.array([print, None], object))


@refused_result("File is not a zip file)")
def result_of_text(folder):
    return written(folder, b"requests,hits\n", "result.npz")


@refused_result("its format is 'pyrns_pool replay 999')")
def result_of_another_version(folder):
    text = b'{"format": "pyrns_pool replay 999"}'
    return result_with(folder, values=np.frombuffer(text, np.uint8))


@refused_result("values is >i8)")
def result_of_another_byte_order(folder):
    return result_with(folder, values=np.zeros(3, ">i8"))


@refused_result("'values')")
def result_without_values(folder):
    return result_with(folder, bins=np.zeros(3))


@made("results", "result.npz: no such file", load_result, errors.ResultError, ("plot",))
def result_of_an_empty_directory(folder):
    return folder
