"""AMI messages as bytes."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunks.ami import MAX_MESSAGE, AmiBroken, AmiStream, begins_list, compose, ends_list, variables

BANNER = b"Asterisk Call Manager/11.0.0\r\n"
TALK = (
    BANNER
    + b"Event: Newchannel\r\nChannel: PJSIP/unicom-00000001\r\n"
    + "CallerIDName: 市长热线\r\nAccountCode: \r\n\r\n".encode()
    # As Asterisk 22 ends the answer to PJSIPShowContacts: the next message begins with a line end.
    + b"Response: Error\r\nActionID: 5\r\nMessage: No Contacts found\n\r\n\r\n\r\n"
    + b"Event: Status\r\nVariable: ACD_CALL=1.2\r\nVariable: ACD_QUEUE=12345\r\n\r\n"
    + b"Response: Success\r\nOutput: a line\r\nOutput: another: line\r\n\r\n"
)
HEARD = [
    {
        "Event": "Newchannel",
        "Channel": "PJSIP/unicom-00000001",
        "CallerIDName": "市长热线",
        "AccountCode": "",
    },
    {"Response": "Error", "ActionID": "5", "Message": "No Contacts found\n"},
    {"Event": "Status", "Variable": "ACD_CALL=1.2\nACD_QUEUE=12345"},
    {"Response": "Success", "Output": "a line\nanother: line"},
]


def read(*pieces: bytes) -> list[dict[str, str]]:
    stream = AmiStream()
    return [message for piece in pieces for message in stream.feed(piece)]


def test_messages_are_read_with_repeated_headers_empty_values_and_a_line_end_too_many() -> None:
    assert read(TALK) == HEARD


@given(st.lists(st.integers(0, len(TALK)), max_size=12))
def test_however_the_bytes_are_cut_the_messages_are_the_same(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(TALK)]
    assert read(*(TALK[start:end] for start, end in pairwise(places))) == HEARD


def test_byte_by_byte_the_messages_are_the_same() -> None:
    assert read(*(TALK[i : i + 1] for i in range(len(TALK)))) == HEARD


def test_bytes_that_are_not_utf8_are_shown_and_harm_no_other_header() -> None:
    [event] = read(BANNER, "Event: X\r\nCallerIDName: 张\r\n\r\n".encode("gb18030"))
    assert event["Event"] == "X"
    assert "\ufffd" in event["CallerIDName"]
    event["CallerIDName"].encode()  # no lone surrogates: a journal can be written


@pytest.mark.parametrize(
    "banner", [b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 400 Bad Request\r\n", b"\x16\x03\x01", b"x" * 4096]
)
def test_who_opens_otherwise_than_asterisk_is_named(banner: bytes) -> None:
    with pytest.raises(AmiBroken, match="the peer opens with"):
        read(banner)


def test_a_banner_without_an_end_is_not_waited_for() -> None:
    with pytest.raises(AmiBroken):
        read(b"Asterisk Call Manager/" + b"1" * 4096)


@pytest.mark.parametrize("pieces", [1, 50])
def test_a_megabyte_without_an_end_is_refused(pieces: int) -> None:
    with pytest.raises(AmiBroken, match=f"at most {MAX_MESSAGE}"):
        read(BANNER, b"Event: ", *[b"x" * (1_000_000 // pieces)] * pieces)


def test_a_megabyte_of_one_message_is_refused() -> None:
    with pytest.raises(AmiBroken):
        read(BANNER, b"Event: " + b"x" * 1_000_000 + b"\r\n\r\n")


@given(st.binary(max_size=300))
def test_no_bytes_make_the_reader_raise_anything_else(junk: bytes) -> None:
    for message in read(BANNER, b"Event: A\r\n", junk, b"\r\n\r\n"):
        assert all(isinstance(value, str) for value in message.values())


def test_an_action_is_its_headers_in_order() -> None:
    bytes_ = compose(
        "Originate", "7", {"Channel": "Local/1@x", "Variable": ["a=市", "b=2"], "Async": True, "No": None}
    )
    assert bytes_.decode() == (
        "Action: Originate\r\nActionID: 7\r\nChannel: Local/1@x\r\n"
        "Variable: a=市\r\nVariable: b=2\r\nAsync: true\r\n\r\n"
    )


@pytest.mark.parametrize("bad", ["a\r\nAction: Logoff", "a\nb", "a\rb", "a\x00b"])
def test_a_value_that_would_forge_a_header_is_refused(bad: str) -> None:
    for fields in ({"CallerID": bad}, {"Variable": ["a=1", bad]}):
        with pytest.raises(ValueError, match=r"AMI Originate\.(CallerID|Variable)"):
            compose("Originate", "7", fields)
    with pytest.raises(ValueError, match="AMI Action"):
        compose(bad, "7", {})


@pytest.mark.parametrize("name", ["", "a b", "a:", "a\r\nb", "Action", "actionid"])
def test_a_header_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="AMI Ping"):
        compose("Ping", "7", {name: "1"})


def test_a_lone_surrogate_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="lone surrogate"):
        compose("Ping", "7", {"A": "\udc80"})


def test_channel_variables_are_taken_apart_and_absent_ones_left_out() -> None:
    fields = {"ChanVariable": "ACD_CALL=1.2\nACD_LINE=a=b", "Variable": "ACD_QUEUE=(null)\nACD_NEXT="}
    assert variables(fields) == {"ACD_CALL": "1.2", "ACD_LINE": "a=b", "ACD_NEXT": ""}


def test_a_list_is_told_by_its_event_list_and_not_by_its_words() -> None:
    assert begins_list({"Response": "Success", "EventList": "start"})
    assert not begins_list({"Response": "Success", "Message": "Added interface to queue"})
    assert not begins_list({"Response": "Success", "Message": "Originate successfully queued"})
    assert ends_list({"Event": "StatusComplete", "EventList": "Complete"})
    assert not ends_list({"Event": "Status"})
