"""What the planner's commands share: how they print, and their exit statuses."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from simulator.precision import Interval

DONE, NO = 0, 1


def console() -> Console:
    """Standard output; as wide as a page where it is no terminal."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else 120)


def print_document(document: object) -> None:
    """One JSON document on standard output."""
    print(json.dumps(document, ensure_ascii=False, indent=2))  # noqa: T201


def tell(text: str) -> None:
    """A remark beside the answer, on standard error."""
    print(text, file=sys.stderr)  # noqa: T201


def interval_document(interval: Interval) -> dict[str, float]:
    """``{"mean", "low", "high"}``."""
    return {"mean": interval.mean, "low": interval.low, "high": interval.high}
