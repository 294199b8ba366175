"""What must agree between a city file's roles, teams and people: lines ``place: fault: remedy``."""

from __future__ import annotations

from collections.abc import Iterator

from acd.setup import ROLES, SUPERVISING
from hotline.city_faults import unknown_word
from hotline.city_schema import CityFile


def faults(file: CityFile) -> Iterator[str]:
    """Every fault of roles, teams and reach."""
    rights = {**ROLES, **{name: frozenset(table.rights) for name, table in file.roles.items()}}
    teams = sorted({table.team for table in file.agents if table.team is not None})
    given = []
    for place, table in enumerate(file.agents):
        where = f"agents[{place}]"
        given.append((where, table.role, table.reach))
        for item, person in enumerate(table.people):
            given.append((f"{where}.people[{item}]", person.role or table.role, person.reach))
    for where, role, reach in given:
        if role not in rights:
            yield f"{where}.role: {unknown_word('role', role, sorted(rights))}"
            continue
        for team in reach or ():
            if team not in teams:
                yield f"{where}.reach: {unknown_word('team', team, teams)}"
        if reach is not None and not rights[role] & SUPERVISING:
            yield f"{where}.reach: the role {role} has no right over others: take it out, or give another role"
    for name, own in file.roles.items():
        if len(set(own.rights)) != len(own.rights):
            yield f"roles.{name}.rights: one stands there twice: take it out"
