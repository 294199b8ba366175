"""Talks that are written down as they go: when one begins and ends, for whom it is not, and who may read them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from acd import transcribing
from acd.ears import Ear
from acd.messages import (
    AgentAnswered,
    AgentHungUp,
    CallerHungUp,
    CallOffered,
    CallReturned,
    ChannelSeen,
    Command,
    EarAsked,
    LegAt,
    LegGone,
    Play,
    PromptFinished,
    SpeechServed,
    StopTranscribe,
    SwitchLost,
    SwitchSurveyed,
    Transcribe,
    TransferAsked,
    TransferSteered,
    WriteAudit,
)
from acd.setup import SpeechSetup
from tests.acd.town import START, Hall, said, town

NOTICE = ("speech-notice",)


def hall(*signed_on: str, most: int = 20, **more: Any) -> Hall:
    """The town, where talks are written down."""
    speech = SpeechSetup(transcript=True, notice=NOTICE)
    here = Hall(*signed_on, setup=replace(town(), speech=replace(speech, **more)))
    here.tell(SpeechServed(most))
    return here


def ears(orders: list[Command]) -> list[Command]:
    """The orders about what is written down."""
    return [order for order in orders if isinstance(order, Transcribe | StopTranscribe)]


def answered(here: Hall, call: str = "a", agent: str = "101") -> list[Command]:
    here.queued(call)
    return ears(here.tell(AgentAnswered(call, agent)))


def begun(call: str = "a", agent: str = "101", seat: str = "8001", channel: str | None = None) -> Transcribe:
    return Transcribe(call, agent, seat, "12345", channel)


def test_a_talk_is_written_down_from_the_seats_answer_to_its_hang_up() -> None:
    here = hall("101@8001")
    assert answered(here) == [begun()]
    assert ears(here.tell(AgentHungUp("a", "101"))) == [StopTranscribe("a")]
    assert ears(here.tell(CallerHungUp("a", 16))) == []


def test_it_ends_with_the_caller_too() -> None:
    here = hall("101@8001")
    answered(here)
    assert ears(here.tell(CallerHungUp("a", 16))) == [StopTranscribe("a")]
    assert here.engine.state.ears == {}


def test_nothing_is_written_down_unless_the_city_says_so() -> None:
    here = hall("101@8001", transcript=False)
    offered = here.tell(CallOffered("a", "unicom", "12345", "13800000001"))
    assert [order.prompts for order in offered if isinstance(order, Play)] == [("greeting",)]
    here.tell(PromptFinished("a"))
    assert ears(here.tell(AgentAnswered("a", "101"))) == []


def test_the_notice_is_said_before_the_greeting() -> None:
    here = hall("101@8001")
    orders = here.tell(CallOffered("a", "unicom", "12345", "13800000001"))
    assert [order.prompts for order in orders if isinstance(order, Play)] == [("speech-notice", "greeting")]


def test_nobody_is_written_down_who_has_not_heard_the_notice() -> None:
    here = hall("101@8001")
    # the engine was away while it would have been said: the fallback gives the caller back
    here.tell(CallReturned("a", "unicom", "12345", "13800000001"))
    assert ears(here.tell(AgentAnswered("a", "101"))) == []
    assert here.call("a").seat_answered is not None


def test_where_no_notice_is_due_a_talk_is_written_down_without_one() -> None:
    here = hall("101@8001", notice=())
    here.tell(CallReturned("a", "unicom", "12345", "13800000001"))
    assert ears(here.tell(AgentAnswered("a", "101"))) == [begun()]


def test_an_emergency_that_a_seat_answers_is_not_written_down() -> None:
    here = hall("101@8001", notice=())
    here.tell(CallOffered("a", "police", "12345", "13800000001"))
    here.tell(PromptFinished("a"))
    orders = here.tell(AgentAnswered("a", "101"))
    assert here.call("a").seat_answered is not None, "the seat has it"
    assert here.call("a").urgent
    assert ears(orders) == []


def test_it_stops_for_good_when_an_emergency_centre_is_brought_in() -> None:
    here = hall("101@8001")
    answered(here)
    assert ears(here.tell(TransferAsked("a", "three-way", "110", "101"))) == [StopTranscribe("a")]
    here.tell(LegAt("a", "caller", "room"), LegAt("a", "seat", "room"))
    assert ears(here.tell(LegAt("a", "third", "room", "a-1"))) == []
    assert ears(here.tell(LegGone("a", "third", "a-1"))) == []
    assert here.call("a").state == "in transfer"


def test_what_the_seat_says_to_a_third_party_aside_is_not_written_down() -> None:
    here = hall("101@8001")
    answered(here)
    assert ears(here.tell(TransferAsked("a", "consult", "12366", "101"))) == [StopTranscribe("a")]
    moved = here.tell(LegAt("a", "caller", "held"), LegAt("a", "seat", "room"))
    assert ears(moved + here.tell(LegAt("a", "third", "room", "a-1"))) == []
    here.tell(TransferSteered("a", "toggle", "101"))
    back = here.tell(LegAt("a", "third", "held", "a-1"), LegAt("a", "caller", "room"))
    assert ears(back) == [begun()]


def test_a_seat_that_takes_the_call_over_is_written_down_in_its_turn() -> None:
    here = hall("101@8001", "102@8002")
    answered(here)
    here.tell(TransferAsked("a", "consult", "8002", "101"))
    here.tell(LegAt("a", "caller", "held"), LegAt("a", "seat", "room"), LegAt("a", "third", "room", "a-1"))
    here.tell(AgentHungUp("a", "101"))
    assert ears(here.tell(LegAt("a", "caller", "room"))) == [begun(agent="102", seat="8002", channel="a-1")]


def test_a_call_that_a_seat_places_is_not_written_down() -> None:
    here = hall("101@8001", notice=())
    answered(here)
    here.call("a").direction = "out"
    assert ears(here.tell(SpeechServed(0), SpeechServed(20))) == [StopTranscribe("a")]


def test_the_talk_goes_on_without_the_speech_server_and_is_written_down_again_with_it() -> None:
    here = hall("101@8001")
    answered(here)
    assert here.tell(SpeechServed(0)) == [StopTranscribe("a")]
    assert here.call("a").state == "talking"
    assert here.tell(SpeechServed(20)) == [begun()]


def test_no_more_talks_are_written_down_than_leave_half_the_machine_to_its_callers() -> None:
    here = hall("101@8001", "102@8002", most=7)
    assert answered(here) == [begun()]
    assert answered(here, "b", "102") == []
    assert len(here.engine.state.ears) * transcribing.STREAMS_A_TALK <= 7 // 2
    assert ears(here.tell(CallerHungUp("a", 16))) == [StopTranscribe("a")]  # b is not begun in its middle


def test_after_a_gap_what_goes_on_stays_written_down_and_what_is_over_is_not() -> None:
    here = hall("101@8001", "102@8002")
    answered(here)
    answered(here, "b", "102")
    assert here.tell(SwitchLost()) == []
    told = SwitchSurveyed((ChannelSeen("a", "talking", "8001"),), ("8001", "8002"))
    assert ears(here.tell(told)) == [StopTranscribe("b")]
    assert list(here.engine.state.ears) == ["a"]


def test_a_restarted_engine_ends_what_the_former_one_began_and_begins_anew() -> None:
    here = hall("101@8001")
    answered(here)
    here.restart()
    assert ears(here.tell(SpeechServed(0))) == [StopTranscribe("a")]  # as the platform tells it first
    assert ears(here.tell(SpeechServed(20))) == [begun()]


def test_a_city_that_turns_it_off_stops_what_is_on() -> None:
    here = hall("101@8001")
    answered(here)
    setup = here.engine.state.setup
    orders = here.engine.reconfigure(replace(setup, speech=SpeechSetup()), START + here.at)
    assert ears(orders) == [StopTranscribe("a")]


# ── who may read along ──────────────────────────────────────────────────────────────────────────────────────

TALK = Ear("a", "101", "8001")


@pytest.mark.parametrize(
    ("asked", "refused", "reads"),
    [
        (EarAsked(by="101"), [], True),
        (EarAsked("8001", "101"), [], True),
        (EarAsked("8002", "101"), ["no-right"], False),
        (EarAsked(by="102"), [], False),
        (EarAsked("8001", "102"), ["no-right"], False),
        (EarAsked(by="103"), [], True),
        (EarAsked("8001", "103"), [], True),
        (EarAsked("8001"), [], True),
        (EarAsked("8002"), [], False),
        (EarAsked(), ["nobody-there"], False),
        (EarAsked("8099"), ["nobody-there"], False),
        (EarAsked(by="999"), ["no-right"], False),
    ],
    ids=lambda value: (
        f"{value.by or 'nobody'}@{value.seat or 'all'}" if isinstance(value, EarAsked) else None
    ),
)
def test_one_reads_ones_own_talks_and_others_with_the_right_to_listen(
    asked: EarAsked, refused: list[str], reads: bool
) -> None:
    here = hall("101@8001", "102@8002")
    answered(here)
    assert said(here.tell(replace_desk(asked))) == refused
    assert transcribing.may_read(here.engine.state, asked, TALK) is reads


def replace_desk(asked: EarAsked) -> EarAsked:
    return EarAsked(asked.seat, asked.by, "desk")


def test_reading_others_talks_is_written_into_the_audit_log_and_ones_own_is_not() -> None:
    here = hall("101@8001")

    def audited(fact: EarAsked) -> list[tuple[str, str, str | None, bool]]:
        noted = [order.entry for order in here.tell(fact) if isinstance(order, WriteAudit)]
        return [(entry.what, entry.who, entry.whom, entry.allowed) for entry in noted]

    assert audited(EarAsked("8001", "103")) == [("transcript", "103", "8001", True)]
    assert audited(EarAsked(by="103")) == [("transcript", "103", None, True)]
    assert audited(EarAsked("8001", "102")) == [("transcript", "102", "8001", False)]
    assert audited(EarAsked("8001", "101")) == []
    assert audited(EarAsked(by="101")) == []
