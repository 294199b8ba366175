"""The five cities: every number of their plans, in every way of delivery, at the days of their cutovers."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
import time
from datetime import datetime
from functools import cache
from pathlib import Path

import pytest

from dialplans.decision import Answerer, Decision, Treatment
from dialplans.hours import instant
from dialplans.number import Number
from hotline.city import City, CityFault
from hotline.pins import DEMO_PIN, hash_pin

ROOT = Path(__file__).parents[2]
ROWS = list(csv.DictReader((ROOT / "tests/data/hotlines.csv").read_text(encoding="utf-8").splitlines()))
CITIES = ("heze", "jinan", "jingjiang", "kaifeng", "zhengzhou")
IDS = [f"{row['city']}-{row['number']}" for row in ROWS]

IN_FORCE = {  # a Monday morning on which the plan is being carried out
    "zhengzhou": "2019-03-04T10:00",
    "kaifeng": "2022-07-04T10:00",
    "jinan": "2018-06-11T10:00",
    "jingjiang": "2018-03-05T10:00",
    "heze": "2021-11-15T10:00",
}


@cache
def city(name: str) -> City:
    return City.load(name)


def at(text: str) -> int:
    return instant(datetime.fromisoformat(text))


def route(name: str, called: str, when: str, *headers: str, trunk: str = "unicom") -> Decision:
    return city(name).plan.route(called, headers, trunk, at(when))


def ways_in(area: str, digits: str) -> list[tuple[str, tuple[str, ...]]]:
    """The three ways of delivery: on the number, forwarded to 12345, from elsewhere with the area code."""
    return [
        (digits, ()),
        ("12345", (f"Diversion: <sip:{digits}@10.1.1.1;user=phone>;reason=unconditional;counter=1",)),
        (
            "12345",
            (f"History-Info: <sip:+86{area[1:]}{digits}@x>;index=1, <sip:12345@x;cause=302>;index=1.1",),
        ),
        (f"{area}-{digits}", ()),
        (f"+86 {area[1:]} {digits}", ()),
        (f"{area}{digits}", ()),
        (f"sip:{area}{digits}@10.1.1.1;user=phone", ()),
    ]


def expected(row: dict[str, str]) -> tuple[Answerer, bool, bool, bool]:
    """Who answers, and whether there are notices, passes and a queue, in the words of the plans' note."""
    note = row["note"]
    match row["treatment"]:
        case "absorbed":
            return Answerer.CITY, False, False, True
        case "withdrawn" if "at once" in note:
            return Answerer.NOBODY, True, False, False
        case "withdrawn":
            return Answerer.CITY, True, False, True
        case "parallel" if "seats merged" in note:
            return Answerer.CITY, False, False, True
        case "parallel":
            return Answerer.LINE, False, True, True
        case "subcentre":
            return Answerer.SUBCENTRE, False, True, True
        case "emergency":
            return Answerer.EMERGENCY, False, True, False
        case "independent":
            return Answerer.OTHER, True, True, False
    raise AssertionError(row)


def test_the_five_cities_come_with_the_program() -> None:
    assert City.built_in() == CITIES


def test_the_plans_name_117_numbers_and_the_files_list_no_other() -> None:
    assert len(ROWS) == 117
    for name in CITIES:
        named = [row["number"] for row in ROWS if row["city"] == name]
        assert sorted(line.number for line in city(name).file.lines) == sorted(named)


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_every_number_is_the_line_of_its_plan_however_it_is_delivered(row: dict[str, str]) -> None:
    name = row["city"]
    for called, headers in ways_in(city(name).area, row["number"]):
        decision = route(name, called, IN_FORCE[name], *headers)
        assert (decision.number, decision.name, decision.department, decision.treatment) == (
            row["number"],
            row["name"],
            row["department"],
            Treatment(row["treatment"]),
        ), called
        outcome = (decision.answered_by, *map(bool, (decision.notices, decision.passes, decision.wait)))
        assert outcome == expected(row), called


@pytest.mark.parametrize("name", CITIES)
def test_the_citys_own_number_is_answered_at_once_however_it_is_written(name: str) -> None:
    area = city(name).area
    for called in (
        "12345",
        f"{area}-12345",
        f"+86 {area[1:]} 12345",
        f"{area}12345",
        f"{area[1:]}12345",
        "１２３４５",
    ):
        decision = route(name, called, IN_FORCE[name])
        assert (decision.number, decision.answered_by) == ("12345", Answerer.CITY)
        assert (decision.notices, decision.passes) == ((), ())


CUTOVERS = [
    ("zhengzhou", "12315", "2019-01-31T23:59", None, Answerer.OTHER),
    ("zhengzhou", "12315", "2019-02-01T00:00", Treatment.ABSORBED, Answerer.CITY),
    ("zhengzhou", "62912345", "2019-01-31T23:59", None, Answerer.OTHER),
    ("zhengzhou", "62912345", "2019-02-01T00:00", Treatment.WITHDRAWN, Answerer.CITY),
    ("zhengzhou", "62912345", "2040-01-01T00:00", Treatment.WITHDRAWN, Answerer.CITY),
    ("kaifeng", "12348", "2022-05-31T23:59", None, Answerer.OTHER),
    ("kaifeng", "12348", "2022-06-01T00:00", Treatment.PARALLEL, Answerer.CITY),
    ("kaifeng", "12366", "2022-05-31T23:59", None, Answerer.OTHER),
    ("kaifeng", "12366", "2022-06-01T00:00", Treatment.SUBCENTRE, Answerer.SUBCENTRE),
    ("jingjiang", "12316", "2017-12-31T23:59", None, Answerer.OTHER),
    ("jingjiang", "12316", "2018-01-01T00:00", Treatment.ABSORBED, Answerer.CITY),
    ("jinan", "82062345", "2018-05-31T23:59", None, Answerer.CITY),
    ("jinan", "82062345", "2018-06-01T00:00", Treatment.WITHDRAWN, Answerer.CITY),
    ("jinan", "82062345", "2018-07-01T00:00", Treatment.WITHDRAWN, Answerer.CITY),
    ("heze", "12349", "2021-07-31T23:59", None, Answerer.OTHER),
    ("heze", "12349", "2021-08-01T00:00", Treatment.WITHDRAWN, Answerer.CITY),
    ("heze", "12349", "2022-03-31T23:59", Treatment.WITHDRAWN, Answerer.CITY),
    ("heze", "12349", "2022-04-01T00:00", Treatment.WITHDRAWN, Answerer.NOBODY),
    ("heze", "12336", "2021-07-31T23:59", Treatment.ABSORBED, Answerer.CITY),
    ("heze", "12336", "2021-08-01T00:00", Treatment.WITHDRAWN, Answerer.NOBODY),
    ("zhengzhou", "110", "2010-01-01T00:00", Treatment.EMERGENCY, Answerer.EMERGENCY),
]


@pytest.mark.parametrize(("name", "number", "when", "treatment", "answered_by"), CUTOVERS)
def test_a_cutover_holds_to_the_minute(
    name: str, number: str, when: str, treatment: Treatment | None, answered_by: Answerer
) -> None:
    decision = route(name, number, when)
    assert (decision.treatment, decision.answered_by) == (treatment, answered_by)


def test_jinans_notice_is_the_plans_word_for_word_in_the_transition_and_after() -> None:
    notice = "您所拨打的电话业务已转移到12345市民服务热线，请稍候"
    for when in ("2018-06-11T10:00", "2018-06-30T23:59", "2018-07-01T00:00", "2026-01-05T10:00"):
        decision = route("jinan", "82062345", when)
        assert decision.notices == (notice,)
        assert decision.wait is not None
    assert notice in city("jinan").prompts()


@pytest.mark.parametrize(
    ("when", "answered_by"),
    [
        ("2019-02-01T11:59", Answerer.LINE),
        ("2019-02-01T12:00", Answerer.CITY),
        ("2019-02-01T14:00", Answerer.LINE),
        ("2019-02-01T18:00", Answerer.CITY),
        ("2019-01-26T10:00", Answerer.CITY),  # a Saturday
        ("2019-02-02T10:00", Answerer.LINE),  # a Saturday that is worked
        ("2019-02-05T10:00", Answerer.CITY),  # Spring Festival
    ],
)
def test_jingjiangs_parallel_lines_answer_in_working_hours_only(when: str, answered_by: Answerer) -> None:
    for number in ("12315", "12333", "95598", "10000", "89182131"):
        decision = route("jingjiang", number, when)
        assert decision.answered_by is answered_by
        assert decision.wait is not None
        assert decision.pass_ring_ms == 15_000


@pytest.mark.parametrize(("name", "number"), [("kaifeng", "12348"), ("kaifeng", "12329"), ("heze", "12328")])
def test_experts_come_first_and_after_15_seconds_the_others(name: str, number: str) -> None:
    wait = route(name, number, IN_FORCE[name]).wait
    assert wait is not None
    assert [(need.skills, need.after_ms) for need in wait.needs] == [
        (((number, 3),), 0),
        (((number, 1),), 15_000),
    ]
    setup = city(name).setup()
    levels = [agent.skills.get(number, 0) for agent in setup.agents.values()]
    assert sum(level >= 3 for level in levels) >= 3
    assert sum(level >= 1 for level in levels) > sum(level >= 3 for level in levels)


def test_there_are_experts_only_where_a_plan_has_them() -> None:
    expert = {
        (name, line.number) for name in CITIES for line in city(name).file.lines if line.seats == "experts"
    }
    assert expert == {("kaifeng", "12348"), ("kaifeng", "12329"), ("heze", "12328")}


def test_jingjiangs_keys_lead_to_lines_1_2_and_9_and_line_9_has_people_of_its_own() -> None:
    decision = route("jingjiang", "12345", "2018-03-05T10:00")
    assert [(choice.key, choice.wait.queue) for choice in decision.menu] == [
        ("1", "12345"),
        ("2", "line2"),
        ("9", "line9"),
    ]
    setup = city("jingjiang").setup()
    assert {agent.agent for agent in setup.agents.values() if "line9" in agent.skills} == {"1023", "1024"}
    assert all(not city(name).plan.own.menu for name in CITIES if name != "jingjiang")


@pytest.mark.parametrize("name", CITIES)
@pytest.mark.parametrize("number", ["110", "119", "120", "122"])
def test_an_emergency_number_is_passed_on_in_every_city_listed_or_not(name: str, number: str) -> None:
    for called, headers in ways_in(city(name).area, number):
        decision = route(name, called, IN_FORCE[name], *headers)
        assert decision.answered_by is Answerer.EMERGENCY
        assert (decision.notices, decision.menu, decision.wait) == ((), (), None)
        assert decision.passes[0].trunk == "emergency"
        assert len(decision.passes) == 4


@pytest.mark.parametrize("name", CITIES)
def test_what_110_hands_over_is_answered_by_the_city(name: str) -> None:
    decision = route(name, "12345", IN_FORCE[name], "Diversion: <tel:110>", trunk="emergency")
    assert (decision.answered_by, decision.passes) == (Answerer.CITY, ())


def test_zhengzhou_withdraws_the_hotlines_that_its_list_does_not_name() -> None:
    decision = route("zhengzhou", "63636363", "2019-03-04T10:00")
    assert (decision.treatment, decision.answered_by) == (Treatment.WITHDRAWN, Answerer.CITY)


def test_kaifeng_has_no_rule_for_other_numbers_so_they_are_greeted_and_answered() -> None:
    decision = route("kaifeng", "25252525", "2022-07-04T10:00")
    assert (decision.number, decision.treatment, decision.answered_by) == (None, None, Answerer.CITY)
    assert decision.notices == ("您所拨打的号码由12345政务服务便民热线为您服务，请稍候。",)


@pytest.mark.parametrize(
    ("name", "seats", "agents"),
    [
        ("zhengzhou", 146, 190),
        ("kaifeng", 40, 52),
        ("jinan", 300, 525),
        ("jingjiang", 12, 24),
        ("heze", 60, 78),
    ],
)
def test_seats_and_people_are_the_plans(name: str, seats: int, agents: int) -> None:
    setup = city(name).setup()
    assert (len(setup.seats), len(setup.agents)) == (seats, agents)
    assert tuple(setup.seats) == tuple(seat.number for seat in city(name).seats())


@pytest.mark.parametrize("name", CITIES)
def test_the_demonstration_stays_on_this_machine_and_no_two_trunks_share_an_address(name: str) -> None:
    hosts = [peer.host for trunk in city(name).trunks() for peer in trunk.peers]
    assert all(host.startswith("127.") for host in (*hosts, city(name).network().bind))
    assert len(hosts) == len(set(hosts)) == len(city(name).trunks())


@pytest.mark.parametrize("name", CITIES)
def test_every_trunk_and_queue_that_a_decision_names_is_in_the_set_up(name: str) -> None:
    setup = city(name).setup()
    phases = [phase for line in setup.plan.lines for phase in line.phases]
    assert {way.trunk for phase in phases for way in phase.passes} <= set(setup.trunks)
    assert {phase.wait.queue for phase in phases if phase.wait} <= set(setup.queues)


@pytest.mark.parametrize("name", CITIES)
def test_every_text_that_a_caller_can_hear_is_among_the_prompts(name: str) -> None:
    prompts = city(name).prompts()
    assert len(prompts) == len(set(prompts))
    assert all("{" not in text for text in prompts)
    for line in (*city(name).plan.lines, None):
        called = str(line.number) if line else "25252525"
        for year in range(2015, 2030):
            decision = route(name, called, f"{year}-01-02T03:00")
            assert {*decision.notices, *decision.farewell} <= set(prompts)


@pytest.mark.parametrize("name", CITIES)
def test_every_agents_demonstration_pin_is_the_documented_one(name: str) -> None:
    loaded = city(name)
    for agent in loaded.setup().agents:
        assert loaded.pin_matches(agent, DEMO_PIN)
        assert not loaded.pin_matches(agent, DEMO_PIN + "0")
    assert not loaded.pin_matches("9999", DEMO_PIN)
    assert not loaded.pin_matches("9999", "")


def test_a_city_is_checked_in_under_half_a_second_imports_included() -> None:
    program = "from hotline.city import City; City.load('jingjiang')"
    best = min(_seconds([sys.executable, "-c", program]) for _ in range(3))
    assert best < 0.5


def _seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, cwd=ROOT)
    return time.perf_counter() - start


def test_the_handbooks_example_is_a_city() -> None:
    text = re.search(r"```toml\n(.*?)```", (ROOT / "docs/numbers.md").read_text(encoding="utf-8"), re.DOTALL)
    assert text is not None
    small = City.read(text[1], "small")
    assert small.plan.line(Number("0999", "12315")) is not None
    assert small.plan.route("12369", (), "carrier", at("2026-07-01T00:00")).answered_by is Answerer.NOBODY
    assert small.pin_matches("1006", DEMO_PIN)


def test_a_city_file_of_ones_own_is_loaded_by_its_path_with_a_pin_file_beside_it(tmp_path: Path) -> None:
    source = (ROOT / "dialplans/cities/jingjiang.toml").read_text(encoding="utf-8")
    mine = re.sub(r'pin_hash = ".*"', 'pin_file = "pins"', source.replace("count = 20", "count = 1"), count=1)
    (tmp_path / "my city.toml").write_text(mine, encoding="utf-8")
    (tmp_path / "pins").write_text(f"# agents\n1001 {hash_pin('8642')}  # the first\n", encoding="utf-8")
    loaded = City.load(tmp_path / "my city.toml")
    assert loaded.name == "my city"
    assert loaded.pin_matches("1001", "8642")
    assert not loaded.pin_matches("1001", DEMO_PIN)
    (tmp_path / "pins").write_text("1001 1234\n2000 x\n", encoding="utf-8")
    with pytest.raises(CityFault) as caught:
        City.load(str(tmp_path / "my city.toml"))
    assert caught.value.faults == (
        "my city.toml: agents[0].pin_file: line 1 of pins: is no scrypt hash:"
        " make one with python -m hotline.pins",
        "my city.toml: agents[0].pin_file: line 2 of pins: 2000 is not in this group: take it out",
    )


def test_a_carriers_password_comes_from_where_the_file_says_and_is_never_in_it(tmp_path: Path) -> None:
    source = (ROOT / "dialplans/cities/heze.toml").read_text(encoding="utf-8")
    mine = source.replace(
        'name = "telecom"',
        'name = "telecom"\nauth = "registration"\nuser = "heze"\nsecret = { env = "TELECOM_SECRET" }',
    ).replace(
        'name = "mobile"', 'name = "mobile"\nauth = "digest"\nuser = "u"\nsecret = { file = "mobile.secret" }'
    )
    (tmp_path / "mine.toml").write_text(mine, encoding="utf-8")
    (tmp_path / "mobile.secret").write_text("s3cret\n", encoding="utf-8")
    loaded = City.load(tmp_path / "mine.toml")
    assert loaded.carrier_secrets({"TELECOM_SECRET": "t"}) == {"trunk/telecom": "t", "trunk/mobile": "s3cret"}
    assert loaded.trunks()[1].registration is not None
    assert loaded.trunks()[2].incoming is not None
    (tmp_path / "mobile.secret").unlink()
    with pytest.raises(CityFault) as caught:
        loaded.carrier_secrets({})
    assert caught.value.faults[0] == (
        "mine.toml: trunks[1].secret: the environment variable TELECOM_SECRET isn't set: set it"
    )
    assert len(caught.value.faults) == 2
