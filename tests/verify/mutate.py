"""Small changes to C functions, each a fault that the tests should notice.

The changes are found in clang's syntax tree, so they are in code that is compiled, and made in the
text. A change is named by its file and the line or lines before and after it, without numbers, so
that a list of them outlives changes elsewhere.
"""

import hashlib
import re
from pathlib import Path
from typing import Iterator, NamedTuple

from clang.cindex import Cursor, CursorKind, Index, TypeKind

OTHER = {
    "<": "<=",
    ">": ">=",
    "<=": "<",
    ">=": ">",
    "==": "!=",
    "!=": "==",
    "&&": "||",
    "||": "&&",
    "+": "-",
    "-": "+",
    "*": "+",
    "/": "*",
    "%": "/",
    "&": "|",
    "|": "&",
    "^": "|",
    "<<": ">>",
    ">>": "<<",
    "+=": "-=",
    "-=": "+=",
    "*=": "+=",
    "/=": "*=",
    "|=": "&=",
    "&=": "|=",
    "^=": "|=",
    "<<=": ">>=",
    ">>=": "<<=",
    "++": "--",
    "--": "++",
}
COMPARISONS = {"<", ">", "<=", ">=", "==", "!="}
LITERAL = re.compile(r"(0[xX][0-9a-fA-F]+|\d+)([uUlL]*)")
CONDITIONS = {CursorKind.IF_STMT: 0, CursorKind.WHILE_STMT: 0, CursorKind.CONDITIONAL_OPERATOR: 0}
REMOVABLE = {
    CursorKind.CALL_EXPR,
    CursorKind.BINARY_OPERATOR,
    CursorKind.COMPOUND_ASSIGNMENT_OPERATOR,
    CursorKind.UNARY_OPERATOR,
    CursorKind.CSTYLE_CAST_EXPR,
    CursorKind.PAREN_EXPR,
    CursorKind.BREAK_STMT,
    CursorKind.CONTINUE_STMT,
}
# Nothing in this build, or only a word to the compiler.
WITHOUT_EFFECT = re.compile(r"RNS_LOCK_\w+\(.*\)|\(void\)\s*\w+|RNS_ASSERT\(.*\)", re.S)


class Mutant(NamedTuple):
    """One change of one file."""

    file: str
    """From the root of the tree."""
    function: str
    before: str
    """The changed line or lines, without indent."""
    after: str
    text: str
    """The whole file, changed."""

    @property
    def name(self) -> tuple[str, str, str]:
        return self.file, self.before, self.after

    def __str__(self) -> str:
        return f"{self.file} {self.function}()\n- {self.before}\n+ {self.after}"


class _Edit(NamedTuple):
    start: int
    end: int
    replacement: str


def mutants(root: Path, file: str, flags: list[str]) -> list[Mutant]:
    """Return every change of the functions that `file` defines, compiled with `flags`."""
    path = root / file
    source = path.read_bytes()
    parsed = Index.create().parse(str(path), ["-xc", "-std=c11", *flags])
    faults = [str(message) for message in parsed.diagnostics if message.severity > 2]
    assert not faults, faults
    found = {}
    for function in parsed.cursor.get_children():
        is_here = function.location.file and function.location.file.name == str(path)
        if is_here and function.kind == CursorKind.FUNCTION_DECL and function.is_definition():
            for edit in dict.fromkeys(_edits(function, source)):
                mutant = _apply(file, function.spelling, source, edit)
                found.setdefault(mutant.name, mutant)
    return list(found.values())


def sample(found: list[Mutant], each: int) -> list[Mutant]:
    """Return one of `each` changes of every function, and one more; always the same ones."""
    by_function: dict[tuple[str, str], list[Mutant]] = {}
    for mutant in sorted(found, key=_rank):
        by_function.setdefault((mutant.file, mutant.function), []).append(mutant)
    return [m for group in by_function.values() for m in group[: 1 + len(group) // each]]


def _rank(mutant: Mutant) -> str:
    return hashlib.sha256("\n".join(mutant.name).encode()).hexdigest()


def _apply(file: str, function: str, source: bytes, edit: _Edit) -> Mutant:
    changed = source[: edit.start] + edit.replacement.encode() + source[edit.end :]
    first = source.rfind(b"\n", 0, edit.start) + 1
    last = source.find(b"\n", edit.end)
    shift = len(changed) - len(source)
    before, after = source[first:last].decode(), changed[first : last + shift].decode()
    return Mutant(file, function, _squeeze(before), _squeeze(after), changed.decode())


def _squeeze(lines: str) -> str:
    return " ".join(lines.split())


def _edits(function: Cursor, source: bytes) -> Iterator[_Edit]:
    without_effect = set(_without_effect(function, source))
    yield from (edit for edit in _all_edits(function, source) if edit not in without_effect)


def _without_effect(function: Cursor, source: bytes) -> Iterator[_Edit]:
    """Yield changes that mean the same: a larger array, the size of another element of it, and
    which of two equal numbers is the smaller one."""
    for cursor in function.walk_preorder():
        children = list(cursor.get_children())
        if cursor.kind == CursorKind.VAR_DECL and cursor.type.kind == TypeKind.CONSTANTARRAY:
            for child in children:
                if child.kind == CursorKind.INTEGER_LITERAL:
                    yield from _off_by_one(child, source)
        elif cursor.kind == CursorKind.CXX_UNARY_EXPR:  # sizeof
            for below in cursor.walk_preorder():
                if below.kind == CursorKind.INTEGER_LITERAL:
                    yield from _off_by_one(below, source)
        elif cursor.kind == CursorKind.CONDITIONAL_OPERATOR:
            sides = list(children[0].get_children())
            operands = {_without_casts(_text(side, source)) for side in sides}
            results = {_without_casts(_text(side, source)) for side in children[1:]}
            if len(sides) == 2 and operands == results:
                word, at = _operator(sides, source)
                yield _Edit(at, at + len(word), OTHER.get(word, ""))


def _without_casts(text: str) -> str:
    return re.sub(r"\(u?int\d+_t\)|\s", "", text)


def _all_edits(function: Cursor, source: bytes) -> Iterator[_Edit]:
    for cursor in function.walk_preorder():
        kind, children = cursor.kind, list(cursor.get_children())
        if kind in (CursorKind.BINARY_OPERATOR, CursorKind.COMPOUND_ASSIGNMENT_OPERATOR):
            yield from _other_operator(children, source)
        elif kind == CursorKind.UNARY_OPERATOR:
            yield from _other_unary(cursor, source)
        elif kind == CursorKind.INTEGER_LITERAL:
            yield from _off_by_one(cursor, source)
        elif kind == CursorKind.CALL_EXPR:
            yield from _swapped(list(cursor.get_arguments()), source)
        elif kind == CursorKind.RETURN_STMT and children:
            yield from _other_return(children[0], function, source)
        elif kind == CursorKind.COMPOUND_STMT:
            yield from _without_a_statement(children, source)
        if kind in CONDITIONS:
            yield from _negated(children[CONDITIONS[kind]], source)


def _text(cursor: Cursor, source: bytes) -> str:
    return source[cursor.extent.start.offset : cursor.extent.end.offset].decode()


def _operator(children: list[Cursor], source: bytes) -> tuple[str, int]:
    """Return the operator between two operands, and where it is; "" in a macro."""
    start, end = children[0].extent.end.offset, children[1].extent.start.offset
    between = source[start:end].decode()
    word = between.strip()
    return (word, start + between.index(word)) if word in OTHER else ("", 0)


def _other_operator(children: list[Cursor], source: bytes) -> Iterator[_Edit]:
    word, at = _operator(children, source)
    if word:
        yield _Edit(at, at + len(word), OTHER[word])
    if word in ("<<", ">>"):
        end = children[1].extent.end.offset
        yield _Edit(end, end, " + 1u")


def _other_unary(cursor: Cursor, source: bytes) -> Iterator[_Edit]:
    text, start = _text(cursor, source), cursor.extent.start.offset
    if text[:2] in ("++", "--"):
        yield _Edit(start, start + 2, OTHER[text[:2]])
    elif text[:1] in ("!", "~"):
        yield _Edit(start, start + 1, "")


def _off_by_one(cursor: Cursor, source: bytes) -> Iterator[_Edit]:
    found = LITERAL.fullmatch(_text(cursor, source))
    if found:
        number, extent = int(found[1], 0), cursor.extent
        for near in {number + 1, max(number - 1, 0)} - {number}:
            yield _Edit(extent.start.offset, extent.end.offset, f"{near}{found[2]}")


def _swapped(arguments: list[Cursor], source: bytes) -> Iterator[_Edit]:
    for one, two in zip(arguments, arguments[1:]):
        first, second = _text(one, source), _text(two, source)
        is_alike = one.type.get_canonical().spelling == two.type.get_canonical().spelling
        gap = source[one.extent.end.offset : two.extent.start.offset].decode()
        if is_alike and first != second and gap.strip() == ",":
            replacement = f"{second}{gap}{first}"
            yield _Edit(one.extent.start.offset, two.extent.end.offset, replacement)


def _other_return(value: Cursor, function: Cursor, source: bytes) -> Iterator[_Edit]:
    text, kind = _text(value, source), function.result_type.get_canonical().kind
    extent = value.extent.start.offset, value.extent.end.offset
    if kind == TypeKind.BOOL:
        yield _Edit(*extent, "false" if text != "false" else "true")
        yield _Edit(*extent, "true" if text != "true" else "false")
    elif kind == TypeKind.POINTER and text != "NULL":
        yield _Edit(*extent, "NULL")
    elif kind == TypeKind.ENUM:
        yield _Edit(*extent, "0" if text != "RNS_OK" else "RNS_MISS_EXHAUSTED")
    elif kind in (TypeKind.UINT, TypeKind.INT, TypeKind.ULONG, TypeKind.LONG, TypeKind.UCHAR):
        yield _Edit(*extent, f"({text}) + 1")


def _negated(condition: Cursor, source: bytes) -> Iterator[_Edit]:
    children = list(condition.get_children())
    is_comparison = (
        condition.kind == CursorKind.BINARY_OPERATOR
        and _operator(children, source)[0] in COMPARISONS
    )
    text = _text(condition, source)
    if not is_comparison and not text.startswith("!"):  # those have a change of their own
        extent = condition.extent.start.offset, condition.extent.end.offset
        yield _Edit(*extent, f"!({text})")


def _without_a_statement(statements: list[Cursor], source: bytes) -> Iterator[_Edit]:
    for statement in statements:
        text, end = _text(statement, source), statement.extent.end.offset
        is_whole = text.count("(") == text.count(")") and source[end : end + 1] == b";"
        if statement.kind in REMOVABLE and is_whole and not WITHOUT_EFFECT.fullmatch(text):
            yield _Edit(statement.extent.start.offset, end, "")
