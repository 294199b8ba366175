"""Hand-made records of calls in which a caller spoke with the machine. Instants are milliseconds since 1970."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from acd.records import CallRecord, Spoken, SpokenTurn

WEEK = 7 * 86_400_000
HOUR = 3_600_000
MONDAY = 1_772_380_800_000  # 2026-03-02T00:00 in China, the first day of 2026-W10


def turn(at: int, did: str, heard: str = "", entry: str | None = None, score: float = 0.5) -> SpokenTurn:
    return SpokenTurn(at, did, heard, 0.9, entry, score)


def spoken(
    at: int, over: str | None, *turns: tuple[Any, ...], seconds: int = 30, via: str = "greeting"
) -> Spoken:
    """``turns``: (did, heard, entry), a second apart."""
    said = tuple(turn(at + 1000 * number, *one) for number, one in enumerate(turns))
    return Spoken(via, at, None if over is None else at + 1000 * seconds, over, said)


def call(
    number: int | str,
    at: int,
    *turns: tuple[Any, ...],
    over: str | None = "contained",
    caller: str = "13800138000",
    line: str | None = "12345",
    city: str = "zhengzhou",
    seconds: int = 30,
    **more: Any,
) -> CallRecord:
    """A call that spoke 5 s after it came in, for ``seconds``; contained, or else answered by a seat."""
    contained = over == "contained"
    speech = (spoken(at + 5000, over, *turns, seconds=seconds),) if turns else ()
    given: dict[str, Any] = {
        "treatment": None,
        "queue": None if contained and turns else "12345",
        "disposition": "contained" if contained and turns else "answered",
        "answered": at,
        "prompt_ended": at + 4000,
        "seat_answered": None if contained and turns else at + 60_000,
        "ended": at + 5000 + 1000 * seconds if contained and turns else at + 120_000,
        "queued": None if contained and turns else at + 50_000,
        "speech": speech,
    }
    return CallRecord(str(number), city, "carrier", "12345", caller, line, arrived=at, **(given | more))


def callers(start: int = 13_900_000_000) -> Iterable[str]:
    """Numbers, each another."""
    while True:
        yield str(start)
        start += 1
