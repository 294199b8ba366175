"""``hotline status``: the floor as the engine sees it. The running engine writes it to its home every second."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable
from pathlib import Path

import msgspec
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from acd.floor_view import FloorView, QueueView, SeatView, TrunkView
from acd.lines import LineView
from acd.messages import Millis
from hotline.audit import shown_time
from hotline.logs import OwnersFault, logger

FILE = "status.json"
EVERY_S = 1.0
STALE_S = 5.0
"""an older picture is of an engine that is gone, or hangs"""

_COLOURS = {
    "talking": "green",
    "ringing": "yellow",
    "wrap-up": "cyan",
    "resting": "red",
    "engaged": "magenta",
}

_log = logger("status")


class StatusFault(OwnersFault):
    """There is no picture of the floor. One line: place, fault, remedy."""


async def keep(path: Path, view: Callable[[], FloorView]) -> None:
    """Write the floor every second, until cancelled; the file is there whole or not at all."""
    in_trouble = False
    while True:
        try:
            data = msgspec.json.encode(view())
            await asyncio.to_thread(_write, path, data)
            in_trouble = False
        except OSError as fault:
            if not in_trouble:
                _log.warning("the status file can't be written", why=str(fault))
            in_trouble = True
        except Exception:  # noqa: BLE001 (a picture that fails must not end the engine)
            if not in_trouble:
                _log.exception("the status could not be drawn")
            in_trouble = True
        await asyncio.sleep(EVERY_S)


def _write(path: Path, data: bytes) -> None:
    # It tells callers' numbers: for its owner only. Not synced: after a crash of the machine it would be stale anyway.
    beside = path.with_name(f".{path.name}")
    with contextlib.suppress(FileNotFoundError):
        beside.unlink()
    fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(data)
    beside.replace(path)


def read(home: Path) -> FloorView:
    """The floor as it was last written. Raises `StatusFault`."""
    path = home / FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=FloorView)
    except FileNotFoundError:
        raise StatusFault(f"{path}: is not there: give the --home of a hotline that runs") from None
    except OSError as fault:
        raise StatusFault(
            f"{path}: can't be read ({fault.strerror}): run this as the user of the hotline"
        ) from None
    except msgspec.DecodeError as fault:
        raise StatusFault(
            f"{path}: is no status of this program's version ({fault}): restart the hotline"
        ) from None


def is_stale(home: Path, now_s: float) -> bool:
    """Has the engine stopped writing? (The picture's own time is another with ``--as-of``.)"""
    try:
        return now_s - (home / FILE).stat().st_mtime > STALE_S
    except OSError:
        return True


def table(view: FloorView, *, everybody: bool = True) -> RenderableType:
    """The floor for people: what is wrong first, then queues, then seats."""
    parts: list[RenderableType] = []
    counts = ", ".join(f"{count} {what}" for what, count in sorted(view.counts.items())) or "nobody signed on"
    head = Text.assemble(
        (f"{view.city}  {shown_time(view.at)}", "bold"),
        f"\n{view.calls} calls; {counts}; {view.nobody_at} seats empty",
    )
    parts.append(head)
    parts += [Text(f"! {alarm.text}", style="bold red") for alarm in view.alarms]
    if view.refused:
        told = ", ".join(f"{count} ({refusal(why)})" for why, count in view.refused.items())
        parts.append(Text(f"Turned away today: {told}", style="yellow"))
    if view.machine:
        parts.append(Text(f"Talking to the machine: {view.machine[0]} of {view.machine[1]}"))
    parts.append(_queues(view.queues))
    parts += [
        Text(f"{queue.queue}: {' '.join(queue.why)}", style="dim") for queue in view.queues if queue.why
    ]
    if view.lines:
        parts.append(_lines(view.lines))
    if view.trunks:
        parts.append(_trunks(view.trunks))
    if everybody and view.seats:
        parts.append(_seats(view.seats, view.at))
    return Group(*parts)


def _queues(queues: tuple[QueueView, ...]) -> Table:
    made = Table(title="Queues", title_justify="left")
    for name, right in (
        ("queue", False),
        ("title", False),
        ("waiting", True),
        ("longest", True),
        ("can take it", True),
        ("free", True),
    ):
        made.add_column(name, justify="right" if right else "left")
    for queue in queues:
        style = "red" if queue.waiting and not queue.qualified else None
        first = queue.oldest is not None
        made.add_row(
            queue.queue,
            queue.title,
            str(queue.waiting),
            clock(queue.longest_ms),
            str(queue.qualified) if first else "–",
            str(queue.free) if first else "–",
            style=style,
        )
    return made


def _lines(lines: tuple[LineView, ...]) -> Table:
    made = Table(
        title="Passed on in the last 24 hours: answered within 15 s / all that were passed",
        title_justify="left",
    )
    for name, right in (
        ("line", False),
        ("in time", True),
        ("of", True),
        ("share", True),
        ("answered", True),
    ):
        made.add_column(name, justify="right" if right else "left")
    for one in lines:
        share = f"{one.prompt / one.denominator:.1%}" if one.denominator else "–"
        told = (one.line, str(one.prompt), str(one.denominator), share, str(one.answered))
        made.add_row(*told, style="red" if one.below else None)
    return made


def refusal(why: str) -> str:
    """Why callers were turned away, in words.

    >>> refusal("full 12345")
    'queue 12345 full'
    """
    kind, _, name = why.partition(" ")
    words = {
        "full": f"queue {name} full",
        "waited": f"waited too long in queue {name}",
        "trunk": f"no free channel on trunk {name}",
        "overload": "too many waiting in all queues",
        "barred": "on the list of nuisance callers",
    }
    return words.get(kind, why)


def _trunks(trunks: tuple[TrunkView, ...]) -> Table:
    made = Table(title="Trunks", title_justify="left")
    for name, right in (("trunk", False), ("in use", True), ("channels", True), ("other side", False)):
        made.add_column(name, justify="right" if right else "left")
    for one in trunks:
        full = one.channels > 0 and one.busy >= one.channels
        made.add_row(
            one.trunk,
            str(one.busy),
            str(one.channels or "–"),
            "answers" if one.answers else "does not answer",
            style=None if one.answers and not full else "red",
        )
    return made


def _seats(seats: tuple[SeatView, ...], at: Millis) -> Table:
    made = Table(title="Seats", title_justify="left")
    for name in ("seat", "agent", "name", "team", "state", "since", "line", "caller", "waited", "heard by"):
        made.add_column(name, justify="right" if name in {"since", "waited"} else "left")
    for seat in seats:
        made.add_row(
            seat.seat,
            seat.agent,
            seat.name,
            seat.group,
            Text(state(seat), style=_COLOURS.get(seat.activity, "")),
            clock(None if seat.since is None else at - seat.since),
            seat.line or "",
            seat.caller or "",
            clock(seat.waited_ms),
            seat.heard_by or "",
        )
    return made


def state(seat: SeatView) -> str:
    """What a seat does, in words: what the work imposes, and what the person chose beside it."""
    words = [] if seat.activity == "idle" and seat.presence != "ready" else [seat.activity]
    if seat.presence != "ready":
        words.append(f"{seat.presence}: {seat.break_reason}" if seat.break_reason else seat.presence)
    if not seat.reachable:
        words.append("phone gone")
    return ", ".join(words)


def clock(ms: Millis | None) -> str:
    """A duration as minutes and seconds; empty where there is none."""
    if ms is None:
        return ""
    minutes, seconds = divmod(max(ms, 0) // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
