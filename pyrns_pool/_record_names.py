"""Names of return addresses: which module, which function, as short as a person would say it."""

from __future__ import annotations

import os
import re
import shutil
import struct
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Iterable, NamedTuple, Optional

import numpy as np
from numpy.typing import NDArray

DEBUG_FILES = Path("/usr/lib/debug/.build-id")
PT_LOAD, PT_NOTE, NT_GNU_BUILD_ID = 1, 4, 3
FUNCTIONS = "tTwWiu"  # nm's letters; V and the like are data
HIDDEN = re.compile(r"\[abi:\w+\]|\[clone [^]]*\]|\(anonymous namespace\)::")
OPERATOR_SIGNS = ("<=>", "<<=", ">>=", "->*", "<<", ">>", "<=", ">=", "->", "<", ">", "()")
WORDS_BEHIND = re.compile(r"(?: const| volatile| &&?)+$")


class Module(NamedTuple):
    """A piece of executable memory: where it lay and of which file it came."""

    first: int
    end: int
    offset: int
    path: str


@dataclass(frozen=True)
class Symbols:
    """The functions of a file, by address."""

    segments: tuple[tuple[int, int, int], ...]
    """Offset in the file, bytes, and address of what is loaded."""
    first: NDArray[np.uint64]
    end: NDArray[np.uint64]
    names: tuple[str, ...]

    def find(self, offset: int) -> Optional[str]:
        """Return the raw name of the function at an offset in the file, None if there is none."""
        for file_offset, size, address in self.segments:
            if file_offset <= offset < file_offset + size:
                wanted = offset - file_offset + address
                index = int(np.searchsorted(self.first, np.uint64(wanted), side="right")) - 1
                if index >= 0 and wanted < self.end[index]:
                    return self.names[index]
        return None


def names_of(addresses: Iterable[int], modules: Iterable[Module]) -> dict[int, str]:
    """Return a name for each return address.

    Parameters
    ----------
    addresses : iterable of int
        Return addresses.
    modules : iterable of Module
        What lay in memory.

    Returns
    -------
    dict of int to str
        ``module:symbol``, or ``module+0xoffset`` of the return address in the file where no
        symbol is known; ``[anonymous]`` stands for memory without a file.

    Notes
    -----
    Symbols are those that ``nm`` of binutils prints, of the file or of its separate debug file;
    C++ names are undone by ``c++filt``. Without these programs there are offsets only.
    """
    known = sorted(set(modules))
    firsts = [module.first for module in known]
    raw: dict[int, tuple[str, Optional[str], int]] = {}
    for address in set(addresses):
        index = int(np.searchsorted(firsts, address - 1, side="right")) - 1
        if index < 0 or address > known[index].end:
            raw[address] = ("[unknown]", None, address)
            continue
        module = known[index]
        path = module.path[: -len(" (deleted)")] if module.path.endswith(" (deleted)") else ""
        path = path or module.path
        offset = address - module.first + module.offset
        # The return address may be that of the next function, where the call is the last thing.
        symbol = symbols_of(path).find(offset - 1) if path else None
        raw[address] = (os.path.basename(path) or "[anonymous]", symbol, offset)
    plain = demangled({symbol for _, symbol, _ in raw.values() if symbol is not None})
    return {
        address: f"{module}+{offset:#x}" if symbol is None else f"{module}:{plain[symbol]}"
        for address, (module, symbol, offset) in raw.items()
    }


@lru_cache(maxsize=64)
def symbols_of(path: str) -> Symbols:
    """Return the functions of an ELF file; none if it cannot be read."""
    try:
        with open(path, "rb") as file:
            segments, build_id = _headers(file.read(1 << 16))
    except (OSError, struct.error):
        segments, build_id = (), ""
    tables = [["-D", path], [path]]
    if (
        len(build_id) > 2
        and (debug := DEBUG_FILES / build_id[:2] / f"{build_id[2:]}.debug").exists()
    ):
        tables.append([str(debug)])
    best: dict[int, tuple[int, str]] = {}
    for arguments in tables if segments else []:
        for line in _printed("nm", "-S", "--defined-only", *arguments).splitlines():
            words = line.split()
            if len(words) == 4 and words[2] in FUNCTIONS:
                first, size, name = int(words[0], 16), int(words[1], 16), words[3].split("@")[0]
                known = best.get(first)
                if known is None or _order(name) < _order(known[1]):
                    best[first] = (size, name)
    firsts = sorted(best)
    return Symbols(
        segments,
        np.array(firsts, np.uint64),
        np.array([first + best[first][0] for first in firsts], np.uint64),
        tuple(best[first][1] for first in firsts),
    )


def _order(name: str) -> tuple[int, int, str]:
    """Of several names of one function, the plainest: strdup, not __strdup."""
    return (len(name) - len(name.lstrip("_")) if not name.startswith("_Z") else 0, len(name), name)


def _headers(start: bytes) -> tuple[tuple[tuple[int, int, int], ...], str]:
    """Return what an ELF file's program headers say: the loaded segments, and the build id."""
    if start[:4] != b"\x7fELF" or start[5:6] not in (b"\1", b"\2"):
        return (), ""
    order = "<" if start[5:6] == b"\1" else ">"
    is_64 = start[4:5] == b"\2"
    header = struct.Struct(f"{order}{'QQQ' if is_64 else 'III'}IHHH")
    _, table, _, _, _, entry_bytes, count = header.unpack_from(start, 24)
    entry = struct.Struct(f"{order}{'IIQQQQ' if is_64 else 'IIIII'}")
    segments, build_id = [], ""
    for index in range(count):
        fields = entry.unpack_from(start, table + index * entry_bytes)
        if is_64:
            kind, _, offset, address, _, size = fields
        else:
            kind, offset, address, _, size = fields
        if kind == PT_LOAD:
            segments.append((offset, size, address))
        elif kind == PT_NOTE:
            build_id = build_id or _build_id(start[offset : offset + size], order)
    return tuple(segments), build_id


def _build_id(notes: bytes, order: str) -> str:
    while len(notes) >= 12:
        name_bytes, value_bytes, kind = struct.unpack_from(f"{order}III", notes)
        value = 12 + (name_bytes + 3) // 4 * 4
        if kind == NT_GNU_BUILD_ID and notes[12:15] == b"GNU":
            return notes[value : value + value_bytes].hex()
        notes = notes[value + (value_bytes + 3) // 4 * 4 :]
    return ""


def demangled(symbols: set[str]) -> dict[str, str]:
    """Return the short form of each symbol."""
    mangled = sorted(symbol for symbol in symbols if symbol.startswith("_Z"))
    plain = {symbol: symbol for symbol in symbols}
    if mangled:
        lines = _printed("c++filt", given="\n".join(mangled) + "\n").splitlines()
        if len(lines) == len(mangled):
            plain.update({symbol: short_name(line) for symbol, line in zip(mangled, lines)})
    return plain


def short_name(text: str) -> str:
    """Return a C++ name without its parameters, template arguments and return type.

    Examples
    --------
    >>> from pyrns_pool._record_names import short_name
    >>> short_name("void std::vector<int, std::allocator<int> >::push_back(int const&)")
    'std::vector<>::push_back'
    >>> short_name("std::ostream& operator<< <char>(std::ostream&, char) const")
    'operator<<<>'
    """
    text = WORDS_BEHIND.sub("", HIDDEN.sub("", text))
    kept: list[str] = []
    depth = 0
    at = 0
    while at < len(text):
        if text.startswith("operator", at) and depth == 0 and _ends_word(kept):
            sign = next((s for s in OPERATOR_SIGNS if text.startswith(s, at + 8)), "")
            if not sign and text[at + 8 : at + 9] == " ":  # new, delete, or a conversion
                sign = re.match(r" [^(<]*", text[at + 8 :])[0]  # type: ignore[index]
            kept.append("operator" + sign.replace(" ", "\0"))
            at += 8 + len(sign)
            continue
        sign = text[at]
        if sign in "<(":
            if depth == 0 and sign == "(" and not _is_lambda(text, at):
                break
            kept.append("<" if depth == 0 and sign == "<" else "")
            depth += 1
        elif sign in ">)" and depth > 0:
            depth -= 1
            kept.append(">" if depth == 0 and sign == ">" else "")
        elif depth == 0:
            kept.append(sign)
        at += 1
    name = re.sub(r" (?=<>)", "", "".join(kept).strip())
    return name.split(" ")[-1].replace("\0", " ").strip() or text


def _ends_word(kept: list[str]) -> bool:
    return not kept or not (kept[-1][-1:].isalnum() or kept[-1].endswith("_"))


def _is_lambda(text: str, at: int) -> bool:
    """Whether a parenthesis is inside ``{lambda(int)#1}`` and the like."""
    return text.rfind("{", 0, at) > text.rfind("}", 0, at)


def _printed(program: str, *arguments: str, given: str = "") -> str:
    """Return what a program of binutils prints; nothing where it is not installed."""
    if shutil.which(program) is None:
        return ""
    done = subprocess.run(
        [program, *arguments], input=given, capture_output=True, text=True, check=False
    )
    return done.stdout
