"""Calls that a seat placed (its own, and call-backs): third parties and supervisors, as in a call that came in."""

from __future__ import annotations

from dataclasses import replace

import pytest

from acd.agents import Activity
from acd.backs import back_id
from acd.calls import CallState
from acd.messages import (
    AgentAnswered,
    AgentHungUp,
    CallerHungUp,
    CallOffered,
    CallRecord,
    CallReturned,
    CallThird,
    ChannelSeen,
    Command,
    DropLeg,
    EndSupervision,
    HangUp,
    HoldMusic,
    LeadIn,
    LegAt,
    LegGone,
    LegHeard,
    LegHolds,
    LegSeen,
    MoveLeg,
    Part,
    PassAnswered,
    PromptFinished,
    RingAgent,
    RingForCallBack,
    SeatDialled,
    Spy,
    StartRecording,
    StopRecording,
    SuperviseAsked,
    SupervisionBegan,
    SwitchLost,
    SwitchSurveyed,
    TransferAsked,
    TransferSteered,
)
from acd.parties import Place, Stage
from acd.setup import Setup
from tests.acd.town import Hall, calling_back, recorded, records, rings, said, town

MOBILE = "13800138000"
FAR = "far-1"
MISSED = "13800000001"
BACK = back_id("m")


def own_call(setup: Setup | None = None) -> Hall:
    """101 at 8001 has dialled a mobile phone, call ``o``, and the two talk; 102 at 8002 is free."""
    hall = Hall("101@8001", setup=setup)
    hall.tell(SeatDialled("o", "8001", MOBILE), PassAnswered("o"))
    hall.sign_on("102@8002")
    return hall


def called_back(setup: Setup | None = None) -> Hall:
    """101 at 8001 talks to a caller who was missed; 102 at 8002 is free."""
    hall = Hall(setup=calling_back(setup or town()))
    hall.tell(CallOffered("m", "unicom", "12345", MISSED), PromptFinished("m"), CallerHungUp("m"))
    orders = hall.sign_on("101@8001") + hall.wait(1_000)
    assert [order.call for order in orders if isinstance(order, RingForCallBack)] == [BACK]
    hall.tell(AgentAnswered(BACK, "101"), PassAnswered(BACK))
    hall.sign_on("102@8002")
    assert hall.call(BACK).state is CallState.TALKING
    return hall


PLACED = [
    pytest.param(own_call, "o", MOBILE, id="own call"),
    pytest.param(called_back, BACK, MISSED, id="call-back"),
]


def only(orders: list[Command], kind: type) -> list[Command]:
    return [order for order in orders if isinstance(order, kind)]


def stage(hall: Hall, call: str) -> Stage:
    transfer = hall.call(call).transfer
    assert transfer is not None
    return transfer.stage


def ask(hall: Hall, call: str, how: str, to: str) -> list[Command]:
    orders = hall.tell(TransferAsked(call, how, to, by="101", desk="keys"))
    assert said(orders) == []
    return orders


def consulting(made: object, call: str, to: str = "110") -> Hall:
    hall: Hall = made()  # type: ignore[operator]
    ask(hall, call, "consult", to)
    hall.tell(LegAt(call, "seat", "room"), LegAt(call, "caller", "held"))
    hall.tell(LegAt(call, "third", "room", f"{call}-1"))
    assert stage(hall, call) is Stage.CONSULTING
    return hall


def the_record(hall: Hall, call: str) -> CallRecord:
    """The call's record, once everybody has hung up and written."""
    orders = hall.wait(120_000)
    found = {record.call: record for record in records(orders)} | {
        record.call: record for record in hall.engine.state.unstored.values()
    }
    assert call in found
    return found[call]


@pytest.mark.parametrize(("made", "call", "number"), PLACED)
def test_the_switch_is_told_whose_the_calls_own_channel_is(made: object, call: str, number: str) -> None:
    hall: Hall = made()  # type: ignore[operator]
    orders = ask(hall, call, "consult", "110")
    assert only(orders, Part) == [Part(call, "held", "room", "101", number)]
    (third,) = only(orders, CallThird)
    assert isinstance(third, CallThird)
    assert (third.channel, third.caller) == (f"{call}-1", number)


@pytest.mark.parametrize(("made", "call", "number"), PLACED)
def test_whoever_was_called_stays_with_the_third_party_when_the_seat_leaves(
    made: object, call: str, number: str
) -> None:
    hall = consulting(made, call)
    orders = hall.tell(AgentHungUp(call, "101"))
    assert MoveLeg(call, "caller", "room") in orders
    assert stage(hall, call) is Stage.HANDED_OVER
    assert hall.agent("101").activity is Activity.WRAP_UP
    hall.tell(LegAt(call, "caller", "room"), CallerHungUp(call, 16, FAR), LegGone(call, "third", f"{call}-1"))
    told = the_record(hall, call)
    assert [(t.how, t.to, t.outcome) for t in told.transfers] == [("consult", "110", "handed over")]
    assert not hall.engine.state.calls
    assert not +hall.engine.state.load


@pytest.mark.parametrize(("made", "call", "number"), PLACED)
def test_the_seats_own_channel_that_ends_before_the_switch_has_turned_the_call_is_the_seats_end(
    made: object, call: str, number: str
) -> None:
    hall: Hall = made()  # type: ignore[operator]
    ask(hall, call, "consult", "110")
    hall.tell(CallerHungUp(call, 16))
    assert stage(hall, call) is Stage.SENDING
    assert hall.agent("101").activity is Activity.WRAP_UP


@pytest.mark.parametrize(("made", "call", "number"), PLACED)
def test_an_end_that_is_on_the_way_begins_no_transfer(made: object, call: str, number: str) -> None:
    hall: Hall = made()  # type: ignore[operator]
    assert hall.tell(CallerHungUp(call, 16, FAR)) == []  # the far end; the seat's own channel follows
    assert said(hall.tell(TransferAsked(call, "blind", "102", desk="keys"))) == ["transfer-not-now"]
    ended = hall.call(call).ended
    hall.tell(CallerHungUp(call, 16), at=5)
    assert the_record(hall, call).ended == ended


@pytest.mark.parametrize(("made", "call", "number"), PLACED)
def test_sent_on_blind_whoever_was_called_waits_as_a_caller_for_the_next_seat(
    made: object, call: str, number: str
) -> None:
    hall: Hall = made()  # type: ignore[operator]
    orders = ask(hall, call, "blind", "queue:12345")
    assert only(orders, Part) == [Part(call, "held", "gone", "101", number)]
    hall.tell(AgentHungUp(call, "101"))
    orders = hall.tell(LegAt(call, "caller", "held"))
    assert only(orders, HoldMusic) == [HoldMusic(call, "12345")]
    assert [(ring.call, ring.agent) for ring in rings(orders)] == [(call, "102")]
    assert not only(orders, RingForCallBack)
    hall.tell(AgentAnswered(call, "102"))
    assert hall.call(call).state is CallState.TALKING
    assert hall.agent("102").activity is Activity.TALKING
    hall.tell(CallerHungUp(call, 16, FAR))
    assert hall.agent("102").activity is Activity.WRAP_UP
    told = the_record(hall, call)
    assert (told.agent, told.disposition, [t.outcome for t in told.transfers]) == (
        "102",
        "answered",
        ["queued"],
    )


@pytest.mark.parametrize(("made", "call", "number"), PLACED)
def test_a_third_party_that_does_not_come_leaves_the_two_as_they_were(
    made: object, call: str, number: str
) -> None:
    hall: Hall = made()  # type: ignore[operator]
    ask(hall, call, "three-way", "102")
    hall.tell(LegAt(call, "caller", "room"), LegAt(call, "seat", "room"))
    hall.tell(LegGone(call, "third", f"{call}-1", "busy"))
    assert stage(hall, call) is Stage.TELLING
    hall.restart()
    hall.tell(LegAt(call, "caller", "held"), LegAt(call, "seat", "held"), LegHeard(call, "seat"))
    assert stage(hall, call) is Stage.BACK
    hall.tell(LegAt(call, "caller", "room"), LegAt(call, "seat", "room"), CallerHungUp(call, 16, FAR))
    assert [t.outcome for t in the_record(hall, call).transfers] == ["busy"]


@pytest.mark.parametrize(("made", "call", "number"), PLACED)
def test_after_a_gap_the_switch_may_not_have_turned_the_call_yet(
    made: object, call: str, number: str
) -> None:
    hall: Hall = made()  # type: ignore[operator]
    ask(hall, call, "consult", "110")
    third = LegSeen(call, "third", "called", f"{call}-1")
    orders = hall.tell(
        SwitchLost(), SwitchSurveyed((ChannelSeen(call, "talking", "8001"),), ("8001", "8002"), legs=(third,))
    )
    assert only(orders, Part) == [Part(call, "held", "room", "101", number)]


@pytest.mark.parametrize(("made", "call", "number"), PLACED)
def test_whoever_was_called_and_hung_up_in_a_gap_leaves_seat_and_third_party_to_finish(
    made: object, call: str, number: str
) -> None:
    hall = consulting(made, call)
    legs = (LegSeen(call, "seat", "room"), LegSeen(call, "third", "room", f"{call}-1"))
    hall.tell(SwitchLost(), SwitchSurveyed((), ("8001", "8002"), legs=legs))
    assert stage(hall, call) is Stage.ASIDE


@pytest.mark.parametrize(("made", "call", "number"), PLACED)
def test_who_comes_back_from_the_fallback_while_a_third_party_is_on_hears_music_again(
    made: object, call: str, number: str
) -> None:
    hall = consulting(made, call)
    orders = hall.tell(CallReturned(call, "unicom", number, number))
    assert [type(order) for order in orders] == [HoldMusic]
    assert stage(hall, call) is Stage.CONSULTING


def test_two_seats_among_themselves_are_not_transferred() -> None:
    hall = Hall("101@8001", "102@8002")
    hall.tell(SeatDialled("o", "8001", "8002"), PassAnswered("o"))
    assert said(hall.tell(TransferAsked("o", "consult", "110", desk="keys"))) == ["transfer-not-now"]


def test_a_call_back_that_was_handed_on_is_not_made_again() -> None:
    hall = consulting(called_back, BACK, "12366")
    hall.tell(AgentHungUp(BACK, "101"), LegAt(BACK, "caller", "room"))
    hall.tell(LegGone(BACK, "third", f"{BACK}-1", "cancel"), CallerHungUp(BACK, 16, FAR))
    hall.wait(3_600_000)
    assert not hall.engine.state.backs
    assert not hall.engine.state.calls


def test_the_recording_goes_on_where_whoever_was_called_goes() -> None:
    hall = own_call(replace(recorded(town())))
    orders = ask(hall, "o", "consult", "110")
    kinds = [type(order) for order in orders if isinstance(order, StopRecording | Part | StartRecording)]
    assert kinds == [StopRecording, Part, StartRecording]
    assert len(hall.call("o").recordings) == 2


def test_what_an_emergency_centre_is_told_names_the_person_and_not_the_seat() -> None:
    hall = own_call()
    orders = ask(hall, "o", "three-way", "110")
    (third,) = only(orders, CallThird)
    assert isinstance(third, CallThird)
    assert third.handover is not None
    assert (third.caller, third.handover.line) == (MOBILE, "12345")


# ── hold ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_third_party_that_is_put_on_hold_while_it_is_asked_hears_music() -> None:
    hall = consulting(own_call, "o")
    assert hall.tell(LegHolds("o", "seat", on=True)) == [MoveLeg("o", "third", "held", "o-1")]
    hall.tell(LegAt("o", "third", "held", "o-1"))
    assert hall.tell(LegHolds("o", "seat", on=False)) == [MoveLeg("o", "third", "room", "o-1")]


def test_a_hold_is_remembered_when_the_third_party_goes_and_the_caller_never_hears_silence() -> None:
    hall = consulting(own_call, "o")
    hall.tell(TransferSteered("o", "together"), LegAt("o", "caller", "room"))
    assert hall.tell(LegHolds("o", "seat", on=True)) == []  # caller and third party hear each other
    orders = hall.tell(LegGone("o", "third", "o-1", "cancel"))
    assert stage(hall, "o") is Stage.BACK
    assert MoveLeg("o", "caller", "held") in orders
    hall.tell(LegAt("o", "caller", "held"))
    assert hall.tell(LegHolds("o", "seat", on=False)) == [MoveLeg("o", "caller", "room")]


def test_a_seat_that_holds_already_when_it_asks_for_somebody_leaves_nobody_with_silence() -> None:
    hall = own_call()
    assert hall.tell(LegHolds("o", "seat", on=True)) == []
    ask(hall, "o", "consult", "110")
    hall.tell(LegAt("o", "seat", "room"), LegAt("o", "caller", "held"))
    assert hall.tell(LegAt("o", "third", "room", "o-1")) == [MoveLeg("o", "third", "held", "o-1")]


# ── supervision ──────────────────────────────────────────────────────────────────────────────────────────────


def watched(made: object, how: str) -> tuple[Hall, list[Command]]:
    """The supervisor 104 at 8004 uses a right on the call of 101."""
    hall: Hall = made()  # type: ignore[operator]
    hall.sign_on("104@8004")
    orders = hall.tell(SuperviseAsked(how, "8001", phone="8004", desk="boss"))
    return hall, orders


def supervised(setup: Setup) -> Setup:
    agents = {**setup.agents, "104": replace(setup.agents["104"], role="supervisor")}
    return replace(setup, agents=agents)


@pytest.mark.parametrize(("made", "call", "number"), PLACED)
@pytest.mark.parametrize("how", ["listen", "whisper", "barge"])
def test_a_call_that_a_seat_placed_is_heard_on_its_own_channel(
    made: object, call: str, number: str, how: str
) -> None:
    _, orders = watched(lambda: made(supervised(town())), how)  # type: ignore[operator]
    assert only(orders, Spy) == [Spy(call, "boss", "8004", how, call, True)]


@pytest.mark.parametrize(("made", "call", "number"), PLACED)
def test_a_supervisor_takes_a_call_over_that_a_seat_placed(made: object, call: str, number: str) -> None:
    hall, orders = watched(lambda: made(supervised(town())), "take over")  # type: ignore[operator]
    assert only(orders, LeadIn) == [LeadIn(call, "boss", "8004", True)]
    orders = hall.tell(SupervisionBegan("boss"))
    assert only(orders, Part) == [Part(call, "room", "gone", "104", number)]
    assert (hall.call(call).agent, hall.agent("104").activity) == ("104", Activity.TALKING)
    assert hall.agent("101").activity is Activity.WRAP_UP
    hall.tell(LegAt(call, "caller", "room"), CallerHungUp(call, 16, FAR))
    told = the_record(hall, call)
    assert (told.agent, [t.how for t in told.transfers]) == ("104", ["take over"])


def test_a_supervisor_joins_a_call_with_a_third_party_in_its_room() -> None:
    hall = consulting(lambda: own_call(supervised(town())), "o")
    hall.sign_on("104@8004")
    orders = hall.tell(SuperviseAsked("barge", "8001", phone="8004", desk="boss"))
    assert only(orders, LeadIn) == [LeadIn("o", "boss", "8004", True)]
    assert not only(orders, Spy)
    hall.tell(SupervisionBegan("boss"))
    assert EndSupervision("boss") in hall.tell(AgentHungUp("o", "101"))  # with the seat the supervisor goes


def test_a_supervisor_who_has_barged_in_comes_along_when_a_third_party_is_brought_in() -> None:
    hall, _ = watched(lambda: own_call(supervised(town())), "barge")
    hall.tell(SupervisionBegan("boss"))
    assert not only(ask(hall, "o", "three-way", "110"), LeadIn)  # the seat is not in the room yet
    orders = hall.tell(LegAt("o", "seat", "room"))
    assert only(orders, LeadIn) == [LeadIn("o", "boss", "8004", True)]
    assert not only(hall.tell(LegAt("o", "caller", "room")), LeadIn)


@pytest.mark.parametrize("wish", ["complete", "give back", "toggle", "together"])
def test_a_supervisor_takes_the_seats_place_beside_a_third_party_and_has_a_seats_means(wish: str) -> None:
    hall = consulting(lambda: own_call(supervised(town())), "o")
    hall.sign_on("104@8004")
    hall.tell(SuperviseAsked("take over", "8001", phone="8004", desk="boss"))
    orders = hall.tell(SupervisionBegan("boss"))
    assert DropLeg("o", "seat", None) in orders
    assert not only(orders, HangUp)
    assert (stage(hall, "o"), hall.call("o").agent) == (Stage.CONSULTING, "104")
    assert hall.agent("101").activity is Activity.WRAP_UP
    hall.tell(AgentHungUp("o", "101"))  # the word of the old seat's end
    transfer = hall.call("o").transfer
    assert transfer is not None
    assert transfer.seat.place is Place.ROOM
    assert said(hall.tell(TransferSteered("o", wish, by="104", desk="keys"))) == []
    assert stage(hall, "o") is not Stage.CONSULTING
    hall.tell(LegGone("o", "seat", "boss"), LegGone("o", "third", "boss"), LegGone("o", "third", "o-1"))
    hall.tell(CallerHungUp("o", 16, FAR))
    assert [t.how for t in the_record(hall, "o").transfers] == ["take over", "consult"]


def test_while_the_seat_is_being_told_nobody_joins() -> None:
    hall = consulting(lambda: own_call(supervised(town())), "o")
    hall.sign_on("104@8004")
    hall.tell(TransferSteered("o", "give back"), LegAt("o", "caller", "room"))
    ask(hall, "o", "consult", "102")
    hall.tell(LegAt("o", "caller", "held"), LegGone("o", "third", "o-2", "busy"))
    assert stage(hall, "o") is Stage.TELLING
    assert said(hall.tell(SuperviseAsked("barge", "8001", phone="8004", desk="boss"))) == ["transfer-not-now"]


def test_seats_that_are_rung_for_whom_another_seat_called_show_that_number() -> None:
    hall = own_call()
    orders = ask(hall, "o", "blind", "8002")
    (third,) = only(orders, CallThird)
    assert isinstance(third, CallThird)
    assert (third.seat, third.caller) == ("8002", MOBILE)
    assert not only(orders, RingAgent)
