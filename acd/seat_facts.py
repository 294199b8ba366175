"""Facts about seats, the people at them, and the world around: the switch, the disk, the database, time."""

from __future__ import annotations

import msgspec

from acd.ids import AgentId, CallId, Message, Millis, SeatId


class SignOnAsked(Message, frozen=True):
    """An agent asks to work at a seat. ``proven`` says whether the PIN was right: the PIN itself never gets here.
    ``desk`` names the channel on which the phone asks and hears the answer; ``None`` when no phone is on the line."""

    seat: SeatId
    agent: AgentId
    proven: bool
    desk: str | None = None


class SignOffAsked(Message, frozen=True):
    """The agent at the seat ends work."""

    seat: SeatId
    desk: str | None = None


class BreakAsked(Message, frozen=True):
    """The agent at the seat asks for a break; ``reason`` is the digit that was keyed."""

    seat: SeatId
    reason: str
    desk: str | None = None


class BackAsked(Message, frozen=True):
    """The agent at the seat is back from a break, or from a rest after calls that rang out."""

    seat: SeatId
    desk: str | None = None


class WrapUpEndAsked(Message, frozen=True):
    """The agent at the seat has finished the work after the call."""

    seat: SeatId
    desk: str | None = None


class WrapUpExtendAsked(Message, frozen=True):
    """The agent at the seat needs more time for the work after the call."""

    seat: SeatId
    desk: str | None = None


class SignOffForced(Message, frozen=True):
    """Somebody (``by``) signs another off: at once, or after the call and its wrap-up."""

    agent: AgentId
    by: str
    after_call: bool = False


class BreakForced(Message, frozen=True):
    """Somebody (``by``) sends another into a break, whatever its limits; a call that is on is finished first."""

    agent: AgentId
    by: str
    reason: str


class ReadyForced(Message, frozen=True):
    """Somebody (``by``) ends another's break, rest or wrap-up."""

    agent: AgentId
    by: str


class SeatDialled(Message, frozen=True):
    """A seat dialled ``number``. ``call`` is the unique id of the seat's own channel, which is not answered."""

    call: CallId
    seat: SeatId
    number: str


class SeatReachable(Message, frozen=True):
    """The seat's phone has a registered contact that answers."""

    seat: SeatId


class SeatUnreachable(Message, frozen=True):
    """The seat's phone is not registered or no longer answers."""

    seat: SeatId


class SeatEngaged(Message, frozen=True):
    """The seat's phone is busy with something that the engine did not order (an own outgoing call)."""

    seat: SeatId


class SeatDisengaged(Message, frozen=True):
    """The seat's phone is free of what the engine did not order."""

    seat: SeatId


class SuperviseAsked(Message, frozen=True):
    """Somebody wants to use a right over others.

    ``how``: ``listen``, ``whisper``, ``barge``, ``take over``, ``break``, ``ready``, ``sign off`` or ``why`` (why
    does the oldest call wait). ``seat``: over whom; ``reason``: a break's digit, or ``0`` for a sign-off that takes
    the call away. ``by``: the agent, ``""`` whoever is signed on at ``phone``, the seat on which the code was
    dialled. ``desk``: that phone's channel, which hears the answer and does the listening; ``None``: asked by
    command, the phone of ``by`` is called.
    """

    how: str
    seat: SeatId = ""
    by: AgentId = ""
    phone: SeatId = ""
    desk: str | None = None
    reason: str = ""


class EarAsked(Message, frozen=True):
    """A program wants to read along what is said at seats.

    ``by``: the agent for whom it asks, whose own talks may be read, and those of others with the right ``listen``; ``""``: it is
    the screen of ``seat``, of whoever talks there. ``seat``: only there.

    ``desk``: who hears the answer; refused: the prompt that says why.
    """

    seat: SeatId = ""
    by: AgentId = ""
    desk: str | None = None


class SupervisionBegan(Message, frozen=True):
    """The supervisor's channel has come to where `Spy` or `LeadIn` led it."""

    channel: str


class SupervisionEnded(Message, frozen=True):
    """The supervisor's channel is gone, or never came."""

    channel: str


class AuditStored(Message, frozen=True):
    """The audit entry of this instant and number is in the database: the engine need not keep it."""

    at: Millis
    number: int


class RecordingPauseAsked(Message, frozen=True):
    """What is said from now on may not be kept. ``by``: an agent who talks in the call, ``""``: asked by command.

    ``desk``: the session on which the seat hears the answer (`Tell`), ``None``: none.
    """

    call: CallId
    by: AgentId = ""
    desk: str | None = None


class RecordingResumeAsked(Message, frozen=True):
    """What is said from now on is kept again. Fields as in `RecordingPauseAsked`."""

    call: CallId
    by: AgentId = ""
    desk: str | None = None


class RecordingFailed(Message, frozen=True):
    """The switch does not write the file that `StartRecording` named, while the call is on."""

    call: CallId
    name: str


class RecordingHalted(Message, frozen=True):
    """The disk takes no recordings; ``why`` is the alarm's text."""

    why: str


class RecordingPossible(Message, frozen=True):
    """The disk takes recordings again."""


class CallerBarred(Message, frozen=True):
    """Somebody (``owner``, an agent with the right ``nuisance``) puts a caller on the list of nuisance callers.

    ``number``: as it is written, with a star at the end every number that begins so. ``until``: ms since 1970,
    ``None`` for the city's usual time. ``mode``: ``refuse`` (a notice, then the end) or ``last`` (served when
    nobody else waits). ``phone``: the seat on which it was asked.
    """

    number: str
    until: Millis | None
    owner: AgentId
    reason: str
    mode: str = "refuse"
    phone: SeatId | None = None
    desk: str | None = None


class CallerUnbarred(Message, frozen=True):
    """Somebody takes a caller off the list."""

    number: str
    owner: AgentId
    reason: str = ""
    desk: str | None = None


class BarAsked(Message, frozen=True):
    """A seat's phone asks to bar the last caller of that seat, or of seat ``of``; ``confirmed``: the key for it was pressed."""

    seat: SeatId
    of: SeatId = ""
    confirmed: bool = False
    desk: str | None = None


class ChannelSeen(msgspec.Struct, frozen=True):
    """One caller's channel as the switch itself lists it after a gap.

    ``state``: ``held`` (inside the engine's FastAGI session, or on its way there), ``ringing`` (a seat or a far end
    is being rung for it), ``talking`` (bridged), ``room`` (in the call's room), ``fallback`` (waiting in the fallback's queue: it
    can be fetched back).
    ``seat`` is the seat whose phone is in the same bridge, if any.
    """

    call: CallId
    state: str
    seat: SeatId | None = None


class LegSeen(msgspec.Struct, frozen=True):
    """A seat's or a third party's channel of a call that has a room: ``place`` is ``room``, ``held`` or ``called``."""

    call: CallId
    leg: str
    place: str
    channel: str | None = None


class SwitchLost(Message, frozen=True):
    """The connection to the switch broke. Nothing is known of the calls until `SwitchSurveyed`."""


class SwitchSurveyed(Message, frozen=True):
    """The switch was asked what it has: every caller's channel, and every seat whose phone is reachable.

    ``restarted``: it is another run of the switch than the last one: whatever is not listed is over.
    """

    channels: tuple[ChannelSeen, ...]
    reachable: tuple[SeatId, ...]
    restarted: bool = False
    legs: tuple[LegSeen, ...] = ()


class RecordStored(Message, frozen=True):
    """The record of this call is in the database: the engine need not keep it."""

    call: CallId


class Tick(Message, frozen=True):
    """Time has come to the engine's own deadline (written to the journal so that a replay is exact)."""
