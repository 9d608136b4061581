"""What a type of libclang means here: which container, which array, how large."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Optional

from pyrns_pool.audit.source_libclang import libclang
from pyrns_pool.audit.source_names import CONTAINERS, NODE_WORDS

__all__ = [
    "Held",
    "class_of",
    "container_of",
    "first_argument",
    "fixed_of",
    "is_allocator",
    "is_in_template",
    "is_integer",
    "is_short_text",
    "is_static",
    "made_in",
    "owner_of",
    "qualified_name",
    "size_of",
]

SHORT_TEXT = 15
"""Characters that a std::string of libstdc++ holds in itself."""
ADAPTERS = ("queue", "stack", "priority_queue")
OWN_WORDS = {
    **{"list": 3, "forward_list": 1},
    **dict.fromkeys(("unordered_map", "unordered_multimap", "unordered_set"), 7),
}
"""Pointers that a container itself consists of; a tree, of 6."""
FIXED = re.compile(r"<.*,\s*(\d+)U?L*>$")
"""A class template whose last argument is a number: std::array, ObjectPool<T, 24>."""


@dataclass(frozen=True)
class Held:
    """A container type."""

    kind: str
    element_bytes: Optional[int]
    """Of one element; of one node where each is a block of its own."""
    allocator: str


def size_of(kind: Any) -> Optional[int]:
    """Return the bytes of a type, None if they are not known."""
    declared = kind.get_canonical().get_declaration()
    # A class with a field of an unknown type has a size, but a wrong one.
    if not declared.kind.is_invalid() and libclang().conf.lib.clang_isInvalidDeclaration(declared):
        return None
    size = kind.get_size()
    return size if size > 0 else None


def class_of(cursor: Any) -> str:
    """Return the name of the class that a method is in; "" for a function."""
    parent = cursor.semantic_parent
    is_space = parent is None or parent.kind.name in ("NAMESPACE", "TRANSLATION_UNIT")
    return "" if is_space or parent.kind.is_invalid() else str(parent.spelling)


def qualified_name(cursor: Any) -> str:
    """Return a name with its namespaces and classes."""
    parts = [cursor.spelling]
    parent = cursor.semantic_parent
    while parent is not None and parent.kind.name != "TRANSLATION_UNIT":
        # A struct in C may have the name of its typedef alone; an anonymous namespace has none.
        name = parent.spelling or parent.type.spelling
        if name and "(" not in name and parent.kind.name != "LINKAGE_SPEC":
            parts.append(name)
        parent = parent.semantic_parent
    # The template of a constructor is spelled with its parameters.
    return "::".join(re.sub(r"<.*>$", "", part) for part in reversed(parts))


def owner_of(cursor: Any) -> str:
    """Return the class of a method with its namespaces; "" for a function."""
    return qualified_name(cursor.semantic_parent) if class_of(cursor) else ""


def is_in_template(cursor: Any) -> bool:
    """Return whether a function is a method of a class template."""
    parent = cursor.semantic_parent
    while parent is not None and not parent.kind.is_invalid():
        if parent.kind.name in ("CLASS_TEMPLATE", "CLASS_TEMPLATE_PARTIAL_SPECIALIZATION"):
            return True
        parent = parent.semantic_parent
    return False


def is_static(cursor: Any) -> bool:
    """Return whether a variable lives as long as the program."""
    if cursor.storage_class.name == "STATIC":
        return True
    return cursor.semantic_parent.kind.name in (
        *("NAMESPACE", "TRANSLATION_UNIT", "LINKAGE_SPEC"),
        *("CLASS_DECL", "STRUCT_DECL", "CLASS_TEMPLATE"),
    )


def container_of(kind: Any) -> Optional[Held]:
    """Return what container a type is, behind references; None if it is none."""
    kind = kind.get_canonical()
    while kind.kind.name in ("LVALUEREFERENCE", "RVALUEREFERENCE", "POINTER"):
        kind = kind.get_pointee()
    named = re.match(r"(?:const )?(?:std::)?(\w+)<", kind.spelling)
    if named is None or named[1] not in CONTAINERS:
        return None
    name, count = named[1], kind.get_num_template_arguments()
    element = _element_bytes(kind, name) if count > 0 else None
    last = kind.get_template_argument_type(count - 1).spelling if count > 0 else ""
    standard = name in ADAPTERS or re.match(r"(?:std::)?(?:allocator|char_traits)<", last)
    return Held(name, element, "" if standard or count < 2 else last)


def _element_bytes(kind: Any, name: str) -> Optional[int]:
    """Return the bytes of an element, or node, of a container type."""
    held = [kind.get_template_argument_type(0)]
    if "map" in name:
        held.append(kind.get_template_argument_type(1))
    sizes = [size_of(part) for part in held]
    align = max(int(part.get_align()) for part in held)
    offset = 0
    for size in sizes:
        if size is None:
            return None
        offset += -offset % min(align, size & -size) + size
    words = NODE_WORDS.get(name)
    if words is None:
        return offset
    # The size of the container tells that of a pointer.
    own = size_of(kind)
    if own is None:
        return None
    front = words * (own // OWN_WORDS.get(name, 6))
    return front + -front % align + offset + -offset % align


def made_in(kind: Any) -> Any:
    """Return the type that emplace of a container makes."""
    kind = kind.get_canonical()
    keyed = "map<" in kind.spelling
    return kind.get_template_argument_type(1 if keyed else 0)


def fixed_of(kind: Any) -> Optional[tuple[int, Optional[int]]]:
    """Return slots and slot bytes of an array or fixed pool, None if a type is neither."""
    if kind.is_const_qualified():
        return None
    kind = kind.get_canonical()
    if kind.kind.name == "CONSTANTARRAY":
        element = kind.element_type
        return None if element.is_const_qualified() else (kind.element_count, size_of(element))
    if kind.kind.name != "RECORD" or kind.is_const_qualified():
        return None
    number = FIXED.search(kind.spelling)
    if number is None or kind.get_num_template_arguments() < 2:
        return None
    return int(number[1]), size_of(kind.get_template_argument_type(0))


def first_argument(cursor: Any) -> str:
    """Return the type of the first argument of a call."""
    given = next(iter(cursor.get_arguments()), None)
    return "" if given is None else str(given.type.get_canonical().spelling)


def is_integer(cursor: Any) -> bool:
    """Return whether an expression is a number."""
    name = cursor.type.get_canonical().kind.name
    return name in ("INT", "UINT", "LONG", "ULONG", "LONGLONG", "ULONGLONG", "USHORT", "SHORT")


def is_allocator(cursor: Any, held: Held) -> bool:
    """Return whether an argument is the allocator of the container."""
    spelling = cursor.type.get_canonical().spelling.replace("const ", "")
    return bool(held.allocator) and spelling.rstrip("& ") == held.allocator


def is_short_text(cursor: Any) -> bool:
    """Return whether an expression is text in quotes that a std::string holds in itself."""
    while cursor.kind.name == "UNEXPOSED_EXPR":
        inner = next(iter(cursor.get_children()), None)
        if inner is None:
            return False
        cursor = inner
    is_text = cursor.kind.name == "STRING_LITERAL"
    return is_text and int(cursor.type.get_canonical().element_count) - 1 <= SHORT_TEXT
