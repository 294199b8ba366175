"""A carrier's exchange as a socket: it keeps every INVITE that it gets, and does with each number what it was told to."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from typing import Self

from hotline.rehearsal.sipp_live import Address

SDP = "\r\n".join(
    (
        "v=0",
        "o=x 1 1 IN IP4 {host}",
        "s=-",
        "c=IN IP4 {host}",
        "t=0 0",
        "m=audio 6000 RTP/AVP 8 101",
        "a=rtpmap:8 PCMA/8000",
        "a=rtpmap:101 telephone-event/8000",
        "",
    )
)
REFUSALS = {"busy": "486 Busy Here", "unknown": "404 Not Found", "full": "503 Service Unavailable"}


@dataclass
class Invited:
    """One INVITE: the number that was asked for, and the whole text. ``ended``: a BYE or a CANCEL has come."""

    number: str
    text: str
    peer: Address
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    acked: asyncio.Event = field(default_factory=asyncio.Event)

    def header(self, name: str) -> str:
        """The value of the first header of this name."""
        found = re.search(rf"^{name}: *(.*?)\r?$", self.text, re.MULTILINE | re.IGNORECASE)
        return found[1] if found else ""


class Exchange(asyncio.DatagramProtocol):
    """``manners``: by number ``busy``, ``unknown``, ``full`` or ``rings`` (and never answers); every other is answered at once."""

    def __init__(self, at: Address) -> None:
        self.at = at
        self.manners: dict[str, str] = {}
        self.calls: list[Invited] = []
        self.came = asyncio.Condition()
        self._transport: asyncio.DatagramTransport | None = None

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, local_addr=self.at)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._transport is not None
        self._transport.close()
        await asyncio.sleep(0)  # a transport gives its port back in the loop's next turn

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def to(self, number: str) -> list[Invited]:
        """The calls to this number so far."""
        return [call for call in self.calls if call.number == number]

    def datagram_received(self, data: bytes, addr: Address) -> None:
        text = data.decode()
        method = text.split(" ", 1)[0]
        call = next((c for c in self.calls if c.header("Call-ID") == _header(text, "Call-ID")), None)
        if method == "INVITE" and call is None:
            number = re.match(r"INVITE sip:([^@]+)@", text)
            call = Invited(number[1] if number else "", text, addr)
            self.calls.append(call)
            manner = self.manners.get(call.number, "answers")
            self._say(text, addr, "100 Trying")
            if manner in REFUSALS:
                self._say(text, addr, REFUSALS[manner])
                return
            self._say(text, addr, "180 Ringing")
            if manner == "answers":
                self._say(text, addr, "200 OK", SDP.format(host=self.at[0]))
        elif method in {"BYE", "CANCEL"}:
            self._say(text, addr, "200 OK")
            if call is not None:
                call.ended.set()
                if method == "CANCEL":
                    self._say(call.text, addr, "487 Request Terminated")
        elif method == "ACK" and call is not None:
            call.acked.set()
        elif method == "OPTIONS":
            self._say(text, addr, "200 OK")

    def hang_up(self, call: Invited) -> None:
        """End an answered call from the far side."""
        assert self._transport is not None
        contact = re.search(r"<(sip:[^>]+)>", call.header("Contact"))
        assert contact is not None
        lines = [
            f"BYE {contact[1]} SIP/2.0",
            f"Via: SIP/2.0/UDP {self.at[0]}:{self.at[1]};branch=z9hG4bK-bye-{len(self.calls)}",
            "Max-Forwards: 70",
            f"From: {call.header('To')};tag=far",
            f"To: {call.header('From')}",
            f"Call-ID: {call.header('Call-ID')}",
            "CSeq: 1 BYE",
            "Content-Length: 0",
        ]
        self._transport.sendto("\r\n".join([*lines, "", ""]).encode(), call.peer)

    def _say(self, asked: str, addr: Address, status: str, body: str = "") -> None:
        assert self._transport is not None
        kept = [line for line in asked.split("\r\n") if re.match(r"(?i)(via|from|call-id|cseq):", line)]
        to = f"To: {_header(asked, 'To')}" + ("" if "tag=" in _header(asked, "To") else ";tag=far")
        lines = [f"SIP/2.0 {status}", *kept, to, f"Contact: <sip:far@{self.at[0]}:{self.at[1]}>"]
        if body:
            lines.append("Content-Type: application/sdp")
        lines += [f"Content-Length: {len(body)}", "", body]
        self._transport.sendto("\r\n".join(lines).encode(), addr)


def _header(text: str, name: str) -> str:
    found = re.search(rf"^{name}: *(.*?)\r?$", text, re.MULTILINE | re.IGNORECASE)
    return found[1] if found else ""
