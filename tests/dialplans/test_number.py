"""Every written form of a number is read into one value."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialplans.number import Number, NumberFault, is_area

HOME = "0371"

SHORT = st.sampled_from(
    ["110", "119", "12345", "12315", "12329", "10000", "10086", "11185", "95598", "96119", "967100", "965559"]
)
LOCAL = st.from_regex(r"[2-8][0-9]{7}", fullmatch=True).filter(lambda digits: not digits.startswith("371"))
SEPARATOR = st.sampled_from(["", " ", "-", ".", "  ", " - ", "‐", "–", "\u00a0"])


def spread(digits: str, separators: list[str]) -> str:
    """The digits with separators between some of them."""
    return "".join(digit + sep for digit, sep in zip(digits, separators, strict=False)).strip(" -.‐–\u00a0")


def full_width(text: str) -> str:
    """The text with the digits and signs of a Chinese keyboard."""
    return "".join(chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter for letter in text)


@pytest.mark.parametrize(
    "text",
    [
        "12345",
        "0371-12345",
        "0371 12345",
        "(0371)12345",
        "037112345",
        "371-12345",
        "37112345",
        "+86 371 12345",
        "+8637112345",
        "+86-371-12345",
        "+86 (0)371 12345",
        "0086 371 12345",
        "0086-0371-12345",
        "8637112345",
        "+86 12345",
        "１２３４５",
        "０３７１－１２３４５",
        "（０３７１）１２３４５",
        "  12345  ",
        "1 2 3 4 5",
        "123.45",
        "tel:12345",
        "tel:+86-371-12345",
        "TEL:12345;phone-context=+86371",
        "sip:12345@10.0.0.1",
        "sip:12345@10.0.0.1:5060;user=phone",
        "sips:+8637112345;npdi@carrier.example;transport=tls",
        "sip:%2B8637112345@carrier.example?Privacy=none",
    ],
)
def test_this_form_is_zhengzhous_12345(text: str) -> None:
    assert Number.read(text, HOME) == Number("0371", "12345")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("62912345", Number("0371", "62912345")),
        ("0371-6291-2345", Number("0371", "62912345")),
        ("37162912345", Number("0371", "62912345")),
        ("+8637162912345", Number("0371", "62912345")),
        ("110", Number("0371", "110")),
        ("0371110", Number("0371", "110")),
        ("0379-12345", Number("0379", "12345")),
        ("010-12345", Number("010", "12345")),
        ("+861012345", Number("010", "12345")),
        ("021 6212 3456", Number("021", "62123456")),
        ("+86 967100", Number("0371", "967100")),
        ("+86 95598", Number("0371", "95598")),
        ("+86 10086", Number("0371", "10086")),
        ("13800138000", Number("", "13800138000")),
        ("013800138000", Number("", "13800138000")),
        ("+86 138 0013 8000", Number("", "13800138000")),
        ("400-123-4567", Number("", "4001234567")),
        ("+852 2123 4567", Number("", "+85221234567")),
        ("00852 2123 4567", Number("", "+85221234567")),
        ("tel:12345;phone-context=+86379", Number("0379", "12345")),
    ],
)
def test_other_numbers_keep_their_own_area(text: str, number: Number) -> None:
    assert Number.read(text, HOME) == number


def test_seven_digits_are_a_local_number_in_heze() -> None:
    assert Number.read("6163116", "0530") == Number.read("0530-6163116", "0530") == Number("0530", "6163116")
    assert Number.read("5306163116", "0530") == Number("0530", "6163116")


@given(SHORT | LOCAL, st.lists(SEPARATOR, min_size=24, max_size=24), st.booleans(), st.data())
def test_every_written_form_of_a_line_is_one_value(
    local: str, separators: list[str], wide: bool, data: st.DataObject
) -> None:
    prefix = data.draw(st.sampled_from(["", "0371", "86371", "+86371", "+860371", "0086371"]))
    if prefix == "86371" and len(local) < 5:
        prefix = "+86371"  # 86371110 is a local number of Heze, not 110 of Zhengzhou
    sign, digits = ("+", prefix[1:] + local) if prefix.startswith("+") else ("", prefix + local)
    text = sign + spread(digits, separators)
    if wide:
        text = full_width(text)
    assert Number.read(text, HOME) == Number(HOME, local)
    assert Number.read(f"tel:{text}", HOME) == Number(HOME, local)
    assert Number.read(f"sip:{text}@192.0.2.1;user=phone", HOME) == Number(HOME, local)


@given(SHORT, st.sampled_from(["371-", "371 ", "371"]))
def test_a_switch_may_strip_the_zero_of_the_home_area_before_a_short_code(local: str, prefix: str) -> None:
    assert Number.read(prefix + local, HOME) == Number(HOME, local)


@given(st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True), st.sampled_from(["", "0", "+86", "0086", "86"]))
def test_a_mobile_has_no_area_however_it_is_written(mobile: str, prefix: str) -> None:
    assert Number.read(prefix + mobile, HOME) == Number("", mobile)


@given(st.text(max_size=300))
def test_whatever_is_read_is_a_number_or_a_fault_in_one_line(text: str) -> None:
    try:
        number = Number.read(text, HOME)
    except NumberFault as fault:
        message = str(fault)
    else:
        assert number.local.removeprefix("+").isdigit()
        assert Number.read(str(number), HOME) == number
        return
    assert len(message.splitlines()) == 1
    assert len(message) < 200


@given(st.text(alphabet="0123456789+-() ", max_size=20))
def test_a_number_that_was_read_reads_the_same_again(text: str) -> None:
    try:
        number = Number.read(text, HOME)
    except NumberFault:
        return
    assert Number.read(number.shown(), HOME) == number
    assert Number.read(unicodedata.normalize("NFKC", full_width(number.shown(HOME))), HOME) == number


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'': no digits"),
        ("+", "'+': no digits"),
        ("abc", "'abc': no telephone number: only digits and + - . ( ) belong in one"),
        ("123a5", "'123a5': no telephone number: only digits and + - . ( ) belong in one"),
        ("7", "'7': no number in China is like this: write 12345 or 0371-12345"),
        ("١٢٣٤٥", "'١٢٣٤٥': no telephone number: only digits and + - . ( ) belong in one"),
        ("0" * 30, f"{'0' * 30!r}: no number in China is like this: write 12345 or 0371-12345"),
        ("sip:10.0.0.1", "'sip:10.0.0.1': the URI has no user part: nothing before an @"),
        ("1" * 300, "number of 300 characters: longer than any number can be"),
    ],
)
def test_a_fault_says_what_is_wrong(text: str, message: str) -> None:
    with pytest.raises(NumberFault) as caught:
        Number.read(text, HOME)
    assert str(caught.value) == message


def test_a_number_is_shown_without_its_area_at_home_only() -> None:
    assert Number("0371", "12345").shown("0371") == "12345"
    assert Number("0379", "12345").shown("0371") == "0379-12345"
    assert str(Number("", "13800138000")) == "13800138000"


@pytest.mark.parametrize(
    ("text", "expected"), [("010", True), ("0371", True), ("371", False), ("0139", False), ("02", False)]
)
def test_area_codes_have_two_or_three_digits_behind_the_zero(text: str, expected: bool) -> None:
    assert is_area(text) is expected
