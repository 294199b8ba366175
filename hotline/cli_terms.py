"""What the planner's commands share: how they print, their bars, who plays the days, and their exit statuses."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

from hotline.logs import OwnersFault

if TYPE_CHECKING:
    from rich.console import Console

    from simulator.precision import Interval
    from simulator.study import Workers

DONE, NO = 0, 1
_DASKS_LOGGERS = ("distributed", "distributed.client", "distributed.gc", "tornado.application")

Told = Callable[[str, int, int], None]
"""is told what is being done, how many steps are done, and how many there will be as far as is known"""


def console() -> Console:
    """Standard output; as wide as a page where it is no terminal."""
    from rich.console import Console

    class Page(Console):
        def on_broken_pipe(self) -> None:
            """Nobody reads on: that is no fault, `hotline.cli` ends there."""
            raise BrokenPipeError

    seen = sys.stdout is not None and sys.stdout.isatty()
    return Page(width=None if seen else 120)


@contextmanager
def bars(args: argparse.Namespace) -> Iterator[Told | None]:
    """A bar with the time left, on standard error, for whatever takes long; nothing where nobody looks."""
    if args.json or sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description:<36}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("", total=None)
        before = 0

        def told(what: str, done: int, expected: int) -> None:
            nonlocal before
            if done < before:  # other work: its time left is not that of the work before
                shown.reset(task)
            before = done
            shown.update(task, description=what, completed=done, total=max(expected, done) or None)

        yield told


@contextmanager
def workers(asked: str | None) -> Iterator[Workers | None]:
    """Who plays the days: ``--workers`` as it was written. Raises `OwnersFault`, one line, where nobody can."""
    from simulator import sweep_live

    where: int | str | None = asked
    if asked is not None:
        try:
            where = int(asked)
        except ValueError:
            if not asked.rpartition(":")[2].isdecimal():
                raise OwnersFault(
                    f"--workers {asked}: is neither a number of threads nor an address: write 4, or tcp://HOST:8786"
                ) from None
        else:
            if where < 1:
                raise OwnersFault(
                    f"--workers {asked}: is no number of threads: write 1 or more, or tcp://HOST:8786"
                )
    try:
        with _quiet_cluster(where), sweep_live.workers(where) as found:
            yield found
    except sweep_live.ClusterFailed as fault:
        raise OwnersFault(f"{fault}") from None


@contextmanager
def _quiet_cluster(where: int | str | None) -> Iterator[None]:
    """What Dask's parts say of a broken connection in their logs, we say in one line."""
    if not isinstance(where, str):
        yield
        return
    import logging

    with suppress(ImportError):  # who needs it says so
        import distributed  # noqa: F401 (it gives these loggers levels of their own when it is imported)
    logs = [logging.getLogger(name) for name in _DASKS_LOGGERS]
    before = [log.level for log in logs]
    for log in logs:
        log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for log, level in zip(logs, before, strict=True):
            log.setLevel(level)


def writable(option: str, file: Path, endings: Sequence[str]) -> None:
    """Raise `OwnersFault` for a file that can't be written, before anything long is begun."""
    if file.suffix not in endings:
        *most, last = endings
        kinds = f"{', '.join(most)} or {last}" if most else last
        raise OwnersFault(f"{option} {file}: its ending says no kind: write {kinds}")
    if file.is_dir():
        raise OwnersFault(f"{option} {file}: is a folder: write a file's name")
    if not file.parent.is_dir():
        raise OwnersFault(f"{option} {file}: there is no folder {file.parent}: make it, or write another")
    if not os.access(file if file.exists() else file.parent, os.W_OK):
        raise OwnersFault(f"{option} {file}: may not be written: take another folder")


def print_document(document: object) -> None:
    """One JSON document on standard output."""
    print(json.dumps(document, ensure_ascii=False, indent=2))  # noqa: T201


def tell(text: str) -> None:
    """A remark beside the answer, on standard error."""
    print(text, file=sys.stderr)  # noqa: T201


def interval_document(interval: Interval) -> dict[str, float | None]:
    """``{"mean", "low", "high"}``; ``null`` where there is none."""
    spans = {"mean": interval.mean, "low": interval.low, "high": interval.high}
    return {name: value if isfinite(value) else None for name, value in spans.items()}
