"""What a seat that dials a number reaches, told before anybody dials it."""

from __future__ import annotations

import pytest

from hotline.city import City
from hotline.tracing_dial import dialled

NOW = 1_767_578_400_000
"""2026-01-05T10:00 in China, a Monday"""


def test_an_emergency_may_be_dialled_by_anybody_over_its_own_line_first() -> None:
    told = dialled(City.load("zhengzhou"), "110", "8001", at_ms=NOW).document
    assert (told["refused"], told["trunk"], told["answered_by"]) == (None, "emergency", "emergency")


def test_whoever_has_not_signed_on_is_told_to() -> None:
    traced = dialled(City.load("zhengzhou"), "13800000000", "8001", at_ms=NOW)
    assert (traced.document["refused"], traced.document["answered_by"]) == ("sign-on-first", "nobody")
    assert traced.sentences[1].startswith("Refused: the seat hears “")


def test_the_far_end_sees_the_hotline_and_the_ways_stand_in_their_order() -> None:
    traced = dialled(City.load("zhengzhou"), "13800000000", "1001", at_ms=NOW)
    assert [way["trunk"] for way in traced.document["ways"]][:1] == ["unicom"]
    assert any("The far end sees 037112345" in sentence for sentence in traced.sentences)


def test_another_seat_is_rung_directly() -> None:
    traced = dialled(City.load("zhengzhou"), "8002", "1001", at_ms=NOW)
    assert traced.sentences[-1].startswith("Seat 8002 is rung")


def test_a_stranger_is_named_with_the_remedy() -> None:
    with pytest.raises(ValueError, match="--dialled-by 9999: no agent and no seat"):
        dialled(City.load("zhengzhou"), "110", "9999", at_ms=NOW)
