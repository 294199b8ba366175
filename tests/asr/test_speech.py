"""Where an utterance begins and ends, and what it came to: all in frames, on no clock."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.audiosocket import FRAME_MS
from asr.speech import (
    MOVES,
    UNKNOWN,
    Endpointer,
    Heard,
    Limits,
    Phase,
    Sign,
    Utterance,
    Word,
    grammar,
    in_words,
)

LIMITS = Limits(settle_ms=0, hangover_ms=0)


def said(*words: str, confidence: float = 1.0) -> Utterance:
    return Utterance(tuple(Word(word, confidence) for word in words))


def signs(endpointer: Endpointer, line: str, *, prompting: bool = False) -> list[tuple[int, Sign]]:
    """What is told, and at the end of which frame (in ms): ``#`` is a frame with a voice, ``.`` one without."""
    told = []
    for number, sign in enumerate(line, 1):
        if (sign_ := endpointer.frame(sign == "#", prompting=prompting)) is not None:
            told.append((number * FRAME_MS, sign_))
    return told


def test_speech_begins_with_its_second_frame_and_ends_after_half_a_second_of_silence() -> None:
    line = "." * 10 + "#" * 20 + "." * 30
    assert signs(Endpointer(LIMITS), line) == [(240, Sign.BEGAN), (600 + 500, Sign.ENDED)]


def test_the_silence_in_which_the_detector_still_heard_a_voice_counts() -> None:
    told = signs(Endpointer(Limits(settle_ms=0, hangover_ms=80)), "#" * 20 + "." * 30)
    assert told[-1] == (400 + 500 - 80, Sign.ENDED)


def test_a_pause_shorter_than_half_a_second_is_within_the_utterance() -> None:
    line = "#" * 10 + "." * 24 + "#" * 10 + "." * 25
    assert signs(Endpointer(LIMITS), line) == [(40, Sign.BEGAN), (len(line) * FRAME_MS, Sign.ENDED)]


def test_single_frames_of_noise_are_no_speech() -> None:
    assert signs(Endpointer(LIMITS), "#." * 100) == []


def test_a_click_is_told_and_the_caller_is_waited_for_again() -> None:
    endpointer = Endpointer(LIMITS)
    assert signs(endpointer, "####" + "." * 25) == [(40, Sign.BEGAN), (29 * 20, Sign.CLICK)]
    assert signs(endpointer, "#" * 5 + "." * 25) == [(40, Sign.BEGAN), (30 * 20, Sign.ENDED)]


def test_nobody_is_waited_for_longer_than_the_limit_which_counts_from_the_prompts_end() -> None:
    endpointer = Endpointer(LIMITS)
    assert signs(endpointer, "." * 5000, prompting=True) == []
    assert signs(endpointer, "." * 300) == [(5000, Sign.NO_INPUT)]


def test_who_has_just_begun_when_patience_ends_is_heard_out() -> None:
    line = "." * 249 + "#" * 10 + "." * 25
    assert [sign for _, sign in signs(Endpointer(LIMITS), line)] == [Sign.BEGAN, Sign.ENDED]


def test_a_talker_is_stopped_at_the_limit() -> None:
    assert signs(Endpointer(LIMITS), "#" * 30_000) == [(40, Sign.BEGAN), (15_000, Sign.TOO_LONG)]


def test_the_lines_first_noise_is_not_taken_for_speech() -> None:
    noise = "####" + "." * 6
    assert signs(Endpointer(Limits(settle_ms=200, hangover_ms=0)), noise + "##") == [(240, Sign.BEGAN)]
    assert signs(Endpointer(Limits(settle_ms=200, hangover_ms=0), settled=True), noise)[0] == (40, Sign.BEGAN)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=400))
def test_whatever_is_heard_the_signs_follow_the_table_and_nothing_follows_the_end(
    frames: list[tuple[bool, bool]],
) -> None:
    limits = Limits(end_ms=60, hangover_ms=0, longest_ms=400, no_input_ms=200, shortest_ms=60, settle_ms=40)
    endpointer, phase = Endpointer(limits), Phase.WAITING
    for voiced, prompting in frames:
        sign = endpointer.frame(voiced, prompting=prompting)
        if sign is not None:
            phase = MOVES[phase, sign]
        assert endpointer.phase is phase


@given(st.lists(st.booleans(), min_size=1, max_size=50))
def test_every_wait_ends_within_its_limits_whatever_the_caller_does(pattern: list[bool]) -> None:
    limits = Limits(no_input_ms=1000, longest_ms=2000)
    endpointer, frames = Endpointer(limits), 0
    while endpointer.phase is not Phase.OVER:
        endpointer.frame(pattern[frames % len(pattern)])
        frames += 1
        assert frames * FRAME_MS <= limits.settle_ms + limits.no_input_ms + limits.longest_ms + FRAME_MS


def test_a_line_that_crackles_holds_nobody_longer_than_a_silent_one() -> None:
    told = signs(Endpointer(LIMITS), ("##" + "." * 25) * 20)
    assert told[-1] == (5400, Sign.NO_INPUT)
    assert {sign for _, sign in told[:-1]} == {Sign.BEGAN, Sign.CLICK}


def test_every_phase_but_the_last_has_a_way_on() -> None:
    assert {phase for phase, _ in MOVES} == set(Phase) - {Phase.OVER}
    assert {sign for _, sign in MOVES} == set(Sign)


@pytest.mark.parametrize(
    ("name", "limits"),
    [
        ("begin_ms", {"begin_ms": 0}),
        ("end_ms", {"end_ms": 10}),
        ("longest_ms", {"longest_ms": 500}),
        ("hangover_ms", {"hangover_ms": 500}),
    ],
)
def test_limits_that_cannot_work_are_refused(name: str, limits: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=rf"limits\.{name}: .*: write"):
        Limits(**limits)


# ── what was said ───────────────────────────────────────────────────────────────────────────────────────────────


def test_the_words_are_one_text_without_blanks() -> None:
    assert said("公积金", "怎么", "提取").text == "公积金怎么提取"


@pytest.mark.parametrize(
    ("utterance", "understood"),
    [
        (said("你好"), True),
        (said("你好", confidence=0.95), True),
        (said("你好", "是的", "对", confidence=0.95), True),
        (said("你好", confidence=0.949), False),
        (Utterance((Word("你好", 1.0), Word("是", 0.8))), False),
        (said("你好", UNKNOWN), False),
        (Utterance(), False),
    ],
)
def test_an_utterance_counts_when_all_is_known_and_sure_enough_on_average(
    utterance: Utterance, understood: bool
) -> None:
    assert utterance.understood() is understood


@pytest.mark.parametrize(
    ("words", "digits"),
    [
        (("一", "二", "三", "四", "五"), "12345"),
        (("幺", "两", "零"), "120"),
        (("1", "2"), "12"),
        ((*tuple("四一零一零五一九九零零一零一一二三"), "X"), "41010519900101123X"),
        (("一", "二", "X"), None),
        (("一", "二", "是"), None),
        (("一", UNKNOWN), None),
        ((), None),
    ],
)
def test_a_number_is_digits_and_nothing_else(words: tuple[str, ...], digits: str | None) -> None:
    assert said(*words).digits() == digits


@pytest.mark.parametrize(
    ("heard", "understood"),
    [
        (Heard(said("你好")), True),
        (Heard(said("你好", confidence=0.5)), False),
        (Heard(Utterance()), False),
        (Heard(said("你好"), too_long=True), False),
        (Heard(), False),
        (Heard(key="5"), False),
    ],
)
def test_only_what_was_said_to_its_end_and_is_sure_counts_as_understood(
    heard: Heard, understood: bool
) -> None:
    assert heard.understood() is understood


# ── hot words ───────────────────────────────────────────────────────────────────────────────────────────────────

KNOWN = {"市场", "监管", "市场监管", "局", "市场监管局", "转", "公积金", "中心"}


def test_a_phrase_is_cut_into_the_fewest_words_that_are_known() -> None:
    assert in_words("转市场监管局", KNOWN.__contains__) == ["转", "市场监管局"]
    assert in_words("公积金中心局", KNOWN.__contains__) == ["公积金", "中心", "局"]
    assert in_words("税务局", KNOWN.__contains__) is None
    assert in_words("", KNOWN.__contains__) is None


def test_a_grammar_holds_what_can_be_heard_once_each_and_the_unknown() -> None:
    phrases = ["公积金中心", "税务局", "公积金中心", "市场监管局"]
    assert grammar(phrases, KNOWN.__contains__) == ("公积金 中心", "市场监管局", UNKNOWN)
    assert grammar(["税务局"], KNOWN.__contains__) == ()
