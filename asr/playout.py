"""What the caller hears, frame by frame, at the clock's pace: no socket, no clock of its own.

A frame of 20 ms goes out each 20 ms, silence when nothing plays: Asterisk gives up a stream on which nothing moves for two
seconds, and a caller whose phone is silent sends nothing. The n-th frame is due n times 20 ms after the first, so nothing
drifts; after a stall at most `CATCH_UP` frames go out together, and the rest of the prompt is later by what is left: nothing is
cut out.
"""

from __future__ import annotations

from asr.audiosocket import FRAME_BYTES, FRAME_MS, SILENCE

CATCH_UP = 3
"""frames at once, at most: 60 ms, which a phone's jitter buffer holds"""


class Playout:
    """One caller's ear. Times are milliseconds of one clock that never goes back."""

    __slots__ = ("_at", "_held", "_next_ms", "_pcm", "late_ms", "played")

    def __init__(self, now_ms: float) -> None:
        self._pcm = b""
        self._at = 0
        self._held = False
        self._next_ms = now_ms
        self.played = 0
        """frames of prompts that have gone out"""
        self.late_ms = 0.0
        """by how much stalls have put everything off"""

    @property
    def next_ms(self) -> float:
        """When the next frame is due."""
        return self._next_ms

    @property
    def playing(self) -> bool:
        """Is there more of a prompt to come, held or not?"""
        return self._at < len(self._pcm)

    @property
    def at_ms(self) -> int:
        """How much of the prompt has gone out."""
        return min(self._at, len(self._pcm)) * FRAME_MS // FRAME_BYTES

    def play(self, pcm: bytes) -> None:
        """Play this from its beginning, in place of what was playing: 16-bit samples at 8 kHz. The last frame is filled up with
        silence."""
        self._pcm, self._at, self._held = pcm, 0, False

    def stop(self) -> None:
        """Silence from the next frame on; what was playing is forgotten."""
        self._pcm, self._at, self._held = b"", 0, False

    def hold(self) -> None:
        """Silence from the next frame on, until `resume`."""
        self._held = True

    def resume(self) -> None:
        """Go on where `hold` stopped it."""
        self._held = False

    def due(self, now_ms: float) -> list[bytes]:
        """The frames that are to go out now, `CATCH_UP` at most."""
        behind = now_ms - self._next_ms
        if behind < 0:
            return []
        count = int(behind // FRAME_MS) + 1
        if count > CATCH_UP:
            self.late_ms += (count - CATCH_UP) * FRAME_MS
            self._next_ms += (count - CATCH_UP) * FRAME_MS
            count = CATCH_UP
        self._next_ms += count * FRAME_MS
        return [self._frame() for _ in range(count)]

    def _frame(self) -> bytes:
        if self._held or self._at >= len(self._pcm):
            return SILENCE
        frame = self._pcm[self._at : self._at + FRAME_BYTES]
        self._at += FRAME_BYTES
        self.played += 1
        return frame if len(frame) == FRAME_BYTES else frame.ljust(FRAME_BYTES, b"\0")
