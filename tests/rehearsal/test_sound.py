from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hotline.rehearsal.sound import Heard, alaw, linear, longest_silence_s, read_wav, tone, windows, write_wav

SILENCE = np.zeros(8000, dtype=np.int16)


def test_tone_speech_and_silence_are_told_apart() -> None:
    noise = np.random.default_rng(1).normal(0, 2000, 8000).astype(np.int16)
    heard = [window.heard for window in windows(np.concatenate([tone(440, 1.0), SILENCE, noise]))]
    assert heard == [Heard.TONE] * 10 + [Heard.SILENCE] * 10 + [Heard.SPEECH] * 10


def test_a_tones_frequency_and_level_are_measured() -> None:
    window = windows(tone(800, 0.1, amplitude=0.5))[0]
    assert window.hertz == pytest.approx(800, abs=10)
    assert window.dbfs == pytest.approx(-9.0, abs=0.1)


def test_the_longest_silence_is_the_longest_unbroken_one() -> None:
    samples = np.concatenate([SILENCE[:4000], tone(440, 0.2), SILENCE, tone(440, 0.2), SILENCE[:2400]])
    assert longest_silence_s(samples) == pytest.approx(1.0)


def test_line_noise_is_silence() -> None:
    assert longest_silence_s(np.full(800, 8, dtype=np.int16)) == pytest.approx(0.1)


def test_a_wav_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", tone(440, 0.5))
    samples, rate = read_wav(tmp_path / "a.wav")
    assert rate == 8000
    assert np.array_equal(samples, tone(440, 0.5))


def test_a_wav_that_is_still_being_written_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", tone(440, 0.5))
    whole = bytearray((tmp_path / "a.wav").read_bytes())
    whole[40:44] = bytes(4)  # the length that is written when the file is closed
    (tmp_path / "a.wav").write_bytes(whole)
    assert len(read_wav(tmp_path / "a.wav")[0]) == 4000


def test_alaw_codes_are_g711s() -> None:
    # ITU-T G.711: both zeros, both extremes, and the ends of the segment from 512 to 1024
    samples = np.array([0, -1, 32767, -32768, 512, 1008, 1024], dtype=np.int16)
    assert alaw(samples).hex(" ") == "d5 55 aa 2a f5 fa e5"


def test_a_law_is_read_back_within_its_own_steps() -> None:
    said = tone(500, 0.2, 0.9)
    back = linear(np.frombuffer(alaw(said), dtype=np.uint8))
    assert np.max(np.abs(back.astype(int) - said)) <= 512
    quiet = tone(500, 0.2, 0.005)
    assert np.max(np.abs(linear(np.frombuffer(alaw(quiet), dtype=np.uint8)).astype(int) - quiet)) <= 8
