"""Recordings in the engine: when one begins and ends, pauses, full disks, switches that do not write."""

from __future__ import annotations

from dataclasses import replace

from acd.floor_view import floor_view
from acd.messages import (
    AgentAnswered,
    AgentRangOut,
    CallerHungUp,
    CallOffered,
    ChannelSeen,
    Command,
    LegAt,
    PassAnswered,
    PauseRecording,
    Play,
    PromptFinished,
    RecordingFailed,
    RecordingHalted,
    RecordingPauseAsked,
    RecordingPossible,
    RecordingResumeAsked,
    ResumeRecording,
    StartRecording,
    StopRecording,
    SwitchSurveyed,
    TransferAsked,
    WrapUpEndAsked,
)
from acd.recording import LOSSES, Mode, Tape
from tests.acd.town import START, Hall, recorded, records, said, town

DAY = "2026/01/05"


def tapes(orders: list[Command]) -> list[Command]:
    """The orders about recordings."""
    kinds = StartRecording | StopRecording | PauseRecording | ResumeRecording
    return [order for order in orders if isinstance(order, kinds)]


def hall(*signed_on: str) -> Hall:
    return Hall(*signed_on, setup=recorded(town()))


def talking(here: Hall, call: str = "a", called: str = "12345") -> list[Command]:
    here.queued(call, called)
    return here.tell(AgentAnswered(call, here.call(call).agent or ""))


def tape(here: Hall, call: str = "a") -> Tape | None:
    recording = here.call(call).recording
    return recording.tape if recording else None


def over(here: Hall, call: str = "a") -> tuple[str, ...]:
    """The call ends; the files that its record names."""
    orders = here.tell(CallerHungUp(call, 16)) + here.tell(WrapUpEndAsked("8001"))
    (record,) = records(orders)
    assert tapes(orders) == [], "the switch closes the file by itself"
    return record.recordings


def test_a_recording_begins_when_the_seat_answers_and_not_while_it_rings() -> None:
    here = hall("101@8001", "102@8002")
    assert tapes(here.queued("a")) == []
    first = here.call("a").agent or ""
    assert tapes(here.tell(AgentRangOut("a", first))) == []
    assert here.call("a").recordings == ()
    second = here.call("a").agent or ""
    assert tapes(here.tell(AgentAnswered("a", second))) == [StartRecording("a", (f"{DAY}/a.wav",))]


def test_the_legs_apart_are_two_files_and_the_record_names_both() -> None:
    here = hall("103@8001")
    files = (f"{DAY}/a-caller.wav", f"{DAY}/a-other.wav")
    assert tapes(talking(here, called="12315")) == [StartRecording("a", files)]
    assert over(here) == files


def test_a_town_without_rules_records_nothing_and_says_nothing_about_it() -> None:
    here = Hall("101@8001")
    assert tapes(talking(here)) == []
    assert not any("ecord" in reason for reason in here.call("a").because)
    assert over(here) == ()


def test_calls_with_others_are_recorded_by_rule() -> None:
    here = hall()
    here.tell(CallOffered("tax", "unicom", "12366", "1"))
    assert tapes(here.tell(PassAnswered("tax"))) == []
    here.tell(CallOffered("other", "unicom", "12301", "1"), PromptFinished("other"))
    assert tapes(here.tell(PassAnswered("other"))) == [StartRecording("other", (f"{DAY}/other.wav",))]


def test_an_emergency_is_recorded_where_nothing_else_is() -> None:
    setup = recorded(town())
    assert setup.recording is not None
    nothing = replace(setup.recording, default=Mode.OFF, passed=Mode.OFF, rules=())
    here = Hall("101@8001", setup=replace(setup, recording=nothing))
    here.tell(CallOffered("fire", "unicom", "110", "1"))
    assert tapes(here.tell(PassAnswered("fire"))) == [StartRecording("fire", (f"{DAY}/fire.wav",))]
    assert tapes(talking(here)) == []


def test_a_call_that_an_emergency_centre_comes_into_is_recorded_from_then_on() -> None:
    setup = recorded(town())
    assert setup.recording is not None
    nothing = replace(setup.recording, default=Mode.OFF, passed=Mode.OFF, rules=())
    here = Hall("101@8001", setup=replace(setup, recording=nothing))
    assert tapes(talking(here)) == []
    here.tell(TransferAsked("a", "three-way", "110"))
    transfer = here.call("a").transfer
    assert transfer is not None
    assert transfer.emergency
    orders = here.tell(LegAt("a", "third", "room", transfer.channel))
    assert tapes(orders) == [StartRecording("a", (f"{DAY}/a.wav",))]


def test_the_notice_is_said_before_the_greeting_of_a_call_that_will_be_recorded_only() -> None:
    assert Play("a", ("recorded", "greeting")) in hall().tell(CallOffered("a", "unicom", "12345", "1"))
    setup = recorded(town())
    assert setup.recording is not None
    off = replace(setup, recording=replace(setup.recording, default=Mode.OFF))
    assert Play("a", ("greeting",)) in Hall(setup=off).tell(CallOffered("a", "unicom", "12345", "1"))


# ── pauses ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_pause_is_answered_in_words_audited_with_its_place_and_ended_by_the_seat() -> None:
    here = hall("101@8001")
    talking(here)
    here.at += 2_500
    orders = here.tell(RecordingPauseAsked("a", "101", "desk"))
    assert tapes(orders) == [PauseRecording("a")]
    assert said(orders) == ["recording-paused"]
    here.at += 1_500
    orders = here.tell(RecordingResumeAsked("a", "101", "desk"))
    assert tapes(orders) == [ResumeRecording("a")]
    assert said(orders) == ["recording-resumed"]
    assert here.call("a").because[-2:] == (
        "Recording paused by 101 after 2.5 s of part 1.",
        "Recording resumed after 4.0 s of part 1.",
    )


def test_a_pause_asked_twice_is_one_pause_and_one_resume_ends_it() -> None:
    here = hall("101@8001")
    talking(here)
    here.tell(RecordingPauseAsked("a", "101", "desk"))
    orders = here.tell(RecordingPauseAsked("a", "101", "desk"))
    assert tapes(orders) == []
    assert said(orders) == ["recording-paused"]
    assert tapes(here.tell(RecordingResumeAsked("a"))) == [ResumeRecording("a")]
    assert tapes(here.tell(RecordingResumeAsked("a"))) == []


def test_a_pause_that_nobody_ends_is_ended_also_after_a_restart() -> None:
    here = hall("101@8001")
    talking(here)
    here.tell(RecordingPauseAsked("a", "101"))
    here.restart()
    assert tapes(here.wait(59_999)) == []
    assert tapes(here.wait(1)) == [ResumeRecording("a")]
    assert tape(here) is Tape.ON


def test_nobody_pauses_the_recording_of_another_agents_call() -> None:
    here = hall("101@8001", "102@8002")
    talking(here)
    other = "102" if here.call("a").agent == "101" else "101"
    orders = here.tell(RecordingPauseAsked("a", other, "desk"))
    assert tapes(orders) == []
    assert said(orders) == ["not-recorded"]
    for senseless in (RecordingPauseAsked("nobody", "", "desk"), RecordingResumeAsked("nobody", "", "desk")):
        assert said(here.tell(senseless)) == ["not-recorded"]


def test_a_call_that_is_not_recorded_says_so_to_whoever_pauses_it() -> None:
    here = Hall("101@8001")
    talking(here)
    assert said(here.tell(RecordingPauseAsked("a", "101", "desk"))) == ["not-recorded"]


# ── disks and switches that do not do it ─────────────────────────────────────────────────────────────────────


def test_a_full_disk_stops_the_recording_and_not_the_call_and_what_follows_is_a_second_part() -> None:
    here = hall("101@8001")
    talking(here)
    assert here.tell(RecordingHalted("full")) == [StopRecording("a")]
    assert here.engine.state.recording_halted == "full"
    assert here.tell(RecordingHalted("full")) == []
    here.restart()
    assert here.engine.state.recording_halted == "full"
    assert here.tell(RecordingPossible()) == [StartRecording("a", (f"{DAY}/a-p2.wav",))]
    assert here.engine.state.recording_halted is None
    assert over(here) == (f"{DAY}/a.wav", f"{DAY}/a-p2.wav")


def test_what_was_paused_when_the_disk_filled_up_is_still_paused_when_there_is_room_again() -> None:
    here = hall("101@8001")
    talking(here)
    here.tell(RecordingPauseAsked("a", "101"), RecordingHalted("full"))
    assert here.tell(RecordingPossible()) == [StartRecording("a", (f"{DAY}/a-p2.wav",)), PauseRecording("a")]
    assert tapes(here.wait(60_000)) == [ResumeRecording("a")]


def test_a_call_that_is_answered_while_the_disk_is_full_is_recorded_from_when_it_is_not() -> None:
    here = hall("101@8001")
    here.tell(RecordingHalted("full"))
    assert tapes(talking(here)) == []
    assert here.call("a").because[-1] == "Not recorded for now: full."
    assert tapes(here.tell(RecordingPossible())) == [StartRecording("a", (f"{DAY}/a.wav",))]


def test_a_call_that_ends_while_the_disk_is_full_names_no_file_that_is_not_there() -> None:
    here = hall("101@8001")
    here.tell(RecordingHalted("full"))
    talking(here)
    assert over(here) == ()
    assert here.tell(RecordingPossible()) == []


def test_a_switch_that_does_not_write_is_asked_again_and_then_no_more() -> None:
    here = hall("101@8001")
    talking(here)
    for part in range(2, LOSSES + 1):
        assert here.tell(RecordingFailed("a", here.call("a").recordings[-1])) == [
            StartRecording("a", (f"{DAY}/a-p{part}.wav",))
        ]
    assert here.tell(RecordingFailed("a", here.call("a").recordings[-1])) == [StopRecording("a")]
    assert tape(here) is Tape.GIVEN_UP
    assert said(here.tell(RecordingPauseAsked("a", "101", "desk"))) == ["not-recorded"]
    assert here.tell(RecordingPossible()) == []


def test_a_failure_told_late_about_a_part_that_is_over_changes_nothing() -> None:
    here = hall("101@8001")
    talking(here)
    here.tell(RecordingHalted("full"), RecordingPossible())
    assert here.tell(RecordingFailed("a", f"{DAY}/a.wav")) == []
    assert here.tell(RecordingFailed("b", f"{DAY}/b.wav")) == []


def test_a_call_that_the_fallback_gave_to_a_seat_is_recorded_as_soon_as_the_engine_is_back() -> None:
    here = hall("101@8001")
    here.tell(RecordingHalted("x"), RecordingPossible())
    here.tell(CallOffered("a", "unicom", "12345", "1"))
    orders = here.tell(SwitchSurveyed((ChannelSeen("a", "talking", "8001"),), ("8001",)))
    assert tapes(orders) == [StartRecording("a", (f"{DAY}/a.wav",))]


def test_a_restart_in_the_middle_of_a_recording_does_not_begin_it_again() -> None:
    here = hall("101@8001")
    talking(here)
    here.restart()
    orders = here.tell(SwitchSurveyed((ChannelSeen("a", "talking", "8001"),), ("8001",)))
    assert tapes(orders) == []
    assert over(here) == (f"{DAY}/a.wav",)


def test_a_supervisor_sees_the_alarm_until_the_disk_takes_recordings_again() -> None:
    here = hall()
    here.tell(RecordingHalted("the disk is full"))
    texts = {alarm.text for alarm in floor_view(here.engine.state, START).alarms}
    assert "Nothing is recorded: the disk is full." in texts
    here.tell(RecordingPossible())
    assert "no recording" not in {alarm.what for alarm in floor_view(here.engine.state, START).alarms}
