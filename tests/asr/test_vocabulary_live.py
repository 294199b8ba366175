"""The words of a model, from its graph or from the file beside it: those that Vosk itself knows."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path

import pytest

from asr.vocabulary_live import NoVocabulary, vocabulary
from asr.vosk_live import SMALL_MODEL, VoskModel, faults_of, measure, probe

HEADER = 4 + 4 + len("const") + 4 + len("standard")
"""bytes before the version and the flags of the small model's graph of the language"""


def symbols(words: list[tuple[str, int]]) -> bytes:
    """A table of symbols as OpenFst writes it."""
    made = struct.pack("<i", 2125658996) + text("words") + struct.pack("<qq", len(words), len(words))
    return made + b"".join(text(word) + struct.pack("<q", number) for word, number in words)


def text(name: str) -> bytes:
    return struct.pack("<i", len(name.encode())) + name.encode()


def listed(folder: Path) -> list[tuple[str, int]]:
    lines = (folder / "graph/words.txt").read_text(encoding="utf-8").splitlines()
    return [(word, int(number)) for word, number in (line.split() for line in lines)]


@pytest.fixture
def handed_out(tmp_path: Path) -> Path:
    """The small model as others are handed out: its words in the graph, and in no file of their own."""
    folder = Path(shutil.copytree(SMALL_MODEL, tmp_path / "model"))
    graph = folder / "graph/Gr.fst"
    whole = graph.read_bytes()
    version, flags = struct.unpack_from("<ii", whole, HEADER)
    assert flags == 0
    after = HEADER + 8 + 8 + 3 * 8
    table = symbols(listed(folder))
    # the input's symbols come first, and are not words: they stand in another order in such a graph
    graph.write_bytes(
        whole[:HEADER]
        + struct.pack("<ii", version, 3)
        + whole[HEADER + 8 : after]
        + symbols([("<eps>", 0), ("输入", 1)])
        + table
        + whole[after:]
    )
    (folder / "graph/words.txt").unlink()
    return folder


def test_a_model_that_has_its_words_in_the_graph_is_used_like_any_other(handed_out: Path) -> None:
    assert faults_of(handed_out) == []
    assert vocabulary(handed_out) == vocabulary(SMALL_MODEL)
    measured = measure(handed_out, workers=1)
    assert (measured.words, measured.hot_words) == (len(vocabulary(SMALL_MODEL)), True)
    model = VoskModel(handed_out)
    assert all(model.knows(word) for word in vocabulary(handed_out))
    assert not model.knows("输入")
    texts = []
    for one in (VoskModel(SMALL_MODEL), model):
        recognizer = one.recognizer()
        for frame in probe():
            recognizer.accept(frame)
        texts.append(recognizer.result().text)
    assert texts[0] == texts[1] != ""


def test_signs_are_no_words() -> None:
    found = vocabulary(SMALL_MODEL)
    assert "公积金" in found
    assert not {"<eps>", "#0", "!SIL", "[unk]", "<s>", "</s>", ""} & found
    assert len(found) > 500


@pytest.mark.parametrize(
    ("cut", "fault"),
    [
        (2, r"graph/Gr\.fst is damaged \(it ends too early\)"),
        (HEADER + 60, r"graph/Gr\.fst is damaged \(it ends too early\)"),
        (9_000, r"graph/Gr\.fst is damaged \(it ends too early\)"),
    ],
)
def test_a_graph_that_ends_in_its_words_is_damaged(handed_out: Path, cut: int, fault: str) -> None:
    graph = handed_out / "graph/Gr.fst"
    graph.write_bytes(graph.read_bytes()[:cut])
    with pytest.raises(NoVocabulary, match=fault):
        vocabulary(handed_out)


@pytest.mark.parametrize("at", [0, 4, HEADER + 8 + 32, HEADER + 8 + 36])
@pytest.mark.parametrize("with_", [b"\xff\xff\xff\x7f", b"\xff\xff\xff\xff"])
def test_nonsense_in_a_graph_is_told_and_takes_no_memory(handed_out: Path, at: int, with_: bytes) -> None:
    graph = handed_out / "graph/Gr.fst"
    whole = bytearray(graph.read_bytes())
    whole[at : at + 4] = with_
    graph.write_bytes(whole)
    with pytest.raises(NoVocabulary, match=r"graph/Gr\.fst is damaged"):
        vocabulary(handed_out)


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (None, r"graph/words\.txt can't be read \(No such file"),
        (b"\xff\xfe 1\n", r"graph/words\.txt is damaged"),
    ],
)
def test_words_that_are_nowhere_or_no_text_are_told(tmp_path: Path, words: bytes | None, fault: str) -> None:
    folder = Path(shutil.copytree(SMALL_MODEL, tmp_path / "model"))
    (folder / "graph/words.txt").unlink()
    if words is not None:
        (folder / "graph/words.txt").write_bytes(words)
    with pytest.raises(NoVocabulary, match=fault):
        vocabulary(folder)
    assert faults_of(folder)[0].startswith("speech.model: graph/words.txt ")
