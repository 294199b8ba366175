"""Numbers of identity cards: which prove themselves. The first is the standard's own example (GB 11643-1999, annex)."""

from __future__ import annotations

import pytest

from ivr.identity import is_identity

REAL = "11010519491231002X"


def test_the_standards_example_proves_itself() -> None:
    assert is_identity(REAL)
    assert is_identity("440524188001010014")


@pytest.mark.parametrize("place", range(17))
def test_a_digit_that_is_misheard_is_found_out(place: int) -> None:
    other = str((int(REAL[place]) + 1) % 10)
    assert not is_identity(REAL[:place] + other + REAL[place + 1 :])


@pytest.mark.parametrize("place", range(16))
def test_two_neighbours_that_change_places_are_found_out(place: int) -> None:
    one, other = REAL[place], REAL[place + 1]
    if one != other:
        assert not is_identity(REAL[:place] + other + one + REAL[place + 2 :])


@pytest.mark.parametrize(
    "text", ["", "11010519491231002", "11010519491231002x", "0" * 18, "１１０１０５１９４９１２３１００２X"]
)
def test_what_has_another_form_is_none(text: str) -> None:
    assert not is_identity(text)
