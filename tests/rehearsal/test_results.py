from __future__ import annotations

import pytest

from hotline.rehearsal.results import (
    Joined,
    Leg,
    Outcome,
    SeatLogin,
    join,
    legs,
    parse,
    percentile,
    spread,
    summarise,
)


def line(kind: str, at: float, call: str, caller: str, called: str, detail: str = "") -> str:
    return f"{kind}|2026-01-05\t09:00:00.000000\t{at:.6f}|{call}|{caller}|{called}|{detail}\n"


CALLERS = (
    line("offered", 100.0, "c1", "138001", "12345")
    + line("answered", 100.010, "c1", "138001", "12345")
    + line("offered", 101.0, "c2", "138002", "12315")
    + line("refused", 101.5, "c2", "138002", "12315", "503")
    + line("offered", 102.0, "c3", "138003", "12345")
    + line("answered", 102.0, "c3", "138003", "12345")
    + line("ended", 103.0, "c3", "138003", "12345", "caller")
    + line("offered", 103.0, "c4", "138004", "12345")
    + line("answered", 103.1, "c4", "138004", "12345")
    + line("ended", 105.0, "c4", "138004", "12345", "switch")
    + line("offered", 104.0, "c5", "138005", "12345")
    + line("cancelled", 106.0, "c5", "138005", "12345")
    + line("offered", 107.0, "c6", "138006", "12345")
    + line("ended", 110.010, "c1", "138001", "12345", "switch")
)
PHONES = (
    line("rang", 100.012, "p1", "138001", "1001")
    + line("refused", 100.020, "p1", "138001", "1001", "486 Busy Here")
    + line("rang", 100.022, "p2", "138001", "1002")
    + line("answered", 101.022, "p2", "138001", "1002")
    + line("rang", 102.5, "p3", "138003", "1003")
    + line("cancelled", 103.001, "p3", "138003", "1003")
    + line("ended", 110.0, "p2", "138001", "1002", "phone")
)


def joined() -> list[Joined]:
    return join(legs(parse(CALLERS)), legs(parse(PHONES)))


def test_a_seats_phone_is_joined_to_the_caller_whose_number_it_showed() -> None:
    first = joined()[0]
    assert [leg.called for leg in first.phones] == ["1001", "1002"]
    assert first.person is not None
    assert first.person.called == "1002"
    assert first.person.talk_s == pytest.approx(8.978)


def test_the_queue_delay_runs_from_the_callers_200_to_the_first_invite_at_a_phone() -> None:
    assert joined()[0].queue_delay_s == pytest.approx(0.002)


def test_every_offered_call_has_exactly_one_outcome() -> None:
    found = summarise(joined(), told={"12345"})
    assert (found.offered, found.answered, found.abandoned, found.refused, found.told, found.lost) == (
        6,
        1,
        2,
        1,
        1,
        1,
    )
    assert found.offered == found.answered + found.abandoned + found.refused + found.told + found.lost
    assert found.refusals == ((503, 1),)
    assert found.answer_rate == pytest.approx(1 / 6)


def test_a_call_that_the_switch_ends_before_a_person_is_lost_unless_its_number_only_tells() -> None:
    told = joined()[3]
    assert told.outcome() is Outcome.LOST
    assert told.outcome({"12345"}) is Outcome.TOLD


def test_a_call_without_a_final_status_is_lost_even_where_numbers_only_tell() -> None:
    assert joined()[5].outcome({"12345"}) is Outcome.LOST


def test_who_refused_is_told_apart() -> None:
    callers, phones = legs(parse(CALLERS)), legs(parse(PHONES))
    assert (callers[1].ended_by, callers[1].code) == ("switch", 503)
    assert (phones[0].ended_by, phones[0].code) == ("phone", 486)


def test_a_number_that_calls_twice_keeps_each_calls_phones_apart() -> None:
    callers = [Leg("a", "138", "12345", 1.0), Leg("b", "138", "12345", 5.0)]
    phones = [Leg("y", "138", "1002", 5.1), Leg("x", "138", "1001", 1.1)]
    assert [[leg.call for leg in one.phones] for one in join(callers, phones)] == [["x"], ["y"]]


def test_a_phones_leg_that_began_before_every_call_of_its_number_belongs_to_none() -> None:
    assert join([Leg("a", "138", "12345", 5.0)], [Leg("x", "138", "1001", 1.0)])[0].phones == ()


def test_the_line_that_is_still_being_written_is_left_for_later() -> None:
    assert len(parse(CALLERS[:-5])) == len(parse(CALLERS)) - 1


def test_a_line_that_no_scenario_writes_is_named() -> None:
    with pytest.raises(ValueError, match=r"line 2: 'Segmentation fault'"):
        parse(line("offered", 1.0, "c", "1", "2") + "Segmentation fault\n")


@pytest.mark.parametrize(
    ("share", "value"), [(0.0, 1.0), (0.5, 50.0), (0.99, 99.0), (0.991, 100.0), (1.0, 100.0)]
)
def test_a_percentile_is_a_value_that_occurred(share: float, value: float) -> None:
    assert percentile([float(n) for n in range(100, 0, -1)], share) == value


def test_nothing_has_no_spread_and_no_percentile() -> None:
    assert spread([]) is None
    with pytest.raises(ValueError, match="percentile of nothing"):
        percentile([], 0.5)


def test_a_seats_secret_is_in_no_printed_form() -> None:
    assert "s3cret" not in f"{SeatLogin('1001', 's3cret')!r} {SeatLogin('1001', 's3cret')}"
