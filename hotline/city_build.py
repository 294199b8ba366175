"""From a city file that has been checked to what the rooms below want: number plan, set-up, trunks, seats."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from types import MappingProxyType

from acd.setup import ROLES, AgentSetup, QueueSetup, SeatSetup, Setup, TrunkSetup
from dialplans.decision import Choice, Need, Pass, Treatment, Wait
from dialplans.hotline import CityLine, Hotline, Phase, TrunkRule, UnknownLine
from dialplans.hours import Hours, instant, read_ranges
from dialplans.number import Number, NumberFault
from dialplans.plan import NumberPlan
from hotline import (
    city_callers,
    city_dialling,
    city_recording,
    city_service,
    city_speech,
    city_waiting,
    cutovers,
)
from hotline.city_schema import AgentTable, Change, CityFile, Rule
from hotline.city_seats import SeatTable
from hotline.city_switch import HoursTable, NetworkTable, TrunkTable
from trunks.pjsip import Network
from trunks.seats import Seat
from trunks.trunk import Codec, Digest, Dtmf, Peer, Registration, Transport, Trunk

EVERYWHERE = {"110": "报警", "119": "火警", "120": "医疗急救", "122": "交通事故报警"}
"""Emergency numbers that hold in every city, whether its plan names them or not."""

HANDED_OVER = 1
"""priority of a call that a sub-centre or a line's own people hand over: its caller has waited there once"""


def number_plan(file: CityFile) -> NumberPlan:
    """The city's numbers."""
    own = file.reception
    number = Number.read(file.number, file.area)
    keys = (
        Choice(
            key.key,
            key.title,
            city_callers.preferring(
                _wait(key.queue, key.skill, key.priority), key.prefer, key.prefer_seconds
            ),
        )
        for key in own.keys
    )
    return NumberPlan(
        area=file.area,
        own=CityLine(
            number,
            file.title,
            file.department,
            _wait(own.queue, own.skill, own.priority),
            tuple(Number.read(other, file.area) for other in file.also),
            tuple(keys),
            own.menu_prompt,
        ),
        lines=(*(_Phases(file).line(place) for place in range(len(file.lines))), *_everywhere(file)),
        unknown=_Phases(file).unknown(),
        rules=tuple(_rule(trunk, file, emergency_trunks(file)) for trunk in file.trunks),
    )


def number_or_none(text: str, area: str) -> Number | None:
    """The number that the text says, `None` when it says none."""
    try:
        return Number.read(text, area)
    except NumberFault:
        return None


def members(file: CityFile, route: str) -> list[TrunkTable]:
    """The trunks behind a route, which is a group's or a trunk's own name."""
    trunks = {trunk.name: trunk for trunk in file.trunks}
    group = next((group.trunks for group in file.groups if group.name == route), [route])
    return [trunks[name] for name in group]


def ways(file: CityFile, route: str, number: str) -> tuple[Pass, ...]:
    """How a number is dialled over a route, with every trunk's own prefix."""
    return tuple(Pass(trunk.name, trunk.prefix + number) for trunk in members(file, route))


class _Phases:
    """Makes the phases of one city's lines."""

    def __init__(self, file: CityFile) -> None:
        self.file = file
        self.hours = {name: hours(name, table) for name, table in file.hours.items()}
        self.batches = cutovers.batches(file)

    def line(self, place: int) -> Hotline:
        line = self.file.lines[place]
        number = Number.read(line.number, self.file.area)
        spoken = {"number": number.shown(self.file.area), "name": line.name}
        rules: list[Rule | Change] = [line, *line.changes]
        phases = [self.phase(rule, spoken) for rule in rules]
        if line.from_ is not None:
            phases.insert(0, self.before(spoken))
        return Hotline(number, line.name, line.department, tuple(phases), batch=self.batches.get(number))

    def unknown(self) -> UnknownLine:
        notices = (self.file.notices.unknown,)
        rule = self.file.unknown
        if rule is None:
            return UnknownLine(notices=notices)
        spoken = {"number": "", "name": rule.name}
        return UnknownLine(rule.name, rule.department, (self.phase(rule, spoken),), notices)

    def before(self, spoken: Mapping[str, str]) -> Phase:
        """A line before its first cutover: its department's own."""
        departments = self.file.departments
        passes = ways(self.file, departments.route, spoken["number"]) if departments else ()
        return Phase(None, passes=passes, wait=self.wait(None))

    def wait(self, rule: Rule | None) -> Wait:
        own = self.file.reception
        if rule is None:
            return _wait(own.queue, own.skill, 0)
        queue, skill = rule.queue or own.queue, rule.skill or own.skill
        if rule.treatment == "parallel" and rule.seats == "experts":
            after_ms = round(rule.experts.after_seconds * 1000)
            first = Need(((skill, rule.experts.level),))
            wait = Wait(queue, (first, Need(((skill, 1),), after_ms)), rule.priority)
        else:
            wait = _wait(queue, skill, rule.priority)
        return city_callers.preferring(wait, rule.prefer, rule.prefer_seconds)

    def phase(self, rule: Rule, spoken: Mapping[str, str]) -> Phase:
        texts = self.file.notices
        own_people = rule.treatment != "parallel" or rule.seats == "own"
        route = rule.route if own_people else None
        if rule.treatment == "emergency" and route is None:
            route = self.file.emergency.route
        if rule.treatment == "own" and route is None and self.file.departments:
            route = self.file.departments.route
        passes = ways(self.file, route, rule.pass_number or spoken["number"]) if route else ()
        since = instant(rule.from_) if rule.from_ else None
        notices, farewell = _words(rule, texts.model_dump(), spoken)
        ends = None
        told: tuple[str, ...] | None = None
        if rule.treatment == "withdrawn":
            if not rule.transition:
                ends = since if since is not None else 0
            elif rule.transition_until:
                ends = instant(rule.transition_until + timedelta(days=1))
            if rule.after == "told":
                told = ((rule.told or texts.told).format(**spoken),)
        emergency = rule.treatment == "emergency"
        ring = self.file.emergency.ring_seconds if emergency else rule.ring_seconds
        return Phase(
            treatment=None if rule.treatment == "own" else Treatment(rule.treatment),
            since_ms=since,
            notices=notices,
            transition_ends_ms=ends,
            told=told,
            hours=self.hours[rule.hours] if rule.hours else None,
            passes=passes,
            pass_ring_ms=round(ring * 1000),
            wait=self.wait(rule),
            farewell=farewell,
        )


def _words(
    rule: Rule, texts: Mapping[str, str], spoken: Mapping[str, str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The notices before, and the farewell after a pass in vain."""
    kinds = {
        "withdrawn": ("withdrawn", None),
        "parallel": ("closed" if rule.hours else None, None),
        "independent": ("independent", "not_passed"),
        "emergency": (None, "emergency"),
    }
    first, last = kinds.get(rule.treatment, (None, None))
    notice = rule.notice or (texts[first] if first else None)
    before = (notice.format(**spoken),) if notice else ()
    return before, ((texts[last].format(**spoken),) if last else ())


def _everywhere(file: CityFile) -> Iterator[Hotline]:
    """The emergency numbers that no line of the file names."""
    listed = {Number.read(line.number, file.area) for line in file.lines}
    for digits, name in EVERYWHERE.items():
        number = Number(file.area, digits)
        if number not in listed:
            phase = _Phases(file).phase(Rule(treatment="emergency"), {"number": digits, "name": name})
            yield Hotline(number, name, "", (phase,), listed=False)


def _wait(queue: str, skill: str, priority: int) -> Wait:
    return Wait(queue, (Need(((skill, 1),)),), priority)


def _rule(trunk: TrunkTable, file: CityFile, centres: frozenset[str]) -> TrunkRule:
    read, area = Number.read, file.area
    accepts = None if trunk.accepts is None else tuple(read(number, area) for number in trunk.accepts)
    only = read(trunk.dialled_as, area) if trunk.dialled_as else None
    urgent = trunk.link and trunk.name in centres
    priority = trunk.handover_priority
    if priority is None:
        priority = file.emergency.handover_priority if urgent else HANDED_OVER
    return TrunkRule(
        trunk.name,
        trunk.strip,
        only,
        accepts,
        trunk.link,
        trunk.carrier,
        priority if trunk.link else 0,
        urgent,
    )


def emergency_trunks(file: CityFile) -> frozenset[str]:
    """The trunks over which emergencies are passed on; the links among them lead to an emergency centre."""
    rules: list[Rule] = [rule for line in file.lines for rule in (line, *line.changes)]
    routes = {rule.route for rule in rules if rule.treatment == "emergency" and rule.route}
    return frozenset(
        trunk.name for route in (file.emergency.route, *routes) for trunk in members(file, route)
    )


def hours(name: str, table: HoursTable) -> Hours:
    """Opening hours. Raises `ValueError` for a range or a date that can't be read."""
    weekly = {
        day: read_ranges(getattr(table, day)) for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    }
    special = {date.fromisoformat(day): read_ranges(texts) for day, texts in table.special.items()}
    return Hours(name, weekly, table.calendar, table.makeup, special)


def trunk(table: TrunkTable) -> Trunk:
    """A trunk as `trunks.pjsip` writes it. Raises `ValueError` with what can't be."""
    secret = f"trunk/{table.name}"
    digest = Digest(table.user or "", secret, table.realm) if table.auth != "address" else None
    return Trunk(
        name=table.name,
        carrier=table.carrier,
        peers=tuple(peer(text) for text in table.address),
        transport=Transport(table.transport),
        srtp=table.srtp,
        incoming=digest if table.auth == "digest" else None,
        outgoing=digest,
        registration=Registration(table.server) if table.auth == "registration" else None,
        channels=table.channels,
        codecs=tuple(Codec(codec) for codec in table.codecs),
        dtmf=Dtmf(table.dtmf),
        from_user=table.from_user,
        from_domain=table.from_domain,
        qualify=table.qualify_seconds,
        nat=table.nat,
    )


def network(table: NetworkTable) -> Network:
    """Where the switch listens. Raises `ValueError` with what can't be."""
    return Network(
        bind=table.bind,
        udp=table.udp or None,
        tcp=table.tcp or None,
        tls=table.tls or None,
        rtp=(table.rtp_first, table.rtp_last),
        tls_certificate=table.tls_certificate,
        tls_key=table.tls_key,
        tls_authorities=table.tls_authorities,
        external_address=table.external_address,
        local_nets=tuple(table.local_nets),
    )


def peer(text: str) -> Peer:
    """``203.0.113.5``, ``sbc.carrier.cn:5070`` or ``[2001:db8::1]:5060``. Raises `ValueError`."""
    host, port = text, "5060"
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":") or port
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    if not (port.isascii() and port.isdigit()):
        raise ValueError(f"address {text!r}: the port is no number")
    return Peer(host, int(port))


def seats(tables: list[SeatTable]) -> tuple[Seat, ...]:
    """Every seat by itself. Raises `ValueError` with what can't be."""
    return tuple(
        Seat(
            number=str(number),
            name=f"{table.name}{number}",
            codecs=tuple(Codec(codec) for codec in table.codecs),
            transport=Transport(table.transport),
            srtp=table.srtp,
            dtmf=Dtmf(table.dtmf),
            auto_answer=table.auto_answer,
            nat=table.nat,
        )
        for table in tables
        for number in range(int(table.first), int(table.first) + table.count)
    )


def _numbers_of(row: SeatTable) -> Iterator[str]:
    return (str(number) for number in range(int(row.first), int(row.first) + row.count))


def people(table: AgentTable, shifts: Mapping[str, Hours] = MappingProxyType({})) -> Iterator[AgentSetup]:
    """Every agent of a group, with what sets a person apart from it."""
    apart = {person.agent: person for person in table.people}
    first = int(table.first)
    for number in range(first, first + table.count):
        person = apart.get(str(number))
        name = (person.name if person else None) or f"{table.name}{number - first + 1:03}"
        skills = table.skills if person is None or person.skills is None else person.skills
        reach = table.reach if person is None or person.reach is None else person.reach
        yield AgentSetup(
            str(number),
            name,
            skills,
            role=(person.role if person else None) or table.role,
            group=table.team or "",
            service_class=(person.class_ if person else None) or table.class_ or "",
            shift=shifts.get(table.shift or ""),
            shift_after_call=table.shift_end == "after_call",
            reach=None if reach is None else frozenset(reach),
        )


def roles(file: CityFile) -> dict[str, frozenset[str]]:
    """The rights of every role: those that every city has, unless its file says otherwise, and its own."""
    return {**ROLES, **{name: frozenset(table.rights) for name, table in file.roles.items()}}


def setup(city: str, file: CityFile, plan: NumberPlan) -> Setup:
    """The city as the engine sees it."""
    shifts = {name: hours(name, table) for name, table in file.hours.items()}
    agents = [agent for table in file.agents for agent in people(table, shifts)]
    classes = {number: row.class_ or "" for row in file.seats for number in _numbers_of(row)}
    only = city_callers.seats_only(file)
    return Setup(
        city=city,
        plan=plan,
        agents={agent.agent: agent for agent in agents},
        seats={
            seat.number: SeatSetup(
                seat.number, seat.auto_answer, classes[seat.number], skills=only.get(seat.number)
            )
            for seat in seats(file.seats)
        },
        queues={
            queue.name: QueueSetup(
                name=queue.name,
                title=queue.title,
                greeting=tuple(queue.greeting),
                ring_ms=round(queue.ring_seconds * 1000),
                wrap_up_ms=round(queue.wrap_up_seconds * 1000),
                wrap_up_extend_ms=round(queue.wrap_up_extend_seconds * 1000),
                wrap_up_extensions=queue.wrap_up_extensions,
                rests_after=queue.rests_after,
                rest_ms=round(queue.rest_seconds * 1000),
                max_length=queue.max_length,
                max_wait_ms=None if queue.max_wait_seconds is None else round(queue.max_wait_seconds * 1000),
                full_notice=tuple(queue.full_notice),
                words=city_waiting.words(queue),
                music=queue.music or "",
                then=city_callers.then(queue),
                overflow=city_callers.overflow(queue),
            )
            for queue in file.queues
        },
        trunks={table.name: TrunkSetup(table.name, table.channels) for table in file.trunks},
        ageing_ms=round(file.routing.ageing_seconds * 1000),
        closest_fit=file.routing.closest_fit,
        preferences=city_callers.preferences(file),
        reserves=city_callers.reserves(file),
        max_waiting=file.routing.max_waiting,
        overload_notice=tuple(file.routing.overload_notice) or city_callers.OVERLOAD,
        breaks=city_dialling.break_names(file),
        break_rules=city_dialling.break_rules(file),
        outgoing=city_dialling.outgoing(
            file, members(file, file.outgoing.route) if file.outgoing.route else []
        ),
        roles=roles(file),
        recording=city_recording.recording(file),
        survey=city_service.survey(file),
        speech=city_speech.setup(file),
        callback=city_waiting.callback(file),
        greetings=city_waiting.greetings(file),
        days=city_waiting.days(file),
        nuisance=city_service.nuisance(file, plan),
    )
