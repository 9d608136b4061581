"""No decision of the firmware library mixes && and ||.

Where a decision is all && or all ||, taking each branch both ways lets every operand decide alone:
what `make verify` measures as branches is then as good as MC/DC.
"""

from pathlib import Path

import cbuild
from clang.cindex import CursorKind, Index

SKIPPED = (CursorKind.PAREN_EXPR, CursorKind.UNEXPOSED_EXPR)


def spelled(cursor):
    """Return the logical operator of an expression, "" if it is none, or a macro's."""
    if cursor.kind != CursorKind.BINARY_OPERATOR:
        return ""
    left, right = cursor.get_children()
    source = Path(cursor.location.file.name).read_bytes()
    word = source[left.extent.end.offset : right.extent.start.offset].strip().decode()
    return word if word in ("&&", "||") else ""


def operators(cursor):
    """Return the logical operators of the decision that begins here."""
    is_passed = cursor.kind in SKIPPED or (
        cursor.kind == CursorKind.UNARY_OPERATOR and next(cursor.get_tokens()).spelling == "!"
    )
    word = spelled(cursor)
    found = {word} if word else set()
    if word or is_passed:
        found = found.union(*(operators(child) for child in cursor.get_children()))
    return found


def decisions(path):
    """Return a source's decisions: their places, and the operators in each."""
    unit = Index.create().parse(str(path), ["-xc", "-std=c11", *cbuild.INCLUDES])
    here = [c for c in unit.cursor.get_children() if str(c.location.file) == str(path)]
    return [
        (f"{path.name}:{cursor.location.line}", operators(cursor))
        for declaration in here
        for cursor in declaration.walk_preorder()
        if spelled(cursor)
    ]


def mixed(found):
    return [place for place, words in found if len(words) > 1]


def test_no_decision_of_core_and_node_mixes_and_with_or():
    files = [*cbuild.sources("core", "node"), *cbuild.CSRC.glob("core/*.h")]
    files += cbuild.CSRC.glob("node/*.h")
    found = [decision for path in files for decision in decisions(path)]
    print(f"{len(found)} decisions in {len(files)} files")
    assert len(found) > 200
    assert mixed(found) == []


def test_a_mixed_decision_is_found_also_behind_a_negation(tmp_path):
    source = tmp_path / "mixed.c"
    source.write_text(
        "int f(int a, int b, int c) {\n"
        "    int d = a && !(b || c);\n"
        "    int e = a && b && (c ? a || b : a);\n"
        "    return a || (b && c) || d || e;\n"
        "}\n"
    )
    assert set(mixed(decisions(source))) == {"mixed.c:2", "mixed.c:4"}
