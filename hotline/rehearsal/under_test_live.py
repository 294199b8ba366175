"""What is measured: a system that takes calls, started and stopped by its own means, and the CPU that it
used."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from hotline.rehearsal.phones_live import Phones
from hotline.rehearsal.results import SeatLogin


@dataclass(frozen=True, slots=True)
class Running:
    """A system that takes calls: its SIP address, its seats' accounts, the numbers to dial, whose CPU is
    counted.

    ``trunk``: the address that calls have to come from.
    """

    sip: tuple[str, int]
    seats: Sequence[SeatLogin]
    switch_pids: Sequence[int]
    engine_pids: Sequence[int] = ()
    dialled: Sequence[str] = ("12345",)
    trunk: str = "127.0.0.11"


class SystemUnderTest(Protocol):
    """Anything that answers calls and rings seats."""

    async def start(self) -> Running:
        """Start; returns when calls can be offered."""
        ...

    async def seats_ready(self, phones: Phones) -> None:
        """Called when every phone is registered: sign agents on, and return when all can be rung."""
        ...

    async def stop(self) -> None:
        """Stop at once and leave nothing behind."""
        ...


def cpu_seconds(pids: Iterable[int]) -> float:
    """User and system time that these processes, all their threads and their finished children have used so
    far.

    Raises `ProcessLookupError` for a process that is gone: a measurement without it would flatter.
    """
    ticks = 0
    for pid in pids:
        try:
            # proc(5): the name in parentheses may hold blanks; utime is field 14 of the line, cstime field 17
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        except FileNotFoundError:
            raise ProcessLookupError(f"cpu: process {pid} is gone: it ended while it was measured") from None
        ticks += sum(int(value) for value in fields[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")
