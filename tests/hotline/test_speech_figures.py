"""The figures of the self-service, their intervals, and the inputs of a scenario that follow from them."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acd.records import CallRecord
from hotline import scenario_file, scenario_sources
from hotline.records import RecordStore
from hotline.speech_figures import (
    MOST_SECONDS,
    ScenarioInputs,
    Share,
    SpeechFigures,
    as_toml,
    by_line,
    by_week,
    figures_of,
    inputs_of,
)
from hotline.speech_turns import Conversation, SpeechCall, conversations
from simulator.run import replicate
from simulator.tables import tables
from tests.hotline.spoken_calls import HOUR, MONDAY, WEEK, call, spoken

FUND = ("公积金怎么提取", "fund")


def read(record: CallRecord) -> SpeechCall:
    return SpeechCall(**{name: getattr(record, name) for name in SpeechCall.__dataclass_fields__})


def talks(*records: CallRecord) -> list[Conversation]:
    return conversations([read(one) for one in records], until=MONDAY + WEEK, now=MONDAY + WEEK)


def a_day() -> list[CallRecord]:
    """Nine conversations: four contained, one of which came back."""
    return [
        call(1, MONDAY, ("answered", *FUND), ("helped", "是", "fund"), ("sms", "好", "fund"), seconds=20, caller="1391"),
        call(2, MONDAY, ("asked back", *FUND), ("confirmed", "对", "fund"), seconds=40, caller="1392"),
        call(3, MONDAY, ("answered", *FUND), seconds=60, caller="1393"),
        call("3b", MONDAY + HOUR, over=None, caller="1393"),
        call(4, MONDAY, ("answered", *FUND), ("answered", "停水", "water"), seconds=80, caller="hidden"),
        call(5, MONDAY, ("answered", *FUND), ("not helped", "没有", "fund"), over="person", rating=1, caller="1395", seconds=30),
        call(6, MONDAY, ("asked back", *FUND), ("denied", "不", "fund"), ("passed on", "养", None), over="unknown", caller="1396"),
        call(7, MONDAY, ("not understood", "嗡", None), ("not understood", "停水", None), over="misunderstood", caller="1397"),
        call(8, MONDAY, ("silence", "", None), over="silence", line="12329", caller="1398"),
        call(9, MONDAY, ("answered", *FUND), over="hung up", rating=2, caller="1399"),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def day() -> list[CallRecord]:
    return a_day()


def test_a_day_with_known_conversations_has_these_figures(day: list[CallRecord]) -> None:
    found = figures_of(talks(*day))
    assert (found.conversations, found.said_contained, found.contained) == (9, Share(4, 9), Share(4, 9))
    assert found.for_good == Share(2, 3)
    assert (found.questions, found.asked_back, found.confirmed) == (9, Share(2, 9), Share(1, 2))
    assert (found.answers, found.wrong_lower, found.wrong_upper) == (7, Share(1, 7), Share(3, 7))
    assert (found.passed_on, found.not_understood, found.said_something, found.sms) == (1, 2, 1, 1)
    assert found.over == {
        "contained": 4,
        "hung up": 1,
        "misunderstood": 1,
        "person": 1,
        "silence": 1,
        "unknown": 1,
    }
    assert found.median_s == 30.0
    assert found.p95_s == pytest.approx(72.0)


def test_who_hangs_up_once_he_is_answered_is_contained_and_he_too_may_come_back() -> None:
    left: dict[str, Any] = {"over": "hung up", "disposition": "contained", "seat_answered": None}
    first = call(1, MONDAY, ("answered", *FUND), ended=MONDAY + 20_000, **left)
    found = figures_of(talks(first, call(2, MONDAY + HOUR, over=None)))
    assert (found.said_contained, found.contained, found.for_good) == (Share(0, 1), Share(1, 1), Share(0, 1))
    assert (found.wrong_lower, found.wrong_upper) == (Share(0, 1), Share(1, 1))
    assert inputs_of([read(first)]).seconds == (16.0,)


def test_lines_and_weeks_have_their_own_figures_that_add_up(day: list[CallRecord]) -> None:
    found = talks(*day, call(10, MONDAY - HOUR, ("answered", *FUND), caller="1390", line="12329"))
    lines, weeks = by_line(found), by_week(found)
    assert {name: one.conversations for name, one in lines.items()} == {"12329": 2, "12345": 8}
    assert {name: one.conversations for name, one in weeks.items()} == {"2026-W09": 1, "2026-W10": 9}


def test_without_a_conversation_every_share_is_unknown_and_none_is_zero_percent() -> None:
    document = figures_of([]).document()
    assert document["contained"] == {"count": 0, "of": 0, "share": None, "low": None, "high": None}
    assert (document["median_s"], document["p95_s"]) == (None, None)
    assert json.loads(json.dumps(document)) == document


@pytest.mark.parametrize(
    ("share", "low", "high"),
    [
        (Share(0, 10), 0.0, 0.2775),  # Newcombe 1998: 0 of 10 is 0 to 0.2775
        (Share(81, 263), 0.2553, 0.3662),  # his first example
        (Share(15, 148), 0.0624, 0.1605),  # his second
        (Share(10, 10), 0.7225, 1.0),
    ],
)
def test_the_interval_is_wilsons(share: Share, low: float, high: float) -> None:
    assert share.interval is not None
    assert share.interval[0] == pytest.approx(low, abs=5e-5)
    assert share.interval[1] == pytest.approx(high, abs=5e-5)


DIDS = st.sampled_from(
    [
        "answered",
        "asked back",
        "confirmed",
        "denied",
        "helped",
        "not helped",
        "passed on",
        "not understood",
        "sms",
        "bye",
        "??",
    ]
)
TURN = st.tuples(
    DIDS,
    st.sampled_from(["公积金怎么提取", "停水", "嗯", "", "\x00"]),
    st.sampled_from(["fund", "water", None]),
)
CALLS = st.lists(
    st.tuples(
        st.lists(TURN, max_size=6),
        st.sampled_from(["contained", "person", "unknown", "hung up", None]),
        st.integers(0, 60),
        st.sampled_from(["1391", "1392", "anonymous"]),
        st.sampled_from([None, 1, 5]),
        st.integers(0, 200),
    ),
    max_size=12,
)


@settings(max_examples=150, deadline=None)
@given(CALLS)
def test_in_any_records_the_parts_stay_within_their_whole(
    given_calls: list[tuple[list[tuple[str, str, str | None]], str | None, int, str, int | None, int]],
) -> None:
    records = [
        call(number, MONDAY + hours * HOUR, *turns, over=over, caller=caller, rating=rating, seconds=seconds)
        for number, (turns, over, hours, caller, rating, seconds) in enumerate(given_calls)
    ]
    found = talks(*records)
    total = figures_of(found)
    assert total.conversations == sum(bool(turns) and over is not None for turns, over, *_ in given_calls)
    assert total.wrong_lower.count <= total.wrong_upper.count <= total.answers
    for one in (total, *by_line(found).values(), *by_week(found).values()):
        for share in (value for value in vars_of(one) if isinstance(value, Share)):
            assert 0 <= share.count <= share.of
            if share.interval is not None and share.value is not None:
                assert 0 <= share.interval[0] <= share.value + 1e-12
                assert share.value - 1e-12 <= share.interval[1] <= 1
        assert one.for_good.of <= one.contained.count
    assert sum(one.answers for one in by_week(found).values()) == total.answers


def vars_of(figures: SpeechFigures) -> list[object]:
    return [getattr(figures, name) for name in figures.__dataclass_fields__]


# ── for the planner ──────────────────────────────────────────────────────────────────────────────────────────

SMALL = """
days = 1
[arrivals]
per_day = 3000
hours = [1, 1, 1, 1, 1, 1, 2, 3, 6, 8, 9, 8, 7, 7, 8, 8, 7, 6, 5, 4, 4, 4, 3, 2]
[lines.12345]
needs = [{ skills = { "12345" = 1 } }]
[shifts.day]
[groups.all]
skills = { "12345" = 1 }
shifts = { day = 40 }
"""
CALLS_TABLE = "[calls]\ntalk = 160\nwrap_up = 30\ngreeting_seconds = 10\n"


def test_contained_is_the_share_of_all_calls_and_its_seconds_count_from_the_greetings_end(
    day: list[CallRecord],
) -> None:
    notice = call("n", MONDAY, over=None, disposition="told", queued=None, seat_answered=None)
    gave_up = call("g", MONDAY, over=None, disposition="abandoned", seat_answered=None)
    told = inputs_of(map(read, [*day, notice, gave_up]))
    assert told.contained == Share(4, 11)
    assert told.seconds == (
        21.0,
        41.0,
        61.0,
        81.0,
    )  # a second passes between the greeting's end and the first word
    waited = replace(read(day[0]), prompt_ended=MONDAY + 99_000)
    assert inputs_of([waited]).seconds == (20.0,)


def test_what_the_others_spent_with_the_machine_before_the_queue_is_known_too(day: list[CallRecord]) -> None:
    told = inputs_of(map(read, day))
    assert told.in_vain == (0.0, *[31.0] * 5)  # one of six called again and declined
    while_waiting = call("w", MONDAY, over=None, speech=(spoken(MONDAY + 60_000, "key", via="waiting"),))
    both = call(
        "b",
        MONDAY,
        over=None,
        speech=(
            spoken(MONDAY + 5_000, "person", seconds=7),
            spoken(MONDAY + 60_000, "key", via="waiting"),
        ),
    )
    died = call("d", MONDAY, over=None, speech=(spoken(MONDAY + 5_000, None),))
    left = call("l", MONDAY, over="hung up", queued=None, speech=(spoken(MONDAY + 5_000, "hung up"),))
    assert inputs_of(map(read, [while_waiting, both, died, left])).in_vain == (0.0, 0.0, 8.0)


def test_the_printed_text_over_another_scenario_is_loaded_and_simulated(
    tmp_path: Path, day: list[CallRecord]
) -> None:
    (tmp_path / "below.toml").write_text(SMALL + CALLS_TABLE, "utf-8")
    text = as_toml("zhengzhou", "2026-03-02 to 2026-03-08", inputs_of(map(read, day)), {})
    (tmp_path / "speech.toml").write_text('base = "below.toml"\n' + text, "utf-8")
    scenario = scenario_file.load(tmp_path / "speech.toml")
    (line,) = scenario.lines
    assert (line.contained, line.self_service.kind) == (0.4, "empirical")
    assert line.in_vain.sample_s == (0.0, *[31.0] * 5)
    outcome = replicate(scenario, tables(scenario), 0)
    assert outcome.conserved()
    assert outcome.calls > 2500
    assert outcome.contained.sum() / outcome.offered.sum() == pytest.approx(0.4, abs=0.03)


def test_the_printed_keys_can_be_pasted_into_a_calls_table_that_is_there(day: list[CallRecord]) -> None:
    told = inputs_of(map(read, day))
    text = as_toml("zhengzhou", "2026", told, {"12345": told})
    keys = "".join(f"{row}\n" for row in text.splitlines() if row.startswith(("contained", "self_service")))
    (line,) = scenario_file.read(SMALL + CALLS_TABLE + keys, "pasted").scenario.lines
    assert line.contained == 0.4
    assert line.self_service.sample_s == (21.0, 41.0, 61.0, 81.0)


def test_a_lines_table_loads_when_its_comment_signs_are_taken_away(day: list[CallRecord]) -> None:
    told = inputs_of(map(read, day))
    text = as_toml("zhengzhou", "2026", ScenarioInputs(Share(0, 9), ()), {"12345": told})
    table = text.partition("# [lines.12345]")[2].replace("\n# ", "\n")
    (line,) = scenario_file.read(
        SMALL.replace("[lines.12345]", f"[lines.12345]{table}") + CALLS_TABLE, "x"
    ).scenario.lines
    assert line.contained == 0.4


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 90_000_000), max_size=450), st.integers(0, 50))
def test_whatever_was_observed_the_text_loads_and_keeps_the_share(lasted: list[int], others: int) -> None:
    records = [
        call(number, MONDAY, ("answered", *FUND), seconds=ms // 1000) for number, ms in enumerate(lasted)
    ]
    records += [call(f"o{number}", MONDAY, over=None) for number in range(others)]
    told = inputs_of(map(read, records))
    text = as_toml("zhengzhou", "2026", told, {})
    (line,) = scenario_file.read(SMALL + CALLS_TABLE + text.partition("[calls]\n")[2], "any").scenario.lines
    assert line.contained == pytest.approx(len(lasted) / max(1, len(lasted) + others), abs=5e-5)
    kept = line.self_service.sample_s
    assert len(kept) <= MOST_SECONDS
    assert all(0 <= second <= 86_400 for second in kept)


def test_of_many_durations_fewer_are_printed_with_the_same_mean() -> None:
    records = [
        call(number, MONDAY, ("answered", *FUND), seconds=number * number % 777)
        for number in range(5 * MOST_SECONDS)
    ]
    told = inputs_of(map(read, records))
    text = as_toml("zhengzhou", "2026", told, {})
    (line,) = scenario_file.read(SMALL + CALLS_TABLE + text.partition("[calls]\n")[2], "any").scenario.lines
    kept = line.self_service.sample_s
    assert len(kept) == MOST_SECONDS
    assert sum(kept) / len(kept) == pytest.approx(sum(told.seconds) / len(told.seconds), abs=0.05)


def test_without_a_call_the_text_says_so_and_still_loads() -> None:
    text = as_toml("zhengzhou", "2026", inputs_of([]), {})
    assert "nothing is known" in text
    assert tomllib.loads(text) == {"calls": {"contained": 0.0}}


async def test_arrivals_that_a_scenario_takes_from_the_records_count_the_contained_calls_too(
    tmp_path: Path,
) -> None:
    """`contained` is taken off them: left out here, they would be taken off twice."""
    records = [
        call(f"{number}", MONDAY + number * HOUR // 5, ("answered", *FUND), caller=f"139{number:08}")
        for number in range(300)
    ]
    records += [
        call(f"o{number}", MONDAY + number * HOUR // 5, over=None, caller=f"138{number:08}")
        for number in range(300)
    ]
    again = [msgspec.structs.replace(records[0], call="again", arrived=MONDAY + HOUR // 6)]
    store = RecordStore(tmp_path / "records.sqlite")
    await store.write([*records, *again])
    await store.close()
    found = scenario_sources.read("records.sqlite", tmp_path, None, None, city="zhengzhou", tries=False)
    assert (found.calls, found.again, found.in_vain) == (601, 0, 0)
    assert inputs_of(map(read, [*records, *again])).contained == Share(301, 601)


def test_a_lines_name_that_is_none_stands_in_no_printed_text(day: list[CallRecord]) -> None:
    told = inputs_of(map(read, day))
    text = as_toml("zhengzhou", "2026", told, {"a]\n[calls": told, "-": told, "0371-12345": told})
    assert text.count("[lines.") == 1
    assert tomllib.loads(text)["calls"]["contained"] == 0.4
