"""From a scenario's file that has been checked value by value to `simulator.scenario.Scenario`, with what is between values."""

from __future__ import annotations

import math
from pathlib import Path

from dialplans.decision import Need, Wait
from hotline.city_faults import near, unknown_word
from hotline.scenario_arrivals import arrivals_of, minutes, public_days
from hotline.scenario_city import CityBase, CityGroup, CityLine
from hotline.scenario_schema import (
    WEEKDAYS,
    DurationTable,
    GroupTable,
    LineTable,
    ScenarioFile,
    ShiftTable,
    TransferTable,
)
from simulator.scenario import (
    Break,
    Duration,
    Group,
    Line,
    Retrial,
    Scenario,
    Shift,
    SubCentre,
    Transfer,
)


class Build:
    """One file on its way. ``faults`` gathers what is found; the scenario is of use only when there is none."""

    def __init__(self, name: str, file: ScenarioFile, base: CityBase | None, home: Path | None) -> None:
        self.name, self.file, self.base, self.home = name, file, base, home
        self.faults: list[str] = []
        self.days_off, self.makeup = public_days(file)

    def scenario(self) -> Scenario:
        """The whole; its ``seats`` are not applied yet."""
        file, base = self.file, self.base
        lines = self._lines()
        arrivals, told = arrivals_of(file, self.days_off, self.makeup)
        self.faults += told
        queues = {line.wait.queue for line in lines}
        for name in file.queues:
            if name not in queues:
                self.faults.append(
                    f"queues.{name}: no line waits there: {near(name, sorted(queues), 'take it out')}"
                )
        ageing, fit = file.ageing_seconds, file.closest_fit
        if base is not None:
            ageing = base.setup.ageing_ms / 1000 if ageing is None else ageing
            fit = base.setup.closest_fit if fit is None else fit
        channels = file.channels if file.channels is not None or base is None else base.channels
        return Scenario(
            name=self.name,
            title=file.title or self.name,
            lines=lines,
            groups=self._groups(),
            arrivals=arrivals,
            start=file.start,
            days=file.days,
            seed=file.seed,
            ring=self._duration("ring", file.ring),
            subcentres=tuple(
                SubCentre(
                    name,
                    table.title,
                    table.seats,
                    self._duration(f"subcentres.{name}.answer", table.answer),
                    _ms(table.within_seconds),
                )
                for name, table in file.subcentres.items()
            ),
            channels=channels,
            retrial=None
            if file.retrial is None
            else Retrial(
                file.retrial.share, self._duration("retrial.after", file.retrial.after), file.retrial.most
            ),
            ageing_ms=60_000 if ageing is None else _ms(ageing),
            closest_fit=True if fit is None else fit,
            warm_up_ms=file.warm_up_minutes * 60_000,
            within_ms=_ms(file.within_seconds),
            target=file.target,
            max_length=self._limits(queues, "max_length"),
            max_wait_ms=self._limits(queues, "max_wait_ms"),
            days_off=self.days_off,
            makeup=self.makeup,
        )

    # ── lines ────────────────────────────────────────────────────────────────────────────────────────────────

    def _tables(self) -> dict[str, LineTable]:
        """The file's lines, and the city's own where something is left for it."""
        tables = dict(self.file.lines)
        if self.base is not None and not any(self._is_own(name, table) for name, table in tables.items()):
            given = math.fsum(table.share or 0.0 for table in tables.values())
            if all(table.share is not None for table in tables.values()) and given < 1 - 1e-9:
                tables = {self.base.number: LineTable(), **tables}
        return tables

    def _lines(self) -> tuple[Line, ...]:
        tables = self._tables()
        rest = [name for name, table in tables.items() if table.share is None]
        given = math.fsum(table.share or 0.0 for table in tables.values())
        if len(rest) > 1:
            self.faults.append(
                f"lines.{rest[1]}.share: is missing: only one line may have the rest, {rest[0]} has it"
            )
        if rest and given > 1 + 1e-9:
            self.faults.append(f"lines: the shares make {given:.6g}, more than all calls: write smaller ones")
        left = max(1 - given, 0.0)
        # 0.1 + 0.2 + 0.7 is not quite 1: what was meant is.
        scale = 1 / given if not rest and abs(given - 1) < 1e-6 else 1.0
        return tuple(
            self._line(name, table, left if table.share is None else table.share * scale)
            for name, table in tables.items()
        )

    def dialled(self) -> dict[str, tuple[str, str | None]]:
        """By line's name the number that is dialled for it, and the key that is pressed then; the city's lines only."""
        if self.base is None:
            return {}
        number = self.base.number
        found: dict[str, tuple[str, str | None]] = {}
        for name, table in self._tables().items():
            if table.key is not None:
                found[name] = (number, table.key)
            elif not _whole(table):
                found[name] = (self.base.written(table.number or name), None)
        return found

    def _is_own(self, name: str, table: LineTable) -> bool:
        return (
            self.base is not None
            and table.key is None
            and self.base.written(table.number or name) == self.base.number
        )

    def _city_line(self, name: str, table: LineTable) -> CityLine | None:
        if self.base is None or _whole(table):
            if self.base is None and table.key is not None:
                self.faults.append(
                    f"lines.{name}.key: only a city's own number has keys: name a city or take it out"
                )
            return None
        try:
            return self.base.line(table.number or name, table.key)
        except ValueError as fault:
            self.faults.append(f"lines.{name}: {fault}")
            return None

    def _line(self, name: str, table: LineTable, share: float) -> Line:
        city, calls, where = self._city_line(name, table), self.file.calls, f"lines.{name}"
        talk = table.talk or calls.talk
        wrap_up = table.wrap_up or calls.wrap_up
        patience = table.patience or calls.patience
        if talk is None:
            self.faults.append(f"{where}.talk: is missing: write it there or in calls")
        if wrap_up is None and city is None and (self.base is None or _whole(table)):
            self.faults.append(f"{where}.wrap_up: is missing: write it there or in calls")
        said = calls.greeting_seconds if table.greeting_seconds is None else table.greeting_seconds
        transfer = table.transfer or calls.transfer
        wrap_up_ms = city.wrap_up_ms if city is not None else 0
        return Line(
            name=name,
            share=share,
            wait=self._wait(name, table, city),
            talk=self._duration(f"{where}.talk", talk),
            wrap_up=self._duration(
                f"{where}.wrap_up", wrap_up or DurationTable(mean_seconds=wrap_up_ms / 1000)
            ),
            patience=None if patience is None else self._duration(f"{where}.patience", patience),
            title=table.title or (city.title if city is not None else name),
            greeting_ms=_ms(said) if said is not None else city.said_ms if city is not None else 0,
            contained=calls.contained if table.contained is None else table.contained,
            self_service=self._duration(f"{where}.self_service", table.self_service or calls.self_service),
            in_vain=self._duration(
                f"{where}.self_service_in_vain", table.self_service_in_vain or calls.self_service_in_vain
            ),
            transfer=None if transfer is None else self._transfer(f"{where}.transfer", transfer),
            outgoing=calls.outgoing if table.outgoing is None else table.outgoing,
            outgoing_talk=self._duration(
                f"{where}.outgoing_talk", table.outgoing_talk or calls.outgoing_talk
            ),
        )

    def _wait(self, name: str, table: LineTable, city: CityLine | None) -> Wait:
        needs: tuple[Need, ...] = ()
        if table.needs is not None:
            needs = tuple(Need(tuple(sorted(s.skills.items())), _ms(s.after_seconds)) for s in table.needs)
        elif city is not None:
            needs = city.wait.needs
        elif self.base is None:
            self.faults.append(
                f'lines.{name}.needs: is missing: write needs = [{{ skills = {{ "12345" = 1 }} }}]'
            )
        queue = table.queue or (city.wait.queue if city is not None else "12345")
        priority = table.priority
        if priority is None:
            priority = city.wait.priority if city is not None else 0
        return Wait(queue, needs or (Need(()),), priority)

    def _transfer(self, where: str, table: TransferTable) -> Transfer:
        together = self._duration(f"{where}.together", table.together)
        return Transfer(table.share, table.to, together, self._duration(f"{where}.talk", table.talk))

    def _limits(self, queues: set[str], key: str) -> dict[str, int]:
        """The queues' limits: the file's, else the city's."""
        found: dict[str, int] = {}
        for name in sorted(queues):
            table = self.file.queues.get(name)
            own = None
            if table is not None:
                seconds = table.max_wait_seconds
                own = table.max_length if key == "max_length" else None if seconds is None else _ms(seconds)
            if own is None and self.base is not None and name in self.base.setup.queues:
                own = getattr(self.base.setup.queues[name], key)
            if own is not None:
                found[name] = own
        return found

    # ── people ───────────────────────────────────────────────────────────────────────────────────────────────

    def _groups(self) -> tuple[Group, ...]:
        if not self.file.groups and self.base is not None:
            return _seated(self.base)
        return tuple(self._group(name, table) for name, table in self.file.groups.items())

    def _group(self, name: str, table: GroupTable) -> Group:
        where = f"groups.{name}"
        city: CityGroup | None = None
        if table.agents is not None and self.base is None:
            self.faults.append(f"{where}.agents: are a city's: name a city, or write skills")
        elif table.agents is not None and self.base is not None:
            try:
                city = self.base.agent(table.agents)
            except ValueError as fault:
                self.faults.append(f"{where}.agents: {fault}")
        elif table.skills is None:
            remedy = (
                "write it" if self.base is None else "write it, or agents and the number of one of the city's"
            )
            self.faults.append(f"{where}.skills: is missing: {remedy}")
        if not table.shifts:
            self.faults.append(f"{where}.shifts: is missing: write how many seats are taken in which shift")
        shifts = []
        for shift, seats in table.shifts.items():
            if shift not in self.file.shifts:
                self.faults.append(f"{where}.shifts: {unknown_word('shift', shift, list(self.file.shifts))}")
                continue
            shifts.append(_shift(shift, seats, self.file.shifts[shift]))
        expert = table.expert if table.expert is not None else city is not None and city.expert
        return Group(
            name=name,
            skills=table.skills or (city.skills if city is not None else {"?": 1}),
            shifts=tuple(shifts),
            title=table.title or (city.title if city is not None else name),
            expert=expert,
            scaled=not expert if table.scaled is None else table.scaled,
            absence=table.absence,
        )

    # ── durations ────────────────────────────────────────────────────────────────────────────────────────────

    def _duration(self, where: str, table: DurationTable | None) -> Duration:
        if table is None:
            return Duration("constant", 1.0)
        if table.kind != "empirical":
            return Duration(table.kind, table.mean_seconds or 0.0, table.shape or 1.0)
        if table.sample_seconds is not None:
            return Duration("empirical", sample_s=tuple(sorted(table.sample_seconds)))
        return Duration("empirical", sample_s=self._sample(where, table.file or ""))

    def _sample(self, where: str, name: str) -> tuple[float, ...]:
        """One duration in seconds a line; empty lines and what follows a # are left out."""
        path = (self.home or Path()) / name
        try:
            texts = [line.partition("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines()]
        except (OSError, UnicodeError) as error:
            told = (getattr(error, "strerror", None) or "is not text in UTF-8").lower()
            self.faults.append(f"{where}.file: {path.name} can't be read ({told}): write one duration a line")
            return (0.0, 1.0)
        found: list[float] = []
        for number, text in enumerate(texts, start=1):
            try:
                value = float(text or "0")
            except ValueError:
                value = -1.0
            if not 0 <= value < math.inf:
                self.faults.append(
                    f"{where}.file: line {number} of {path.name} is {text[:20]!r}: write seconds, 0 or more"
                )
                return (0.0, 1.0)
            if text:
                found.append(value)
        if len(found) < 2:
            self.faults.append(f"{where}.file: {path.name} has {len(found)} durations: give at least 2")
            return (0.0, 1.0)
        return tuple(sorted(found))


def _whole(table: LineTable) -> bool:
    """Does the line stand wholly in the file?"""
    return table.needs is not None and table.queue is not None and table.number is None and table.key is None


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _shift(name: str, seats: int, table: ShiftTable) -> Shift:
    first, last = minutes(table.from_), minutes(table.to)
    return Shift(
        name=table.title or name,
        seats=seats,
        from_minute=first,
        to_minute=last if last > first else last + 1440,
        weekdays=frozenset(WEEKDAYS.index(day) for day in table.weekdays),
        holidays=table.holidays,
        breaks=tuple(Break(b.after_minutes, b.minutes, b.waves, b.stagger_minutes) for b in table.breaks),
    )


def _seated(base: CityBase) -> tuple[Group, ...]:
    """Every seat of the city taken day and night, by its groups in proportion to their people (largest remainders)."""
    people = sum(group.people for group in base.groups)
    seats = min(base.seats, people)
    exact = [group.people * seats / people for group in base.groups]
    counts = [math.floor(value) for value in exact]
    order = sorted(range(len(exact)), key=lambda place: (counts[place] - exact[place], place))
    for place in order[: seats - sum(counts)]:
        counts[place] += 1
    return tuple(
        Group(group.first, group.skills, (Shift("24h", count),), group.title, group.expert, not group.expert)
        for group, count in zip(base.groups, counts, strict=True)
    )
