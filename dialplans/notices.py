"""What callers hear first on certain days: a public holiday, or a date that the city names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from dialplans.hours import local, working_day


@dataclass(frozen=True, slots=True)
class DayNotices:
    """``holiday`` is said on every public holiday (empty: nothing), ``days`` on single dates, in its place."""

    holiday: str = ""
    days: Mapping[date, str] = field(default_factory=dict)

    def at(self, now_ms: int) -> tuple[str, ...]:
        """What is said at an instant (ms since 1970) before the greeting, as prompts."""
        if not self.holiday and not self.days:
            return ()
        today = local(now_ms).date()
        usual = self.holiday if self.holiday and working_day(today).holiday else ""
        text = self.days.get(today, usual)
        return (text,) if text else ()

    @property
    def texts(self) -> tuple[str, ...]:
        """Everything that may be said."""
        return tuple(text for text in (self.holiday, *self.days.values()) if text)
