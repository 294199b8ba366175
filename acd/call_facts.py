"""Facts about calls, and about third parties in them."""

from __future__ import annotations

from acd.ids import AgentId, CallId, Message, Millis, SeatId


class CallOffered(Message, frozen=True):
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


class PromptFinished(Message, frozen=True):
    """What ``Play`` ordered has been heard to its end, or was cut short by ``key``."""

    call: CallId
    key: str | None = None


class CallerHungUp(Message, frozen=True):
    """The caller's channel is gone. ``cause`` is Q.850's (16 normal clearing, 0 not known).

    Of a call that a seat placed: without ``channel`` the seat's own channel is gone, with it the one of the person called.
    """

    call: CallId
    cause: int = 0
    channel: str | None = None


class AnnouncementOver(Message, frozen=True):
    """What `Announce` ordered has been heard, or was ended by ``key``. When a seat's ring cut it short there is no such fact."""

    call: CallId
    key: str | None = None


class AgentAnswered(Message, frozen=True):
    """The seat's phone answered and the two are talking."""

    call: CallId
    agent: AgentId


class AgentRangOut(Message, frozen=True):
    """The ring at the seat ended without an answer. ``why``: the switch's DIALSTATUS in lower case:
    ``noanswer``, ``busy``, ``congestion``, ``chanunavail``, ``cancel``."""

    call: CallId
    agent: AgentId
    why: str = "noanswer"


class AgentHungUp(Message, frozen=True):
    """The seat's leg of a talking call is gone; what becomes of the caller is another fact."""

    call: CallId
    agent: AgentId


class SeatLeft(Message, frozen=True):
    """The seat ``agent`` was at has hung up an answered call, and the caller is in our hands, inside a session."""

    call: CallId
    agent: AgentId = ""


class OpinionRecorded(Message, frozen=True):
    """What `RecordOpinion` ordered is over. ``kept``: something was said and stands in the file."""

    call: CallId
    kept: bool = False


class SpeechServed(Message, frozen=True):
    """So many callers can talk to the machine at once from now on; 0: the speech server is not there."""

    most: int


class CallerSpoke(Message, frozen=True):
    """A caller said something to the machine, or keyed something. The fields are those of `acd.records.SpokenTurn`."""

    call: CallId
    did: str
    heard: str = ""
    confidence: float = 0.0
    entry: str | None = None
    score: float = 0.0


class ConversationOver(Message, frozen=True):
    """What `Converse` ordered is over, and the caller is in our hands. ``over`` as in `acd.records.Spoken`.

    ``line``: he asked for this one; ``reference``: he gave the number of his case.
    """

    call: CallId
    over: str
    line: str | None = None
    reference: str | None = None


class PassAnswered(Message, frozen=True):
    """The far end (a line's own seats, a sub-centre, 110) answered a passed-on call."""

    call: CallId


class PassFailed(Message, frozen=True):
    """The far end did not take the call. ``why`` as in `AgentRangOut`, ``cause`` Q.850's where the switch knows it."""

    call: CallId
    why: str = "noanswer"
    cause: int = 0


class CallReturned(Message, frozen=True):
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


class CallSurvived(Message, frozen=True):
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


class TransferAsked(Message, frozen=True):
    """A seat that talks wants somebody brought in, or its caller sent on.

    ``how``: ``blind``, ``consult`` or ``three-way``. ``to``: a number as it would be dialled, a seat's number, a
    line's (its own people, or the seats that answer it), ``skill:NAME`` or ``queue:NAME``. ``by``: the agent,
    ``""`` whoever has the call.
    ``desk``: the session on which the seat hears the answer, ``None``: asked by command.
    """

    call: CallId
    how: str
    to: str
    by: AgentId = ""
    desk: str | None = None


class TransferSteered(Message, frozen=True):
    """What a seat wishes while a third party is on: ``toggle``, ``complete``, ``together`` or ``give back``."""

    call: CallId
    wish: str
    by: AgentId = ""
    desk: str | None = None


class LegAt(Message, frozen=True):
    """A party has come to where it was led: ``leg`` is ``caller``, ``seat`` or ``third``, ``place`` is ``room`` or ``held``.

    ``channel``: the third party's, as `CallThird` named it. A third party comes to the room by answering.
    """

    call: CallId
    leg: str
    place: str
    channel: str | None = None


class LegHolds(Message, frozen=True):
    """A seat's or third party's phone has put the call on hold, or, ``on`` false, taken it back."""

    call: CallId
    leg: str
    on: bool
    channel: str | None = None


class LegHeard(Message, frozen=True):
    """What `SayTo` ordered has been said."""

    call: CallId
    leg: str


class LegGone(Message, frozen=True):
    """A third party's channel is gone, or never came. ``why`` as in `AgentRangOut`, with ``refused``."""

    call: CallId
    leg: str
    channel: str | None = None
    why: str = "noanswer"
