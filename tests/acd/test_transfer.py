"""Bringing somebody in: every stage, and every leg that hangs up at it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from acd import target
from acd.agents import Activity
from acd.calls import CallState
from acd.messages import (
    AgentHungUp,
    AgentRangOut,
    CallerHungUp,
    CallOffered,
    CallSurvived,
    CallThird,
    ChannelSeen,
    Command,
    DropLeg,
    HangUp,
    HoldMusic,
    LegAt,
    LegGone,
    LegHeard,
    LegHolds,
    LegSeen,
    MoveLeg,
    Part,
    RingAgent,
    SayTo,
    SwitchLost,
    SwitchSurveyed,
    TransferAsked,
    TransferRecord,
    TransferSteered,
    WrapUpEndAsked,
)
from acd.parties import LAYOUT, MOVES, Place, Stage
from tests.acd.town import START, Hall, records, rings, said, town

THIRD = "c-1"


def hall() -> Hall:
    """Call ``c`` talks to agent 101 at seat 8001; 102 at 8002 is free."""
    made = Hall("101@8001")
    made.talking("c", "101")
    made.sign_on("102@8002")
    return made


def ask(made: Hall, how: str, to: str) -> list[Command]:
    return made.tell(TransferAsked("c", how, to, by="101", desk="keys"))


def wish(made: Hall, what: str) -> list[Command]:
    return made.tell(TransferSteered("c", what, desk="keys"))


def parted(made: Hall, caller: str = "held", seat: str = "room") -> list[Command]:
    return made.tell(LegAt("c", "seat", seat), LegAt("c", "caller", caller))


def answers(made: Hall, channel: str = THIRD) -> list[Command]:
    return made.tell(LegAt("c", "third", "room", channel))


def consulting(to: str = "110") -> Hall:
    made = hall()
    ask(made, "consult", to)
    parted(made)
    answers(made)
    return made


def stage(made: Hall) -> Stage | None:
    transfer = made.call("c").transfer
    return transfer.stage if transfer else None


def told(orders: list[Command]) -> list[TransferRecord]:
    (record,) = records(orders)
    return list(record.transfers)


def only(orders: list[Command], kind: type) -> list[Command]:
    return [order for order in orders if isinstance(order, kind)]


# ── the table ────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_stage_has_a_layout_and_moves() -> None:
    assert LAYOUT.keys() == MOVES.keys() == set(Stage)


def test_every_stage_but_the_first_can_be_reached_and_every_one_leads_to_the_end() -> None:
    reached = {end for moves in MOVES.values() for end in moves.values()}
    assert reached == set(Stage)
    ends = {Stage.OVER, Stage.REQUEUED, Stage.PARTED}
    while more := {s for s, moves in MOVES.items() if s not in ends and set(moves.values()) & ends}:
        ends |= more
    assert ends == set(Stage)


@pytest.mark.parametrize("at", Stage)
def test_whoever_has_a_place_at_a_stage_may_hang_up_there(at: Stage) -> None:
    for party, place in zip(("caller", "seat", "third"), LAYOUT[at], strict=True):
        if place is not Place.GONE:
            assert f"{party} gone" in MOVES[at], f"{party} hangs up while {at}"


# ── consultation ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_consultation_sets_the_caller_aside_and_calls_the_third_party_at_the_same_moment() -> None:
    made = hall()
    orders = ask(made, "consult", "110")
    assert said(orders) == []
    assert only(orders, Part) == [Part("c", "held", "room")]
    (third,) = only(orders, CallThird)
    assert isinstance(third, CallThird)
    assert (third.channel, third.number, third.trunk, third.caller) == (THIRD, "110", "police", "13800000001")
    assert made.call("c").state is CallState.IN_TRANSFER


def test_the_seat_that_hangs_up_after_a_consultation_has_handed_the_caller_over() -> None:
    made = consulting()
    assert stage(made) is Stage.CONSULTING
    assert made.tell(AgentHungUp("c", "101"), at=5_000) == [MoveLeg("c", "caller", "room")]
    assert made.agent("101").activity is Activity.WRAP_UP
    made.tell(LegAt("c", "caller", "room"))
    made.tell(WrapUpEndAsked("8001"))
    made.tell(LegGone("c", "third", THIRD), at=20_000)
    (transfer,) = told(made.tell(CallerHungUp("c", 16)))
    assert (transfer.outcome, transfer.number, transfer.trunk) == ("handed over", "110", "police")
    assert transfer.handed_over is not None
    assert transfer.answered is not None
    assert transfer.ended == transfer.handed_over + 15_000


def test_completing_by_key_hangs_the_seat_up_and_brings_the_two_together() -> None:
    made = consulting()
    orders = wish(made, "complete")
    assert only(orders, DropLeg) == [DropLeg("c", "seat")]
    assert only(orders, MoveLeg) == [MoveLeg("c", "caller", "room")]


def test_toggling_changes_who_talks_and_who_waits() -> None:
    made = consulting()
    orders = wish(made, "toggle")
    assert only(orders, MoveLeg) == [MoveLeg("c", "caller", "room"), MoveLeg("c", "third", "held", THIRD)]
    made.tell(LegAt("c", "caller", "room"), LegAt("c", "third", "held", THIRD))
    orders = wish(made, "toggle")
    assert only(orders, MoveLeg) == [MoveLeg("c", "caller", "held"), MoveLeg("c", "third", "room", THIRD)]


def test_giving_back_hangs_the_third_party_up_and_the_caller_talks_to_the_seat_again() -> None:
    made = consulting()
    orders = wish(made, "give back")
    assert only(orders, DropLeg) == [DropLeg("c", "third", THIRD)]
    assert only(orders, MoveLeg) == [MoveLeg("c", "caller", "room")]
    made.tell(LegAt("c", "caller", "room"))
    assert stage(made) is Stage.BACK
    assert [t.outcome for t in made.call("c").transfers] == ["consulted"]


def test_after_one_transfer_came_back_another_may_be_asked_for() -> None:
    made = consulting()
    wish(made, "give back")
    made.tell(LegAt("c", "caller", "room"))
    orders = ask(made, "consult", "12366")
    (third,) = only(orders, CallThird)
    assert isinstance(third, CallThird)
    assert (third.channel, third.trunk) == ("c-2", "tax")
    assert only(orders, MoveLeg) == [MoveLeg("c", "caller", "held")]


@pytest.mark.parametrize(
    ("why", "words"),
    [
        ("busy", "transfer-busy"),
        ("noanswer", "transfer-no-answer"),
        ("refused", "transfer-refused"),
        ("congestion", "transfer-unreachable"),
    ],
)
def test_a_third_party_that_does_not_come_is_told_to_the_seat_who_then_has_the_caller_again(
    why: str, words: str
) -> None:
    made = hall()
    ask(made, "consult", "110")
    parted(made)
    assert made.tell(LegGone("c", "third", THIRD, why)) == [MoveLeg("c", "seat", "held")]
    assert made.tell(LegAt("c", "seat", "held")) == [SayTo("c", "seat", (words,))]
    orders = made.tell(LegHeard("c", "seat"))
    assert orders == [MoveLeg("c", "caller", "room"), MoveLeg("c", "seat", "room")]
    made.tell(LegAt("c", "caller", "room"), LegAt("c", "seat", "room"))
    assert stage(made) is Stage.BACK


def test_the_next_way_is_tried_before_anybody_is_told() -> None:
    made = hall()
    ask(made, "consult", "12366")
    parted(made)
    (third,) = only(made.tell(LegGone("c", "third", THIRD, "noanswer")), CallThird)
    assert isinstance(third, CallThird)
    assert (third.channel, third.number, third.trunk) == ("c-2", "037112366", "telecom")
    assert made.tell(LegGone("c", "third", THIRD, "noanswer")) == []  # the first one, heard of twice
    assert stage(made) is Stage.ASKING


def test_a_caller_who_hangs_up_during_a_consultation_leaves_the_two_to_finish() -> None:
    made = consulting("12366")
    assert records(made.tell(CallerHungUp("c", 16), at=9_000)) == []
    assert stage(made) is Stage.ASIDE
    assert made.agent("101").activity is Activity.TALKING
    orders = made.tell(AgentHungUp("c", "101"), at=12_000)
    assert only(orders, DropLeg) == [DropLeg("c", "third", THIRD)]
    (record,) = records(made.tell(WrapUpEndAsked("8001")))
    assert record.ended is not None
    assert record.wrap_up_ended == record.ended + 3_000
    assert [t.outcome for t in record.transfers] == ["consulted"]


def test_a_caller_who_hangs_up_while_the_third_party_rings_ends_it_all() -> None:
    made = hall()
    ask(made, "consult", "12366")
    parted(made)
    orders = made.tell(CallerHungUp("c", 16))
    assert only(orders, DropLeg) == [DropLeg("c", "seat"), DropLeg("c", "third", THIRD)]
    assert made.agent("101").activity is Activity.WRAP_UP
    assert "c" not in made.engine.state.calls
    assert made.engine.state.load["tax"] == 0


def test_a_caller_who_is_cut_off_while_110_rings_does_not_stop_110_from_being_told() -> None:
    made = hall()
    ask(made, "three-way", "110")
    parted(made, caller="room")
    assert made.tell(CallerHungUp("c", 16)) == []
    assert stage(made) is Stage.ALERTING
    answers(made)
    assert stage(made) is Stage.ASIDE
    made.tell(LegGone("c", "third", THIRD), at=8_000)
    assert made.agent("101").activity is Activity.WRAP_UP


def test_a_seat_that_hangs_up_while_the_third_party_rings_has_sent_the_caller_on() -> None:
    made = hall()
    ask(made, "consult", "12366")
    parted(made)
    made.tell(AgentHungUp("c", "101"))
    assert stage(made) is Stage.SENDING
    assert answers(made) == [MoveLeg("c", "caller", "room")]
    assert stage(made) is Stage.HANDED_OVER


# ── three-way ────────────────────────────────────────────────────────────────────────────────────────────────


def test_in_a_three_way_call_caller_and_seat_go_on_talking_while_the_third_party_rings() -> None:
    made = hall()
    assert only(ask(made, "three-way", "110"), Part) == [Part("c", "room", "room")]
    parted(made, caller="room")
    assert answers(made) == []
    assert stage(made) is Stage.TOGETHER


def test_the_third_party_may_leave_a_three_way_call_and_the_others_go_on() -> None:
    made = hall()
    ask(made, "three-way", "110")
    parted(made, caller="room")
    answers(made)
    assert made.tell(LegGone("c", "third", THIRD)) == []
    assert stage(made) is Stage.BACK
    assert [t.outcome for t in made.call("c").transfers] == ["joined"]


def test_the_seat_may_leave_a_three_way_call_and_the_others_go_on() -> None:
    made = hall()
    ask(made, "three-way", "110")
    parted(made, caller="room")
    answers(made)
    assert made.tell(AgentHungUp("c", "101")) == []
    assert stage(made) is Stage.HANDED_OVER
    orders = made.tell(LegGone("c", "third", THIRD))
    assert orders == [HangUp("c")]


# ── sending on ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_blind_transfer_frees_the_seat_at_once() -> None:
    made = hall()
    assert only(ask(made, "blind", "12366"), Part) == [Part("c", "held", "gone")]
    made.tell(LegAt("c", "caller", "held"), AgentHungUp("c", "101"))
    assert made.agent("101").activity is Activity.WRAP_UP
    assert answers(made) == [MoveLeg("c", "caller", "room")]


def test_a_blind_transfer_that_nobody_takes_brings_the_caller_to_the_head_of_the_queue() -> None:
    made = hall()
    ask(made, "blind", "110")
    made.tell(LegAt("c", "caller", "held"), AgentHungUp("c", "101"))
    made.tell(AgentRangOut("x", "102"))
    orders = made.tell(LegGone("c", "third", THIRD, "noanswer"))
    assert only(orders, HoldMusic) == [HoldMusic("c", "12345")]
    assert [ring.agent for ring in rings(orders)] == ["102"]


def test_a_caller_who_comes_back_stands_before_everybody_who_came_later() -> None:
    made = Hall("101@8001")
    made.talking("c", "101")
    made.queued("later")
    ask(made, "blind", "110")
    made.tell(LegAt("c", "caller", "held"), AgentHungUp("c", "101"))
    made.tell(LegGone("c", "third", THIRD, "busy"))
    assert [ring.call for ring in rings(made.sign_on("102@8002"))] == ["c"]


def test_sent_on_to_a_line_of_the_citys_own_the_caller_waits_for_its_seats() -> None:
    made = hall()
    made.sign_on("105@8003")
    ask(made, "blind", "12315")
    orders = made.tell(LegAt("c", "caller", "held"))
    assert [ring.agent for ring in rings(orders)] == ["105"]
    assert made.call("c").waits is not None
    assert [t.outcome for t in made.call("c").transfers] == ["queued"]


# ── another seat as the third party ──────────────────────────────────────────────────────────────────────────


def test_a_seat_that_is_asked_is_rung_and_offered_nothing_else() -> None:
    made = hall()
    (third,) = only(ask(made, "consult", "8002"), CallThird)
    assert isinstance(third, CallThird)
    assert (third.seat, third.trunk) == ("8002", None)
    assert made.agent("102").activity is Activity.RINGING
    assert rings(made.queued("d")) == []
    parted(made)
    answers(made)
    assert made.agent("102").activity is Activity.TALKING


def test_the_seat_that_takes_over_has_all_of_a_seats_means() -> None:
    made = consulting("8002")
    made.tell(AgentHungUp("c", "101"))
    made.tell(LegAt("c", "caller", "room"))
    call = made.call("c")
    assert (call.agent, call.seat, stage(made)) == ("102", "8002", Stage.BACK)
    orders = made.tell(TransferAsked("c", "consult", "110", by="102", desk="keys"))
    (third,) = only(orders, CallThird)
    assert isinstance(third, CallThird)
    assert third.channel == "c-2"
    made.tell(LegAt("c", "caller", "held"))
    answers(made, "c-2")
    assert made.tell(LegGone("c", "third", THIRD)) == [MoveLeg("c", "caller", "room")]  # 102's own channel
    assert made.agent("102").activity is Activity.WRAP_UP


def test_a_seat_that_only_advised_wraps_up_and_the_record_stays_the_first_ones() -> None:
    made = consulting("8002")
    made.tell(LegGone("c", "third", THIRD))
    assert made.agent("102").activity is Activity.WRAP_UP
    made.tell(LegAt("c", "caller", "room"))
    made.tell(WrapUpEndAsked("8002"))
    orders = made.tell(AgentHungUp("c", "101"), CallerHungUp("c", 16), WrapUpEndAsked("8001"))
    (record,) = records(orders)
    assert (record.agent, [t.agent for t in record.transfers]) == ("101", ["102"])


def test_a_skill_is_asked_for_whoever_is_best_and_free_now() -> None:
    made = hall()
    made.sign_on("105@8003")
    (third,) = only(ask(made, "consult", "skill:12315"), CallThird)
    assert isinstance(third, CallThird)
    assert third.seat == "8003"


# ── what can't be ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("to", "words"),
    [
        ("8003", "transfer-unreachable"),
        ("8001", "transfer-busy"),
        ("103", "transfer-unreachable"),
        ("skill:cooking", "transfer-unknown"),
        ("queue:none", "transfer-unknown"),
        ("skill:12348", "transfer-no-seat"),
        ("twelve", "transfer-unknown"),
        ("", "transfer-unknown"),
    ],
)
def test_what_cannot_be_is_said_in_words_and_changes_nothing(to: str, words: str) -> None:
    made = hall()
    orders = ask(made, "consult", to)
    assert said(orders) == [words]
    assert len(orders) == 1
    assert made.call("c").state is CallState.TALKING


def test_a_wish_that_makes_no_sense_now_is_refused_in_words() -> None:
    made = hall()
    assert said(wish(made, "toggle")) == ["transfer-none"]
    ask(made, "consult", "110")
    assert said(wish(made, "toggle")) == ["transfer-not-now"]
    assert said(ask(made, "consult", "12366")) == ["transfer-not-now"]


def test_only_the_seat_that_has_the_call_may_transfer_it() -> None:
    made = hall()
    assert said(made.tell(TransferAsked("c", "blind", "110", by="102", desk="keys"))) == ["transfer-not-now"]


def test_a_number_to_which_no_trunk_has_a_channel_left_is_refused_before_anybody_is_set_aside() -> None:
    made = hall()
    taken = replace(made.engine.state.setup.trunks["telecom"], channels=0)
    trunks = {**made.engine.state.setup.trunks, "telecom": taken}
    made.engine.reconfigure(replace(made.engine.state.setup, trunks=trunks), made.engine.state.now)
    made.tell(CallOffered("e", "unicom", "12366", "13900000000"))  # holds the tax office's only channel
    orders = ask(made, "consult", "12366")
    assert said(orders) == ["transfer-unreachable"]
    assert len(orders) == 1
    assert made.call("c").state is CallState.TALKING


@pytest.mark.parametrize("to", ["110", "119"])
def test_what_we_count_of_a_trunk_never_holds_an_emergency_back(to: str) -> None:
    made = hall()
    for number in range(8):
        made.tell(CallOffered(f"e{number}", "unicom", "110", "13900000000"))
    made.engine.state.load["unicom"] += 100
    made.engine.state.load["telecom"] += 100
    assert len(only(ask(made, "three-way", to), CallThird)) == 1


def test_an_emergency_number_that_is_no_line_of_the_city_is_an_emergency_all_the_same() -> None:
    made = hall()
    ask(made, "three-way", "119")
    parted(made, caller="room")
    assert made.tell(CallerHungUp("c", 16)) == []
    assert stage(made) is Stage.ALERTING


def test_the_class_of_service_of_the_seat_holds_where_the_agent_has_none() -> None:
    setup = town()
    seats = {**setup.seats, "8001": replace(setup.seats["8001"], service_class="chief")}
    assert target.aim(setup, "01062345678", START, agent="101", seat="8001").refusal == "transfer-forbidden"
    assert (
        target.aim(replace(setup, seats=seats), "01062345678", START, agent="101", seat="8001").refusal
        is None
    )


# ── time and gaps ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_third_party_of_whom_nothing_is_heard_is_given_up() -> None:
    made = hall()
    ask(made, "consult", "110")
    parted(made)
    orders = made.wait(60_000)
    assert DropLeg("c", "third", THIRD) in orders
    assert stage(made) is Stage.TELLING or made.call("c").state is not CallState.IN_TRANSFER


def test_a_move_that_is_not_confirmed_hangs_up_rather_than_leaving_silence() -> None:
    made = consulting("12366")
    wish(made, "toggle")
    orders = made.wait(6_000)
    assert HangUp("c") in orders
    assert DropLeg("c", "third", THIRD) in orders


def test_after_a_gap_the_legs_are_taken_from_where_they_are() -> None:
    made = consulting("12366")
    wish(made, "toggle")
    orders = made.tell(
        SwitchSurveyed(
            (ChannelSeen("c", "room"),),
            ("8001", "8002"),
            legs=(LegSeen("c", "seat", "room"), LegSeen("c", "third", "room", THIRD)),
        )
    )
    assert orders == [MoveLeg("c", "third", "held", THIRD)]


def test_a_gap_in_which_the_third_party_left_gives_the_caller_back() -> None:
    made = consulting("12366")
    seen = SwitchSurveyed((ChannelSeen("c", "held"),), ("8001",), legs=(LegSeen("c", "seat", "room"),))
    assert made.tell(seen) == [MoveLeg("c", "caller", "room")]
    assert made.engine.state.load["tax"] == 0


def test_a_caller_who_was_held_and_ended_in_the_fallback_leaves_no_third_party_behind() -> None:
    made = consulting("12366")
    orders = made.tell(CallSurvived("c", "unicom", "12345", "13800000001", START, ended=START + 50))
    assert DropLeg("c", "third", THIRD) in orders
    assert made.engine.state.load["tax"] == 0
    (record,) = records(orders + made.tell(WrapUpEndAsked("8001")))
    assert [done.outcome for done in record.transfers] == ["consulted"]


@pytest.mark.parametrize("how", ["blind", "consult", "three-way"])
def test_a_restart_at_every_step_changes_nothing(how: str) -> None:
    def story(restarts: bool) -> list[Command]:
        made = hall()
        orders: list[Command] = []
        for fact in (
            TransferAsked("c", how, "12366", desk="keys"),
            LegAt("c", "caller", "room" if how == "three-way" else "held"),
            AgentHungUp("c", "101") if how == "blind" else LegAt("c", "seat", "room"),
            LegGone("c", "third", THIRD, "busy"),
            LegAt("c", "third", "room", "c-2"),
            LegAt("c", "caller", "room"),
            TransferSteered("c", "complete", desk="keys"),
            AgentHungUp("c", "101"),
            LegGone("c", "third", "c-2"),
            CallerHungUp("c", 16),
            WrapUpEndAsked("8001"),
        ):
            orders += made.tell(fact)
            if restarts:
                made.restart()
        return orders

    assert story(True) == story(False)
    assert len(records(story(False))) == 1


def test_a_ring_that_is_not_the_transfers_is_no_third_party() -> None:
    made = hall()
    orders = made.queued("d")
    assert [ring.agent for ring in rings(orders)] == ["102"]
    assert said(ask(made, "consult", "8002")) == ["transfer-busy"]
    assert not [order for order in ask(made, "consult", "8002") if isinstance(order, RingAgent)]


# ── hold ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_seat_that_holds_in_a_room_gives_its_caller_music_until_it_resumes() -> None:
    made = consulting()
    wish(made, "give back")
    made.tell(LegAt("c", "caller", "room"))
    assert made.tell(LegHolds("c", "seat", on=True)) == [MoveLeg("c", "caller", "held")]
    made.tell(LegAt("c", "caller", "held"))
    assert made.tell(LegHolds("c", "seat", on=False)) == [MoveLeg("c", "caller", "room")]


def test_a_third_party_that_holds_after_the_seat_left_gives_the_caller_music_too() -> None:
    made = consulting()
    made.tell(AgentHungUp("c", "101"), LegAt("c", "caller", "room"))
    assert made.tell(LegHolds("c", "third", on=True, channel=THIRD)) == [MoveLeg("c", "caller", "held")]
    handed_over = made.call("c").transfer.handed_over  # type: ignore[union-attr]
    made.tell(LegAt("c", "caller", "held"))
    orders = made.tell(LegHolds("c", "third", on=False, channel=THIRD), at=50_000)
    assert orders == [MoveLeg("c", "caller", "room")]
    assert made.call("c").transfer.handed_over == handed_over  # type: ignore[union-attr]


def test_a_hold_in_a_plain_call_is_the_switchs_own_business() -> None:
    assert hall().tell(LegHolds("c", "seat", on=True)) == []


# ── nothing stands before an emergency ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("answered", [False, True])
def test_an_emergency_lets_go_whoever_was_brought_in_before(answered: bool) -> None:
    made = hall()
    ask(made, "consult", "12366")
    parted(made)
    if answered:
        answers(made)
    orders = ask(made, "three-way", "110")
    assert only(orders, DropLeg) == [DropLeg("c", "third", THIRD)]
    (third,) = only(orders, CallThird)
    assert isinstance(third, CallThird)
    assert (third.channel, third.number) == ("c-2", "110")
    assert only(orders, MoveLeg) == [MoveLeg("c", "caller", "room")]
    assert said(orders) == []
    assert [t.outcome for t in made.call("c").transfers] == ["consulted" if answered else "given back"]


def test_an_ordinary_transfer_waits_until_the_one_that_is_on_is_over() -> None:
    made = consulting("12366")
    assert said(ask(made, "three-way", "12301")) == ["transfer-not-now"]
    assert stage(made) is Stage.CONSULTING


def test_a_caller_whom_the_fallback_gave_to_a_seat_comes_back_to_the_citys_queue() -> None:
    made = Hall("101@8001")
    made.tell(CallOffered("c", "unicom", "12345", "13800000001"), SwitchLost())
    made.tell(SwitchSurveyed((ChannelSeen("c", "talking", "8001"),), ("8001",)))
    assert made.agent("101").activity is Activity.TALKING
    ask(made, "blind", "12366")
    made.tell(LegAt("c", "caller", "held"), AgentHungUp("c", "101"))
    made.tell(LegGone("c", "third", THIRD, "busy"))
    orders = made.tell(LegGone("c", "third", "c-2", "busy"))
    assert only(orders, HoldMusic) == [HoldMusic("c", "12345")]
