"""Who gets the call: wishes that only ever widen, last agents, repeated calls, lists, reserves, overflow and overload."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd import memory
from acd.messages import (
    AgentAnswered,
    AgentHungUp,
    AgentRangOut,
    BreakAsked,
    CallerHungUp,
    CallOffered,
    HoldMusic,
    Play,
    PromptFinished,
    RingAgent,
    SeatUnreachable,
    SignOffAsked,
    SignOnAsked,
    WrapUpEndAsked,
)
from acd.preferences import (
    CallerList,
    Preferences,
    Reserve,
    Wish,
    asking_also,
    beyond,
    caller_key,
    person,
    person_of,
    prefix_key,
    widening_fault,
)
from acd.setup import Setup
from acd.why import why_waiting
from dialplans.decision import Need, Wait, wishing
from tests.acd.town import CITY, START, Hall, preferring, records, rings, said, town

HOUR = 3_600_000
SKILLS = ("a", "b", "c")
levels = st.dictionaries(st.sampled_from(SKILLS), st.integers(1, 3), max_size=3)


@st.composite
def steps(draw: st.DrawFn) -> tuple[Need, ...]:
    """Steps as a line may have them: each asks less than the one before."""
    asked, after, made = draw(levels), 0, []
    for _ in range(draw(st.integers(1, 4))):
        made.append(Need(tuple(sorted(asked.items())), after))
        asked = {skill: draw(st.integers(1, level)) for skill, level in asked.items() if draw(st.booleans())}
        after += draw(st.integers(0, 3)) * 5_000
    return tuple(made)


wishes = st.lists(
    st.builds(
        Wish,
        st.sampled_from(["a", "b", "dialect", person("1"), beyond("tax")]),
        st.one_of(st.none(), st.integers(0, 4).map(lambda step: step * 5_000)),
    ),
    max_size=4,
)


def may(agent: str, has: dict[str, int], kept: frozenset[str], need: Need) -> bool:
    return all(
        agent == entry[1:]
        if entry[0] == "@"
        else entry[1:] not in kept
        if entry[0] == "~"
        else has.get(entry, 0) >= level
        for entry, level in need.skills
    )


@given(
    needs=steps(),
    wished=wishes,
    people=st.lists(st.tuples(levels, st.booleans(), st.booleans()), min_size=1, max_size=6),
)
def test_a_relaxed_call_never_has_fewer_candidates_whatever_is_wished(
    needs: tuple[Need, ...], wished: list[Wish], people: list[tuple[dict[str, int], bool, bool]]
) -> None:
    assert widening_fault(needs) is None
    made = asking_also(needs, wished)
    assert widening_fault(made) is None
    hall = {
        str(number): ({**has, **({"dialect": 1} if dialect else {})}, frozenset(["tax"] if kept else []))
        for number, (has, dialect, kept) in enumerate(people)
    }
    before: set[str] = set()
    for need in made:
        able = {agent for agent, (has, kept) in hall.items() if may(agent, has, kept, need)}
        assert before <= able, "somebody who could take the call no longer may"
        before = able
    if all(wish.until_ms is not None for wish in wished):
        assert made[-1].skills == needs[-1].skills, "in the end nothing is wished any more"
    last = max((wish.until_ms or 0 for wish in wished), default=0)
    for at in range(0, 40_000, 5_000):
        plain = [need for need in needs if need.after_ms <= at][-1]
        asked = [need for need in made if need.after_ms <= at][-1]
        assert dict(plain.skills).items() <= {**dict(asked.skills)}.items(), "a wish takes nothing away"
        if at >= last and all(wish.until_ms is not None for wish in wished):
            assert asked.skills == plain.skills, "wishes are over when their time is"


@pytest.mark.parametrize(
    ("needs", "fault"),
    [
        ((), "there is no step"),
        ((Need((), 5),), "the first step comes after 5 ms"),
        ((Need(()), Need((), 9), Need((), 8)), "a step after 8 ms follows one after 9 ms"),
        (
            (Need((("a", 1),)), Need((("b", 1),), 9)),
            "after 9 ms level 1 of b is asked, 0 before",
        ),
        (
            (Need((("a", 1),)), Need((("a", 2),), 9)),
            "after 9 ms level 2 of a is asked, 1 before",
        ),
    ],
)
def test_steps_that_do_not_widen_are_told(needs: tuple[Need, ...], fault: str) -> None:
    assert widening_fault(needs) == fault


def test_a_wish_that_the_need_has_already_adds_no_step() -> None:
    needs = (Need((("12345", 2),)),)
    assert wishing(needs, "12345", 5_000) is needs


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("13800000001", "13800000001"),
        ("+86 138 0000 0001", "13800000001"),
        ("013800000001", "13800000001"),
        ("65970001", "037165970001"),
        ("0371-65970001", "037165970001"),
        ("+8637165970001", "037165970001"),
        ("anonymous", ""),
        ("", ""),
        ("999999999999999", "999999999999999"),
        ("1" * 300, ""),
    ],
)
def test_a_caller_is_the_same_however_the_number_is_written(text: str, key: str) -> None:
    assert caller_key(text, "0371") == key


def test_the_longest_beginning_decides_on_which_list_a_caller_is() -> None:
    lists = (
        CallerList("city", "市", prefixes=(prefix_key("6*", "0371"), prefix_key("139*", "0371"))),
        CallerList("park", "园区", prefixes=(prefix_key("0371-6597*", "0371"),)),
        CallerList("one", "一", numbers=frozenset(["037165970001"])),
    )
    known = Preferences(lists=lists)
    found = {
        text: (one.name if (one := known.list_of(caller_key(text, "0371"))) else None)
        for text in ("65970001", "65970002", "66970002", "13911112222", "13811112222", "")
    }
    assert list(found.values()) == ["one", "park", "city", "city", None, None]
    with pytest.raises(ValueError, match="no beginning"):
        prefix_key("65a*", "0371")


# ── the engine: last agents ──────────────────────────────────────────────────────────────────────────────────


def _only_last_agents(wait_ms: int = 10_000) -> Setup:
    return replace(town(), preferences=Preferences(HOUR, wait_ms))


def _offer(hall: Hall, call: str, caller: str = "13800000001", called: str = "12345") -> list[RingAgent]:
    offered = hall.tell(CallOffered(call, "unicom", called, caller))
    return rings([*offered, *hall.tell(PromptFinished(call))])


def _finish(hall: Hall, call: str, agent: str) -> None:
    hall.tell(AgentAnswered(call, agent), AgentHungUp(call, agent), CallerHungUp(call, 16))


def test_a_caller_finds_the_last_agent_though_another_is_idle_for_longer() -> None:
    hall = Hall("101@8001", "102@8002", setup=_only_last_agents())
    assert _offer(hall, "a")[0].agent == "101"
    _finish(hall, "a", "101")
    hall.wait(40_000)
    assert _offer(hall, "b", "13800000002")[0].agent == "102"
    hall.tell(CallerHungUp("b", 16))
    (ring,) = _offer(hall, "c", "+86 138 0000 0001")
    assert ring.agent == "101"
    assert "talked to the caller last" in ring.because
    hall.tell(CallerHungUp("c", 16))
    hall.wait(HOUR)
    assert _offer(hall, "d")[0].agent == "102", "after an hour it is forgotten"


def test_a_caller_waits_for_a_busy_last_agent_so_long_and_no_longer() -> None:
    hall = Hall("101@8001", "102@8002", setup=_only_last_agents())
    _offer(hall, "a")
    _finish(hall, "a", "101")
    assert hall.agent("101").activity == "wrap-up"
    assert _offer(hall, "b") == []
    assert hall.call("b").because[-1] == "Agent 101 talked to the caller last: asked first, for 10 s."
    hall.restart()
    told = why_waiting(hall.engine.state, "b", START + hall.at)
    assert "It asks for an agent with 12345 at 1 or better, agent 101 alone." in told
    assert "1 signed on have that: 1 in wrap-up." in told
    assert "In 10 s it asks for an agent with 12345 at 1 or better." in told
    assert rings(hall.wait(9_999)) == []
    assert [ring.agent for ring in rings(hall.wait(1))] == ["102"]


def test_a_last_agent_who_falls_free_in_time_gets_the_call() -> None:
    hall = Hall("101@8001", "102@8002", setup=_only_last_agents())
    _offer(hall, "a")
    _finish(hall, "a", "101")
    assert _offer(hall, "b") == []
    assert [ring.agent for ring in rings(hall.tell(WrapUpEndAsked("8001")))] == ["101"]


def test_a_last_agent_who_is_not_waited_for_is_asked_first_all_the_same() -> None:
    hall = Hall("101@8001", "102@8002", setup=_only_last_agents(wait_ms=0))
    _offer(hall, "a")
    _finish(hall, "a", "101")
    assert [ring.agent for ring in _offer(hall, "b")] == ["102"], "busy: the next one at once"


@pytest.mark.parametrize(
    "fact",
    [BreakAsked("8001", "1"), SignOffAsked("8001"), SeatUnreachable("8001")],
    ids=["a break", "signed off", "the phone is gone"],
)
def test_nobody_waits_for_a_last_agent_who_has_gone(
    fact: BreakAsked | SignOffAsked | SeatUnreachable,
) -> None:
    hall = Hall("101@8001", "102@8002", setup=_only_last_agents())
    _offer(hall, "a")
    _finish(hall, "a", "101")
    assert _offer(hall, "b") == []
    hall.restart()
    assert [ring.agent for ring in rings(hall.tell(fact))] == ["102"]
    assert person_of(hall.engine.state.calls["b"].waits.needs[1].skills) is None  # type: ignore[union-attr]


def test_a_last_agent_at_whose_phone_it_rings_out_is_not_waited_for() -> None:
    hall = Hall("101@8001", "102@8002", setup=_only_last_agents())
    _offer(hall, "a")
    _finish(hall, "a", "101")
    hall.wait(30_000)
    assert [ring.agent for ring in _offer(hall, "b")] == ["101"]
    orders = hall.tell(AgentRangOut("b", "101", "busy"))
    assert [ring.agent for ring in rings(orders)] == ["102"]
    assert isinstance(orders[-1], RingAgent), "rings come last"


def test_a_last_agent_without_the_skill_is_not_asked() -> None:
    hall = Hall("101@8001", "105@8002", setup=_only_last_agents())
    _offer(hall, "a")
    _finish(hall, "a", "101")
    assert [ring.agent for ring in _offer(hall, "b", called="12315")] == ["105"]
    assert (
        hall.call("b").because[-1] == "Agent 101 talked to the caller last, and has not what this call asks."
    )


def test_a_last_agent_who_is_gone_is_told_in_the_reasons() -> None:
    hall = Hall("101@8001", "102@8002", setup=_only_last_agents())
    _offer(hall, "a")
    _finish(hall, "a", "101")
    hall.tell(SignOffAsked("8001"))
    assert [ring.agent for ring in _offer(hall, "b")] == ["102"]
    assert hall.call("b").because[-1] == "Agent 101 talked to the caller last, and is not signed on."


def test_nobody_who_hides_the_number_is_remembered() -> None:
    hall = Hall("101@8001", setup=replace(town(), preferences=Preferences(HOUR, 10_000, HOUR)))
    _offer(hall, "a", "anonymous")
    _finish(hall, "a", "101")
    assert hall.engine.state.callers == {}


def test_memory_is_bounded_and_forgets_whoever_was_silent_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "CALLERS", 3)
    hall = Hall(setup=replace(town(), preferences=Preferences(HOUR, 10_000, HOUR)))
    for n in (1, 2, 3, 1, 4):
        hall.tell(CallOffered(f"c{hall.at}", "unicom", "12345", f"1380000000{n}"))
        hall.tell(CallerHungUp(f"c{hall.at}", 16))
        hall.wait(1)
    assert [caller[-1] for caller in hall.engine.state.callers] == ["3", "1", "4"]
    hall.restart()
    assert [caller[-1] for caller in hall.engine.state.callers] == ["3", "1", "4"]
    hall.engine.reconfigure(town(), START + hall.at)
    assert hall.engine.state.callers == {}, "a city that asks for no memory has none"


# ── repeated calls and lists ─────────────────────────────────────────────────────────────────────────────────


def test_a_caller_who_calls_again_goes_a_step_ahead_and_the_seat_sees_it() -> None:
    hall = Hall(setup=replace(town(), preferences=Preferences(repeat_ms=HOUR, repeat_priority=2)))
    _offer(hall, "a")
    hall.tell(CallerHungUp("a", 16))
    hall.wait(1000)
    _offer(hall, "b", "13800000002")
    _offer(hall, "c")
    assert hall.call("c").priority == 2
    assert "The caller has called once within 1 h before this." in hall.call("c").because
    assert "Priority 2 more: the caller calls again." in hall.call("c").because
    (ring, *_) = rings(hall.sign_on("101@8001"))
    assert (ring.call, ring.line) == ("c", "12345-hotline-第2次来电")


def test_whoever_calls_all_the_time_is_not_preferred_for_it() -> None:
    hall = Hall(setup=replace(town(), preferences=Preferences(repeat_ms=HOUR)))
    for n in range(12):
        _offer(hall, f"c{n}")
        priority = hall.call(f"c{n}").priority
        hall.tell(CallerHungUp(f"c{n}", 16))
        assert priority == (1 if 0 < n < 10 else 0)


def test_an_enterprise_finds_its_own_people_first_and_is_urgent() -> None:
    hall = Hall("101@8001", "106@8002", setup=preferring(town()))
    assert [ring.agent for ring in _offer(hall, "a", "13811110000")] == ["101"]
    (ring,) = _offer(hall, "b", "13911110000")
    assert ring.agent == "106"
    assert ring.line == "12345-hotline-企业"
    hall.tell(CallerHungUp("a", 16), CallerHungUp("b", 16), BreakAsked("8002", "1"))
    assert [ring.agent for ring in _offer(hall, "c", "13911110001")] == [], "she may come back within 20 s"
    assert hall.call("c").priority == 1
    assert [ring.agent for ring in rings(hall.wait(20_000))] == ["101"]


def test_callers_of_a_list_wait_in_its_queue_only_instead_of_the_citys_own() -> None:
    listed = CallerList("park", "园区", prefixes=("139",), queue="12315")
    hall = Hall(setup=replace(town(), preferences=Preferences(lists=(listed,))))
    _offer(hall, "a", "13900000001")
    waits = hall.call("a").waits
    assert waits is not None
    assert (waits.queue, waits.needs) == ("12315", CITY.needs)


# ── reserves ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_others_get_a_reserved_agent_only_beyond_those_kept_or_after_a_while() -> None:
    hall = Hall("103@8001", "104@8002", setup=preferring(town()))
    assert [ring.agent for ring in _offer(hall, "a", "13800000001")] == ["103"], "104 is the one who is kept"
    assert _offer(hall, "b", "13800000002") == []
    told = why_waiting(hall.engine.state, "b", START + hall.at)
    assert (
        "2 signed on have that: 1 being rung for another call, 1 kept free by the reserve consumers." in told
    )
    hall.restart()
    assert [ring.agent for ring in _offer(hall, "c", "13800000003", "12315")] == ["104"]
    hall.tell(AgentAnswered("a", "103"), CallerHungUp("c", 16))
    assert hall.call("b").state == "queued"
    assert [ring.agent for ring in rings(hall.wait(60_000))] == ["104"]


def test_a_reserve_for_a_line_serves_that_line_though_it_asks_another_skill() -> None:
    reserve = Reserve("city", "12345", keep=1, lines=("12348",))
    hall = Hall("101@8001", setup=replace(town(), reserves=(reserve,)))
    assert _offer(hall, "a") == []
    assert not rings(hall.wait(60_000)), "never"
    setup = replace(town(), reserves=(reserve,))
    assert reserve.is_for("12348", CITY.needs)
    assert not reserve.is_for("12345", CITY.needs)
    assert [
        ring.agent for ring in rings(hall.engine.reconfigure(replace(setup, reserves=()), START + hall.at))
    ] == ["101"]


def test_what_an_emergency_centre_hands_over_takes_whom_a_reserve_keeps() -> None:
    hall = Hall("103@8001", setup=preferring(town()))
    assert _offer(hall, "a", "13800000001") == []
    orders = hall.tell(CallOffered("e", "police", "12345", "13800000002"))
    assert [ring.agent for ring in rings(orders)] == ["103"]


# ── a seat of one line ───────────────────────────────────────────────────────────────────────────────────────


def test_at_the_seat_of_a_line_only_that_line_rings() -> None:
    hall = Hall("103@8004", setup=preferring(town()))
    assert _offer(hall, "a", "13800000001") == []
    assert [ring.agent for ring in _offer(hall, "b", "13800000002", "12315")] == ["103"]


def test_whoever_knows_nothing_of_a_seats_line_is_told_so_and_not_signed_on() -> None:
    hall = Hall(setup=preferring(town()))
    assert said(hall.sign_on("101@8004")) == ["seat-other-line"]
    assert hall.engine.state.agents == {}
    assert said(hall.tell(SignOnAsked("8004", "105", proven=True, desk="d"))) == ["signed-on"]


# ── limits ───────────────────────────────────────────────────────────────────────────────────────────────────


def _waits(hall: Hall) -> dict[str, str]:
    return {
        c.call: c.waits.queue for c in hall.engine.state.calls.values() if c.waits and c.state == "queued"
    }


def _fill(hall: Hall, count: int, called: str = "12345") -> None:
    for n in range(count):
        _offer(hall, f"{called}-{n}", f"1370000{n:04}", called)


def test_a_full_queue_overflows_and_the_call_asks_what_is_asked_there() -> None:
    hall = Hall(setup=preferring(town()))
    _fill(hall, 3)
    _offer(hall, "a")
    assert _waits(hall)["a"] == "12315"
    assert hall.call("a").because[-2:] == (
        "Queue 12345 is full (3 waiting).",
        "Queue 12345 overflows to queue 12315.",
    )
    assert [(ring.call, ring.agent) for ring in rings(hall.sign_on("105@8001"))] == [("a", "105")]


def test_whoever_waited_too_long_goes_on_waiting_where_it_overflows_and_keeps_the_place() -> None:
    hall = Hall(setup=preferring(town()))
    _offer(hall, "a")
    hall.wait(60_000)
    _offer(hall, "b", "13800000002", "12315")
    orders = hall.wait(60_000)
    assert orders == [HoldMusic("a", "12315")]
    assert _waits(hall) == {"a": "12315", "b": "12315"}
    hall.restart()
    (ring,) = rings(hall.sign_on("105@8001"))
    assert ring.call == "a", "it came first"
    hall.tell(AgentRangOut("a", "105", "busy"))
    assert hall.call("a").state == "queued"


def test_queues_that_overflow_into_each_other_turn_away_in_the_end() -> None:
    setup = preferring(town())
    round_about = {
        "12345": replace(setup.queues["12345"], max_length=1),
        "12315": replace(
            setup.queues["12315"], max_length=1, then="overflow", overflow=Wait("12345", CITY.needs)
        ),
        "open": replace(setup.queues["12315"], name="open", max_length=None),
    }
    hall = Hall(setup=replace(setup, queues=round_about))
    _fill(hall, 1)
    _fill(hall, 1, "12315")
    hall.tell(CallOffered("a", "unicom", "12345", "13800000001"))
    assert hall.tell(PromptFinished("a")) == [Play("a", ("all-busy",))]
    assert hall.engine.state.refusals.of_day(START + hall.at) == {"full 12345": 1}


def test_overload_is_said_politely_counted_and_recorded_as_refused() -> None:
    hall = Hall(setup=preferring(town()))
    _fill(hall, 3)
    _fill(hall, 2, "12315")
    hall.tell(CallOffered("a", "unicom", "12345", "13800000009"))
    assert hall.tell(PromptFinished("a")) == [Play("a", ("overload",))]
    assert hall.call("a").because[-1] == "Overload: 5 wait in all, and 5 may."
    assert hall.engine.state.refusals.of_day(START + hall.at) == {"overload": 1}
    hall.restart()
    hall.tell(PromptFinished("a"))
    (record,) = records(hall.tell(CallerHungUp("a", 16)))
    assert record.disposition == "refused"
    assert hall.engine.state.refusals.of_day(START + hall.at) == {"overload": 1}
    assert hall.engine.state.refusals.of_day(START + 86_400_000) == {}, "the next day counts anew"


def test_when_every_queue_is_full_it_is_overload_too() -> None:
    setup = preferring(town())
    hall = Hall(setup=replace(setup, max_waiting=None, queues={"12345": setup.queues["12345"]}))
    _fill(hall, 3)
    _offer(hall, "a")
    assert hall.call("a").because[-1] == "Overload: every queue is full."


def test_no_limit_turns_away_what_an_emergency_centre_hands_over() -> None:
    hall = Hall(setup=preferring(town()))
    _fill(hall, 3)
    _fill(hall, 2, "12315")
    orders = hall.tell(CallOffered("e", "police", "12345", "13800000002"))
    assert HoldMusic("e", "12345") in orders
    assert sum(hall.engine.state.waiting.values()) == 6


# ── why ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_why_a_call_waits_is_told_with_its_place_and_what_changes_when() -> None:
    hall = Hall("102@8001", setup=town())
    hall.talking("x", "102")
    _fill(hall, 1, "12315")
    _offer(hall, "a")
    _offer(hall, "b", "13800000002")
    hall.wait(7_000)
    assert why_waiting(hall.engine.state, "b", START + hall.at) == [
        "Call b has waited 7 s in queue 12345, priority 0.",
        "The called number is 12345, the city's own.",
        "12345 answers: queue 12345.",
        "Of the 3 that wait 2 are more urgent or came before it, 1 in its own queue.",
        "It asks for an agent with 12345 at 1 or better.",
        "1 signed on have that: 1 talking.",
        "In 113 s its time in queue 12345 is over.",
    ]
    assert "Nobody who is signed on has that; of those employed 3 have it." in why_waiting(
        hall.engine.state, "12315-0", START + hall.at
    )
    assert why_waiting(hall.engine.state, "x", START) == [
        "Call x: talking. It does not wait: somebody talks with the caller, or has just done so."
    ]
    assert why_waiting(hall.engine.state, "zz", START) == ["Call zz is not in progress."]
