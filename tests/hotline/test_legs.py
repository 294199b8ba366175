"""Who takes part in which call beside its caller: asked at every hang-up, so it is looked up and not searched for."""

from __future__ import annotations

from acd.messages import Event, LegGone, LegSeen
from hotline.legs import Legs, Party


def legs(posted: list[Event]) -> Legs:
    return Legs(posted.append, lambda _call: None, lambda: None, lambda _work: None)


def test_a_call_has_a_third_party_until_the_last_of_them_is_gone() -> None:
    posted: list[Event] = []
    rooms = legs(posted)
    rooms.seat_answered("a", "seat-a")
    assert not rooms.third_of("a")
    rooms.enter(Party("a", "third", "a-1"))
    rooms.enter(Party("a", "third", "a-2"))
    assert rooms.third_of("a")
    assert not rooms.third_of("b")
    assert rooms.hung_up("a-1", 17)
    assert rooms.third_of("a")
    assert rooms.hung_up("a-2", 16)
    assert not rooms.third_of("a")
    assert posted == [LegGone("a", "third", "a-1", "busy"), LegGone("a", "third", "a-2", "noanswer")]


def test_a_hang_up_of_a_seat_or_of_a_stranger_is_no_third_partys() -> None:
    rooms = legs([])
    rooms.seat_answered("a", "seat-a")
    rooms.enter(Party("a", "third", "a-1"))
    assert not rooms.hung_up("seat-a", 16)
    assert not rooms.hung_up("nobody", 16)
    assert rooms.third_of("a")


def test_a_channel_that_is_entered_anew_belongs_to_its_new_call_alone() -> None:
    rooms = legs([])
    rooms.enter(Party("a", "third", "x"))
    rooms.enter(Party("b", "third", "x"))
    assert not rooms.third_of("a")
    assert rooms.hung_up("x", 16)
    assert not rooms.third_of("b")


def test_after_a_gap_the_third_parties_are_those_that_the_switch_has() -> None:
    rooms = legs([])
    rooms.enter(Party("a", "third", "a-1"))
    rooms.enter(Party("b", "third", "b-1"))
    rooms.take_over((LegSeen("b", "third", "room", "b-1"), LegSeen("c", "third", "called", "c-1")), {})
    assert [rooms.third_of(call) for call in "abc"] == [False, True, True]
    assert rooms.parties["b-1"].answered
    assert not rooms.parties["c-1"].answered
