"""What may be shown of what was heard, and what of it is a question."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.speech_wording import LONGEST_WORDING, says_something, wording


@pytest.mark.parametrize(
    ("heard", "shown"),
    [
        ("公积金 怎么 提取", "公积金怎么提取"),
        ("我的电话是 一 三 八 零零 一三八 零零零 怎么不通", "我的电话是…怎么不通"),
        ("号码138 0013 8000", "号码…"),
        ("[unk] 暖气\n不\x00热\u202e", "暖气不热"),
        ("打一二三四五还是12329", "打一二三四五还是12329"),
    ],
)
def test_what_was_heard_is_shown_without_control_characters_and_long_numbers(heard: str, shown: str) -> None:
    assert wording(heard) == shown


@given(st.text() | st.text("0123456789一二三四五六七八九零幺 -[unk]<>电话", max_size=60))
def test_no_seven_digits_in_a_row_and_nothing_unprintable_is_ever_shown(heard: str) -> None:
    shown = wording(heard)
    assert shown.isprintable()
    assert len(shown) <= LONGEST_WORDING
    run = 0
    for sign in shown.replace(" ", "").replace("-", ""):
        run = run + 1 if sign in "0123456789零一二三四五六七八九幺" else 0
        assert run < 7


def test_ten_thousand_characters_are_cut() -> None:
    assert len(wording("停水" * 5000)) == LONGEST_WORDING


@pytest.mark.parametrize(
    "heard", ["", "嗯嗯", "好的", "是的", "你好喂", "12345678", "一", "[unk]", "\x00\x01"]
)
def test_a_yes_a_noise_or_a_number_is_no_question(heard: str) -> None:
    assert not says_something(heard)


@pytest.mark.parametrize("heard", ["停水", "老年证怎么办", "查社保", "wifi怎么连"])
def test_two_words_that_mean_something_are_one(heard: str) -> None:
    assert says_something(heard)
