"""The recordings of a city file: what must agree in ``[recording]``, what the engine is told, and what is kept."""

from __future__ import annotations

from collections.abc import Iterator

from acd.recording import Direction, Mode, RecordingRule, RecordingSetup, decide
from dialplans.decision import Decision
from dialplans.number import Number, NumberFault
from hotline.city_faults import unknown_word
from hotline.city_schema import CityFile
from hotline.recordings_keeper import Keeping

_EMERGENCIES = ("110", "119", "120", "122")


def faults(file: CityFile) -> Iterator[str]:
    """What is wrong in ``[recording]``."""
    table = file.recording
    known = {shown for text in _numbers(file) if (shown := _shown(text, file.area))}
    queues = [queue.name for queue in file.queues]
    for place, rule in enumerate(table.rules):
        where = f"recording.rules[{place}]"
        for item, text in enumerate(rule.lines):
            if _shown(text, file.area) not in known:
                yield f"{where}.lines[{item}]: {text} is no line of the city: add it to lines or take it out"
        for item, queue in enumerate(rule.queues):
            if queue not in queues:
                yield f"{where}.queues[{item}]: {unknown_word('queue', queue, queues)}"
        if not (rule.lines or rule.queues or rule.directions) and place + 1 < len(table.rules):
            yield f"{where}: fits every call, so those behind it never do: put it last, or write default"
    off = table.default == "off" and all(rule.mode == "off" for rule in table.rules)
    if table.notice and off:
        yield 'recording.notice: nobody is recorded: write default = "mixed" or a rule, or take it out'


def recording(file: CityFile) -> RecordingSetup:
    """The rules as the engine sees them."""
    table = file.recording
    return RecordingSetup(
        default=Mode(table.default),
        passed=Mode(table.passed),
        rules=tuple(
            RecordingRule(
                Mode(rule.mode),
                frozenset(shown for text in rule.lines if (shown := _shown(text, file.area))),
                frozenset(rule.queues),
                frozenset(rule.directions),
            )
            for rule in table.rules
        ),
        notice=(table.notice,) if table.notice else (),
        pause_limit_ms=round(table.pause_limit_seconds * 1000),
    )


def notice(file: CityFile, line: str | None, queue: str) -> list[str]:
    """What a caller who is led to this queue hears before its greeting (`acd.taping.notice`)."""
    setup = recording(file)
    mode, _ = decide(setup, line, queue, Direction.IN)
    return [] if mode is Mode.OFF else list(setup.notice)


def traced(file: CityFile, decision: Decision, queue: str | None) -> list[str]:
    """Whether the call is recorded, and why, for ``hotline trace``. Nothing where nothing was asked for and nothing is done."""
    setup = recording(file)
    told = []
    if decision.passes:
        told.append(decide(setup, decision.number, None, Direction.PASSED, emergency=decision.urgent))
    if queue is not None:
        told.append(decide(setup, decision.number, queue, Direction.IN, emergency=decision.urgent))
    asked = setup != RecordingSetup()
    who = ("With those others: ", "With a seat: ") if len(told) > 1 else ("", "")
    return [
        f"{whom}{why}" for whom, (mode, why) in zip(who, told, strict=False) if asked or mode is not Mode.OFF
    ]


def keeping(file: CityFile) -> Keeping:
    """How much of the disk stays free, and how long a recording is kept."""
    return Keeping(file.recording.min_free_mb * 1_000_000, file.recording.keep_days)


def _numbers(file: CityFile) -> list[str]:
    return [file.number, *file.also, *(line.number for line in file.lines), *_EMERGENCIES]


def _shown(text: str, area: str) -> str | None:
    try:
        return Number.read(text, area).shown(area)
    except NumberFault:
        return None
