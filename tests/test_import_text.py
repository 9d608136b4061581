"""Text of other tools, made up: what each line means, against a slow reading.

The files that the tools themselves write are in test_import_tools.py, broken ones in
tests/data/bad/recordings.
"""

import re
from unittest import mock

import pytest
import recorders
from hypothesis import given
from hypothesis import strategies as st

from pyrns_pool import ImportOptions, load_trace, save_trace
from pyrns_pool.formats import files
from pyrns_pool.formats.scan import NO_CALLER, read_rows
from pyrns_pool.trace import OP_ALLOC

FIELDS = {"+": ("address", "size"), "-": ("address",), "t": ("a", "b", "c")}

# The C reader of frequent lines.


def model_rows(text):
    """Return rows, callers and the other lines, by regular expressions."""
    rows, callers, others = [], [], []
    for number, line in enumerate(text.split(b"\n")[:-1], start=1):
        line = line[:-1] if line.endswith(b"\r") else line
        match = re.fullmatch(rb"(?:@ (.*?\]) )?([-+t])((?: (?:0x)?[0-9a-fA-F]{1,16}){1,3})", line)
        if match is None:
            others.append((line, number))
            continue
        caller = NO_CALLER
        if match[1] is not None:
            callers += [] if match[1] in callers else [match[1]]
            caller = callers.index(match[1])
        values = [int(word, 16) for word in match[3].split()]
        rows.append((values + [0] * (3 - len(values)), number, caller, match[2], len(values)))
    return rows, callers, others


lines = st.sampled_from(
    [b"+ 1f4 a", b"+ 0x0 FFFFFFFFFFFFFFFF", b"- 5575cdff43d0", b"t 1 0 2", b"@ ./w:[0x1] - 0x7f"]
    + [b"@ a b:(f+0x2)[0x1] + 0x7f 0x10", b"@ ./w:[0x1] + 1 2\r", b"= Start", b"", b"\r", b"x a"]
    + [b"@ no end", b"@ [1]", b"@ [1] ", b"\0 1", b"s 3 abc", b"@ ] - 1"]
)


@given(st.lists(lines, max_size=12), st.integers(1, 40))
def test_rows_and_other_lines_do_not_depend_on_how_the_text_is_cut(tmp_path_factory, drawn, piece):
    text = b"".join(line + b"\n" for line in drawn)
    path = tmp_path_factory.getbasetemp() / "lines.txt"
    path.write_bytes(text)
    others = []
    rows, callers, other = model_rows(text)
    if not text:
        return
    with mock.patch.object(files, "CHUNK_BYTES", piece), mock.patch.object(
        __import__("pyrns_pool.formats.scan", fromlist=["x"]), "BLOCK_ROWS", 3
    ), mock.patch("pyrns_pool.formats.scan._require_counts"):
        table, names = read_rows(path, "x", FIELDS, lambda *line: others.append(line) is None)
    assert others == other and [name.encode() for name in names] == callers
    columns = ("value", "line", "caller", "letter", "value_count")
    read = [tuple(row[name] for name in columns) for row in table]
    assert [(list(v), n, c, bytes([k]), m) for v, n, c, k, m in read] == rows


# What lines mean.


@st.composite
def histories(draw):
    """Draw (is free, address, size) of allocations and frees that fit together."""
    events, live = [], []
    for _ in range(draw(st.integers(1, 25))):
        if live and draw(st.booleans()):
            events.append((True, live.pop(draw(st.integers(0, len(live) - 1))), 0))
        else:
            free = st.integers(1, 9).filter(lambda address: address not in live)
            live.append(draw(free) if len(live) < 9 else 100 + len(events))
            events.append((False, live[-1], draw(st.sampled_from([8, 16, 2**36]))))
    return events


def triples(trace):
    return [
        (op != OP_ALLOC, int(id_), int(size))
        for op, id_, size in trace.events[["op", "id", "size"]]
    ]


@given(histories())
def test_mtrace_and_raw_heaptrack_say_what_happened(tmp_path_factory, events):
    folder = tmp_path_factory.getbasetemp()
    mtrace = ["= Start"] + [
        f"@ ./w:[0x{size:x}] - {address:#x}"
        if is_free
        else f"@ ./w:[0x{size:x}] + {address:#x} {size:#x}"
        for is_free, address, size in events
    ]
    raw = ["v 10400 3", "x 3 /w x", "m 1 x 1000 0 fff", "t 1234 0", "t 1300 1", "c a"] + [
        f"- {address:x}" if is_free else f"+ {size:x} {1 + size % 3 % 2} {address:x}"
        for is_free, address, size in events
    ]
    for name, text in (("mtrace", mtrace), ("heaptrack raw", raw)):
        path = folder / "history.txt"
        path.write_text("\n".join(text) + "\n")
        trace = load_trace(path)
        assert triples(trace) == events and trace.provenance["format"] == name


@given(histories())
def test_guessed_frees_are_of_the_oldest_block_of_their_kind(tmp_path_factory, events):
    sizes = sorted({size for is_free, _, size in events if not is_free})
    size_of, queues, expected = {}, {size: [] for size in sizes}, []
    text = ["v 10400 3", "s 1 w", "s 4 main", "i 10 1 2 1 5", "t 1 0"]
    text += [f"a {size:x} 1" for size in sizes]
    for number, (is_free, address, size) in enumerate(events):
        if is_free:
            size = size_of[address]
            expected.append(queues[size].pop(0))
        else:
            size_of[address] = size
            queues[size].append(number)
            expected.append(number)
        text.append(f"{'-' if is_free else '+'} {sizes.index(size):x}")
    path = tmp_path_factory.getbasetemp() / "guess.txt"
    path.write_text("\n".join(text) + "\n")
    trace = load_trace(path)
    assert trace.events["id"].tolist() == expected and not trace.has_identity
    assert trace.sites == ("w:main",)


def load(tmp_path, text, **options):
    path = tmp_path / "text"
    path.write_text(text)
    return load_trace(path, options=ImportOptions(**options))


def test_heaptrack_time_is_that_of_the_last_tick(tmp_path):
    text = "v 10400 3\nx 1 w\nt 10 0\n+ 8 1 1\nc a\n+ 8 1 2\n+ 8 1 3\nc 1f\n- 1\nR 5\n"
    assert load(tmp_path, text).events["t_ns"].tolist() == [0, 10**7, 10**7, 31 * 10**6]


def test_a_raw_site_is_the_offset_in_its_module_outside_the_cpp_library(tmp_path):
    text = (
        "v 10400 3\nx 6 /b/app\nm 1 -\nm 1 x 1000 0 100 200 50\n"
        "m 13 /lib/libstdc++.so.6 5000 0 fff\n"
        "t 1010 0\nt 5010 1\nt 5020 2\nt 9999 1\nt 1210 0\nt 1150 0\nt 5030 0\n"
    ) + "".join(f"+ 8 {stack} {stack}\n" for stack in range(8))
    trace = load(tmp_path, text)
    assert [trace.sites[site] for site in trace.events["site"]] == [
        "",
        *["app:0x10"] * 3,
        "0x9999",
        "app:0x210",
        "0x1150",
        "libstdc++.so.6:0x30",
    ]


def test_mtrace_names_the_function_where_the_caller_has_one(tmp_path):
    text = "= Start\n" + "".join(
        f"@ {caller} + {n} 0x8\n"
        for n, caller in enumerate(
            ["./a b/w:(main+0x12)[0x11c0]", "/lib/libc.so.6:[0x99]", "[0x7]"]
        )
    )
    trace = load(tmp_path, text + "+ 0x9 0x1\n@ ./w:[0x1] + (nil) 0x99999\n= End\n")
    assert [trace.sites[site] for site in trace.events["site"]] == [
        "w:main",
        "libc.so.6:0x99",
        "0x7",
        "",
    ]
    assert trace.provenance["failed"] == "1"


def test_valgrind_calls_of_every_shape(tmp_path):
    calls = """==9== Memcheck
the program's own line: malloc(5) = 0x1
--9-- REDIR: 0x4 (libc.so.6:malloc) redirected
--9-- malloc(100) = 0xA0
--9-- calloc(4,25) = 0xB0
--9-- memalign(al 64, size 512) = 0xC0
--9-- _ZnwmSt11align_val_t(size 64, al 64) = 0xD0
--9-- realloc(0xA0,7) = 0xA8
--9-- realloc(0x0,40)malloc(40) = 0xE0
--9-- realloc(0xB0,0)free(0xB0)
--9--  = 0
--9-- malloc_usable_size(0xC0)calloc(0,4) = 0xF0
--9-- malloc(99999999999) = 0x0
--9-- realloc(0xE0,99999999999) = 0x0
--9-- free(0x0)
--9-- _ZdlPvm(0xD0)
"""
    assert triples(load(tmp_path, calls)) == [
        (False, 0xA0, 100),
        (False, 0xB0, 100),
        (False, 0xC0, 512),
        (False, 0xD0, 64),
        (True, 0xA0, 0),
        (False, 0xA8, 7),
        (False, 0xE0, 40),
        (True, 0xB0, 0),
        (False, 0xF0, 0),
        (True, 0xD0, 0),
    ]


def test_systemview_heap_events_have_time_task_and_caller():
    trace = load_trace(recorders.DATA / "systemview.json")
    assert (trace.has_time, trace.has_identity, len(trace)) == (True, True, 8)
    assert trace.events["t_ns"].tolist() == [
        122_624_900,
        122_660_375,
        122_971_500,
        123_638_125,
        123_677_700,
        123_936_825,
        123_989_450,
        124_003_700,
    ]
    assert triples(trace)[1:4] == [(False, 0x3FFBAF94, 10), (True, 0x3FFBAF94, 0)] + [
        (False, 0x3FFBAF94, 10)
    ]
    assert trace.events["thread"].tolist() == [0, 0, 1, 2, 2, 3, 3, 4]
    assert trace.sites[trace.events["site"][0]] == "alloc0:0x400d3bb4"
    assert len(trace.top_sites()) == 6


def test_a_heap_trace_has_sizes_sites_and_survivors_but_no_times_of_frees(tmp_path):
    path = recorders.DATA / "heap_trace.txt"
    trace = load_trace(path)
    assert (trace.has_time, trace.has_identity, trace.has_free_times) == (False, True, False)
    assert trace.block_sizes.tolist() == [16, 16, 428, 428, 4096]
    assert [trace.sites[site] for site in trace.events["site"][:5]] == [
        *["0x4010a09b"] * 2,
        *["Internal:0x400d27c1"] * 2,
        "PSRAM:0x400d2910",
    ]
    assert int(trace.live_curve()[0][-1]) == 4540  # As the dump itself says.
    save_trace(trace, tmp_path / "t.npz")
    again = load_trace(tmp_path / "t.npz")
    assert not again.has_free_times
    with pytest.raises(ValueError, match="does not say when blocks were freed, as a curve needs"):
        again.require_identity("a curve")


def test_the_cycle_counter_of_each_cpu_wraps_by_itself():
    options = ImportOptions(cpu_mhz=240.0)
    trace = load_trace(recorders.DATA / "heap_trace.txt", options=options)
    cycles = [0, 0x419D5680 - 0x419D1CF8]
    cycles += [cycles[1], cycles[1] + 0x20, cycles[1] + 0x800]
    expected = [int(count * 1000 / 240) for count in cycles]
    assert trace.has_time and trace.events["t_ns"][:5].tolist() == expected
    assert trace.events["thread"][:5].tolist() == [1, 1, 0, 0, 1]


PROFILE = "# fleet\nsize,alloc_rate,num_live\n64,1200,35.5\n1024,80,4\n32,0,7\n"


def test_a_profile_gives_the_rates_and_live_blocks_that_it_names(tmp_path):
    trace = load(tmp_path, PROFILE, duration_s=200.0, seed=3)
    assert trace.provenance["recorder"].startswith("synthetic") and trace.provenance["seed"] == "3"
    live = {}
    for size in (64, 1024, 32):
        row = trace.filter(site=f"profile:{size}")
        t_ns, blocks = row.events["t_ns"], row.live_curve()[1]
        until = list(t_ns[1:]) + [200 * 10**9]
        spans = [end - begin for begin, end in zip(t_ns, until)]
        live[size] = sum(map(int.__mul__, map(int, spans), map(int, blocks))) / 200e9
        drawn = int((row.events["t_ns"][row.alloc_rows] > 0).sum())
        rate = {64: 1200, 1024: 80, 32: 0}[size]
        assert abs(drawn - 200 * rate) <= 5 * (200 * rate) ** 0.5  # Five standard deviations.
    assert live[64] == pytest.approx(35.5, rel=0.05) and live[1024] == pytest.approx(4, rel=0.15)
    assert load(tmp_path, PROFILE, duration_s=200.0, seed=3) == trace
    assert load(tmp_path, PROFILE, duration_s=200.0, seed=4) != trace


def test_a_setting_out_of_range_is_named():
    for setting, value in (("pairing", "lifo"), ("cpu_mhz", 0.0), ("seed", -1), ("seed", 1 << 64)):
        with pytest.raises(ValueError, match=f"field '{setting}': value '{value}' is n"):
            ImportOptions(**{setting: value})
    for value in (float("nan"), float("inf"), 0.0, 1e7, 10**400):
        with pytest.raises(ValueError, match="is not above 0 and up to 1,000,000"):
            ImportOptions(duration_s=value)
