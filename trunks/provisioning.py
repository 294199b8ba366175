"""Renders the files that a seat's phone fetches: Yealink, Grandstream, and a sheet for any softphone.

Every file holds the seat's password: its directory belongs behind HTTPS with a check of who asks, its
files are for their owner's eyes only. The keys *10 to *15 are programmed onto the phone; it answers by
itself where the switch asks for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from trunks.seats import Seat
from trunks.trunk import Codec, Dtmf, Transport

FEATURE_KEYS = (
    ("*11", "签入"),
    ("*10", "签出"),
    ("*12", "小休"),
    ("*13", "恢复"),
    ("*14", "整理结束"),
    ("*15", "整理延长"),
)
"""What is dialled, and what stands beside the key."""


@dataclass(frozen=True, slots=True)
class PhoneNetwork:
    """How phones reach the switch: its address as they see it, and one port for each transport that it
    listens on.

    ``zone``: hours east of Greenwich.
    """

    server: str
    ports: Mapping[Transport, int]
    time_server: str = ""
    zone: int = 8
    keys: tuple[tuple[str, str], ...] = FEATURE_KEYS

    def port(self, seat: Seat) -> int:
        """The port for this seat's transport. Raises ``ValueError`` when the switch does not listen on it."""
        try:
            return self.ports[seat.transport]
        except KeyError:
            raise ValueError(
                f"seat {seat.number}: the switch has no {seat.transport}; set network.{seat.transport}"
            ) from None


def render_provisioning(
    seats: Sequence[Seat], secrets: Mapping[str, str], network: PhoneNetwork
) -> dict[str, str]:
    """The text of every file, by its name.

    ``MAC.cfg`` (Yealink) and ``cfgMAC.xml`` (Grandstream) are the names that phones ask for; a seat without a
    MAC has its number there, to be renamed when the phone is known. Every seat has ``seat-NUMBER.txt``.
    Raises ``ValueError`` for a seat without a password and for two seats with one MAC.
    """
    files: dict[str, str] = {}
    owners: dict[str, str] = {}
    for seat in seats:
        if seat.mac and owners.setdefault(seat.mac, seat.number) != seat.number:
            raise ValueError(
                f"seat {seat.number}: mac {seat.mac} is seat {owners[seat.mac]}'s; correct one of them"
            )
        try:
            secret = secrets[seat.secret]
        except KeyError:
            raise ValueError(
                f"seat {seat.number}: the secrets file has no {seat.secret}; add it there"
            ) from None
        name = seat.mac or seat.number
        if seat.model in {"", "yealink"}:
            files[f"{name}.cfg"] = render_yealink(seat, secret, network)
        if seat.model in {"", "grandstream"}:
            files[f"cfg{name}.xml"] = render_grandstream(seat, secret, network)
        files[f"seat-{seat.number}.txt"] = render_sheet(seat, secret, network)
    return files


_YEALINK_TRANSPORT = {Transport.UDP: 0, Transport.TCP: 1, Transport.TLS: 2}
_YEALINK_DTMF = {Dtmf.INBAND: 0, Dtmf.RFC4733: 1, Dtmf.INFO: 2}
_YEALINK_CODEC = {Codec.ALAW: "pcma", Codec.ULAW: "pcmu", Codec.G722: "g722"}


def render_yealink(seat: Seat, secret: str, network: PhoneNetwork) -> str:
    """A Yealink phone's own file (``key = value``, auto provisioning guide for T4 and T5 phones)."""
    name = seat.name or seat.number
    lines: list[tuple[str, object]] = [
        ("account.1.enable", 1),
        ("account.1.label", name),
        ("account.1.display_name", name),
        ("account.1.auth_name", seat.number),
        ("account.1.user_name", seat.number),
        ("account.1.password", secret),
        ("account.1.sip_server.1.address", network.server),
        ("account.1.sip_server.1.port", network.port(seat)),
        ("account.1.sip_server.1.transport_type", _YEALINK_TRANSPORT[seat.transport]),
        ("account.1.sip_server.1.expires", 120),
        ("account.1.srtp_encryption", 2 if seat.srtp else 0),
        ("account.1.dtmf.type", _YEALINK_DTMF[seat.dtmf]),
        ("account.1.nat.rport", 1),
        # One call at a time; the phone answers by itself only where the switch asks for it (Alert-Info).
        ("account.1.call_waiting", 0),
        ("call_waiting.enable", 0),
        ("account.1.auto_answer", 0),
        ("features.alert_info_tone", 1),
        ("features.intercom.allow", 1),
        ("features.intercom.mute", 0),
        ("lang.gui", "Chinese_S"),
        ("local_time.time_zone", f"{network.zone:+d}"),
        ("local_time.summer_time", 0),
    ]
    if network.time_server:
        lines.append(("local_time.ntp_server1", network.time_server))
    for codec, yealink in _YEALINK_CODEC.items():
        lines.append((f"account.1.codec.{yealink}.enable", int(codec in seat.codecs)))
        if codec in seat.codecs:
            lines.append((f"account.1.codec.{yealink}.priority", seat.codecs.index(codec) + 1))
    for key, (code, label) in enumerate(network.keys, 1):
        # 13 is speed dial.
        lines += [
            (f"linekey.{key + 1}.type", 13),
            (f"linekey.{key + 1}.line", 1),
            (f"linekey.{key + 1}.value", code),
            (f"linekey.{key + 1}.label", label),
        ]
    return "#!version:1.0.0.1\n" + "".join(f"{key} = {_one_line(value)}\n" for key, value in lines)


_GRANDSTREAM_TRANSPORT = {Transport.UDP: 0, Transport.TCP: 1, Transport.TLS: 2}
_GRANDSTREAM_CODEC = {Codec.ALAW: 8, Codec.ULAW: 0, Codec.G722: 9}


def render_grandstream(seat: Seat, secret: str, network: PhoneNetwork) -> str:
    """A Grandstream phone's own file (P values of the GXP and GRP families, XML)."""
    name = seat.name or seat.number
    values: dict[str, object] = {
        "P271": 1,
        "P270": name,
        "P3": name,
        "P35": seat.number,
        "P36": seat.number,
        "P34": secret,
        "P47": f"{network.server}:{network.port(seat)}",
        "P130": _GRANDSTREAM_TRANSPORT[seat.transport],
        # Minutes until the registration ends.
        "P32": 2,
        "P183": 1 if seat.srtp else 0,
        "P2301": int(seat.dtmf is Dtmf.INBAND),
        "P2302": int(seat.dtmf is Dtmf.RFC4733),
        "P2303": int(seat.dtmf is Dtmf.INFO),
        # No call waiting: a seat has one call at a time.
        "P91": 1,
        # Answers by itself where Alert-Info or Call-Info asks for it, and not otherwise.
        "P90": 0,
        "P298": 1,
        "P1362": "zh",
        # A zone of our own: POSIX counts hours west of Greenwich.
        "P64": "customize",
        "P246": f"LOC{-network.zone:+d}",
    }
    if network.time_server:
        values["P30"] = network.time_server
    preference = [_GRANDSTREAM_CODEC[codec] for codec in seat.codecs]
    for place, p in enumerate(("P57", "P58", "P59")):
        values[p] = preference[min(place, len(preference) - 1)]
    # Multi purpose keys: mode 0 is speed dial.
    for key, (code, label) in enumerate(network.keys):
        values |= {f"P{323 + key}": 0, f"P{301 + key * 3}": 0}
        values |= {f"P{302 + key * 3}": label, f"P{303 + key * 3}": code}
    body = "".join(f"    <{p}>{escape(_one_line(value))}</{p}>\n" for p, value in values.items())
    mac = f"  <mac>{seat.mac}</mac>\n" if seat.mac else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<gs_provision version="1">\n'
        f'{mac}  <config version="1">\n{body}  </config>\n</gs_provision>\n'
    )


def render_sheet(seat: Seat, secret: str, network: PhoneNetwork) -> str:
    """What a person types into any softphone."""
    dtmf = {Dtmf.RFC4733: "RFC 4733 (RFC 2833)", Dtmf.INFO: "SIP INFO", Dtmf.INBAND: "inband"}[seat.dtmf]
    keys = "".join(f"  {code:6}{label}\n" for code, label in network.keys)
    return (
        f"座席 / seat            {seat.number} {_one_line(seat.name)}\n"
        f"服务器 / server        {network.server}:{network.port(seat)}\n"
        f"传输 / transport       {seat.transport}{' + SRTP' if seat.srtp else ''}\n"
        f"用户名 / user          {seat.number}\n"
        f"密码 / password        {secret}\n"
        f"编码 / codecs          {', '.join(seat.codecs)}\n"
        f"按键 / DTMF            {dtmf}\n"
        f"呼叫等待 / call waiting  off\n"
        f"自动应答 / auto answer   by Alert-Info or Call-Info (answer-after=0)\n\n{keys}"
    )


def _one_line(value: object) -> str:
    """No text may begin a line of its own in a file of keys and values."""
    return " ".join(str(value).split())
