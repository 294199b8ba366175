"""AudioSocket as bytes in, messages out: no sockets, no clock.

A message is one byte of kind, two of length (big endian) and so many of payload. Asterisk 22 sends the stream's UUID first,
then 16-bit signed linear audio at 8 kHz, mono, little endian, about 20 ms a message, and keys as they are let go; it takes
audio and the hang-up, and calls anything else an error. Source: Asterisk's page "AudioSocket" and ``res_audiosocket.c``.

Its reader wants a message whole: it starts the three bytes of the header anew when they come in pieces, and waits 5 ms for
a payload. So whoever writes to it gives each message to the network in one piece.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

RATE = 8_000
"""samples a second"""
FRAME_MS = 20
FRAME_BYTES = RATE * FRAME_MS // 1000 * 2
"""of one frame of 20 ms: 160 samples of two bytes"""
SILENCE = bytes(FRAME_BYTES)
MOST_AUDIO = 16_384
"""bytes in one message of audio: a second and a little more; Asterisk sends 320, with other phones up to 1,920"""

_HEADER = 3
_KEYS = frozenset(b"0123456789*#ABCD")


class Kind(IntEnum):
    """The first byte of a message."""

    HANG_UP = 0x00
    UUID = 0x01
    KEY = 0x03
    AUDIO = 0x10
    ERROR = 0xFF


_LONGEST = {Kind.HANG_UP: 0, Kind.UUID: 16, Kind.KEY: 1, Kind.AUDIO: MOST_AUDIO, Kind.ERROR: 255}


class AudioSocketBroken(Exception):
    """The peer doesn't speak AudioSocket as Asterisk's application ``AudioSocket()`` does."""


@dataclass(frozen=True, slots=True)
class Hello:
    """How a stream opens: which one it is, as the 36 characters of a UUID."""

    uuid: str


@dataclass(frozen=True, slots=True)
class Audio:
    """What the caller's side sounded like: 16-bit samples, little endian, 8 kHz, mono; an even number of bytes, of any length."""

    pcm: bytes


@dataclass(frozen=True, slots=True)
class Key:
    """The caller has pressed a key: one of ``0`` to ``9``, ``*``, ``#``, ``A`` to ``D``."""

    digit: str


@dataclass(frozen=True, slots=True)
class PeerHangup:
    """The peer ends the stream."""


@dataclass(frozen=True, slots=True)
class PeerError:
    """The peer reports an error: 1 it hung up, 2 it could not pass a frame on, 4 no memory; None where it gives no code."""

    code: int | None


Message = Hello | Audio | Key | PeerHangup | PeerError


class AudioSocketStream:
    """Everything one connection hears, cut into messages, whatever the cuts of the network."""

    __slots__ = ("_opened", "_rest")

    def __init__(self) -> None:
        self._rest = b""
        self._opened = False

    @property
    def unfinished(self) -> int:
        """Bytes of a message that is not complete: more than none at the end means that the peer left in the middle."""
        return len(self._rest)

    def feed(self, data: bytes) -> list[Message]:
        """The messages that these bytes complete, in order. Raises `AudioSocketBroken`; the stream is then useless."""
        if self._rest:
            data = self._rest + data
        heard: list[Message] = []
        at, end = 0, len(data)
        while at < end:
            kind = _kind(data[at])
            if end - at < _HEADER:
                break
            length = data[at + 1] << 8 | data[at + 2]
            _check_length(kind, length)
            stop = at + _HEADER + length
            if stop > end:
                break
            heard.append(self._message(kind, data[at + _HEADER : stop]))
            at = stop
        self._rest = data[at:]
        return heard

    def _message(self, kind: Kind, payload: bytes) -> Message:
        if kind is Kind.UUID:
            if self._opened:
                raise AudioSocketBroken("a second UUID in one stream")
            self._opened = True
            return Hello(_uuid(payload))
        if kind is Kind.HANG_UP:
            return PeerHangup()
        if kind is Kind.ERROR:
            return PeerError(payload[0] if payload else None)
        if not self._opened:
            raise AudioSocketBroken(f"{kind.name} before the UUID")
        if kind is Kind.AUDIO:
            return Audio(payload)
        if payload[0] not in _KEYS:
            raise AudioSocketBroken(f"key {payload!r}: a key is 0 to 9, *, # or A to D")
        return Key(chr(payload[0]))


def _kind(byte: int) -> Kind:
    try:
        return Kind(byte)
    except ValueError:
        raise AudioSocketBroken(f"a message of kind 0x{byte:02x}; known are 00, 01, 03, 10 and ff") from None


def _check_length(kind: Kind, length: int) -> None:
    if length > _LONGEST[kind]:
        raise AudioSocketBroken(f"{kind.name} of {length} bytes; at most {_LONGEST[kind]} are read")
    if kind in {Kind.UUID, Kind.KEY} and length < _LONGEST[kind]:
        raise AudioSocketBroken(f"{kind.name} of {length} bytes instead of {_LONGEST[kind]}")
    if kind is Kind.AUDIO and length % 2:
        raise AudioSocketBroken(f"AUDIO of {length} bytes: half a sample")


def _uuid(payload: bytes) -> str:
    text = payload.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def message(kind: Kind, payload: bytes = b"") -> bytes:
    """One message as bytes. Raises ``ValueError`` for a payload that this kind can't have."""
    try:
        _check_length(kind, len(payload))
    except AudioSocketBroken as why:
        raise ValueError(str(why)) from None
    return bytes((kind, len(payload) >> 8, len(payload) & 0xFF)) + payload


HANG_UP = message(Kind.HANG_UP)
"""ends the stream: ``AudioSocket()`` then returns as if all were well, and the dialplan goes on"""
QUIET = message(Kind.AUDIO, SILENCE)
"""20 ms of silence"""


class Framing:
    """Audio of any length into frames of 20 ms: phones send 10, 30 or 60 ms as well."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def cut(self, pcm: bytes) -> list[bytes]:
        """The frames that these samples complete, each of `FRAME_BYTES`."""
        if not self._rest and len(pcm) == FRAME_BYTES:  # what nearly every message is
            return [pcm]
        pcm = self._rest + pcm
        whole = len(pcm) - len(pcm) % FRAME_BYTES
        self._rest = pcm[whole:]
        return [pcm[at : at + FRAME_BYTES] for at in range(0, whole, FRAME_BYTES)]
