"""The names that allocate: functions of heaps, methods and classes of the standard library."""

from __future__ import annotations

import re
from typing import Mapping

__all__ = [
    "CONTAINERS",
    "EXTERNAL",
    "GROWS",
    "HEAP",
    "MAKERS",
    "NODE_WORDS",
    "SHRINKS",
    "SIZES",
    "STRINGS",
    "TESTS",
]

HEAP: Mapping[str, tuple[int, ...]] = {
    "malloc": (0,),
    "calloc": (0, 1),
    "realloc": (1,),
    "reallocarray": (1, 2),
    "aligned_alloc": (1,),
    "memalign": (1,),
    "posix_memalign": (2,),
    "strdup": (),
    "strndup": (1,),
    "asprintf": (),
    "heap_caps_malloc": (0,),
    "heap_caps_calloc": (0, 1),
    "heap_caps_realloc": (1,),
    "heap_caps_aligned_alloc": (1,),
    "heap_caps_malloc_prefer": (0,),
    "ps_malloc": (0,),
    "ps_calloc": (0, 1),
    "ps_realloc": (1,),
    "pvPortMalloc": (0,),
}
"""Functions of C heaps. Value: the arguments whose product is the size; none: not in a call."""
MAKERS = ("make_shared", "allocate_shared", "make_unique")
STRINGS = ("basic_string",)
CONTAINERS = {
    *("vector", "deque", "list", "forward_list", "map", "multimap", "set", "multiset"),
    *("unordered_map", "unordered_multimap", "unordered_set", "queue", "stack"),
    *("priority_queue", *STRINGS),
}
NODE_WORDS: Mapping[str, int] = {
    **{"list": 2, "forward_list": 1, "map": 4, "multimap": 4, "set": 4, "multiset": 4},
    **{"unordered_map": 2, "unordered_multimap": 2, "unordered_set": 2},
}
"""Containers of one block an element. Value: pointers that libstdc++ puts in front of it."""
SIZES = ("reserve", "resize", "assign")
"""Methods whose first argument is the number of elements."""
GROWS = {
    *("push_back", "emplace_back", "push_front", "emplace_front", "emplace", "insert", "push"),
    *("try_emplace", "insert_or_assign", "append", "replace", "operator+=", "operator[]"),
    *SIZES,
}
SHRINKS = {"pop_back", "pop_front", "pop", "erase", "clear", "remove", "remove_if", "swap"}
TESTS = {"size", "length", "capacity", "max_size"}
EXTERNAL = re.compile(r"ps_?ram|spiram|spi_ram|ext_?ram|external", re.I)
"""An allocator, or capabilities, of a memory outside of the chip."""
