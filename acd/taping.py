"""Calls and their recordings: begun at the first answer, paused and resumed, halted when the disk takes nothing, and on again."""

from __future__ import annotations

from acd.calls import Call, CallState
from acd.messages import (
    AgentId,
    PauseRecording,
    RecordingFailed,
    RecordingHalted,
    RecordingPauseAsked,
    RecordingPossible,
    RecordingResumeAsked,
    ResumeRecording,
    StartRecording,
    StopRecording,
    Tell,
)
from acd.parties import Place, Stage
from acd.recording import (
    LOSSES,
    RUNNING,
    TAPE_MOVES,
    Direction,
    Mode,
    Recording,
    RecordingSetup,
    Tape,
    decide,
    nameable,
)
from acd.state import State

_TALKS = frozenset({CallState.TALKING, CallState.IN_TRANSFER, CallState.PASSED})


def begin(s: State, call: Call, *, emergency: bool = False) -> None:
    """Somebody has answered the call (a seat, or others' people): record it, if a rule says so and it isn't yet.

    A pause ends here: it was for what was said to whoever had the call before. ``emergency``: an emergency centre has come into it.
    """
    setup = s.setup.recording
    if setup is None:
        return
    if call.recording is not None:
        follow(s, call)
        _happen(s, call, "resume")
        return
    direction = Direction.PASSED if call.state is CallState.PASSED else call.direction
    urgent = emergency or call.urgent or call.treatment == "emergency"
    urgent = urgent or (call.direction == "out" and call.passed_to in s.setup.plan.emergencies)
    queue = call.waits.queue if call.waits else None
    mode, why = decide(setup, call.line, queue, direction, emergency=urgent)
    if mode is Mode.OFF:
        return
    if not nameable(call.call):
        call.because += ("Not recorded: no file can be named after the call's id.",)
        return
    call.recording = Recording(mode, Tape.HALTED)
    if s.recording_halted is None:
        call.because += (why,)
        _happen(s, call, "possible")
    else:
        call.because += (why, f"Not recorded for now: {s.recording_halted}.")


def pause_asked(s: State, fact: RecordingPauseAsked) -> None:
    """Something is about to be said that may not be kept. Asked again it is answered again, and the time begins anew."""
    call = _found(s, fact.call, fact.by, fact.desk)
    if call is None or call.recording is None:
        return
    _happen(s, call, "pause")
    if call.recording.tape in {Tape.PAUSED, Tape.HALTED_PAUSED}:
        if call.recording.pause_ends is None:
            call.because += (f"Recording paused by {fact.by or 'command'}{_since(s, call)}.",)
        call.recording.paused_by = fact.by
        # a new configuration may have taken the rules away while the recording goes on
        limit = (s.setup.recording or RecordingSetup()).pause_limit_ms
        call.recording.pause_ends = s.now + limit
        s.timers.set("pause", call.call, call.recording.pause_ends)
        _tell(s, fact.desk, "recording-paused")


def resume_asked(s: State, fact: RecordingResumeAsked) -> None:
    """It has been said: what follows is kept again."""
    call = _found(s, fact.call, fact.by, fact.desk)
    if call is None or call.recording is None:
        return
    _happen(s, call, "resume")
    _tell(s, fact.desk, "recording-resumed" if call.recording.tape is Tape.ON else "not-recorded")


def pause_over(s: State, call: Call) -> None:
    """Nobody has ended the pause in time."""
    _happen(s, call, "resume")


def halted(s: State, fact: RecordingHalted) -> None:
    """The disk takes nothing: every recording is stopped, no call is touched."""
    s.recording_halted = fact.why
    for call in s.calls.values():
        if call.recording is not None and call.recording.tape in RUNNING:
            call.because += (f"Recording stopped{_since(s, call)}: {fact.why}.",)
            _happen(s, call, "halt")


def possible(s: State, _fact: RecordingPossible) -> None:
    """The disk takes recordings again: calls that are on are recorded from here."""
    s.recording_halted = None
    for call in s.calls.values():
        if call.recording is not None and _has_caller(call):
            _happen(s, call, "possible")


def failed(s: State, fact: RecordingFailed) -> None:
    """The switch writes no such file (any more): once more under another name, and in the end not at all."""
    call = s.calls.get(fact.call)
    if call is None or call.recording is None or call.recording.tape not in RUNNING:
        return
    recording = call.recording
    if not _has_caller(call) or fact.name not in _names(call, recording):
        return
    recording.lost += 1
    if recording.lost < LOSSES:
        call.because += (f"Recording broke off: the switch has no file {fact.name} open.",)
        _happen(s, call, "lost")
    else:
        call.because += (f"Recording given up: the switch has no file {fact.name} open.",)
        _happen(s, call, "give up")


def follow(s: State, call: Call) -> None:
    """Record where the talk is: while the caller is outside, what the seat and a third party say to each other."""
    recording = call.recording
    if recording is None or recording.on == (on := _aside(call)):
        return
    if recording.tape in RUNNING:
        s.order(StopRecording(call.call, aside=bool(recording.on)))
    recording.on = on
    _happen(s, call, "moved")


def _aside(call: Call) -> str:
    """The seat that talks to a third party aside, by its channel; empty while there is none."""
    transfer = call.transfer
    if transfer is None or transfer.stage not in {Stage.CONSULTING, Stage.ASIDE}:
        return ""
    there = transfer.seat.place is transfer.third.place is Place.ROOM
    return transfer.seat_channel or "seat" if there else ""


def leave_channel(s: State, call: Call) -> None:
    """The call is about to have another channel: the part that is on ends."""
    if call.recording is not None and call.recording.tape in RUNNING:
        s.order(StopRecording(call.call))


def go_on(s: State, call: Call) -> None:
    """The call has another channel: the recording goes on there, as a part of its own."""
    if call.recording is not None:
        _happen(s, call, "moved")


def over(s: State, call: Call) -> None:
    """The call is closed; the switch has closed the file by itself when the channel went."""
    s.timers.drop("pause", call.call)
    if call.recording is not None and call.recording.on and call.recording.tape in RUNNING:
        s.order(StopRecording(call.call, aside=True))


def notice(s: State, line: str | None, queue: str | None) -> tuple[str, ...]:
    """What a caller who is led to the queue hears before its greeting: that the call is recorded, if it is to be."""
    setup = s.setup.recording
    if setup is None or queue is None or not setup.notice:
        return ()
    mode, _ = decide(setup, line, queue, Direction.IN)
    return () if mode is Mode.OFF else setup.notice


def _found(s: State, name: str, by: AgentId, desk: str | None) -> Call | None:
    """The call, if it is recorded and whoever asks talks in it."""
    call = s.calls.get(name)
    if call is None or call.state not in _TALKS or call.recording is None or by not in {"", *_talkers(call)}:
        _tell(s, desk, "not-recorded")
        return None
    if call.recording.tape is Tape.GIVEN_UP or not _has_caller(call):
        _tell(s, desk, "not-recorded")
        return None
    return call


def _talkers(call: Call) -> set[AgentId]:
    third = call.transfer.way.agent if call.transfer and call.transfer.way else None
    return {agent for agent in (call.agent, third) if agent}


def _has_caller(call: Call) -> bool:
    """Is the channel that is recorded (the caller's, or a seat's aside) still there, and with somebody?"""
    if call.state is CallState.IN_TRANSFER and call.transfer is not None:
        aside = call.recording is not None and call.recording.on != ""
        return call.transfer.caller.place is not Place.GONE or aside
    return call.state in _TALKS


def _names(call: Call, recording: Recording) -> tuple[str, ...]:
    return recording.files(call.call, call.arrived)


def _since(s: State, call: Call) -> str:
    """Where in the talk it was, so that whoever listens finds it."""
    if call.recording is None or not call.recording.began:
        return ""
    return f" after {(s.now - call.recording.began) / 1000:.1f} s of part {call.recording.parts}"


def _happen(s: State, call: Call, happening: str) -> None:
    """Move along the table, and give the orders that the move asks for."""
    recording = call.recording
    assert recording is not None
    after = TAPE_MOVES[recording.tape].get(happening)
    if after is None:
        return
    before, recording.tape = recording.tape, after
    aside = recording.on != ""
    if happening == "resume":
        recording.paused_by, recording.pause_ends = "", None
        s.timers.drop("pause", call.call)
        call.because += (f"Recording resumed{_since(s, call)}.",)
    if after in RUNNING and (before not in RUNNING or happening in {"lost", "moved"}):
        recording.parts += 1
        recording.began = s.now
        files = _names(call, recording)
        call.recordings += files
        # of a call that a seat placed the channel is at first the seat's, which is then "caller"
        files = files[::-1] if call.turned else files
        channel = None if recording.on in {"", "seat"} else recording.on
        s.order(StartRecording(call.call, files, aside=aside, channel=channel))
        if after is Tape.PAUSED:
            s.order(PauseRecording(call.call, aside=aside))
    elif before in RUNNING and after not in RUNNING:
        s.order(StopRecording(call.call, aside=aside))
    elif before is Tape.ON and after is Tape.PAUSED:
        s.order(PauseRecording(call.call, aside=aside))
    elif before is Tape.PAUSED and after is Tape.ON:
        s.order(ResumeRecording(call.call, aside=aside))


def _tell(s: State, desk: str | None, *prompts: str) -> None:
    if desk is not None:
        s.order(Tell(desk, prompts))
