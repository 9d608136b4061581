"""One source file through libclang: who allocates what there.

The standard library is not read but described in ``headers/``, so that nothing depends on which
toolchain is installed; a parse takes milliseconds. Headers of others that are missing cost what
depends on their types; `source_words` looks at the words of those lines.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Optional, Sequence

from pyrns_pool.audit import source_names as names
from pyrns_pool.audit import source_types as types
from pyrns_pool.audit.source_libclang import (
    libclang,
    overridden,
    pattern_of,
    skipped_lines,
    value_of,
)
from pyrns_pool.audit.source_model import Container, FixedArray, Function, Parsed, Site, Use
from pyrns_pool.audit.source_words import word_sites

__all__ = ["C_SUFFIX", "parse"]

HEADERS = Path(__file__).parent / "headers"
C_SUFFIX = ".c"
STANDARD = """
    algorithm array atomic bitset cassert cctype cerrno chrono cinttypes climits cmath
    condition_variable cstdarg cstddef cstdint cstdio cstdlib cstring ctime deque exception
    forward_list fstream functional initializer_list iomanip iostream istream iterator limits
    list locale map memory mutex new numeric optional ostream queue random set shared_mutex
    sstream span stack stdexcept string string_view system_error thread tuple type_traits
    typeinfo unordered_map unordered_set utility variant vector assert.h ctype.h errno.h
    esp_heap_caps.h float.h inttypes.h limits.h malloc.h math.h stdalign.h stdarg.h stdatomic.h
    stdbool.h stddef.h stdint.h stdio.h stdlib.h stdnoreturn.h string.h strings.h sys/types.h
    time.h
""".split()
"""Headers that are empty, since ``headers/`` is included first."""
TARGET = "--target=armv7m-none-eabi"
"""Sizes are those of a 32-bit device, unless a compile command names another target."""
PARSE_OPTIONS = 0x01 | 0x200  # Detailed preprocessing record, keep going after fatal errors.
SEVERITY_ERROR = 3
MISSING = re.compile(
    r"'([^']+)' file not found|(?:unknown type name|undeclared identifier) '(\w+)'"
)
RING = re.compile(r"\[[^]\"]*%[^]\"]*\]|=\s*\([^;\"]*\+\s*1\)\s*%")
"""An index that wraps around."""
LOOKS = re.compile(r"(?:.*_)?(?:find|get|has|is|check|contains|lookup|fits)(?![a-z])")
"""Functions that look for an entry: what they return says nothing of a table that is full."""


@dataclass(frozen=True)
class _At:
    """Where a visit stands."""

    function: str = ""
    owner: str = ""
    in_loop: bool = False
    in_shared: bool = False
    """Inside of the arguments of a std::shared_ptr's constructor or reset()."""
    is_template: bool = False


def parse(root: str, file: str, arguments: Sequence[str], is_c: bool) -> Parsed:
    """Parse one file and return what it and the headers of the tree hold.

    Parameters
    ----------
    root : str
        The audited directory, absolute.
    file : str
        Relative to it.
    arguments : sequence of str
        ``-I``, ``-D`` and the like.
    is_c : bool
        Whether it is C; else it is C++.

    Returns
    -------
    Parsed
        ``error`` says why there is nothing else in it.
    """
    parsed = Parsed(file)
    cindex = libclang()
    first = HEADERS / ("libc.h" if is_c else "std.hpp")
    default = ["-x", "c", "-std=gnu11"] if is_c else ["-x", "c++", "-std=gnu++17"]
    options = [*default, TARGET, *arguments, "-nostdinc", "-ferror-limit=0", "-w"]
    options += ["-include", str(first), "-isystem", str(HEADERS)]
    empty = [(str(HEADERS / name), "") for name in STANDARD]
    try:
        unit = cindex.Index.create().parse(
            os.path.join(root, file), options, unsaved_files=empty, options=PARSE_OPTIONS
        )
    except (cindex.TranslationUnitLoadError, UnicodeError) as error:
        parsed.error = str(error).rstrip(".").lower()
        return parsed
    for diagnostic in unit.diagnostics:
        found = MISSING.search(diagnostic.spelling)
        if diagnostic.severity >= SEVERITY_ERROR and found:
            parsed.missing.add(f"<{found[1]}>" if found[1] else found[2])
    _Visitor(unit, root, parsed).run()
    return parsed


class _Visitor:
    """Walks over one translation unit, through declarations in files of the tree alone."""

    def __init__(self, unit: Any, root: str, parsed: Parsed) -> None:
        self.unit, self.parsed = unit, parsed
        self.root = os.path.join(os.path.realpath(root), "")
        self.files: dict[str, Optional[str]] = {}
        self.texts: dict[str, bytes] = {}
        self.file = parsed.file
        self.seen: dict[str, set[tuple[int, str]]] = {}
        """Lines and names, by file, of what was resolved, whether it allocates or not."""
        self.calls: set[str] = set()
        self.kinds = libclang().CursorKind
        self.pointer = libclang().TypeKind.POINTER
        self.loops = {
            self.kinds.FOR_STMT,
            self.kinds.WHILE_STMT,
            self.kinds.DO_STMT,
            self.kinds.CXX_FOR_RANGE_STMT,
        }
        self.functions = {
            self.kinds.FUNCTION_DECL,
            self.kinds.CXX_METHOD,
            self.kinds.CONSTRUCTOR,
            self.kinds.DESTRUCTOR,
            self.kinds.CONVERSION_FUNCTION,
            self.kinds.FUNCTION_TEMPLATE,
        }
        self.templates = {self.kinds.CLASS_TEMPLATE, self.kinds.FUNCTION_TEMPLATE}

    def run(self) -> None:
        """Visit what is in the tree, then look at the words of what was not resolved."""
        for include in self.unit.get_includes():
            if self.relative(include.include.name) is not None:
                self.parsed.headers.add(str(self.relative(include.include.name)))
        for cursor in self.unit.cursor.get_children():
            where = cursor.location.file
            file = None if where is None else self.relative(where.name)
            if file is not None and not cursor.kind.is_preprocessing():
                self.file = file
                self.visit(cursor, _At())
        skipped: dict[str, list[tuple[int, int]]] = {}
        for name, begin, end in skipped_lines(self.unit):
            skipped.setdefault(self.relative(name) or "", []).append((begin, end))
        for file in [self.parsed.file, *self.parsed.headers]:
            left_out = skipped.get(file, [])
            functions = [row for row in self.parsed.functions.values() if row.file == file]
            self.parsed.sites |= word_sites(
                file, self.text(file), left_out, self.seen.get(file, set()), functions
            )

    def relative(self, name: str) -> Optional[str]:
        """Return the path of a file inside of the tree, None if it is elsewhere."""
        if name not in self.files:
            path = os.path.realpath(name)
            inside = path.startswith(self.root)
            self.files[name] = path[len(self.root) :] if inside else None
        return self.files[name]

    def text(self, file: str) -> bytes:
        """Return the bytes of a file of the tree."""
        if file not in self.texts:
            with open(os.path.join(self.root, file), "rb") as source:
                self.texts[file] = source.read()
        return self.texts[file]

    def words(self, cursor: Any) -> str:
        """Return the text of a cursor."""
        extent = cursor.extent
        return self.text(self.file)[extent.start.offset : extent.end.offset].decode("latin-1")

    def value(self, cursor: Any, at: _At) -> Optional[int]:
        """Return the value of an expression, if it is one constant that is not negative."""
        # To ask for the value of what depends on a template may crash libclang.
        value = None if at.is_template or not cursor.kind.is_expression() else value_of(cursor)
        return value if value is not None and value >= 0 else None

    def saw(self, cursor: Any, name: str) -> None:
        """Note that a name on a line was resolved; its words need no look."""
        self.seen.setdefault(self.file, set()).add((cursor.location.line, name))

    def add(self, cursor: Any, at: _At, kind: str, what: str, **more: Any) -> None:
        """Add a site."""
        site = Site(
            self.file, cursor.location.line, kind, what, at.function, in_loop=at.in_loop, **more
        )
        self.parsed.sites.add(site)

    def visit(self, cursor: Any, at: _At) -> None:
        """Look at one cursor, then at what is in it."""
        kind, kinds = cursor.kind, self.kinds
        if kind in self.functions:
            self.visit_function(cursor, at)
            return
        if kind in (kinds.CLASS_DECL, kinds.STRUCT_DECL, kinds.CLASS_TEMPLATE):
            is_template = at.is_template or kind in self.templates
            at = replace(at, owner=types.qualified_name(cursor), is_template=is_template)
        elif kind in (kinds.FIELD_DECL, kinds.VAR_DECL):
            self.visit_variable(cursor, at)
        elif kind is kinds.CXX_NEW_EXPR:
            self.visit_new(cursor, at)
        elif kind is kinds.CALL_EXPR:
            at = self.visit_call(cursor, at)
        elif kind in (kinds.MEMBER_REF_EXPR, kinds.DECL_REF_EXPR):
            self.visit_reference(cursor, at)
        elif kind is kinds.RETURN_STMT:
            self.visit_return(cursor, at)
        inner = replace(at, in_loop=True) if kind in self.loops else at
        for child in cursor.get_children():
            self.visit(child, inner)

    def visit_function(self, cursor: Any, at: _At) -> None:
        """Visit a function; a declaration alone is noted, so that no word of it is taken."""
        self.saw(cursor, cursor.spelling)
        if not cursor.is_definition():
            return
        usr, outer = cursor.get_usr(), self.calls
        owner = types.owner_of(cursor)
        is_template = cursor.kind in self.templates or types.is_in_template(cursor)
        self.calls = set()
        inner = _At(usr, owner, is_template=at.is_template or is_template)
        for child in cursor.get_children():
            self.visit(child, inner)
        if RING.search(self.words(cursor)):
            self.parsed.refusals.setdefault(usr, "overwrites the oldest")
        if cursor.is_const_method() or LOOKS.match(cursor.spelling):
            self.parsed.refusals.pop(usr, None)
        self.parsed.functions[usr] = Function(
            usr=usr,
            name=types.qualified_name(cursor),
            owner=owner,
            file=self.file,
            line=cursor.extent.start.line,
            last_line=cursor.extent.end.line,
            is_constructor=cursor.kind is self.kinds.CONSTRUCTOR,
            calls=frozenset(self.calls),
            overrides=frozenset(overridden(cursor)),
        )
        self.calls = outer

    def visit_variable(self, cursor: Any, at: _At) -> None:
        """Note a container or an array that is a field or lives as long as the program."""
        if cursor.kind is self.kinds.VAR_DECL and not types.is_static(cursor):
            return
        where = {
            "usr": cursor.get_usr(),
            "name": types.qualified_name(cursor),
            "owner": at.owner,
            "file": self.file,
            "line": cursor.location.line,
        }
        held = types.container_of(cursor.type)
        if held is not None:
            self.parsed.containers[where["usr"]] = Container(
                **where,
                kind=held.kind,
                type=cursor.type.spelling,
                allocator=held.allocator,
                element_bytes=held.element_bytes,
            )
            return
        fixed = types.fixed_of(cursor.type)
        if fixed is not None:
            slots, slot_bytes = fixed
            self.parsed.arrays[where["usr"]] = FixedArray(
                **where, type=cursor.type.spelling, slots=slots, slot_bytes=slot_bytes
            )

    def visit_new(self, cursor: Any, at: _At) -> None:
        """Add what new allocates; placement new allocates nothing."""
        self.saw(cursor, "new")
        words = self.words(cursor)
        placement = re.match(r"(?:::)?\s*new\s*\(([^()]*)\)\s*[\w:]", words)
        if placement and not re.search(r"nothrow|align_val_t", placement[1]):
            return
        after = words[placement.end() - 1 :] if placement else words
        is_array = re.match(r"[^({]*\[", after) is not None
        pointee = cursor.type.get_pointee()
        size = types.size_of(pointee)
        if is_array:
            counts = (self.value(child, at) for child in cursor.get_children())
            count = next((value for value in counts if value is not None), None)
            size = None if size is None or count is None else size * count
        kind = "new[]" if is_array else "shared_ptr(new)" if at.in_shared else "new"
        self.add(cursor, at, kind, pointee.spelling, size_bytes=size)

    def visit_call(self, cursor: Any, at: _At) -> _At:
        """Add what a call allocates; return where its arguments stand."""
        callee = cursor.referenced
        if callee is None:
            self.visit_dependent_call(cursor, at)
            return at
        name = cursor.spelling
        self.saw(cursor, name)
        for child in cursor.get_children():
            if child.kind is self.kinds.MEMBER_REF_EXPR:
                self.saw(child, name)
                # A chain of calls may begin on an earlier line than the name of the method.
                self.seen[self.file].add((child.extent.end.line, name))
            break
        where = callee.location.file
        if where is None or os.path.dirname(where.name) != str(HEADERS):
            self.calls.add(pattern_of(callee).get_usr())
            return at
        inside = types.class_of(callee)
        if callee.kind is self.kinds.CONSTRUCTOR and inside in names.CONTAINERS:
            self.visit_construction(cursor, callee, at)
        elif inside in names.CONTAINERS:
            self.visit_method(cursor, callee, inside, at)
        elif inside == "range_of" and name in names.TESTS:
            self.use(self.base_of(cursor), "size", at)
        elif name in names.HEAP:
            self.visit_heap(cursor, name, at)
        elif name in names.MAKERS:
            self.visit_maker(cursor, name, at)
        elif name == "operator+" and inside == "":
            self.add(cursor, at, "construction", "string::operator+", element_bytes=1)
        if inside == "shared_ptr" and name in ("shared_ptr", "reset"):
            given = next(iter(cursor.get_arguments()), None)
            kind = None if given is None else given.type.get_canonical().kind
            if (
                given is not None
                and kind is self.pointer
                and not re.search(r"\bnew\b", self.words(given))
            ):
                owned = given.type.get_pointee().spelling
                self.add(cursor, at, "control block", f"shared_ptr<{owned}>")
            return replace(at, in_shared=True)
        return at

    def visit_heap(self, cursor: Any, name: str, at: _At) -> None:
        """Add a call of malloc or of one of its kin."""
        given = list(cursor.get_arguments())
        factors = [self.value(given[i], at) for i in names.HEAP[name] if i < len(given)]
        size: Optional[int] = 1 if factors else None
        for factor in factors:
            size = None if size is None or factor is None else size * factor
        words = self.words(cursor)
        external = name.startswith("ps_") or names.EXTERNAL.search(words)
        allocator = "psram" if external else ""
        self.add(cursor, at, "malloc", name, size_bytes=size, allocator=allocator)

    def visit_maker(self, cursor: Any, name: str, at: _At) -> None:
        """Add make_shared, allocate_shared or make_unique."""
        made = cursor.type.get_canonical().get_template_argument_type(0)
        size = types.size_of(made)
        if made.kind is libclang().TypeKind.INCOMPLETEARRAY:
            given = list(cursor.get_arguments())
            count = self.value(given[0], at) if given else None
            element = types.size_of(made.element_type)
            size = None if count is None or element is None else count * element
        self.construct(made)
        allocator = ""
        if name == "allocate_shared":
            allocator = types.first_argument(cursor)
        kind = "make_unique" if name == "make_unique" else "make_shared"
        self.add(cursor, at, kind, made.spelling, size_bytes=size, allocator=allocator)

    def visit_construction(self, cursor: Any, callee: Any, at: _At) -> None:
        """Add a container that is made with elements in it, or as a copy."""
        given = [argument for argument in cursor.get_arguments() if argument is not None]
        held = types.container_of(cursor.type)
        if not given or held is None or callee.is_move_constructor():
            return
        if held.kind in names.STRINGS and types.is_short_text(given[0]):
            return
        what = "copy" if callee.is_copy_constructor() else "constructor"
        if what == "constructor" and types.is_allocator(given[0], held):
            return
        count = self.value(given[0], at) if types.is_integer(given[0]) else None
        element = held.element_bytes
        size = None if count is None or element is None else count * element
        if size == 0:
            return
        self.add(
            cursor,
            at,
            "construction",
            f"{held.kind}::{what}",
            size_bytes=size,
            element_bytes=element,
            allocator=held.allocator,
        )

    def visit_method(self, cursor: Any, callee: Any, inside: str, at: _At) -> None:
        """Note what a method does to its container, and add what it allocates."""
        name, base = cursor.spelling, self.base_of(cursor)
        is_copy = name == "operator=" and "&&" not in callee.type.spelling
        if name in names.SHRINKS:
            self.use(base, "shrink", at)
        elif name in names.TESTS:
            self.use(base, "size", at)
        keyed = "map" in inside
        grows = is_copy or (name in names.GROWS and (name != "operator[]" or keyed))
        held = types.container_of(callee.semantic_parent.type)
        if not grows or held is None:
            return
        given = list(cursor.get_arguments())
        count = self.value(given[0], at) if name in names.SIZES and given else None
        element = held.element_bytes
        size = None if count is None or element is None else count * element
        if inside in names.NODE_WORDS:
            size = element
        if size == 0:
            return
        if name not in ("reserve", "operator="):
            self.use(base, "grow", at)
        if name == "reserve":
            self.use(base, "reserve", at)
        if "emplace" in name:
            self.construct(types.made_in(callee.semantic_parent.type))
        self.add(
            cursor,
            at,
            "growth",
            f"{inside}::{name}",
            size_bytes=size,
            element_bytes=element,
            variable=base,
            allocator=held.allocator,
        )

    def construct(self, made: Any) -> None:
        """Note that the standard library calls a constructor of a type."""
        self.calls.add(made.get_canonical().get_declaration().get_usr())

    def visit_dependent_call(self, cursor: Any, at: _At) -> None:
        """Add a method of a container whose elements depend on a template."""
        member = next(iter(cursor.get_children()), None)
        if member is None or member.kind is not self.kinds.MEMBER_REF_EXPR:
            return
        named = re.search(r"(\w+)\s*$", self.words(member))
        base = next(iter(member.get_children()), None)
        held = None if base is None else types.container_of(base.type)
        if named is None or held is None:
            return
        self.saw(member, named[1])
        variable = self.variable_of(base)
        if named[1] in names.SHRINKS:
            self.use(variable, "shrink", at)
        elif named[1] in names.TESTS:
            self.use(variable, "size", at)
        elif named[1] in names.GROWS:
            self.use(variable, "grow", at)
            what = f"{held.kind}::{named[1]}"
            self.add(cursor, at, "growth", what, variable=variable, allocator=held.allocator)

    def base_of(self, cursor: Any) -> str:
        """Return the USR of the variable whose method is called; "" if it is none."""
        first = next(iter(cursor.get_children()), None)
        if first is None:
            return ""
        is_method = first.kind is self.kinds.MEMBER_REF_EXPR and first.spelling == cursor.spelling
        if is_method:
            first = next(iter(first.get_children()), None)
        return "" if first is None else self.variable_of(first)

    def variable_of(self, cursor: Any) -> str:
        """Return the USR of the variable that an expression names; "" if it names none."""
        while cursor.kind in (self.kinds.UNEXPOSED_EXPR, self.kinds.PAREN_EXPR):
            inner = next(iter(cursor.get_children()), None)
            if inner is None:
                return ""
            cursor = inner
        named = cursor.referenced
        is_name = cursor.kind in (self.kinds.MEMBER_REF_EXPR, self.kinds.DECL_REF_EXPR)
        return str(named.get_usr()) if is_name and named is not None else ""

    def use(self, variable: str, how: str, at: _At) -> None:
        """Note what a function does with a variable."""
        if variable:
            self.parsed.uses.add(Use(variable, at.function, how))

    def visit_reference(self, cursor: Any, at: _At) -> None:
        """Note who touches an array."""
        named = cursor.referenced
        if named is not None and named.kind in (self.kinds.FIELD_DECL, self.kinds.VAR_DECL):
            if types.fixed_of(named.type) is not None:
                self.use(named.get_usr(), "touch", at)

    def visit_return(self, cursor: Any, at: _At) -> None:
        """Note that a function says no by nullptr or false."""
        words = re.sub(r"[\s;()]|^return", "", self.words(cursor))
        words = words[len("return") :] if words.startswith("return") else words
        said = {"nullptr": "nullptr", "NULL": "nullptr", "false": "false"}.get(words)
        if said is not None and at.function:
            self.parsed.refusals[at.function] = f"returns {said}"
