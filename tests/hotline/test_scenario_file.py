"""Scenarios are read as they are written; every fault names its place and remedy; a city's lines ask what its plan asks."""

from __future__ import annotations

import copy
import csv
import json
import math
import re
import tomllib
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acd.messages import CallRecord
from dialplans.decision import Need, Wait
from dialplans.hours import SHANGHAI, instant
from hotline.city import City
from hotline.records import RecordStore
from hotline.scenario_arrivals import halved
from hotline.scenario_city import spoken_ms
from hotline.scenario_file import (
    Loaded,
    ScenarioFault,
    base,
    built_in,
    from_values,
    load,
    merged,
    open_scenario,
    read,
)
from hotline.scenario_schema import ScenarioFile, keys, schema
from simulator.forecast import kind_of
from simulator.scenario import Break, Duration, Retrial, Scenario, Shift, SubCentre, Surge, Transfer
from simulator.scenario_faults import faults

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs"
SOUND = """
title = "示范市 普通一周"
days = 7
channels = 60

[arrivals]
per_day = 3000
hours = [1, 1, 1, 1, 1, 1, 2, 3, 6, 8, 9, 8, 7, 7, 8, 8, 7, 6, 5, 4, 4, 4, 3, 2]
weekdays = { mon = 1.12 }

[calls]
talk = { kind = "lognormal", mean_seconds = 160, shape = 0.8 }
wrap_up = 30
patience = { kind = "exponential", mean_seconds = 120 }

[retrial]
share = 0.4
after = { kind = "exponential", mean_seconds = 300 }

[lines.12345]
needs = [{ skills = { "12345" = 1 } }]

[lines.law]
share = 0.05
needs = [{ skills = { law = 3 } }, { skills = { law = 1 }, after_seconds = 15 }]

[queues.12345]
max_wait_seconds = 600

[subcentres.tax]
seats = 5

[shifts.day]
from = "08:00"
to = "20:00"
breaks = [{ after_minutes = 240, minutes = 30, waves = 2, stagger_minutes = 30 }]

[shifts.night]
from = "20:00"
to = "08:00"

[groups.general]
skills = { "12345" = 1, law = 1 }
shifts = { day = 20, night = 5 }

[groups.experts]
skills = { law = 3 }
expert = true
shifts = { day = 3 }

[[surges]]
factor = 1.55

# records
"""
TABLE = tomllib.loads((HERE / "scenario_faults.toml").read_text(encoding="utf-8"))["fault"]


def faults_of(text: str, home: Path | None = None) -> tuple[str, ...]:
    with pytest.raises(ScenarioFault) as caught:
        read(text, "mine", home=home)
    return caught.value.faults


def write(folder: Path, text: str, name: str = "mine.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


# ── a file that stands by itself ─────────────────────────────────────────────────────────────────────────────


def test_a_scenario_is_as_it_is_written() -> None:
    made = read(SOUND, "mine").scenario
    assert (made.name, made.title, made.days, made.channels) == ("mine", "示范市 普通一周", 7, 60)
    assert (made.target, made.within_ms, made.ageing_ms, made.closest_fit) == (0.98, 15_000, 60_000, True)
    assert made.arrivals.per_day == 3000
    assert made.arrivals.weekdays == (1.12, 1, 1, 1, 1, 1, 1)
    assert math.fsum(made.arrivals.half_hours) == pytest.approx(1, abs=1e-12)
    assert [line.share for line in made.lines] == [0.95, 0.05]
    assert made.lines[0].talk == Duration("lognormal", 160.0, 0.8)
    assert made.lines[0].wrap_up == Duration("constant", 30.0)
    assert made.lines[0].patience == Duration("exponential", 120.0)
    law = Wait("12345", (Need((("law", 3),)), Need((("law", 1),), 15_000)))
    assert made.lines[1].wait == law
    assert made.max_wait_ms == {"12345": 600_000}
    assert made.max_length == {}
    assert made.subcentres == (SubCentre("tax", seats=5),)
    assert made.retrial == Retrial(0.4, Duration("exponential", 300.0))
    day = Shift("day", 20, 480, 1200, breaks=(Break(240, 30, 2, 30),))
    assert made.groups[0].shifts == (day, Shift("night", 5, 1200, 1920))
    assert (made.groups[0].scaled, made.groups[1].scaled, made.groups[1].expert) == (True, False, True)
    assert made.arrivals.surges[2] == Surge(1.55, 2 * 1440, 3 * 1440)
    assert len(made.arrivals.surges) == 7


def test_seats_are_what_is_asked_for_at_the_fullest() -> None:
    made = read(SOUND.replace("days = 7", "days = 7\nseats = 43"), "mine").scenario
    assert made.seats() == 43
    assert [shift.seats for shift in made.groups[0].shifts] == [40, 10]
    assert made.groups[1].shifts[0].seats == 3


def test_a_line_may_go_its_own_way() -> None:
    text = SOUND.replace(
        "share = 0.05",
        """share = 0.05
title = "法律"
queue = "law"
priority = 2
talk = 200
wrap_up = { kind = "empirical", sample_seconds = [30, 10, 20] }
patience = { kind = "weibull", mean_seconds = 90, shape = 1.5 }
greeting_seconds = 4.5
contained = 0.1
self_service = 40
self_service_in_vain = 12
transfer = { share = 0.2, to = "tax", together = 20, talk = 100 }
outgoing = 0.3
outgoing_talk = 60
""",
    )
    line = read(text, "mine").scenario.lines[1]
    assert (line.title, line.wait.queue, line.wait.priority) == ("法律", "law", 2)
    assert (line.talk, line.wrap_up) == (Duration(mean_s=200.0), Duration("empirical", sample_s=(10, 20, 30)))
    assert (line.patience, line.greeting_ms) == (Duration("weibull", 90.0, 1.5), 4500)
    assert (line.contained, line.self_service) == (0.1, Duration(mean_s=40.0))
    assert line.in_vain == Duration(mean_s=12.0)
    assert line.transfer == Transfer(0.2, "tax", Duration(mean_s=20.0), Duration(mean_s=100.0))
    assert (line.outgoing, line.outgoing_talk) == (0.3, Duration(mean_s=60.0))


def test_an_hour_keeps_its_calls_and_leans_towards_its_busier_neighbour() -> None:
    hours = [1.0, 1, 1, 1, 1, 1, 2, 3, 6, 8, 9, 8, 7, 7, 8, 8, 7, 6, 5, 4, 4, 4, 3, 0]
    halves = halved(hours)
    assert [a + b for a, b in zip(halves[::2], halves[1::2], strict=True)] == pytest.approx(hours)
    assert halves[16] < halves[17]  # 8:00, on the way up
    assert halves[36] > halves[37]  # 18:00, on the way down
    assert min(halves) >= 0


def test_holidays_and_days_worked_in_exchange_have_factors_of_their_own() -> None:
    text = SOUND.replace("days = 7", "days = 9\nstart = 2026-02-14")
    found = read(text.replace("weekdays = {", "weekdays = { sun = 0.8,"), "mine").scenario
    # the spring festival of 2026: 15 to 23 February; 14 February, a Saturday, was worked
    assert date(2026, 2, 14) in found.makeup
    assert {date(2026, 2, 15 + day) for day in range(8)} <= found.days_off
    assert found.arrivals.holidays[date(2026, 2, 14)] == 1.0
    assert found.arrivals.holidays[date(2026, 2, 17)] == 0.8
    text = text.replace(
        "weekdays = { mon = 1.12 }", 'holiday = 0.5\nmakeup = 0.9\ndates = { "2026-02-18" = 2 }'
    )
    factors = read(text, "mine").scenario.arrivals.holidays
    assert [factors[date(2026, 2, day)] for day in (14, 17, 18)] == [0.9, 0.5, 2.0]


def test_durations_are_read_from_a_file(tmp_path: Path) -> None:
    write(tmp_path, "30\n\n10.5  # short\n20\n", "talk.txt")
    text = SOUND.replace("wrap_up = 30", 'wrap_up = { kind = "empirical", file = "talk.txt" }')
    made = load(write(tmp_path, text))
    assert made.lines[0].wrap_up == Duration("empirical", sample_s=(10.5, 20.0, 30.0))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("30\nlong\n", "line 2 of talk.txt is 'long': write seconds, 0 or more"),
        ("30\n", "talk.txt has 1 durations: give at least 2"),
        ("30\n-1\n", "line 2 of talk.txt is '-1': write seconds, 0 or more"),
    ],
)
def test_a_file_of_durations_that_is_none_is_told_by_its_line(tmp_path: Path, text: str, told: str) -> None:
    write(tmp_path, text, "talk.txt")
    wrong = SOUND.replace("wrap_up = 30", 'wrap_up = { kind = "empirical", file = "talk.txt" }')
    assert f"mine.toml: lines.12345.wrap_up.file: {told}" in faults_of(wrong, tmp_path)


# ── faults ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("row", TABLE, ids=[row["told"][:60] for row in TABLE])
def test_this_fault_is_told_with_its_place_and_its_remedy(row: dict[str, str], tmp_path: Path) -> None:
    assert row["sound"] in SOUND
    found = faults_of(SOUND.replace(row["sound"], row["faulty"], 1), tmp_path)
    told = row["told"].replace("KEYS", ", ".join(sorted(ScenarioFile.model_fields)))
    assert f"mine.toml: {told}" in found
    assert len(found) == 1 + int(row.get("more", 0))
    assert all(len(fault.splitlines()) == 1 for fault in found)


def test_a_scenario_that_is_not_there_is_told_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(ScenarioFault) as caught:
        load("zhengzou")
    assert caught.value.faults == ("zhengzou: no built-in scenario has this name: did you mean zhengzhou?",)
    with pytest.raises(ScenarioFault, match="give the path of a scenario's file"):
        load(tmp_path / "none.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ScenarioFault, match="is not text in UTF-8: save it as UTF-8"):
        load(tmp_path / "bytes.toml")


WRONG = st.one_of(
    st.sampled_from(
        [None, -1, 0, 1, 10**20, -(10**20), 1e308, -0.0, math.nan, math.inf, "", "x", "12345", [], {}]
    ),
    st.sampled_from([True, [1], {"kind": "empirical"}, {"x": 1}, date(2026, 1, 1), "24:00", "a\nb", 0.5, 2]),
)


def leaves(values: object, at: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    """The places of all values, tables and lists among them."""
    pairs = (
        values.items() if isinstance(values, dict) else enumerate(values) if isinstance(values, list) else ()
    )
    return [place for key, value in pairs for place in ((*at, key), *leaves(value, (*at, key)))]


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_whatever_stands_there_is_a_scenario_or_is_told_in_lines(data: st.DataObject) -> None:
    values = tomllib.loads(SOUND)
    for _ in range(data.draw(st.integers(1, 3))):
        *way, last = data.draw(st.sampled_from(leaves(values)))
        table: Any = values
        for key in way:
            table = table[key]
        wrong = copy.deepcopy(data.draw(WRONG))
        if wrong is None and isinstance(table, dict):
            del table[last]
        else:
            table[last] = wrong if wrong is not None else 0
    # days of ten years are right, and take a while to lay out
    values["days"] = values.get("days") if values.get("days") in (None, 0, -1, "x", True) else 2
    values = {key: value for key, value in values.items() if value is not None}
    told: tuple[str, ...] = ()
    made: Scenario | None = None
    try:
        made = from_values(values, "mine").scenario
    except ScenarioFault as caught:
        told = caught.faults
    assert all(re.fullmatch(r"scenario: \S.*: .+", line) for line in told), told
    assert bool(told) != bool(made)
    if made is not None:
        assert faults(made) == []
        assert made.seats() > 0


def test_a_file_may_have_the_name_of_the_scenario_that_it_stands_on(tmp_path: Path) -> None:
    made = load(write(tmp_path, 'base = "zhengzhou"\ndays = 1\n', "zhengzhou.toml"))
    assert (made.days, made.seats()) == (1, 146)


def test_shares_beyond_all_calls_are_told() -> None:
    text = SOUND.replace("share = 0.05", "share = 0.7") + (
        '[lines.more]\nshare = 0.4\nneeds = [{ skills = { "12345" = 1 } }]\n'
    )
    assert (
        faults_of(text)[0] == "mine.toml: lines: the shares make 1.1, more than all calls: write smaller ones"
    )


# ── one upon another ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_scenario_upon_another_changes_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    write(tmp_path, SOUND, "usual.toml")
    over = 'base = "usual.toml"\ndays = 1\n[lines.law]\nshare = 0.2\n[arrivals]\nper_day = 6000\n'
    made, usual = load(write(tmp_path, over)), load(tmp_path / "usual.toml")
    assert (made.days, made.arrivals.per_day, made.lines[1].share) == (1, 6000, 0.2)
    assert made.lines[1].wait == usual.lines[1].wait
    assert made.groups == usual.groups
    assert made.arrivals.half_hours == usual.arrivals.half_hours


def test_tables_are_joined_key_by_key_and_lists_taken_whole() -> None:
    under = {"a": {"x": 1, "y": [1, 2]}, "b": 2}
    assert merged(under, {"a": {"y": [3]}, "c": 4}) == {"a": {"x": 1, "y": [3]}, "b": 2, "c": 4}
    assert under == {"a": {"x": 1, "y": [1, 2]}, "b": 2}


def test_scenarios_that_stand_on_each_other_are_told(tmp_path: Path) -> None:
    write(tmp_path, 'base = "b.toml"\n', "a.toml")
    write(tmp_path, 'base = "a.toml"\n', "b.toml")
    with pytest.raises(ScenarioFault) as caught:
        load(tmp_path / "a.toml")
    assert caught.value.faults == (
        "b.toml: base: a.toml stands on b.toml stands on a.toml: take one of them out",
    )


def test_a_fault_below_is_told_with_the_name_of_the_file_below(tmp_path: Path) -> None:
    write(tmp_path, "days 7", "usual.toml")
    with pytest.raises(ScenarioFault, match=r"^usual.toml: line 1"):
        load(write(tmp_path, 'base = "usual.toml"\n'))


# ── what comes with the program ──────────────────────────────────────────────────────────────────────────────


def test_the_scenarios_that_the_plans_ask_for_are_there() -> None:
    cities = set(City.built_in())
    assert cities | {"storm", "epidemic", "15-march", "zhengzhou-260"} <= set(built_in())
    assert all(open_scenario(name).city == City.load(name) or base(name) is not None for name in cities)


@pytest.mark.parametrize("name", built_in())
def test_every_built_in_scenario_is_sound_and_has_the_seats_that_it_names(name: str) -> None:
    made = load(name)
    text = (HERE.parents[1] / "simulator" / "scenarios" / f"{name}.toml").read_text(encoding="utf-8")
    seats = tomllib.loads(text).get("seats")
    assert seats is None or made.seats() == seats
    assert math.fsum(line.share for line in made.lines) == pytest.approx(1, abs=1e-12)
    assert text.startswith("#:schema ../../docs/scenario.schema.json\n")


def expected(made: Scenario) -> float:
    """Calls of a whole replication, surges included, tries again left out."""
    total = 0.0
    for day, on in enumerate(made.dates()):
        factor = made.arrivals.holidays.get(on, made.arrivals.weekdays[on.weekday()])
        for half_hour, share in enumerate(made.arrivals.half_hours):
            minute = day * 1440 + half_hour * 30
            by_line = 0.0
            for line in made.lines:
                scale = math.prod(
                    surge.factor
                    for surge in made.arrivals.surges
                    if surge.from_minute <= minute < surge.to_minute and surge.line in (None, line.name)
                )
                by_line += line.share * scale
            total += made.arrivals.per_day * factor * share * by_line
    return total


def test_the_cities_have_the_calls_and_seats_of_their_plans() -> None:
    zhengzhou, jinan, jingjiang = load("zhengzhou"), load("jinan"), load("jingjiang")
    assert 8000 < expected(zhengzhou) / 7 < 9000
    assert 20_000 < expected(jinan) / 7 < 31_000
    assert jinan.arrivals.per_day * jinan.arrivals.weekdays[0] < 31_000
    assert (zhengzhou.seats(), load("zhengzhou-260").seats()) == (146, 260)
    assert jinan.seats() >= 200
    assert jingjiang.seats() == 12
    assert jingjiang.with_seats(6).seats() == 6


def test_a_storm_and_an_epidemic_are_as_much_more_as_they_were() -> None:
    usual, storm, epidemic = load("zhengzhou"), load("storm"), load("epidemic")
    tuesday = usual.arrivals.per_day
    assert expected(storm) == pytest.approx(1.55 * tuesday, rel=0.1)
    by_day = {
        surge.from_minute // 1440: surge.factor for surge in epidemic.arrivals.surges if surge.line is None
    }
    assert (min(by_day.values()), max(by_day.values()), len(by_day)) == (2.0, 3.5, 7)


def test_on_15_march_line_12315_alone_is_called_more() -> None:
    made = load("15-march")
    assert made.dates() == (date(2026, 3, 15),)
    assert {surge.line for surge in made.arrivals.surges} == {"12315"}


# ── a city as base ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", City.built_in())
def test_a_city_s_lines_wait_as_its_plan_leads_them(name: str) -> None:
    loaded = open_scenario(name)
    city, made = loaded.city, loaded.scenario
    assert city is not None
    now = instant(datetime(made.start.year, made.start.month, made.start.day, 10, tzinfo=SHANGHAI))
    for line in made.lines:
        number, key = loaded.dialled[line.name]
        decision = city.plan.route(number, (), city.trunks()[0].name, now)
        wait = decision.wait if key is None else {c.key: c.wait for c in decision.menu}[key]
        assert line.wait == wait
        queue = city.setup().queues[line.wait.queue]
        assert made.max_length.get(queue.name) == queue.max_length
        assert made.max_wait_ms.get(queue.name) == queue.max_wait_ms
        assert line.greeting_ms == spoken_ms((*decision.notices, *queue.greeting))
    assert (made.ageing_ms, made.closest_fit) == (city.setup().ageing_ms, city.setup().closest_fit)
    skills = [dict(agent.skills) for agent in city.setup().agents.values()]
    assert all(dict(group.skills) in skills for group in made.groups)


CITY = """
city = "kaifeng"
start = 2026-01-12
[arrivals]
per_day = 3000
hours = [1, 1, 1, 1, 1, 1, 2, 3, 6, 8, 9, 8, 7, 7, 8, 8, 7, 6, 5, 4, 4, 4, 3, 2]
[calls]
talk = 160
"""


def of_city(more: str = "", city: str = "kaifeng") -> Loaded:
    return read(CITY.replace("kaifeng", city) + more, "mine")


def test_a_city_alone_gives_its_own_line_its_seats_and_its_channels() -> None:
    loaded = of_city()
    made, city = loaded.scenario, City.load("kaifeng")
    assert [(line.name, line.share, line.title) for line in made.lines] == [("12345", 1.0, city.title)]
    assert loaded.dialled == {"12345": ("12345", None)}
    assert made.seats() == len(city.seats()) == 40
    assert made.channels == sum(trunk.channels for trunk in city.file.trunks if not trunk.link)
    assert made.lines[0].wrap_up == Duration(mean_s=30.0)  # its queue's
    assert [(group.title, group.expert, group.scaled) for group in made.groups][-2:] == [
        ("司法专家", True, False),
        ("公积金专家", True, False),
    ]


def test_an_expert_line_asks_its_experts_first_and_then_whoever_knows() -> None:
    made = of_city("[lines.12348]\nshare = 0.1\n").scenario
    assert made.lines[1].wait.needs == (Need((("12348", 3),)), Need((("12348", 1),), 15_000))
    assert (made.lines[0].share, made.lines[1].title) == (0.9, "公共法律服务专用电话")


def test_a_number_may_be_written_in_any_way() -> None:
    made = of_city('[lines.law]\nnumber = "0371-12348"\nshare = 0.1\n')
    assert made.dialled["law"] == ("12348", None)
    assert made.scenario.lines[1].wait.needs[0] == Need((("12348", 3),))


def test_lines_and_people_that_the_city_does_not_have_may_stand_wholly_in_the_file() -> None:
    more = """
[lines.letters]
share = 0.1
queue = "letters"
needs = [{ skills = { letters = 2 } }]
wrap_up = 60
[queues.letters]
max_length = 5
[shifts.day]
[groups.readers]
skills = { letters = 2 }
shifts = { day = 2 }
[groups.city]
agents = "1001"
shifts = { day = 20 }
"""
    loaded = of_city(more)
    line = loaded.scenario.lines[1]
    assert (line.wait, line.title, line.greeting_ms) == (
        Wait("letters", (Need((("letters", 2),)),)),
        "letters",
        0,
    )
    assert loaded.dialled == {"12345": ("12345", None)}
    assert loaded.scenario.max_length == {"letters": 5}
    assert loaded.scenario.groups[0].skills == {"letters": 2}
    assert faults_of(CITY + more.replace("wrap_up = 60", "")) == (
        "mine.toml: lines.letters.wrap_up: is missing: write it there or in calls",
    )


def test_a_key_of_the_city_s_number_leads_to_its_own_queue() -> None:
    made = of_city('[lines.nine]\nkey = "9"\nshare = 0.1\n', "jingjiang")
    assert made.dialled["nine"] == ("12345", "9")
    assert made.scenario.lines[1].wait == Wait("line9", (Need((("line9", 1),)),))


def test_what_a_file_says_comes_before_the_city() -> None:
    more = '[lines.12348]\nshare = 0.1\npriority = 5\nneeds = [{ skills = { "12345" = 1 } }]\ntitle = "法"\n'
    line = of_city(more + "[queues.12345]\nmax_length = 7\n").scenario
    assert (line.lines[1].wait, line.lines[1].title) == (Wait("12345", (Need((("12345", 1),)),), 5), "法")
    assert line.max_length == {"12345": 7}


def test_what_a_scenario_has_no_word_for_is_told(tmp_path: Path) -> None:
    text = (HERE.parents[1] / "dialplans" / "cities" / "kaifeng.toml").read_text(encoding="utf-8")
    write(
        tmp_path, text.replace("ageing_seconds = 60", "ageing_seconds = 60\nmax_waiting = 50"), "mycity.toml"
    )
    made = open_scenario(write(tmp_path, CITY.replace('"kaifeng"', '"mycity.toml"')))
    assert made.city is not None
    assert made.city.name == "mycity"
    assert made.remarks == (
        "The city's file also asks for the most who may wait in all queues: scenarios have no word for that, "
        "it is not played.",
    )
    assert open_scenario("kaifeng").remarks == ()


def test_a_notice_before_the_greeting_makes_it_longer() -> None:
    made = of_city("[lines.12336]\nshare = 0.1\n").scenario  # withdrawn, with a notice
    assert made.lines[1].greeting_ms > made.lines[0].greeting_ms > 3000


@pytest.mark.parametrize(
    ("more", "told", "city"),
    [
        (
            "[lines.12349]\nshare = 0.1",
            "lines.12349: the city has no line 12349: did you mean 12369?",
            "kaifeng",
        ),
        (
            "[lines.110]\nshare = 0.1",
            "lines.110: 12345's seats do not answer it on 2026-01-12",
            "kaifeng",
        ),
        (
            '[lines.six]\nkey = "6"\nshare = 0.1',
            "lines.six: the city's number has no key '6': write one of those there are (1, 2, 9)",
            "jingjiang",
        ),
        (
            '[shifts.day]\n[groups.a]\nagents = "1999"\nshifts = { day = 1 }',
            "groups.a.agents: no agent 1999: write one of 1001, 1035, 1041, 1047, 1050",
            "kaifeng",
        ),
        (
            "[shifts.day]\n[groups.a]\nshifts = { day = 1 }",
            "groups.a.skills: is missing: write it, or agents and the number of one of the city's",
            "kaifeng",
        ),
    ],
)
def test_what_a_city_does_not_have_is_told(more: str, told: str, city: str) -> None:
    with pytest.raises(ScenarioFault) as caught:
        of_city(more, city)
    assert caught.value.faults[0].startswith(f"mine.toml: {told}")


# ── records ──────────────────────────────────────────────────────────────────────────────────────────────────

FIRST = date(2025, 10, 13)
DAYS = 91
BY_HALF_HOUR = np.concatenate([np.full(16, 1.0), np.full(24, 8.0), np.full(8, 3.0)])


def recorded() -> list[tuple[datetime, str, float, float, float | None]]:
    """Calls of 13 weeks: arrival, line, wait, patience and, where a seat answered, talk."""
    draw = np.random.default_rng(6)
    calls = []
    for day in range(DAYS):
        on = FIRST + timedelta(days=day)
        expected = BY_HALF_HOUR * (0.8 if kind_of(on) >= 5 else 1.0)
        if day == 40:  # the switch was down from noon on
            expected = np.where(np.arange(48) < 24, expected, 0)
        for half_hour, count in enumerate(draw.poisson(expected)):
            for second in np.sort(draw.integers(0, 1800, count)):
                at = datetime(on.year, on.month, on.day) + timedelta(
                    minutes=30 * half_hour, seconds=int(second)
                )
                line = "12345" if draw.random() < 0.75 else "12319"
                wait, patience = draw.exponential(15.0), draw.exponential(120.0)
                talk = draw.lognormal(5.0, 0.6) * (2 if line == "12319" else 1) if wait <= patience else None
                calls.append((at, line, wait, patience, talk))
    return calls


@pytest.fixture(scope="module")
def calls() -> list[tuple[datetime, str, float, float, float | None]]:
    return recorded()


CALLS = '[records]\nfile = "calls.csv"\nbacktest_weeks = 0\n'
WITH_LINES = CITY + "[lines.12319]\nshare = 0.1\n"


def check_recorded(loaded: Loaded) -> None:
    """The scenario of 12 January 2026 from the 13 weeks before."""
    made = loaded.scenario
    assert loaded.forecast is not None
    assert loaded.records is not None
    assert made.arrivals.series == loaded.forecast.series
    assert made.arrivals.per_day == pytest.approx(sum(made.arrivals.series or ()))
    assert made.arrivals.per_day == pytest.approx(BY_HALF_HOUR.sum(), rel=0.04)
    assert made.lines[1].share == pytest.approx(0.25, abs=0.01)
    assert sum(line.share for line in made.lines) == pytest.approx(1, abs=1e-12)
    own, works = (np.mean(line.talk.sample_s) for line in made.lines)
    assert own == pytest.approx(math.exp(5.0 + 0.18), rel=0.02)
    assert works == pytest.approx(2 * own, rel=0.05)
    patience = made.lines[0].patience
    assert patience is not None
    assert np.mean(patience.sample_s) == pytest.approx(120, rel=0.08)
    missing = loaded.records.history.counts[40]
    assert np.isnan(missing[24:]).all()
    assert not np.isnan(missing[:22]).any()
    daily = loaded.forecast.daily
    assert daily is not None
    assert daily.wape < daily.naive_wape
    assert any("WAPE" in remark for remark in loaded.remarks)


def test_arrivals_and_durations_come_from_a_table_of_calls(
    tmp_path: Path, calls: list[tuple[datetime, str, float, float, float | None]]
) -> None:
    with (tmp_path / "calls.csv").open("w", newline="", encoding="gb18030") as file:
        rows = csv.writer(file)
        rows.writerow(["来电时间", "热线", "是否接通", "等待时长", "通话时长", "备注"])
        for at, line, wait, patience, talk in calls:
            shown = f"{at.year}/{at.month}/{at.day} {at.hour}:{at:%M:%S}"
            clock = "" if talk is None else f"{int(talk) // 60}:{talk % 60:04.1f}"
            rows.writerow(
                [shown, line, "是" if talk is not None else "否", f"{min(wait, patience):.2f}", clock, "x"]
            )
    check_recorded(load_with(tmp_path, '[records]\nfile = "calls.csv"\n'))


def test_numbers_that_are_no_line_are_named_with_the_line_that_has_their_calls(
    tmp_path: Path, calls: list[tuple[datetime, str, float, float, float | None]]
) -> None:
    rows = "".join(f"{at:%Y-%m-%d %H:%M:%S},96{n % 5}\n" for n, (at, *_) in enumerate(calls))
    (tmp_path / "calls.csv").write_text(f"arrived,line\n{rows}", encoding="utf-8")
    loaded = load_with(tmp_path, '[records]\nfile = "calls.csv"\ndurations = false\n')
    (told,) = [remark for remark in loaded.remarks if remark.startswith("No line of the scenario: ")]
    assert told.endswith(f" and 2 more; their {len(calls):,} calls count as 12345's.")


def test_a_spreadsheet_s_own_file_is_told_as_one(tmp_path: Path) -> None:
    (tmp_path / "calls.csv").write_bytes(b"PK\x03\x04" + bytes(100))
    with pytest.raises(ScenarioFault) as caught:
        load_with(tmp_path, '[records]\nfile = "calls.csv"\n')
    (told,) = caught.value.faults
    assert told.endswith("calls.csv: is a spreadsheet's own file: save it there as CSV in UTF-8")


def load_with(folder: Path, more: str) -> Loaded:
    return open_scenario(write(folder, WITH_LINES + more))


async def test_arrivals_and_durations_come_from_the_program_s_own_records(
    tmp_path: Path, calls: list[tuple[datetime, str, float, float, float | None]]
) -> None:
    store = RecordStore(tmp_path / "records.sqlite")
    bare = CallRecord("", "kaifeng", "ct", "12345", "", None, None, "12345", "answered", 0)
    rows = []
    for place, (at, line, wait, patience, talk) in enumerate(calls):
        arrived = instant(at)
        queued = arrived + 4000
        until = queued + round(min(wait, patience) * 1000)
        ended = until if talk is None else until + round(talk * 1000)
        rows.append(
            msgspec.structs.replace(
                bare,
                call=f"1.{place}",
                line=line,
                caller=f"139{place:08}",
                disposition="abandoned" if talk is None else "answered",
                arrived=arrived,
                queued=queued,
                seat_answered=None if talk is None else until,
                ended=ended,
                wrap_up_ended=None if talk is None else ended + 30_000,
            )
        )
    rows.append(msgspec.structs.replace(bare, call="out", direction="out", arrived=instant(FIRST), queued=1))
    rows.append(msgspec.structs.replace(bare, call="passed", disposition="passed", arrived=instant(FIRST)))
    await store.write(rows)
    await store.close()
    loaded = load_with(tmp_path, '[records]\nfile = "records.sqlite"\n')
    check_recorded(loaded)
    assert loaded.records is not None
    assert loaded.records.calls == len(calls)
    assert set(loaded.scenario.lines[0].wrap_up.sample_s) == {30.0}
    with pytest.raises(
        ScenarioFault, match=r"records.file: the database has no calls of jinan: write one of kaifeng"
    ):
        load_with(tmp_path, '[records]\nfile = "records.sqlite"\ncity = "jinan"\n')


def test_a_line_that_is_closed_at_weekends_is_not_one_that_nobody_counted(tmp_path: Path) -> None:
    draw = np.random.default_rng(7)
    with (tmp_path / "calls.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["arrived", "line"])
        for day in range(56):
            on = date(2025, 11, 3) + timedelta(days=day)
            for minute in sorted(draw.integers(480, 1080, draw.poisson(300))) if on.weekday() < 5 else ():
                shown = "0371-12319" if minute % 2 else "037112345"
                rows.writerow([f"{on} {minute // 60:02}:{minute % 60:02}:00", shown])
    text = CITY.replace("2026-01-12", "2025-12-29") + "[lines.12319]\nshare = 0.1\n"
    loaded = open_scenario(write(tmp_path, text.replace("[arrivals]", "days = 7\n[arrivals]") + CALLS))
    assert loaded.records is not None
    assert loaded.forecast is not None
    weekend = loaded.records.history.counts[5:7]
    assert (weekend == 0).all()
    assert loaded.forecast.days[0] == pytest.approx(300, rel=0.1)
    # 1 to 3 January are holidays, taken for Sundays; the Sunday after is worked in exchange
    assert max(loaded.forecast.days[3:6]) < 1
    assert loaded.forecast.days[6] == pytest.approx(300, rel=0.1)
    assert loaded.scenario.lines[1].share == pytest.approx(0.5, abs=0.02)


def counted(folder: Path, step: int, hole: bool) -> Path:
    """The same eleven weeks as counts; without a row, or an empty one, where nobody counted."""
    with (folder / "counts.csv").open("w", newline="", encoding="utf-8-sig") as file:
        rows = csv.writer(file, delimiter=";")
        rows.writerow(["half_hour", "calls"])
        for day in range(77):
            on = date(2025, 10, 27) + timedelta(days=day)
            for minute in range(0, 1440, step):
                if hole and day == 30 and 600 <= minute < 720:
                    continue
                half_hours = BY_HALF_HOUR[minute // 30 : max(minute + step, minute + 30) // 30]
                calls = half_hours.sum() * min(step, 30) / 30 * (0.8 if kind_of(on) >= 5 else 1.0)
                text = "" if hole and day == 31 and minute < 60 else f"{calls:g}"
                rows.writerow([f"{on} {minute // 60:02}:{minute % 60:02}", text])
    return folder / "counts.csv"


@pytest.mark.parametrize("step", [10, 15, 30, 60])
def test_counts_of_any_step_are_half_hours_and_gaps_are_no_zeros(tmp_path: Path, step: int) -> None:
    counted(tmp_path, step, hole=True)
    loaded = load_with(tmp_path, '[records]\nfile = "counts.csv"\nbacktest_weeks = 0\n')
    assert loaded.records is not None
    counts = loaded.records.history.counts
    assert int(np.isnan(counts).sum()) == 6
    assert np.isnan(counts[30, 20:24]).all()
    assert np.isnan(counts[31, :2]).all()
    assert counts[0] == pytest.approx(BY_HALF_HOUR, rel=1e-4)
    assert loaded.scenario.arrivals.series == pytest.approx(BY_HALF_HOUR, rel=0.01)
    assert loaded.scenario.lines[1].share == 0.1  # the counts name no lines
    assert loaded.scenario.lines[0].talk == Duration(mean_s=160.0)


def test_only_what_was_known_before_the_first_day_is_used(tmp_path: Path) -> None:
    counted(tmp_path, 30, hole=False)
    made = load_with(tmp_path, '[records]\nfile = "counts.csv"\nfrom = 2025-11-10\nto = 2025-12-31\n')
    assert made.forecast is not None
    assert made.forecast.used_days == 52
    early = CITY.replace("2026-01-12", "2025-12-15") + '[records]\nfile = "counts.csv"\n'
    told = open_scenario(write(tmp_path, early)).forecast
    assert told is not None
    assert told.used_days == (date(2025, 12, 15) - date(2025, 10, 27)).days


def test_tries_again_are_left_out_where_the_scenario_makes_its_own(tmp_path: Path) -> None:
    with (tmp_path / "calls.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["arrived", "caller", "answered"])
        for day in range(20):
            for caller in range(50):
                at = datetime(2025, 12, 20, 9) + timedelta(days=day, minutes=caller)
                rows.writerow([at, caller, 0])
                rows.writerow([at + timedelta(minutes=5), caller, 1])  # tries again
                rows.writerow([at + timedelta(minutes=55), caller, 1])  # has another question
            rows.writerow([datetime(2025, 12, 20, 21) + timedelta(days=day), "anonymous", 0])
            rows.writerow([datetime(2025, 12, 20, 21, 5) + timedelta(days=day), "Anonymous", 1])  # who knows?
    text = '[records]\nfile = "calls.csv"\nbacktest_weeks = 0\n'
    tries = "[retrial]\nshare = 0.5\nafter = 300\n"
    both = [load_with(tmp_path, more + text) for more in ("", tries)]
    told = [made.records for made in both if made.records is not None]
    assert [(records.calls, records.again, records.in_vain) for records in told] == [
        (3040, 0, 1000),
        (2040, 1000, 1000),
    ]
    assert "(after 1,000 calls in vain: retrial.share = 1.00)" in both[1].remarks[0]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("when,who\n1,2\n", "line 1: no column arrived, and none half_hour with calls"),
        (
            "arived\n2025-01-01 08:00\n",
            "line 1: no column arrived, and none half_hour with calls: did you mean arrived?",
        ),
        (
            "arrived\n2025-01-01 08:00\nyesterday\n",
            "line 3: arrived is 'yesterday': write it as 2026-01-05 08:03:12",
        ),
        (
            "arrived\n2025-02-30 08:00\n",
            "line 2: arrived is '2025-02-30 08:00': write it as 2026-01-05 08:03:12",
        ),
        ("arrived,answered\n2025-01-01 08:00,perhaps\n", "line 2: answered is 'perhaps': write 1 or 0"),
        (
            "arrived,talk_seconds\n2025-01-01 08:00,long\n",
            "line 2: talk_seconds is 'long': write seconds, or 0:01:35",
        ),
        ("half_hour,calls\n2025-01-01 08:00,many\n", "line 2: calls is 'many': write a number"),
        (
            "half_hour,calls\n2025-01-01 08:00,1\n2025-01-01 08:45,1\n2025-01-01 09:30,1\n",
            "the counts stand 45 minutes apart: give counts of 5, 10, 15, 30 or 60 minutes",
        ),
        ("arrived\n", "no call is in it: give more days"),
        ("half_hour,calls\n2025-01-01 08:00,\n", "no count is in it: give more days"),
    ],
)
def test_a_table_that_cannot_be_read_is_told_by_its_line(tmp_path: Path, text: str, told: str) -> None:
    write(tmp_path, text, "calls.csv")
    with pytest.raises(ScenarioFault) as caught:
        load_with(tmp_path, '[records]\nfile = "calls.csv"\n')
    assert caught.value.faults[0].startswith(f"mine.toml: records.file: calls.csv: {told}")


def test_too_short_a_history_is_told(tmp_path: Path) -> None:
    write(tmp_path, "arrived\n2025-12-01 08:00\n2025-12-02 08:00\n", "calls.csv")
    with pytest.raises(ScenarioFault, match=r"mine.toml: records: only 2 days have calls: give 14 or more"):
        load_with(tmp_path, '[records]\nfile = "calls.csv"\n')


# ── schema and handbook ──────────────────────────────────────────────────────────────────────────────────────


def test_the_published_schema_is_the_one_that_the_program_checks_by() -> None:
    assert json.loads((DOCS / "scenario.schema.json").read_text(encoding="utf-8")) == schema()


def test_the_schema_forbids_keys_that_nobody_knows() -> None:
    tables = [schema(), *schema()["$defs"].values()]
    assert all(table["additionalProperties"] is False for table in tables)


def test_the_handbook_explains_every_key() -> None:
    text = re.sub(r"```.*?```", "", (DOCS / "scenarios.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    explained = set(re.findall(r"[a-z_0-9]+", " ".join(re.findall(r"`([^`]+)`", text))))
    assert [key for key in keys() if key not in explained] == []


def test_the_handbook_s_example_is_a_scenario() -> None:
    text = (DOCS / "scenarios.md").read_text(encoding="utf-8")
    examples = re.findall(r"```toml\n(#:schema .*?)```", text, flags=re.DOTALL)
    assert examples
    for example in examples:
        assert read(example, "example").scenario.seats() > 0
