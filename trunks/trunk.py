"""Lines to carriers and to other call centres: who may call in over them, and how one is dialled out on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_HOST = re.compile(r"[A-Za-z0-9.:_-]{1,253}")
_SAFE = re.compile(r"[^\s;\"\\<>,\[\]\x00-\x1f]{1,128}")


class Transport(StrEnum):
    """What carries the SIP messages."""

    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"


class Codec(StrEnum):
    """A voice codec, by Asterisk's name. G.711 A-law is China's; G.722 is wideband."""

    ALAW = "alaw"
    ULAW = "ulaw"
    G722 = "g722"


class Dtmf(StrEnum):
    """How keys travel: in the media stream (RFC 4733), in SIP INFO, or as tones that are listened for."""

    RFC4733 = "rfc4733"
    INFO = "info"
    INBAND = "inband"


@dataclass(frozen=True, slots=True)
class Peer:
    """One address of a carrier. ``port`` is where we send to; calls are known by the host alone."""

    host: str
    port: int = 5060

    def __post_init__(self) -> None:
        if not _HOST.fullmatch(self.host):
            raise ValueError(
                f"address {self.host!r}: not a host name or an IP address; write it without a port"
            )
        if not 1 <= self.port <= 65535:
            raise ValueError(f"address {self.host}: port {self.port} is not between 1 and 65535")

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Digest:
    """A user name, and the *name* of its password in the secrets file: the password itself is never in here.

    ``realm`` empty: any realm that the other side asks for (outgoing), or Asterisk's own (incoming).
    """

    user: str
    secret: str
    realm: str = ""

    def __post_init__(self) -> None:
        for what, text in (("user", self.user), ("secret", self.secret), ("realm", self.realm or "-")):
            if not _SAFE.fullmatch(text):
                raise ValueError(
                    f"digest {what} {text!r}: blanks, quotes, commas and semicolons can't be used"
                )


@dataclass(frozen=True, slots=True)
class Registration:
    """We sign on at the carrier with the trunk's outgoing `Digest`.

    ``server`` empty: the trunk's first address. ``contact``: the number under which the carrier then
    calls us, empty: the digest's user. ``expires`` and ``retry`` in seconds.
    """

    server: str = ""
    contact: str = ""
    expires: int = 300
    retry: int = 30

    def __post_init__(self) -> None:
        for what, text in (("server", self.server or "-"), ("contact", self.contact or "-")):
            if not _SAFE.fullmatch(text):
                raise ValueError(
                    f"registration {what} {text!r}: has characters that SIP does not allow there"
                )


@dataclass(frozen=True, slots=True)
class Trunk:
    """A line to a carrier, a sub-centre or an emergency centre.

    Calls come in by ``peers``' addresses; with ``incoming`` they must know a password as well, and without
    any ``peers`` the password alone admits them, from wherever they come (a sub-centre's exchange may then
    register with us under that user). ``outgoing`` answers the other side's challenges; ``registration``
    signs on there, for a carrier that wants it. ``channels``: calls in and out together, counted by the
    engine. ``qualify``: seconds between OPTIONS, 0 never. ``from_user`` and ``from_domain``: what our From
    header says, where the carrier insists. ``nat``: answer to where the packets came from, whatever they say.
    """

    name: str
    carrier: str
    peers: tuple[Peer, ...] = ()
    transport: Transport = Transport.UDP
    srtp: bool = False
    incoming: Digest | None = None
    outgoing: Digest | None = None
    registration: Registration | None = None
    channels: int = 30
    codecs: tuple[Codec, ...] = (Codec.ALAW, Codec.ULAW)
    dtmf: Dtmf = Dtmf.RFC4733
    from_user: str = ""
    from_domain: str = ""
    qualify: int = 30
    nat: bool = False

    def __post_init__(self) -> None:
        where = f"trunk {self.name}"
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"{where!r}: a name is a-z, then a-z, 0-9, _ and -, at most 40 characters")
        if not self.peers and self.incoming is None:
            raise ValueError(
                f"{where}: nobody can call in; give an address, or a user and secret under incoming"
            )
        if self.registration is not None and self.outgoing is None:
            raise ValueError(f"{where}: registration needs a user and secret under outgoing")
        if self.registration is not None and not (self.registration.server or self.peers):
            raise ValueError(f"{where}: registration needs a server or an address")
        if self.channels < 1:
            raise ValueError(f"{where}: channels is {self.channels}; a trunk carries at least 1 call")
        if not self.codecs:
            raise ValueError(f"{where}: no codec; name at least one of {', '.join(Codec)}")
        if self.srtp and self.transport is not Transport.TLS:
            raise ValueError(
                f"{where}: srtp would send its keys in clear over {self.transport}; set transport to tls"
            )
        for what, text in (("from_user", self.from_user), ("from_domain", self.from_domain)):
            if text and not _SAFE.fullmatch(text):
                raise ValueError(f"{where}: {what} {text!r} has characters that SIP does not allow there")

    @property
    def aor(self) -> str:
        """The address of record at which the other side is found: who registers with us does so as its user."""
        return self.name if self.peers or self.incoming is None else self.incoming.user


@dataclass(frozen=True, slots=True)
class TrunkGroup:
    """Trunks that lead to the same place, in the order in which they are tried."""

    name: str
    trunks: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.trunks:
            raise ValueError(f"trunk group {self.name}: it has no trunk")
        if len(set(self.trunks)) != len(self.trunks):
            raise ValueError(f"trunk group {self.name}: a trunk stands in it twice")
