from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.knowledge import Entry, KnowledgeBase, State, faults_of
from hotline.knowledge_files import (
    KnowledgeFault,
    as_csv,
    as_document,
    as_toml,
    entry_of,
    read,
    read_csv,
    read_toml,
    starting_base,
    write,
)

SOUND = '[[entries]]\nid = "a"\nquestions = ["怎么办"]\nanswer = "好。"\nowner = "某局"\n'
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20).map(
    lambda text: f"问{text}完"
)


def test_the_starting_base_is_sound_and_large_enough_and_each_entry_is_asked_in_three_ways() -> None:
    base = starting_base()
    assert faults_of(base) == []
    assert len(base) >= 150
    assert [entry.id for entry in base if len(entry.questions) < 3 or not entry.sms] == []
    assert {"12315", "12319", "12320", "12329", "12333", "12345", "12348", "12366", "12369"} <= {
        entry.line for entry in base
    }


@given(
    questions=st.lists(WORDS, min_size=1, max_size=3, unique=True),
    answer=st.text(st.sampled_from('答"\\\n,;\t\x7f中'), max_size=20).map(lambda text: f"答{text}完"),
    sms=st.sampled_from(["", '甲"乙', "a,b"]),
    day=st.dates() | st.none(),
    state=st.sampled_from(State),
)
def test_what_is_exported_is_imported_as_the_same(
    questions: list[str], answer: str, sms: str, day: date | None, state: State
) -> None:
    entry = Entry(
        "a.b", tuple(questions), answer, sms, "12329", "某局", "王", day, None if day is None else day, state
    )
    base = KnowledgeBase((entry,))
    assert read_toml(as_toml(base)) == base
    assert read_csv(as_csv(base)) == base
    assert entry_of({key: value for key, value in as_document(entry).items() if value is not None}) == entry


@pytest.mark.parametrize("ending", ["toml", "csv"])
def test_the_whole_starting_base_goes_through_a_file(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"base.{ending}"
    write(path, starting_base())
    assert read(path) == starting_base()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x", "mend the TOML there"),
        ("entries = 1", "entries: is no list of tables"),
        (f"{SOUND}\n[other]\n", "other: no such key"),
        (SOUND.replace("answer", "anwser"), "entries[0].anwser: no such key: did you mean answer?"),
        (SOUND.replace('owner = "某局"\n', ""), "entries[0].owner: is missing: write it"),
        (SOUND.replace('["怎么办"]', '"怎么办"'), "entries[0].questions: is no list of texts"),
        (SOUND + 'state = "live"', "entries[0].state: is 'live': write one of"),
        (SOUND + 'valid_from = "soon"', "entries[0].valid_from: is 'soon': write a day"),
        (SOUND + "valid_to = 2026-01-01T08:00:00", "entries[0].valid_to: is"),
        (SOUND + "line = 12345", "entries[0].line: is 12345: write it in quotes"),
        (SOUND + 'state = "published"', "entries.a.reviewer: is empty in a published entry"),
        (SOUND + SOUND, "entries.a.id: stands twice"),
    ],
)
def test_a_bad_file_is_told_in_lines_with_place_and_remedy(text: str, told: str) -> None:
    with pytest.raises(KnowledgeFault) as caught:
        read_toml(text)
    assert any(told in fault for fault in caught.value.faults), caught.value.faults
    assert all("\n" not in fault for fault in caught.value.faults)


def test_every_fault_of_a_file_is_told_at_once() -> None:
    with pytest.raises(KnowledgeFault) as caught:
        read_toml(SOUND + 'state = "live"\n' + SOUND.replace('"a"', '"B C"'))
    assert len(caught.value.faults) == 2


def test_a_spreadsheets_missing_cells_and_wrong_encoding_are_told(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeFault, match=r"rows\[0\]: has more or fewer cells"):
        read_csv("id,questions,answer,owner\na,怎么办,好。\n")
    path = tmp_path / "base.csv"
    path.write_bytes("id,questions\n甲".encode("gb18030"))
    with pytest.raises(KnowledgeFault, match="is not UTF-8"):
        read(path)
    with pytest.raises(KnowledgeFault, match="its ending says no kind"):
        read(tmp_path / "base.xls")
    with pytest.raises(KnowledgeFault, match="can't be read"):
        read(tmp_path / "none.csv")


def test_an_entry_without_a_state_is_a_draft() -> None:
    (entry,) = read_toml(SOUND)
    assert (entry.state, entry.line) == (State.DRAFT, "12345")
    assert replace(entry, state=State.DRAFT) == entry
