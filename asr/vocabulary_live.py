"""The words that a Vosk model knows, read from its files: without loading it, which takes a full one ten seconds and some GB.

They stand in the graph itself (OpenFst's binary format: header, symbols of the input, symbols of the output), as in the models
that are handed out, or beside it in ``graph/words.txt``. Vosk takes the graph's where it has them.
"""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import BinaryIO

GRAPHS = ("HCLG.fst", "Gr.fst")
"""whose output is words; the first that is there counts"""
WORDS = "words.txt"
GRAPH_HEAD = bytes((0xD6, 0xFD, 0xB2, 0x7E))
"""with which every graph begins"""
_SYMBOLS = 2125658996
_HAS_INPUT, _HAS_OUTPUT = 1, 2
_LONGEST = 1 << 16
"""bytes of a name"""
_NO_WORD = re.compile(r"<.*>|#\d+|!.*|\[.*\]|")


class NoVocabulary(Exception):
    """It can't be read. ``file: fault``."""


def vocabulary(folder: Path) -> frozenset[str]:
    """Every word that a recogniser of this model may hear, without signs such as ``<eps>`` and ``[unk]``.

    Raises `NoVocabulary`.
    """
    graph = next((name for name in GRAPHS if (folder / "graph" / name).exists()), None)
    for name, read in ((graph, _in_graph), (WORDS, _in_text)):
        if name is None:
            continue
        try:
            found = read(folder / "graph" / name)
        except OSError as why:
            raise NoVocabulary(f"graph/{name} can't be read ({why.strerror})") from None
        except ValueError as why:
            raise NoVocabulary(f"graph/{name} is damaged ({why})") from None
        if found is not None:
            break
    return frozenset(word for word in found or () if not _NO_WORD.fullmatch(word))


def _in_text(file: Path) -> list[str]:
    return [line.split()[0] for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]


def _in_graph(file: Path) -> list[str] | None:
    """The symbols of its output; ``None`` where it has none."""
    with file.open("rb") as opened:
        if _bytes(opened, len(GRAPH_HEAD)) != GRAPH_HEAD:
            raise ValueError("no graph")
        _name(opened)
        _name(opened)
        _version, flags = _read(opened, "<ii")
        _read(opened, "<Qqqq")  # properties, start, states, arcs
        if flags & _HAS_INPUT:
            _symbols(opened)
        return _symbols(opened) if flags & _HAS_OUTPUT else None


def _symbols(opened: BinaryIO) -> list[str]:
    (magic,) = _read(opened, "<i")
    if magic != _SYMBOLS:
        raise ValueError("no table of symbols")
    _name(opened)
    _next, count = _read(opened, "<qq")
    found = []
    for _ in range(count):
        found.append(_name(opened).decode())
        _read(opened, "<q")
    return found


def _name(opened: BinaryIO) -> bytes:
    (length,) = _read(opened, "<i")
    if not 0 <= length <= _LONGEST:
        raise ValueError(f"a name of {length} bytes")
    return _bytes(opened, length)


def _read(opened: BinaryIO, form: str) -> tuple[int, ...]:
    return struct.unpack(form, _bytes(opened, struct.calcsize(form)))


def _bytes(opened: BinaryIO, length: int) -> bytes:
    found = opened.read(length)
    if len(found) < length:
        raise ValueError("it ends too early")
    return found
