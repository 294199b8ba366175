"""Every event the engine hears and every command it gives.

An *event* is a fact: it has happened, whatever the engine thinks of it. A *command* is an order to the
switch, to the recorder or to a seat's phone. Both are frozen values that turn into one line of JSON and back
without loss (``encode``, ``decode_event``, ``decode_commands``): the journal is made of them.

Identities come from outside: a call is named by the switch's unique id of the caller's channel, an agent and a seat by
their numbers. Instants are whole milliseconds since 1970-01-01T00:00Z, durations whole milliseconds.
"""

from __future__ import annotations

import msgspec

from acd.call_facts import (
    AgentAnswered,
    AgentHungUp,
    AgentRangOut,
    AnnouncementOver,
    CallerHungUp,
    CallerSpoke,
    CallOffered,
    CallReturned,
    CallSurvived,
    ConversationOver,
    LegAt,
    LegGone,
    LegHeard,
    LegHolds,
    OpinionRecorded,
    PassAnswered,
    PassFailed,
    PromptFinished,
    SeatLeft,
    SpeechServed,
    TransferAsked,
    TransferSteered,
)
from acd.ids import AgentId, CallId, Millis, SeatId
from acd.orders import (
    Announce,
    Answer,
    CallThird,
    Converse,
    DialOut,
    DropBack,
    DropLeg,
    DropSeat,
    EndSupervision,
    FetchBack,
    HangUp,
    HoldMusic,
    KeepInStep,
    LeadIn,
    MoveLeg,
    Part,
    PassOn,
    PauseRecording,
    Play,
    RaiseAlarm,
    RecordOpinion,
    Refuse,
    ResumeRecording,
    RingAgent,
    RingForCallBack,
    SayTo,
    SeatChanged,
    Spy,
    StartRecording,
    StopRecording,
    StopTranscribe,
    Tell,
    TellSupervisors,
    Transcribe,
    WriteAudit,
    WriteRecord,
)
from acd.passes import PassRecord
from acd.records import AuditEntry, CallRecord, Spoken, SpokenTurn, TransferRecord
from acd.seat_facts import (
    AuditStored,
    BackAsked,
    BarAsked,
    BreakAsked,
    BreakForced,
    CallerBarred,
    CallerUnbarred,
    ChannelSeen,
    EarAsked,
    LegSeen,
    ReadyForced,
    RecordingFailed,
    RecordingHalted,
    RecordingPauseAsked,
    RecordingPossible,
    RecordingResumeAsked,
    RecordStored,
    SeatDialled,
    SeatDisengaged,
    SeatEngaged,
    SeatReachable,
    SeatUnreachable,
    SignOffAsked,
    SignOffForced,
    SignOnAsked,
    SuperviseAsked,
    SupervisionBegan,
    SupervisionEnded,
    SwitchLost,
    SwitchSurveyed,
    Tick,
    WrapUpEndAsked,
    WrapUpExtendAsked,
)

__all__ = [
    "AgentAnswered",
    "AgentHungUp",
    "AgentId",
    "AgentRangOut",
    "Announce",
    "AnnouncementOver",
    "Answer",
    "AuditEntry",
    "AuditStored",
    "BackAsked",
    "BarAsked",
    "BreakAsked",
    "BreakForced",
    "CallId",
    "CallOffered",
    "CallRecord",
    "CallReturned",
    "CallSurvived",
    "CallThird",
    "CallerBarred",
    "CallerHungUp",
    "CallerSpoke",
    "CallerUnbarred",
    "ChannelSeen",
    "Command",
    "ConversationOver",
    "Converse",
    "DialOut",
    "DropBack",
    "DropLeg",
    "DropSeat",
    "EarAsked",
    "EndSupervision",
    "Event",
    "FetchBack",
    "HangUp",
    "HoldMusic",
    "KeepInStep",
    "LeadIn",
    "LegAt",
    "LegGone",
    "LegHeard",
    "LegHolds",
    "LegSeen",
    "Millis",
    "MoveLeg",
    "OpinionRecorded",
    "Part",
    "PassAnswered",
    "PassFailed",
    "PassOn",
    "PassRecord",
    "PauseRecording",
    "Play",
    "PromptFinished",
    "RaiseAlarm",
    "ReadyForced",
    "RecordOpinion",
    "RecordStored",
    "RecordingFailed",
    "RecordingHalted",
    "RecordingPauseAsked",
    "RecordingPossible",
    "RecordingResumeAsked",
    "Refuse",
    "ResumeRecording",
    "RingAgent",
    "RingForCallBack",
    "SayTo",
    "SeatChanged",
    "SeatDialled",
    "SeatDisengaged",
    "SeatEngaged",
    "SeatId",
    "SeatLeft",
    "SeatReachable",
    "SeatUnreachable",
    "SignOffAsked",
    "SignOffForced",
    "SignOnAsked",
    "SpeechServed",
    "Spoken",
    "SpokenTurn",
    "Spy",
    "StartRecording",
    "StopRecording",
    "StopTranscribe",
    "SuperviseAsked",
    "SupervisionBegan",
    "SupervisionEnded",
    "SwitchLost",
    "SwitchSurveyed",
    "Tell",
    "TellSupervisors",
    "Tick",
    "Transcribe",
    "TransferAsked",
    "TransferRecord",
    "TransferSteered",
    "WrapUpEndAsked",
    "WrapUpExtendAsked",
    "WriteAudit",
    "WriteRecord",
    "decode_commands",
    "decode_event",
    "encode",
]

Event = (
    CallOffered
    | PromptFinished
    | AnnouncementOver
    | CallerHungUp
    | AgentAnswered
    | AgentRangOut
    | AgentHungUp
    | SeatLeft
    | OpinionRecorded
    | SpeechServed
    | CallerSpoke
    | ConversationOver
    | PassAnswered
    | PassFailed
    | CallReturned
    | CallSurvived
    | TransferAsked
    | TransferSteered
    | LegAt
    | LegHeard
    | LegHolds
    | LegGone
    | SignOnAsked
    | SignOffAsked
    | BreakAsked
    | BackAsked
    | WrapUpEndAsked
    | WrapUpExtendAsked
    | SignOffForced
    | BreakForced
    | ReadyForced
    | SeatDialled
    | SeatReachable
    | SeatUnreachable
    | SeatEngaged
    | SeatDisengaged
    | RecordingPauseAsked
    | RecordingResumeAsked
    | RecordingFailed
    | RecordingHalted
    | RecordingPossible
    | CallerBarred
    | CallerUnbarred
    | BarAsked
    | SwitchLost
    | SwitchSurveyed
    | RecordStored
    | SuperviseAsked
    | SupervisionBegan
    | SupervisionEnded
    | AuditStored
    | EarAsked
    | Tick
)

Command = (
    Answer
    | Play
    | RecordOpinion
    | Converse
    | HoldMusic
    | Announce
    | RingForCallBack
    | DropBack
    | RingAgent
    | PassOn
    | DialOut
    | TellSupervisors
    | Refuse
    | HangUp
    | DropSeat
    | Part
    | MoveLeg
    | CallThird
    | DropLeg
    | SayTo
    | FetchBack
    | Tell
    | KeepInStep
    | RaiseAlarm
    | StartRecording
    | StopRecording
    | PauseRecording
    | ResumeRecording
    | Transcribe
    | StopTranscribe
    | WriteRecord
    | WriteAudit
    | Spy
    | LeadIn
    | SeatChanged
    | EndSupervision
)

_events: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)
_commands: msgspec.json.Decoder[list[Command]] = msgspec.json.Decoder(list[Command])
_encoder = msgspec.json.Encoder()


def encode(message: Event | Command | list[Command]) -> bytes:
    """One line of JSON, without the newline."""
    return _encoder.encode(message)


def decode_event(line: bytes | str) -> Event:
    """The event that ``encode`` wrote. Raises ``msgspec.ValidationError`` for anything else."""
    event: Event = _events.decode(line)
    return event


def decode_commands(line: bytes | str) -> list[Command]:
    """The list of commands that ``encode`` wrote."""
    return _commands.decode(line)
