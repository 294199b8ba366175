"""FastAGI as bytes."""

from __future__ import annotations

from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.agi import (
    MAX_COMMAND,
    MAX_GREETING,
    MAX_LINE,
    AgiBroken,
    AgiStream,
    Greeting,
    Hangup,
    Heard,
    Reply,
    command,
    get_variable,
    read_reply,
    run,
    set_variable,
    set_variables,
    stream_file,
)
from tests.fakes.agi import split

GREETING = (
    b"agi_network_script: enter\nagi_callerid: 138\n"
    + "agi_calleridname: 市: 长\n".encode()
    + b"agi_arg_1: a\nagi_arg_2: \n\n"
)
USAGE = "520-Invalid command syntax.  Proper usage follows:\n Usage: X\n520 End of proper usage."
TALK = (
    GREETING
    + b"200 result=1\n100 Trying...\n200 result=1 (<sip:12315@x>;reason=(a) b)\n"
    + f"{USAGE}\nHANGUP\n".encode()
)
HEARD: list[Heard] = [
    Greeting(
        {
            "agi_network_script": "enter",
            "agi_callerid": "138",
            "agi_calleridname": "市: 长",
            "agi_arg_1": "a",
            "agi_arg_2": "",
        },
        "enter",
        ("a", ""),
    ),
    Reply(200, "1", text="200 result=1"),
    Reply(200, "1", "<sip:12315@x>;reason=(a) b", text="200 result=1 (<sip:12315@x>;reason=(a) b)"),
    Reply(520, text=USAGE),
    Hangup(),
]


def read(*pieces: bytes) -> list[Heard]:
    stream = AgiStream()
    return [message for piece in pieces for message in stream.feed(piece)]


@given(st.lists(st.integers(0, len(TALK)), max_size=12))
def test_however_the_bytes_are_cut_the_messages_are_the_same(cuts: list[int]) -> None:
    assert read(*(TALK[start:end] for start, end in pairwise([0, *sorted(cuts), len(TALK)]))) == HEARD


def test_a_hangup_is_heard_between_a_command_and_its_answer() -> None:
    assert read(GREETING, b"HANGUP\n200 result=-1\n")[1:] == [
        Hangup(),
        Reply(200, "-1", text="200 result=-1"),
    ]


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("200 result=0", Reply(200, "0")),
        ("200 result=-1 endpos=8000", Reply(200, "-1", endpos=8000)),
        ("200 result=53 endpos=8000", Reply(200, "53", endpos=8000)),
        ("200 result=1 (timeout)", Reply(200, "1", "timeout")),
        ("200 result=1 ()", Reply(200, "1", "")),
        ("200 result=1 (a) endpos=7", Reply(200, "1", "a", 7)),
        ("200 result=1 (x endpos=7)", Reply(200, "1", "x endpos=7")),
        ("510 Invalid or unknown command", Reply(510)),
        ("511 Command Not Permitted on a dead channel or intercept routine", Reply(511)),
    ],
)
def test_each_form_of_an_answer_is_read(line: str, reply: Reply) -> None:
    read_back = read_reply(line)
    assert read_back is not None
    assert read_back.text == line
    assert (read_back.code, read_back.result, read_back.data, read_back.endpos) == (
        reply.code,
        reply.result,
        reply.data,
        reply.endpos,
    )


def test_a_pressed_key_is_a_character_and_none_is_none() -> None:
    keys = [read_reply(f"200 result={code} endpos=0") for code in ("53", "35", "0", "-1")]
    assert [reply.key if reply else "?" for reply in keys] == ["5", "#", None, None]


@pytest.mark.parametrize(
    "junk",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01",
        b"agi_a: b\nnonsense\n\n",
        b"agi_x: " + b"y" * 1_000_000,
        b"agi_x: y\n" * 20_000,
        b"agi_x: y\n" * 300 + b"\n",
        GREETING + b"what is this\n",
        GREETING + b"200 result" + b"=" * (MAX_LINE + 1),
        GREETING + b"200 result=" + b"1" * (MAX_LINE + 1) + b"\n",
        GREETING + b"200\n",
        GREETING + b"\xff\xfe\n",
        GREETING + "２００ result=1\n".encode(),
        GREETING + b"520-x\n" + b"y\n" * 1000,
    ],
)
def test_who_does_not_speak_fastagi_is_refused(junk: bytes) -> None:
    with pytest.raises(AgiBroken):
        read(junk)


@given(st.binary(max_size=200))
def test_no_bytes_make_the_reader_raise_anything_else(junk: bytes) -> None:
    for start in (b"", GREETING):
        with suppress(AgiBroken):
            assert all(isinstance(message, Heard) for message in read(start, junk))


def test_a_slow_drip_keeps_no_more_than_the_limit() -> None:
    stream = AgiStream()
    line = b"agi_x: y\n"
    for _ in range(MAX_GREETING // len(line)):
        assert stream.feed(line) == []
    with pytest.raises(AgiBroken, match=f"more than {MAX_GREETING} bytes"):
        stream.feed(line)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=200))
def test_asterisk_reads_back_exactly_the_text_that_was_given(text: str) -> None:
    line = command("SET VARIABLE", "X", text)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert split(line.decode()[:-1]) == ["SET", "VARIABLE", "X", text]


@pytest.mark.parametrize(
    "bad", ["a\nHANGUP", "a\rb", "a\x00b", "a\tb", "\x7f", "\udc80", "x" * MAX_COMMAND, "市" * 700]
)
def test_text_that_would_break_a_command_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match=r"^AGI SET VARIABLE"):
        set_variable("X", bad)


@pytest.mark.parametrize("name", ["", "A B", "A\n", "A=1", 'A"', "${A}", "___A", "1A", "SHELL(rm -r)"])
def test_a_variable_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="variable"):
        set_variable(name, "1")


def test_the_rest_of_what_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^AGI command .*args$"):
        command("SET VARIABLE X 1\nHANGUP")
    with pytest.raises(ValueError, match="odd number of double quotes"):
        run("Dial", 'PJSIP/1001,"20')
    with pytest.raises(ValueError, match="application"):
        run("Wait 1\nHANGUP")
    with pytest.raises(ValueError, match="keys"):
        stream_file("greeting", "5x")


def test_an_application_gets_its_arguments_as_one_text() -> None:
    assert run("Answer", "0,i") == b'EXEC "Answer" "0,i"\n'
    assert run("StartMusicOnHold") == b'EXEC "StartMusicOnHold"\n'
    assert get_variable("${CHANNEL(endpoint)}") == b'GET FULL VARIABLE "${CHANNEL(endpoint)}"\n'


def test_plain_variables_go_together_and_the_others_alone() -> None:
    assert set_variables({"ACD_NEXT": "seat", "ACD_RING": 20, "ACD_LINE": "12315 市场, 监管"}) == (
        b'SET VARIABLE "ACD_LINE" ' + '"12315 市场, 监管"\n'.encode(),
        b'EXEC "MSet" "ACD_NEXT=seat,ACD_RING=20"\n',
    )
    assert set_variables({"ACD_NEXT": "seat"}) == (b'SET VARIABLE "ACD_NEXT" "seat"\n',)
    assert set_variables({}) == ()
