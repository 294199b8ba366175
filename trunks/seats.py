"""Seats: the SIP phones at the desks. An agent signs on at one; the seat itself is only a telephone."""

from __future__ import annotations

import re
from dataclasses import dataclass

from trunks.trunk import Codec, Dtmf, Transport

_NUMBER = re.compile(r"[0-9]{2,8}")
_MAC = re.compile(r"[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Seat:
    """A SIP phone at a desk, by its number, which is also its SIP user name.

    Its password is generated and kept in the secrets file under `secret`; no field here holds it, so no
    log or ``repr`` can show it. ``auto_answer``: the phone is asked to pick up by itself. ``max_contacts``
    1: a phone that registers takes the place of the one before. ``nat``: answer to where the packets came
    from, for phones behind an address translation. ``mac``: twelve hex digits, for automatic provisioning;
    empty when not known. ``model``: ``yealink`` or ``grandstream``; empty makes the files of both.
    """

    number: str
    name: str = ""
    codecs: tuple[Codec, ...] = (Codec.ALAW, Codec.ULAW, Codec.G722)
    transport: Transport = Transport.UDP
    srtp: bool = False
    dtmf: Dtmf = Dtmf.RFC4733
    auto_answer: bool = False
    max_contacts: int = 1
    nat: bool = True
    mac: str = ""
    model: str = ""

    def __post_init__(self) -> None:
        where = f"seat {self.number}"
        if not _NUMBER.fullmatch(self.number):
            raise ValueError(f"{where!r}: a seat's number is 2 to 8 digits")
        if any(ord(letter) < 32 for letter in self.name):
            raise ValueError(f"{where}: its name has a control character; remove it")
        if self.mac and not _MAC.fullmatch(self.mac):
            raise ValueError(f"{where}: mac {self.mac!r} is not twelve lower-case hex digits without colons")
        if self.model not in {"", "yealink", "grandstream"}:
            raise ValueError(
                f"{where}: model {self.model!r} is not known; write yealink, grandstream or nothing"
            )
        if not self.codecs:
            raise ValueError(f"{where}: no codec; name at least one of {', '.join(Codec)}")
        if self.max_contacts < 1:
            raise ValueError(f"{where}: max_contacts is {self.max_contacts}; a phone needs at least 1")
        if self.srtp and self.transport is not Transport.TLS:
            raise ValueError(
                f"{where}: srtp would send its keys in clear over {self.transport}; set transport to tls"
            )

    @property
    def secret(self) -> str:
        """The name of the seat's password in the secrets file."""
        return f"seat/{self.number}"
