"""PINs are kept as hashes that can't be read back, and a hash that is none is told so."""

from __future__ import annotations

import pytest

from hotline.pins import hash_pin, pin_fault, pin_matches


def test_a_hash_answers_to_its_own_pin_alone() -> None:
    stored = hash_pin("2580")
    assert "2580" not in stored
    assert pin_matches(stored, "2580")
    assert pin_matches(stored, "2580")
    assert not pin_matches(stored, "2581")
    assert not pin_matches(stored, "")


def test_the_same_pin_has_another_hash_each_time() -> None:
    assert hash_pin("2580") != hash_pin("2580")


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "2580",
        "scrypt$8192$8$1$$",
        "scrypt$8191$8$1$aG90bGluZS1kZW1v$HQyrYXvEdxOHGLpPLWSnHgiv/v0EnRnY5F8GVFyRCj0=",
        "scrypt$1073741824$8$1$aG90bGluZS1kZW1v$HQyrYXvEdxOHGLpPLWSnHgiv/v0EnRnY5F8GVFyRCj0=",
        "bcrypt$8192$8$1$aG90bGluZS1kZW1v$HQyrYXvEdxOHGLpPLWSnHgiv/v0EnRnY5F8GVFyRCj0=",
        "scrypt$8192$8$1$!!!$HQyrYXvEdxOHGLpPLWSnHgiv/v0EnRnY5F8GVFyRCj0=",
    ],
)
def test_what_is_no_hash_is_a_fault_and_matches_nothing(stored: str) -> None:
    assert pin_fault(stored) == "is no scrypt hash: make one with python -m hotline.pins"
    assert not pin_matches(stored, "2580")
