"""Cutover batches (批次): which lines move together, when it was rehearsed, and how long the way back stands open.

A batch decides nothing: what holds for a line at an instant are its phases (`dialplans.hotline`). It is what
``hotline trace`` and ``hotline check`` tell about the moment at which these phases change.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from dialplans.hours import clock


class Standing(StrEnum):
    """Where a batch stands at an instant."""

    PLANNED = "planned"
    OPEN = "cut over, the way back is open"
    SETTLED = "cut over"
    BACK = "switched back"


@dataclass(frozen=True, slots=True)
class Batch:
    """Lines that are cut over together (割接). Instants are ms since 1970, ``None`` where there is none.

    ``lines``: their numbers as the city file writes them. ``rehearsal``: the day of the drill. ``back_until_ms``: the first
    instant at which the way back is closed; ``back_to``: the treatment to which it leads. ``back_ms``: from here on the lines are
    what they were before.
    """

    name: str
    at_ms: int
    lines: tuple[str, ...]
    rehearsal: date | None = None
    back_until_ms: int | None = None
    back_to: str | None = None
    back_ms: int | None = None
    owner: str = ""
    remark: str = ""

    def standing(self, now_ms: int) -> Standing:
        """Where the batch stands at this instant."""
        if now_ms < self.at_ms:
            return Standing.PLANNED
        if self.back_ms is not None and self.back_ms <= now_ms:
            return Standing.BACK
        if self.back_until_ms is not None and now_ms < self.back_until_ms:
            return Standing.OPEN
        return Standing.SETTLED

    def told(self) -> str:
        """``Batch 第一批: rehearsed 2019-01-15, cutover 2019-02-01 00:00, way back to own until 2019-03-01 00:00.``"""
        dates = [f"rehearsed {self.rehearsal.isoformat()}"] if self.rehearsal else []
        dates.append(f"cutover {clock(self.at_ms)}")
        if self.back_until_ms is not None:
            dates.append(f"way back to {self.back_to} until {clock(self.back_until_ms)}")
        if self.back_ms is not None:
            dates.append(f"switched back {clock(self.back_ms)}")
        return f"Batch {self.name}: {', '.join(dates)}."
