"""Plans of shifts: cheapest, kept to the rules, and true for callers whom the search has never seen."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from simulator.precision import Aim
from simulator.roster import roster
from simulator.roster_check import faults
from simulator.rules import EIGHT, HALF_HOUR, ROWS, SIX, Experts, Rules
from simulator.scenario import Duration, Group, Need, Scenario, Shift, SubCentre, Transfer, Wait
from simulator.shifts import with_experts
from simulator.staffing import StaffPlan, staff
from simulator.study import Study, pursue, simulate
from tests.simulator.weeks import town

QUICK = Rules(kinds=(replace(EIGHT, starts=(0, 420, 480, 540, 660, 780, 900, 960, 1320)),), solve_seconds=3.0)
"""few starts: their coverings are proven in a wink"""


@pytest.fixture(scope="module")
def plan() -> StaffPlan:
    return staff(town(), rules=QUICK)


def played(scenario: Scenario, seed: int):  # type: ignore[no-untyped-def]
    study = Study(replace(scenario, seed=seed), aim=Aim(target=scenario.target, width=0.001))
    pursue([study])
    return study.figures()


def test_the_plan_meets_the_target_with_callers_of_other_seeds(plan: StaffPlan) -> None:
    assert plan.verdict == "met"
    assert plan.answer_rate.low >= plan.target == 0.97
    for seed in (9001, 9002, 9003):
        assert played(plan.scenario, seed).verdict != "missed"


def test_the_same_question_has_the_same_answer(plan: StaffPlan) -> None:
    again = staff(town(), rules=QUICK)
    assert again.shifts == plan.shifts
    assert again.answer_rate == plan.answer_rate


def test_the_plan_is_not_wasteful(plan: StaffPlan) -> None:
    """Less than a point above the target; and a twentieth of the shifts fewer would miss it."""
    assert plan.answer_rate.mean < plan.target + 0.01
    fewer = [
        replace(s, seats=max(s.seats - (i % 12 == 0), 0))
        for i, s in enumerate(plan.scenario.groups[0].shifts)
    ]
    groups = (replace(plan.scenario.groups[0], shifts=tuple(fewer)),)
    assert simulate(replace(plan.scenario, groups=groups), days=140).answer_rate.mean < plan.answer_rate.mean


def test_the_shifts_cover_the_need_and_cost_what_is_said(plan: StaffPlan) -> None:
    minutes = np.zeros(ROWS)
    for shift in plan.shifts:
        for row, there in shift.pattern.present().items():
            minutes[row] += there * shift.people
    assert (minutes / HALF_HOUR >= np.array(plan.need)).all()
    assert plan.seats == tuple((minutes // HALF_HOUR).astype(int).tolist())
    assert plan.paid_hours == sum(s.people * s.paid_minutes for s in plan.shifts) / 60
    assert plan.least_hours <= plan.paid_hours
    assert plan.proven == (plan.least_hours == plan.paid_hours)
    assert min(plan.need) >= QUICK.open_seats


def test_the_scenario_has_these_shifts_each_with_its_meal(plan: StaffPlan) -> None:
    (group,) = plan.scenario.groups
    assert sum(s.seats * len(s.weekdays) for s in group.shifts) == sum(s.people for s in plan.shifts)
    for shift in group.shifts:
        (meal,) = shift.breaks
        assert 0 < meal.after_minutes < shift.to_minute - shift.from_minute - meal.minutes
    assert plan.most_seats == plan.scenario.seats()
    assert plan.establishment == QUICK.staff(plan.most_seats)


def test_no_half_hour_lies_under_the_rules_least(plan: StaffPlan) -> None:
    figures = simulate(plan.scenario, days=700)
    rates = figures.by_half_hour.answer_rate
    assert (rates.mean + 2 * (rates.high - rates.mean) >= QUICK.half_hour).all()


def test_callers_who_hang_up_in_the_ring_call_for_no_seats_at_night() -> None:
    """One in twenty hangs up while the seat rings: of a dozen calls in a night's half hour by chance two, whoever is there."""
    quiet = replace(town(250.0), ring=Duration("constant", 6.0))
    found = staff(quiet, 0.9, rules=QUICK)
    assert found.verdict == "met"
    assert max(need for row, need in enumerate(found.need) if row % 48 < 12) == QUICK.open_seats


def test_as_many_people_as_the_plan_says_can_work_it(plan: StaffPlan) -> None:
    made = roster(plan, plan.people, 4)
    assert faults(made, plan.shifts) == []
    assert made.proven


def test_the_document_is_plain_data(plan: StaffPlan) -> None:
    read = json.loads(json.dumps(plan.document()))
    assert read["verdict"] == "met"
    assert read["seats"] == plan.most_seats
    assert set(read["answer_rate"]) == {"mean", "low", "high"}
    assert sum(s["people"] for s in read["shifts"]) == sum(s.people for s in plan.shifts)
    assert len(read["need"]) == len(read["at_work"]) == ROWS


def test_progress_never_runs_back_and_ends_where_it_said() -> None:
    told: list[tuple[str, int, int]] = []
    staff(town(200), 0.9, rules=QUICK, progress=lambda *what: told.append(what))
    done = [step for _, step, _ in told]
    assert done == sorted(done)
    assert all(step <= expected for _, step, expected in told)
    assert told[-1][0] == "played with other callers"


def test_a_hall_that_is_too_small_is_a_verdict_with_its_reason() -> None:
    found = staff(town(), rules=replace(QUICK, seats=5))
    assert found.verdict == "missed"
    assert found.most_seats <= 5
    assert any(note.startswith("rules.seats: ") and "5 seats allow" in note for note in found.notes)


def test_a_target_beyond_reach_ends_and_says_why() -> None:
    found = staff(replace(town(300), ring=Duration("constant", 6.0)), 0.98, rules=QUICK)
    assert found.verdict == "missed"
    assert any(note.startswith("ring: 4.8") for note in found.notes)


def test_a_target_that_is_no_share_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^target: 98 is no share of calls: give a number between 0 and 1"):
        staff(town(), 98)


def test_other_kinds_of_shift_are_taken_when_the_rules_say_so() -> None:
    found = staff(
        town(200), 0.9, rules=replace(QUICK, kinds=(replace(SIX, starts=(0, 360, 480, 600, 720, 1080)),))
    )
    assert {s.pattern.kind.name for s in found.shifts} == {"6h"}
    assert all(not s.breaks for s in found.scenario.groups[0].shifts)


# ── experts and sub-centres ──────────────────────────────────────────────────────────────────────────────────


def with_law(seats: int, per_day: float = 1000.0) -> Scenario:
    wait = Wait("law", (Need((("12348", 3),)), Need((("12348", 1),), 15_000)))
    lines = (
        replace(town().lines[0], share=0.98),
        replace(town().lines[0], name="12348", share=0.02, wait=wait),
    )
    general = Group("general", {"12345": 1, "12348": 1}, town().groups[0].shifts)
    law = Group(
        "law", {"12348": 3}, (Shift("day", seats, 540, 1020, frozenset(range(5))),), expert=True, scaled=False
    )
    return replace(town(per_day), lines=lines, groups=(general, law))


@pytest.mark.parametrize(
    ("per_day", "had", "at_least"), [(60, 1, 1), (100, 1, 2), (200, 2, 2), (1000, 1, 3), (1000, 3, 3)]
)
def test_departments_have_as_many_experts_as_their_calls_ask(per_day: float, had: int, at_least: int) -> None:
    """2 % of 60 calls a day are 403 a year, of 100 671, of 200 1,343, of 1,000 6,714."""
    mended, notes = with_experts(with_law(had, per_day), Rules())
    law = mended.groups[1]
    assert sum(s.seats for s in law.shifts) == at_least
    assert bool(notes) == (at_least > had)
    assert all(note.startswith("rules.experts.law: ") for note in notes)


def test_an_own_rule_about_experts_comes_before_the_departments() -> None:
    mended, _ = with_experts(with_law(1), Rules(experts=(Experts("law", 5),)))
    assert sum(s.seats for s in mended.groups[1].shifts) == 5
    unchanged, notes = with_experts(with_law(1), Rules(departments=False))
    assert (unchanged.groups, notes) == (with_law(1).groups, ())
    with pytest.raises(ValueError, match=r"^rules\.experts\.tax: the scenario has no such group: name one"):
        with_experts(with_law(1), Rules(experts=(Experts("tax", 1),)))


def test_a_sub_centre_gets_the_seats_that_95_in_100_within_15_seconds_take() -> None:
    line = replace(
        town().lines[0],
        transfer=Transfer(0.3, "tax", Duration("constant", 20.0), Duration("constant", 200.0)),
    )
    third = SubCentre("tax", seats=1, answer=Duration("constant", 5.0))
    found = staff(replace(town(300), lines=(line,), subcentres=(third,)), 0.9, rules=QUICK)
    (sub,) = found.scenario.subcentres
    assert sub.seats is not None
    assert sub.seats > 1
    assert any(note.startswith("rules.subcentre: tax takes ") for note in found.notes)
    outcome = simulate(found.scenario, days=140).outcome
    assert outcome.transferred_within.sum() / outcome.transferred.sum() >= 0.95


def test_a_sub_centre_that_answers_too_late_is_named_and_not_given_seats_in_vain() -> None:
    line = replace(town().lines[0], transfer=Transfer(0.2, "tax", Duration("constant", 20.0)))
    third = SubCentre("tax", seats=20, answer=Duration("constant", 30.0))
    found = staff(replace(town(200), lines=(line,), subcentres=(third,)), 0.9, rules=QUICK)
    assert found.scenario.subcentres[0].seats == 20
    assert any(
        note.startswith("rules.subcentre: tax answers 0.0% of its transfers within 15 s")
        for note in found.notes
    )
