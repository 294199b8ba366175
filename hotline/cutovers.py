"""Cutover batches of a city file: a layer over the lines' ``from`` and ``changes``.

`resolved` writes every batch's date into its lines, and the way back, if it was gone, as one more change; whatever
reads the file afterwards knows lines only. `faults` says what stands against that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from dialplans.batches import Batch
from dialplans.hours import SHANGHAI, clock, instant, local
from dialplans.number import Number, NumberFault
from hotline.city_faults import near
from hotline.city_schema import Change, CityFile, CutoverTable, Line, Rule

if TYPE_CHECKING:
    from rich.table import Table

EVERYWHERE = ("110", "119", "120", "122")


@dataclass(frozen=True, slots=True)
class _Move:
    """The rule of a line that a batch dates: the line itself (``change`` `None`) or one of its changes."""

    line: Line
    change: int | None

    @property
    def rule(self) -> Rule:
        return self.line if self.change is None else self.line.changes[self.change]


def faults(file: CityFile) -> list[str]:
    """Every fault of the batches, as lines ``place: fault: remedy``. Asked before `resolved`."""
    found: list[str] = []
    taken: dict[Number, str] = {}
    names: dict[str, int] = {}
    for place, table in enumerate(file.cutovers):
        where = f"cutovers[{place}]"
        if table.name in names:
            found.append(f"{where}.name: cutovers[{names[table.name]}] has this name already: choose another")
        names.setdefault(table.name, place)
        found += _dates(where, table)
        for nth, text in enumerate(table.lines):
            found += _line(file, table, f"{where}.lines[{nth}]", text, taken)
    return found


def resolved(file: CityFile) -> CityFile:
    """The file with every batch's dates in its lines. The batches themselves stay, for those who ask about them."""
    lines = list(file.lines)
    for table in file.cutovers:
        for place in _places(file, table):
            lines[place] = _moved(file.lines[place], table)
    return file.model_copy(update={"lines": lines}) if file.cutovers else file


def batches(file: CityFile) -> dict[Number, Batch]:
    """The batch of each line that is in one."""
    found: dict[Number, Batch] = {}
    for table in file.cutovers:
        one = batch(table)
        found.update((Number.read(text, file.area), one) for text in table.lines)
    return found


def batch(table: CutoverTable) -> Batch:
    """One batch as `trace` tells it."""
    back = table.way_back
    return Batch(
        name=table.name,
        at_ms=instant(table.at),
        lines=tuple(table.lines),
        rehearsal=table.rehearsal,
        back_until_ms=None if back is None else instant(_end(back.until)),
        back_to=None if back is None else back.to,
        back_ms=None if table.back is None else instant(table.back),
        owner=table.owner or "",
        remark=table.remark or "",
    )


def _end(until: datetime) -> datetime:
    """A last day counts whole; an instant is itself."""
    return until + timedelta(days=1) if until.time() == time() and until.tzinfo is None else until


def _moved(line: Line, table: CutoverTable) -> Line:
    """The line with the batch's date, and with the change that takes it back."""
    move = _move(line, table)
    if isinstance(move, str):
        return line
    before = _before(move)
    changes = list(line.changes)
    update: dict[str, object] = {}
    if move.change is None:
        update["from_"] = table.at
    else:
        changes[move.change] = changes[move.change].model_copy(update={"from_": table.at})
    if table.back is not None:
        changes.append(before.model_copy(update={"from_": table.back}))
        # what was dated later than the way back holds again from its own date on
        changes.sort(key=lambda change: instant(change.from_) if change.from_ else -1)
    return line.model_copy(update={**update, "changes": changes})


def _before(move: _Move) -> Change:
    """What held for the line until the batch."""
    if move.change is None:
        return Change(treatment="own")
    earlier: Rule = move.line if move.change == 0 else move.line.changes[move.change - 1]
    kept = {key: getattr(earlier, key) for key in earlier.model_fields_set if key in Change.model_fields}
    return Change.model_construct(set(kept), **{**Change(treatment=earlier.treatment).__dict__, **kept})


def _move(line: Line, table: CutoverTable) -> _Move | str:
    """The rule that the batch dates, or why there is none: fault and remedy."""
    undated = [n for n, change in enumerate(line.changes) if change.from_ is None]
    same = [n for n, change in enumerate(line.changes) if _same(change.from_, table.at)]
    if len(undated) + len(same) == 1:
        return _Move(line, (undated or same)[0])
    if undated:
        return f"{len(undated)} of its changes have no from, and only one can be the batch's: date the others"
    if line.from_ is not None:
        if _same(line.from_, table.at):
            return _Move(line, None)
        return f"the line has from = {_day(line.from_)} of its own: take that from out, or the line out of the batch"
    if not line.changes:
        return _Move(line, None)
    remedy = "take the from out of the one that the batch moves, or give the line that from"
    return f"none of its changes is on {_day(table.at)}: {remedy}"


def _same(moment: datetime | None, other: datetime) -> bool:
    return moment is not None and instant(moment) == instant(other)


def _places(file: CityFile, table: CutoverTable) -> Iterator[int]:
    known = _known(file)
    for text in table.lines:
        number = _read(text, file.area)
        if number in known:
            yield known[number]


def _known(file: CityFile) -> Mapping[Number | None, int]:
    read = {_read(line.number, file.area): place for place, line in enumerate(file.lines)}
    return {number: place for number, place in read.items() if number is not None}


def _read(text: str, area: str) -> Number | None:
    try:
        return Number.read(text, area)
    except NumberFault:
        return None


def _line(
    file: CityFile, table: CutoverTable, where: str, text: str, taken: dict[Number, str]
) -> Iterator[str]:
    """What stands against one line in one batch."""
    number, known = _read(text, file.area), _known(file)
    if number is None or number not in known:
        listed = [line.number for line in file.lines]
        yield f"{where}: no line has the number {text}: {near(text, listed, 'write a number of [[lines]]')}"
        return
    if number in taken:
        yield f"{where}: {text} is in {taken[number]} already, and a line moves with one batch: take one out"
        return
    taken[number] = f"{where.partition('.')[0]} {table.name}"
    if number.local in EVERYWHERE:
        yield f"{where}: {text} is an emergency number and is never cut over: take it out"
        return
    move = _move(file.lines[known[number]], table)
    if isinstance(move, str):
        yield f"{where}: {text}: {move}"
        return
    before = _before(move)
    if table.way_back is not None and before.treatment != table.way_back.to:
        yield (
            f"{where}: {text} was {before.treatment} before, and the way back leads to {table.way_back.to}: "
            f'write to = "{before.treatment}", or put the line into a batch of its own'
        )
    if table.back is not None and any(_same(c.from_, table.back) for c in move.line.changes):
        yield f"{where}: {text} has a change at the very instant of back, {_day(table.back)}: take one out"


def _dates(where: str, table: CutoverTable) -> Iterator[str]:
    at = instant(table.at)
    if table.rehearsal is not None and instant(table.rehearsal) > at:
        yield f"{where}.rehearsal: {table.rehearsal} is after the cutover ({_day(table.at)}): rehearse before it"
    until = None if table.way_back is None else instant(_end(table.way_back.until))
    if until is not None and until <= at:
        yield f"{where}.way_back.until: ends before the cutover ({_day(table.at)}): set a later day"
    if table.back is None:
        return
    if instant(table.back) <= at:
        yield f"{where}.back: {_day(table.back)} is not after the cutover ({_day(table.at)}): correct one of them"
    elif until is None:
        yield f"{where}.back: the batch has no way back: write way_back = {{ until = ... }}"
    elif instant(table.back) > until:
        assert table.way_back is not None
        yield (
            f"{where}.back: {_day(table.back)} is after the way back's end ({_day(table.way_back.until)}): "
            "set way_back.until later, or cut the lines over anew with [[lines.changes]]"
        )


def _day(moment: datetime) -> str:
    local = moment.astimezone(SHANGHAI) if moment.tzinfo else moment
    return local.strftime("%Y-%m-%d" if local.time() == time() else "%Y-%m-%d %H:%M")


def listed(file: CityFile, now_ms: int) -> list[dict[str, Any]]:
    """Every batch as ``check`` and ``trace`` list it, in the file's order, and where it stands at this instant."""
    return [document(batch(table), now_ms) for table in file.cutovers]


def document(one: Batch, now_ms: int) -> dict[str, Any]:
    """One batch as JSON. Instants are ISO 8601 with the city's zone."""
    return {
        "name": one.name,
        "at": _iso(one.at_ms),
        "lines": list(one.lines),
        "rehearsal": one.rehearsal.isoformat() if one.rehearsal else None,
        "way_back": {"until": _iso(one.back_until_ms), "to": one.back_to} if one.back_until_ms else None,
        "back": _iso(one.back_ms),
        "owner": one.owner or None,
        "remark": one.remark or None,
        "standing": str(one.standing(now_ms)),
    }


def table(file: CityFile, now_ms: int) -> Table:
    """The batches for people, at this instant."""
    from rich.table import Table  # most commands never show one

    shown = Table(title="cutovers 割接批次", title_justify="left")
    for column in ("batch", "cutover", "lines", "rehearsal", "way back", "standing", "owner"):
        shown.add_column(column, no_wrap=column in {"cutover", "rehearsal"})
    for item in file.cutovers:
        one = batch(item)
        back = "–" if one.back_until_ms is None else f"{one.back_to} until {clock(one.back_until_ms)}"
        standing = str(one.standing(now_ms))
        if one.back_ms is not None:
            standing += f" ({clock(one.back_ms)})"
        shown.add_row(
            one.name,
            clock(one.at_ms),
            ", ".join(one.lines),
            str(one.rehearsal or "–"),
            back,
            standing,
            one.owner or "–",
        )
    return shown


def _iso(at_ms: int | None) -> str | None:
    return None if at_ms is None else local(at_ms).isoformat(timespec="seconds")
