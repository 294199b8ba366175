"""What the engine's process and the speech process say to each other: one JSON object a line, over a socket that both hold.

Speech has a process of its own: a recogniser that dies, hangs or is slow takes no call with it, since whoever is inside it goes on
in the dialplan, to a person.
"""

from __future__ import annotations

import msgspec

from asr.vosk_live import Measured

FD = "HOTLINE_SPEECH"
"""the environment's variable with the number of the socket that the speech process inherits"""


class Settings(msgspec.Struct, frozen=True):
    """What the speech process is started with.

    ``model``: the folder of a Vosk model; ``most``: callers at once, 0: as many as this machine was measured to take; ``sure``:
    mean confidence from which an utterance counts; ``records``: the database with the knowledge base of ``city``; ``sounds``:
    the prompt library; ``recordings``: people's recordings that win over it; ``names``: lines by what callers call them (hot
    words); ``end_ms``: so much silence ends an utterance, ``no_input_ms``: so long nobody is waited for, ``longest_ms``: a
    talker is stopped then. ``measured``: what `Ready` said of this model before; None: measure it.
    """

    city: str
    model: str
    records: str
    sounds: str
    recordings: tuple[str, ...] = ()
    names: dict[str, str] = {}
    most: int = 0
    sure: float = 0.95
    end_ms: int = 460
    no_input_ms: int = 4_000
    longest_ms: int = 15_000
    measured: Measured | None = None


# ── to the speech process ───────────────────────────────────────────────────────────────────────────────────────


class Expect(msgspec.Struct, frozen=True, tag=True):
    """A caller is about to come as this stream; `ivr.dialogue.Terms`' fields. Streams that nobody told of are refused."""

    uuid: str
    call: str
    offer: tuple[str, ...]
    person: tuple[str, ...]
    line: str | None = None
    sms: bool = False
    case: bool = True
    identity: bool = False


class Overhear(msgspec.Struct, frozen=True, tag=True):
    """A stream that is only listened to, and written down: one side of a talk at a seat. ``who``: ``caller`` or ``seat``."""

    uuid: str
    call: str
    who: str
    line: str | None = None


class End(msgspec.Struct, frozen=True, tag=True):
    """End this stream at once: somebody better has the caller."""

    uuid: str


Told = Expect | Overhear | End


# ── from it ─────────────────────────────────────────────────────────────────────────────────────────────────────


class Ready(msgspec.Struct, frozen=True, tag=True):
    """It listens there; ``most``: callers at once. ``model``, ``words``, ``hot_words``: what it can hear; ``entries``: what it
    can say."""

    host: str
    port: int
    most: int
    model: str
    words: int
    hot_words: bool
    entries: int
    measured: Measured


class Unable(msgspec.Struct, frozen=True, tag=True):
    """It can't serve anybody: ``place: fault: remedy``. The process ends, and is tried again later."""

    fault: str


class Alive(msgspec.Struct, frozen=True, tag=True):
    """A sign of life, several times a second."""

    calls: int = 0


class Expected(msgspec.Struct, frozen=True, tag=True):
    """The answer to `Expect` and `Overhear`: the stream may come now."""

    uuid: str


class Turn(msgspec.Struct, frozen=True, tag=True):
    """`ivr.dialogue.Note`, of a stream."""

    uuid: str
    call: str
    did: str
    heard: str = ""
    confidence: float = 0.0
    entry: str | None = None
    score: float = 0.0


class Text(msgspec.Struct, frozen=True, tag=True):
    """An entry's SMS is to be sent to the caller."""

    uuid: str
    call: str
    entry: str
    text: str


class Over(msgspec.Struct, frozen=True, tag=True):
    """The conversation is over: `ivr.dialogue.Leave`, or ``failed``, ``full``, ``hung up``, ``seat`` (by `End`)."""

    uuid: str
    call: str
    over: str
    line: str | None = None
    reference: str | None = None


class Suggestion(msgspec.Struct, frozen=True):
    """An entry that may help the seat."""

    entry: str
    question: str
    answer: str
    score: float


class Overheard(msgspec.Struct, frozen=True, tag=True):
    """What one side of a talk at a seat said. ``final``: it will not change any more."""

    uuid: str
    call: str
    who: str
    text: str
    final: bool
    confidence: float = 0.0
    suggestions: tuple[Suggestion, ...] = ()


Heard = Ready | Unable | Alive | Expected | Turn | Text | Over | Overheard

_encoder = msgspec.json.Encoder()
told = msgspec.json.Decoder(Told)
heard = msgspec.json.Decoder(Heard)


def line(message: Settings | Told | Heard) -> bytes:
    """The message as a line."""
    return _encoder.encode(message) + b"\n"
