"""What must agree between a city file's trunks, queues, seats and people: lines ``place: fault: remedy``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise

from dialplans.hours import WEEKDAYS, read_ranges
from hotline import city_build, city_callers, city_dialling, city_rights
from hotline.city_build import number_or_none
from hotline.city_faults import near, unknown_word
from hotline.city_schema import CityFile, Rule
from hotline.pins import pin_fault


def faults(file: CityFile, rules: Sequence[tuple[str, Rule]]) -> Iterator[str]:
    """Every fault of the equipment. ``rules``: every line's rules with their places."""
    for check in (_trunks, _transports, _groups, _hours, _queues, _menu, _seats, _agents):
        yield from check(file)
    yield from _skills(file, rules)
    yield from city_rights.faults(file)
    yield from city_dialling.faults(file)


def _trunks(file: CityFile) -> Iterator[str]:
    lines = {number_or_none(line.number, file.area) for line in file.lines}
    own = {number_or_none(text, file.area) for text in (file.number, *file.also)}
    names: dict[str, int] = {}
    hosts: dict[str, str] = {}
    for place, trunk in enumerate(file.trunks):
        where = f"trunks[{place}]"
        if trunk.name in names:
            yield f"{where}.name: {trunk.name} stands in trunks[{names[trunk.name]}] already: give it another"
        names.setdefault(trunk.name, place)
        if not trunk.address and trunk.auth != "digest":
            yield f"{where}.address: is empty: write your carrier's address"
        if trunk.auth == "address":
            for key in ("user", "secret"):
                if getattr(trunk, key) is not None:
                    yield f'{where}.{key}: nobody asks for it: write auth = "digest" or take it out'
        else:
            if trunk.user is None:
                yield f"{where}.user: is missing: auth = {trunk.auth!r} needs the carrier's user name"
            if trunk.secret is None or (trunk.secret.env is None) == (trunk.secret.file is None):
                remedy = 'write { env = "NAME" } or { file = "PATH" }'
                yield f"{where}.secret: auth = {trunk.auth!r} needs one: {remedy}"
        for text in trunk.address:
            try:
                host = str(city_build.peer(text).host)
            except ValueError as fault:
                yield f"{where}.address: {fault}: write it as 203.0.113.5 or 203.0.113.5:5060"
                continue
            if host in hosts and trunk.auth != "digest":
                yield f"{where}.address: {host} is {hosts[host]}'s too: give each trunk an address of its own"
            hosts.setdefault(host, trunk.name)
        if trunk.handover_priority is not None and not trunk.link:
            yield f"{where}.handover_priority: a carrier hands nothing over: write link = true or take it out"
        if trunk.srtp and trunk.transport != "tls":
            yield f'{where}.srtp: its keys would go in clear over {trunk.transport}: write transport = "tls"'
        given = [("dialled_as", trunk.dialled_as)] if trunk.dialled_as else []
        given += [(f"accepts[{item}]", text) for item, text in enumerate(trunk.accepts or ())]
        for key, text in given:
            number = number_or_none(text or "", file.area)
            if number is None or number not in lines | own:
                yield f"{where}.{key}: {text} is no line of the city: add it to lines or take it out"


def _transports(file: CityFile) -> Iterator[str]:
    """Every transport that is used is one on which the switch listens."""
    given = [(f"trunks[{place}]", trunk.transport) for place, trunk in enumerate(file.trunks)]
    given += [(f"seats[{place}]", row.transport) for place, row in enumerate(file.seats)]
    for where, transport in given:
        if not getattr(file.network, transport):
            yield f"{where}.transport: the switch has no {transport} port: write one under [network]"


def _groups(file: CityFile) -> Iterator[str]:
    trunks = [trunk.name for trunk in file.trunks]
    taken = dict.fromkeys(trunks, "trunk")
    for place, group in enumerate(file.groups):
        where = f"groups[{place}]"
        if group.name in taken:
            yield f"{where}.name: there is a {taken[group.name]} {group.name} already: give it another"
        taken[group.name] = "group"
        for item, name in enumerate(group.trunks):
            if name not in trunks:
                yield f"{where}.trunks[{item}]: {unknown_word('trunk', name, trunks)}"
            elif name in group.trunks[:item]:
                yield f"{where}.trunks[{item}]: {name} stands there twice: take one out"


def _hours(file: CityFile) -> Iterator[str]:
    for name, table in file.hours.items():
        for day in WEEKDAYS:
            for place, text in enumerate(getattr(table, day)):
                try:
                    read_ranges([text])
                except ValueError as fault:
                    yield f"hours.{name}.{day}[{place}]: {fault}"
        for day, texts in table.special.items():
            try:
                datetime.strptime(day, "%Y-%m-%d")
            except ValueError:
                yield f"hours.{name}.special.{day}: is no date: write it as 2026-05-20"
            try:
                read_ranges(texts)
            except ValueError as fault:
                yield f"hours.{name}.special.{day}: {fault}"


def _queues(file: CityFile) -> Iterator[str]:
    names: dict[str, int] = {}
    for place, queue in enumerate(file.queues):
        if queue.name in names:
            first = names[queue.name]
            yield f"queues[{place}].name: {queue.name} stands in queues[{first}] already: give it another"
        names.setdefault(queue.name, place)
        if queue.max_length is not None and not queue.full_notice:
            yield f"queues[{place}].full_notice: is missing: a caller who is turned away must be told so"
    if file.reception.queue not in names:
        yield f"reception.queue: {unknown_word('queue', file.reception.queue, list(names))}"
    for place, key in enumerate(file.reception.keys):
        if key.queue not in names:
            yield f"reception.keys[{place}].queue: {unknown_word('queue', key.queue, list(names))}"


def _menu(file: CityFile) -> Iterator[str]:
    seen: dict[str, int] = {}
    for place, key in enumerate(file.reception.keys):
        if key.key in seen:
            first = seen[key.key]
            yield f"reception.keys[{place}].key: {key.key} is reception.keys[{first}]'s: choose another"
        seen.setdefault(key.key, place)
    if seen and not file.reception.menu_prompt:
        yield "reception.menu_prompt: is missing: a caller must hear what the keys are for"
    if file.reception.menu_prompt and not seen:
        yield "reception.menu_prompt: there are no keys: write [[reception.keys]] or take it out"


def _spans(rows: Sequence[tuple[str, str, int]]) -> Iterator[str]:
    """Rows of numbers (place, first, count) that share one."""
    ordered = sorted((int(first), int(first) + count, where) for where, first, count in rows)
    for (start, end, where), (later, _, other) in pairwise(ordered):
        if later < end:
            shared = f"{later}" if later == end - 1 else f"{later} to {end - 1}"
            yield f"{other}.first: {shared} stands in {where} already ({start}): choose other numbers"


def _seats(file: CityFile) -> Iterator[str]:
    yield from _spans([(f"seats[{place}]", row.first, row.count) for place, row in enumerate(file.seats)])
    for place, row in enumerate(file.seats):
        if row.srtp and row.transport != "tls":
            where = f"seats[{place}].srtp"
            yield f'{where}: its keys would go in clear over {row.transport}: write transport = "tls"'
        if len(str(int(row.first) + row.count - 1)) != len(row.first):
            yield f"seats[{place}].count: the last number is longer than {row.first}: start lower"


def _agents(file: CityFile) -> Iterator[str]:
    yield from _spans([(f"agents[{place}]", row.first, row.count) for place, row in enumerate(file.agents)])
    for place, row in enumerate(file.agents):
        where = f"agents[{place}]"
        if (row.pin_hash is None) == (row.pin_file is None):
            yield f"{where}.pin_hash: a group has pin_hash or pin_file, one of them: write one"
        if row.pin_hash is not None and (fault := pin_fault(row.pin_hash)):
            yield f"{where}.pin_hash: {fault}"
        seen: set[str] = set()
        for item, person in enumerate(row.people):
            here = f"{where}.people[{item}]"
            if not int(row.first) <= int(person.agent) < int(row.first) + row.count:
                last = int(row.first) + row.count - 1
                yield f"{here}.agent: {person.agent} is not in this group: write {row.first} to {last}"
            if person.agent in seen:
                yield f"{here}.agent: {person.agent} stands there twice: take one out"
            seen.add(person.agent)
            if person.pin_hash is not None and (fault := pin_fault(person.pin_hash)):
                yield f"{here}.pin_hash: {fault}"


def _skills(file: CityFile, rules: Sequence[tuple[str, Rule]]) -> Iterator[str]:
    """Every skill that a call can ask for is one that somebody has, at the level that is asked."""
    best: dict[str, int] = {}
    levels: dict[str, list[int]] = {}
    for table in file.agents:
        for agent in city_build.people(table):
            for skill, level in agent.skills.items():
                best[skill] = max(level, best.get(skill, 0))
                levels.setdefault(skill, []).append(level)
    yield from city_callers.faults(file, levels)
    asked = [("reception.skill", file.reception.skill)]
    asked += [(f"reception.keys[{place}].skill", key.skill) for place, key in enumerate(file.reception.keys)]
    for where, rule in rules:
        if rule.skill is not None:
            asked.append((f"{where}.skill", rule.skill))
        skill = rule.skill or file.reception.skill
        if rule.treatment == "parallel" and rule.seats == "experts" and skill in best:
            if rule.skill is None:
                yield f"{where}.skill: is missing: name the skill in which its experts are better"
            elif best[skill] < rule.experts.level:
                what = f"no agent has {skill} at {rule.experts.level}"
                yield f"{where}.experts.level: {what}: give it to an expert in agents"
    for where, skill in asked:
        if skill not in best:
            remedy = near(skill, list(best), "give it to somebody in agents")
            yield f"{where}: no agent has the skill {skill!r}: {remedy}"
