"""What stood on the wire: every SIP message between the switch and phones or carriers, read from the switch's own capture."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.switch.conftest import Town

_FILE_HEADER, _PACKET_HEADER = 24, 16
_ETHERNET, _IP, _UDP, _TCP, _UDP_PROTOCOL = 14, 20, 8, 20, 17


@dataclass(frozen=True, slots=True)
class Said:
    """One SIP message. ``at`` in seconds since 1970; ``sent`` by the switch, to ``peer`` (host, port), or received from there."""

    at: float
    sent: bool
    peer: tuple[str, int]
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
    """The capture of a town's switch, from `begin` to `end`."""

    def __init__(self, here: Town) -> None:
        self.here = here
        self._files: list[Path] = []
        self._read: list[Said] = []

    async def begin(self) -> Self:
        """Write down what is said from now on."""
        await self._to_file()
        await self.here.platform.switch.console("pjsip set logger verbose off")
        await self.here.platform.switch.console("pjsip set logger on")
        return self

    async def end(self) -> None:
        """Write nothing down any more."""
        await self.here.platform.switch.console("pjsip set logger off")

    async def said(self) -> list[Said]:
        """Everything up to now, in its order."""
        last = self._files[-1]
        await self._to_file()  # which closes the one before, so that nothing of it is left in memory
        data = last.read_bytes()
        at = _FILE_HEADER
        while at + _PACKET_HEADER <= len(data):
            seconds, micros, length, _ = struct.unpack_from("<IIII", data, at)
            packet = data[at + _PACKET_HEADER : at + _PACKET_HEADER + length]
            at += _PACKET_HEADER + length
            if (one := _read(packet, seconds + micros / 1e6)) is not None:
                self._read.append(one)
        return list(self._read)

    async def rung(self) -> list[Said]:
        """The calls that the switch made, in their order: a request that was sent twice counts once."""
        made: dict[str, Said] = {}
        for one in await self.said():
            if one.sent and one.method == "INVITE" and one.is_first:
                made.setdefault(one.header("Call-ID"), one)
        return list(made.values())

    async def _to_file(self) -> None:
        file = Path(self.here.platform.place.home) / f"wire-{len(self._files)}.pcap"
        told = await self.here.platform.switch.console(f"pjsip set logger pcap {file}")
        assert str(file) in told, told
        await self.here.until(file.exists, f"a capture: {told}")
        self._files.append(file)


def _read(packet: bytes, at: float) -> Said | None:
    start = _ETHERNET + _IP
    head = _UDP if packet[_ETHERNET + 9] == _UDP_PROTOCOL else _TCP
    source, to = (".".join(map(str, packet[n : n + 4])) for n in (_ETHERNET + 12, _ETHERNET + 16))
    source_port, to_port = struct.unpack_from("!HH", packet, start)
    text = packet[start + head :].decode("utf-8", "replace")
    sent = source_port == 0  # the switch does not say from where it sends
    return Said(at, sent, (to, to_port) if sent else (source, source_port), text) if text.strip() else None
