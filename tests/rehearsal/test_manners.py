from __future__ import annotations

import random

import pytest

from hotline.rehearsal.manners import (
    FOR_EVER_MS,
    Dialled,
    Fixed,
    Forwarding,
    Lognormal,
    Manner,
    Plan,
    Told,
    Uniform,
    caller_rows,
    forwarded,
    header_fields,
    milliseconds,
    phone_rows,
    told_rows,
    waiting_first,
)


def put_together(fields: str) -> list[str]:
    """What `caller.xml` makes of the fields of three headers."""
    pieces = fields.split(";")
    return [";".join(piece for piece in pieces[n : n + 5] if piece) for n in (0, 5, 10)]


@pytest.mark.parametrize("how", Forwarding)
def test_headers_come_out_of_the_scenarios_fields_as_they_went_in(how: Forwarding) -> None:
    headers = forwarded(["12315", "62912345"], how)
    assert put_together(header_fields(headers))[: len(headers)] == list(headers)


def test_the_last_hop_stands_first_in_diversion_and_last_in_history_info() -> None:
    assert [header.split("@")[0] for header in forwarded(["12315", "12316"])] == [
        "Diversion: <sip:12316",
        "Diversion: <sip:12315",
    ]
    (history,) = forwarded(["12315", "12316"], Forwarding.HISTORY)
    assert history.index("12315") < history.index("12316")


@pytest.mark.parametrize("header", ["A: 1\r\nB: 2", "A: [field1]", "A: 1;2;3;4;5;6", "A: 1;;2"])
def test_a_header_that_would_break_the_scenario_is_refused(header: str) -> None:
    with pytest.raises(ValueError, match="headers: "):
        header_fields([header])


def test_four_headers_are_one_too_many() -> None:
    with pytest.raises(ValueError, match="at most 3"):
        header_fields(["A: 1"] * 4)


def test_lognormal_times_have_the_mean_that_was_asked_for() -> None:
    chance = random.Random(7)
    drawn = [Lognormal(160, 120).draw(chance) for _ in range(20_000)]
    assert sum(drawn) / len(drawn) == pytest.approx(160, rel=0.02)


def test_none_lasts_for_ever_and_nothing_lasts_less_than_no_time() -> None:
    assert milliseconds(None, random.Random(1)) == FOR_EVER_MS
    assert milliseconds(Fixed(-1), random.Random(1)) == 0


def test_numbers_in_turn_are_dialled_one_after_the_other() -> None:
    plan = Plan(4, 10, (Dialled("12345"), Dialled("12315"), Dialled("110")), in_turn=True)
    rows = caller_rows(plan, ["1", "2", "3", "4"], None, random.Random(1))
    assert [row.split(";")[1] for row in rows] == ["12345", "12315", "110", "12345"]


def test_weights_decide_how_often_a_number_is_dialled() -> None:
    plan = Plan(2000, 10, (Dialled("12345", 3), Dialled("12315", 1)))
    rows = caller_rows(plan, map(str, range(2000)), None, random.Random(1))
    assert sum(row.split(";")[1] == "12345" for row in rows) == pytest.approx(1500, abs=80)


def test_the_same_seed_gives_the_same_times() -> None:
    manner = Manner(ring_s=Uniform(1, 5), talk_s=Lognormal(160, 120))
    assert phone_rows(manner, random.Random(3)) == phone_rows(manner, random.Random(3))
    assert len(set(phone_rows(manner, random.Random(3)))) > 1000


def test_a_plan_without_calls_is_refused() -> None:
    with pytest.raises(ValueError, match="plan: "):
        Plan(0, 1, (Dialled("12345"),))


def test_a_scenario_whose_first_step_is_another_is_not_changed_in_silence() -> None:
    with pytest.raises(ValueError, match="its first step is not where it was"):
        waiting_first("<scenario/>")


def test_callers_known_beforehand_wait_for_their_times_from_their_own_start() -> None:
    told = [Told(0.0, Dialled("12345"), 10.0, 5.0), Told(2.0, Dialled("12315"), None, 1.5)]
    first, second = (row.split(";") for row in told_rows(told, ["1", "2"], rate=100.0))
    assert (first[1], first[4], first[5], first[21]) == ("12345", "10000", "5000", "0")
    assert (second[1], second[4], second[5], second[21]) == ("12315", str(FOR_EVER_MS), "1500", "1990")
