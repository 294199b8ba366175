"""What was simulated, as a planner reads it: the report's `View`, and which half hours and lines fail first, and why. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from hotline.report_view import Failure, LineRow, Series, View, Words
from simulator import mol
from simulator.needs import can_answer
from simulator.precision import Band, Interval
from simulator.rules import DAYS, clock
from simulator.scenario import Scenario, group_seats
from simulator.study import MEASURES, Figures

MOST_FAILURES = 8
"""so many are told; who mends these has other ones afterwards"""
_BLOCKED = 0.005
"""more callers than this who found no channel are a reason of its own"""


def view(scenario: Scenario, figures: Figures, remarks: Sequence[str] = ()) -> View:
    """The report of a scenario that was simulated. ``remarks``: what should be known of its figures."""
    half_hours, lines = figures.by_half_hour, figures.by_line
    assert half_hours.staffed is not None
    assert half_hours.busy is not None
    staffed, busy = half_hours.staffed, half_hours.busy
    demand = mol.demand(scenario)
    need = mol.need(demand, scenario.target)
    sure, parted = figures.answer_rate.width < 1, figures.replications > 1
    said = tuple(Words(remark, remark) for remark in remarks)
    return View(
        name=scenario.name,
        title=scenario.title or scenario.name,
        days=figures.days,
        calls=float(half_hours.offered.sum()) / scenario.days,
        most_seats=figures.seats,
        target=scenario.target,
        within_s=scenario.within_ms / 1000,
        figures={name: figures.measure(name) for name in MEASURES},
        half_hours=labels(scenario),
        answer_rate=_bands(half_hours.answer_rate, half_hours.asked, parted),
        wait_s=_bands(half_hours.asa, half_hours.asked, parted),
        occupancy=np.divide(busy, staffed, out=np.zeros_like(busy), where=staffed > 0),
        offered=half_hours.offered,
        seats=staffed,
        need=np.where(np.isfinite(need), need, np.nan),
        lines=tuple(
            LineRow(
                line.name,
                line.title,
                float(lines.offered[n]) / scenario.days,
                lines.answer_rate.at(n),
                lines.service_level.at(n),
                float(lines.asa.mean[n]),
            )
            for n, line in enumerate(scenario.lines)
        ),
        failures=failures(scenario, figures, mol.peak_load(demand), need),
        notes=said if parted else (_once(scenario), *said),
        sure=sure,
        parted=parted,
    )


def labels(scenario: Scenario) -> tuple[str, ...]:
    """The half hours' names: ``09:30``, of several days ``Mon 09:30``, of more than a week with the date."""
    named = []
    for day, on in enumerate(scenario.dates()):
        before = (
            "" if scenario.days == 1 else f"{DAYS[on.weekday()]} " if scenario.days <= 7 else f"{on:%m-%d} "
        )
        named += [f"{before}{clock(day * 1440 + 30 * n)}" for n in range(48)]
    return tuple(named)


# ── what fails first ─────────────────────────────────────────────────────────────────────────────────────────


def failures(scenario: Scenario, figures: Figures, load: Series, need: Series) -> tuple[Failure, ...]:
    """Half hours in a row, and lines, whose answer rate is below the target with confidence: those that lose most first."""
    found = [*_spans(scenario, figures, load, need), *_lines(scenario, figures)]
    return tuple(sorted(found, key=lambda one: -one.lost)[:MOST_FAILURES])


def _spans(scenario: Scenario, figures: Figures, load: Series, need: Series) -> list[Failure]:
    half_hours = figures.by_half_hour
    missed = (half_hours.answer_rate.high < scenario.target) & (half_hours.asked > 0)
    found = []
    for hours in _alike(list(missed.reshape(scenario.days, 48))):
        at = np.array([day * 48 + n for day, begin, end in hours for n in range(begin, end)])
        asked = half_hours.asked[at]
        bands = half_hours.answer_rate
        rate = [float((band[at] * asked).sum() / asked.sum()) for band in (bands.mean, bands.low, bands.high)]
        begin, end = min(one[1] for one in hours), max(one[2] for one in hours)
        span = clock(begin * 30), "24:00" if end == 48 else clock(end * 30)
        days = [one[0] for one in hours]
        found.append(
            Failure(
                Words(
                    f"{_days(scenario, days)}{span[0]} to {span[1]}",
                    f"{_days_zh(scenario, days)}{span[0]}至{span[1]}",
                ),
                Interval(*rate),
                float(asked.sum()) * (1 - rate[0]) / scenario.days,
                _why(scenario, figures, load, need, at),
            )
        )
    return found


def _alike(missed: Sequence[NDArray[np.bool_]]) -> list[list[tuple[int, int, int]]]:
    """Half hours in a row that are missed, as (day, from, to); those whose hours overlap, of whatever day, together."""
    found: list[tuple[int, int, int]] = []
    for day, row in enumerate(missed):
        edges = np.flatnonzero(np.diff(np.concatenate([[False], row, [False]]).astype(np.int8)))
        found += [(day, begin, end) for begin, end in edges.reshape(-1, 2).tolist()]
    groups: list[list[tuple[int, int, int]]] = []
    until = 0
    for one in sorted(found, key=lambda one: one[1:]):
        if groups and one[1] < until:
            groups[-1].append(one)
        else:
            groups.append([one])
        until = max(until, one[2])
    return groups


def _days(scenario: Scenario, days: Sequence[int]) -> str:
    """``Mon to Fri ``, ``Mon, Wed ``; nothing where a replication is one day."""
    return _told(scenario, days, lambda on: DAYS[on.weekday()], "{} to {}", ", ", " ")


def _days_zh(scenario: Scenario, days: Sequence[int]) -> str:
    end = "" if scenario.days <= 7 else " "
    return _told(scenario, days, lambda on: f"周{'一二三四五六日'[on.weekday()]}", "{}至{}", "、", end)


def _told(
    scenario: Scenario, days: Sequence[int], name: Callable[[date], str], span: str, comma: str, end: str
) -> str:
    if scenario.days == 1:
        return ""
    unique = sorted(set(days))
    shown = [
        name(on) if scenario.days <= 7 else f"{on:%m-%d}"
        for on in (scenario.start + timedelta(days=day) for day in unique)
    ]
    if len(unique) > 2 and unique[-1] - unique[0] == len(unique) - 1:
        return span.format(shown[0], shown[-1]) + end
    return comma.join(shown if len(shown) <= 5 else [*shown[:5], "…"]) + end


def _moment(scenario: Scenario, half_hour: int) -> tuple[str, str]:
    """``at 10:30``, of several days ``on Mon at 10:30``; in Chinese ``周一10:30``."""
    at, day = clock(half_hour % 48 * 30), [half_hour // 48]
    if scenario.days == 1:
        return f"at {at}", at
    return f"on {_days(scenario, day)}at {at}", f"{_days_zh(scenario, day)}{at}"


def _why(scenario: Scenario, figures: Figures, loads: Series, need: Series, span: NDArray[np.int64]) -> Words:
    half_hours = figures.by_half_hour
    assert half_hours.staffed is not None
    short = need[span] - half_hours.staffed[span]
    worst = int(span[np.argmax(short)])
    load, there = float(loads[worst]), float(half_hours.staffed[worst])
    if np.isinf(need[worst]):
        return Words(
            "No number of seats does: too many hang up while a seat rings. Make the ring shorter.",
            "增加座席无济于事：振铃期间放弃过多，请缩短振铃时间。",
        )
    if short.max() > 0:
        at, at_zh = _moment(scenario, worst)
        return Words(
            f"Too few seats: {at} the load of {load:.1f} Erlangs takes {need[worst]:.0f} seats, {there:.0f} are there.",
            f"座席不足：{at_zh}话务量{load:.1f}爱尔兰，需要{need[worst]:.0f}个座席，在线{there:.0f}个。",
        )
    outcome = figures.outcome
    blocked = float(outcome.blocked[span].sum()) / max(float(outcome.offered[span].sum()), 1)
    if blocked > _BLOCKED:
        return Words(
            f"Too few channels: {blocked:.1%} find none and call again; the seats would do.",
            f"中继不足：{blocked:.1%}的来电无空闲线路后重拨；座席本身够用。",
        )
    asked, answered = outcome.asked[span].sum(0), outcome.answered[span].sum(0)
    line = int(np.argmax(asked - answered))
    lost = float(asked[line] - answered[line]) / max(float((asked - answered).sum()), 1)
    if len(scenario.lines) > 1 and lost > 1.5 * float(asked[line]) / max(float(asked.sum()), 1):
        name = scenario.lines[line].name
        return Words(
            f"Too few who know line {name}: {lost:.0%} of what is lost is its; in all, the seats would do.",
            f"掌握{name}业务的座席不足：损失的来电中{lost:.0%}属于该热线；总座席数够用。",
        )
    return Words(
        f"No reserve: {there:.0f} seats do for the mean load ({load:.1f} Erlangs), not for busy days and bursts.",
        f"余量不足：在线{there:.0f}个座席可应付平均话务量（{load:.1f}爱尔兰），遇繁忙日和突发来电不够。",
    )


def _lines(scenario: Scenario, figures: Figures) -> list[Failure]:
    """Lines that miss the target by more than all lines together do."""
    lines = figures.by_line
    found = []
    for n, line in enumerate(scenario.lines):
        if lines.answer_rate.high[n] >= min(scenario.target, figures.answer_rate.low):
            continue
        name = line.name.removeprefix("line")
        found.append(
            Failure(
                Words(f"line {name}", f"热线{name}"),
                lines.answer_rate.at(n),
                float(lines.asked[n]) * (1 - float(lines.answer_rate.mean[n])) / scenario.days,
                _why_line(scenario, figures, n),
            )
        )
    return found


def _why_line(scenario: Scenario, figures: Figures, n: int) -> Words:
    """Few can answer it, or it waits for its experts, or its calls come when seats are few."""
    line = scenario.lines[n]
    wait = line.wait
    able = [group for group in scenario.groups if can_answer(group, line)]
    if len(able) < len(scenario.groups):
        seats = max(
            sum(group_seats(group, scenario, half_hour * 30 + 15) for group in able)
            for half_hour in range(48 * scenario.days)
        )
        known = ", ".join(group.title or group.name for group in able) or "nobody"
        known_zh = "、".join(group.title or group.name for group in able) or "无"
        return Words(
            f"Few can answer it: {known}; {seats} of {figures.seats} seats at the fullest.",
            f"可受理的座席少：{known_zh}，最多{seats}个座席（共{figures.seats}个）。",
        )
    later = wait.needs[-1].after_ms / 1000
    first = [group for group in scenario.groups if can_answer(group, line, step=0)]
    if later and len(first) < len(scenario.groups):
        return Words(
            f"Its callers wait for experts first: others may answer after {later:g} s only.",
            f"来电先等待专家座席：{later:g}秒后才由其他座席受理。",
        )
    outcome = figures.outcome
    lost = (outcome.asked - outcome.answered)[:, n].reshape(scenario.days, 48).sum(0)
    at = clock(int(np.argmax(lost)) * 30)
    return Words(
        f"Everybody can answer it; it loses most at {at}, when seats are short for all lines or its own calls come at once.",
        f"所有座席均可受理；{at}损失最多：此时座席不足，或该热线来电集中。",
    )


def _once(scenario: Scenario) -> Words:
    """What is to be known of figures that were played a single time."""
    if scenario.days == 1:
        return Words(
            "One day was played: nothing is known of how far days differ. Take --days 8 or more.",
            "仅模拟了1天，无法判断各天的差异：请用--days 8或更多。",
        )
    return Words(
        f"Played once ({scenario.days} days): no half hour and no line has an interval. Take --days {2 * scenario.days} or more.",
        f"仅模拟了1次（{scenario.days}天），各半小时、各热线没有置信区间：请用--days {2 * scenario.days}或更多。",
    )


def _bands(band: Band, asked: Series, parted: bool) -> Band:
    """Without a value where nobody asked, without limits where they are not known."""
    none = asked <= 0
    limits = np.zeros_like(none) if parted else np.ones_like(none)
    return Band(
        np.where(none, np.nan, band.mean),
        np.where(none | limits, np.nan, band.low),
        np.where(none | limits, np.nan, band.high),
    )
