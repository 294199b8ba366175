"""What a wav file holds: tone, speech or silence, per 100 ms; and the few sounds that a rehearsal needs.

Everything is 16-bit mono at 8 kHz, as a telephone line is; levels are RMS in dB below full scale (dBFS).
"""

from __future__ import annotations

import struct
import wave
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]

RATE = 8000
WINDOW_S = 0.1
SILENCE_DBFS = -50.0
"""Below this a listener hears nothing: G.711's own noise floor lies near -66 dBFS, quiet speech near -35."""

TONALITY = 0.8
"""Share of a window's power in one spectral line (and its neighbours) that makes it a tone rather than
speech."""


class Heard(StrEnum):
    """What a window of sound is, to a listener."""

    SILENCE = "silence"
    TONE = "tone"
    SPEECH = "speech"


@dataclass(frozen=True, slots=True)
class Window:
    """One 100 ms window: when it began (seconds from the file's start), level in dBFS, strongest frequency in
    Hz."""

    start: float
    dbfs: float
    hertz: float
    heard: Heard


def tone(hertz: float, seconds: float, amplitude: float = 0.3) -> Samples:
    """A sine at 8 kHz; ``amplitude`` is a share of full scale."""
    t = np.arange(int(seconds * RATE)) / RATE
    return (amplitude * 32767 * np.sin(2 * np.pi * hertz * t)).astype(np.int16)


def write_wav(path: Path, samples: Samples) -> None:
    """Write ``samples`` as 8 kHz mono 16-bit."""
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(samples.astype("<i2").tobytes())


def read_wav(path: Path) -> tuple[Samples, int]:
    """The first channel's samples and the rate in Hz.

    A file whose writer is still recording, or was killed, tells wrong lengths: it is read as far as it goes.
    Raises `ValueError` for anything but 16-bit PCM and A-law."""
    data = path.read_bytes()
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise ValueError(f"{path}: not a wav: give a RIFF/WAVE file")
    form: tuple[int, ...] | None = None
    at = 12
    while at + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, at)
        at += 8
        if name == b"fmt ":
            form = struct.unpack_from(
                "<HHIIHH", data, at
            )  # format, channels, rate, bytes/s, bytes/frame, bits
        elif name == b"data":
            if form is None or (form[0], form[5]) not in {(1, 16), (0xFFFE, 16), (6, 8)}:
                raise ValueError(f"{path}: neither 16-bit PCM nor A-law: convert it")
            channels, rate = form[1], form[2]
            sound = data[at : at + size] if 0 < size <= len(data) - at else data[at:]
            if form[0] == 6:
                codes = np.frombuffer(sound[: len(sound) // channels * channels], dtype=np.uint8)
                return linear(codes.reshape(-1, channels)[:, 0]), rate
            whole = np.frombuffer(sound[: len(sound) // (2 * channels) * 2 * channels], dtype="<i2")
            return whole.reshape(-1, channels)[:, 0].astype(np.int16), rate
        at += size + size % 2
    raise ValueError(f"{path}: no sound in it")


def windows(samples: Samples, rate: int = RATE) -> list[Window]:
    """Every whole 100 ms of ``samples``, judged one by one."""
    size = int(rate * WINDOW_S)
    count = len(samples) // size
    frames = samples[: count * size].reshape(count, size).astype(np.float64) / 32768
    found = []
    for n, frame in enumerate(frames):
        rms = float(np.sqrt(np.mean(frame**2)))
        dbfs = 20 * float(np.log10(rms)) if rms > 0 else -120.0
        power = np.abs(np.fft.rfft(frame * np.hanning(size))) ** 2
        power[0] = 0.0
        peak = int(np.argmax(power))
        total = float(power.sum())
        share = float(power[max(peak - 2, 1) : peak + 3].sum()) / total if total > 0 else 0.0
        heard = Heard.SILENCE if dbfs < SILENCE_DBFS else Heard.TONE if share >= TONALITY else Heard.SPEECH
        found.append(Window(n * WINDOW_S, dbfs, peak / WINDOW_S, heard))
    return found


def longest_silence_s(samples: Samples, rate: int = RATE) -> float:
    """The longest unbroken silence in seconds, in steps of 100 ms. A file without a whole window is all
    silence."""
    longest = run = 0
    for window in windows(samples, rate):
        run = run + 1 if window.heard is Heard.SILENCE else 0
        longest = max(longest, run)
    return longest * WINDOW_S


def alaw(samples: Samples) -> bytes:
    """``samples`` as G.711 A-law, one byte each (ITU-T G.711; what SIPp streams must be encoded already)."""
    linear = samples.astype(np.int32) >> 3  # 13 bits
    sign = np.where(linear >= 0, 0x80, 0).astype(np.int32)
    magnitude = np.where(linear >= 0, linear, -linear - 1)
    exponent = np.maximum(np.floor(np.log2(np.maximum(magnitude, 1))).astype(np.int32) - 4, 0)
    mantissa = np.where(exponent == 0, magnitude >> 1, magnitude >> exponent) & 0x0F
    code = sign | (exponent << 4) | mantissa
    packed: bytes = (code ^ 0x55).astype(np.uint8).tobytes()
    return packed


def linear(codes: npt.NDArray[np.uint8]) -> Samples:
    """G.711 A-law as 16-bit samples: the middle of each step (ITU-T G.711)."""
    code = codes.astype(np.int32) ^ 0x55
    exponent, mantissa = (code >> 4) & 0x07, code & 0x0F
    magnitude = np.where(
        exponent == 0, (mantissa << 4) + 8, ((mantissa << 4) + 0x108) << np.maximum(exponent - 1, 0)
    )
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)
