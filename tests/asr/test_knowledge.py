from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import pytest

from asr.knowledge import CHINA, MOVES, Entry, IllegalMove, KnowledgeBase, State, faults_of, sentences

ENTRY = Entry(
    id="gjj.withdraw",
    questions=("公积金怎么提取", "我想提取公积金"),
    answer="可以网上办理。也可以到窗口办理。",
    line="12329",
    owner="公积金中心",
    reviewer="王",
    state=State.PUBLISHED,
)


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=CHINA).timestamp() * 1000)


def test_an_entry_counts_from_its_first_to_its_last_day_in_chinas_time() -> None:
    base = KnowledgeBase((replace(ENTRY, valid_from=date(2026, 3, 1), valid_to=date(2026, 3, 2)),))
    instants = (
        "2026-02-28T23:59:59",
        "2026-03-01T00:00:00",
        "2026-03-02T23:59:59",
        "2026-03-03T00:00:00",
    )
    assert [len(base.at(at(text))) for text in instants] == [0, 1, 1, 0]


@pytest.mark.parametrize("state", sorted(set(State) - {State.PUBLISHED}))
def test_only_what_is_published_is_spoken(state: State) -> None:
    assert len(KnowledgeBase((replace(ENTRY, state=state),)).at(0)) == 0
    assert len(KnowledgeBase((ENTRY,)).at(0)) == 1


def test_a_line_has_its_own_matters_and_the_citys() -> None:
    others = (replace(ENTRY, id="a", line="12345"), replace(ENTRY, id="b", line="12366"))
    base = KnowledgeBase((ENTRY, *others))
    assert [entry.id for entry in base.at(0, "12329")] == ["gjj.withdraw", "a"]
    assert len(base.at(0, "12345")) == len(base.at(0)) == 3


def test_every_state_has_a_way_back_to_being_spoken_and_none_skips_the_review() -> None:
    assert MOVES.keys() == set(State)
    assert State.PUBLISHED not in MOVES[State.DRAFT] | MOVES[State.EXPIRED]
    for state in State:
        reached = {state}
        for _ in State:
            reached |= {after for before in reached for after in MOVES[before]}
        assert State.PUBLISHED in reached


def test_an_entry_that_is_drafted_anew_loses_its_signature() -> None:
    draft = ENTRY.moved(State.DRAFT)
    assert draft.reviewer is None
    with pytest.raises(IllegalMove, match=r"gjj\.withdraw\.reviewer: nobody signs"):
        draft.moved(State.REVIEWED)
    assert draft.moved(State.REVIEWED, reviewer="李").moved(State.PUBLISHED).reviewer == "李"
    with pytest.raises(IllegalMove, match="draft does not become published: it may become expired, reviewed"):
        draft.moved(State.PUBLISHED)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"id": "A b"}, "id: is 'A b'"),
        ({"questions": ()}, "questions: is empty"),
        ({"questions": ("？？",)}, "says nothing"),
        ({"questions": ("长" * 61,)}, "is too long"),
        ({"answer": " "}, "answer: is empty"),
        ({"answer": "一。二。三。四。"}, "answer: has 4 sentences"),
        ({"answer": "长" * 161}, "answer: has 161 characters"),
        ({"sms": "长" * 501}, "sms: has 501 characters"),
        ({"line": "0371"}, "line: is '0371'"),
        ({"owner": ""}, "owner: is empty"),
        ({"reviewer": None}, "reviewer: is empty in a published entry"),
        ({"valid_from": date(2026, 2, 1), "valid_to": date(2026, 1, 1)}, "valid_to: is before valid_from"),
    ],
)
def test_each_fault_is_told_with_its_place_and_its_remedy(change: dict[str, object], told: str) -> None:
    (fault,) = faults_of([replace(ENTRY, **change)])  # type: ignore[arg-type]
    assert told in fault
    assert len(fault.split(": ")) >= 3
    assert "\n" not in fault


def test_a_question_may_stand_in_one_entry_only_however_it_is_punctuated() -> None:
    (fault,) = faults_of([ENTRY, replace(ENTRY, id="other", questions=("公积金，怎么提取？",))])
    assert "is also asked by gjj.withdraw" in fault
    assert faults_of([ENTRY]) == []


def test_an_id_that_stands_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="an id stands twice"):
        KnowledgeBase((ENTRY, ENTRY))
    assert "stands twice" in faults_of([ENTRY, ENTRY])[0]


def test_sentences_are_counted_with_and_without_a_last_mark() -> None:
    assert sentences("好。行！吗？完") == ["好。", "行！", "吗？", "完"]
