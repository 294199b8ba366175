"""Reserves and persons in the router, held to a reference that looks at everybody anew. Ties are made on purpose."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from acd import router as module
from acd.preferences import Reserve, beyond, person
from acd.router import Router, RoutingFault

SKILLS = ("12345", "tax", "law")
RESERVES = (
    Reserve("tax", "tax", keep=2, level=2),
    Reserve("law", "law", keep=1),
    Reserve("none", "12345", keep=0),
)
NAMES = tuple("123456")
skill_sets = st.dictionaries(st.sampled_from(SKILLS), st.integers(1, 2), max_size=3)
entries = st.sampled_from([*SKILLS, beyond("tax"), beyond("law"), beyond("gone"), *map(person, "128")])
needs = st.dictionaries(entries, st.just(1), max_size=3).filter(
    lambda need: sum(entry.startswith("@") for entry in need) <= 1
)
names = st.sampled_from(NAMES)
times = st.integers(0, 3).map(lambda step: step * 1000)


@dataclass(slots=True)
class Obvious:
    """The rule as anyone would write it down."""

    closest_fit: bool
    skills: dict[str, dict[str, int]]
    idle: dict[str, int]
    calls: dict[str, tuple[dict[str, int], int, int]]
    """need, priority, order of arrival"""

    def place(self, agent: str) -> tuple[int, int, int]:
        return (sum(self.skills[agent].values()) if self.closest_fit else 0, self.idle[agent], int(agent))

    def kept(self, without: frozenset[str] = frozenset()) -> dict[str, set[str]]:
        kept = {}
        for reserve in RESERVES:
            idle = [a for a in self.idle if a not in without]
            has = [a for a in idle if self.skills[a].get(reserve.skill, 0) >= reserve.level]
            kept[reserve.name] = set(sorted(has, key=self.place)[-reserve.keep :] if reserve.keep else [])
        return kept

    def may(self, agent: str, need: dict[str, int], kept: dict[str, set[str]]) -> bool:
        for entry, level in need.items():
            if entry[0] == "@":
                if agent != entry[1:]:
                    return False
            elif entry[0] == "~":
                if agent in kept.get(entry[1:], ()):
                    return False
            elif self.skills[agent].get(entry, 0) < level:
                return False
        return True

    def agent_for(self, call: str, without: frozenset[str] = frozenset()) -> str | None:
        kept = self.kept(without)
        able = [a for a in self.idle if a not in without and self.may(a, self.calls[call][0], kept)]
        return min(able, key=self.place, default=None)

    def urgency(self, call: str) -> tuple[int, int]:
        _, priority, order = self.calls[call]
        return -priority, order

    def call_for(self, agent: str) -> str | None:
        kept = self.kept()
        able = [c for c, (need, _, _) in self.calls.items() if self.may(agent, need, kept)]
        return min(able, key=self.urgency, default=None)

    def match(self) -> list[tuple[str, str]]:
        pairs: list[tuple[str, str]] = []
        left = sorted(self.calls, key=self.urgency)
        while True:
            gone = frozenset(agent for _, agent in pairs)
            found = next(((c, a) for c in left if (a := self.agent_for(c, gone))), None)
            if found is None:
                return pairs
            pairs.append(found)
            left.remove(found[0])


class ReservesHeldToTheObvious(RuleBasedStateMachine):
    """Any sequence of facts: router and reference agree on everything that can be asked, after every one."""

    @initialize(closest_fit=st.booleans(), skills=st.lists(skill_sets, min_size=6, max_size=6))
    def open_the_hall(self, closest_fit: bool, skills: list[dict[str, int]]) -> None:
        self.router = Router(SKILLS, 0, closest_fit, capacity=1, reserves=RESERVES)
        self.obvious = Obvious(closest_fit, dict(zip(NAMES, skills, strict=True)), {}, {})
        for agent, has in self.obvious.skills.items():
            self.router.set_agent(agent, has)
        self.counted = 0

    @rule(agent=names, since=times)
    def fall_idle_or_get_busy(self, agent: str, since: int) -> None:
        if agent not in self.obvious.skills:
            return
        if agent in self.obvious.idle:
            self.router.agent_gone(agent)
            del self.obvious.idle[agent]
        else:
            self.router.agent_idle(agent, since)
            self.obvious.idle[agent] = since

    @rule(agent=names, skills=skill_sets)
    def enter_or_relearn(self, agent: str, skills: dict[str, int]) -> None:
        self.router.set_agent(agent, skills)
        self.obvious.skills[agent] = skills

    @rule(agent=names)
    def sign_off(self, agent: str) -> None:
        if agent in self.obvious.skills:
            self.router.remove_agent(agent)
            del self.obvious.skills[agent]
            self.obvious.idle.pop(agent, None)

    @rule(need=needs, priority=st.integers(0, 1))
    def wait(self, need: dict[str, int], priority: int) -> None:
        self.counted += 1
        call = f"c{self.counted}"
        self.router.call_waits(call, need, priority, self.counted)
        self.obvious.calls[call] = (need, priority, self.counted)

    @rule(pick=st.integers(0, 99), keep=st.sets(entries))
    def widen(self, pick: int, keep: set[str]) -> None:
        if not self.obvious.calls:
            return
        call = list(self.obvious.calls)[pick % len(self.obvious.calls)]
        need, priority, order = self.obvious.calls[call]
        wider = {entry: level for entry, level in need.items() if entry in keep}
        self.router.widen(call, wider)
        self.obvious.calls[call] = (wider, priority, order)

    @rule(pick=st.integers(0, 99))
    def hang_up(self, pick: int) -> None:
        if self.obvious.calls:
            call = list(self.obvious.calls)[pick % len(self.obvious.calls)]
            self.router.call_gone(call)
            del self.obvious.calls[call]

    @invariant()
    def they_agree(self) -> None:
        if not hasattr(self, "router"):
            return
        router, obvious = self.router, self.obvious
        for call, (need, _, _) in obvious.calls.items():
            found = router.agent_for(call)
            assert (found.agent if found else None) == obvious.agent_for(call)
            able = sum(obvious.may(agent, need, {}) for agent in obvious.skills)
            assert router.qualified(need) == able, "whom a reserve keeps is qualified all the same"
            assert router.explain(call, 9000).startswith(f"agent {found.agent}" if found else "nobody")
        for agent in obvious.idle:
            given_call = router.call_for(agent)
            assert (given_call.call if given_call else None) == obvious.call_for(agent)
        assert [(a.call, a.agent) for a in router.match()] == obvious.match()
        for reserve in RESERVES:
            assert router.kept(reserve.name) == len(obvious.kept()[reserve.name])
        for agent in NAMES:
            alone = [call for call, (need, _, _) in obvious.calls.items() if person(agent) in need]
            assert router.calls_for_alone(agent) == sorted(alone, key=obvious.urgency)


TestReservesHeldToTheObvious = ReservesHeldToTheObvious.TestCase
TestReservesHeldToTheObvious.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)


def _hall(count: int, reserve: Reserve) -> Router:
    router = Router(SKILLS, 0, closest_fit=True, reserves=[reserve])
    for agent in range(1, count + 1):
        router.set_agent(str(agent), {"12345": 1, "tax": 1})
        router.agent_idle(str(agent), agent)
    return router


def test_others_get_the_first_beyond_whom_the_reserve_keeps_and_no_more() -> None:
    router = _hall(3, Reserve("tax", "tax", keep=2))
    others = {"12345": 1, beyond("tax"): 1}
    router.call_waits("a", others, 0, 0)
    found = router.agent_for("a")
    assert found is not None
    assert found.agent == "1"
    assert found.reason.at(1001) == (
        "agent 1: level 1 of 12345 asked 1; exceeds by 1; beyond those whom the reserve tax keeps, idle 1 s"
    )
    router.agent_gone("1")
    assert router.agent_for("a") is None
    assert router.explain("a", 0) == (
        "nobody: 2 idle, 3 entered have what is asked: 2 are kept by the reserve tax"
    )
    router.call_waits("b", {"tax": 1}, 0, 1)
    assert [(pair.call, pair.agent) for pair in router.match()] == [("b", "2")]
    router.widen("a", {"12345": 1})
    assert [(pair.call, pair.agent) for pair in router.match()] == [("a", "2"), ("b", "3")]


def test_a_call_for_one_person_tells_that_the_others_are_not_that_person() -> None:
    router = _hall(2, Reserve("tax", "tax", keep=0))
    router.call_waits("a", {"12345": 1, person("2"): 1}, 0, 0)
    found = router.agent_for("a")
    assert found is not None
    assert str(found.reason) == "agent 2: level 1 of 12345 asked 1; exceeds by 1; talked to the caller last"
    router.agent_gone("2")
    assert router.explain("a", 0) == (
        "nobody: 1 idle, 1 entered have what is asked: 1 are not 2, who talked to the caller last"
    )


@given(st.integers(1, 300))
@settings(max_examples=5, deadline=None)
def test_needs_that_name_persons_are_forgotten_with_their_calls(count: int) -> None:
    router = Router(SKILLS, 0, closest_fit=True)
    for agent in range(count):
        router.set_agent(str(agent), {"12345": 1})
        router.call_waits("a", {"12345": 1, person(str(agent)): 1}, 0, 0)
        router.call_gone("a")
    assert len(router._needs.slots) == 0
    assert router._needs.words == 1


def test_many_needs_and_persons_at_once_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_WORDS_KEPT", 2)
    router = Router(SKILLS, 0, closest_fit=True)
    for agent in range(200):
        router.set_agent(str(agent), {"12345": 1})
        router.call_waits(f"c{agent}", {"12345": 1, person(str(199 - agent)): 1}, 0, agent)
        router.agent_idle(str(agent), agent)
    assert [(pair.call, pair.agent) for pair in router.match()] == [
        (f"c{n}", str(199 - n)) for n in range(200)
    ]
    for agent in range(150):
        router.call_gone(f"c{agent}")
    for skill in range(200):
        router.call_waits("x", {f"skill {skill}": 1}, 0, 0)
        assert router.agent_for("x") is None
        router.call_gone("x")
    assert [pair.agent for pair in router.match()] == [str(199 - n) for n in range(150, 200)]


def test_a_need_that_asks_a_person_twice_over_is_an_error_of_the_program() -> None:
    with pytest.raises(RoutingFault, match="asked twice"):
        _hall(1, RESERVES[0]).call_waits("a", [(person("1"), 1), (person("1"), 1)], 0, 0)
