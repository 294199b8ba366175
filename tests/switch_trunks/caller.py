"""A caller at the level of single SIP messages: for a wrong password, a key in INFO, a text that no telephone sends."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from hotline.rehearsal.process_live import free_port
from hotline.rehearsal.results import SeatLogin
from hotline.rehearsal.sipp_live import Address

_serial = itertools.count(1)


@dataclass
class RawCaller(asyncio.DatagramProtocol):
    """One call over UDP. ``heard``: the final answers and requests that have come and were not asked for yet."""

    bind: Address
    switch: Address
    caller: str
    number: str
    login: SeatLogin | None = None
    media: int = 0
    serial: int = field(default_factory=lambda: next(_serial))
    heard: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    transport: asyncio.DatagramTransport | None = None
    to_tag: str = ""
    cseq: int = 0

    def datagram_received(self, data: bytes, addr: object) -> None:
        text = data.decode("utf-8", "replace")
        first = text.split("\r\n", 1)[0]
        if not first.startswith("SIP/2.0 "):
            assert self.transport is not None
            kept = re.findall(r"^(?:Via|From|To|Call-ID|CSeq):.*$", text, re.MULTILINE | re.IGNORECASE)
            lines = ["SIP/2.0 200 OK", *(line.rstrip("\r") for line in kept), "Content-Length: 0", "", ""]
            self.transport.sendto("\r\n".join(lines).encode(), self.switch)
            if first.startswith("BYE "):
                self.over.set()
        elif not first.startswith("SIP/2.0 1"):
            self.heard.put_nowait(text)

    def send(self, method: str, body: str = "", kind: str = "", *, ack: bool = False, more: str = "") -> None:
        """Send a request of this call."""
        assert self.transport is not None
        self.cseq += not ack
        host, port = self.bind
        target = f"sip:{self.number}@{self.switch[0]}:{self.switch[1]}"
        lines = [
            f"{method} {target} SIP/2.0",
            f"Via: SIP/2.0/UDP {host}:{port};branch=z9hG4bK{self.serial}.{self.cseq}.{method};rport",
            f"From: <sip:{self.caller}@{host}:{port}>;tag=raw{self.serial}",
            f"To: <{target}>{self.to_tag}",
            f"Call-ID: raw-{self.serial}-{port}@{host}",
            f"CSeq: {self.cseq} {method}",
            f"Contact: <sip:{self.caller}@{host}:{port}>",
            "Max-Forwards: 70",
            *([more] if more else []),
            *([f"Content-Type: {kind}"] if kind else []),
            f"Content-Length: {len(body)}",
            "",
            body,
        ]
        self.transport.sendto("\r\n".join(lines).encode(), self.switch)

    async def final(self) -> tuple[int, str]:
        """The next final answer, and its status."""
        async with asyncio.timeout(10):
            text = await self.heard.get()
        return int(text[8:11]), text

    async def dial(self) -> int:
        """Ask for the number, answer one challenge; the status with which it ends (200: the call is up)."""
        sdp = (
            f"v=0\r\no=raw 1 1 IN IP4 {self.bind[0]}\r\ns=-\r\nc=IN IP4 {self.bind[0]}\r\nt=0 0\r\n"
            f"m=audio {self.media or free_port(self.bind[0])} RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
        )
        self.send("INVITE", sdp, "application/sdp")
        status, text = await self.final()
        if status == 401 and self.login is not None:
            self._acknowledge(text)
            self.to_tag = ""
            self.send("INVITE", sdp, "application/sdp", more=self._proof(text))
            status, text = await self.final()
        self._acknowledge(text)
        return status

    async def press(self, key: str) -> int:
        """A key in SIP INFO; the status with which it is answered."""
        self.send("INFO", f"Signal={key}\r\nDuration=160\r\n", "application/dtmf-relay")
        return (await self.final())[0]

    def _acknowledge(self, answer: str) -> None:
        tag = re.search(r"^To:.*?(;tag=[^\s;]+)", answer, re.MULTILINE | re.IGNORECASE)
        self.to_tag = tag[1] if tag else ""
        self.send("ACK", ack=True)

    def _proof(self, challenge: str) -> str:
        """RFC 2617 with qop=auth and MD5."""
        assert self.login is not None
        said = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
        uri = f"sip:{self.number}@{self.switch[0]}:{self.switch[1]}"
        user, realm, nonce = self.login.number, said["realm"], said["nonce"]

        def digest(*parts: str) -> str:
            return hashlib.md5(":".join(parts).encode(), usedforsecurity=False).hexdigest()

        response = digest(
            digest(user, realm, self.login.secret), nonce, "00000001", "abc", "auth", digest("INVITE", uri)
        )
        opaque = f',opaque="{said["opaque"]}"' if "opaque" in said else ""
        return (
            f'Authorization: Digest username="{user}",realm="{realm}",nonce="{nonce}",uri="{uri}",'
            f'response="{response}",algorithm=MD5,qop=auth,nc=00000001,cnonce="abc"{opaque}'
        )


@asynccontextmanager
async def raw_caller(
    host: str, switch: Address, caller: str, number: str, login: SeatLogin | None = None
) -> AsyncIterator[RawCaller]:
    """A caller at ``host`` who has not dialled yet; on leaving he hangs up."""
    bind = host, free_port(host)
    one = RawCaller(bind, switch, caller, number, login)
    one.transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: one, local_addr=bind)
    try:
        yield one
    finally:
        if one.to_tag and not one.over.is_set():
            one.send("BYE")
        one.transport.close()
