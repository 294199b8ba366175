"""Phones' files: well formed, whole, and nothing in a name breaks them."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from trunks.provisioning import PhoneNetwork, render_provisioning
from trunks.seats import Seat
from trunks.trunk import Codec, Dtmf, Transport

NETWORK = PhoneNetwork("10.0.0.1", {Transport.UDP: 5060, Transport.TLS: 5061}, time_server="10.0.0.2")
SECRETS = {f"seat/{number}": f"pw<&>{number}" for number in (1001, 1002)}


def yealink(text: str) -> dict[str, str]:
    lines = text.splitlines()
    assert lines[0] == "#!version:1.0.0.1"
    return dict(line.split(" = ", 1) for line in lines[1:])


def grandstream(text: str) -> dict[str, str]:
    root = ET.fromstring(text)
    return {value.tag: value.text or "" for value in root.iter() if value.tag.startswith("P")}


def test_a_phone_finds_its_file_by_its_mac_and_an_unknown_one_by_its_number() -> None:
    seats = [Seat("1001", mac="001565aabbcc"), Seat("1002", model="yealink")]
    assert set(render_provisioning(seats, SECRETS, NETWORK)) == {
        "001565aabbcc.cfg",
        "cfg001565aabbcc.xml",
        "seat-1001.txt",
        "1002.cfg",
        "seat-1002.txt",
    }


def test_a_yealink_phone_gets_account_transport_codecs_and_keys() -> None:
    seat = Seat("1001", "张三", codecs=(Codec.G722, Codec.ALAW), transport=Transport.TLS, srtp=True)
    values = yealink(render_provisioning([seat], SECRETS, NETWORK)["1001.cfg"])
    assert values["account.1.user_name"] == "1001"
    assert values["account.1.password"] == "pw<&>1001"
    assert values["account.1.sip_server.1.port"] == "5061"
    assert values["account.1.sip_server.1.transport_type"] == "2"
    assert values["account.1.srtp_encryption"] == "2"
    assert (values["account.1.codec.g722.priority"], values["account.1.codec.pcma.priority"]) == ("1", "2")
    assert values["account.1.codec.pcmu.enable"] == "0"
    keys = [values[f"linekey.{key}.value"] for key in range(2, 7)]
    assert sorted(keys) == ["*10", "*11", "*12", "*13", "*14"]
    # Auto-answer is the switch's word, call by call.
    assert (values["account.1.auto_answer"], values["features.intercom.allow"]) == ("0", "1")


def test_a_grandstream_phone_gets_well_formed_xml_with_the_password_whole() -> None:
    seat = Seat("1001", "A & <B>", mac="000b82aabbcc", dtmf=Dtmf.INFO)
    text = render_provisioning([seat], SECRETS, NETWORK)["cfg000b82aabbcc.xml"]
    values = grandstream(text)
    assert values["P34"] == "pw<&>1001"
    assert values["P270"] == "A & <B>"
    assert values["P47"] == "10.0.0.1:5060"
    assert (values["P2301"], values["P2302"], values["P2303"]) == ("0", "0", "1")
    assert (values["P90"], values["P298"]) == ("0", "1")
    assert sorted(values[f"P{303 + key * 3}"] for key in range(5)) == ["*10", "*11", "*12", "*13", "*14"]
    assert "<mac>000b82aabbcc</mac>" in text


def test_the_sheet_tells_a_person_what_to_type() -> None:
    sheet = render_provisioning([Seat("1001", "张三")], SECRETS, NETWORK)["seat-1001.txt"]
    for word in ("1001 张三", "10.0.0.1:5060", "pw<&>1001", "alaw, ulaw, g722", "*11   签入"):
        assert word in sheet


def test_two_seats_with_one_mac_are_refused() -> None:
    seats = [Seat("1001", mac="001565aabbcc"), Seat("1002", mac="001565aabbcc")]
    with pytest.raises(ValueError, match=r"seat 1002: mac 001565aabbcc is seat 1001's"):
        render_provisioning(seats, SECRETS, NETWORK)


def test_a_transport_that_the_switch_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match=r"seat 1001: the switch has no tcp; set network\.tcp"):
        render_provisioning([Seat("1001", transport=Transport.TCP)], SECRETS, NETWORK)


def test_a_seat_without_a_password_is_refused() -> None:
    with pytest.raises(ValueError, match="the secrets file has no seat/1003"):
        render_provisioning([Seat("1003")], SECRETS, NETWORK)
