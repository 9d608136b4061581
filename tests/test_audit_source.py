"""Audit of source: libclang over C and C++ whose allocations are known."""

import os
import shutil
from collections import Counter
from pathlib import Path

import cbuild
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pyrns_pool as rp
from pyrns_pool.audit import audit_source, source_files
from pyrns_pool.audit.source_words import word_sites
from pyrns_pool.errors import AuditError

FIXTURE = Path(__file__).parent / "data" / "source"
HOT = ("Transport::inbound", "Transport::outbound")

# Every place of the fixture: kind, what, bytes of the block, bytes of an element or node, class.
# The sizes are those of 32-bit ARM and libstdc++, counted by hand from the declarations.
PLACES = """
Bytes.cpp:6            new              RNS::Data                  12    -   per-packet high
Bytes.cpp:8            growth           vector::reserve            -     1   per-packet high
Bytes.cpp:10           control block    shared_ptr<RNS::Data>      -     -   per-packet high
Bytes.cpp:18           construction     vector::copy               -     1   unknown    low
Bytes.cpp:18           shared_ptr(new)  RNS::Data                  12    -   unknown    medium
Bytes.cpp:24           growth           vector::insert             -     1   per-packet high
Bytes.cpp:29           growth           vector::insert             -     1   unknown    low
Bytes.cpp:36           growth           basic_string::operator+=   -     1   unknown    medium
Bytes.cpp:37           growth           basic_string::operator+=   -     1   unknown    medium
Link.h:9               growth           vector::push_back          -     -   unknown    low
Link.h:10              new              T                          -     -   unknown    low
Link.h:13              unbounded        vector                     -     -   unknown    high
Link.h:27              new[]            uint8_t                    -     -   unknown    low
PSRAMAllocator.h:9     malloc           heap_caps_malloc           -     -   unknown    low
Packet.cpp:7           shared_ptr(new)  RNS::Packet::Object        572   -   per-packet high
Packet.cpp:13          new[]            uint8_t                    500   -   per-packet high
SerialInterface.cpp:8  malloc           malloc                     2048  -   startup    critical
SerialInterface.cpp:16 malloc           malloc                     -     -   per-packet high
SerialInterface.cpp:17 growth           list::push_back            20    20  per-packet high
SerialInterface.cpp:19 growth           ?::push_back               -     -   per-packet high
SerialInterface.cpp:19 new              Bytes                      -     -   per-packet high
Transport.cpp:10       growth           vector::reserve            32    8   startup    low
Transport.cpp:14       malloc           heap_caps_malloc           65536 -   startup    low
Transport.cpp:15       growth           vector::push_back          -     8   startup    low
Transport.cpp:15       make_shared      RNS::SerialInterface       -     -   startup    low
Transport.cpp:22       make_unique      RNS::Packet                8     -   per-packet high
Transport.cpp:26       growth           set::insert                20    20  per-packet high
Transport.cpp:30       growth           deque::push_back           -     4   per-packet high
Transport.cpp:35       construction     vector::constructor        -     1   per-packet high
Transport.cpp:56       growth           map::operator[]            32    32  unknown    low
Transport.cpp:57       growth           map::operator[]            56    56  unknown    low
Transport.cpp:63       construction     basic_string::constructor  -     1   unknown    low
Transport.cpp:63       growth           vector::push_back          -     24  unknown    medium
Transport.h:31         unbounded        map                        56    -   unknown    high
Transport.h:34         unbounded        map                        32    -   unknown    high
Transport.h:35         unbounded        set                        20    -   per-packet high
log.c:13               malloc           strdup                     -     -   unknown    low
log.c:17               malloc           calloc                     64    -   startup    low
"""


@pytest.fixture(scope="module")
def findings():
    return audit_source(FIXTURE, HOT)


def rows_of(findings):
    """Return the findings as rows of the table above."""

    def cell(value):
        return "-" if value is None else str(value)

    return sorted(
        [
            item.where.removeprefix("src/"),
            item.evidence["kind"],
            item.evidence["what"],
            cell(item.size_max_bytes),
            cell(item.evidence.get("element_bytes")),
            item.frequency,
            item.severity,
        ]
        for item in findings
    )


def table(text):
    rows = []
    for line in text.strip().splitlines():
        words = line.replace("control block", "control_block").split()
        rows.append([word.replace("control_block", "control block") for word in words])
    return sorted(rows)


def test_every_place_of_the_fixture_is_found_and_nothing_else(findings):
    rows = rows_of(findings)
    print(f"{len(rows)} places, {Counter(row[1] for row in rows)}")
    assert rows == table(PLACES)


def test_places_are_counted_by_class_and_by_kind(findings):
    assert Counter(item.module for item in findings) == {
        "RNS::Transport": 15,
        "RNS::Bytes": 9,
        "RNS::SerialInterface": 5,
        "RNS::Window": 3,
        "RNS::Packet": 2,
        "RNS::Link": 1,
        "PSRAMAllocator": 1,
        "src/log": 2,
    }
    assert findings.counts == {"critical": 1, "high": 18, "medium": 4, "low": 15}
    in_loop = {item.where for item in findings if item.evidence.get("in_loop")}
    assert in_loop == {"src/Bytes.cpp:36", "src/Bytes.cpp:37", "src/Transport.cpp:63"}


def test_what_is_not_resolved_is_said(findings):
    words = [item.where for item in findings if item.evidence.get("resolved") == 0]
    assert words == ["src/SerialInterface.cpp:19"] * 2
    text = (
        "2 places were found by their words alone. Missing: <Arduino.h>, HardwareSerial, String."
    )
    assert any(text in line for line in findings.summary)


def test_a_container_with_an_allocator_of_psram_is_verified_and_others_are_missing(findings):
    states = {check.note.partition(":  ")[0]: check.state for check in findings.regions}
    found = Counter(check.state for check in findings.regions)
    assert found == {"missing": 6, "verified": 1}, states
    (verified,) = (check for check in findings.regions if check.state == "verified")
    assert verified.where == "src/Transport.h:34" and verified.region == "psram"
    assert "_known" in verified.note


def test_fixed_pools_have_their_slots_and_what_they_do_when_full(findings):
    found = {pool.name.split()[0]: pool for pool in findings.pools}
    assert {
        name: (pool.slots, pool.slot_bytes, pool.overflow) for name, pool in found.items()
    } == {
        "RNS::Packet::Object::frame": (500, 1, "not seen in the source"),
        "RNS::Packet::_pool": (24, 572, "returns nullptr (ObjectPool::allocate)"),
        "RNS::Transport::_announces": (8, 32, "returns nullptr (RNS::Transport::add_announce)"),
        "RNS::Transport::_hashlist": (64, 32, "overwrites the oldest (RNS::Transport::remember)"),
        "lines": (16, 80, "overwrites the oldest (log_line)"),
    }


def test_without_hot_entry_points_nothing_is_per_packet(findings):
    cold = audit_source(FIXTURE)
    assert {item.frequency for item in cold} == {"startup", "unknown"}
    assert {item.where for item in cold} == {item.where for item in findings}


def test_rules_name_region_and_class_of_a_function():
    rules = rp.Rules(
        regions=(("SerialInterface::start", "psram"),), frequencies=(("log_*", "per-link"),)
    )
    found = {item.where: item for item in audit_source(FIXTURE, HOT, rules)}
    assert found["src/SerialInterface.cpp:8"].region == "psram"
    assert found["src/SerialInterface.cpp:8"].severity == "low"
    assert found["src/log.c:13"].frequency == found["src/log.c:17"].frequency == "per-link"


def test_core_and_node_of_this_library_allocate_nothing(tmp_path):
    for part in ("port", "core", "node"):
        shutil.copytree(cbuild.ROOT / "csrc" / part, tmp_path / part)
    result = audit_source(tmp_path)
    print(result.summary[0])
    functions = int(result.summary[0].split(" with ")[1].split()[0])
    assert functions > 300 and len(result) == 0
    with open(tmp_path / "core" / "rns_pool.c", "a", encoding="utf-8") as source:
        source.write("void* planted(rns_pool_t* pool) { return malloc(sizeof(*pool)); }\n")
    (planted,) = audit_source(tmp_path)
    assert planted.symbol == "planted" and planted.size_max_bytes is not None


def test_fifty_files_are_read_with_progress(tmp_path):
    copies = 6
    for number in range(copies):
        for path in (FIXTURE / "src").iterdir():
            text = path.read_text().replace("RNS", f"RNS{number}").replace('.h"', f'{number}.h"')
            (tmp_path / f"{path.stem}{number}{path.suffix}").write_text(text)
    steps = []
    result = audit_source(tmp_path, progress=steps.append)
    files = len(list(tmp_path.iterdir()))
    print(f"{files} files, {len(result)} findings, {len(steps)} steps")
    assert files >= 50 and len(result) == copies * len(table(PLACES))
    assert steps == sorted(steps) and steps[-1] == 1.0 and len(set(steps)) >= 5 * copies


def tree_of(tmp_path, **files):
    for name, text in files.items():
        path = tmp_path / name.replace("__", "/").replace("_cpp", ".cpp").replace("_h", ".h")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


def places(result):
    return [(item.where, item.evidence["kind"], item.evidence["what"]) for item in result]


def test_virtual_calls_and_constructors_that_the_library_calls_are_reached(tmp_path):
    source = """
struct Base { virtual ~Base(); virtual void run() = 0; };
struct Sub : Base { Sub() { mine = new char[3]; } void run() override { other = new char[4]; }
    char *mine, *other; };
struct Alone { Alone() { mine = new char[5]; } char* mine; };
void hot(Base& base, std::vector<Alone>& list) { base.run(); list.emplace_back(); }
void cold() { auto sub = std::make_shared<Sub>(); }
"""
    result = audit_source(tree_of(tmp_path, a_cpp=source), ["hot"])
    found = {item.size_max_bytes: item.frequency for item in result if "new" in item.pattern}
    assert found == {3: "unknown", 4: "per-packet", 5: "per-packet"}


def test_placement_new_moves_and_short_text_allocate_nothing(tmp_path):
    source = """
char room[64];
void* f() { return new (room) int(3); }
std::vector<int> g(std::vector<int> v) { return std::move(v); }
std::string h() { return "short"; }
void clear(std::vector<int>& v) { v.clear(); v.pop_back(); v[0] = 3; }
struct Own { void push_back(int); void reserve(int); static Own* make_shared(); };
void i(Own& own) { own.push_back(3); own.reserve(3); }
"""
    assert places(audit_source(tree_of(tmp_path, a_cpp=source))) == []


def test_the_kinds_are_told_apart(tmp_path):
    source = """#include <not/here.h>
struct Node { int value[3]; };
void f(size_t n) {
    auto a = new Node;
    auto b = new (std::nothrow) Node[5];
    auto c = std::make_unique<uint8_t[]>(300);
    auto d = std::allocate_shared<Node>(std::allocator<Node>());
    std::shared_ptr<Node> e;
    e.reset(new Node());
    auto g = realloc(a, 3 * sizeof(Node));
    auto h = std::to_string(3) + "x";
    std::unordered_map<uint16_t, uint64_t> m;
    m.insert({1, 2});
    std::vector<Node> v;
    v
        .resize(7);
    std::vector<Node> w = v;
    w = v;
    std::forward_list<uint64_t> l;
    l.push_front(1);
}
"""
    result = audit_source(tree_of(tmp_path, a_cpp=source))
    found = {int(item.where.partition(":")[2]): item for item in result}
    assert {
        line: (item.evidence["kind"], item.size_max_bytes) for line, item in found.items()
    } == {
        4: ("new", 12),
        5: ("new[]", 60),
        6: ("make_unique", 300),
        7: ("make_shared", 12),
        9: ("shared_ptr(new)", 12),
        10: ("malloc", 36),
        11: ("construction", None),
        13: ("growth", 24),
        15: ("growth", 84),
        17: ("construction", None),
        18: ("growth", None),
        20: ("growth", 16),
    }


def test_a_container_without_bound_is_worse_if_nothing_takes_out(tmp_path):
    source = """
std::vector<int> kept, drained, bounded;
void add(int n) { kept.push_back(n); drained.push_back(n);
    if (bounded.size() < 3) bounded.push_back(n); }
void drain() { drained.clear(); }
"""
    result = audit_source(tree_of(tmp_path, a_cpp=source))
    found = {
        item.problem.split()[0]: item.severity
        for item in result
        if item.evidence["kind"] == "unbounded"
    }
    assert found == {"kept": "high", "drained": "medium"}


def test_headers_that_no_source_includes_are_read_too(tmp_path):
    files = {"a_cpp": '#include "b.h"\n', "b_h": "int* f() { return new int; }\n"}
    files["inc__c_h"] = "inline int* g() { return new int; }\n"
    result = audit_source(tree_of(tmp_path, **files))
    assert {item.where for item in result} == {"b.h:1", "inc/c.h:1"}


def test_compile_commands_give_macros_folders_and_target(tmp_path):
    tree = (
        tree_of(
            tmp_path / "tree",
            a_cpp="#include <x.h>\n#ifdef BIG\nvoid* f() { return new X; }\n#endif\n",
        )
        if (tmp_path / "tree").mkdir() is None
        else None
    )
    (tmp_path / "x.h").write_text("struct X { void* next[2]; };\n")
    assert len(audit_source(tree)) == 0
    for command, size in (("-std=c++11", 8), ("--target=aarch64-linux-gnu", 16)):
        commands = tmp_path / "commands.json"
        line = f"g++ -c -O2 -DBIG {command} -I.. -o a.o a.cpp"
        commands.write_text(f'[{{"directory": "{tree}", "file": "a.cpp", "command": "{line}"}}]')
        (item,) = audit_source(tree, compile_commands=commands)
        assert item.size_max_bytes == size


@pytest.mark.parametrize(
    "text, words",
    [
        ("{", "no compile commands (Expecting"),
        ('[{"file": "a.cpp"}]', "'directory'"),
        (None, "no such file"),
    ],
)
def test_broken_compile_commands_are_one_line(tmp_path, text, words):
    path = tmp_path / "commands.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(AuditError) as error:
        audit_source(FIXTURE, compile_commands=path)
    assert words in str(error.value) and str(error.value).startswith(str(path))


def test_what_cannot_be_audited_is_refused(tmp_path):
    for directory, words in ((tmp_path / "no", "no such directory"), (tmp_path, "no C or C++")):
        with pytest.raises(AuditError, match=words.replace("+", r"\+")):
            audit_source(directory)
    with pytest.raises(AuditError, match="hot: 'Transport::nothing' matches none of 36 functions"):
        audit_source(FIXTURE, ["Transport::nothing"])


def test_broken_code_and_bytes_that_are_no_text_are_read_as_far_as_they_go(tmp_path):
    (tmp_path / "a.cpp").write_bytes(b"void f( { new int[3]; }}}} \xff\xfe\x00 malloc(3) \\")
    (tmp_path / "b.cpp").write_bytes(b"void g() { free(malloc(3)); }")
    result = audit_source(tmp_path)
    assert "b.cpp:1" in {item.where for item in result}


def test_a_crash_of_libclang_costs_one_file(tmp_path, monkeypatch):
    for name in "abcd":
        (tmp_path / f"{name}.cpp").write_text("int* f() { return new int; }\n")
    real = source_files.parse

    def crash(root, file, arguments, is_c):
        return os._exit(1) if file == "b.cpp" else real(root, file, arguments, is_c)

    monkeypatch.setattr(source_files, "parse", crash)
    result = audit_source(tmp_path)
    assert {item.where for item in result} == {"a.cpp:1", "c.cpp:1", "d.cpp:1"}
    assert "b.cpp was not read: libclang crashed." in result.summary


# Statements with what they allocate, as (kind, bytes), and text that looks like it.
STATEMENTS = {
    "auto a%d = new int[4];": ("new[]", 16),
    "auto b%d = new Item();": ("new", 8),
    "auto c%d = malloc(24);": ("malloc", 24),
    "auto d%d = std::make_shared<Item>();": ("make_shared", 8),
    "list.push_back(Item()); (void)%d;": ("growth", None),
    "list.reserve(10); (void)%d;": ("growth", 80),
    "other.anything(%d);": None,
    "// new int[%d], malloc(3)": None,
    "/* list.push_back(%d);\n malloc(2); */": None,
    'auto e%d = "new int; malloc(3); list.push_back(1)";': None,
    "#if 0\n auto f%d = new int;\n#endif": None,
    "list.clear(); (void)%d;": None,
}
BLOCKS = st.recursive(
    st.lists(st.sampled_from(sorted(STATEMENTS)), max_size=4),
    lambda inner: st.tuples(st.sampled_from(["for", "while", "if"]), inner)
    | st.lists(inner, max_size=3),
    max_leaves=6,
)
HEADS = {"for": "for (int i = 0; i < 3; i++)", "while": "while (list.empty())", "if": "if (true)"}


def written(block, lines, known, in_loop=False):
    """Write a block of statements, and note what it allocates on which line."""
    if isinstance(block, str):
        first = len(lines) + 1
        lines += (block % first).split("\n")
        if STATEMENTS[block] is not None:
            known.append((first, *STATEMENTS[block], in_loop))
    elif isinstance(block, tuple):
        lines.append(HEADS[block[0]] + " {")
        written(block[1], lines, known, in_loop or block[0] != "if")
        lines.append("}")
    else:
        for inner in block:
            written(inner, lines, known, in_loop)


@settings(max_examples=25, deadline=None)
@given(st.lists(BLOCKS, min_size=1, max_size=4))
def test_random_functions_allocate_what_was_written_into_them(tmp_path_factory, blocks):
    lines, known = ["struct Item { int a, b; };", "struct Other { void anything(int); };"], []
    for number, block in enumerate(blocks):
        lines.append(f"void f{number}(std::vector<Item>& list, Other& other) {{")
        written(block, lines, known)
        lines.append("}")
    tree = tmp_path_factory.mktemp("tree")
    (tree / "a.cpp").write_text("\n".join(lines))
    found = sorted(
        (
            int(item.where.partition(":")[2]),
            item.evidence["kind"],
            item.size_max_bytes,
            bool(item.evidence["in_loop"]),
        )
        for item in audit_source(tree)
    )
    assert found == sorted(known)
    # The words alone see the same places, without sizes.
    skipped = [(n, n + 2) for n, line in enumerate(lines, 1) if line == "#if 0"]
    words = word_sites("a.cpp", "\n".join(lines).encode(), skipped, set(), [])
    assert sorted((site.line, site.kind) for site in words) == sorted(row[:2] for row in known)
