"""Renders pjsip.conf: transports, trunks and seats, and no door for anybody else.

Whoever is neither at a trunk's address nor knows a password is challenged and never let in: there is no
anonymous endpoint. A trunk's calls start in ``from-trunk-NAME``, a seat's in ``from-seat``; neither may
transfer by REFER.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from trunks.seats import Seat
from trunks.trunk import Digest, Transport, Trunk


@dataclass(frozen=True, slots=True)
class Network:
    """Where the switch listens. Ports of ``None``: not at all; ``rtp``: first and last UDP port for media.

    ``external_address`` is what phones and carriers outside ``local_nets`` are told when the switch
    itself sits behind an address translation. ``qualify_s``: seconds between the OPTIONS that ask a
    seat's phone whether it is there. Without ``tls_authorities`` a carrier's certificate is not checked.
    """

    bind: str = "0.0.0.0"
    udp: int | None = 5060
    tcp: int | None = 5060
    tls: int | None = None
    rtp: tuple[int, int] = (10_000, 29_999)
    realm: str = "hotline"
    tls_certificate: str = ""
    tls_key: str = ""
    tls_authorities: str = ""
    external_address: str = ""
    local_nets: tuple[str, ...] = ()
    qualify_s: int = 15

    def __post_init__(self) -> None:
        for name, port in (("udp", self.udp), ("tcp", self.tcp), ("tls", self.tls)):
            if port is not None and not 1 <= port <= 65535:
                raise ValueError(f"network.{name}: {port} is not a port; write 1 to 65535")
        first, last = self.rtp
        if not (1024 <= first < last <= 65535):
            raise ValueError(f"network.rtp: {first}-{last} is not a range of ports between 1024 and 65535")
        if self.tls is not None and not (self.tls_certificate and self.tls_key):
            raise ValueError(
                "network.tls: a certificate and its key are needed; set tls_certificate and tls_key"
            )

    def port(self, transport: Transport) -> int | None:
        """The port on which this transport listens."""
        return {Transport.UDP: self.udp, Transport.TCP: self.tcp, Transport.TLS: self.tls}[transport]


def render_pjsip(
    trunks: Sequence[Trunk], seats: Sequence[Seat], secrets: Mapping[str, str], network: Network
) -> str:
    """The text of pjsip.conf; it holds passwords, so the file is for its owner's eyes.

    ``secrets`` maps a `Digest.secret` or `Seat.secret` to the password. Raises ``ValueError`` with the place
    and the remedy for a password that is not there, a transport that is not switched on, or a name that
    stands for two.
    """
    _refuse_doubles(trunks, seats)
    sections = [_HEAD, _global(network), *_transports(network)]
    for trunk in trunks:
        sections += _trunk(trunk, secrets, network)
    if seats:
        sections.append(_seat_templates(network))
    for seat in seats:
        sections.append(_seat(seat, secrets, network))
    return "\n".join(sections)


def option(text: str) -> str:
    """``text`` as an option's value in Asterisk's files. Raises ``ValueError`` for a control character."""
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in text):
        raise ValueError(f"{text!r}: a control character can't be written into the switch's files")
    return text.replace(";", "\\;")


T1_MS = 100
"""After this long without an answer a request is sent again, after 64 times as long it is given up (RFC 3261,
17.1.1.1; Asterisk takes no smaller multiple). The standard lets private networks go below its 500 ms."""

ANSWER_S = 3.0
"""so long an OPTIONS may stay without an answer, where the time until the next one allows it"""

FORWARDS_NOWHERE = "FORWARD_CONTEXT=hotline-nowhere"
"""Asterisk would dial whatever a 3xx answer names as if the phone had dialled it, in its own context: past the engine. There is no
such context, so a phone or a far end that redirects has not taken the call, and the engine's next choice is tried."""

_HEAD = (
    "; pjsip.conf, written by the program: changes made here are lost. It holds passwords: keep it private.\n"
)


def _section(title: str, options: Iterable[tuple[str, object]], *, of: str = "", why: str = "") -> str:
    """``of``: the template that it fills in, ``!`` when it is one itself."""
    lines = [f"; {option(why)}"] if why else []
    lines.append(f"[{title}]({of})" if of else f"[{title}]")
    lines += [f"{key} = {option(str(value))}" for key, value in options]
    return "\n".join(lines) + "\n"


def _yes(flag: bool) -> str:
    return "yes" if flag else "no"


def _global(network: Network) -> str:
    return _section(
        "global",
        [
            ("type", "global"),
            ("user_agent", "hotline"),
            ("default_realm", network.realm),
            # A trunk's address outweighs whatever a caller calls himself.
            ("endpoint_identifier_order", "ip,header,username"),
            # 12345;phone-context=... is still 12345.
            ("ignore_uri_user_options", "yes"),
            ("disable_multi_domain", "yes"),
            ("mwi_disable_initial_unsolicited", "yes"),
            ("max_initial_qualify_time", 2),
            # A burst of registrations fills queues that carry no call; that is no reason to refuse calls.
            ("taskprocessor_overload_trigger", "pjsip_only"),
        ],
    ) + _section(
        "system",
        [
            ("type", "system"),
            ("disable_tcp_switch", "yes"),
            # Whoever says nothing to an INVITE, not even 100 Trying, is not there: the next way is tried.
            # RFC 3261's 500 ms and 32 s would leave a caller for 110 in silence as long as it may ring.
            ("timer_t1", T1_MS),
            ("timer_b", 64 * T1_MS),
        ],
    )


def _transports(network: Network) -> list[str]:
    sections = []
    for transport in Transport:
        port = network.port(transport)
        if port is None:
            continue
        host = f"[{network.bind}]" if ":" in network.bind else network.bind
        options: list[tuple[str, object]] = [
            ("type", "transport"),
            ("protocol", transport),
            ("bind", f"{host}:{port}"),
            # Signalling CS3, voice EF (below): what a carrier-grade network expects (RFC 4594).
            ("tos", "cs3"),
            ("cos", 3),
        ]
        if transport is not Transport.TLS:
            options.append(("allow_reload", "no"))
        else:
            options += [
                ("cert_file", network.tls_certificate),
                ("priv_key_file", network.tls_key),
                ("method", "tlsv1_2"),
                ("verify_server", _yes(bool(network.tls_authorities))),
            ]
            if network.tls_authorities:
                options.append(("ca_list_file", network.tls_authorities))
        if network.external_address:
            options += [
                ("external_media_address", network.external_address),
                ("external_signaling_address", network.external_address),
            ]
            options += [("local_net", net) for net in network.local_nets]
        sections.append(_section(f"transport-{transport}", options))
    return sections


def _trunk(trunk: Trunk, secrets: Mapping[str, str], network: Network) -> list[str]:
    where = f"trunk {trunk.name}"
    name = trunk.name
    _refuse_unheard(where, trunk.transport, network)
    aor = trunk.aor
    options: list[tuple[str, object]] = [
        ("type", "endpoint"),
        ("context", f"from-trunk-{name}"),
        ("transport", f"transport-{trunk.transport}"),
        ("disallow", "all"),
        ("allow", ",".join(trunk.codecs)),
        ("dtmf_mode", trunk.dtmf),
        ("identify_by", "ip" if trunk.peers else "header"),
        ("aors", aor),
        ("direct_media", "no"),
        ("allow_transfer", "no"),
        ("allow_subscribe", "no"),
        ("trust_id_inbound", "yes"),
        ("trust_id_outbound", "yes"),
        ("send_pai", "yes"),
        # Whom the caller is connected to, an agent's seat by name, is nobody's business out there.
        ("send_connected_line", "no"),
        ("tos_audio", "ef"),
        ("cos_audio", 5),
        ("rtp_symmetric", _yes(trunk.nat)),
        ("force_rport", _yes(trunk.nat)),
        ("rewrite_contact", _yes(trunk.nat)),
        ("media_encryption", "sdes" if trunk.srtp else "no"),
        ("set_var", FORWARDS_NOWHERE),
    ]
    if trunk.registration is not None and trunk.outgoing is not None:
        # Some carriers take calls from the registered contact only.
        options.append(("contact_user", trunk.registration.contact or trunk.outgoing.user))
    if trunk.from_user:
        options.append(("from_user", trunk.from_user))
    if trunk.from_domain:
        options.append(("from_domain", trunk.from_domain))
    if trunk.incoming is not None:
        options.append(("auth", f"{name}-in"))
    if trunk.outgoing is not None:
        options.append(("outbound_auth", f"{name}-out"))
    sections = [
        _section(name, options, why=f"{trunk.carrier}, {trunk.channels} channels (counted by the engine)")
    ]

    if trunk.peers:
        reached: list[tuple[str, object]] = [("contact", _uri(str(p), trunk.transport)) for p in trunk.peers]
    else:
        reached = [("max_contacts", 1), ("remove_existing", "yes"), ("minimum_expiration", 30)]
    sections.append(_section(aor, [("type", "aor"), *reached, *_qualified(trunk.qualify)]))
    if trunk.peers:
        hosts = dict.fromkeys(peer.host for peer in trunk.peers)
        sections.append(
            _section(
                f"{name}-address", [("type", "identify"), ("endpoint", name), *(("match", h) for h in hosts)]
            )
        )
    elif trunk.incoming is not None:
        # Its From says who calls, not who it is, and its user need not be its name: only the answer to our
        # challenge tells.
        proof = f'Authorization: /username="{_literally(trunk.incoming.user)}"/'
        sections.append(
            _section(f"{name}-user", [("type", "identify"), ("endpoint", name), ("match_header", proof)])
        )
    if trunk.incoming is not None:
        sections.append(_auth(f"{name}-in", trunk.incoming, where, secrets))
    if trunk.outgoing is not None:
        sections.append(_auth(f"{name}-out", trunk.outgoing, where, secrets))
    if trunk.registration is not None and trunk.outgoing is not None:
        server = trunk.registration.server or str(trunk.peers[0])
        user = trunk.outgoing.user
        sections.append(
            _section(
                f"{name}-registration",
                [
                    ("type", "registration"),
                    ("transport", f"transport-{trunk.transport}"),
                    ("outbound_auth", f"{name}-out"),
                    ("server_uri", _uri(server, trunk.transport)),
                    ("client_uri", _uri(f"{user}@{server}", trunk.transport)),
                    ("contact_user", trunk.registration.contact or user),
                    ("expiration", trunk.registration.expires),
                    ("retry_interval", trunk.registration.retry),
                    # A carrier's bad hour must not end the line for good: never give up.
                    ("max_retries", 1_000_000),
                    ("forbidden_retry_interval", 300),
                    ("fatal_retry_interval", 300),
                    ("auth_rejection_permanent", "no"),
                ],
            )
        )
    return sections


def _seat_templates(network: Network) -> str:
    return (
        _section(
            "seat",
            [
                ("type", "endpoint"),
                ("context", "from-seat"),
                ("identify_by", "username"),
                ("direct_media", "no"),
                ("allow_transfer", "no"),
                ("allow_subscribe", "no"),
                ("trust_id_inbound", "no"),
                # What *2 does while the seat talks is in features.conf.
                ("set_var", "DYNAMIC_FEATURES=seatkeys"),
                ("set_var", FORWARDS_NOWHERE),
                # A phone has one call at a time: this is what the fallback's queue looks at.
                ("device_state_busy_at", 1),
                # The caller's number and line are in the INVITE; updates in a call would cost and tell
                # nothing.
                ("send_connected_line", "no"),
                ("tos_audio", "ef"),
                ("cos_audio", 5),
            ],
            of="!",
            why="what all seats have in common",
        )
        + _section("seat-auth", [("type", "auth"), ("auth_type", "userpass")], of="!")
        + _section(
            "seat-aor",
            [
                ("type", "aor"),
                ("remove_existing", "yes"),
                *_qualified(network.qualify_s),
                ("minimum_expiration", 30),
                ("default_expiration", 120),
                ("maximum_expiration", 3600),
            ],
            of="!",
        )
    )


def _seat(seat: Seat, secrets: Mapping[str, str], network: Network) -> str:
    where = f"seat {seat.number}"
    _refuse_unheard(where, seat.transport, network)
    number = seat.number
    # Quotes and brackets would end the display name early.
    name = seat.name.translate(str.maketrans("", "", '"<>\\'))
    return (
        _section(
            number,
            [
                ("aors", number),
                ("auth", number),
                ("callerid", f'"{name}" <{number}>' if name else f"<{number}>"),
                ("transport", f"transport-{seat.transport}"),
                ("disallow", "all"),
                ("allow", ",".join(seat.codecs)),
                ("dtmf_mode", seat.dtmf),
                ("rtp_symmetric", _yes(seat.nat)),
                ("force_rport", _yes(seat.nat)),
                ("rewrite_contact", _yes(seat.nat)),
                ("media_encryption", "sdes" if seat.srtp else "no"),
            ],
            of="seat",
        )
        + _section(
            number,
            [("username", number), ("password", _secret(seat.secret, where, secrets))],
            of="seat-auth",
        )
        + _section(number, [("max_contacts", seat.max_contacts)], of="seat-aor")
    )


def _qualified(every_s: int) -> list[tuple[str, object]]:
    """OPTIONS so often, 0 never. Each runs out before the next is sent: one that was lost, and runs out after a later one
    was answered, would be believed, and the far end be taken for dead until the one after."""
    answer_s = min(ANSWER_S, 0.8 * every_s) if every_s else ANSWER_S
    return [("qualify_frequency", every_s), ("qualify_timeout", f"{answer_s:.1f}")]


def _auth(title: str, digest: Digest, where: str, secrets: Mapping[str, str]) -> str:
    options: list[tuple[str, object]] = [
        ("type", "auth"),
        ("auth_type", "userpass"),
        ("username", digest.user),
    ]
    options.append(("password", _secret(digest.secret, where, secrets)))
    if digest.realm:
        options.append(("realm", digest.realm))
    return _section(title, options)


def _uri(address: str, transport: Transport) -> str:
    return f"sip:{address}" if transport is Transport.UDP else f"sip:{address};transport={transport}"


def _literally(text: str) -> str:
    """``text`` in a POSIX regular expression (Asterisk's backslashes end here, so brackets)."""
    return re.sub(r"[^A-Za-z0-9_@ -]", lambda sign: "\\^" if sign[0] == "^" else f"[{sign[0]}]", text)


def _secret(name: str, where: str, secrets: Mapping[str, str]) -> str:
    try:
        secret = secrets[name]
    except KeyError:
        raise ValueError(f"{where}: the secrets file has no {name}; add it there") from None
    if not secret or any(ord(letter) < 32 for letter in secret):
        raise ValueError(f"{where}: the secret {name} is empty or has a control character; write another one")
    return secret


def _refuse_unheard(where: str, transport: Transport, network: Network) -> None:
    if network.port(transport) is None:
        raise ValueError(f"{where}: the switch does not listen on {transport}; set network.{transport}")


def _refuse_doubles(trunks: Sequence[Trunk], seats: Sequence[Seat]) -> None:
    taken: dict[str, str] = {}
    named = [(trunk.name, f"trunk {trunk.name}") for trunk in trunks]
    named += [
        (trunk.incoming.user, f"trunk {trunk.name}'s user")
        for trunk in trunks
        if trunk.incoming is not None and not trunk.peers and trunk.incoming.user != trunk.name
    ]
    named += [(seat.number, f"seat {seat.number}") for seat in seats]
    for name, owner in named:
        if name in taken:
            raise ValueError(f"{owner}: the name {name} already belongs to {taken[name]}; choose another")
        taken[name] = owner
    hosts: dict[str, str] = {}
    for trunk in trunks:
        for host in dict.fromkeys(peer.host for peer in trunk.peers):
            if host in hosts:
                raise ValueError(
                    f"trunk {trunk.name}: address {host} is also trunk {hosts[host]}'s; calls are known by it"
                )
            hosts[host] = trunk.name
