"""The patch of an audit of source, its join with a trace, and the verb as a user types it."""

import json
import random
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest
from test_audit_source import FIXTURE, HOT, rows_of
from test_cli import pyrns_pool

import pyrns_pool as rp
from pyrns_pool.audit import Finding, Findings, annotate, audit_source, join
from pyrns_pool.audit.source_join import plain
from pyrns_pool.audit.source_libclang import libclang
from pyrns_pool.audit.source_parse import HEADERS


def apply(patch, tree):
    """Apply a patch with the program patch; nothing may be fuzzy."""
    done = subprocess.run(
        ["patch", "-p1", "--binary", "--fuzz=0"], cwd=tree, input=patch, capture_output=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert b"offset" not in done.stdout and b"fuzz" not in done.stdout
    return done.stdout.count(b"patching file")


def declarations(tree):
    """Return kind, USR and type of every cursor in the tree that declares something."""
    cindex = libclang()
    found = []

    def walk(cursor, folder):
        for child in cursor.get_children():
            where = child.location.file
            if where is not None and where.name.startswith(folder):
                if child.kind.is_declaration():
                    # The USR of a local variable has the offset in the file.
                    usr = re.sub(r"@\d+@", "@", child.get_usr())
                    found.append((child.kind.name, usr, child.type.spelling))
                walk(child, folder)

    for path in sorted(tree.rglob("*.c*")):
        first = HEADERS / ("libc.h" if path.suffix == ".c" else "std.hpp")
        options = ["-include", str(first), f"-I{path.parent}", "-nostdinc", "-w"]
        unit = cindex.Index.create().parse(str(path), options, options=0x200)
        walk(unit.cursor, str(tree))
    return found


def test_the_patch_applies_and_the_tree_declares_the_same(tmp_path):
    findings = audit_source(FIXTURE, HOT)
    tree, before = tmp_path / "tree", tmp_path / "before"
    shutil.copytree(FIXTURE, tree)
    shutil.copytree(FIXTURE, before)
    patch = annotate(findings, FIXTURE)
    assert apply(patch, tree) == 6
    added = [line for line in patch.splitlines() if line.startswith(b"+") and line[:3] != b"+++"]
    marked = sum(item.severity != "low" for item in findings)
    print(f"{len(added)} comments for {marked} findings")
    assert len(added) == marked
    assert all(re.match(rb"\+\s*// FIXME\(frag\): [CHM]\d+ ", line) for line in added)
    assert not any(line.startswith(b"-") for line in patch.splitlines() if line[:3] != b"---")
    same = declarations(before)
    assert len(same) > 100 and declarations(tree) == same
    again = audit_source(tree, HOT)
    assert sorted(row[1:] for row in rows_of(again)) == sorted(
        row[1:] for row in rows_of(findings)
    )
    assert annotate(again, tree) == b""


def check_hunks(patch):
    """Check what the program patch forgives: where each hunk begins in the new file."""
    count = 0
    for file in re.split(rb"(?m)^--- ", patch)[1:]:
        more = 0
        for hunk in re.findall(rb"(?m)^@@ -(\d+),(\d+) \+(\d+),(\d+) @@$", file):
            old, old_count, new, new_count = map(int, hunk)
            assert new == old + more
            more += new_count - old_count
            count += more > 0
    assert count > 60


LINES = ["int x;", "  f();", "", "#define M(a) \\", '\tchar* s = "a";', "// c"]


def test_random_files_of_any_line_ends_are_patched_as_a_slow_model_does(tmp_path):
    rng = random.Random(6)
    items, expected = [], {}
    tree = tmp_path / "tree"
    tree.mkdir()
    for number in range(60):
        name, end = f"f{number}.c", rng.choice(["\n", "\n", "\r\n"])
        lines = [rng.choice(LINES) for _ in range(rng.randint(2, 40))]
        lines = [
            "  g(a);" if lines[i - 1 : i] == [LINES[3]] else row for i, row in enumerate(lines)
        ]
        lines[-1] = "int y;"
        text = end.join(lines) + rng.choice([end, ""])
        (tree / name).write_bytes(text.encode())
        wanted = sorted(rng.sample(range(1, len(lines) + 1), rng.randint(1, min(len(lines), 5))))
        for line in wanted:
            items.append(
                Finding(
                    f"{name}:{line}", name, "new", 1, None, None, "startup", "internal",
                    "high", "low", "p", f"Do {number}.",
                )
            )  # fmt: skip
        expected[name] = (lines, wanted, end, text)
    findings = Findings("tree", "source", tuple(items))
    ids = {item.where: name for name, item in zip(findings.ids, findings)}
    patch = annotate(findings, tree)
    check_hunks(patch)
    assert apply(patch, tree) == 60
    for name, (lines, wanted, end, text) in expected.items():
        model = []
        for at, line in enumerate(lines, 1):
            here = [n for n in wanted if n == at and not model_continues(lines, n)]
            here += [n for n in wanted if n == at + 1 and model_continues(lines, n)]
            for n in here:
                indent = line[: len(line) - len(line.lstrip())]
                note = f"{ids[f'{name}:{n}']} high, startup: new. Do {name[1:-2]}."
                model.append(f"{indent}// FIXME(frag): {note}")
            model.append(line)
        model = end.join(model) + (end if text.endswith(end) else "")
        assert (tree / name).read_bytes().decode() == model, name


def model_continues(lines, number):
    return number > 1 and lines[number - 2].endswith("\\")


def test_a_comment_is_put_above_a_text_and_a_macro_of_many_lines(tmp_path):
    text = '#define M(n) \\\n  f(); \\\n  malloc(n)\nauto s = R"(a\nb)" + g(new int);\nint z;\n'
    (tmp_path / "a.cpp").write_text(text)
    items = [
        Finding(
            f"a.cpp:{n}", "a", "new", 1, None, None, "startup", "internal", "high", "low", "", "\\"
        )
        for n in (3, 5)
    ]
    apply(annotate(Findings("a", "source", tuple(items)), tmp_path), tmp_path)
    lines = (tmp_path / "a.cpp").read_text().splitlines()
    assert [n for n, line in enumerate(lines) if "FIXME" in line] == [0, 4]
    assert not any(line.endswith("\\") for line in lines if "FIXME" in line)


@pytest.mark.parametrize(
    "symbol, expected",
    [
        ("RNS::Bytes::newData(unsigned long)", "RNS::Bytes::newData"),
        ("std::map<int, std::vector<a::b> >::insert(int&&)", "std::map::insert"),
        ("(anonymous namespace)::f", "f"),
        ("main", "main"),
    ],
)
def test_a_symbol_is_joined_without_parameters(symbol, expected):
    assert plain(symbol) == expected


def test_a_trace_and_a_source_are_joined_by_symbol():
    columns = {
        "t_ns": [n * 10_000_000 for n in range(200)] * 2,
        "op": [0] * 200 + [1] * 200,
        "id": list(range(200)) * 2,
        "size": [12] * 200 + [0] * 200,
        "site": [0] * 400,
    }
    order = sorted(range(400), key=lambda i: (columns["t_ns"][i], columns["op"][i]))
    columns = {name: [values[i] for i in order] for name, values in columns.items()}
    trace = rp.audit_trace(rp.Trace.from_events(columns, ["app:RNS::Bytes::exclusiveData()"]))
    source = audit_source(FIXTURE)
    both = join(trace, source)
    assert len(both) == len(trace) + len(source) and both.source == "trace and source"
    found = {(item.where, item.evidence.get("kind")): item for item in both}
    copied = found[("src/Bytes.cpp:18", "shared_ptr(new)")]
    assert copied.evidence["trace_allocations"] == 200
    assert copied.frequency == "per-packet" and copied.severity == "high"
    assert copied.also == ("app:RNS::Bytes::exclusiveData()",)
    assert found[("app:RNS::Bytes::exclusiveData()", None)].also[-1] == "src/Bytes.cpp:18"
    assert found[("src/Bytes.cpp:6", "new")] in source.items
    assert "1 of the 21 functions" in both.summary[-1] and "(100.0 %)" in both.summary[-1]


def test_report_patch_and_json_are_written(tmp_path):
    report, patch = tmp_path / "out" / "findings.md", tmp_path / "findings.patch"
    text = pyrns_pool(
        "audit", "--source", FIXTURE, "--hot", *HOT, "-o", report, "--annotate", patch
    )
    print(text)
    assert text.startswith("audit of source: 1 critical, 18 high, 4 medium, 15 low\n")
    assert text.endswith(f"written to {report}, {patch}\n")
    assert "`src/SerialInterface.cpp:8`" in report.read_text()
    assert "returns nullptr (ObjectPool::allocate)" in report.read_text()
    assert patch.read_bytes() == annotate(audit_source(FIXTURE, HOT), FIXTURE)
    error = pyrns_pool("audit", "--source", FIXTURE, "--annotate", patch, status=1)
    assert "exists; --force overwrites it" in error
    printed = json.loads(pyrns_pool("audit", "--source", FIXTURE, "--hot", *HOT, "--json"))
    assert printed == audit_source(FIXTURE, HOT).to_dict()


def test_the_recorded_node_and_the_fixture_are_joined():
    trace = rp.shipped("microreticulum_node_a.npz")
    text = pyrns_pool("audit", trace, "--source", FIXTURE)
    assert "4 of the 21 functions of the source that allocate are in the trace" in text


@pytest.mark.parametrize(
    "words, status, text",
    [
        ([], 2, "give a TRACE, --source DIR, or both"),
        (["t.csv", "--hot", "f"], 2, "--hot is for --source"),
        (["t.csv", "--annotate", "f"], 2, "--annotate is for --source"),
        (["--source", "none"], 1, "none: no such directory"),
        (["--source", FIXTURE, "--hot", "f"], 1, "hot: 'f' matches none of 36 functions"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(words, status, text):
    assert text in pyrns_pool("audit", *words, status=status)


def test_without_libclang_one_line_says_what_to_install(tmp_path):
    (tmp_path / "clang").mkdir()
    (tmp_path / "clang" / "__init__.py").write_text("")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
    code += "from pyrns_pool.cli import main\n"
    code += f"sys.exit(main(['audit', '--source', {str(FIXTURE)!r}]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr
    assert "install python3-clang by apt, or libclang by pip" in done.stderr


def test_ctrl_c_ends_it_while_files_are_parsed(tmp_path):
    for number in range(200):
        shutil.copy(FIXTURE / "src" / "Bytes.h", tmp_path / "Bytes.h")
        shutil.copy(FIXTURE / "src" / "Bytes.cpp", tmp_path / f"Bytes{number}.cpp")
    code = "import signal, sys\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
    code += "from pyrns_pool.audit import source_files\nfrom pyrns_pool.cli import main\n"
    code += "start = source_files._start\n"
    code += "def said():\n    print('begun', flush=True)\n    return start()\n"
    code += "source_files._start = said\n"
    code += f"sys.exit(main(['audit', '--source', {str(tmp_path)!r}, '-o', 'f.md']))"
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout.readline() == "begun\n"
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=60)
    assert process.returncode == 130 and error == "pyrns-pool: interrupted\n"
    assert not (tmp_path / "f.md").exists()
