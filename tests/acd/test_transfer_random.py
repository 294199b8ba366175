"""Ten thousand calls whose seats transfer at random and whose legs hang up at random: nothing leaks, nobody is stuck,
every call has its record."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest

from acd.agents import Activity
from acd.messages import CallRecord
from acd.setup import TrunkSetup
from tests.acd.switchboard import Switchboard
from tests.acd.town import SEATS, START, calling_back, town

CALLS = 10_000
CALLED = ("12345", "12345", "12345", "12315", "12348", "12366", "110")


def board(seed: int, *, calls_back: bool = False, **more: float) -> Switchboard:
    setup = calling_back(town()) if calls_back else town()
    setup = replace(setup, trunks={t: TrunkSetup(t, 40) for t in ("unicom", "telecom", "tax", "police")})
    made = Switchboard(setup, random.Random(seed), START, **more)
    for agent, seat in zip(("101", "102", "103", "104", "106"), SEATS, strict=True):
        made.sign_on(agent, seat)
    return made


def play(made: Switchboard, calls: int, gap_every: int = 0) -> None:
    while made.offered < calls:
        if made.rng.random() < 0.15:
            made.dial_out()
        else:
            made.offer(made.rng.choice(CALLED))
        if gap_every and made.offered % gap_every == 0:
            made.gap()
        made.run(until=made.now + made._soon(2_000, 60_000))
        made.forget()
    made.run()


def all_is_well(made: Switchboard, calls: int) -> None:
    state = made.engine.state
    assert made.alive() == []
    assert state.calls == {}
    assert state.wrapping == {}
    assert {t: n for t, n in state.load.items() if n} == {}
    assert {q: n for q, n in state.waiting.items() if n} == {}
    assert {agent.activity for agent in state.agents.values()} <= {Activity.IDLE, Activity.RESTING}
    assert state.timers.next() is None or {a.activity for a in state.agents.values()} == {Activity.RESTING}
    assert made.offered == calls
    assert Counter(record.call for record in made.records) == Counter(f"{n}.0" for n in range(1, calls + 1))


def outcomes(records: list[CallRecord]) -> Counter[str]:
    return Counter(told.outcome or "" for record in records for told in record.transfers)


@pytest.mark.parametrize("part", range(4))
def test_calls_with_transfers_and_random_hang_ups_leak_nothing(part: int) -> None:
    made = board(part, restarts=0.002)
    play(made, CALLS // 4)
    all_is_well(made, CALLS // 4)
    found = outcomes(made.records)
    wanted = {
        "handed over",
        "joined",
        "consulted",
        "queued",
        "busy",
        "noanswer",
        "refused",
        "given back",
        "hung up",
    }
    assert wanted <= found.keys(), found
    assert all(told.ended is not None for record in made.records for told in record.transfers)
    own = outcomes([record for record in made.records if record.direction == "out"])
    assert {"handed over", "joined", "consulted", "queued", "given back"} <= own.keys(), own


def test_call_backs_with_transfers_and_random_hang_ups_leak_nothing() -> None:
    made = board(21, calls_back=True, restarts=0.002)
    play(made, 2_000, gap_every=50)
    made.run()
    state = made.engine.state
    assert made.alive() == []
    assert (state.calls, state.wrapping, state.backs) == ({}, {}, {})
    assert not +state.load
    assert {agent.activity for agent in state.agents.values()} <= {Activity.IDLE, Activity.RESTING}
    backs = [record for record in made.records if record.direction == "back"]
    found = outcomes(backs)
    assert {"handed over", "joined", "queued"} <= found.keys(), found
    assert max(Counter(record.call for record in backs).values()) == 1
    assert {record.call for record in made.records if record.direction != "back"} == {
        f"{n}.0" for n in range(1, made.offered + 1)
    }


def test_moves_that_the_switch_fails_to_make_strand_nobody() -> None:
    made = board(11, lossy=0.05)
    play(made, 1_000)
    all_is_well(made, 1_000)


def test_gaps_in_the_middle_of_transfers_strand_nobody() -> None:
    made = board(12, restarts=0.01)
    play(made, 1_000, gap_every=3)
    all_is_well(made, 1_000)
