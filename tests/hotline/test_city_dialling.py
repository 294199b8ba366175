"""Breaks with limits, classes of service and shifts in a city file."""

from __future__ import annotations

from importlib import resources

import pytest

from acd.setup import BreakSetup
from hotline.city import City, CityFault
from hotline.survey import read_status

TEXT = (resources.files("dialplans") / "cities" / "zhengzhou.toml").read_text(encoding="utf-8")

GROUP = '[[agents]]\nfirst = "1001"\n'


def city(*changes: tuple[str, str]) -> City:
    text = TEXT
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return City.read(text, "zhengzhou")


def faults(*changes: tuple[str, str]) -> list[str]:
    with pytest.raises(CityFault) as caught:
        city(*changes)
    return [line for line in str(caught.value).splitlines() if line.strip()]


def test_a_break_is_a_name_or_a_name_with_limits() -> None:
    limits = '2 = { name = "用餐", minutes = 45, minutes_per_shift = 60, at_once = 20, beyond = "queue" }'
    setup = city(('2 = "用餐"', limits)).setup()
    assert (setup.breaks["1"], setup.breaks["2"]) == ("小休", "用餐")
    assert setup.break_rules == {"2": BreakSetup(2_700_000, 3_600_000, at_once=20, queued=True)}


def test_every_built_in_city_lets_its_seats_call_out_with_its_own_number_shown() -> None:
    for name in City.built_in():
        setup = City.load(name).setup()
        assert setup.outgoing.shows == f"{setup.plan.area}12345"
        assert setup.outgoing.trunks
        assert setup.outgoing.service_class("").allows == {"internal", "lines", "local", "mobile"}


def test_a_class_is_the_persons_else_the_groups_and_the_seats_else_the_citys() -> None:
    told = city(
        ('first = "8001"\n', 'first = "8001"\nclass = "chief"\n'),
        (
            GROUP,
            GROUP + 'class = "seat"\npeople = [{ agent = "1002", class = "chief" }]\n',
        ),
        ('class = "seat"\n', 'class = "seat"\nlines = { "12315" = "037112315" }\n'),
    ).setup()
    assert [told.agents[agent].service_class for agent in ("1001", "1002", "1131")] == ["seat", "chief", ""]
    assert told.seats["8001"].service_class == "chief"
    assert told.outgoing.shown("12315", told.outgoing.service_class("")) == "037112315"


def test_a_shift_is_the_hours_at_whose_end_the_group_is_signed_off() -> None:
    told = city(
        ("[[queues]]", '[hours.early]\nmon = ["08:00-16:00"]\n\n[[queues]]'),
        (
            GROUP,
            GROUP + 'shift = "early"\nshift_end = "at_once"\n',
        ),
    ).setup()
    one = told.agents["1001"]
    assert (one.shift is not None and one.shift.name, one.shift_after_call) == ("early", False)
    assert told.agents["1131"].shift is None


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (('route = "carriers"\n', 'route = "carier"\n'), "outgoing.route: no trunk or group 'carier'"),
        (('class = "seat"\n', 'class = "saet"\n'), "outgoing.class: no class 'saet'"),
        (('name = "chief"\n', 'name = "seat"\n'), "classes[1].name: seat stands in classes[0] already"),
        (
            ('name = "chief"\n', 'name = "chief"\nnumbers = ["95x"]\n'),
            "classes[1].numbers[0]: '95x' is no pattern",
        ),
        (
            ('name = "chief"\n', 'name = "chief"\nnever = ["11X"]\n'),
            "classes[1].never[0]: 110 can't be barred",
        ),
        (
            ('class = "seat"\n', 'class = "seat"\nlines = { "12399" = "037112399" }\n'),
            "outgoing.lines.12399: 12399 is no line",
        ),
        (('2 = "用餐"', '2 = { name = "用餐", beyond = "queue" }'), "breaks.2.beyond: nobody ever waits"),
        (
            ('2 = "用餐"', '2 = { name = "用餐", minutes = 50, minutes_per_shift = 40 }'),
            "breaks.2.minutes: one is longer",
        ),
        (('2 = "用餐"', '2 = { name = "用餐", at_once = 0 }'), "breaks.2"),
        (
            (GROUP, GROUP + 'shift = "late"\n'),
            "agents[0].shift: no opening hours 'late'",
        ),
        (
            (GROUP, GROUP + 'shift_end = "at_once"\n'),
            "agents[0].shift_end: there is no shift",
        ),
    ],
)
def test_what_does_not_agree_is_told_with_its_place_and_remedy(change: tuple[str, str], fault: str) -> None:
    assert any(fault in line for line in faults(change)), faults(change)


def test_after_a_gap_a_seats_own_call_is_the_calls_channel_and_not_a_leg_of_anybodys() -> None:
    def seat_of(channel: str) -> str | None:
        name = channel.removeprefix("PJSIP/").rpartition("-")[0]
        return name if name.startswith("80") else None

    def row(uid: str, channel: str, bridge: str, *told: str) -> dict[str, str]:
        return {
            "Uniqueid": uid,
            "Channel": channel,
            "BridgeID": bridge,
            "Application": "Dial",
            "Variable": "\n".join(told),
        }

    rows = [
        row("1.1", "PJSIP/8001-01", "b", "ACD_CALL=1.1", "ACD_OUT=1", "ACD_NEXT=out"),
        row("1.2", "PJSIP/unicom-02", "b", "ACD_CALL=1.1"),
        row("2.1", "PJSIP/8002-03", "c", "ACD_CALL=2.1", "ACD_OUT=1", "ACD_NEXT=toseat"),
        row("2.2", "PJSIP/8003-04", "c", "ACD_CALL=2.1"),
        row("3.1", "PJSIP/8004-05", "", "ACD_CALL=3.1", "ACD_OUT=1", "ACD_NEXT=out"),
    ]
    found = read_status(rows, seat_of, lambda _: False)
    assert [(c.seen.call, c.seen.state, c.seen.seat, c.leg, c.out, c.far) for c in found.callers] == [
        ("1.1", "talking", "8001", None, True, "1.2"),
        ("2.1", "talking", "8002", None, True, "2.2"),
        ("3.1", "ringing", "8004", None, True, None),
    ]
    assert found.own == {"2.2": "8003"}
