"""The little SIP and RTP that a drill speaks: read as Asterisk writes it, written as others read it."""

from __future__ import annotations

import pytest

from hotline.rehearsal.words import EVENTS, Message, Packet, answer, audio, key_events, request

INVITE = (
    "INVITE sip:12366@127.38.9.4:5070 SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK1\r\n"
    'From: "12366 \\"税务\\"" <sip:13800000001@127.0.0.1>;tag=a\r\n'
    "To: <sip:12366@127.38.9.4>\r\nCall-ID: x@y\r\nCSeq: 17 INVITE\r\n"
    "Contact: <sip:asterisk@127.0.0.1:5060>\r\nContent-Length: 3\r\n\r\n"
)


def read(text: str) -> Message:
    message = Message.read(text.encode())
    assert message is not None
    return message


def test_an_invite_tells_called_caller_and_what_the_phone_shows() -> None:
    message = read(INVITE + audio("127.0.0.1", 4000))
    assert (message.method, message.asked_user) == ("INVITE", "12366")
    assert message.caller == ("13800000001", '12366 "税务"')
    assert message.media == ("127.0.0.1", 4000, 8)
    assert message.code is None


@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        ("Q.850;cause=16", 16),
        ('Q.850;text="a; cause=3";cause=34', 34),
        ('SIP;cause=200;text="x", Q.850;cause=17', 17),
        ("SIP;cause=200", None),
        ("", None),
    ],
)
def test_the_cause_is_q850s_and_no_other(reason: str, cause: int | None) -> None:
    head = "BYE sip:a@b SIP/2.0\r\nCSeq: 2 BYE\r\n"
    assert read(f"{head}Reason: {reason}\r\n\r\n" if reason else f"{head}\r\n").cause == cause


def test_a_response_repeats_what_it_answers_and_adds_our_tag_once() -> None:
    first = read(answer(read(INVITE), "180 Ringing", tag="me").decode())
    assert (first.code, first.method, first.header("call-id")) == (180, "INVITE", "x@y")
    assert first.header("to").endswith(";tag=me")
    again = read(answer(read(INVITE.replace("9.4>\r\n", "9.4>;tag=old\r\n")), "200 OK", tag="me").decode())
    assert again.header("to").endswith(";tag=old")


def test_short_names_and_folded_lines_are_read() -> None:
    message = read("SIP/2.0 200 OK\r\ni: c1\r\nt: <sip:a@b>\r\n ;tag=z\r\nCSeq: 1 INVITE\r\n\r\n")
    assert (message.header("call-id"), message.header("to")) == ("c1", "<sip:a@b> ;tag=z")


@pytest.mark.parametrize("data", [b"", b"\r\n\r\n", b"\xff\xfe\x00", b"GET / HTTP/1.1\r\n\r\n"])
def test_what_is_no_sip_is_nothing(data: bytes) -> None:
    assert Message.read(data) is None


def test_the_body_is_counted_in_bytes() -> None:
    assert b"Content-Length: 6\r\n\r\n\xe7\x83\xad" in request("MESSAGE", "sip:a@b", [], "热线")


def test_a_packet_is_read_as_it_was_written_and_its_extension_left_out() -> None:
    packet = Packet(8, 65_535, 4_294_967_295, 7, b"\x01\x02", marker=True)
    assert Packet.read(packet.written()) == packet
    extended = bytes([0x90]) + packet.written()[1:12] + b"\xbe\xde\x00\x01abcd" + b"\x01\x02"
    assert Packet.read(extended) == packet
    assert Packet.read(b"\x80\x08") is None


def test_a_key_is_held_and_its_end_is_told_three_times() -> None:
    payloads = key_events("9")
    assert [payload[0] for payload in payloads] == [9] * 8
    assert [payload[1] >> 7 for payload in payloads] == [0] * 5 + [1] * 3
    assert payloads[-1][2:] == (800).to_bytes(2, "big")
    assert key_events("#")[0][0] == 11
    assert EVENTS == 101
