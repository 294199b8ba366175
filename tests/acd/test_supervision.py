"""Supervision as rules: who may, what is ordered, and that no call ever notices a supervisor who fails."""

from __future__ import annotations

from dataclasses import replace

import pytest

from acd.agents import Activity
from acd.calls import CallState
from acd.messages import (
    AgentHungUp,
    AuditEntry,
    AuditStored,
    BreakAsked,
    CallerHungUp,
    CallOffered,
    Command,
    EndSupervision,
    LeadIn,
    LegAt,
    Part,
    PromptFinished,
    SeatChanged,
    SeatDisengaged,
    SeatEngaged,
    SeatReachable,
    SignOnAsked,
    Spy,
    SuperviseAsked,
    SupervisionBegan,
    SupervisionEnded,
    SwitchSurveyed,
    Tell,
    WriteAudit,
)
from acd.setup import ROLES, Setup
from tests.acd.town import START, Hall, records, rings, said, town

DESK = "desk-1"


def setup() -> Setup:
    """101 to 103 are agents of team a, 104 supervises it; 105 supervises b, 106 is b's agent."""
    base = town()
    roles = {"104": "supervisor", "105": "supervisor"}
    agents = {
        name: replace(
            agent,
            role=roles.get(name, "agent"),
            group="a" if name in {"101", "102", "103", "104"} else "b",
            reach=frozenset({"b"}) if name == "105" else None,
        )
        for name, agent in base.agents.items()
    }
    return replace(base, agents=agents)


def hall() -> Hall:
    """101 talks to caller a at 8001; the supervisor 104 sits at 8004, on a break, so that the router leaves 104 alone."""
    here = Hall("104@8004", setup=setup())
    here.tell(BreakAsked("8004", "2"))
    here.sign_on("101@8001")
    here.talking("a", "101")
    return here


def audits(orders: list[Command]) -> list[AuditEntry]:
    return [order.entry for order in orders if isinstance(order, WriteAudit)]


def of(kind: type, orders: list[Command]) -> list[Command]:
    return [order for order in orders if isinstance(order, kind)]


def ask(
    here: Hall, how: str, seat: str = "8001", desk: str = DESK, phone: str = "8004", reason: str = ""
) -> list[Command]:
    """The supervisor's phone dials the code."""
    here.tell(SeatEngaged(phone))
    return here.tell(SuperviseAsked(how, seat, phone=phone, desk=desk, reason=reason))


# ── hearing ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("how", ["listen", "whisper", "barge"])
def test_a_supervisor_is_led_to_the_seats_call_and_it_is_written_down(how: str) -> None:
    here = hall()
    orders = ask(here, how)
    assert of(Spy, orders) == [Spy("a", DESK, "8004", how)]
    (entry,) = audits(orders)
    assert (entry.what, entry.who, entry.whom, entry.call, entry.allowed) == (how, "104", "101", "a", True)
    assert (entry.role, entry.phone, entry.at) == ("supervisor", "8004", START)
    assert here.tell(SupervisionBegan(DESK)) == []
    orders = here.tell(SupervisionEnded(DESK))
    assert [entry.what for entry in audits(orders)] == [f"end of {how}"]
    assert len(orders) == 1, "the call does not notice"
    assert here.call("a").state is CallState.TALKING
    assert not here.engine.state.watches


def test_an_agent_has_no_such_right_and_the_attempt_is_written_down() -> None:
    here = hall()
    here.sign_on("102@8002")
    orders = ask(here, "listen", phone="8002")
    assert said(orders) == ["no-right"]
    assert not of(Spy, orders)
    (entry,) = audits(orders)
    assert (entry.who, entry.allowed, entry.why) == ("102", False, "no-right")


def test_a_phone_at_which_nobody_is_signed_on_has_no_right() -> None:
    here = hall()
    orders = ask(here, "listen", phone="8003")
    assert said(orders) == ["not-signed-on"]
    assert not audits(orders)[0].allowed


@pytest.mark.parametrize(
    ("seat", "word"),
    [("8003", "nobody-there"), ("", "nobody-there"), ("8004", "not-yourself"), ("8002", "no-call-there")],
)
def test_nobody_oneself_and_one_who_does_not_talk_can_not_be_heard(seat: str, word: str) -> None:
    here = hall()
    here.sign_on("102@8002")
    assert said(ask(here, "listen", seat)) == [word]


def test_reach_ends_at_the_teams_and_at_other_teams_supervisors() -> None:
    here = hall()
    here.sign_on("105@8003")
    assert said(ask(here, "listen", "8001", phone="8003", desk="d2")) == ["out-of-reach"]
    # 104 reaches all teams, but not their supervisors
    here.tell(SeatDisengaged("8003"))
    here.tell(CallOffered("b", "unicom", "12315", "1"), PromptFinished("b"))
    assert said(ask(here, "listen", "8003")) == ["out-of-reach"]


def test_two_supervisors_are_not_on_one_call() -> None:
    here = hall()
    more = setup()
    here.engine.reconfigure(
        replace(more, agents={**more.agents, "103": replace(more.agents["103"], role="supervisor")}), START
    )
    here.tell(SeatReachable("8003"), SignOnAsked("8003", "103", proven=True))
    assert of(Spy, ask(here, "listen"))
    assert said(ask(here, "whisper", phone="8003", desk="d2")) == ["watched-already"]
    here.tell(SupervisionEnded(DESK))
    assert of(Spy, ask(here, "whisper", phone="8003", desk="d3"))


def test_a_supervisor_who_is_rung_or_talks_is_not_brought_elsewhere() -> None:
    here = Hall("101@8001", setup=setup())
    here.talking("a", "101")
    here.sign_on("104@8004")
    assert rings(here.queued("b"))[0].agent == "104"
    assert said(here.tell(SuperviseAsked("listen", "8001", phone="8004", desk=DESK))) == ["call-is-on"]


@pytest.mark.parametrize("ends", ["caller", "seat"])
def test_the_end_of_the_call_ends_the_supervision(ends: str) -> None:
    here = hall()
    ask(here, "listen")
    here.tell(SupervisionBegan(DESK))
    orders = here.tell(CallerHungUp("a", 16) if ends == "caller" else AgentHungUp("a", "101"))
    assert of(EndSupervision, orders) == [EndSupervision(DESK)]
    assert here.agent("101").activity is Activity.WRAP_UP
    here.wait(10_000)  # the switch never says that the channel is gone
    assert not here.engine.state.watches


def test_a_supervisor_who_never_comes_is_given_up() -> None:
    here = hall()
    ask(here, "listen")
    assert of(EndSupervision, here.wait(40_000)) == [EndSupervision(DESK)]
    assert [entry.what for entry in audits(here.wait(10_000))] == ["end of listen"]
    assert here.call("a").state is CallState.TALKING


def test_a_right_that_is_taken_away_ends_what_goes_on() -> None:
    here = hall()
    ask(here, "listen")
    here.tell(SupervisionBegan(DESK))
    orders = here.engine.reconfigure(replace(setup(), roles={**ROLES, "supervisor": frozenset()}), START)
    assert of(EndSupervision, orders) == [EndSupervision(DESK)]


def test_by_command_the_supervisors_phone_is_called_and_the_next_wish_goes_on_with_it() -> None:
    here = hall()
    (spy,) = of(Spy, here.tell(SuperviseAsked("listen", "8001", by="104")))
    assert isinstance(spy, Spy)
    assert (spy.call, spy.phone, spy.how) == ("a", "8004", "listen")
    assert spy.channel.startswith("a-w")
    assert not spy.desk, "the phone is to be called"
    here.tell(SeatEngaged("8004"), SupervisionBegan(spy.channel))
    (again,) = of(Spy, here.tell(SuperviseAsked("whisper", "8001", by="104")))
    assert again == replace_how(spy, "whisper")
    assert len(here.engine.state.watches) == 1


def replace_how(spy: Spy, how: str) -> Spy:
    return Spy(spy.call, spy.channel, spy.phone, how, spy.leg, desk=True)


def test_by_command_a_phone_that_is_busy_or_gone_is_not_called() -> None:
    here = hall()
    here.engine.state.agents["104"].reachable = False
    orders = here.tell(SuperviseAsked("listen", "8001", by="104"))
    assert not of(Spy, orders)
    assert audits(orders)[0].why == "phone-busy"


def test_a_new_code_replaces_a_supervision_whose_hang_up_is_late() -> None:
    here = hall()
    ask(here, "listen")
    here.tell(SupervisionBegan(DESK))
    orders = ask(here, "whisper", desk="desk-2")
    assert of(EndSupervision, orders) == [EndSupervision(DESK)]
    assert of(Spy, orders) == [Spy("a", "desk-2", "8004", "whisper")]


# ── taking over ──────────────────────────────────────────────────────────────────────────────────────────────


def taken_over(here: Hall) -> list[Command]:
    ask(here, "take over")
    return here.tell(SupervisionBegan(DESK))


def test_a_take_over_changes_nothing_before_the_supervisor_is_in_the_room() -> None:
    here = hall()
    orders = ask(here, "take over")
    assert of(LeadIn, orders) == [LeadIn("a", DESK, "8004")]
    assert here.call("a").agent == "101"
    orders = here.tell(SupervisionEnded(DESK))
    assert len(orders) == 1, "an entry of the audit log, nothing else"
    assert here.call("a").state is CallState.TALKING
    assert here.agent("101").activity is Activity.TALKING


def test_the_supervisor_becomes_the_seat_and_the_former_seat_wraps_up() -> None:
    here = hall()
    orders = taken_over(here)
    assert of(SeatChanged, orders) == [SeatChanged("a", DESK, "104", "8004")]
    assert of(Part, orders) == [Part("a", "room", "gone")]
    assert here.call("a").agent == "104"
    assert here.agent("101").activity is Activity.WRAP_UP
    assert here.agent("104").activity is Activity.TALKING
    here.tell(SeatDisengaged("8004"), LegAt("a", "caller", "room"))
    assert not here.engine.state.watches
    here.wait(30_000)
    assert here.agent("101").activity is Activity.IDLE
    orders = here.tell(CallerHungUp("a", 16))
    assert here.agent("104").activity is Activity.WRAP_UP
    (record,) = records(orders + here.wait(30_000))
    assert (record.disposition, record.agent, record.seat) == ("answered", "104", "8004")
    (transfer,) = record.transfers
    assert (transfer.how, transfer.by, transfer.agent, transfer.outcome) == (
        "take over",
        "101",
        "104",
        "handed over",
    )
    assert here.agent("104").activity is Activity.IDLE


def test_the_hang_up_of_the_former_seat_is_no_hang_up_of_the_new_one() -> None:
    here = hall()
    taken_over(here)
    here.tell(AgentHungUp("a", "101"))
    assert here.call("a").state is CallState.IN_TRANSFER
    assert here.agent("104").activity is Activity.TALKING


def test_a_call_that_ended_meanwhile_is_not_taken_over() -> None:
    here = hall()
    ask(here, "take over")
    orders = here.tell(CallerHungUp("a", 16))
    assert of(EndSupervision, orders) == [EndSupervision(DESK)]
    assert not of(SeatChanged, here.tell(SupervisionBegan(DESK)))


# ── the state of others, and questions ───────────────────────────────────────────────────────────────────────


def test_a_break_that_a_supervisor_orders_is_the_agents_and_the_answer_the_supervisors() -> None:
    here = hall()
    orders = ask(here, "break", reason="1")
    assert of(Tell, orders)[0] == Tell(DESK, ("on-break",)) or said(orders)[0].startswith("on-break")
    assert here.agent("101").presence.value != "ready"
    assert audits(orders)[0].why == "1"
    assert said(ask(here, "break", reason="7")) == ["reason-unknown"]


def test_why_a_call_waits_is_said_in_numbers_and_a_reason() -> None:
    here = hall()
    assert said(ask(here, "why", "")) == ["nobody-waits"]
    here.queued("b")
    here.wait(12_000)
    words = said(ask(here, "why", ""))
    assert words == [
        "waiting-now",
        "digits/1",
        "calls-wait",
        "waiting-longest",
        "digits/10",
        "digits/2",
        "seconds",
        "why-busy",
    ]


# ── the audit log and restarts ───────────────────────────────────────────────────────────────────────────────


def test_an_entry_is_kept_until_the_database_has_it_and_repeated_after_a_restart() -> None:
    here = hall()
    (entry,) = audits(ask(here, "listen"))
    here.restart()
    assert here.engine.repeat_audit() == [WriteAudit(entry)]
    here.tell(AuditStored(entry.at + 1, entry.number))
    assert here.engine.repeat_audit(), "another entry's"
    here.tell(AuditStored(entry.at, entry.number))
    assert here.engine.repeat_audit() == []


def test_a_restart_of_the_engine_goes_on_with_the_supervision() -> None:
    here = hall()
    ask(here, "take over")
    here.restart()
    orders = here.tell(SupervisionBegan(DESK))
    assert of(SeatChanged, orders)
    here.restart()
    here.tell(LegAt("a", "caller", "room"))
    assert here.call("a").agent == "104"


def test_a_restart_of_the_switch_leaves_no_supervision_behind() -> None:
    here = hall()
    ask(here, "listen")
    here.tell(SwitchSurveyed((), ("8001", "8004"), restarted=True))
    assert not here.engine.state.watches
