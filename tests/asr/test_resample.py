"""8 kHz into 16 kHz: a tone stays that tone, and no seam is heard."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from asr.resample import Doubling


def tone(hertz: float, rate: int, seconds: float = 0.5) -> NDArray[np.float64]:
    return 10_000 * np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate)


def doubled(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.frombuffer(Doubling().feed(samples.astype("<i2").tobytes()), "<i2").astype(float)


@pytest.mark.parametrize("hertz", [50, 300, 1000, 2500, 3400])
def test_a_tone_of_the_telephones_band_is_the_same_tone_at_twice_the_rate(hertz: float) -> None:
    wide, wanted = doubled(tone(hertz, 8000)), tone(hertz, 16_000)
    lag = 2 * Doubling.LAG
    off = wide[lag + 100 :] - wanted[100 : len(wanted) - lag]
    assert np.sqrt(np.mean(off**2)) < 0.01 * 10_000 / np.sqrt(2)


@given(st.lists(st.integers(0, 400), max_size=12), st.integers(0, 2**32 - 1))
def test_the_cuts_make_no_difference(sizes: list[int], seed: int) -> None:
    pcm = np.random.default_rng(seed).integers(-32768, 32767, sum(sizes)).astype("<i2").tobytes()
    stream, parts, at = Doubling(), [], 0
    for size in sizes:
        parts.append(stream.feed(pcm[at : at + 2 * size]))
        at += 2 * size
    assert b"".join(parts) == Doubling().feed(pcm)
    assert len(b"".join(parts)) == 2 * len(pcm)


def test_the_loudest_there_is_does_not_turn_over() -> None:
    square = np.where(np.arange(800) // 4 % 2, 32767, -32768).astype(float)
    wide = doubled(square)
    assert (np.sign(wide[2 * Doubling.LAG :: 2]) == np.sign(square[: -Doubling.LAG])).all()
