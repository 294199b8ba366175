"""A far end that keeps every INVITE as it came: what travels along with a call can be read there word for word."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

Address = tuple[str, int]

_SDP = "v=0\r\no=far 1 1 IN IP4 {0}\r\ns=-\r\nc=IN IP4 {0}\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"


class FarSocket(asyncio.DatagramProtocol):
    """Answers OPTIONS and, as ``says`` tells (``486 Busy Here``, ``200 OK``), every INVITE; ``invites`` are in their order."""

    def __init__(self, says: str = "486 Busy Here") -> None:
        self.says = says
        self.loses = 0
        """so many OPTIONS from now on are never answered, however often each is sent"""
        self._lost: set[str | None] = set()
        self.invites: list[str] = []
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Address) -> None:
        text = data.decode("utf-8", "replace")
        method = text.split(" ", 1)[0]
        if method == "INVITE":
            known = {header(invite, "Call-ID") for invite in self.invites}
            if header(text, "Call-ID") not in known:
                self.invites.append(text)
            self._answer(text, self.says, addr)
        elif method == "OPTIONS" and self._loses(header(text, "Call-ID")):
            pass
        elif method in {"OPTIONS", "BYE", "CANCEL", "NOTIFY"}:
            self._answer(text, "200 OK", addr)

    def _loses(self, asked: str | None) -> bool:
        if asked not in self._lost and self.loses:
            self.loses -= 1
            self._lost.add(asked)
        return asked in self._lost

    def _answer(self, text: str, status: str, to: Address) -> None:
        assert self._transport is not None
        host, port = self._transport.get_extra_info("sockname")
        kept = [line.strip() for line in re.findall(r"^(?:Via|From|Call-ID|CSeq): .*$", text, re.MULTILINE)]
        lines = [
            f"SIP/2.0 {status}",
            *kept,
            f"To: {header(text, 'To')};tag=far",
            f"Contact: <sip:far@{host}:{port}>",
        ]
        body = ""
        if text.startswith("INVITE") and status.startswith("200"):
            body = _SDP.format(host)
            lines.append("Content-Type: application/sdp")
        lines += [f"Content-Length: {len(body)}", "", body]
        self._transport.sendto("\r\n".join(lines).encode(), to)


def header(text: str, name: str) -> str | None:
    """The first header of this name."""
    found = re.search(rf"^{name}: (.*?)\r?$", text, re.MULTILINE | re.IGNORECASE)
    return found[1] if found else None


def headers(text: str) -> dict[str, str]:
    """What travels along with this INVITE."""
    names = re.findall(r"^(X-Hotline-[A-Za-z]+|User-to-User): ", text, re.MULTILINE)
    return {name: header(text, name) or "" for name in names}


@asynccontextmanager
async def far_socket(address: Address, says: str = "486 Busy Here") -> AsyncIterator[FarSocket]:
    """A far end at this address."""
    transport, far = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: FarSocket(says), local_addr=address
    )
    try:
        yield far
    finally:
        transport.close()
        await asyncio.sleep(0)  # a transport gives its port back in the loop's next turn
