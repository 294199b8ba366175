"""Which streams the engine's process told of, which of them are here, and what is told of their end: once for each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from hotline.speech_words import Expect, Expected, Heard, Over, Overhear

EXPECTED_S = 30.0
"""so long a stream that was told of may take to come"""


@dataclass(slots=True)
class _Stream:
    """One that was told of; ``forget`` runs out while it has not come."""

    told: Expect | Overhear
    forget: asyncio.TimerHandle
    come: bool = False
    ended: bool = False
    """by the engine"""


class Streams:
    """Who is expected, who is here, and what is told of them. ``tell``: to the engine's process; ``at_most`` streams are overheard
    at once, since callers come first."""

    def __init__(self, tell: Callable[[Heard], None], at_most: int) -> None:
        self._tell = tell
        self._at_most = at_most
        self._streams: dict[str, _Stream] = {}

    def __len__(self) -> int:
        return sum(stream.come for stream in self._streams.values())

    def expect(self, expected: Expect | Overhear) -> None:
        """It may come from now on."""
        if expected.uuid not in self._streams:
            forget = asyncio.get_running_loop().call_later(EXPECTED_S, self.over, expected.uuid, "failed")
            self._streams[expected.uuid] = _Stream(expected, forget)
        self._tell(Expected(expected.uuid))

    def admit(self, uuid: str) -> bool:
        """It has come: was it told of, and is it the first of this name?"""
        stream = self._streams.get(uuid)
        if stream is None or stream.come:
            return False
        stream.come = True
        stream.forget.cancel()
        if isinstance(stream.told, Overhear) and self._overheard > self._at_most:
            self.over(uuid, "full")
            return False
        return True

    def told(self, uuid: str) -> Expect | Overhear:
        """What was told of a stream that is here."""
        return self._streams[uuid].told

    def end(self, uuid: str) -> None:
        """The engine wants it ended: what is still to come will not be waited for."""
        stream = self._streams.get(uuid)
        if stream is not None and not stream.come:
            self.over(uuid, "seat")
        elif stream is not None:
            stream.ended = True

    def was_ended(self, uuid: str) -> bool:
        """By the engine?"""
        stream = self._streams.get(uuid)
        return stream is not None and stream.ended

    def over(self, uuid: str, how: str | Over) -> None:
        """Tell of its end, once."""
        stream = self._streams.pop(uuid, None)
        if stream is not None:
            stream.forget.cancel()
            self._tell(how if isinstance(how, Over) else Over(uuid, stream.told.call, how))

    @property
    def _overheard(self) -> int:
        return sum(one.come and isinstance(one.told, Overhear) for one in self._streams.values())
