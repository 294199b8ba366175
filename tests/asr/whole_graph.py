"""The small model with its graph in one piece, as full models have theirs: HCLr.fst and Gr.fst composed into HCLG.fst."""

from __future__ import annotations

import shutil
import struct
from collections import defaultdict
from pathlib import Path

import numpy as np

from asr.vosk_live import SMALL_MODEL

_MAGIC = struct.pack("<i", 2125659606)
_STATE = np.dtype([("final", "<f4"), ("first", "<u4"), ("arcs", "<u4"), ("in", "<u4"), ("out", "<u4")])
_ARC = np.dtype([("i", "<i4"), ("o", "<i4"), ("weight", "<f4"), ("next", "<i4")])

Arc = tuple[int, int, float, int]
"""what it reads, what it writes, its weight, where it leads"""


class Graph:
    """A constant graph of OpenFst's, read from a file's content."""

    def __init__(self, data: bytes) -> None:
        at = data.rindex(_MAGIC)  # a graph that looks ahead has a constant one inside
        for _ in range(2):
            (length,) = struct.unpack_from("<i", data, at + 4)
            at += 4 + length
        at += 4 + 8 + 8  # version, flags, properties
        self.start, states, arcs = struct.unpack_from("<qqq", data, at)
        at += 24
        table = np.frombuffer(data, _STATE, states, at)
        listed = np.frombuffer(data, _ARC, arcs, at + states * _STATE.itemsize).tolist()
        self.final: list[float] = table["final"].tolist()
        self.arcs: list[list[Arc]] = [
            listed[first : first + count]
            for first, count in zip(table["first"].tolist(), table["arcs"].tolist(), strict=True)
        ]


def whole_graph_model(folder: Path) -> Path:
    """A copy of the small model in that form."""
    shutil.copytree(SMALL_MODEL, folder)
    graph = folder / "graph"
    sounds, words = (Graph((graph / name).read_bytes()) for name in ("HCLr.fst", "Gr.fst"))
    silent = {int(line) for line in (graph / "disambig_tid.int").read_text().split()}
    (graph / "HCLG.fst").write_bytes(_written(*composed(sounds, words, silent)))
    for name in ("HCLr.fst", "Gr.fst", "disambig_tid.int"):
        (graph / name).unlink()
    conf = folder / "conf/model.conf"
    narrow = conf.read_text(encoding="utf-8")
    assert "--beam=10.0" in narrow
    # a word's weight comes with its last sound here, as nothing looks ahead any more: until then more must be kept
    conf.write_text(narrow.replace("--beam=10.0", "--beam=16.0"), encoding="utf-8")
    return folder


def composed(sounds: Graph, words: Graph, silent: set[int]) -> tuple[list[float], list[list[Arc]]]:
    """Final weights and arcs of the composition; state 0 is the first. ``silent``: what is read by nobody.

    Words are looked ahead for, since most of what sounds could become has no word that follows; and between two words those that
    read nothing come first, so that no path stands there twice.
    """
    ahead = _ahead(sounds)
    wanted = [sum(1 << word for word in {arc[0] for arc in arcs if arc[0]}) for arcs in words.arcs]
    by_word: list[dict[int, list[Arc]]] = []
    for arcs in words.arcs:
        found: dict[int, list[Arc]] = defaultdict(list)
        for arc in arcs:
            found[arc[0]].append(arc)
        by_word.append(found)
    number = {(sounds.start, words.start, False): 0}
    waiting = [(sounds.start, words.start, False)]
    finals: list[float] = []
    made: list[list[Arc]] = []

    def place(state: tuple[int, int, bool]) -> int:
        if state not in number:
            number[state] = len(number)
            waiting.append(state)
        return number[state]

    for sound, word, moved in waiting:
        arcs: list[Arc] = []
        for i, o, weight, then in sounds.arcs[sound]:
            read = 0 if i in silent else i
            if not o:
                if ahead[then] & (wanted[word] | 1):
                    arcs.append((read, 0, weight, place((then, word, True))))
                continue
            for _, written, more, follows in by_word[word].get(o, ()):
                arcs.append((read, written, weight + more, place((then, follows, False))))
        if not moved:
            for _, written, weight, follows in by_word[word].get(0, ()):
                arcs.append((0, written, weight, place((sound, follows, False))))
        finals.append(sounds.final[sound] + words.final[word])
        made.append(arcs)
    return finals, made


def _ahead(sounds: Graph) -> list[int]:
    """The words that may come next from each state, as bits; bit 0: it may end before."""
    found = [int(weight != float("inf")) for weight in sounds.final]
    before: list[list[int]] = [[] for _ in sounds.arcs]
    for state, arcs in enumerate(sounds.arcs):
        for _, word, _, then in arcs:
            if word:
                found[state] |= 1 << word
            else:
                before[then].append(state)
    waiting = list(range(len(found)))
    while waiting:
        then = waiting.pop()
        for state in before[then]:
            if found[state] | found[then] != found[state]:
                found[state] |= found[then]
                waiting.append(state)
    return found


def _written(finals: list[float], arcs: list[list[Arc]]) -> bytes:
    def text(name: bytes) -> bytes:
        return struct.pack("<i", len(name)) + name

    head = _MAGIC + text(b"const") + text(b"standard") + struct.pack("<iiQ", 2, 0, 3)
    count = sum(map(len, arcs))
    states = np.zeros(len(finals), _STATE)
    states["final"] = finals
    states["arcs"] = [len(some) for some in arcs]
    states["first"] = np.cumsum(states["arcs"]) - states["arcs"]
    states["in"] = [sum(not arc[0] for arc in some) for some in arcs]
    states["out"] = [sum(not arc[1] for arc in some) for some in arcs]
    listed = np.array([arc for some in arcs for arc in some], _ARC)
    return head + struct.pack("<qqq", 0, len(finals), count) + states.tobytes() + listed.tobytes()
