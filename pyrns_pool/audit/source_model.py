"""What one parse of a source file says: functions, places that allocate, containers, arrays.

Plain values that go from the processes that parse to the one that audits.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Optional

__all__ = ["Container", "FixedArray", "Function", "Parsed", "Site", "Use"]


@dataclass(frozen=True)
class Site:
    """One place that allocates."""

    file: str
    """Relative to the audited directory."""
    line: int
    kind: str
    """"new", "new[]", "shared_ptr(new)", "control block", "make_shared", "make_unique", "malloc",
    "growth", "construction"."""
    what: str
    """Object type, function of the heap, or container and method: "vector::push_back"."""
    function: str
    """USR of the function it stands in; "" outside of functions."""
    size_bytes: Optional[int] = None
    """Of the block, where the source says it."""
    element_bytes: Optional[int] = None
    """Of one element, or node, of the container."""
    variable: str = ""
    """USR of the container that grows."""
    allocator: str = ""
    """Type of a custom allocator, or the capabilities that are asked of the heap."""
    in_loop: bool = False
    resolved: bool = True
    """False where only the words were seen, since libclang lacks a type there."""


@dataclass(frozen=True)
class Function:
    """One function that has a body."""

    usr: str
    name: str
    """With its namespaces and class, without parameters."""
    owner: str
    """Its class; "" for none."""
    file: str
    line: int
    last_line: int
    is_constructor: bool
    calls: frozenset[str] = frozenset()
    """USR of each function it calls, and of each class that it has others construct."""
    overrides: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Container:
    """A field or variable of static storage that is a container of the standard library."""

    usr: str
    name: str
    owner: str
    file: str
    line: int
    kind: str
    """"vector", "map", ..."""
    type: str
    allocator: str
    """Type of a custom allocator; "" for std::allocator."""
    element_bytes: Optional[int]


@dataclass(frozen=True)
class Use:
    """What a function does with a container or array: "grow", "shrink", "size" or "touch"."""

    variable: str
    function: str
    how: str


@dataclass(frozen=True)
class FixedArray:
    """An array or pool of fixed size, in a field or in static storage."""

    usr: str
    name: str
    owner: str
    file: str
    line: int
    type: str
    slots: int
    slot_bytes: Optional[int]


@dataclass
class Parsed:
    """Everything that one parse found in files of the tree, headers among them."""

    file: str
    sites: set[Site] = field(default_factory=set)
    functions: dict[str, Function] = field(default_factory=dict)
    containers: dict[str, Container] = field(default_factory=dict)
    arrays: dict[str, FixedArray] = field(default_factory=dict)
    uses: set[Use] = field(default_factory=set)
    refusals: dict[str, str] = field(default_factory=dict)
    """How each function says no: "returns nullptr", "returns false", "overwrites the oldest"."""
    missing: set[str] = field(default_factory=set)
    """Headers that were not found, and types that were not known."""
    headers: set[str] = field(default_factory=set)
    """Headers of the tree that it includes."""
    error: str = ""
    """Why it could not be parsed at all."""
