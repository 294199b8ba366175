"""Who sits where in a drill, and what of a city a drill changes."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from hotline.city import City
from hotline.drill_city import for_drill
from hotline.drill_people import DrillFault, has, manned
from hotline.pins import DEMO_PIN

EXPERT = (("12348", 3),)
PLAIN = (("12345", 1),)


def test_every_need_finds_three_people_where_there_are_seats() -> None:
    people = manned(City.load("kaifeng").setup(), [EXPERT, PLAIN], 10)
    assert len(people) == 10
    assert len({agent for agent, _ in people.values()}) == 10
    for need in (EXPERT, PLAIN):
        assert sum(has(skills, need) for _, skills in people.values()) >= 3


def test_with_few_seats_every_need_still_finds_one() -> None:
    people = manned(City.load("kaifeng").setup(), [EXPERT, PLAIN], 2)
    assert sorted(has(skills, EXPERT) for _, skills in people.values()) == [False, True]
    with pytest.raises(DrillFault, match=re.escape("--seats 1: not enough")):
        manned(City.load("kaifeng").setup(), [EXPERT, PLAIN], 1)


def test_a_seat_for_one_line_gets_somebody_whose_skill_counts_there() -> None:
    setup = City.load("jingjiang").setup()
    people = manned(setup, [(("line9", 1),), PLAIN], 12)
    for seat, (agent, skills) in people.items():
        only = setup.seats[seat].skills
        assert skills
        assert only is None or skills.keys() <= only
        assert skills.items() <= dict(setup.agents[agent].skills).items()
    assert any(has(skills, (("line9", 1),)) for _, skills in people.values())


def test_a_need_that_nobody_meets_is_told() -> None:
    setup = City.load("heze").setup()
    with pytest.raises(DrillFault, match="nobody at a free seat has"):
        manned(setup, [(("12399", 1),)], 5)
    closed = {seat: replace(one, skills=frozenset({"12345"})) for seat, one in setup.seats.items()}
    with pytest.raises(DrillFault, match="nobody at a free seat has"):
        manned(replace(setup, seats=closed), [(("12328", 3),)], 5)


@pytest.mark.parametrize("name", City.built_in())
def test_a_drill_changes_addresses_and_pins_and_not_what_a_number_means(name: str) -> None:
    city = City.load(name)
    here = for_drill(city, "127.38.4")
    assert here.plan == city.plan
    assert here.prompts() == city.prompts()
    assert here.setup().agents == city.setup().agents
    assert [trunk.channels for trunk in here.trunks()] == [trunk.channels for trunk in city.trunks()]
    assert {str(peer.host).rpartition(".")[0] for trunk in here.trunks() for peer in trunk.peers} == {
        "127.38.4"
    }
    assert here.network().bind == "127.0.0.1"
    assert all(queue.wrap_up_ms == 0 for queue in here.setup().queues.values())
    assert all(here.pin_matches(agent, DEMO_PIN) for agent in list(here.setup().agents)[:2])
    assert here.carrier_secrets({}) == {}
