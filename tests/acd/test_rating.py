"""The survey after a call: whom it asks, what the keys mean, and that nothing of it is ever the seat's cost."""

from __future__ import annotations

from dataclasses import replace

import pytest

from acd import rating
from acd.agents import Activity
from acd.calls import CallState
from acd.messages import (
    AgentHungUp,
    CallerHungUp,
    CallOffered,
    Command,
    HangUp,
    HoldMusic,
    OpinionRecorded,
    Play,
    PromptFinished,
    RecordOpinion,
    SeatLeft,
    TransferRecord,
)
from acd.rating import MOVES, Step
from acd.satisfaction import by_agent, by_line, satisfaction
from tests.acd.town import START, Hall, asking, records, rings, town


def hall(**survey: object) -> Hall:
    """A town that asks, with 101 at 8001 talking to ``a`` for a minute by now."""
    setup = asking(town())
    here = Hall("101@8001", setup=replace(setup, survey=replace(setup.survey, **survey)))  # type: ignore[arg-type]
    here.talking("a", "101")
    here.wait(60_000)
    return here


def plays(orders: list[Command]) -> list[tuple[str, ...]]:
    return [order.prompts for order in orders if isinstance(order, Play)]


def test_every_step_ends_whatever_the_caller_does() -> None:
    for start in Step:
        seen, reached = {start}, [start]
        while reached:
            for step in MOVES[reached.pop()].values():
                assert step is not Step.RATING, "the first question comes once"
                if step not in seen:
                    seen.add(step)
                    reached.append(step)
        assert Step.OVER in seen


@pytest.mark.parametrize(("key", "grade"), [("1", 5), ("2", 4), ("3", 3)])
def test_a_key_is_a_grade_and_thanks_are_said(key: str, grade: int) -> None:
    here = hall()
    assert plays(here.tell(SeatLeft("a", "101"))) == [("survey-ask",)]
    assert plays(here.tell(PromptFinished("a", key))) == [("survey-thanks",)]
    assert here.tell(PromptFinished("a")) == [HangUp("a")]
    here.tell(CallerHungUp("a", 16))
    (record,) = records(here.wait(30_000))
    assert (record.asked, record.rating, record.opinion) == (True, grade, None)
    assert f"{grade} of 5" in record.because[-1]


def test_a_wrong_key_is_asked_once_more_and_not_twice() -> None:
    here = hall()
    here.tell(SeatLeft("a", "101"))
    assert plays(here.tell(PromptFinished("a", "0"))) == [("menu-wrong", "survey-ask")]
    assert plays(here.tell(PromptFinished("a", "*"))) == [("goodbye",)]
    assert here.call("a").rating is None


def test_silence_ends_with_a_polite_word() -> None:
    here = hall()
    here.tell(SeatLeft("a", "101"))
    assert plays(here.tell(PromptFinished("a"))) == [("goodbye",)]
    assert here.tell(PromptFinished("a")) == [HangUp("a")]


def test_the_seat_wraps_up_from_its_hang_up_on_and_takes_the_next_call_while_the_caller_is_asked() -> None:
    here = hall()
    here.tell(SeatLeft("a", "101"))
    assert here.agent("101").activity is Activity.WRAP_UP
    here.queued("b")
    assert [ring.call for ring in rings(here.wait(30_000))] == ["b"]
    assert here.call("a").state is CallState.ASKED
    here.tell(PromptFinished("a", "1"))
    assert here.agent("101").call == "b"
    (record,) = records(here.tell(CallerHungUp("a", 16)))
    assert (record.rating, record.wrap_up_ended) == (5, START + 90_000)


def test_the_word_of_the_seats_end_may_come_before_or_behind_the_caller() -> None:
    for facts in (
        [SeatLeft("a", "101"), AgentHungUp("a", "101")],
        [AgentHungUp("a", "101"), SeatLeft("a", "101")],
    ):
        here = hall()
        orders = here.tell(*facts)
        assert plays(orders) == [("survey-ask",)]
        assert HangUp("a") not in orders


def test_an_open_answer_is_recorded_after_the_grades_that_ask_for_one() -> None:
    here = hall()
    here.tell(SeatLeft("a", "101"))
    assert plays(here.tell(PromptFinished("a", "4"))) == [("survey-opinion",)]
    assert here.tell(PromptFinished("a")) == [RecordOpinion("a", "a.wav", 60_000, 4_000)]
    assert plays(here.tell(OpinionRecorded("a", kept=True))) == [("survey-thanks",)]
    assert (here.call("a").rating, here.call("a").opinion) == (2, "a.wav")


def test_an_answer_of_nothing_leaves_no_name_of_a_file() -> None:
    here = hall()
    here.tell(SeatLeft("a", "101"), PromptFinished("a", "5"), PromptFinished("a"))
    here.tell(OpinionRecorded("a", kept=False))
    assert (here.call("a").rating, here.call("a").opinion) == (1, None)


def test_a_key_during_the_words_declines_the_open_answer() -> None:
    here = hall()
    here.tell(SeatLeft("a", "101"), PromptFinished("a", "5"))
    assert plays(here.tell(PromptFinished("a", "#"))) == [("survey-thanks",)]
    assert here.call("a").opinion is None


@pytest.mark.parametrize(
    ("survey", "asked"),
    [
        ({}, True),
        ({"default": False}, False),
        ({"default": False, "queues": {"12345": True}}, True),
        ({"queues": {"12345": False}}, False),
        ({"min_talk_ms": 60_000}, True),
        ({"min_talk_ms": 60_001}, False),
    ],
)
def test_who_is_asked_is_the_citys_choice(survey: dict[str, object], asked: bool) -> None:
    here = hall(**survey)
    orders = here.tell(SeatLeft("a", "101"))
    assert bool(plays(orders)) is asked
    assert (HangUp("a") in orders) is not asked


def test_a_lines_own_word_beats_its_queues() -> None:
    setup = asking(town())
    survey = replace(setup.survey, default=False, queues={"12315": True}, lines={"12315": False})
    here = Hall("105@8001", setup=replace(setup, survey=survey))
    here.tell(CallOffered("a", "unicom", "12315", "13800000001"))
    here.wait(1)
    assert here.call("a").agent == "105"
    here.tell(SeatLeft("a", "105"))
    assert here.call("a").asked is False


@pytest.mark.parametrize("number", ["110", "119"])
def test_after_a_transfer_to_an_emergency_centre_nobody_is_asked(number: str) -> None:
    here = hall()
    done = TransferRecord("blind", number, "101", START, number=number, trunk="police", outcome="joined")
    here.call("a").transfers = (done,)
    expected = number == "119"  # the town knows no 119
    assert bool(plays(here.tell(SeatLeft("a", "101")))) is expected


def test_an_emergency_and_an_outgoing_call_are_never_asked() -> None:
    here = hall()
    here.call("a").urgent = True
    assert here.tell(SeatLeft("a", "101")) == [HangUp("a")]
    here = hall()
    here.call("a").direction = "out"
    assert here.tell(SeatLeft("a", "101")) == [HangUp("a")]


def test_one_who_was_taken_from_the_seat_waits_on_with_music() -> None:
    here = hall()
    call = here.call("a")
    assert call.waits is not None
    here.queued("b")
    assert here.call("b").state is CallState.QUEUED
    assert here.tell(SeatLeft("b", "101")) == [HoldMusic("b", "12345")]


def test_a_call_that_nobody_knows_is_let_go_and_never_queued() -> None:
    here = Hall()
    assert here.tell(SeatLeft("x", "101")) == [HangUp("x")]


def test_a_switch_that_falls_silent_in_the_survey_loses_neither_call_nor_channel() -> None:
    here = hall()
    here.tell(SeatLeft("a", "101"))
    orders = here.wait(66_000)
    assert HangUp("a") in orders
    (record,) = records(here.wait(10_000))
    assert (record.disposition, record.asked, record.rating) == ("answered", True, None)
    assert here.engine.state.load["unicom"] == 0


def test_a_restart_in_the_middle_of_the_survey_goes_on_with_it() -> None:
    here = hall()
    here.tell(SeatLeft("a", "101"))
    due = here.engine.deadline()
    here.restart()
    assert here.engine.deadline() == due
    assert plays(here.tell(PromptFinished("a", "1"))) == [("survey-thanks",)]


def test_begin_asks_a_caller_who_comes_back_from_a_room() -> None:
    here = hall()
    call, state = here.call("a"), here.engine.state
    orders: list[Command] = []
    state.orders = orders
    assert rating.begin(state, call) is True
    assert (call.state, plays(orders)) == (CallState.ASKED, [("survey-ask",)])


# ── figures ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_figures_name_their_denominators_and_forget_nobody() -> None:
    here = hall()
    here.tell(SeatLeft("a", "101"), PromptFinished("a", "2"), CallerHungUp("a", 16))
    (graded,) = records(here.wait(30_000))
    here.talking("b", "101")
    here.wait(60_000)
    here.tell(SeatLeft("b", "101"), CallerHungUp("b", 16))
    (silent,) = records(here.wait(30_000))
    told = satisfaction([graded, silent])
    assert (told.talked, told.asked, told.answered, told.mean) == (2, 2, 1, 4.0)
    assert str(told.satisfied) == "100.00% (1 / 1: graded 4 or 5 / callers who gave a grade)"
    assert str(told.response) == "50.00% (1 / 2: gave a grade / were asked)"
    assert "(1 / 2:作出评价 / 被邀请评价的来电)" in told.zh()
    assert by_agent([graded, silent]) == {"101": told}
    assert by_line([graded, silent]) == {"12345": told}


def test_without_a_grade_there_is_no_mean() -> None:
    none = satisfaction([])
    assert (none.mean, none.satisfied.value, none.response.value) == (None, None, None)
    assert str(none).startswith("mean - of 5; satisfied - (0 / 0")
