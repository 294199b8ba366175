"""What seat and third party say without the caller is recorded on the seat's channel, and nothing is recorded twice at once."""

from __future__ import annotations

from acd.messages import (
    AgentHungUp,
    CallerHungUp,
    Command,
    LegAt,
    LegGone,
    PauseRecording,
    RecordingHalted,
    RecordingPauseAsked,
    RecordingPossible,
    RecordingResumeAsked,
    ResumeRecording,
    StartRecording,
    StopRecording,
    SuperviseAsked,
    SupervisionBegan,
    TransferAsked,
    TransferSteered,
)
from acd.recording import Mode
from tests.acd.test_taping import tapes
from tests.acd.town import Hall, recorded, town

DAY = "2026/01/05"


def consulting(called: str = "12345") -> tuple[Hall, list[Command]]:
    """101 asks the tax office; the orders of the moment in which that answers."""
    hall = Hall("101@8001", "103@8003", setup=recorded(town()))
    hall.talking("c", "103" if called == "12315" else "101", called)
    hall.tell(TransferAsked("c", "consult", "12366"))
    hall.tell(LegAt("c", "seat", "room"), LegAt("c", "caller", "held"))
    return hall, tapes(hall.tell(LegAt("c", "third", "room", "c-1")))


def test_a_talk_aside_is_a_part_of_its_own_and_mixed_where_the_sides_are_kept_apart() -> None:
    hall, orders = consulting("12315")
    assert orders == [StopRecording("c"), StartRecording("c", (f"{DAY}/c-p2.wav",), aside=True)]
    recording = hall.call("c").recording
    assert recording is not None
    assert recording.mode is Mode.APART
    orders = tapes(hall.tell(TransferSteered("c", "toggle")))
    files = (f"{DAY}/c-p3-caller.wav", f"{DAY}/c-p3-other.wav")
    assert orders == [StopRecording("c", aside=True), StartRecording("c", files)]


def test_while_somebody_is_rung_nothing_aside_is_recorded() -> None:
    hall = Hall("101@8001", setup=recorded(town()))
    hall.talking("c", "101")
    orders = hall.tell(TransferAsked("c", "consult", "12366"))
    orders += hall.tell(LegAt("c", "seat", "room"), LegAt("c", "caller", "held"))
    assert tapes(orders) == []


def test_a_pause_holds_for_what_is_said_aside_too() -> None:
    hall, _ = consulting()
    assert tapes(hall.tell(RecordingPauseAsked("c", "101"))) == [PauseRecording("c", aside=True)]
    orders = tapes(hall.tell(TransferSteered("c", "together")))
    assert orders == [
        StopRecording("c", aside=True),
        StartRecording("c", (f"{DAY}/c-p3.wav",)),
        PauseRecording("c"),
    ]
    assert tapes(hall.tell(RecordingResumeAsked("c", "101"))) == [ResumeRecording("c")]


def test_a_disk_that_is_well_again_records_what_is_said_aside_after_the_callers_end() -> None:
    hall, _ = consulting()
    hall.tell(CallerHungUp("c", 16))
    assert tapes(hall.tell(RecordingHalted("full"))) == [StopRecording("c", aside=True)]
    assert tapes(hall.tell(RecordingPossible())) == [StartRecording("c", (f"{DAY}/c-p3.wav",), aside=True)]
    assert tapes(hall.tell(AgentHungUp("c", "101"))) == [StopRecording("c", aside=True)]


def test_a_third_party_that_leaves_brings_the_recording_back_to_the_caller() -> None:
    hall, _ = consulting()
    orders = tapes(hall.tell(LegGone("c", "third", "c-1", "cancel")))
    assert orders == [StopRecording("c", aside=True), StartRecording("c", (f"{DAY}/c-p3.wav",))]


def test_a_supervisor_who_takes_the_seats_place_aside_is_recorded_there() -> None:
    hall, _ = consulting()
    hall.sign_on("106@8004")
    hall.tell(SuperviseAsked("take over", "8001", phone="8004", desk="boss"))
    orders = tapes(hall.tell(SupervisionBegan("boss")))
    start = StartRecording("c", (f"{DAY}/c-p3.wav",), aside=True, channel="boss")
    assert orders == [StopRecording("c", aside=True), start]
