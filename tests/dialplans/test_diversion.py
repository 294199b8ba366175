"""Raw Diversion and History-Info headers: what carriers write, and what attackers write."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialplans.diversion import LONGEST_HEADER, MOST_ENTRIES, read_hops


def uris(*headers: str) -> list[str]:
    hops = read_hops(headers)
    return [hop.uri for hop in (*hops.history, *hops.diversion)]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Diversion: <sip:12315@192.0.2.1>;reason=unconditional;counter=1", ["sip:12315@192.0.2.1"]),
        ("diversion: <tel:+86-371-12315>", ["tel:+86-371-12315"]),
        ("Diversion: sip:12315@192.0.2.1;reason=unknown", ["sip:12315@192.0.2.1"]),
        ('Diversion: "Zhang, San <12316>" <sip:12315@x>;privacy=off', ["sip:12315@x"]),
        (r'Diversion: "a \" quote, and <sip:1@x>" <sip:12315@x>', ["sip:12315@x"]),
        ("Diversion: 消费维权 <sip:12315@x>", ["sip:12315@x"]),
        ("Diversion: <sip:12315@x;user=phone;a=1,2>;reason=unconditional", ["sip:12315@x;user=phone;a=1,2"]),
        # the latest is on top, so the one first dialled comes first here
        ("Diversion: <sip:12319@x>;reason=unconditional, <sip:12315@x>", ["sip:12315@x", "sip:12319@x"]),
        ("History-Info: <sip:12345@x>;index=1.1, <sip:12315@x>;index=1", ["sip:12315@x", "sip:12345@x"]),
        ("History-Info: <sip:a@x>;index=1.10, <sip:b@x>;index=1.9", ["sip:b@x", "sip:a@x"]),
        (
            "History-Info: <sip:12315@x?Reason=SIP%3Bcause%3D302&Privacy=history>;index=1",
            ["sip:12315@x?Reason=SIP%3Bcause%3D302&Privacy=history"],
        ),
        ("Diversion: ", []),
        ("Diversion: ,,,", []),
        ('Diversion: "never closed <sip:12315@x>', []),
        ("Diversion: <sip:12315@x", []),
        ("Diversion: >sip:12315@x<", []),
        ("X-Diversion: <sip:12315@x>", []),
        ("<sip:12315@x>", []),
        ("", []),
    ],
)
def test_this_header_names_these_hops(header: str, expected: list[str]) -> None:
    assert uris(header) == expected


def test_several_diversion_headers_are_read_from_the_last_to_the_first() -> None:
    assert uris("Diversion: <sip:c@x>, <sip:b@x>", "Diversion: <sip:a@x>") == [
        "sip:a@x",
        "sip:b@x",
        "sip:c@x",
    ]


def test_history_without_an_index_keeps_its_place() -> None:
    assert uris("History-Info: <sip:a@x>, <sip:b@x>;index=bad, <sip:c@x>") == [
        "sip:a@x",
        "sip:b@x",
        "sip:c@x",
    ]


@pytest.mark.parametrize(
    ("header", "tried"),
    [
        ("Diversion: <sip:12315@x>;reason=no-answer", True),
        ('Diversion: <sip:12315@x>;reason="user-busy"', True),
        ("Diversion: <sip:12315@x>;reason=time-of-day", True),
        ("Diversion: <sip:12315@x>;reason=unconditional", False),
        ("Diversion: <sip:12315@x>", False),
        ("History-Info: <sip:12315@x>;index=1, <sip:12345@x;cause=486>;index=1.1", True),
        ("History-Info: <sip:12315@x>;index=1, <sip:12345@x;cause=302>;index=1.1", False),
        ("History-Info: <sip:12315@x?Reason=SIP%3Bcause%3D408>;index=1", True),
        ("History-Info: <sip:12315@x?Reason=SIP%3Bcause%3D302>;index=1", False),
    ],
)
def test_a_reason_tells_whether_the_lines_own_people_were_asked_first(header: str, tried: bool) -> None:
    hops = read_hops([header])
    assert (hops.history or hops.diversion)[0].tried is tried


@given(st.lists(st.text(max_size=200), max_size=8))
def test_no_text_makes_it_raise(headers: list[str]) -> None:
    read_hops([f"Diversion: {text}" for text in headers] + [f"History-Info: {text}" for text in headers])


PIECES = st.sampled_from(
    ['"', "<", ">", ",", ";", "\\", "=", "sip:", "12315", "@x", "index", "1.1", "?", "%", " ", "cause=486"]
)


@given(st.lists(PIECES, max_size=60))
def test_no_heap_of_the_headers_own_signs_makes_it_raise(pieces: list[str]) -> None:
    text = "".join(pieces)
    read_hops([f"Diversion: {text}", f"History-Info: {text}"])


HOSTILE = [
    "<" * 1_000_000,
    '"' * 1_000_001,
    "," * 1_000_000,
    "<sip:12315@x>," * 70_000,
    '"\\' * 500_000,
    "<sip:1@x>;index=" + "1." * 500_000,
    ";" * 1_000_000,
    "\x00" * 1_000_000,
]


@pytest.mark.parametrize("value", HOSTILE, ids=[value[:12] for value in HOSTILE])
def test_a_megabyte_of_anything_takes_no_time(value: str) -> None:
    longest = [f"History-Info: {value[: LONGEST_HEADER - 20]}"] * 200
    start = time.perf_counter()
    assert read_hops([f"Diversion: {value}"]).diversion == ()
    hops = read_hops(longest)
    assert len(hops.history) <= MOST_ENTRIES
    # The slowest of these took 0.25 s on a busy machine of two cores; quadratic work would take minutes.
    assert time.perf_counter() - start < 5
