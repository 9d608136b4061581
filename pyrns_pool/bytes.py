"""Bytes in the slots of a pool: a value that copies and slices share until one is written."""

from __future__ import annotations

import operator
from collections.abc import MutableSequence
from types import TracebackType
from typing import Any, Callable, Iterable, Optional, SupportsIndex, Union, overload

from pyrns_pool._native_store import NativeStore
from pyrns_pool._window import RELEASED, BytesLike, Owner, Window, ffi, lib, plain
from pyrns_pool.errors import Shared, TooLarge

__all__ = ["Bytes", "BytesLike", "new_bytes", "plain"]

LENGTH_MAX = 2**32 - 1
_SHARED = lib.RNS_MISS_SHARED
_new: Callable[[type], Any] = object.__new__
_new_handle = lib.rns_handle_new
_get = lib.rns_handle_get


def new_bytes(core: NativeStore, data: bytes) -> Bytes:
    """Return Bytes in a store; `Store.bytes` is the function to use."""
    length = len(data)
    made: Bytes = _new(Bytes)
    made._owner = _owner_of(_new_handle(core.store, data, length), core, length)
    made._from = 0
    made._length = length
    return made


def _owner_of(handle: Any, core: NativeStore, length: int) -> Owner:
    """Return the owner of a handle that C made, or raise why it made none."""
    if not handle:
        core.fail(ffi.errno, length)
    return Owner(handle, core)


class Bytes(Window):
    """A mutable sequence of bytes with the manners of bytearray, in one slot of a pool.

    Made by `Store.bytes`. Copies and slices share the storage until one of them is written; only
    then, and if the others still exist, its own content is copied. If a write fails for want of
    memory, the Bytes and all that share with it are as they were.

    Not hashable. Equal to anything bytes-like with the same content. Pickled, it is bytes. With
    NumPy, ``np.asarray(b)`` is a read-only array that shares the storage.

    One Bytes is to be used by one thread at a time; different ones by any, also if they share.

    Examples
    --------
    >>> import pyrns_pool as rp
    >>> store = rp.Store(rp.PoolConfig.parse("64x8"), headroom_bytes=8)
    >>> b = store.bytes(b"to be or not to be")
    >>> part = b[:5]
    >>> part += b"?"
    >>> part.prepend(b"> ")
    >>> bytes(part), b.endswith(b"be"), b == part
    (b'> to be?', True, False)
    >>> b.shares_with(b[3:]), b.shares_with(part)
    (True, False)
    """

    __slots__ = ()

    def __init__(self) -> None:
        raise TypeError("Bytes are made by a Store: store.bytes(data)")

    # ---- Sharing ----

    def copy(self) -> Bytes:
        """Return Bytes with the same content, sharing the storage."""
        return self._part(0, self._length, self._owner.core.shares.add)

    __copy__ = copy

    def __deepcopy__(self, memo: Any) -> Bytes:
        """Return a copy; it shares, too."""
        return self.copy()

    def split_to(self, at: int) -> Bytes:
        """Cut the first `at` bytes off and return them; both parts share the storage.

        Raises
        ------
        IndexError
            If `at` is not in 0 to the length; negative ones are not counted from the end.
        """
        at, count = self._cut(at)
        front = self._part(0, at, count)
        self._keep(at, self._length - at)
        return front

    def split_off(self, at: int) -> Bytes:
        """Cut all but the first `at` bytes off and return them; as `split_to`."""
        at, count = self._cut(at)
        back = self._part(at, self._length - at, count)
        self._keep(0, at)
        return back

    def _cut(self, at: int) -> tuple[int, Callable[[], object]]:
        """Return where to cut, and what counts it: one slice, unless a part is empty."""
        at, length = operator.index(at), len(self)
        if not 0 <= at <= length:
            raise IndexError(f"at: {at} is not in 0 to {length}")
        return at, self._owner.core.slices.add if 0 < at < length else int

    def _part(self, start: int, length: int, count: Callable[[], object]) -> Bytes:
        """Return a window of this one; one that is empty shares nothing and counts nowhere."""
        owner = self._owner
        if length <= 0:
            return new_bytes(owner.core, b"")
        owner.shared = True
        part: Bytes = _new(Bytes)
        part._owner = owner
        part._from = self._from + start
        part._length = length
        count()
        return part

    def shares_with(self, other: Bytes) -> bool:
        """Tell whether both have the same storage."""
        mine, theirs = self._info().buffer, other._info().buffer
        return bool(mine == theirs != 0)

    def _info(self) -> Any:
        owner = self._owner
        return lib.rns_handle_info(owner.handle)

    @property
    def refs(self) -> int:
        """How many share the storage, 0 without storage; from 2 on a write would copy.

        Counted as in C: a Bytes is one and each view of it is one, but those that were copied or
        sliced from another and not written since are one together.
        """
        self._own()
        return int(self._info().refs)

    @property
    def capacity(self) -> int:
        """How long the content could become where it is."""
        info = self._info()
        return int(info.capacity - info.headroom) - self._from

    @property
    def headroom(self) -> int:
        """How many bytes of the slot lie in front of the content."""
        return int(self._info().headroom) + self._from

    @property
    def will_copy(self) -> bool:
        """Whether a write inside the content would copy it now."""
        return self.refs > 1

    def release(self) -> None:
        """Let go of the storage; every further use is a ValueError."""
        self._owner = RELEASED
        self._from = self._length = 0

    def __enter__(self) -> Bytes:
        """Return the Bytes themselves."""
        self._owner.handle  # raises if released
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        value: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        """Release."""
        self.release()

    # ---- Writing ----

    def _own(self) -> Owner:
        """Return the owner, which is no other window's."""
        owner: Owner = self._owner
        return self._separate() if owner.shared else owner

    def _separate(self) -> Owner:
        """Get another owner of the same storage and return it."""
        shared, length = self._owner, self._length
        handle = lib.rns_handle_slice(shared.handle, self._from, length)
        owner = _owner_of(handle, shared.core, length)
        self._owner = owner
        self._from = 0
        if length:
            shared.core.separations.add()
        return owner

    def _write(self, need: int, write: Callable[..., int], *arguments: Any) -> None:
        """Call a function of C that writes; raise if it fails to get room for `need` bytes."""
        owner = self._own()
        status = write(owner.handle, *arguments)
        if status == _SHARED:  # a view has pinned the handle
            owner = self._separate()
            status = write(owner.handle, *arguments)
        if status:
            owner.core.fail(status, need)

    def _keep(self, start: int, length: int) -> None:
        """Cut off all but a window. Never copies; where nothing is left, storage is let go."""
        owner = self._owner
        if length == 0:
            self._owner = new_bytes(owner.core, b"")._owner
            self._from = 0
        elif owner.shared or lib.rns_handle_narrow(owner.handle, start, length) == _SHARED:
            owner.shared = True  # or a view has pinned the handle
            self._from += start
        self._length = length

    def _assign(self, data: bytes) -> None:
        """Replace the whole content."""
        if data:
            self._write(len(data), lib.rns_handle_assign, data, len(data))
            self._length = len(data)
        else:
            self._keep(0, 0)

    def _overwrite(self, start: int, data: bytes) -> None:
        """Replace as many bytes from `start` on."""
        if data:
            self._write(self._length, lib.rns_handle_write, start, data, len(data))

    @overload
    def __getitem__(self, index: SupportsIndex) -> int:  # noqa: D105
        ...

    @overload
    def __getitem__(self, index: slice) -> Bytes:  # noqa: D105
        ...

    def __getitem__(self, index: Union[SupportsIndex, slice]) -> Union[int, Bytes]:
        """Return a byte, or a slice that shares the storage unless it has a step."""
        if isinstance(index, slice):
            start, stop, step = index.indices(self._length)
            if step == 1 and start < stop:
                # As _part(), which is not called because slices are to be cheap.
                owner = self._owner
                owner.core.slices.add()
                owner.shared = True
                part: Bytes = _new(Bytes)
                part._owner = owner
                part._from = self._from + start
                part._length = stop - start
                return part
            return new_bytes(self._owner.core, bytes(self)[index])
        owner = self._owner
        byte: int = _get(owner.handle, self._from + self._position(index))
        return byte

    def __setitem__(self, index: Any, value: Any) -> None:
        """Replace a byte or a slice, as bytearray does."""
        if not isinstance(index, slice):
            at, byte = self._position(index), _byte(value)
            self._write(self._length, lib.rns_handle_set, at, byte)
            return
        data = _data(value)
        start, stop, step = index.indices(len(self))
        stop = max(start, stop)
        if step == 1 and stop - start == len(data):
            self._overwrite(start, data)
        elif step == 1 and start == self._length:
            self += data
        elif step == 1 and stop == 0:
            self.prepend(data)
        else:
            content = bytearray(bytes(self))
            content[index] = data
            self._replace(content)

    def _replace(self, content: bytearray) -> None:
        """Replace the whole content, in place if it has the same length."""
        if len(content) == self._length:
            self._overwrite(0, bytes(content))
        else:
            self._assign(bytes(content))

    def __delitem__(self, index: Union[SupportsIndex, slice]) -> None:
        """Remove a byte or a slice; at either end without a copy."""
        if not isinstance(index, slice):
            position = self._position(index)
            index = slice(position, position + 1)
        start, stop, step = index.indices(len(self))
        stop = max(start, stop)
        if step == 1 and start == 0:
            self._keep(stop, self._length - stop)
        elif step == 1 and stop == self._length:
            self._keep(0, start)
        else:
            content = bytearray(bytes(self))
            del content[index]
            self._replace(content)

    def try_write(self, at: int, data: BytesLike) -> None:
        """Replace as many bytes from `at` on, if that needs no copy.

        Raises
        ------
        Shared
            If others share the storage. Also a BufferError.
        IndexError
            If they are not all inside.
        """
        at, data = operator.index(at), plain(data)
        if not 0 <= at <= len(self) - len(data):
            what = f"{len(data)} bytes from {at} on"
            raise IndexError(f"{what} are out of range for {len(self)} bytes")
        if self.will_copy:
            raise Shared(f"{self!r}: {self.refs} share the storage")
        self._overwrite(at, data)

    def append(self, item: SupportsIndex) -> None:
        """Append one byte."""
        self += bytes((_byte(item),))

    def extend(self, items: Union[BytesLike, Iterable[int]]) -> None:
        """Append anything bytes-like, or bytes one by one."""
        self += _data(items)

    def prepend(self, data: BytesLike) -> None:
        """Put bytes in front: in place where there is headroom and nothing shares it."""
        data = plain(data)
        length = self._length + len(data)
        self._write(length, lib.rns_handle_prepend, data, len(data))
        self._length = length

    def insert(self, index: SupportsIndex, item: SupportsIndex) -> None:
        """Insert one byte in front of that with the index."""
        at = operator.index(index)
        self[at:at] = bytes((_byte(item),))

    def pop(self, index: SupportsIndex = -1) -> int:
        """Remove a byte and return it."""
        byte = self[index]
        del self[index]
        return byte

    def remove(self, item: SupportsIndex) -> None:
        """Remove the first byte of that value; ValueError if there is none."""
        byte = _byte(item)
        at = self.find(byte)
        if at < 0:
            raise ValueError(f"byte {byte} is not in {self!r}")
        del self[at]

    def reverse(self) -> None:
        """Reverse the order of the bytes."""
        self._overwrite(0, bytes(self)[::-1])

    def clear(self) -> None:
        """Remove all bytes, and let go of the storage."""
        self._keep(0, 0)

    def resize(self, length: int) -> None:
        """Set the length: new bytes are 0, shorter never copies."""
        length = operator.index(length)
        if not 0 <= length <= LENGTH_MAX:
            raise ValueError(f"length: {length} is not in 0 to {LENGTH_MAX}")
        if length <= len(self):
            self._keep(0, length)
        else:
            self._write(length, lib.rns_handle_resize, length)
            self._length = length

    def reserve(self, *, headroom_bytes: int = 0, tailroom_bytes: int = 0) -> None:
        """Make the storage its own, with so much room in front of the content and behind."""
        for name, room in (("headroom_bytes", headroom_bytes), ("tailroom_bytes", tailroom_bytes)):
            if not 0 <= room <= LENGTH_MAX:
                raise ValueError(f"{name}: {room} is not in 0 to {LENGTH_MAX}")
        need = headroom_bytes + len(self) + tailroom_bytes
        self._write(need, lib.rns_handle_reserve, headroom_bytes, tailroom_bytes)

    def compact(self) -> None:
        """Move the content to the smallest tier that holds it.

        For a short slice that is kept for long, so that it does not keep a large slot in use.

        Raises
        ------
        PoolExhausted
            If no smaller slot is free; the content stays where it is.
        """
        self._write(self._length, lib.rns_handle_compact)

    # ---- Operators ----

    def __iadd__(self, data: BytesLike) -> Bytes:
        """Append: in place, or behind what others share, or in a copy."""
        data = plain(data)
        length = self._length + len(data)
        self._write(length, lib.rns_handle_append, data, len(data))
        self._length = length
        return self

    def __add__(self, other: BytesLike) -> Bytes:
        """Return both, one after the other, in storage of its own."""
        return new_bytes(self._owner.core, bytes(self) + plain(other))

    def __radd__(self, other: bytes) -> Bytes:
        """Return both, one after the other, in storage of its own; only for bytes."""
        # What is mutable has a += of its own, which must not be turned into this.
        if not isinstance(other, bytes):
            return NotImplemented
        return new_bytes(self._owner.core, other + bytes(self))

    def __mul__(self, count: SupportsIndex) -> Bytes:
        """Return the content `count` times, in storage of its own."""
        return new_bytes(self._owner.core, self._times(count))

    __rmul__ = __mul__

    def __imul__(self, count: SupportsIndex) -> Bytes:
        """Become the content `count` times."""
        self._assign(self._times(count))
        return self

    def _times(self, count: SupportsIndex) -> bytes:
        times = max(operator.index(count), 0)
        length = len(self) * times
        if length > LENGTH_MAX:
            raise TooLarge(f"{length} bytes: more than {LENGTH_MAX}")
        return bytes(self) * times


def _byte(value: SupportsIndex) -> int:
    """Return a value that fits a byte."""
    try:
        byte = operator.index(value)
    except TypeError:
        raise TypeError(f"byte: {type(value).__name__} is not a whole number") from None
    if not 0 <= byte <= 255:
        raise ValueError(f"byte {byte} is not in 0 to 255")
    return byte


def _data(value: Union[BytesLike, Iterable[int]]) -> bytes:
    """Return what bytearray.extend would take: anything bytes-like, or bytes one by one."""
    try:
        return plain(value)  # type: ignore[arg-type]
    except TypeError:
        return bytes(map(_byte, value))  # type: ignore[arg-type]


MutableSequence.register(Bytes)
