"""What `Bytes` can do without writing: a window of storage that others may share.

How sharing is kept cheap: a slice is a second window of the same `Owner`, made without a call of
C. An owner that several windows read is marked `shared` and never written again: before a write a
window gets an owner of its own, which C counts as a further handle of the same storage. Whether
the write then copies C decides by its count alone: if the other windows are gone, so is their
owner with its count, and the write is in place.

Threads: a window belongs to one thread at a time, windows of one owner may be in any. If two
threads use the same window nevertheless, its content may surprise them, but memory is safe: C
locks the owner's handle for each call, refuses or clamps what lies outside, and moves nothing that
is pinned. For that each method has the owner in a local variable while it calls C: the handle goes
with the last reference.
"""

from __future__ import annotations

import operator
from functools import partial
from typing import TYPE_CHECKING, Any, Callable, Iterator, Optional, SupportsIndex, Union

from pyrns_pool._native import atomic
from pyrns_pool._native_store import NativeStore

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

BytesLike = Union["ReadableBuffer", "Window"]
Item = Union[int, BytesLike]
Affix = Union[BytesLike, tuple[BytesLike, ...]]
Bound = Optional[SupportsIndex]

lib, ffi = atomic
_compare = lib.rns_handle_compare
REPR_BYTES_MAX = 16
BUFFER_WRITABLE = 1  # inspect.BufferFlags.WRITABLE, from Python 3.12 on


class Owner:
    """Owns one handle in C; goes with the last window and view of it."""

    __slots__ = ("handle", "core", "shared")

    def __init__(self, handle: Any, core: NativeStore) -> None:
        self.handle = handle
        self.core = core
        self.shared = False
        """Whether several windows may read it."""

    # Functions of C as defaults: when the interpreter shuts down, globals may be gone.
    def __del__(self, _drop: Callable[[Any], None] = lib.rns_handle_drop) -> None:
        """Drop the handle.

        In a cycle that is garbage other finalisers may still come, with windows of this owner: C
        would take the handle, and refuses None.
        """
        handle, self.handle = self.handle, None
        _drop(handle)

    def unpin(
        self, handle: Any, _: Any, _unpin: Callable[[Any], None] = lib.rns_handle_unpin
    ) -> None:
        """End a view of the handle, which this keeps together with its store."""
        _unpin(handle)


class Released:
    """Stands for the owner of a window that was released: refuses every use."""

    @property
    def handle(self) -> Any:
        """Refuse."""
        raise ValueError("operation forbidden on released Bytes")

    core = shared = handle


RELEASED: Any = Released()


class Window:
    """A sequence of bytes; `Bytes` is the class to use."""

    # Unless the owner is shared, the window is the whole of its handle.
    __slots__ = ("_owner", "_from", "_length")
    _owner: Any
    _from: int
    _length: int

    def _pin(self) -> tuple[Any, int, Owner]:
        """Return the content in C, its length, and the owner to unpin when done with it."""
        owner, length = self._owner, self._length
        content = lib.rns_handle_pin(owner.handle, self._from, length)
        if not content:
            raise RuntimeError("another thread changed the Bytes during the call")
        return content, length, owner

    def __bytes__(self) -> bytes:
        """Return a copy as bytes."""
        content, length, owner = self._pin()
        try:
            return ffi.unpack(content, length)  # type: ignore[no-any-return]
        finally:
            lib.rns_handle_unpin(owner.handle)

    def view(self) -> memoryview:
        """Return the content without a copy: read-only, and never to change.

        The view outlives the Bytes and the store. While it exists, every write to the storage
        copies, but for appends.

        Examples
        --------
        >>> import pyrns_pool as rp
        >>> b = rp.Store(rp.PoolConfig.parse("64x4")).bytes(b"before")
        >>> view = b.view()
        >>> b[:] = b"after"
        >>> bytes(view), bytes(b)
        (b'before', b'after')
        """
        content, length, owner = self._pin()
        pinned = ffi.gc(content, partial(owner.unpin, owner.handle))
        if length:
            owner.core.shares.add()
        return memoryview(ffi.buffer(pinned, length)).toreadonly()

    def __buffer__(self, flags: int) -> memoryview:
        """Export a `view`; called by Python 3.12 and later."""
        if flags & BUFFER_WRITABLE:
            raise BufferError("Bytes are exported read-only")
        return self.view()

    @property
    def __array_interface__(self) -> dict[str, Any]:
        """Export a `view` to NumPy."""
        shape = (self._length,)
        return {"shape": shape, "typestr": "|u1", "data": self.view(), "version": 3}

    def __len__(self) -> int:
        """Return the number of bytes."""
        if self._owner is RELEASED:
            RELEASED.handle  # raises
        return self._length

    def _position(self, index: SupportsIndex) -> int:
        """Return where the byte with that index is; negative ones count from the end."""
        try:
            position = operator.index(index)
        except TypeError:
            kind = type(index).__name__
            raise TypeError(f"index: {kind} is neither a whole number nor a slice") from None
        length = self._length
        if not -length <= position < length:
            raise IndexError(f"index {position} is out of range for {len(self)} bytes")
        return position + length if position < 0 else position

    def __iter__(self) -> Iterator[int]:
        """Iterate over the content as it is now."""
        return iter(bytes(self))

    def __contains__(self, item: object) -> bool:
        """Tell whether a byte or a run of bytes occurs."""
        return plain_or_same(item) in bytes(self)

    def find(self, sub: Item, *bounds: Bound) -> int:
        """Return where `sub` first begins, -1 if nowhere; arguments as of bytearray.find."""
        return bytes(self).find(plain_or_same(sub), *bounds)

    def rfind(self, sub: Item, *bounds: Bound) -> int:
        """Return where `sub` last begins, -1 if nowhere."""
        return bytes(self).rfind(plain_or_same(sub), *bounds)

    def index(self, sub: Item, *bounds: Bound) -> int:
        """Return where `sub` first begins; ValueError if nowhere."""
        return bytes(self).index(plain_or_same(sub), *bounds)

    def rindex(self, sub: Item, *bounds: Bound) -> int:
        """Return where `sub` last begins; ValueError if nowhere."""
        return bytes(self).rindex(plain_or_same(sub), *bounds)

    def count(self, sub: Item, *bounds: Bound) -> int:
        """Return how often `sub` occurs without overlap."""
        return bytes(self).count(plain_or_same(sub), *bounds)

    def startswith(self, prefix: Affix, *bounds: Bound) -> bool:
        """Tell whether the content begins with `prefix`, or with one of a tuple."""
        return bytes(self).startswith(_affix(prefix), *bounds)

    def endswith(self, suffix: Affix, *bounds: Bound) -> bool:
        """Tell whether the content ends with `suffix`, or with one of a tuple."""
        return bytes(self).endswith(_affix(suffix), *bounds)

    def hex(self, *arguments: Any) -> str:
        """Return the content as hexadecimal digits; arguments as of bytes.hex."""
        return bytes(self).hex(*arguments)

    def _compare(self, other: object, test: Callable[[int, int], bool]) -> bool:
        """Test the order of the content and something bytes-like, which is below, 0 or above."""
        if not isinstance(other, bytes):
            try:
                other = plain(other)  # type: ignore[arg-type]
            except TypeError:
                return NotImplemented
        owner = self._owner
        order = _compare(owner.handle, self._from, self._length, other, len(other))
        return test(order, 0)

    def __eq__(self, other: object) -> bool:
        """Tell whether the content is that of something bytes-like."""
        return self._compare(other, operator.eq)

    def __lt__(self, other: object) -> bool:
        """Compare as bytes do."""
        return self._compare(other, operator.lt)

    def __le__(self, other: object) -> bool:
        """Compare as bytes do."""
        return self._compare(other, operator.le)

    def __gt__(self, other: object) -> bool:
        """Compare as bytes do."""
        return self._compare(other, operator.gt)

    def __ge__(self, other: object) -> bool:
        """Compare as bytes do."""
        return self._compare(other, operator.ge)

    def __reduce__(self) -> Any:
        """Pickle as bytes: storage belongs to its process."""
        return bytes, (bytes(self),)

    def __repr__(self) -> str:
        """Return length and first bytes."""
        if self._owner is RELEASED:
            return "<released Bytes>"
        text = bytes(self)[:REPR_BYTES_MAX].hex() + "..." * (self._length > REPR_BYTES_MAX)
        return f"<Bytes of {self._length}: {text}>"


def plain(value: BytesLike) -> bytes:
    """Return the content of anything bytes-like; a copy unless it is bytes."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, Window):
        return value.__bytes__()
    try:
        return memoryview(value).tobytes()
    except TypeError:
        kind = type(value).__name__
        raise TypeError(f"a bytes-like object is required, not '{kind}'") from None


def plain_or_same(value: Any) -> Any:
    """Return what a method of bytes understands."""
    return value.__bytes__() if isinstance(value, Window) else value


def _affix(value: Any) -> Any:
    return tuple(map(plain_or_same, value)) if isinstance(value, tuple) else plain_or_same(value)
