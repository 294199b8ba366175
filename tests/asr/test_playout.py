"""What the caller hears, on a clock of numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.audiosocket import FRAME_BYTES, FRAME_MS, SILENCE
from asr.playout import CATCH_UP, Playout


def prompt(frames: int) -> bytes:
    """Frames that can be told apart: the n-th is made of n+1."""
    return b"".join(bytes([number % 255 + 1]) * FRAME_BYTES for number in range(frames))


def sounds(frames: list[bytes]) -> list[int]:
    return [frame[0] for frame in frames]


def test_a_prompt_goes_out_a_frame_each_20_ms_and_silence_after_it() -> None:
    playout = Playout(1000.0)
    playout.play(prompt(3))
    assert playout.due(999.9) == []
    heard = [sounds(playout.due(1000.0 + FRAME_MS * number)) for number in range(5)]
    assert heard == [[1], [2], [3], [0], [0]]
    assert (playout.played, playout.playing) == (3, False)


def test_the_last_frame_is_filled_up_with_silence() -> None:
    playout = Playout(0.0)
    playout.play(b"\x07" * 10)
    assert playout.due(0.0) == [b"\x07" * 10 + bytes(FRAME_BYTES - 10)]


@given(st.lists(st.floats(0.0, 19.0), min_size=400, max_size=400))
def test_a_clock_that_is_always_a_little_late_makes_no_drift(late: list[float]) -> None:
    playout = Playout(0.0)
    frames = [frame for number, by in enumerate(late) for frame in playout.due(number * FRAME_MS + by)]
    assert len(frames) == 400
    assert (playout.next_ms, playout.late_ms) == (400 * FRAME_MS, 0)


def test_after_a_stall_a_few_frames_come_together_and_the_rest_of_the_prompt_is_later() -> None:
    playout = Playout(0.0)
    playout.play(prompt(20))
    assert sounds(playout.due(0.0)) == [1]
    assert sounds(playout.due(210.0)) == list(range(2, 2 + CATCH_UP))
    assert playout.late_ms == (10 - CATCH_UP) * FRAME_MS
    assert playout.due(219.0) == []
    assert sounds(playout.due(220.0)) == [2 + CATCH_UP]


@given(st.lists(st.integers(1, 900), min_size=1, max_size=60))
def test_however_the_clock_stumbles_the_prompt_is_whole_and_in_order_and_never_bursts(
    steps: list[int],
) -> None:
    playout, now, heard = Playout(0.0), 0.0, []
    playout.play(prompt(50))
    for step in steps:
        now += step
        frames = playout.due(now)
        assert len(frames) <= CATCH_UP
        heard += [sound for sound in sounds(frames) if sound]
    assert heard == list(range(1, len(heard) + 1))
    assert len(heard) == playout.played


def test_what_is_stopped_is_silent_from_the_next_frame_on() -> None:
    playout = Playout(0.0)
    playout.play(prompt(10))
    playout.due(0.0)
    playout.stop()
    assert playout.due(20.0) == [SILENCE]
    assert not playout.playing


def test_what_is_held_goes_on_where_it_was() -> None:
    playout = Playout(0.0)
    playout.play(prompt(3))
    heard = sounds(playout.due(0.0))
    playout.hold()
    assert playout.playing
    heard += sounds(playout.due(20.0))
    playout.resume()
    heard += sounds(playout.due(40.0)) + sounds(playout.due(60.0))
    assert heard == [1, 0, 2, 3]


@pytest.mark.parametrize("held", [True, False])
def test_a_new_prompt_takes_the_place_of_the_old_one_even_when_that_was_held(held: bool) -> None:
    playout = Playout(0.0)
    playout.play(prompt(9))
    playout.due(0.0)
    if held:
        playout.hold()
    playout.play(b"\x63" * FRAME_BYTES)
    assert sounds(playout.due(20.0)) == [0x63]
