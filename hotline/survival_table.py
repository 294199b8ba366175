"""The table by which callers are served while there is no engine: kept in step with the number plan."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

from acd.messages import Millis
from hotline.city import City
from hotline.switch.secrets import write_private
from ivr.prompts import sound
from ivr.survival import snapshot

HOLDS_S = 60.0
"""so often the table is checked against the plan, which changes with the hour, and at every cutover"""


class SurvivalTable:
    """The file at ``path`` that the survival program reads, written when it differs. ``city``: the present one."""

    def __init__(self, city: Callable[[], City], path: Path, now: Callable[[], Millis]) -> None:
        self._city = city
        self._path = path
        self._now = now

    async def keep(self) -> None:
        """Keep it in step until cancelled."""
        while True:
            self.write()
            await asyncio.sleep(self._holds_s())

    def write(self) -> None:
        """Write it as it holds now."""
        city = self._city()
        text = json.dumps(snapshot(city.name, city.plan, self._now(), sound), ensure_ascii=False)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if not self._path.exists() or self._path.read_text(encoding="utf-8") != text:
            write_private(self._path, text)

    def _holds_s(self) -> float:
        """Until the next cutover, or the next full minute: opening hours begin and end on one."""
        now = self._now()
        holds = HOLDS_S - now % 60_000 / 1000
        cutover = self._city().plan.next_cutover(now)
        # a moment later, so that the clock has passed it
        return (min(holds, (cutover - now) / 1000) if cutover is not None else holds) + 0.05
