"""pjsip.conf as text: what stands in it, and what must not."""

from __future__ import annotations

import re

import pytest

from trunks.pjsip import ANSWER_S, Network, option, render_pjsip
from trunks.seats import Seat
from trunks.trunk import Codec, Digest, Dtmf, Peer, Registration, Transport, Trunk

NETWORK = Network(tls=5061, tls_certificate="/c.pem", tls_key="/k.pem")
PEERS = (Peer("203.0.113.5"), Peer("203.0.113.6", 5070))


class Everything(dict[str, str]):
    """A secrets file in which everything stands."""

    def __missing__(self, name: str) -> str:
        return f"pw-{name.replace('/', '-')}"


def sections(text: str) -> dict[tuple[str, str], dict[str, list[str]]]:
    """Every section by its name and type (a seat's by its template), with every value of every option."""
    found: dict[tuple[str, str], dict[str, list[str]]] = {}
    for part in re.split(r"^\[", text, flags=re.MULTILINE)[1:]:
        head, _, body = part.partition("\n")
        name, _, template = head.partition("]")
        options: dict[str, list[str]] = {}
        for line in body.splitlines():
            if " = " in line and not line.startswith(";"):
                key, _, value = line.partition(" = ")
                options.setdefault(key, []).append(value)
        kind = options.get("type", [template.strip("()")])[0]
        found[name, kind] = options
    return found


def test_a_trunk_by_address_is_known_by_its_hosts_and_reaches_its_own_context_only() -> None:
    found = sections(render_pjsip([Trunk("a", "A", PEERS)], [], Everything(), NETWORK))
    endpoint = found["a", "endpoint"]
    assert endpoint["context"] == ["from-trunk-a"]
    assert endpoint["identify_by"] == ["ip"]
    assert endpoint["allow_transfer"] == ["no"]
    assert found["a-address", "identify"]["match"] == ["203.0.113.5", "203.0.113.6"]
    assert found["a", "aor"]["contact"] == ["sip:203.0.113.5:5060", "sip:203.0.113.6:5070"]
    assert found["a", "aor"]["qualify_frequency"] == ["30"]
    assert "auth" not in endpoint


@pytest.mark.parametrize("every_s", [*range(1, 8), 15, 30, 3600])
def test_an_options_runs_out_before_the_next_one_is_sent(every_s: int) -> None:
    network = Network(qualify_s=every_s)
    found = sections(
        render_pjsip([Trunk("a", "A", PEERS, qualify=every_s)], [Seat("8001", "s")], Everything(), network)
    )
    for aor in (found["a", "aor"], found["seat-aor", "aor"]):
        assert aor["qualify_frequency"] == [str(every_s)]
        assert 0 < float(aor["qualify_timeout"][0]) < every_s
        assert float(aor["qualify_timeout"][0]) <= ANSWER_S


def test_a_trunk_by_password_is_challenged_and_may_register() -> None:
    trunk = Trunk("a", "A", incoming=Digest("branch", "trunk/a"))
    found = sections(render_pjsip([trunk], [], Everything(), NETWORK))
    assert found["a", "endpoint"]["auth"] == ["a-in"]
    assert found["a", "endpoint"]["aors"] == ["branch"]
    assert found["a-in", "auth"]["username"] == ["branch"]
    assert found["a-in", "auth"]["password"] == ["pw-trunk-a"]
    assert found["branch", "aor"]["max_contacts"] == ["1"]
    assert ("a-address", "identify") not in found


def test_a_trunk_that_registers_never_gives_up() -> None:
    trunk = Trunk(
        "a",
        "A",
        PEERS,
        outgoing=Digest("88", "trunk/a", "carrier"),
        registration=Registration(contact="12345"),
    )
    found = sections(render_pjsip([trunk], [], Everything(), NETWORK))
    registration = found["a-registration", "registration"]
    assert registration["server_uri"] == ["sip:203.0.113.5:5060"]
    assert registration["client_uri"] == ["sip:88@203.0.113.5:5060"]
    assert registration["contact_user"] == ["12345"]
    assert registration["auth_rejection_permanent"] == ["no"]
    assert found["a-out", "auth"]["realm"] == ["carrier"]


def test_tls_and_srtp_reach_transport_contact_and_media() -> None:
    trunk = Trunk("a", "A", PEERS, transport=Transport.TLS, srtp=True)
    found = sections(render_pjsip([trunk], [], Everything(), NETWORK))
    assert found["transport-tls", "transport"]["cert_file"] == ["/c.pem"]
    assert found["a", "endpoint"]["media_encryption"] == ["sdes"]
    # A semicolon begins a comment unless it is escaped.
    assert found["a", "aor"]["contact"][0] == "sip:203.0.113.5:5060\\;transport=tls"


@pytest.mark.parametrize("dtmf", list(Dtmf))
def test_keys_travel_as_the_trunk_says(dtmf: Dtmf) -> None:
    found = sections(render_pjsip([Trunk("a", "A", PEERS, dtmf=dtmf)], [], Everything(), NETWORK))
    assert found["a", "endpoint"]["dtmf_mode"] == [dtmf.value]


def test_codecs_are_offered_in_their_order() -> None:
    trunk = Trunk("a", "A", PEERS, codecs=(Codec.G722, Codec.ALAW))
    found = sections(render_pjsip([trunk], [], Everything(), NETWORK))
    assert found["a", "endpoint"]["allow"] == ["g722,alaw"]


def test_a_seat_has_one_phone_and_its_own_password() -> None:
    found = sections(render_pjsip([], [Seat("1001", "张三"), Seat("1002", nat=False)], Everything(), NETWORK))
    assert found["1001", "seat-auth"]["password"] == ["pw-seat-1001"]
    assert found["1001", "seat-aor"]["max_contacts"] == ["1"]
    assert found["1001", "seat"]["callerid"] == ['"张三" <1001>']
    assert found["1001", "seat"]["rewrite_contact"] == ["yes"]
    assert found["1002", "seat"]["rewrite_contact"] == ["no"]
    assert found["seat", "endpoint"]["context"] == ["from-seat"]


def test_there_is_no_anonymous_endpoint() -> None:
    text = render_pjsip([Trunk("a", "A", PEERS)], [Seat("1001")], Everything(), NETWORK)
    assert "anonymous" not in text


def test_a_seats_name_cannot_break_out_of_its_quotes() -> None:
    text = render_pjsip([], [Seat("1001", 'a" <9>; b\\')], Everything(), NETWORK)
    assert 'callerid = "a 9\\; b" <1001>' in text


def test_an_option_with_a_line_end_is_refused() -> None:
    with pytest.raises(ValueError, match="control character"):
        option("a\n[b]")


@pytest.mark.parametrize(
    ("trunks", "seats", "network", "fault"),
    [
        ([Trunk("a", "A", PEERS)] * 2, [], NETWORK, "the name a already belongs to trunk a"),
        (
            [Trunk("a", "A", PEERS), Trunk("b", "B", PEERS)],
            [],
            NETWORK,
            "address 203.0.113.5 is also trunk a's",
        ),
        ([], [Seat("1001"), Seat("1001")], NETWORK, "already belongs to seat 1001"),
        (
            [Trunk("a", "A", incoming=Digest("1001", "x"))],
            [Seat("1001")],
            NETWORK,
            "seat 1001: the name 1001",
        ),
        ([Trunk("a", "A", PEERS, transport=Transport.TLS)], [], Network(), "set network.tls"),
        ([], [Seat("1001", transport=Transport.TCP)], Network(tcp=None), "seat 1001.*set network.tcp"),
    ],
)
def test_what_contradicts_itself_is_refused(
    trunks: list[Trunk], seats: list[Seat], network: Network, fault: str
) -> None:
    with pytest.raises(ValueError, match=fault):
        render_pjsip(trunks, seats, Everything(), network)


def test_a_secret_that_is_missing_is_named_and_none_is_shown() -> None:
    with pytest.raises(ValueError, match="seat 1002: the secrets file has no seat/1002") as refusal:
        render_pjsip([], [Seat("1001"), Seat("1002")], {"seat/1001": "hush"}, NETWORK)
    assert "hush" not in str(refusal.value)


@pytest.mark.parametrize("secret", ["", "a\nb"])
def test_a_secret_that_cannot_be_written_is_refused_without_showing_it(secret: str) -> None:
    with pytest.raises(ValueError, match="is empty or has a control character"):
        render_pjsip([], [Seat("1001")], {"seat/1001": secret}, NETWORK)


def test_tls_without_a_certificate_is_refused() -> None:
    with pytest.raises(ValueError, match="set tls_certificate and tls_key"):
        Network(tls=5061)


@pytest.mark.parametrize("rtp", [(20_000, 10_000), (80, 90), (60_000, 70_000)])
def test_a_range_of_ports_that_is_none_is_refused(rtp: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=r"network\.rtp"):
        Network(rtp=rtp)


def test_what_a_phone_or_a_far_end_redirects_to_is_dialled_in_no_context_that_there_is() -> None:
    trunk = Trunk("unicom", "Unicom", (PEERS[0],), channels=10)
    found = sections(render_pjsip([trunk], [Seat("8001")], Everything(), NETWORK))
    assert "FORWARD_CONTEXT=hotline-nowhere" in found["unicom", "endpoint"]["set_var"]
    assert "FORWARD_CONTEXT=hotline-nowhere" in found["seat", "endpoint"]["set_var"]
    assert all("hotline-nowhere" not in options.get("context", ()) for options in found.values())
