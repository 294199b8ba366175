"""The conversation with the machine, without a machine: what is heard, and what comes of it."""

from __future__ import annotations

from dataclasses import replace
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.dialogue import (
    MOST_REPEATS,
    MOST_TURNS,
    TRIES,
    Act,
    Dialogue,
    Found,
    Hearing,
    Hears,
    Keyed,
    Leave,
    Note,
    Said,
    SendText,
    Silent,
    Speak,
    Stage,
    Terms,
)
from ivr.prompts import is_name, read_prompts

STANDARD = read_prompts(resources.files("ivr").joinpath("prompts.txt").read_text("utf-8"))

FUND = Found(
    "gjj.withdraw", "携带身份证到窗口办理。", "您是问公积金怎么提取吗？", sure=True, sms=True, score=0.97
)
HEAT = Found("heat.start", "十一月十五日开始供暖。", "您是问什么时候开始供暖吗？", sure=True, score=0.9)
MAYBE = replace(FUND, sure=False, score=0.5)
OTHER = replace(HEAT, sure=False, score=0.4)
ASKS = Said("公积金怎么提取", found=FUND)
NOISE = Said("[unk]", 0.3, understood=False)


def talk(*heard: Hearing, terms: Terms | None = None) -> tuple[Dialogue, list[Act]]:
    """The conversation after all of these, and what came of the last."""
    dialogue = Dialogue(terms or Terms())
    acts = dialogue.begin()
    for one in heard:
        assert not isinstance(acts[-1], Leave), f"it was over before {one}"
        acts = dialogue.hear(one)
    return dialogue, acts


def after(*heard: Hearing, terms: Terms | None = None) -> list[Act]:
    return talk(*heard, terms=terms)[1]


def did(acts: list[Act]) -> str:
    assert isinstance(acts[0], Note)
    return acts[0].did


def spoken(acts: list[Act]) -> tuple[str, ...]:
    assert isinstance(acts[-1], Speak)
    return acts[-1].prompts


def left(acts: list[Act]) -> Leave:
    assert isinstance(acts[-1], Leave)
    return acts[-1]


def yes(text: str = "是的", *, early: bool = False) -> Said:
    return Said(text, early=early)


def no(text: str = "没有", *, early: bool = False) -> Said:
    return Said(text, early=early)


# ── a question and its answer ───────────────────────────────────────────────────────────────────────────────────


def test_a_question_that_is_surely_known_is_answered_and_the_caller_is_asked_whether_it_helped() -> None:
    acts = after(ASKS)
    assert acts[0] == Note("answered", "公积金怎么提取", 1.0, "gjj.withdraw", 0.97)
    assert spoken(acts) == (FUND.answer, "speech-helped")


def test_a_question_that_may_be_another_is_asked_back_and_answered_after_a_yes_only() -> None:
    unsure = Said("公积金", found=MAYBE)
    assert spoken(after(unsure)) == (MAYBE.asked_back,)
    acts = after(unsure, yes())
    assert did(acts) == "confirmed"
    assert spoken(acts)[0] == FUND.answer


def test_a_question_that_nothing_is_near_goes_to_a_person_at_once() -> None:
    acts = after(Said("楼下的猫叫"))
    assert did(acts) == "passed on"
    assert left(acts) == Leave("unknown", ("speech-unknown",))


def test_who_says_the_same_in_other_words_when_asked_back_has_confirmed_it() -> None:
    acts = after(Said("公积金", found=MAYBE), Said("取公积金", found=replace(MAYBE, score=0.6)))
    assert did(acts) == "confirmed"


def test_who_is_sure_of_something_else_when_asked_back_gets_that() -> None:
    acts = after(Said("公积金", found=MAYBE), Said("什么时候开始供暖", found=HEAT))
    assert did(acts) == "answered"
    assert spoken(acts)[0] == HEAT.answer


def test_who_denies_it_may_say_it_once_more_and_the_second_denial_leads_to_a_person() -> None:
    first = (Said("公积金", found=MAYBE), no("不是"))
    assert spoken(after(*first)) == ("speech-other-words",)
    acts = after(*first, Said("暖气", found=OTHER), no("不对"))
    assert did(acts) == "denied"
    assert left(acts).over == "misunderstood"


def test_two_guesses_in_a_row_that_are_not_confirmed_lead_to_a_person() -> None:
    guesses = (Said("公积金", found=MAYBE), Said("暖气", found=OTHER))
    assert spoken(after(*guesses)) == (OTHER.asked_back,)
    assert left(after(*guesses, Said("公积金", found=MAYBE))).over == "misunderstood"


def test_an_answer_that_did_not_help_leads_to_a_person_at_once() -> None:
    for refusal in ("没有", "不是", "没解决", "有问题"):
        acts = after(ASKS, Said(refusal))
        assert did(acts) == "not helped"
        assert left(acts) == Leave("person", ("speech-sorry",))


def test_the_answer_is_repeated_on_request_but_not_for_ever() -> None:
    again = Said("再说一遍")
    acts = after(ASKS, *[again] * MOST_REPEATS)
    assert did(acts) == "repeated"
    assert spoken(acts) == (FUND.answer, "speech-helped")
    assert left(after(ASKS, *[again] * (MOST_REPEATS + 1))).over == "misunderstood"


def test_a_further_question_is_taken_wherever_it_comes() -> None:
    for before in ((), (yes(),), (yes(), yes("有"))):
        assert spoken(after(ASKS, *before, Said("什么时候开始供暖", found=HEAT)))[0] == HEAT.answer


def test_whoever_needs_nothing_more_has_been_contained() -> None:
    for end in (no("没有了"), no("不用了谢谢"), Said("没问题"), Said("再见"), Said("谢谢")):
        assert left(after(ASKS, yes(), end)) == Leave("contained", ("goodbye",))
    assert left(after(ASKS, Said("谢谢再见"))).over == "contained"


# ── what is said over an answer ─────────────────────────────────────────────────────────────────────────────────


def test_a_yes_over_the_answer_says_that_it_is_enough() -> None:
    assert spoken(after(ASKS, yes("是的", early=True))) == ("speech-more",)


def test_a_no_over_the_answer_is_no_answer_to_what_was_not_asked_yet() -> None:
    acts = after(ASKS, no("不是", early=True))
    assert spoken(acts) == ("speech-helped",)
    assert left(after(ASKS, no("不是", early=True), no("不是"))).over == "person"


def test_a_yes_over_the_word_that_the_sms_is_sent_asks_nothing() -> None:
    sent = (ASKS, yes(), yes("好的"))
    terms = Terms(sms=True)
    assert spoken(after(*sent, yes("好的", early=True), terms=terms)) == ("speech-more",)
    assert spoken(after(*sent, yes("有"), terms=terms)) == ("speech-please",)


def test_a_question_over_the_answer_is_a_question() -> None:
    assert spoken(after(ASKS, Said("什么时候开始供暖", found=HEAT, early=True)))[0] == HEAT.answer


# ── a person ────────────────────────────────────────────────────────────────────────────────────────────────────

PLACES: dict[str, tuple[Hearing, ...]] = {
    "question": (),
    "again": (NOISE,),
    "confirm": (Said("公积金", found=MAYBE),),
    "helped": (ASKS,),
    "sms": (ASKS, yes()),
    "more": (ASKS, yes(), no("不用")),
    "number": (Said("催办"),),
    "check": (Said("催办"), Said("一二三四", digits="1234")),
}
TERMS = Terms(sms=True)


@pytest.mark.parametrize("place", PLACES)
def test_everywhere_a_person_is_one_word_or_one_key_away(place: str) -> None:
    before = PLACES[place]
    for said in (Said("转人工"), Said("人工[unk]", 0.2, understood=False), Said("转人工", found=FUND)):
        assert left(after(*before, said, terms=TERMS)).over == "person"
    key = left(after(*before, Keyed("*"), terms=TERMS))
    assert key == Leave("key")
    if place != "number":
        assert left(after(*before, Keyed("5"), terms=TERMS)) == key


@pytest.mark.parametrize("place", PLACES)
def test_everywhere_two_misunderstandings_in_a_row_lead_to_a_person(place: str) -> None:
    before = PLACES[place]
    already = 1 if place == "again" else 0
    acts = after(*before, *[NOISE] * (TRIES - already), terms=TERMS)
    assert did(acts) == "not understood"
    assert left(acts) == Leave("misunderstood", ("speech-person",))
    if not already:
        assert isinstance(after(*before, NOISE, terms=TERMS)[-1], Speak)


@pytest.mark.parametrize("place", PLACES)
def test_everywhere_what_the_recogniser_is_not_sure_of_is_neither_answered_nor_taken_for_a_yes(
    place: str,
) -> None:
    for said in (replace(ASKS, understood=False), Said("是的", 0.5, understood=False)):
        dialogue = Dialogue(TERMS)
        dialogue.begin()
        for one in PLACES[place]:
            dialogue.hear(one)
        acts = dialogue.hear(said)
        assert did(acts) == "not understood"
        assert not any(isinstance(act, SendText) for act in acts)
        prompts = acts[-1].prompts if isinstance(acts[-1], Speak | Leave) else ()
        assert FUND.answer not in prompts


def test_silence_at_the_offer_declines_it_without_a_word() -> None:
    assert left(after(Silent())) == Leave("silence", ())


@pytest.mark.parametrize("place", [place for place in PLACES if place not in {"question", "again"}])
def test_everywhere_else_the_second_silence_leads_to_a_person(place: str) -> None:
    before = PLACES[place]
    assert isinstance(after(*before, Silent(), terms=TERMS)[-1], Speak)
    assert left(after(*before, Silent(), Silent(), terms=TERMS)).over == "silence"


def test_what_was_understood_between_starts_the_count_anew() -> None:
    acts = after(NOISE, ASKS, NOISE, yes(), NOISE, no("没有了"))
    assert left(acts).over == "contained"


def test_after_a_misunderstanding_the_names_are_listened_for() -> None:
    acts = after(NOISE)
    assert acts[-1] == Speak(("speech-again",), Hears.NAMES)


def test_whoever_says_a_line_s_name_goes_to_that_line() -> None:
    acts = after(Said("税务局", line="12366"))
    assert left(acts).line == "12366"
    assert left(acts).over == "person"
    assert left(after(ASKS, Said("税务局", line="12366"))).line == "12366"


def test_who_says_a_name_and_nothing_else_gets_its_people_and_no_answer_about_them() -> None:
    leave = left(after(Said("转公积金中心", found=FUND, line="12329")))
    assert (leave.over, leave.line) == ("person", "12329")


def test_a_case_number_said_at_once_is_read_back() -> None:
    dialogue, acts = talk(Said("二零二六零一零五", digits="20260105"))
    assert did(acts) == "number"
    assert dialogue.stage is Stage.CHECK
    assert left(dialogue.hear(Said("对"))).reference == "20260105"


def test_a_single_digit_is_no_question() -> None:
    assert did(after(Said("三", found=FUND, digits="3"))) == "not understood"


def test_whoever_declines_the_offer_gets_a_person() -> None:
    assert left(after(no("不用"))).over == "person"
    assert left(after(Said("谢谢"))).over == "person"


def test_a_yes_to_no_question_is_not_understood() -> None:
    assert did(after(yes())) == "not understood"


# ── SMS ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_sms_is_sent_on_a_yes_and_once() -> None:
    acts = after(ASKS, yes(), yes("好的"), terms=TERMS)
    assert [type(act) for act in acts] == [Note, SendText, Speak]
    assert did(acts) == "sms"
    assert acts[1] == SendText("gjj.withdraw")
    assert spoken(acts) == ("speech-sms-sent", "speech-more")


def test_an_sms_may_be_asked_for_before_it_is_offered() -> None:
    assert SendText("gjj.withdraw") in after(ASKS, Said("发短信给我"), terms=TERMS)
    assert SendText("gjj.withdraw") in after(ASKS, yes(), no("不用"), Said("发短信"), terms=TERMS)


@pytest.mark.parametrize(
    ("found", "terms"),
    [(FUND, Terms()), (replace(FUND, sms=False), Terms(sms=True))],
    ids=["caller", "entry"],
)
def test_where_none_can_be_sent_none_is_offered_and_whoever_asks_is_told(found: Found, terms: Terms) -> None:
    question = Said("公积金怎么提取", found=found)
    assert spoken(after(question, yes(), terms=terms)) == ("speech-more",)
    acts = after(question, Said("发短信"), terms=terms)
    assert did(acts) == "no sms"
    assert spoken(acts) == ("speech-no-sms", "speech-more")
    assert spoken(after(question, Said("发短信"), Silent(), terms=terms)) == ("speech-more",)


def test_a_no_sends_none() -> None:
    acts = after(ASKS, yes(), no("不用"), terms=TERMS)
    assert did(acts) == "no sms"
    assert spoken(acts) == ("speech-more",)


# ── a case's number ─────────────────────────────────────────────────────────────────────────────────────────────


def test_who_asks_after_a_case_is_asked_for_its_number_which_is_read_back_and_taken_along() -> None:
    assert after(Said("催办"))[-1] == Speak(("speech-case",), Hears.DIGITS)
    for number in (Said("一二三四五", digits="12345"), Keyed("12345#"), Keyed("12345")):
        acts = after(Said("催办"), number)
        assert did(acts) == "number"
        read = tuple(f"digits/{digit}" for digit in "12345")
        assert spoken(acts) == ("speech-number", *read, "speech-right")
        assert left(after(Said("催办"), number, yes("对"))) == Leave(
            "person", ("speech-person",), reference="12345"
        )


def test_a_number_that_is_denied_is_asked_for_once_more() -> None:
    denied = (Said("催办"), Keyed("1234#"), no("不对"))
    assert spoken(after(*denied)) == ("speech-case",)
    assert left(after(*denied, Keyed("4321#"), no("不对"))).over == "misunderstood"
    assert left(after(*denied, Keyed("4321#"), yes())).reference == "4321"


@pytest.mark.parametrize("digits", ["123", "1" * 21])
def test_a_number_of_another_length_is_asked_for_once_more(digits: str) -> None:
    acts = after(Said("催办"), Keyed(f"{digits}#"))
    assert (did(acts), spoken(acts)) == ("not understood", ("speech-case",))


def test_who_has_no_number_at_hand_goes_to_a_person_without_one() -> None:
    assert left(after(Said("催办"), no("没有"))) == Leave("person", ("speech-person",))


def test_where_no_number_is_asked_for_a_case_is_a_question_like_any_other() -> None:
    terms = Terms(case=False)
    assert left(after(Said("催办"), terms=terms)).over == "unknown"
    urge = Found("hot.urge", "请稍候。", "您是问催办吗？", sure=True)
    assert spoken(after(Said("催办", found=urge), terms=terms))[0] == urge.answer


# ── whatever happens ────────────────────────────────────────────────────────────────────────────────────────────

TEXTS = [
    word
    for words in ("是的 没有 转人工 再说一遍 发短信 再见 催办 没问题 有问题 税务局 公积金 楼下的猫",)
    for word in words.split()
]
HEARINGS: st.SearchStrategy[Hearing] = st.one_of(
    st.just(Silent()),
    st.builds(Keyed, st.sampled_from(["1", "#", "*", "1234#", "12"])),
    st.builds(
        Said,
        st.sampled_from(TEXTS),
        understood=st.booleans(),
        found=st.sampled_from([None, FUND, HEAT, MAYBE, OTHER]),
        line=st.sampled_from([None, "12366"]),
        digits=st.sampled_from([None, "1", "12345"]),
        early=st.booleans(),
    ),
)


@given(st.lists(HEARINGS, max_size=60), st.booleans(), st.booleans())
def test_every_conversation_notes_each_turn_asks_something_known_and_ends(
    heard: list[Hearing], sms: bool, case: bool
) -> None:
    dialogue = Dialogue(Terms(sms=sms, case=case))
    acts, turns = dialogue.begin(), 0
    for one in heard:
        if isinstance(acts[-1], Leave):
            assert dialogue.stage is Stage.OVER
            assert dialogue.hear(one) == []
            break
        acts, turns = dialogue.hear(one), turns + 1
        assert [type(act) for act in acts] in ([Note, Speak], [Note, Leave], [Note, SendText, Speak])
        assert sms or SendText("gjj.withdraw") not in acts
        prompts = acts[-1].prompts if isinstance(acts[-1], Speak | Leave) else ()
        assert all(not is_name(prompt) or prompt in STANDARD for prompt in prompts)
    assert turns <= MOST_TURNS + 2 * TRIES


@given(st.lists(HEARINGS, min_size=60, max_size=60))
def test_no_caller_stays_for_ever(heard: list[Hearing]) -> None:
    dialogue = Dialogue(Terms(sms=True))
    acts = dialogue.begin()
    for one in heard:
        if isinstance(acts[-1], Leave):
            return
        acts = dialogue.hear(one)
    assert isinstance(acts[-1], Leave)


IDENTITY = Terms(identity=True)
CARD = "11010519491231002X"


def test_an_identity_cards_number_is_taken_where_the_city_says_so_with_a_star_for_its_x() -> None:
    asks = Said("查询办理进度")
    assert spoken(after(asks, terms=IDENTITY)) == ("speech-case-or-identity",)
    dialogue, acts = talk(asks, Keyed(f"{CARD[:-1]}*"), terms=IDENTITY)
    assert spoken(acts)[-2:] == ("digits/x", "speech-right")
    assert left(dialogue.hear(Said("对"))).reference == CARD
    assert left(after(asks, Keyed(f"{CARD[:-1]}*"))).over == "key"


def test_an_identity_cards_number_that_does_not_prove_itself_was_misheard() -> None:
    misheard = Said("", digits="110105194912310021")
    assert did(after(Said("查询办理进度"), misheard, terms=IDENTITY)) == "not understood"
    assert did(after(Said("查询办理进度"), misheard)) == "number"
