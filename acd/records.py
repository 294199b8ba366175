"""What remains of a call, of a transfer, of a use of a right."""

from __future__ import annotations

import msgspec

from acd.ids import AgentId, CallId, Millis, SeatId
from acd.passes import PassRecord


class TransferRecord(msgspec.Struct, frozen=True):
    """What remains of one transfer. Instants are ms since 1970, ``None`` where the moment did not come.

    ``how``: ``blind``, ``consult`` or ``three-way``; ``to``: whom, as it was asked (``110``, ``8005``, ``12329``);
    ``number``, ``trunk``, ``seat``: how that was reached. ``outcome``: ``handed over`` (the caller went on with the
    third party), ``joined`` (all three talked, and the third party left first), ``consulted`` (the seat asked and
    came back), ``queued`` (the caller waits, or waited, for another seat), or why not: ``busy``, ``noanswer``,
    ``refused``, ``unreachable``, ``given back``, ``hung up``, ``broken``.
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


class SpokenTurn(msgspec.Struct, frozen=True):
    """One thing that a caller said to the machine, or keyed, and what was made of it.

    ``at``: when it was understood, ms since 1970. ``heard``: the words as they were recognised, ``confidence`` 0 to 1.
    ``did``: ``answered``, ``asked back``, ``confirmed`` (a yes to that, and the answer), ``denied`` (a no to it), ``helped`` (a
    yes to "was that it?"), ``not helped``, ``repeated``, ``more`` (there is a further question), ``sms`` (is sent), ``no sms``,
    ``case`` (about a case that there is), ``number`` (its number), ``passed on`` (no entry is near), ``not understood``,
    ``silence``, ``person`` (was asked for), ``key``, ``bye``. ``entry``: the entry of the knowledge base that it is about,
    ``score`` how near it was, 0 to 1.
    """

    at: Millis
    did: str
    heard: str = ""
    confidence: float = 0.0
    entry: str | None = None
    score: float = 0.0


class Spoken(msgspec.Struct, frozen=True):
    """One conversation of a caller with the machine.

    ``via``: ``greeting`` or ``waiting``. ``over``: how it ended: ``contained`` (the caller needs nobody any more), ``person`` (one
    was asked for, or the caller said no), ``key``, ``silence``, ``misunderstood`` (twice), ``unknown`` (no entry is near),
    ``full``, ``failed`` (the speech server, the recogniser, a limit), ``seat`` (one was free), ``hung up``. ``None`` while it is
    on.
    """

    via: str
    began: Millis
    ended: Millis | None = None
    over: str | None = None
    turns: tuple[SpokenTurn, ...] = ()


class CallRecord(msgspec.Struct, frozen=True):
    """What remains of a call. Instants are ms since 1970, ``None`` where the moment did not come.

    ``disposition``: ``answered`` (by a seat), ``abandoned`` (the caller hung up before a seat answered), ``refused``
    (no channel, or no place in the queue), ``passed`` (answered by a line's own seats, a sub-centre, an emergency centre
    or another's number), ``told`` (heard a notice, was let go), ``lost`` (neither the caller nor anyone of ours ended it:
    something broke), ``not taken`` (a seat called out, and the far end did not answer), ``barred`` (a nuisance caller),
    ``called back`` (left the queue for a call-back), ``not reached`` (a call-back in vain), ``contained`` (the machine answered
    the caller's questions, and he needed nobody).

    ``direction``: ``in``, ``out`` (a seat dialled) or ``back`` (a call-back; ``called_back`` is then the call that
    it answers, and in the record of that call the one that answered it). ``reference``: the case that travels along
    with the call, its own id unless another centre gave one. ``asked`` whether the caller was asked about the
    service, ``rating``: 1 (very dissatisfied) to 5, ``opinion``: the recording of the open answer. ``recordings``:
    names of the files. ``speech``: the conversations with the machine.
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
    speech: tuple[Spoken, ...] = ()


class AuditEntry(msgspec.Struct, frozen=True):
    """One use of a right over others' work, or the attempt: kept for ever, never changed (`acd.audit.note` makes it).

    ``number`` counts the engine's entries: with ``at`` it tells an entry written twice from two. ``what``:
    ``listen``, ``take over``, ``nuisance add`` ...; ``who``: the agent's number (``""``: nobody was signed on) with
    the ``role`` at that moment; ``whom``: the agent, seat or number that it was used on; ``phone``: the seat on
    which it was asked, ``None``: by command; ``why``:
    the reason that was given, or the reason of the refusal.
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
