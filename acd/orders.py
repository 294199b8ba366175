"""Orders: to the switch, to a seat's phone, to the recorder and the database."""

from __future__ import annotations

from acd.ids import AgentId, CallId, Message, Millis, SeatId
from acd.records import AuditEntry, CallRecord
from trunks.handover import Handover


class Answer(Message, frozen=True):
    """Answer the caller's channel."""

    call: CallId


class Play(Message, frozen=True):
    """Play these prompts one after the other; ``keys`` cut them short. Answered by `PromptFinished`.

    A prompt is a name in the prompt library (``greeting``) or a text in Chinese that the library turns into one.
    ``wait_ms``: how long to wait for a key after the last prompt, 0 not at all. ``served``: a seat has served the
    caller:
    if the engine dies meanwhile he is let go with a word of thanks, and not led to the seats again.
    """

    call: CallId
    prompts: tuple[str, ...]
    keys: str = ""
    wait_ms: Millis = 0
    served: bool = False


class RecordOpinion(Message, frozen=True):
    """Record what the caller says after the tone into ``file`` (a name), for ``most_ms`` at most, until ``#`` or
    ``silence_ms`` of silence.

    Answered by `OpinionRecorded`.
    """

    call: CallId
    file: str
    most_ms: Millis
    silence_ms: Millis


class HoldMusic(Message, frozen=True):
    """The caller waits in ``queue`` and hears ``music``: the name of a directory of recordings, empty for the usual one."""

    call: CallId
    queue: str
    music: str = ""


class Announce(Message, frozen=True):
    """Say these prompts to a caller who waits, and go on with the music; one of ``keys`` ends them, also while music plays again.

    The next order for the caller cuts them short at once. Answered by `AnnouncementOver` unless it was cut.
    """

    call: CallId
    prompts: tuple[str, ...]
    keys: str = ""


class Converse(Message, frozen=True):
    """Lead the caller to the machine that answers questions. Answered by `CallerSpoke` for each turn, and `ConversationOver`.

    ``offer`` is said first, ``person`` when he is led (back) to a person. ``sms``: an answer can be sent to ``caller``; ``case``:
    he is asked for his case's number, ``identity``: or that of his identity card. The next order that is more than music ends
    the conversation.
    """

    call: CallId
    offer: tuple[str, ...]
    person: tuple[str, ...]
    line: str | None = None
    caller: str = ""
    sms: bool = False
    case: bool = True
    identity: bool = False


class RingAgent(Message, frozen=True):
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


class RingForCallBack(Message, frozen=True):
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


class DropBack(Message, frozen=True):
    """Hang up the seat's channel of a call-back, if there is one; `CallerHungUp` follows if there was."""

    call: CallId


class PassOn(Message, frozen=True):
    """Pass the caller to ``number`` over ``trunk``; answered by `PassAnswered` or `PassFailed`. ``handover`` goes along."""

    call: CallId
    trunk: str
    number: str
    ring_ms: Millis
    line: str = ""
    handover: Handover | None = None


class DialOut(Message, frozen=True):
    """Ring ``number`` over ``trunk``, or another ``seat``, for the seat that dialled; answered by `PassAnswered` or `PassFailed`.

    ``shows``: the number that the far end sees; empty: the seat's own.
    """

    call: CallId
    number: str
    trunk: str | None = None
    seat: SeatId | None = None
    shows: str = ""
    ring_ms: Millis = 45_000


class TellSupervisors(Message, frozen=True):
    """Something at a seat that supervisors should see. ``what``: ``rests``, ``back from rest``, ``break begins``,
    ``break overrun``, ``break ends``, ``waits for a break`` or ``signed off``; ``why`` in words; ``alarm``:
    somebody should act."""

    what: str
    agent: AgentId
    seat: SeatId
    why: str = ""
    alarm: bool = False


class Refuse(Message, frozen=True):
    """Refuse an unanswered call with a Q.850 cause (34 no channel: the carrier hears 503)."""

    call: CallId
    cause: int


class HangUp(Message, frozen=True):
    """End the call from our side with a Q.850 cause."""

    call: CallId
    cause: int = 16


class DropSeat(Message, frozen=True):
    """Hang up the seat's leg, the ring that is on or the talk (forced sign-off)."""

    call: CallId
    seat: SeatId


class Part(Message, frozen=True):
    """Take the two out of their plain bridge at the same moment: ``room``, ``held`` or ``gone`` for each. Answered by `LegAt`.

    ``agent`` and ``number`` stand where the seat placed the call: the person called, at ``number``, is the caller from now on, and
    the call's own channel the leg of ``agent``'s seat.
    """

    call: CallId
    caller: str
    seat: str
    agent: AgentId | None = None
    number: str = ""


class MoveLeg(Message, frozen=True):
    """Lead a party from the room out (``held``) or in (``room``). Answered by `LegAt`."""

    call: CallId
    leg: str
    place: str
    channel: str | None = None


class CallThird(Message, frozen=True):
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


class DropLeg(Message, frozen=True):
    """Hang up the seat's (``seat``) or the third party's channel of a call; that of the caller is `HangUp`'s."""

    call: CallId
    leg: str
    channel: str | None = None


class SayTo(Message, frozen=True):
    """Say these prompts to a party that is held. Answered by `LegHeard`."""

    call: CallId
    leg: str
    prompts: tuple[str, ...]


class Transcribe(Message, frozen=True):
    """Write down what the caller and the agent at ``seat`` say to each other, as they say it. Nothing answers it, and a fault of it
    touches no call.

    ``channel``: the seat's, where it has come to the call by a transfer; ``None``: the one that was rung for it.
    """

    call: CallId
    agent: AgentId
    seat: SeatId
    line: str | None = None
    channel: str | None = None


class StopTranscribe(Message, frozen=True):
    """Write down no more of this talk. The call may be over already."""

    call: CallId


class FetchBack(Message, frozen=True):
    """Fetch a caller who waits in the switch's own fallback queue back into the engine's hands."""

    call: CallId


class Tell(Message, frozen=True):
    """Say these prompts to the phone that asked on ``desk`` and end that call."""

    desk: str
    prompts: tuple[str, ...]


class KeepInStep(Message, frozen=True):
    """Keep the switch's own fallback queue in step: is this seat to be rung if the engine is gone?"""

    seat: SeatId
    member: bool


class StartRecording(Message, frozen=True):
    """Record the caller's channel into these files (relative names): one for both sides mixed, two for the caller's and
    the others'.

    ``aside``: the seat's channel instead, while it talks to a third party and the caller is outside; ``channel`` is that one's
    unique id, ``None``: that of the seat that was rung for the call.
    """

    call: CallId
    names: tuple[str, ...]
    aside: bool = False
    channel: str | None = None


class StopRecording(Message, frozen=True):
    """Close the files that are being written. ``aside`` as in `StartRecording`, here and below."""

    call: CallId
    aside: bool = False


class PauseRecording(Message, frozen=True):
    """Write silence instead of what is said."""

    call: CallId
    aside: bool = False


class ResumeRecording(Message, frozen=True):
    """Write what is said again."""

    call: CallId
    aside: bool = False


class RaiseAlarm(Message, frozen=True):
    """Tell the supervisors: ``kind`` (``flood`` ...), ``about`` whom or what, and the words."""

    kind: str
    about: str
    words: str


class WriteRecord(Message, frozen=True):
    """Store the record of a call that is over; answered by `RecordStored`, repeated after a restart until then."""

    record: CallRecord


class WriteAudit(Message, frozen=True):
    """Store an entry of the audit log; answered by `AuditStored`, repeated after a restart until then."""

    entry: AuditEntry


class Spy(Message, frozen=True):
    """Let a supervisor's ``channel`` hear the seat's leg of a call; ``how``: ``listen``, ``whisper`` (heard by the
    seat alone) or ``barge`` (heard by both). Answered by `SupervisionBegan` and, whatever happens,
    `SupervisionEnded`.

    ``desk``: the channel is there already, the phone's that dialled; otherwise ``phone`` is called. ``leg``: the
    seat's channel where it has come to the call by a transfer.
    """

    call: CallId
    channel: str
    phone: SeatId
    how: str
    leg: str | None = None
    desk: bool = True


class LeadIn(Message, frozen=True):
    """Lead a supervisor's ``channel`` into the call's room, to take the call over. Answered as `Spy` is."""

    call: CallId
    channel: str
    phone: SeatId
    desk: bool = True


class SeatChanged(Message, frozen=True):
    """From now on this agent's channel is the seat's leg of the call; it is no longer a supervisor's."""

    call: CallId
    channel: str
    agent: AgentId
    seat: SeatId


class EndSupervision(Message, frozen=True):
    """Hang up a supervisor's channel."""

    channel: str
