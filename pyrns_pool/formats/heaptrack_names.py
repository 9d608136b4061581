"""The lines of a heaptrack file that are no events: modules, functions, instructions, stacks."""

from __future__ import annotations

import re
from typing import Optional

import numpy as np
from numpy.typing import NDArray

from pyrns_pool.errors import TraceError
from pyrns_pool.formats.recording import site_name

__all__ = ["HeaptrackNames"]

FORMAT_VERSION = 3
LETTERS = ("", *"vxXImsiASdk#")
CPP_LIBRARIES = ("libstdc++.", "libc++.")
ALLOCATOR = "operator new"
NUMBER = re.compile(r"[0-9a-fA-F]{1,16}")
STEPS_MAX = 8  # Frames of operator new above the one that is meant; there are one or two.


class HeaptrackNames:
    """What the lines say, to be taken in the order of the file.

    Parameters
    ----------
    path : str
        The file, for errors.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.version = self.command = ""
        self.format_version = 0
        self._program = ""
        self._segments: dict[int, tuple[int, str, int]] = {}  # begin: (end, module, base)
        self._strings = [""]
        self._instructions = [(0, 0)]  # Strings of module and function.

    def take(self, line: bytes, number: int) -> bool:
        """Keep what a line says.

        Parameters
        ----------
        line : bytes
            Without its end.
        number : int
            From 1.

        Returns
        -------
        bool
            Whether it is one of heaptrack's.

        Raises
        ------
        TraceError
            If it is of another version of the format, or has a bad number.
        """
        text = line.decode("utf-8", "backslashreplace")
        letter, _, rest = text.partition(" ")
        if (number == 1) != (letter == "v"):
            raise self._error(number, text, "is not the version line, which comes first and once")
        try:
            if letter == "v":
                self._take_version(rest)
            elif letter == "X":
                self.command = rest
            elif letter == "x":
                self._program = _string(rest)[0]
            elif letter == "s":
                self._strings.append(_string(rest)[0])
            elif letter == "i":
                self._take_instruction(rest)
            elif letter == "m":
                self._take_module(rest)
        except (ValueError, IndexError):
            raise self._error(number, text, "has a number that is wrong or missing") from None
        if self.format_version != FORMAT_VERSION:
            reason = f"is no version of the format that is known; {FORMAT_VERSION} is"
            raise self._error(number, str(self.format_version), reason, "version")
        return letter in LETTERS

    def sites(self, stacks: NDArray[np.void], is_raw: bool) -> tuple[list[str], NDArray[np.intp]]:
        """Return the site of each stack.

        Parameters
        ----------
        stacks : ndarray of ROW_DTYPE, shape (n,)
            Their lines: frame, and the number of the stack that is the rest, 0 for none.
        is_raw : bool
            Whether a frame is an address, else it is the number of an instruction.

        Returns
        -------
        names : list of str
            Of each distinct frame; the first, of stack 0, is empty.
        which : ndarray of intp, shape (n + 1,)
            Index in `names` of each stack, from 0.

        Raises
        ------
        TraceError
            If a stack has a parent that does not come before it, or an unknown instruction.
        """
        own = np.arange(1, len(stacks) + 1)
        self._require_below(stacks, 1, own, "parent", "is not the number of a stack above")
        if not is_raw:
            count = np.full(len(stacks), len(self._instructions))
            self._require_below(stacks, 0, count, "frame", "is the number of no instruction")
        frames, frame = np.unique(stacks["value"][:, 0], return_inverse=True)
        places = self._module_places(frames) if is_raw else self._functions(frames)
        names = ["", *(site_name(module, symbol) for module, symbol in places)]
        is_new = np.array([False, *(_is_allocator(*place) for place in places)])
        which = np.append(0, frame + 1)
        parent = np.append(0, stacks["value"][:, 1].astype(np.intp))
        meant = np.arange(len(which))
        for _ in range(STEPS_MAX):
            steps = is_new[which[meant]] & (parent[meant] > 0)
            if not steps.any():
                break
            meant[steps] = parent[meant[steps]]
        return names, which[meant]

    def _take_version(self, rest: str) -> None:
        tool, self.format_version = map(_number, rest.split(" "))
        self.version = f"{tool >> 16}.{tool >> 8 & 255}.{tool & 255}"

    def _take_instruction(self, rest: str) -> None:
        # address module (function file line)*: inlined functions first, the real one last.
        _, module, *frames = map(_number, rest.split(" "))
        function = frames[(len(frames) - 1) // 3 * 3] if frames else 0
        self._instructions.append((module, function))

    def _take_module(self, rest: str) -> None:
        module, rest = _string(rest)
        if module == "-":
            return  # The list follows again, after a module was loaded.
        base, *spans = map(_number, rest.split(" "))
        name = self._program if module == "x" else module
        for offset, length in zip(spans[::2], spans[1::2]):
            self._segments[base + offset] = (base + offset + length, name, base)
            if base + offset >> 64:
                raise ValueError

    def _module_places(self, addresses: NDArray[np.uint64]) -> list[tuple[str, str]]:
        """Return module and offset of each address."""
        begins = sorted(self._segments)
        below = np.searchsorted(np.array(begins, np.uint64), addresses, side="right")
        places = []
        for address, count in zip(addresses.tolist(), below.tolist()):
            end, module, base = self._segments[begins[count - 1]] if count else (0, "", 0)
            places.append(
                (module, f"{address - base:#x}") if address < end else ("", f"{address:#x}")
            )
        return places

    def _functions(self, instructions: NDArray[np.uint64]) -> list[tuple[str, str]]:
        """Return module and function of each instruction."""
        places = []
        for number in instructions.tolist():
            module, function = (
                self._strings[text] if text < len(self._strings) else ""
                for text in self._instructions[number]
            )
            places.append((module, function or "?"))
        return places

    def _require_below(
        self,
        stacks: NDArray[np.void],
        column: int,
        bound: NDArray[np.intp],
        field: str,
        reason: str,
    ) -> None:
        value = stacks["value"][:, column]
        holds = value < bound.astype(np.uint64)
        if not holds.all():
            at = int(np.argmin(holds))
            raise self._error(int(stacks[at]["line"]), f"{int(value[at]):x}", reason, field)

    def _error(
        self, line: int, value: str, reason: str, field: Optional[str] = None
    ) -> TraceError:
        return TraceError(reason, path=self.path, line=line, field=field, value=value)


def _number(word: str) -> int:
    """Return a hexadecimal number of up to 64 bits; int() takes signs, spaces and underscores."""
    if NUMBER.fullmatch(word) is None:
        raise ValueError
    return int(word, 16)


def _string(text: str) -> tuple[str, str]:
    """Split off what has its length in bytes in front."""
    digits, _, rest = text.partition(" ")
    data = rest.encode()
    length = _number(digits)
    if length > len(data):
        raise ValueError
    return data[:length].decode("utf-8", "replace"), data[length + 1 :].decode("utf-8", "replace")


def _is_allocator(module: str, symbol: str) -> bool:
    """Return whether a frame is operator new; without names, any of the C++ library is."""
    if symbol.startswith("0x"):
        return module.rpartition("/")[2].startswith(CPP_LIBRARIES)
    return symbol.startswith(ALLOCATOR)
