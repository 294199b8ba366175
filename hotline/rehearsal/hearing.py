"""What a caller heard, said in names: prompts recognised in a recording by their own samples, the tone of whoever picked up,
silences, and sound that nobody expected. Pure.

Sound is 16-bit mono at 8 kHz; instants are seconds from the recording's beginning.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from hotline.rehearsal.sound import RATE, SILENCE_DBFS, WINDOW_S, Heard, Samples, Window, windows

PIECE = 2400
"""samples, a third of a second: a prompt is compared by such pieces"""
SAME = 0.8
"""correlation from which on two pieces are the same sound; another voice's words stay below 0.4"""
JITTER = 480
"""so many samples a piece may lie off its place: a packet that comes late moves what follows it"""
ENOUGH = 0.7
"""share of its pieces from which on a prompt counts as heard"""
UNEXPECTED_S = 0.8
"""sound of this length that no expected prompt accounts for is looked up"""


@dataclass(frozen=True, slots=True)
class Found:
    """A sound that was heard, from when to when, and how much of it (0 to 1)."""

    name: str
    begins: float
    ends: float
    share: float


@dataclass(frozen=True, slots=True)
class Hearing:
    """A recording in words.

    ``prompts``: of those expected, in the order in which they were heard. ``others``: what was heard beside them, by
    name, ``?`` for a sound that is in no library. ``voice``: when the tone of whoever picked up began, ``None``: never.
    ``silence_s``: the longest silence before that, or before the end.
    """

    prompts: tuple[Found, ...] = ()
    others: tuple[Found, ...] = ()
    voice: float | None = None
    silence_s: float = 0.0
    length_s: float = 0.0

    @property
    def names(self) -> tuple[str, ...]:
        """The prompts that were heard, in their order."""
        return tuple(found.name for found in self.prompts)


@dataclass
class Track:
    """The RTP of one call put in its order: packets lie where their timestamps say, gaps are silence.

    What follows its predecessor by number and timestamp lies behind it, however late it comes. After a jump a packet lies
    where its timestamp says, unless that is more than half a second off its arrival: then, and with a new source, a new
    stretch begins at the place of its arrival.
    """

    _placed: list[tuple[int, Samples]] = field(default_factory=list)
    _source: int | None = None
    _base: tuple[int, int] = (0, 0)
    _next: tuple[int, int] = (0, 0)
    packets: int = 0

    def add(self, at: float, source: int, sequence: int, timestamp: int, samples: Samples) -> None:
        """One packet: seconds since the recording's beginning, its SSRC, number, timestamp and sound."""
        arrived = max(round(at * RATE), 0)
        first_timestamp, first_place = self._base
        offset = (timestamp - first_timestamp) & 0xFFFFFFFF
        place = first_place + (offset - (1 << 32) if offset >= 1 << 31 else offset)
        follows = (sequence, timestamp) == self._next
        if source != self._source or (not follows and abs(place - arrived) > RATE // 2):
            self._source, self._base, place = source, (timestamp, arrived), arrived
        self._next = ((sequence + 1) & 0xFFFF, (timestamp + len(samples)) & 0xFFFFFFFF)
        self._placed.append((place, samples))
        self.packets += 1

    def samples(self, length_s: float = 0.0) -> Samples:
        """The recording, at least this long."""
        ends = [place + len(samples) for place, samples in self._placed]
        heard = np.zeros(max([round(length_s * RATE), *ends], default=0), dtype=np.int16)
        for place, samples in self._placed:
            if place >= 0:
                heard[place : place + len(samples)] = samples
        return heard


def find(name: str, heard: Samples, wanted: Samples) -> Found | None:
    """Where this sound lies in the recording best, and how much of it is there; ``None``: nowhere."""
    if len(heard) < PIECE or len(wanted) < PIECE:
        return None
    place = _best_place(heard, wanted)
    pieces = _pieces(wanted)
    if not pieces:
        return None
    same = sum(_is_there(heard, wanted[start : start + PIECE], place + start) for start in pieces)
    if not same:
        return None
    return Found(name, max(place, 0) / RATE, (place + len(wanted)) / RATE, same / len(pieces))


def _pieces(wanted: Samples) -> list[int]:
    """Where the pieces of a sound begin that are not a pause."""
    loud = 32768 * 10 ** (SILENCE_DBFS / 20)
    starts = range(0, len(wanted) - PIECE + 1, PIECE)
    return [n for n in starts if np.sqrt(np.mean(wanted[n : n + PIECE].astype(np.float64) ** 2)) > loud]


def _best_place(heard: Samples, wanted: Samples) -> int:
    """The lag at which the two correlate best; negative where the recording misses the sound's beginning."""
    said, asked = heard.astype(np.float32), wanted.astype(np.float32)
    size = 1 << (len(said) + len(asked)).bit_length()
    product = np.fft.irfft(np.fft.rfft(said, size) * np.conj(np.fft.rfft(asked, size)), size)
    lag = int(np.argmax(product))
    return lag if lag < len(said) else lag - size


def _is_there(heard: Samples, piece: Samples, place: int) -> bool:
    if _alike(_cut(heard, place, len(piece)), piece) >= SAME:
        return True
    around = _cut(heard, place - JITTER, len(piece) + 2 * JITTER).astype(np.float64)
    asked = piece.astype(np.float64)
    product = np.correlate(around, asked, "valid")
    sums = np.concatenate(([0.0], np.cumsum(around**2)))
    energy = np.maximum(sums[len(asked) :] - sums[: len(product)], 1.0)
    return bool(np.max(product / np.sqrt(energy * np.sum(asked**2))) >= SAME)


def _cut(heard: Samples, place: int, length: int) -> Samples:
    """``length`` samples from ``place`` on; silence where the recording has none."""
    before, start = max(-place, 0), max(place, 0)
    part = heard[start : max(place + length, 0)]
    return np.pad(part, (min(before, length), max(length - min(before, length) - len(part), 0)))


def _alike(one: Samples, other: Samples) -> float:
    a, b = one.astype(np.float64), other.astype(np.float64)
    power = float(np.sqrt(np.sum(a**2) * np.sum(b**2)))
    return float(np.sum(a * b)) / power if power > 0 else 0.0


def listen(
    heard: Samples,
    expected: Sequence[str],
    library: Mapping[str, Samples],
    *,
    voice_hertz: float | None = None,
    usual: Iterable[str] = (),
    opens: float = 0.0,
) -> Hearing:
    """A recording in words.

    ``library``: every sound that a caller may hear, by name; ``expected``: those that should be heard; ``usual``: loops
    that need no mention (music, ringing). ``opens``: when the line was answered; silence before is ringing.
    ``voice_hertz``: the tone by which whoever picks up is known.
    """
    judged = windows(heard)
    voice = _voice(judged, voice_hertz)
    found = [
        one
        for name in dict.fromkeys(expected)
        if (one := find(name, heard, library[name])) is not None and one.share >= ENOUGH
    ]
    found.sort(key=lambda one: one.begins)
    ends = len(heard) / RATE if voice is None else voice
    spoken = [window.heard is not Heard.SILENCE for window in judged]
    silence = _longest([not s for s, w in zip(spoken, judged, strict=True) if opens <= w.start < ends])
    unknown = [
        s and w.start < ends and not any(one.begins - 0.1 <= w.start <= one.ends + 0.1 for one in found)
        for s, w in zip(spoken, judged, strict=True)
    ]
    others = tuple(_named(heard, library, stretch, set(usual)) for stretch in _stretches(unknown))
    return Hearing(
        tuple(found),
        tuple(one for one in others if one.name not in usual),
        voice,
        silence * WINDOW_S,
        len(heard) / RATE,
    )


def _voice(judged: Sequence[Window], hertz: float | None) -> float | None:
    """When a tone of this pitch lasted for three tenths of a second, the beginning of that."""
    if hertz is None:
        return None
    run = 0
    for window in judged:
        right = window.heard is Heard.TONE and abs(window.hertz - hertz) <= 20
        run = run + 1 if right else 0
        if run == 3:
            return window.start - 2 * WINDOW_S
    return None


def _longest(flags: Sequence[bool]) -> int:
    longest = run = 0
    for flag in flags:
        run = run + 1 if flag else 0
        longest = max(longest, run)
    return longest


def _stretches(flags: Sequence[bool]) -> list[tuple[float, float]]:
    """Runs of unexpected sound, in seconds; a pause of half a second does not end one."""
    found: list[tuple[int, int]] = []
    for n, flag in enumerate(flags):
        if flag and found and n - found[-1][1] <= 5:
            found[-1] = (found[-1][0], n + 1)
        elif flag:
            found.append((n, n + 1))
    return [(a * WINDOW_S, b * WINDOW_S) for a, b in found if (b - a) * WINDOW_S >= UNEXPECTED_S]


def _named(
    heard: Samples, library: Mapping[str, Samples], stretch: tuple[float, float], usual: set[str]
) -> Found:
    """Which sound of the library a stretch is, by looking the stretch up in each of them."""
    begins, ends = stretch
    part = heard[round(begins * RATE) : round(ends * RATE)]
    best = Found("?", begins, ends, 0.0)
    for name in sorted(library, key=lambda name: name not in usual):
        sound = library[name]
        whole = np.concatenate((sound, sound)) if name in usual else sound
        # the shorter of the two is looked for in the longer
        one = find(name, whole, part) if len(part) <= len(whole) else find(name, part, sound)
        # a digit's word lies in many prompts: what accounts for most of the stretch is its name
        covers = 0.0 if one is None else one.share * min(len(sound) / len(part), 1.0)
        if one is not None and one.share > 0.5 and covers > best.share:
            best = Found(name, begins, ends, covers if name not in usual else one.share)
        if best.share >= 0.9:
            break
    return best


def _alaw_table() -> npt.NDArray[np.int16]:
    """ITU-T G.711 A-law: what each byte means, as 16-bit samples."""
    table = np.zeros(256, dtype=np.int16)
    for code in range(256):
        bits = code ^ 0x55
        exponent, mantissa = (bits >> 4) & 7, bits & 15
        value = (mantissa << 4) + 8 if exponent == 0 else ((mantissa << 4) + 0x108) << (exponent - 1)
        table[code] = value if bits & 0x80 else -value
    return table


def _ulaw_table() -> npt.NDArray[np.int16]:
    """ITU-T G.711 mu-law, the same."""
    table = np.zeros(256, dtype=np.int16)
    for code in range(256):
        bits = ~code & 0xFF
        value = (((bits & 15) << 3) + 0x84 << ((bits >> 4) & 7)) - 0x84
        table[code] = -value if bits & 0x80 else value
    return table


_LAWS = {8: _alaw_table(), 0: _ulaw_table()}


def decode(payload_type: int, data: bytes) -> Samples | None:
    """The samples of a packet of G.711 (payload type 8 or 0); ``None`` for anything else."""
    table = _LAWS.get(payload_type)
    return None if table is None else table[np.frombuffer(data, dtype=np.uint8)]
