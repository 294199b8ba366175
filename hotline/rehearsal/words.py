"""SIP and RTP as far as a drill's callers, phones and far ends need them: text and bytes, nothing that is sent. Pure.

RFC 3261, 3326 (Reason), 3550, 4733. The other side is our own Asterisk, over UDP on the loopback.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass

ALAW, ULAW, EVENTS = 8, 0, 101
FRAME = 160
"""samples of one packet, 20 ms"""

_SHORT = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length"}
_CAUSE = re.compile(r"Q\.850\s*;(?:[^,]*;)?\s*cause\s*=\s*(\d+)", re.IGNORECASE)
_USER = re.compile(r"(?:\"((?:[^\"\\]|\\.)*)\"\s*)?(?:[^<\"]*)<?sips?:(?:([^@;>]*)@)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Message:
    """One SIP message. ``first``: its first line; ``headers``: names in lower case, in their order."""

    first: str
    headers: tuple[tuple[str, str], ...]
    body: str = ""

    @classmethod
    def read(cls, data: bytes) -> Message | None:
        """The message in a datagram; ``None`` for a keep-alive or anything else that is none."""
        head, _, body = data.decode("utf-8", "replace").partition("\r\n\r\n")
        first, *lines = re.sub(r"\r\n[ \t]+", " ", head).split("\r\n")
        if "SIP/2.0" not in first:
            return None
        headers = []
        for line in lines:
            name, colon, value = line.partition(":")
            if colon:
                low = name.strip().lower()
                headers.append((_SHORT.get(low, low), value.strip()))
        return cls(first, tuple(headers), body)

    @property
    def code(self) -> int | None:
        """The status of a response, ``None`` for a request."""
        return int(self.first.split(" ", 2)[1]) if self.first.startswith("SIP/2.0 ") else None

    @property
    def method(self) -> str:
        """What is asked; of a response what was asked."""
        return self.header("cseq").rpartition(" ")[2] if self.code else self.first.partition(" ")[0]

    def header(self, name: str) -> str:
        """The first header of this name, "" without one."""
        return next((value for key, value in self.headers if key == name), "")

    def every(self, name: str) -> list[str]:
        """Every header of this name."""
        return [value for key, value in self.headers if key == name]

    @property
    def asked_user(self) -> str:
        """The user part of a request's URI: the number that is called."""
        found = re.match(r"\S+ sips?:([^@;> ]*)@", self.first)
        return found[1] if found else ""

    @property
    def caller(self) -> tuple[str, str]:
        """Number and display name of From."""
        found = _USER.match(self.header("from"))
        if found is None:
            return "", ""
        return found[2] or "", re.sub(r"\\(.)", r"\1", found[1] or "")

    @property
    def cause(self) -> int | None:
        """The Q.850 cause that a Reason header gives."""
        found = _CAUSE.search(self.header("reason"))
        return int(found[1]) if found else None

    @property
    def media(self) -> tuple[str, int, int] | None:
        """Address and port to which audio is to be sent, and its payload type; ``None`` without audio."""
        where = re.search(r"^c=IN IP4 (\S+)", self.body, re.MULTILINE)
        audio = re.search(r"^m=audio (\d+) RTP/AVP ([\d ]+)", self.body, re.MULTILINE)
        if where is None or audio is None:
            return None
        types = [int(text) for text in audio[2].split()]
        law = next((law for law in types if law in (ALAW, ULAW)), None)
        return None if law is None else (where[1], int(audio[1]), law)


def request(method: str, uri: str, headers: Sequence[tuple[str, str]], body: str = "") -> bytes:
    """A request as it is sent."""
    return _message(f"{method} {uri} SIP/2.0", headers, body)


def answer(asked: Message, status: str, *, tag: str, contact: str = "", body: str = "") -> bytes:
    """The response to a request. ``status``: ``200 OK``; ``tag``: ours, which goes into To."""
    to = asked.header("to")
    headers = [("Via", via) for via in asked.every("via")]
    headers += [("From", asked.header("from")), ("To", to if ";tag=" in to else f"{to};tag={tag}")]
    headers += [("Call-ID", asked.header("call-id")), ("CSeq", asked.header("cseq"))]
    if contact:
        headers.append(("Contact", contact))
        headers.append(("Allow", "INVITE, ACK, BYE, CANCEL, OPTIONS, NOTIFY, INFO, UPDATE, MESSAGE"))
    return _message(f"SIP/2.0 {status}", headers, body)


def _message(first: str, headers: Sequence[tuple[str, str]], body: str) -> bytes:
    content = body.encode()
    lines = [first, *(f"{name}: {value}" for name, value in headers)]
    if content:
        lines.append("Content-Type: application/sdp")
    return "\r\n".join([*lines, f"Content-Length: {len(content)}", "", ""]).encode() + content


def audio(address: str, port: int, version: int = 1) -> str:
    """The SDP of one who speaks G.711 and sends keys as events."""
    return (
        f"v=0\r\no=drill 1 {version} IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\n"
        f"m=audio {port} RTP/AVP {ALAW} {ULAW} {EVENTS}\r\na=rtpmap:{ALAW} PCMA/8000\r\n"
        f"a=rtpmap:{ULAW} PCMU/8000\r\na=rtpmap:{EVENTS} telephone-event/8000\r\n"
        f"a=fmtp:{EVENTS} 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
    )


@dataclass(frozen=True, slots=True)
class Packet:
    """One RTP packet."""

    payload_type: int
    sequence: int
    timestamp: int
    source: int
    payload: bytes
    marker: bool = False

    @classmethod
    def read(cls, data: bytes) -> Packet | None:
        """The packet in a datagram; ``None`` for anything else."""
        if len(data) < 12 or data[0] >> 6 != 2:
            return None
        first, second, sequence, timestamp, source = struct.unpack_from(">BBHII", data)
        start = 12 + 4 * (first & 15)
        if first & 0x10 and len(data) >= start + 4:
            start += 4 + 4 * struct.unpack_from(">H", data, start + 2)[0]
        end = len(data) - (data[-1] if first & 0x20 else 0)
        return cls(second & 0x7F, sequence, timestamp, source, data[start:end], bool(second & 0x80))

    def written(self) -> bytes:
        """The packet as it is sent."""
        second = self.payload_type | (0x80 if self.marker else 0)
        head = struct.pack(
            ">BBHII", 0x80, second, self.sequence & 0xFFFF, self.timestamp & 0xFFFFFFFF, self.source
        )
        return head + self.payload


def key_events(key: str, frames: int = 5) -> list[bytes]:
    """The payloads of one key pressed for ``frames`` packets, its end told three times (RFC 4733, 2.5.1)."""
    event = "0123456789*#".index(key)
    last = frames * FRAME
    held = [struct.pack(">BBH", event, 10, n * FRAME) for n in range(1, frames + 1)]
    return held + [struct.pack(">BBH", event, 0x80 | 10, last)] * 3
