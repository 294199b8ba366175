"""Classes of service: what a dialled number is, and who may dial it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.outgoing import may_dial
from acd.service_class import EMERGENCIES, Kind, ServiceClass, digits_of, fits, kind_of, pattern_fault, read
from tests.acd.town import AREA, town

SETUP = town()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("110", Kind.EMERGENCY),
        ("0371-110", Kind.EMERGENCY),
        ("119", Kind.EMERGENCY),
        ("0379110", Kind.NATIONAL),
        ("12345", Kind.OWN),
        ("12315", Kind.OWN),
        ("12366", Kind.LINES),
        ("62345678", Kind.LOCAL),
        ("10086", Kind.LOCAL),
        ("4008001234", Kind.LOCAL),
        ("13800138000", Kind.MOBILE),
        ("01062345678", Kind.NATIONAL),
        ("0085212345678", Kind.ABROAD),
        ("0", Kind.NONE),
        ("", Kind.NONE),
        ("*11", Kind.NONE),
    ],
)
def test_a_number_is_of_one_kind(text: str, kind: Kind) -> None:
    assert kind_of(read(text, AREA), SETUP.plan) is kind


@given(
    st.sampled_from(sorted(EMERGENCIES)),
    st.sampled_from(["", *SETUP.agents, "999"]),
    st.sampled_from(["", "8001", "8999"]),
)
def test_nothing_keeps_anybody_from_an_emergency_number(number: str, agent: str, seat: str) -> None:
    assert may_dial(SETUP, agent, number, seat) is None
    assert ServiceClass("none", never=("1*",)).may(Kind.EMERGENCY, number)


@pytest.mark.parametrize(
    ("number", "why"),
    [
        ("13800138000", None),
        ("8003", None),
        ("037962345678", None),
        ("01062345678", "dial-forbidden"),
        ("62999123", "dial-forbidden"),
        ("62999", "dial-unknown"),
        ("12345", "dial-unknown"),
        ("12315", "dial-unknown"),
        ("7", "dial-unknown"),
    ],
)
def test_the_default_class_decides_for_who_has_none(number: str, why: str | None) -> None:
    assert may_dial(SETUP, "101", number) == why


def test_who_is_not_signed_on_dials_nothing_else() -> None:
    assert may_dial(SETUP, "", "13800138000", "8001") == "sign-on-first"
    assert may_dial(SETUP, "999", "8003", "8001") == "sign-on-first"


def test_a_pattern_fits_whole_numbers_unless_it_ends_with_a_star() -> None:
    assert fits("95588", "955XX")
    assert not fits("955881", "955XX")
    assert not fits("9558", "955XX")
    assert fits("037912345", "0379*")
    assert not fits("037112345", "0379*")
    assert fits("", "*")


@pytest.mark.parametrize("pattern", ["", "95x", "1 2", "12*3", "+86*", "N"])
def test_what_is_no_pattern_is_told_with_the_remedy(pattern: str) -> None:
    fault = pattern_fault(pattern)
    assert fault is not None
    assert "write digits" in fault


def test_a_number_goes_out_as_it_is_dialled_from_home() -> None:
    def dialled(text: str) -> str:
        number = read(text, AREA)
        assert number is not None
        return digits_of(number, AREA)

    assert dialled("+86 371 6234 5678") == "62345678"
    assert dialled("0379-12345") == "037912345"
    assert dialled("+86 138 0013 8000") == "13800138000"
    assert dialled("+852 1234 5678") == "0085212345678"
