"""Roles, teams and reach in a city file: what they become, and what is a fault."""

from __future__ import annotations

import pytest

from acd.setup import ROLES
from hotline.city import City, CityFault
from tests.switch.conftest import city_text

GROUP = 'first = "1001"\ncount = 130\n'


def read(more: str, roles: str = "") -> City:
    text = city_text("zhengzhou").replace(GROUP, f"{GROUP}{more}\n", 1)
    return City.read(text + roles, "zhengzhou")


def test_people_are_agents_unless_the_file_says_otherwise() -> None:
    setup = read("").setup()
    assert {agent.role for agent in setup.agents.values()} <= {"agent", "supervisor", "engineer"}
    assert setup.roles == ROLES
    assert ROLES["agent"] == frozenset()
    assert "listen" not in ROLES["engineer"], "an engineer keeps the switch, and hears nobody"


def test_a_person_has_the_teams_role_unless_given_another() -> None:
    setup = read(
        'team = "a"\npeople = [{ agent = "1130", role = "supervisor", reach = ["a"] }, { agent = "1129", role = "engineer" }]'
    ).setup()
    chief, engineer, agent = (setup.agents[name] for name in ("1130", "1129", "1001"))
    assert (chief.role, chief.group, chief.reach) == ("supervisor", "a", frozenset({"a"}))
    assert (engineer.role, engineer.reach) == ("engineer", None)
    assert (agent.role, agent.group, agent.reach) == ("agent", "a", None)


def test_a_city_may_have_roles_of_its_own() -> None:
    roles = '\n[roles.trainer]\nrights = ["listen", "whisper"]\n[roles.engineer]\nrights = []\n'
    setup = read('people = [{ agent = "1130", role = "trainer" }]', roles).setup()
    assert setup.roles["trainer"] == {"listen", "whisper"}
    assert setup.roles["engineer"] == frozenset()
    assert setup.roles["supervisor"] == ROLES["supervisor"]


@pytest.mark.parametrize(
    ("more", "roles", "fault"),
    [
        ('role = "supervisr"', "", "agents[0].role: no role 'supervisr': did you mean supervisor?"),
        (
            'people = [{ agent = "1130", role = "supervisor", reach = ["b"] }]',
            "",
            "agents[0].people[0].reach: no team 'b'",
        ),
        ('team = "a"\nreach = ["a"]', "", "agents[0].reach: the role agent has no right over others"),
        (
            "",
            '\n[roles.trainer]\nrights = ["listen", "listen"]\n',
            "roles.trainer.rights: one stands there twice: take it out",
        ),
        ("", '\n[roles.trainer]\nrights = ["hear"]\n', "roles.trainer.rights[0]"),
    ],
)
def test_a_fault_names_its_place_and_remedy(more: str, roles: str, fault: str) -> None:
    with pytest.raises(CityFault) as told:
        read(more, roles)
    assert any(fault in line for line in told.value.faults), told.value.faults
