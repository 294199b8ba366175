"""Every event the engine hears and every command it gives.

An *event* is a fact: it has happened, whatever the engine thinks of it. A *command* is an order to the
switch, to the recorder or to a seat's phone. Both are frozen values that turn into one line of JSON and back
without loss (``encode``, ``decode_event``, ``decode_commands``): the journal is made of them.

Identities come from outside: a call is named by the switch's unique id of the caller's channel, an agent and a seat by
their numbers. Instants are whole milliseconds since 1970-01-01T00:00Z, durations whole milliseconds.
"""

from __future__ import annotations

import msgspec

CallId = str
AgentId = str
SeatId = str
Millis = int


class _Message(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    """One fact or one order: immutable, compared by value, tagged with its class's name in JSON."""


# ── facts about calls ────────────────────────────────────────────────────────────────────────────────────────


class CallOffered(_Message, frozen=True):
    """A carrier offers a call; nothing has been answered yet.

    ``called`` is the number in the request; ``diverted`` the raw values of its Diversion and History-Info
    headers in the order in which they stood, each led by the header's name (``Diversion: <sip:12315@...>``).
    """

    call: CallId
    trunk: str
    called: str
    caller: str
    name: str = ""
    diverted: tuple[str, ...] = ()


class PromptFinished(_Message, frozen=True):
    """What ``Play`` ordered has been heard to its end, or was cut short by ``key``."""

    call: CallId
    key: str | None = None


class CallerHungUp(_Message, frozen=True):
    """The caller's channel is gone. ``cause`` is Q.850's (16 normal clearing, 0 not known)."""

    call: CallId
    cause: int = 0


class AgentAnswered(_Message, frozen=True):
    """The seat's phone answered and the two are talking."""

    call: CallId
    agent: AgentId


class AgentRangOut(_Message, frozen=True):
    """The ring at the seat ended without an answer. ``why``: the switch's DIALSTATUS in lower case:
    ``noanswer``, ``busy``, ``congestion``, ``chanunavail``, ``cancel``."""

    call: CallId
    agent: AgentId
    why: str = "noanswer"


class AgentHungUp(_Message, frozen=True):
    """The seat's leg of a talking call is gone; what becomes of the caller is another fact."""

    call: CallId
    agent: AgentId


class PassAnswered(_Message, frozen=True):
    """The far end (a line's own seats, a sub-centre, 110) answered a passed-on call."""

    call: CallId


class PassFailed(_Message, frozen=True):
    """The far end did not take the call. ``why`` as in `AgentRangOut`."""

    call: CallId
    why: str = "noanswer"


class CallReturned(_Message, frozen=True):
    """A caller whom the switch's fallback held is in the engine's hands again (see `FetchBack`).

    Carries what `CallOffered` does, for a call that arrived while there was no engine. The channel is answered.
    """

    call: CallId
    trunk: str
    called: str
    caller: str
    name: str = ""
    diverted: tuple[str, ...] = ()


class CallSurvived(_Message, frozen=True):
    """A call that the switch served by itself while the engine was gone, read from the spool afterwards.

    Known calls are closed with what became of them, unknown ones are recorded as they are told. ``None`` where the
    moment did not come. ``line`` is the number that was dialled, as far as the fallback could tell.
    """

    call: CallId
    trunk: str
    called: str
    caller: str
    arrived: Millis
    answered: Millis | None = None
    ended: Millis | None = None
    seat: SeatId | None = None
    cause: int = 0
    diverted: tuple[str, ...] = ()


# ── facts about seats and the people at them ─────────────────────────────────────────────────────────────────


class SignOnAsked(_Message, frozen=True):
    """An agent asks to work at a seat. ``proven`` says whether the PIN was right: the PIN itself never gets here.
    ``desk`` names the channel on which the phone asks and hears the answer; ``None`` when no phone is on the line."""

    seat: SeatId
    agent: AgentId
    proven: bool
    desk: str | None = None


class SignOffAsked(_Message, frozen=True):
    """The agent at the seat ends work."""

    seat: SeatId
    desk: str | None = None


class BreakAsked(_Message, frozen=True):
    """The agent at the seat asks for a break; ``reason`` is the digit that was keyed."""

    seat: SeatId
    reason: str
    desk: str | None = None


class BackAsked(_Message, frozen=True):
    """The agent at the seat is back from a break, or from a rest after calls that rang out."""

    seat: SeatId
    desk: str | None = None


class WrapUpEndAsked(_Message, frozen=True):
    """The agent at the seat has finished the work after the call."""

    seat: SeatId
    desk: str | None = None


class SeatReachable(_Message, frozen=True):
    """The seat's phone has a registered contact that answers."""

    seat: SeatId


class SeatUnreachable(_Message, frozen=True):
    """The seat's phone is not registered or no longer answers."""

    seat: SeatId


class SeatEngaged(_Message, frozen=True):
    """The seat's phone is busy with something that the engine did not order (an own outgoing call)."""

    seat: SeatId


class SeatDisengaged(_Message, frozen=True):
    """The seat's phone is free of what the engine did not order."""

    seat: SeatId


# ── facts about the world around ─────────────────────────────────────────────────────────────────────────────


class ChannelSeen(msgspec.Struct, frozen=True):
    """One caller's channel as the switch itself lists it after a gap.

    ``state``: ``held`` (inside the engine's FastAGI session, or on its way there), ``ringing`` (a seat or a far end
    is being rung for it), ``talking`` (bridged), ``fallback`` (waiting in the fallback's queue: it can be fetched back).
    ``seat`` is the seat whose phone is in the same bridge, if any.
    """

    call: CallId
    state: str
    seat: SeatId | None = None


class SwitchLost(_Message, frozen=True):
    """The connection to the switch broke. Nothing is known of the calls until `SwitchSurveyed`."""


class SwitchSurveyed(_Message, frozen=True):
    """The switch was asked what it has: every caller's channel, and every seat whose phone is reachable.

    ``restarted``: it is another run of the switch than the last one: whatever is not listed is over.
    """

    channels: tuple[ChannelSeen, ...]
    reachable: tuple[SeatId, ...]
    restarted: bool = False


class RecordStored(_Message, frozen=True):
    """The record of this call is in the database: the engine need not keep it."""

    call: CallId


class Tick(_Message, frozen=True):
    """Time has come to the engine's own deadline (written to the journal so that a replay is exact)."""


Event = (
    CallOffered
    | PromptFinished
    | CallerHungUp
    | AgentAnswered
    | AgentRangOut
    | AgentHungUp
    | PassAnswered
    | PassFailed
    | CallReturned
    | CallSurvived
    | SignOnAsked
    | SignOffAsked
    | BreakAsked
    | BackAsked
    | WrapUpEndAsked
    | SeatReachable
    | SeatUnreachable
    | SeatEngaged
    | SeatDisengaged
    | SwitchLost
    | SwitchSurveyed
    | RecordStored
    | Tick
)


# ── orders to the switch ─────────────────────────────────────────────────────────────────────────────────────


class Answer(_Message, frozen=True):
    """Answer the caller's channel."""

    call: CallId


class Play(_Message, frozen=True):
    """Play these prompts one after the other; ``keys`` cut them short. Answered by `PromptFinished`.

    A prompt is a name in the prompt library (``greeting``) or a text in Chinese that the library turns into one.
    ``wait_ms``: how long to wait for a key after the last prompt, 0 not at all.
    """

    call: CallId
    prompts: tuple[str, ...]
    keys: str = ""
    wait_ms: Millis = 0


class HoldMusic(_Message, frozen=True):
    """The caller waits in ``queue`` and hears music."""

    call: CallId
    queue: str


class RingAgent(_Message, frozen=True):
    """Ring the agent's seat for the caller who waits; answered by `AgentAnswered` or `AgentRangOut`.

    ``because`` is the reason for this choice, for the log and ``trace``.
    """

    call: CallId
    agent: AgentId
    seat: SeatId
    ring_ms: Millis
    line: str = ""
    auto_answer: bool = False
    because: str = ""


class PassOn(_Message, frozen=True):
    """Pass the caller to ``number`` over ``trunk``; answered by `PassAnswered` or `PassFailed`."""

    call: CallId
    trunk: str
    number: str
    ring_ms: Millis
    line: str = ""


class Refuse(_Message, frozen=True):
    """Refuse an unanswered call with a Q.850 cause (34 no channel: the carrier hears 503)."""

    call: CallId
    cause: int


class HangUp(_Message, frozen=True):
    """End the call from our side with a Q.850 cause."""

    call: CallId
    cause: int = 16


class DropSeat(_Message, frozen=True):
    """Hang up the seat's leg, the ring that is on or the talk (forced sign-off)."""

    call: CallId
    seat: SeatId


class FetchBack(_Message, frozen=True):
    """Fetch a caller who waits in the switch's own fallback queue back into the engine's hands."""

    call: CallId


class Tell(_Message, frozen=True):
    """Say these prompts to the phone that asked on ``desk`` and end that call."""

    desk: str
    prompts: tuple[str, ...]


class KeepInStep(_Message, frozen=True):
    """Keep the switch's own fallback queue in step: is this seat to be rung if the engine is gone?"""

    seat: SeatId
    member: bool


class WriteRecord(_Message, frozen=True):
    """Store the record of a call that is over; answered by `RecordStored`, repeated after a restart until then."""

    record: CallRecord


class TransferRecord(msgspec.Struct, frozen=True):
    """What remains of one transfer. Instants are ms since 1970, ``None`` where the moment did not come.

    ``how``: ``blind``, ``consult`` or ``three-way``; ``to``: whom, as it was asked (``110``, ``8005``, ``12329``); ``number``,
    ``trunk``, ``seat``: how that was reached. ``outcome``: ``handed over`` (the caller went on with the third party), ``joined`` (all
    three talked, and the third party left first), ``consulted`` (the seat asked and came back), ``queued`` (the caller waits, or waited,
    for another seat), or why not: ``busy``, ``noanswer``, ``refused``, ``unreachable``, ``given back``, ``hung up``, ``broken``.
    """

    how: str
    to: str
    by: AgentId
    asked: Millis
    number: str | None = None
    trunk: str | None = None
    seat: SeatId | None = None
    agent: AgentId | None = None
    answered: Millis | None = None
    handed_over: Millis | None = None
    ended: Millis | None = None
    outcome: str | None = None


class CallRecord(msgspec.Struct, frozen=True):
    """What remains of a call. Instants are ms since 1970, ``None`` where the moment did not come.

    ``disposition``: ``answered`` (by a seat), ``abandoned`` (the caller hung up before a seat answered), ``refused``
    (no channel, or no place in the queue), ``passed`` (answered by a line's own seats, a sub-centre, an emergency centre
    or another's number), ``told`` (heard a notice, was let go), ``lost`` (neither the caller nor anyone of ours ended it:
    something broke), ``barred`` (a nuisance caller), ``called back`` (left the queue for a call-back).

    ``direction``: ``in``, ``out`` (a seat dialled) or ``back`` (a call-back; ``called_back`` is then the call that it answers, and in the record
    of that call the one that answered it). ``reference``: the case that travels along with the call, its own id unless another centre
    gave one. ``rating``: 1 (very dissatisfied) to 5, ``opinion``: the recording of the open answer. ``recordings``: names of the files.
    """

    call: CallId
    city: str
    trunk: str
    called: str
    caller: str
    line: str | None
    treatment: str | None
    queue: str | None
    disposition: str
    arrived: Millis
    answered: Millis | None = None
    prompt_ended: Millis | None = None
    queued: Millis | None = None
    rung: Millis | None = None
    seat_answered: Millis | None = None
    ended: Millis | None = None
    wrap_up_ended: Millis | None = None
    agent: AgentId | None = None
    seat: SeatId | None = None
    passed_to: str | None = None
    rings: int = 0
    cause: int = 0
    by_fallback: bool = False
    because: tuple[str, ...] = ()
    direction: str = "in"
    priority: int = 0
    reference: str | None = None
    transfers: tuple[TransferRecord, ...] = ()
    rating: int | None = None
    opinion: str | None = None
    recordings: tuple[str, ...] = ()
    called_back: CallId | None = None


Command = (
    Answer
    | Play
    | HoldMusic
    | RingAgent
    | PassOn
    | Refuse
    | HangUp
    | DropSeat
    | FetchBack
    | Tell
    | KeepInStep
    | WriteRecord
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
