"""Trunks and seats refuse what can't be, in one line that names place, fault and remedy."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from trunks.seats import Seat
from trunks.trunk import Codec, Digest, Peer, Registration, Transport, Trunk, TrunkGroup

PEER = (Peer("203.0.113.5"),)
DIGEST = Digest("u", "trunk/a")


@pytest.mark.parametrize(
    ("make", "fault"),
    [
        (lambda: Trunk("A", "x", PEER), "trunk A.*a-z"),
        (lambda: Trunk("a]\n[b", "x", PEER), "a-z"),
        (lambda: Trunk("a", "x"), "trunk a: nobody can call in; give an address"),
        (
            lambda: Trunk("a", "x", PEER, registration=Registration()),
            "needs a user and secret under outgoing",
        ),
        (
            lambda: Trunk("a", "x", incoming=DIGEST, outgoing=DIGEST, registration=Registration()),
            "needs a server or an address",
        ),
        (lambda: Trunk("a", "x", PEER, channels=0), "channels is 0; a trunk carries at least 1"),
        (lambda: Trunk("a", "x", PEER, codecs=()), "name at least one of alaw, ulaw, g722"),
        (lambda: Trunk("a", "x", PEER, srtp=True), "set transport to tls"),
        (lambda: Trunk("a", "x", PEER, from_user="a b"), "from_user"),
        (lambda: Peer("203.0.113.5:5060\n"), "not a host name"),
        (lambda: Peer("203.0.113.5", 0), "port 0 is not between"),
        (lambda: Digest("a;b", "trunk/a"), "digest user"),
        (lambda: Registration(contact="1\n2"), "registration contact"),
        (lambda: TrunkGroup("g", ()), "trunk group g: it has no trunk"),
        (lambda: TrunkGroup("g", ("a", "a")), "stands in it twice"),
        (lambda: Seat("10a"), "2 to 8 digits"),
        (lambda: Seat("1001", "a\nb"), "control character; remove it"),
        (lambda: Seat("1001", mac="00:15:65"), "twelve lower-case hex digits"),
        (lambda: Seat("1001", model="cisco"), "write yealink, grandstream or nothing"),
        (lambda: Seat("1001", max_contacts=0), "needs at least 1"),
        (lambda: Seat("1001", srtp=True), "set transport to tls"),
        (lambda: Seat("1001", codecs=()), "name at least one"),
    ],
)
def test_what_cannot_be_is_refused_with_its_remedy(make: Callable[[], object], fault: str) -> None:
    with pytest.raises(ValueError, match=fault) as refusal:
        make()
    assert "\n" not in str(refusal.value)


def test_a_trunk_may_be_known_by_its_password_alone() -> None:
    assert Trunk("a", "x", incoming=DIGEST).peers == ()


def test_media_keys_may_travel_over_tls() -> None:
    assert Trunk("a", "x", PEER, srtp=True, transport=Transport.TLS).srtp


def test_an_ipv6_address_is_written_in_brackets() -> None:
    assert str(Peer("2001:db8::1", 5070)) == "[2001:db8::1]:5070"


def test_a_seats_secret_is_known_by_name_only() -> None:
    assert Seat("1001").secret == "seat/1001"


def test_a_seat_speaks_chinas_codec_first() -> None:
    assert Seat("1001").codecs[0] is Codec.ALAW
