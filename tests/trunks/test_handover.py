"""What travels along with a call: written within limits, and read from strangers without harm."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunks.handover import (
    NAMES,
    NUMBER_LENGTH,
    REFERENCE,
    REFERENCE_LENGTH,
    SUMMARY,
    SUMMARY_BYTES,
    SUMMARY_LENGTH,
    UUI,
    UUI_OCTETS,
    Handover,
    clean,
    headers,
    read,
    variables,
)

TAX = Handover("12366", "+8613800000001", "1767578400.12", '问个税退税；已等候12秒, 100% "急"')
texts = st.text(max_size=400)
handovers = st.builds(Handover, texts, texts, texts, texts)


def test_what_is_told_in_chinese_comes_back_from_the_headers_word_for_word() -> None:
    assert read(dict(headers(TAX))) == TAX


def test_user_to_user_alone_tells_the_same_as_long_as_it_fits() -> None:
    told = Handover("12366", "13800000001", "110-20260105-77", "问个税退税")
    assert read({UUI: dict(headers(told))[UUI]}) == told


def test_user_to_user_is_hexadecimal_with_the_discriminator_of_user_specific_data() -> None:
    value = dict(headers(Handover(line="12366", reference="7")))[UUI]
    assert value == "00" + b"7|12366||".hex() + ";encoding=hex;purpose=isdn-uui"


def test_what_is_not_known_is_no_header() -> None:
    assert headers(Handover()) == []
    assert [name for name, _ in headers(Handover(line="12366"))] == ["X-Hotline-Line", UUI]


def test_a_carrier_is_told_the_line_and_the_case_and_nothing_of_the_person() -> None:
    assert TAX.public() == Handover(line="12366", reference="1767578400.12")


def test_every_variable_is_set_each_time_so_that_nothing_is_left_of_an_earlier_attempt() -> None:
    assert set(variables(None)) == set(variables(TAX))
    assert set(variables(None).values()) == {""}
    assert len(variables(TAX)) == len(NAMES)


@given(handovers)
def test_no_variable_has_a_character_that_a_dialplan_agi_or_ami_reads_as_anything_else(
    told: Handover,
) -> None:
    for name, value in variables(told).items():
        assert re.fullmatch(r"_ACD_X_[A-Z]+", name)
        assert re.fullmatch(r"[A-Za-z0-9+*#_.~%-]*", value), value


@given(handovers)
def test_the_limits_hold_whatever_is_told(told: Handover) -> None:
    kept = clean(told)
    assert len(kept.line) <= NUMBER_LENGTH
    assert len(kept.reference) <= REFERENCE_LENGTH
    assert len(kept.note) <= SUMMARY_LENGTH
    written = dict(headers(told))
    assert len(written.get(SUMMARY, "")) <= SUMMARY_BYTES
    assert len(written.get(UUI, "").partition(";")[0]) <= 2 * (UUI_OCTETS + 1)
    assert sum(len(name) + len(value) + 4 for name, value in written.items()) < 1_800


@given(handovers)
def test_reading_what_was_written_gives_the_beginning_of_what_was_told(told: Handover) -> None:
    kept, back = clean(told), read(dict(headers(told)))
    assert (back.line, back.caller, back.reference) == (kept.line, kept.caller, kept.reference)
    assert kept.note.startswith(back.note)


@given(st.dictionaries(st.sampled_from([*NAMES, "x-hotline-line", "Other"]), st.text(max_size=9000)))
def test_whatever_a_far_end_sends_is_read_without_harm(values: dict[str, str]) -> None:
    told = read(values)
    assert clean(told) == told
    for text in (told.line, told.caller, told.reference, told.note):
        assert not any(unicodedata.category(mark)[0] == "C" for mark in text)


@given(
    st.binary(max_size=300), st.sampled_from(["", ";encoding=hex", ";ENCODING=hex ; purpose=isdn-uui", ",ab"])
)
def test_any_bytes_in_user_to_user_are_read_without_harm(octets: bytes, rest: str) -> None:
    told = read({"user-to-user": octets.hex() + rest})
    assert clean(told) == told


@pytest.mark.parametrize(
    ("value", "note"),
    [
        ("00" + "问税".encode().hex(), "问税"),
        ("04" + b"tax refund".hex() + ";encoding=hex", "tax refund"),
        ("00" + "问税".encode("gb18030").hex() + ";encoding=hex", "问税"),
        ("00" + "问税".encode()[:-1].hex(), "问"),
        ("e997ae;encoding=text", ""),
        ("e997a", ""),
        ("zz", ""),
        ("", ""),
        (f'"{"问税".encode().hex()}"', "问税"),
    ],
)
def test_user_to_user_of_others_is_read_as_a_note(value: str, note: str) -> None:
    assert read({UUI: value}) == Handover(note=note)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("110-77%0D%0AAction:%20Originate", "110-77 Action: Originate"),
        ("%E2%80%AE77-011", "77-011"),
        ("%00%07a%7Fb", "ab"),
        ("%FF%FE7", "7"),
        ("%E6%A1%88-7", "案-7"),
        ("a|b", "ab"),
        ("x" * 500, "x" * REFERENCE_LENGTH),
    ],
)
def test_a_reference_is_stripped_of_what_could_be_taken_for_something_else(sent: str, kept: str) -> None:
    assert read({REFERENCE: sent}).reference == kept


def test_a_note_is_cut_between_two_characters() -> None:
    summary = dict(headers(Handover(note="税" * 300)))[SUMMARY]
    assert summary == "%E7%A8%8E" * (SUMMARY_BYTES // 9)
