"""Every event the engine hears and every command it gives.

An *event* is a fact: it has happened, whatever the engine thinks of it. A *command* is an order to the
switch, to the recorder or to a seat's phone. Both are frozen values that turn into one line of JSON and back
without loss (``encode``, ``decode_event``, ``decode_commands``): the journal is made of them.

Identities come from outside: a call is named by the switch's unique id of the caller's channel, an agent and a seat by
their numbers. Instants are whole milliseconds since 1970-01-01T00:00Z, durations whole milliseconds.
"""

from __future__ import annotations

import msgspec

from acd.passes import PassRecord
from trunks.handover import Handover

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

    What came along from another centre that hands the call over (a trunk that is a ``link``; `trunks.handover`): ``line`` that the
    caller dialled there, the case's ``reference``, and a ``note`` of what was said.
    """

    call: CallId
    trunk: str
    called: str
    caller: str
    name: str = ""
    diverted: tuple[str, ...] = ()
    line: str = ""
    reference: str = ""
    note: str = ""


class PromptFinished(_Message, frozen=True):
    """What ``Play`` ordered has been heard to its end, or was cut short by ``key``."""

    call: CallId
    key: str | None = None


class CallerHungUp(_Message, frozen=True):
    """The caller's channel is gone. ``cause`` is Q.850's (16 normal clearing, 0 not known)."""

    call: CallId
    cause: int = 0


class AnnouncementOver(_Message, frozen=True):
    """What `Announce` ordered has been heard, or was ended by ``key``. When a seat's ring cut it short there is no such fact."""

    call: CallId
    key: str | None = None


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


class SeatLeft(_Message, frozen=True):
    """The seat ``agent`` was at has hung up an answered call, and the caller is in our hands, inside a session."""

    call: CallId
    agent: AgentId = ""


class OpinionRecorded(_Message, frozen=True):
    """What `RecordOpinion` ordered is over. ``kept``: something was said and stands in the file."""

    call: CallId
    kept: bool = False


class PassAnswered(_Message, frozen=True):
    """The far end (a line's own seats, a sub-centre, 110) answered a passed-on call."""

    call: CallId


class PassFailed(_Message, frozen=True):
    """The far end did not take the call. ``why`` as in `AgentRangOut`, ``cause`` Q.850's where the switch knows it."""

    call: CallId
    why: str = "noanswer"
    cause: int = 0


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
    line: str = ""
    reference: str = ""
    note: str = ""


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


# ── facts about a third party ────────────────────────────────────────────────────────────────────────────────


class TransferAsked(_Message, frozen=True):
    """A seat that talks wants somebody brought in, or its caller sent on.

    ``how``: ``blind``, ``consult`` or ``three-way``. ``to``: a number as it would be dialled, a seat's number, a line's (its own people,
    or the seats that answer it), ``skill:NAME`` or ``queue:NAME``. ``by``: the agent, ``""`` whoever has the call. ``desk``: the session on which the seat hears the
    answer, ``None``: asked by command.
    """

    call: CallId
    how: str
    to: str
    by: AgentId = ""
    desk: str | None = None


class TransferSteered(_Message, frozen=True):
    """What a seat wishes while a third party is on: ``toggle``, ``complete``, ``together`` or ``give back``."""

    call: CallId
    wish: str
    by: AgentId = ""
    desk: str | None = None


class LegAt(_Message, frozen=True):
    """A party has come to where it was led: ``leg`` is ``caller``, ``seat`` or ``third``, ``place`` is ``room`` or ``held``.

    ``channel``: the third party's, as `CallThird` named it. A third party comes to the room by answering.
    """

    call: CallId
    leg: str
    place: str
    channel: str | None = None


class LegHeard(_Message, frozen=True):
    """What `SayTo` ordered has been said."""

    call: CallId
    leg: str


class LegGone(_Message, frozen=True):
    """A third party's channel is gone, or never came. ``why`` as in `AgentRangOut`, with ``refused``."""

    call: CallId
    leg: str
    channel: str | None = None
    why: str = "noanswer"


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


class WrapUpExtendAsked(_Message, frozen=True):
    """The agent at the seat needs more time for the work after the call."""

    seat: SeatId
    desk: str | None = None


class SignOffForced(_Message, frozen=True):
    """Somebody (``by``) signs another off: at once, or after the call and its wrap-up."""

    agent: AgentId
    by: str
    after_call: bool = False


class BreakForced(_Message, frozen=True):
    """Somebody (``by``) sends another into a break, whatever its limits; a call that is on is finished first."""

    agent: AgentId
    by: str
    reason: str


class ReadyForced(_Message, frozen=True):
    """Somebody (``by``) ends another's break, rest or wrap-up."""

    agent: AgentId
    by: str


class SeatDialled(_Message, frozen=True):
    """A seat dialled ``number``. ``call`` is the unique id of the seat's own channel, which is not answered."""

    call: CallId
    seat: SeatId
    number: str


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


# ── facts about supervision ──────────────────────────────────────────────────────────────────────────────────


class SuperviseAsked(_Message, frozen=True):
    """Somebody wants to use a right over others.

    ``how``: ``listen``, ``whisper``, ``barge``, ``take over``, ``break``, ``ready``, ``sign off`` or ``why`` (why does the oldest call
    wait). ``seat``: over whom; ``reason``: a break's digit, or ``0`` for a sign-off that takes the call away. ``by``: the agent, ``""`` whoever is signed on at ``phone``, the seat on which the
    code was dialled. ``desk``: that phone's channel, which hears the answer and does the listening; ``None``: asked by command, the phone of
    ``by`` is called.
    """

    how: str
    seat: SeatId = ""
    by: AgentId = ""
    phone: SeatId = ""
    desk: str | None = None
    reason: str = ""


class SupervisionBegan(_Message, frozen=True):
    """The supervisor's channel has come to where `Spy` or `LeadIn` led it."""

    channel: str


class SupervisionEnded(_Message, frozen=True):
    """The supervisor's channel is gone, or never came."""

    channel: str


class AuditStored(_Message, frozen=True):
    """The audit entry of this instant and number is in the database: the engine need not keep it."""

    at: Millis
    number: int


# ── facts about recordings ───────────────────────────────────────────────────────────────────────────────────


class RecordingPauseAsked(_Message, frozen=True):
    """What is said from now on may not be kept. ``by``: an agent who talks in the call, ``""``: asked by command.

    ``desk``: the session on which the seat hears the answer (`Tell`), ``None``: none.
    """

    call: CallId
    by: AgentId = ""
    desk: str | None = None


class RecordingResumeAsked(_Message, frozen=True):
    """What is said from now on is kept again. Fields as in `RecordingPauseAsked`."""

    call: CallId
    by: AgentId = ""
    desk: str | None = None


class RecordingFailed(_Message, frozen=True):
    """The switch does not write the file that `StartRecording` named, while the call is on."""

    call: CallId
    name: str


class RecordingHalted(_Message, frozen=True):
    """The disk takes no recordings; ``why`` is the alarm's text."""

    why: str


class RecordingPossible(_Message, frozen=True):
    """The disk takes recordings again."""


class CallerBarred(_Message, frozen=True):
    """Somebody (``owner``, an agent with the right ``nuisance``) puts a caller on the list of nuisance callers.

    ``number``: as it is written, with a star at the end every number that begins so. ``until``: ms since 1970, ``None`` for the city's usual
    time. ``mode``: ``refuse`` (a notice, then the end) or ``last`` (served when nobody else waits). ``phone``: the seat on which it was asked.
    """

    number: str
    until: Millis | None
    owner: AgentId
    reason: str
    mode: str = "refuse"
    phone: SeatId | None = None
    desk: str | None = None


class CallerUnbarred(_Message, frozen=True):
    """Somebody takes a caller off the list."""

    number: str
    owner: AgentId
    reason: str = ""
    desk: str | None = None


class BarAsked(_Message, frozen=True):
    """A seat's phone asks to bar the last caller of that seat, or of seat ``of``; ``confirmed``: the key for it was pressed."""

    seat: SeatId
    of: SeatId = ""
    confirmed: bool = False
    desk: str | None = None


# ── facts about the world around ─────────────────────────────────────────────────────────────────────────────


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


class SwitchLost(_Message, frozen=True):
    """The connection to the switch broke. Nothing is known of the calls until `SwitchSurveyed`."""


class SwitchSurveyed(_Message, frozen=True):
    """The switch was asked what it has: every caller's channel, and every seat whose phone is reachable.

    ``restarted``: it is another run of the switch than the last one: whatever is not listed is over.
    """

    channels: tuple[ChannelSeen, ...]
    reachable: tuple[SeatId, ...]
    restarted: bool = False
    legs: tuple[LegSeen, ...] = ()


class RecordStored(_Message, frozen=True):
    """The record of this call is in the database: the engine need not keep it."""

    call: CallId


class Tick(_Message, frozen=True):
    """Time has come to the engine's own deadline (written to the journal so that a replay is exact)."""


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
    | PassAnswered
    | PassFailed
    | CallReturned
    | CallSurvived
    | TransferAsked
    | TransferSteered
    | LegAt
    | LegHeard
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
    | Tick
)


# ── orders to the switch ─────────────────────────────────────────────────────────────────────────────────────


class Answer(_Message, frozen=True):
    """Answer the caller's channel."""

    call: CallId


class Play(_Message, frozen=True):
    """Play these prompts one after the other; ``keys`` cut them short. Answered by `PromptFinished`.

    A prompt is a name in the prompt library (``greeting``) or a text in Chinese that the library turns into one.
    ``wait_ms``: how long to wait for a key after the last prompt, 0 not at all. ``served``: a seat has served the caller: if the engine
    dies meanwhile he is let go with a word of thanks, and not led to the seats again.
    """

    call: CallId
    prompts: tuple[str, ...]
    keys: str = ""
    wait_ms: Millis = 0
    served: bool = False


class RecordOpinion(_Message, frozen=True):
    """Record what the caller says after the tone into ``file`` (a name), for ``most_ms`` at most, until ``#`` or ``silence_ms`` of silence.

    Answered by `OpinionRecorded`.
    """

    call: CallId
    file: str
    most_ms: Millis
    silence_ms: Millis


class HoldMusic(_Message, frozen=True):
    """The caller waits in ``queue`` and hears ``music``: the name of a directory of recordings, empty for the usual one."""

    call: CallId
    queue: str
    music: str = ""


class Announce(_Message, frozen=True):
    """Say these prompts to a caller who waits, and go on with the music; one of ``keys`` ends them, also while music plays again.

    The next order for the caller cuts them short at once. Answered by `AnnouncementOver` unless it was cut.
    """

    call: CallId
    prompts: tuple[str, ...]
    keys: str = ""


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


class RingForCallBack(_Message, frozen=True):
    """Ring the agent's seat in order to call somebody back; ``call`` is the name that the seat's channel is to have.

    Answered by `AgentAnswered` or `AgentRangOut`. The seat's phone shows ``line`` and the ``number`` that will be called, which is
    shown the hotline's own number ``shown``. Whom to dial, and over which trunk, is a `PassOn` once the seat is on the line.
    """

    call: CallId
    agent: AgentId
    seat: SeatId
    number: str
    shown: str
    ring_ms: Millis
    line: str = ""
    because: str = ""


class DropBack(_Message, frozen=True):
    """Hang up the seat's channel of a call-back, if there is one; `CallerHungUp` follows if there was."""

    call: CallId


class PassOn(_Message, frozen=True):
    """Pass the caller to ``number`` over ``trunk``; answered by `PassAnswered` or `PassFailed`. ``handover`` goes along."""

    call: CallId
    trunk: str
    number: str
    ring_ms: Millis
    line: str = ""
    handover: Handover | None = None


class DialOut(_Message, frozen=True):
    """Ring ``number`` over ``trunk``, or another ``seat``, for the seat that dialled; answered by `PassAnswered` or `PassFailed`.

    ``shows``: the number that the far end sees; empty: the seat's own.
    """

    call: CallId
    number: str
    trunk: str | None = None
    seat: SeatId | None = None
    shows: str = ""
    ring_ms: Millis = 45_000


class TellSupervisors(_Message, frozen=True):
    """Something at a seat that supervisors should see. ``what``: ``rests``, ``back from rest``, ``break begins``, ``break overrun``, ``break
    ends``, ``waits for a break`` or ``signed off``; ``why`` in words; ``alarm``: somebody should act."""

    what: str
    agent: AgentId
    seat: SeatId
    why: str = ""
    alarm: bool = False


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


class Part(_Message, frozen=True):
    """Take the two out of their plain bridge at the same moment: ``room``, ``held`` or ``gone`` for each. Answered by `LegAt`."""

    call: CallId
    caller: str
    seat: str


class MoveLeg(_Message, frozen=True):
    """Lead a party from the room out (``held``) or in (``room``). Answered by `LegAt`."""

    call: CallId
    leg: str
    place: str
    channel: str | None = None


class CallThird(_Message, frozen=True):
    """Call a third party into the call's room: ``number`` over ``trunk``, or a ``seat``. Answered by `LegAt` or `LegGone`.

    ``channel``: the unique id that the new channel is to have.
    """

    call: CallId
    channel: str
    number: str
    trunk: str | None = None
    seat: SeatId | None = None
    ring_ms: Millis = 20_000
    caller: str = ""
    line: str = ""
    auto_answer: bool = False
    handover: Handover | None = None


class DropLeg(_Message, frozen=True):
    """Hang up the seat's (``seat``) or the third party's channel of a call; that of the caller is `HangUp`'s."""

    call: CallId
    leg: str
    channel: str | None = None


class SayTo(_Message, frozen=True):
    """Say these prompts to a party that is held. Answered by `LegHeard`."""

    call: CallId
    leg: str
    prompts: tuple[str, ...]


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


class StartRecording(_Message, frozen=True):
    """Record the caller's channel into these files (relative names): one for both sides mixed, two for the caller's and the others'."""

    call: CallId
    names: tuple[str, ...]


class StopRecording(_Message, frozen=True):
    """Close the files that are being written."""

    call: CallId


class PauseRecording(_Message, frozen=True):
    """Write silence instead of what is said."""

    call: CallId


class ResumeRecording(_Message, frozen=True):
    """Write what is said again."""

    call: CallId


class RaiseAlarm(_Message, frozen=True):
    """Tell the supervisors: ``kind`` (``flood`` ...), ``about`` whom or what, and the words."""

    kind: str
    about: str
    words: str


class WriteRecord(_Message, frozen=True):
    """Store the record of a call that is over; answered by `RecordStored`, repeated after a restart until then."""

    record: CallRecord


class AuditEntry(msgspec.Struct, frozen=True):
    """One use of a right over others' work, or the attempt: kept for ever, never changed (`acd.audit.note` makes it).

    ``number`` counts the engine's entries: with ``at`` it tells an entry written twice from two. ``what``: ``listen``, ``take over``,
    ``nuisance add`` ...; ``who``: the agent's number (``""``: nobody was signed on) with the ``role`` at that moment; ``whom``: the
    agent, seat or number that it was used on; ``phone``: the seat on which it was asked, ``None``: by command; ``why``: the reason that
    was given, or the reason of the refusal.
    """

    city: str
    at: Millis
    number: int
    what: str
    who: str
    role: str = ""
    whom: str | None = None
    call: CallId | None = None
    phone: SeatId | None = None
    allowed: bool = True
    why: str = ""


class WriteAudit(_Message, frozen=True):
    """Store an entry of the audit log; answered by `AuditStored`, repeated after a restart until then."""

    entry: AuditEntry


class Spy(_Message, frozen=True):
    """Let a supervisor's ``channel`` hear the seat's leg of a call; ``how``: ``listen``, ``whisper`` (heard by the seat alone) or ``barge``
    (heard by both). Answered by `SupervisionBegan` and, whatever happens, `SupervisionEnded`.

    ``desk``: the channel is there already, the phone's that dialled; otherwise ``phone`` is called. ``leg``: the seat's channel where it has come to the call by a
    transfer.
    """

    call: CallId
    channel: str
    phone: SeatId
    how: str
    leg: str | None = None
    desk: bool = True


class LeadIn(_Message, frozen=True):
    """Lead a supervisor's ``channel`` into the call's room, to take the call over. Answered as `Spy` is."""

    call: CallId
    channel: str
    phone: SeatId
    desk: bool = True


class SeatChanged(_Message, frozen=True):
    """From now on this agent's channel is the seat's leg of the call; it is no longer a supervisor's."""

    call: CallId
    channel: str
    agent: AgentId
    seat: SeatId


class EndSupervision(_Message, frozen=True):
    """Hang up a supervisor's channel."""

    channel: str


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
    something broke), ``not taken`` (a seat called out, and the far end did not answer), ``barred`` (a nuisance caller), ``called back`` (left the queue for a call-back), ``not reached`` (a call-back in vain).

    ``direction``: ``in``, ``out`` (a seat dialled) or ``back`` (a call-back; ``called_back`` is then the call that it answers, and in the record
    of that call the one that answered it). ``reference``: the case that travels along with the call, its own id unless another centre
    gave one. ``asked`` whether the caller was asked about the service, ``rating``: 1 (very dissatisfied) to 5, ``opinion``: the recording of the open answer. ``recordings``: names of the files.
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
    asked: bool = False
    rating: int | None = None
    opinion: str | None = None
    recordings: tuple[str, ...] = ()
    called_back: CallId | None = None
    passes: tuple[PassRecord, ...] = ()


Command = (
    Answer
    | Play
    | RecordOpinion
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
