"""What stood on the wire: every SIP message between the switch and phones or carriers, read from the switch's own capture."""

from __future__ import annotations

import asyncio
import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.switch.conftest import Town

_FILE_HEADER, _PACKET_HEADER = 24, 16
_ETHERNET, _IP, _UDP, _TCP = 14, 20, 8, 20


@dataclass(frozen=True, slots=True)
class Said:
    """One SIP message. ``at`` in seconds since 1970; addresses are (host, port)."""

    at: float
    source: tuple[str, int]
    to: tuple[str, int]
    text: str

    @property
    def method(self) -> str:
        """``INVITE``, or the status as in ``302``."""
        first = self.text.split(" ", 2)
        return first[1] if first[0].startswith("SIP/2.0") else first[0]

    @property
    def user(self) -> str:
        """The user part of the request's URI."""
        found = re.match(r"[A-Z]+ sips?:([^@;> ]+)@", self.text)
        return found[1] if found else ""

    @property
    def is_first(self) -> bool:
        """Is it the request that begins a dialog, and not one inside?"""
        return not re.search(r"^To:.*;tag=", self.text, re.MULTILINE)

    def header(self, name: str) -> str:
        """A header's value, empty where it does not stand."""
        found = re.search(rf"^{name}: *(.*?)\r?$", self.text, re.MULTILINE | re.IGNORECASE)
        return found[1] if found else ""

    @property
    def names(self) -> tuple[str, ...]:
        """Every header that tells of people, as it stands."""
        told = "From|To|Contact|P-Asserted-Identity|P-Preferred-Identity|Remote-Party-ID|Diversion|History-Info|Referred-By"
        return tuple(re.findall(rf"^(?:{told}): *(.*?)\r?$", self.text, re.MULTILINE | re.IGNORECASE))

    @property
    def own_headers(self) -> tuple[str, ...]:
        """The names of headers that no standard has."""
        return tuple(re.findall(r"^(X-[^:]+|User-to-User):", self.text, re.MULTILINE | re.IGNORECASE))


class Wire:
    """The capture of a town's switch, from `begin` on."""

    def __init__(self, here: Town) -> None:
        self.here = here
        self.file = Path(here.platform.place.home) / "wire.pcap"

    async def begin(self) -> Self:
        """Write down what is said from now on. Raises `AssertionError` when the switch can't."""
        said = await self.here.platform.switch.console(f"pjsip set logger pcap {self.file}")
        assert "rror" not in said, said
        await self.here.until(self.file.exists, f"a capture: {said}")
        return self

    def said(self, since: float = 0.0) -> list[Said]:
        """Everything up to now, in its order."""
        data = self.file.read_bytes()
        found, at = [], _FILE_HEADER
        while at + _PACKET_HEADER <= len(data):
            seconds, micros, length, _ = struct.unpack_from("<IIII", data, at)
            packet = data[at + _PACKET_HEADER : at + _PACKET_HEADER + length]
            at += _PACKET_HEADER + length
            if len(packet) < length:
                break
            moment = seconds + micros / 1e6
            if moment >= since and (one := _read(packet, moment)) is not None:
                found.append(one)
        return found

    def rung(self, since: float = 0.0) -> list[Said]:
        """The calls that the switch made, in their order: a request that was sent twice counts once."""
        made: dict[str, Said] = {}
        for one in self.said(since):
            if one.method == "INVITE" and one.is_first and one.source == self.here.sip:
                made.setdefault(one.header("Call-ID"), one)
        return list(made.values())

    def to(self, host: str, since: float = 0.0) -> list[Said]:
        """What the switch said to an address."""
        return [one for one in self.said(since) if one.to[0] == host and one.source == self.here.sip]


def _read(packet: bytes, at: float) -> Said | None:
    start = _ETHERNET + _IP
    protocol = packet[_ETHERNET + 9]
    head = _UDP if protocol == 17 else _TCP
    source, to = (".".join(map(str, packet[n : n + 4])) for n in (_ETHERNET + 12, _ETHERNET + 16))
    source_port, to_port = struct.unpack_from("!HH", packet, start)
    text = packet[start + head :].decode("utf-8", "replace")
    return Said(at, (source, source_port), (to, to_port), text) if text.strip() else None


async def still(seconds: float) -> None:
    """Let so much time pass in which something is not to happen."""
    await asyncio.sleep(seconds)
