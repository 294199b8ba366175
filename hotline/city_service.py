"""The survey and the nuisance callers of a city file: what must agree in them, and what the engine is told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from acd.nuisance import fault, written
from acd.setup import Barred, NuisanceSetup, SurveySetup
from dialplans.hours import instant
from dialplans.number import Number
from dialplans.plan import NumberPlan
from hotline.city_schema import CityFile, SurveyTable

DAY_MS = 86_400_000
GRADES = range(1, 6)


def faults(file: CityFile) -> Iterator[str]:
    """What is wrong between the keys of ``[survey]`` and ``[nuisance]``."""
    survey, usual = file.survey, SurveyTable()
    missing = [grade for grade in GRADES if grade not in survey.keys.values()]
    if missing:
        yield f"survey.keys: no key stands for {missing[0]}: each of the grades 1 to 5 needs one"
    elif len(survey.keys) > len(GRADES):
        yield "survey.keys: two keys stand for one grade: write one key a grade"
    if survey.keys != usual.keys and survey.ask is None:
        yield "survey.ask: is missing: the keys are not the usual ones, and the caller must hear them"
    if "#" in survey.keys or "*" in survey.keys:
        yield "survey.keys: # and * end what is said: write 0 to 9"
    on = (
        survey.default
        or any(queue.survey for queue in file.queues)
        or any(line.survey for line in file.lines)
    )
    if survey.open_after and not on:
        yield "survey.open_after: nobody is asked: write default = true, or survey = true at a queue or a line"
    most = file.nuisance.most_days
    if file.nuisance.days > most:
        yield f"nuisance.days: {file.nuisance.days} is above most_days ({most}): write fewer"
    for place, entry in enumerate(file.nuisance.barred):
        where = f"nuisance.barred[{place}].until"
        if entry.until < entry.since:
            yield f"{where}: ends before it starts ({entry.since}): set a later day"
        elif entry.until - entry.since > timedelta(days=most):
            yield f"{where}: nobody is barred for more than {most} days (nuisance.most_days): set an earlier day"


def barred_faults(file: CityFile, plan: NumberPlan) -> Iterator[str]:
    """Entries that can't stand in the list of nuisance callers."""
    seen: dict[str | None, int] = {}
    for place, entry in enumerate(file.nuisance.barred):
        where = f"nuisance.barred[{place}].number"
        if why := fault(entry.number, plan):
            remedy = "" if ": write" in why else ": take it out"
            yield f"{where}: {why}{remedy}"
        number = written(entry.number, plan)
        if number in seen:
            yield f"{where}: {entry.number} stands in nuisance.barred[{seen[number]}] already: take one out"
        seen.setdefault(number, place)


def survey(file: CityFile) -> SurveySetup:
    """The survey as the engine sees it."""
    table, usual = file.survey, SurveySetup()
    lines = {Number.read(line.number, file.area).shown(file.area): line.survey for line in file.lines}
    return SurveySetup(
        default=table.default,
        lines={number: wanted for number, wanted in lines.items() if wanted is not None},
        queues={queue.name: queue.survey for queue in file.queues if queue.survey is not None},
        min_talk_ms=round(table.min_talk_seconds * 1000),
        ask=(table.ask,) if table.ask else usual.ask,
        wrong=(table.wrong,) if table.wrong else usual.wrong,
        thanks=(table.thanks,) if table.thanks else usual.thanks,
        farewell=(table.farewell,) if table.farewell else usual.farewell,
        wait_ms=round(table.wait_seconds * 1000),
        grades=dict(table.keys),
        open_after=frozenset(table.open_after),
        open_ask=(table.open_ask,) if table.open_ask else usual.open_ask,
        open_ms=round(table.open_seconds * 1000),
        silence_ms=round(table.silence_seconds * 1000),
    )


def nuisance(file: CityFile, plan: NumberPlan) -> NuisanceSetup:
    """The list of the city file, and how long an entry of the engine's lasts."""
    table = file.nuisance
    listed = tuple(
        Barred(
            number=written(entry.number, plan) or entry.number,
            until=instant(entry.until + timedelta(days=1)),
            owner=entry.owner,
            reason=entry.reason,
            created=instant(entry.since),
            mode=entry.mode,
        )
        for entry in table.barred
    )
    notice = (table.notice,) if table.notice else NuisanceSetup().notice
    days = table.days * DAY_MS, table.most_days * DAY_MS
    return NuisanceSetup(listed, notice, *days, flood=table.calls_per_minute)


def texts(file: CityFile) -> Iterator[str]:
    """What callers may hear because of these sections, beside the library's own prompts."""
    table = file.survey
    given = (table.ask, table.wrong, table.thanks, table.farewell, table.open_ask, file.nuisance.notice)
    yield from (text for text in given if text)
