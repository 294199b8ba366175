"""The router, held to a reference that sorts everything anew each time. Ties are made on purpose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)

from acd import router as module
from acd.kernel import PRIORITY_LIMIT, TIME_LIMIT
from acd.reasons import Need
from acd.router import Assignment, Router, RoutingFault

SKILLS = ("12345", "12315", "12329")
skill_sets = st.dictionaries(st.sampled_from([*SKILLS, "dialect"]), st.integers(1, 2), max_size=3)
needs = st.dictionaries(st.sampled_from([*SKILLS, "nobody has it"]), st.integers(1, 2), max_size=2)
times = st.integers(0, 4).map(lambda step: step * 1000)


@dataclass(slots=True)
class Person:
    skills: dict[str, int]
    since: int | None = None


@dataclass(slots=True)
class Caller:
    need: dict[str, int]
    priority: int
    queued_at: int
    seq: int


class Obvious:
    """The rule as anyone would write it down: look at everybody, take the least."""

    def __init__(self, ageing: int, closest_fit: bool) -> None:
        self.ageing, self.closest_fit = ageing, closest_fit
        self.people: dict[str, Person] = {}
        self.callers: dict[str, Caller] = {}

    def meets(self, agent: str, need: Mapping[str, int]) -> bool:
        return all(self.people[agent].skills.get(skill, 0) >= least for skill, least in need.items())

    def agent_place(self, agent: str, need: Mapping[str, int]) -> tuple[int, int, int]:
        person = self.people[agent]
        assert person.since is not None
        every = {*person.skills, *need}
        excess = sum(person.skills.get(skill, 0) - need.get(skill, 0) for skill in every)
        return (excess if self.closest_fit else 0, person.since, int(agent))

    def call_place(self, call: str) -> tuple[int, int, int]:
        caller = self.callers[call]
        if self.ageing == 0:
            return (-caller.priority, caller.queued_at, caller.seq)
        return (caller.queued_at - caller.priority * self.ageing, 0, caller.seq)

    def agent_for(self, call: str, without: frozenset[str] = frozenset()) -> str | None:
        need = self.callers[call].need
        able = [a for a, p in self.people.items() if p.since is not None and self.meets(a, need)]
        return min(
            (a for a in able if a not in without), key=lambda a: self.agent_place(a, need), default=None
        )

    def call_for(self, agent: str) -> str | None:
        able = [c for c, caller in self.callers.items() if self.meets(agent, caller.need)]
        return min(able, key=self.call_place, default=None)

    def match(self) -> list[tuple[str, str]]:
        pairs: list[tuple[str, str]] = []
        for call in sorted(self.callers, key=self.call_place):
            agent = self.agent_for(call, frozenset(agent for _, agent in pairs))
            if agent is not None:
                pairs.append((call, agent))
        return pairs


def _pairs(assignments: list[Assignment]) -> list[tuple[str, str]]:
    return [(a.call, a.agent) for a in assignments]


class RouterHeldToTheObvious(RuleBasedStateMachine):
    """Any sequence of facts: router and reference agree on everything that can be asked, after every one."""

    agents: Bundle[str] = Bundle("agents")
    calls: Bundle[str] = Bundle("calls")

    @initialize(ageing=st.sampled_from([0, 1000, 60_000]), closest_fit=st.booleans())
    def open_the_hall(self, ageing: int, closest_fit: bool) -> None:
        self.router = Router(SKILLS, ageing_ms=ageing, closest_fit=closest_fit, capacity=2)
        self.obvious = Obvious(ageing, closest_fit)
        self.counted = 0

    @rule(target=agents, skills=skill_sets, number=st.integers(1, 30).map(str))
    def enter_agent(self, skills: dict[str, int], number: str) -> str:
        self.router.set_agent(number, skills)
        self.obvious.people.setdefault(number, Person({})).skills = skills
        return number

    @rule(agent=consumes(agents))
    def remove_agent(self, agent: str) -> None:
        if agent in self.obvious.people:
            self.router.remove_agent(agent)
            del self.obvious.people[agent]
        else:
            with pytest.raises(RoutingFault, match=f"agent {agent}: nobody entered"):
                self.router.remove_agent(agent)

    @rule(agent=agents, since=times)
    def fall_idle_or_get_busy(self, agent: str, since: int) -> None:
        person = self.obvious.people.get(agent)
        if person is None:
            return
        if person.since is None:
            with pytest.raises(RoutingFault, match="was not idle"):
                self.router.agent_gone(agent)
            self.router.agent_idle(agent, since)
            person.since = since
        else:
            with pytest.raises(RoutingFault, match="is idle already"):
                self.router.agent_idle(agent, since)
            self.router.agent_gone(agent)
            person.since = None

    @rule(target=calls, need=needs, priority=st.integers(-1, 1), queued_at=times)
    def wait(self, need: dict[str, int], priority: int, queued_at: int) -> str:
        self.counted += 1
        call = f"call-{self.counted}"
        self.router.call_waits(call, need, priority, queued_at)
        self.obvious.callers[call] = Caller(need, priority, queued_at, self.counted)
        return call

    @rule(target=calls, call=consumes(calls), comes_back=st.booleans())
    def stop_waiting(self, call: str, comes_back: bool) -> str | MultipleResults[str]:
        caller = self.obvious.callers.get(call)
        if caller is None:
            return multiple()
        self.router.call_gone(call)
        if comes_back:
            as_pairs = tuple(caller.need.items())
            self.router.call_waits(call, as_pairs, caller.priority, caller.queued_at, caller.seq)
            return call
        del self.obvious.callers[call]
        return multiple()

    @rule(call=calls, keep=st.sets(st.sampled_from(SKILLS)))
    def widen(self, call: str, keep: set[str]) -> None:
        caller = self.obvious.callers.get(call)
        if caller is None:
            return
        before = {a for a in self.obvious.people if self.obvious.meets(a, caller.need)}
        caller.need = {skill: 1 for skill in caller.need if skill in keep}
        self.router.widen(call, caller.need)
        assert before <= {a for a in self.obvious.people if self.obvious.meets(a, caller.need)}

    @precondition(lambda self: self.obvious.match())
    @rule()
    def carry_everything_out(self) -> None:
        found = self.router.match()
        assert _pairs(found) == self.obvious.match()
        assert _pairs(self.router.match()) == _pairs(found), "asking changed something"
        for assignment in found:
            self.router.call_gone(assignment.call)
            self.router.agent_gone(assignment.agent)
            del self.obvious.callers[assignment.call]
            self.obvious.people[assignment.agent].since = None
        assert self.router.match() == []

    @invariant()
    def they_agree(self) -> None:
        if not hasattr(self, "router"):
            return
        router, obvious = self.router, self.obvious
        assert router.waiting == len(obvious.callers)
        idle = [a for a, person in obvious.people.items() if person.since is not None]
        assert router.idle == len(idle)
        ranked = sorted(obvious.callers, key=obvious.call_place)
        for place, call in enumerate(ranked):
            found = router.agent_for(call)
            assert (found.agent if found else None) == obvious.agent_for(call)
            need = obvious.callers[call].need
            assert router.qualified(need) == sum(obvious.meets(a, need) for a in obvious.people)
            assert router.position(call) == place
            if found:
                assert found.reason.exceeds == sum(obvious.people[found.agent].skills.values()) - sum(
                    need.values()
                ) or not (obvious.closest_fit)
            assert router.explain(call, 9000).startswith(f"agent {found.agent}" if found else "nobody")
        for agent in idle:
            given_call = router.call_for(agent)
            assert (given_call.call if given_call else None) == obvious.call_for(agent)


TestRouterHeldToTheObvious = RouterHeldToTheObvious.TestCase
TestRouterHeldToTheObvious.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


@dataclass(slots=True)
class Hall:
    """The least engine that there can be: every fact is followed by what the router says."""

    router: Router
    needs: dict[str, Need]
    skills: list[dict[str, int]]
    idle: set[int]
    served: list[str]

    def take(self, found: Assignment | None) -> None:
        if found:
            self.router.call_gone(found.call)
            self.router.agent_gone(found.agent)
            self.idle.discard(int(found.agent))
            self.served.append(found.call)
            del self.needs[found.call]

    def somebody_waits_in_vain(self) -> bool:
        return any(
            all(self.skills[agent].get(skill, 0) >= least for skill, least in need)
            for agent in self.idle
            for need in self.needs.values()
        )


@given(
    people=st.lists(skill_sets, min_size=1, max_size=8),
    facts=st.lists(st.tuples(st.integers(0, 7), needs, st.integers(0, 1), st.booleans()), max_size=40),
    ageing=st.sampled_from([0, 2000]),
    closest_fit=st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_nobody_waits_while_a_qualified_agent_is_idle(
    people: list[dict[str, int]],
    facts: list[tuple[int, dict[str, int], int, bool]],
    ageing: int,
    closest_fit: bool,
) -> None:
    hall = Hall(Router(SKILLS, ageing, closest_fit, capacity=1), {}, people, set(), [])
    for agent, skills in enumerate(people):
        hall.router.set_agent(str(agent), skills)
    place: dict[str, tuple[Need, int, int]] = {}
    for now, (who, need, priority, a_call) in enumerate(facts):
        agent = who % len(people)
        if a_call:
            call, asked = f"c{now}", tuple(sorted(need.items()))
            hall.needs[call], place[call] = asked, (asked, priority, now)
            hall.router.call_waits(call, asked, priority, now * 1000)
            hall.take(hall.router.agent_for(call))
        elif agent not in hall.idle:
            hall.idle.add(agent)
            hall.router.agent_idle(str(agent), now * 1000)
            hall.take(hall.router.call_for(str(agent)))
        assert not hall.somebody_waits_in_vain()
        assert hall.router.match() == []
    for i, earlier in enumerate(hall.served):
        for later in hall.served[i + 1 :]:
            same = place[earlier][:2] == place[later][:2]
            assert not (same and place[later][2] < place[earlier][2]), f"{earlier} overtook {later}"


def _hall(*agents: tuple[str, dict[str, int]], ageing_ms: int = 60_000, closest_fit: bool = True) -> Router:
    router = Router(SKILLS, ageing_ms, closest_fit)
    for since, (agent, skills) in enumerate(agents):
        router.set_agent(agent, skills)
        router.agent_idle(agent, since * 1000)
    return router


def test_the_reason_tells_why_this_agent_and_why_none_of_the_others() -> None:
    router = _hall(
        ("8001", {"12315": 1}),
        ("8002", {"12329": 3}),
        ("8007", {"12329": 2}),
        ("8008", {"12329": 2}),
        ("8009", {}),
    )
    router.set_agent("8000", {"12329": 2})
    router.agent_idle("8000", 3000)
    router.call_waits("a", (("12329", 1),), 0, 5000)
    found = router.agent_for("a")
    assert found is not None
    assert str(found.reason) == "agent 8007: level 2 of 12329 asked 1; exceeds by 1"
    assert found.reason.at(43_000) == "agent 8007: level 2 of 12329 asked 1; exceeds by 1, idle 41 s"
    assert router.explain("a", 43_000) == (
        "agent 8007: level 2 of 12329 asked 1; exceeds by 1, idle 41 s; 5 others idle: "
        "2 are idle for a shorter time, 1 fit less closely, 2 lack level 1 of 12329"
    )


def test_the_lowest_number_wins_the_last_tie_and_the_reason_says_so() -> None:
    router = Router(SKILLS, 0, closest_fit=False)
    for agent in ("8010", "8009", "10007"):
        router.set_agent(agent, {"12345": int(agent[-1]) + 1})
        router.agent_idle(agent, 0)
    router.call_waits("a", {}, 0, 0)
    assert (
        router.explain("a", 1000)
        == "agent 8009: no skill asked, idle 1 s; 2 others idle: 2 have a higher number"
    )


def test_agents_without_numbers_come_after_those_with_in_the_order_of_their_entry() -> None:
    router = Router(SKILLS, 0, closest_fit=True)
    for agent in ("zhang", "li", "9"):
        router.set_agent(agent, {})
        router.agent_idle(agent, 0)
    for call in "abc":
        router.call_waits(call, {}, 0, 0)
    assert _pairs(router.match()) == [("a", "9"), ("b", "zhang"), ("c", "li")]


def test_a_call_for_which_nobody_is_idle_is_told_how_many_could_take_it() -> None:
    router = _hall(("1", {"12315": 1}))
    router.set_agent("2", {"12329": 1})
    router.call_waits("a", {"12329": 1}, 0, 0)
    assert router.explain("a", 0) == "nobody: 1 idle, 1 entered have what is asked: 1 lack level 1 of 12329"
    router.agent_gone("1")
    assert router.explain("a", 0) == "nobody: 0 idle, 1 entered have what is asked"


def test_a_call_that_comes_back_stands_where_it_stood() -> None:
    router = Router(SKILLS, 0, closest_fit=True)
    for call in "abc":
        router.call_waits(call, {}, 0, 1000)
    router.call_gone("b")
    assert router.position("c") == 1
    router.call_waits("b", {}, 0, 1000, 2)
    assert [router.position(call) for call in "abc"] == [0, 1, 2]
    router.call_waits("d", {}, 0, 1000)
    assert router.position("d") == 3


def test_a_position_counts_the_callers_of_the_same_queue_only() -> None:
    router = Router(SKILLS, 0, closest_fit=True)
    for call, queue in (("a", "x"), ("b", "y"), ("c", "x")):
        router.call_waits(call, {}, 0, 0, queue=queue)
    assert [router.position(call) for call in "abc"] == [0, 0, 1]


def test_absolute_priority_is_never_aged_away_and_ageing_priority_is() -> None:
    absolute, ageing = (Router(SKILLS, ageing_ms, closest_fit=True) for ageing_ms in (0, 1000))
    for router in (absolute, ageing):
        router.call_waits("old", {}, 0, 0)
        router.call_waits("urgent", {}, 1, 10_000_000)
    assert absolute.position("urgent") == 0
    assert ageing.position("urgent") == 1


def test_an_idle_agent_who_learns_a_skill_gets_its_calls_from_then_on() -> None:
    router = _hall(("1", {"12345": 1}))
    router.call_waits("a", {"a new line": 1}, 0, 0)
    assert router.agent_for("a") is None
    router.set_agent("1", {"12345": 1, "a new line": 1})
    assert _pairs(router.match()) == [("a", "1")]
    router.set_agent("1", {})
    assert router.match() == []
    assert router.qualified({"a new line": 1}) == 0


def test_a_number_that_was_removed_and_entered_again_is_not_idle() -> None:
    router = _hall(("1", {}))
    router.remove_agent("1")
    router.set_agent("1", {})
    router.call_waits("a", {}, 0, 0)
    assert router.agent_for("a") is None
    assert router.idle == 0


def test_more_needs_than_any_city_has_are_told_apart_and_the_unused_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_WORDS_KEPT", 2)
    router = Router([], 0, closest_fit=True, capacity=2)
    for n in range(400):
        router.set_agent(str(n), {f"s{n}": 1, "all": 1 + n % 3})
        router.agent_idle(str(n), n)
    for n in range(400):
        assert router.qualified({f"s{n}": 1}) == 1
        if n % 7 == 0:
            router.call_waits(f"c{n}", {f"s{n}": 1}, 0, n)
        for waits in range(0, n + 1, 7):
            found = router.call_for(str(waits))
            assert found is not None
            assert found.call == f"c{waits}"
    assert _pairs(router.match()) == [(f"c{n}", str(n)) for n in range(0, 400, 7)]
    assert router.qualified({"all": 3}) == 133
    for n in range(1, 400):
        if n % 7:
            router.call_waits(f"c{n}", {f"s{n}": 1}, 0, n)
    assert _pairs(router.match()) == [(f"c{n}", str(n)) for n in range(400)]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda r: r.call_waits("a", {}, 0, 0), "call a: waits already"),
        (lambda r: r.call_waits("b", {}, 0, 0, 1), "call b: another call with the order of arrival 1 waits"),
        (lambda r: r.call_waits("b", {}, PRIORITY_LIMIT, 0), "call b: priority 65536 is not within"),
        (lambda r: r.call_waits("b", {}, 0, -1), "call b: queued at -1 is no instant"),
        (lambda r: r.call_waits("b", {"x": 0}, 0, 0), "need: level 0 of x is not 1 or more"),
        (lambda r: r.call_waits("b", (("x", 1), ("x", 2)), 0, 0), "need: x is asked twice"),
        (lambda r: r.widen("a", {"12345": 2}), "call a: level 2 of 12345 is more than the 1 asked before"),
        (lambda r: r.widen("a", {"12315": 1}), "call a: level 1 of 12315 is more than the 0 asked before"),
        (lambda r: r.widen("b", {}), "call b: does not wait"),
        (lambda r: r.call_gone("b"), "call b: does not wait"),
        (lambda r: r.agent_for("b"), "call b: does not wait"),
        (lambda r: r.call_for("2"), "agent 2: is not idle"),
        (lambda r: r.agent_idle("3", 0), "agent 3: nobody entered this agent"),
        (lambda r: r.agent_idle("2", TIME_LIMIT), "agent 2: idle since 70368744177664 is no instant"),
        (lambda r: r.set_agent("3", {"x": -1}), "agent 3: level -1 of x is not between"),
        (lambda r: r.set_agent("3", {"x": 65_000, "y": 65_000}), "agent 3: the levels add up to 130000"),
        (lambda r: Router([], -1, True), "ageing_ms: -1 is not between"),
        (lambda r: Router([], 0, True, 0), "capacity: 0 is not above 0"),
    ],
)
def test_what_cannot_be_is_refused_with_its_name_and_changes_nothing(wrong: object, said: str) -> None:
    router = _hall(("1", {"12315": 1}))
    router.set_agent("2", {})
    router.call_waits("a", {"12345": 1}, 0, 0)
    with pytest.raises(RoutingFault, match=said):
        wrong(router)  # type: ignore[operator]
    assert (router.idle, router.waiting, router.position("a")) == (1, 1, 0)
    assert router.qualified({}) == 2
