"""Line by line: within 15 s of being asked / all calls passed to the line."""

from __future__ import annotations

from acd.lines import DAY_MS, LineWatch, Offer, by_line, offers
from acd.messages import CallerHungUp, CallOffered, CallRecord, PassAnswered, PassFailed, TransferRecord
from acd.passes import PassRecord, answered, asked, over
from tests.acd.town import START, Hall, records


def record(
    call: str, *passes: PassRecord, line: str = "12366", seat_answered: int | None = None
) -> CallRecord:
    return CallRecord(
        *(call, "town", "unicom", line, "1", line, "subcentre", None, "passed", START),
        passes=passes,
        seat_answered=seat_answered,
    )


def tried(asked: int, answered: int | None, outcome: str = "answered", trunk: str = "tax") -> PassRecord:
    at = None if answered is None else START + answered
    return PassRecord(trunk, "12366", START + asked, at, START + 99_000, outcome)


def test_the_fifteenth_second_counts_and_the_next_millisecond_does_not() -> None:
    told = [*offers(record("a", tried(0, 15_000))), *offers(record("b", tried(0, 15_001)))]
    figures = by_line(told)["12366"]
    assert (figures.offered, figures.answered, figures.prompt.numerator, figures.prompt.denominator) == (
        2,
        2,
        1,
        2,
    )
    assert (
        str(figures.prompt)
        == "50.00% (1 / 2: answered within 15 s of being asked / all calls passed to 12366)"
    )
    assert figures.prompt.zh() == "50.00%(1 / 2:转出后15秒内接听 / 转给12366的全部来电)"
    assert figures.below


def test_a_call_that_two_trunks_carried_is_offered_once_and_waits_from_the_first() -> None:
    call = record("a", tried(0, None, "busy"), tried(10_000, 16_000, trunk="telecom"))
    (one,) = offers(call)
    assert one == Offer("12366", START, "answered", 16_000)


def test_nobody_is_left_out_of_the_denominator() -> None:
    told = [
        record("a", tried(0, 3_000)),
        record("b", tried(0, None, "hung up")),
        record("c", tried(0, None, "no channel"), seat_answered=START + 9_000),
        record("d", tried(0, None, "chanunavail")),
    ]
    figures = by_line([offer for one in told for offer in offers(one)])["12366"]
    assert (figures.offered, figures.answered, figures.gave_up, figures.not_taken, figures.back) == (
        4,
        1,
        1,
        2,
        1,
    )
    assert figures.prompt.denominator == 4


def test_a_call_that_never_left_for_the_line_is_not_its_own() -> None:
    assert (
        by_line(
            offers(
                CallRecord(
                    "a", "town", "unicom", "12315", "1", "12315", "absorbed", "12315", "answered", START
                )
            )
        )
        == {}
    )


def test_what_a_seat_transferred_over_a_trunk_counts_and_to_another_seat_does_not() -> None:
    away = TransferRecord(
        "blind", "12366", "101", START, trunk="tax", answered=START + 4_000, outcome="handed over"
    )
    inside = TransferRecord("blind", "8002", "101", START, seat="8002", answered=START + 4_000)
    call = CallRecord(
        *("a", "town", "unicom", "12345", "1", "12345", None, "12345", "answered", START),
        transfers=(away, inside),
    )
    assert list(offers(call)) == [Offer("12366", START, "answered", 4_000)]


def test_a_call_that_the_fallback_passed_is_answered_and_not_known_to_be_prompt() -> None:
    figures = by_line(offers(record("a")))["12366"]
    assert (figures.offered, figures.answered, figures.prompt.numerator) == (1, 1, 0)


def test_the_target_is_met_at_exactly_95_percent() -> None:
    prompt, late = Offer("1", 0, "answered", 1), Offer("1", 0, "answered", 20_000)
    assert not by_line([prompt] * 19 + [late])["1"].below
    assert by_line([prompt] * 18 + [late])["1"].below
    assert not by_line([Offer("1", 0, "on")], now=5)["1"].below


def test_the_last_24_hours_forget_what_is_older_and_count_calls_that_are_on() -> None:
    watch, hall = LineWatch(), Hall()
    watch.add(record("old", tried(0, None, "busy")))
    day = DAY_MS + 1_000
    hall.tell(CallOffered("b", "unicom", "12366", "1"), at=day)
    calls = hall.engine.state.calls
    ringing = watch.figures(START + day + 14_999, calls.values())["12366"]
    assert (ringing.offered, ringing.on, ringing.prompt.denominator) == (1, 1, 0)
    late = watch.figures(START + day + 15_001, calls.values())["12366"]
    assert (late.on, late.prompt.numerator, late.prompt.denominator) == (1, 0, 1)
    hall.tell(PassAnswered("b"), at=day + 2_000)
    talking = watch.figures(START + day + 60_000, calls.values())["12366"]
    assert (talking.answered, talking.prompt.numerator, talking.prompt.denominator) == (1, 1, 1)
    (over_now,) = records(hall.tell(CallerHungUp("b", 16), at=day + 60_000))
    watch.add(over_now)
    watch.add(over_now)
    assert watch.figures(START + day + 60_000, calls.values())["12366"] == talking
    assert watch.figures(START + 3 * day, calls.values()) == {}


def test_the_engine_tells_when_each_far_end_was_asked_and_what_it_said() -> None:
    hall = Hall()
    hall.tell(CallOffered("a", "unicom", "12366", "1"), at=0)
    hall.tell(PassFailed("a", "busy"), at=1_000)
    hall.tell(PassFailed("a", "noanswer"), at=16_000)
    (told,) = records(hall.tell(CallerHungUp("a", 16), at=17_000))
    assert told.passes == (
        PassRecord("tax", "12366", START, None, START + 1_000, "busy"),
        PassRecord("telecom", "037112366", START + 1_000, None, START + 16_000, "noanswer"),
    )


def test_an_attempt_that_is_void_is_told_as_broken_and_an_answered_one_keeps_its_answer() -> None:
    passes = asked(asked((), "tax", "12366", 1), "telecom", "12366", 5)
    assert passes[0] == PassRecord("tax", "12366", 1, None, 5, "broken")
    talked = over(answered(passes, 7), 9)
    assert talked[1] == PassRecord("telecom", "12366", 5, 7, 9, "answered")
    assert over(talked, 11) == talked
    assert answered((), 3) == over((), 3) == ()
