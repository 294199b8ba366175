from __future__ import annotations

import csv
from pathlib import Path

import pytest

from asr.knowledge import Entry, KnowledgeBase, State
from asr.matching import Candidate, Decision, Matcher, NgramMatcher, Thresholds, asked_back, decide
from asr.pinyin import folded, syllables
from asr.wording import canonical, plain
from hotline.knowledge_files import starting_base

SETS = Path(__file__).parents[1] / "data" / "knowledge"


def rows(name: str) -> list[dict[str, str]]:
    with (SETS / f"{name}.tsv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


@pytest.fixture(scope="module")
def matcher() -> NgramMatcher:
    return NgramMatcher(starting_base())


def entry(identity: str, *questions: str, line: str = "12345") -> Entry:
    return Entry(identity, questions, "答。", line=line, owner="某局", reviewer="王", state=State.PUBLISHED)


def candidate(identity: str, score: float) -> Candidate:
    return Candidate(identity, score, identity, "because")


def test_every_variant_of_the_starting_base_is_answered_by_its_own_entry_or_asked_back(
    matcher: NgramMatcher,
) -> None:
    lost = []
    for one in matcher.base:
        for question in one.questions:
            match = matcher.match(question)
            if match.decision is Decision.PASS_ON or match.best is None or match.best.entry != one.id:
                lost.append((question, one.id, match))
    assert lost == []


def test_on_the_held_out_questions_few_answers_are_wrong_and_most_reach_the_caller(
    matcher: NgramMatcher,
) -> None:
    """Floors below what ``benchmarks/matching.py`` prints: they tell that the matcher has become worse, not how good it is."""
    wrong = reached = answerable = 0
    held_out = rows("held_out")
    for row in held_out:
        match = matcher.match(row["heard"])
        found = match.best is not None and match.best.entry == row["entry"]
        wrong += match.decision is Decision.ANSWER and not found
        reached += match.decision is not Decision.PASS_ON and found
        answerable += row["entry"] != "-"
    assert wrong / len(held_out) <= 0.02
    assert reached / answerable >= 0.88


def test_no_test_question_is_in_the_base_and_none_is_in_both_sets() -> None:
    variants = {question for one in starting_base() for question in one.questions}
    development, held_out = ({row["heard"] for row in rows(name)} for name in ("development", "held_out"))
    assert not (development | held_out) & variants
    assert not development & held_out
    every = rows("development") + rows("held_out")
    assert {row["entry"] for row in every} - {"-"} <= starting_base().by_id.keys()
    assert sum(row["entry"] != "-" for row in every) >= 300
    assert sum(row["entry"] == "-" for row in every) >= 100


@pytest.mark.parametrize(
    ("heard", "meant"),
    [
        ("公鸡金怎么提曲", "gjj.withdraw"),
        ("设保卡丢了怎么补办", "ss.card_lost"),
        ("井该丢了怎么办", "cit.manhole"),
        ("燃七泄漏怎么办", "gas.leak"),
    ],
)
def test_what_was_written_with_other_characters_of_the_same_sound_finds_its_entry(
    matcher: NgramMatcher, heard: str, meant: str
) -> None:
    best = matcher.match(heard).best
    assert best is not None
    assert best.entry == meant
    assert "by sound alone" in best.because


def test_what_nobody_asked_is_left_over_in_the_reason() -> None:
    matcher = NgramMatcher(KnowledgeBase((entry("a", "居住证怎么办理"), entry("b", "水费怎么交"))))
    plainly, stranger = matcher.match("居住证怎么办理"), matcher.match("火星居住证怎么办理")
    assert plainly.best is not None
    assert stranger.best is not None
    assert stranger.best.score < plainly.best.score
    assert "left over '火星'" in stranger.best.because


@pytest.mark.parametrize("heard", ["", "  ", "？！", "嗯", "\x00", "😀", "hello", "啊" * 2000])
def test_whatever_is_heard_is_no_fault_and_gets_no_answer(matcher: NgramMatcher, heard: str) -> None:
    assert matcher.match(heard).decision is Decision.PASS_ON


def test_an_empty_base_passes_everybody_on() -> None:
    matcher: Matcher = NgramMatcher(KnowledgeBase())
    match = matcher.match("公积金怎么提取")
    assert (match.decision, match.candidates) == (Decision.PASS_ON, ())


def test_the_dialled_line_decides_between_two_that_are_equally_near() -> None:
    matcher = NgramMatcher(
        KnowledgeBase(
            (
                entry("tax", "北窗口几点上班", line="12366"),
                entry("fund", "西窗口几点上班", line="12329"),
                entry("x", "结婚怎么预约"),
            )
        )
    )
    for line, meant in (("12366", "tax"), ("12329", "fund")):
        best = matcher.match("窗口几点上班", line=line).best
        assert best is not None
        assert best.entry == meant


@pytest.mark.parametrize(
    ("scores", "decision"),
    [
        ([], Decision.PASS_ON),
        ([0.29], Decision.PASS_ON),
        ([0.3], Decision.ASK_BACK),
        ([0.79], Decision.ASK_BACK),
        ([0.8], Decision.ANSWER),
        ([0.9, 0.86], Decision.ASK_BACK),
        ([0.9, 0.8], Decision.ANSWER),
    ],
)
def test_two_thresholds_and_a_margin_decide(scores: list[float], decision: Decision) -> None:
    candidates = [candidate(str(number), score) for number, score in enumerate(scores)]
    assert decide(candidates, Thresholds(answer=0.8, ask_back=0.3, margin=0.05))[0] is decision


def test_fillers_say_nothing_and_dialect_says_the_same() -> None:
    assert plain("嗯，那个，请问一下水费") == "水费"
    assert plain("请问") == "请问"
    assert canonical("驾照弄丢了咋办") == canonical("驾驶证丢了怎么办")


def test_what_sounds_nearly_the_same_is_folded_together() -> None:
    assert folded("zhang") == folded("zan")
    assert folded("ning") == folded("lin")
    assert folded("zhong") != folded("zhen")
    assert syllables("银行") == ("yin", "han")
    assert syllables("公积金a1") == ("gong", "ji", "jin", "a", "1")


def test_the_callers_own_question_is_not_asked_with_two_marks() -> None:
    assert asked_back("公积金怎么提取？") == "您是问公积金怎么提取吗？"
    assert asked_back("门诊可以报销吗") == "您是问门诊可以报销吗？"
