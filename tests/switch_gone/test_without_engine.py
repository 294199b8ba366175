"""The engine is gone for a while: the switch serves callers by itself, and the next engine takes over from it."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from hotline.rehearsal.farend_live import FarEnd
from hotline.rehearsal.manners import Fixed, Manner
from hotline.rehearsal.results import Leg, Outcome, join
from tests.switch_gone.running import Run, double_rung, hotline_run

pytestmark = [pytest.mark.switch, pytest.mark.asyncio(loop_scope="module")]

SEATS, TALK_S = 4, 12.0


@dataclass
class Story:
    """What was seen from outside."""

    run: Run
    before: list[Leg]
    alone: dict[str, Leg]
    odd: dict[str, Leg]
    late: list[Leg]
    after: list[Leg]
    phones: list[Leg]
    far: dict[str, list[Leg]]
    gone: float
    back: float
    surveyed: dict[str, Any]
    taken_over: dict[str, Any]
    records: list[dict[str, Any]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def story() -> AsyncIterator[Story]:
    async with AsyncExitStack() as stack:
        run = await stack.enter_async_context(hotline_run("127.9.2"))
        far = {
            name: await stack.enter_async_context(FarEnd(*run.far(name), manner=Manner(talk_s=Fixed(1.0))))
            for name in ("telecom",)
        }
        phones = await stack.enter_async_context(run.phones(SEATS, TALK_S))
        await run.sign_on(phones)
        before = asyncio.create_task(run.call(SEATS + 3, first=13_100_000_000, phones=[phones]))
        await run.until(lambda: run.journalled("PromptFinished") == SEATS + 3, "all have heard the greeting")
        await phones.rung(SEATS)
        assert run.parent is not None
        run.parent.send_signal(signal.SIGSTOP)
        gone = time.time()
        os.kill(run.worker(), signal.SIGKILL)

        # Nobody is free: a caller of these is passed on, or waits until he has had enough.
        table = run.settings.snapshot
        told = table.read_text(encoding="utf-8")

        async def one(number: str, first: int, patience_s: float = 4.0) -> Leg:
            return (await run.call(1, number, first=first, patience_s=patience_s))[0]

        alone_numbers = ("110", "12366", "12345")
        placed = [
            asyncio.create_task(one(n, 13_200_000_000 + i, 3.0 if n == "12345" else 20.0))
            for i, n in enumerate(alone_numbers)
        ]
        await placed[0]
        await placed[2]
        odd = {}
        for i, (name, text) in enumerate(
            {"garbage": "{]", "missing": None, "another": '{"lines": 5}'}.items()
        ):
            table.unlink(missing_ok=True)
            if text is not None:
                table.write_text(text, encoding="utf-8")
            odd[name] = await one("110", 13_300_000_000 + i, 1.0)
        table.write_text(told, encoding="utf-8")
        program = run.settings.survival_program
        program.rename(program.with_name("elsewhere"))
        odd["no program"] = await one("110", 13_300_000_009, 1.0)
        program.with_name("elsewhere").rename(program)

        alone = {n: await task for n, task in zip(alone_numbers, placed, strict=True)}
        # The first talks end: the fallback gives three seats to those who waited, and the fourth to a new caller.
        await phones.rung(SEATS + 3, within_s=20)
        late = asyncio.create_task(run.call(2, first=13_400_000_000, phones=[phones]))
        await phones.rung(SEATS + 4, within_s=10)
        back = time.time()
        run.parent.send_signal(signal.SIGCONT)
        await run.until(lambda: run.events("surveyed", back), "the next engine knows what the switch has")
        after = await run.call(3, first=13_500_000_000, phones=[phones])
        ended = [await before, await late]
        calls = SEATS + 3 + len(alone) + len(odd) + 2 + 3
        await run.until(lambda: len(run.records()) >= calls, f"{calls} records", 15)
        at_phones = await phones.quiet()
        await run.until(lambda: not list(run.settings.spool.parent.glob("survived*")), "the spool is read", 5)
        yield Story(
            run,
            ended[0],
            alone,
            odd,
            ended[1],
            after,
            at_phones,
            {name: one.legs() for name, one in far.items()},
            gone,
            back,
            run.events("surveyed", back)[0],
            run.events("state taken over", back)[0],
            run.records(),
        )


async def test_who_waited_is_answered_by_seats_that_become_free_while_nothing_runs(story: Story) -> None:
    calls = join(story.before, story.phones)
    assert [call.outcome() for call in calls] == [Outcome.ANSWERED] * len(calls)
    waited = [call for call in calls if call.phones[0].began > story.gone]
    assert len(waited) == 3
    assert all(call.phones[0].began < story.back for call in waited)


async def test_a_new_caller_is_led_by_the_plan_that_was_written_down(story: Story) -> None:
    """110's own line is not there (nobody answers): the next way is tried. 12366 goes to another carrier than it came from."""
    passed = {leg.caller: leg.called for leg in story.far["telecom"]}
    assert passed == {story.alone["110"].caller: "110", story.alone["12366"].caller: "12366"}
    assert story.alone["110"].ended_by == story.alone["12366"].ended_by == "switch", (
        "the far end hung up first"
    )
    assert story.alone["12345"].answered is not None
    assert story.alone["12345"].ended_by == "caller", "was hung up on instead of waiting"


async def test_without_a_sound_plan_or_program_the_caller_reaches_the_queue(story: Story) -> None:
    for name, leg in story.odd.items():
        assert leg.answered is not None, name
        assert leg.ended_by == "caller", name


async def test_the_next_engine_fetches_back_who_waits_and_gives_him_the_first_free_seat(story: Story) -> None:
    calls = join(story.late, story.phones)
    assert [call.outcome() for call in calls] == [Outcome.ANSWERED] * 2
    began = sorted(call.phones[0].began for call in calls)
    assert began[0] < story.back < story.surveyed["at"] < began[1]
    assert story.surveyed["at"] - story.back < 3.0
    assert (story.taken_over["agents"], story.surveyed["seats"]) == (SEATS, SEATS)


async def test_a_seat_that_talks_to_a_caller_of_the_fallback_is_not_rung(story: Story) -> None:
    assert double_rung(story.phones) == []
    assert all(leg.talk_s is not None and leg.talk_s > TALK_S - 0.1 for leg in story.phones), "a talk was cut"


async def test_seats_are_given_calls_again_when_their_talk_is_over(story: Story) -> None:
    calls = join(story.after, story.phones)
    assert [call.outcome() for call in calls] == [Outcome.ANSWERED] * 3
    assert [len(call.phones) for call in calls] == [1] * 3


async def test_each_call_of_that_time_becomes_one_record_that_tells_what_became_of_it(story: Story) -> None:
    legs = [*story.before, *story.alone.values(), *story.odd.values(), *story.late, *story.after]
    assert Counter(r["caller"] for r in story.records) == Counter({leg.caller: 1 for leg in legs})
    ends = {record["caller"]: record for record in story.records}
    for leg in (*story.before, *story.late, *story.after):
        assert ends[leg.caller]["disposition"] == "answered", ends[leg.caller]
    at_seat = {leg.caller: leg for leg in story.phones}
    for leg in (*story.before, *story.late):
        record, phone = ends[leg.caller], at_seat[leg.caller]
        assert record["seat"] == phone.called, record
        assert record["agent"] is not None, record
        assert phone.answered is not None
        assert abs(record["seat_answered"] / 1000 - phone.answered) < 0.5, record
        alone = leg in story.late or story.gone < phone.began < story.back
        assert record["by_fallback"] == alone, record
    assert ends[story.alone["110"].caller]["disposition"] == "passed"
    assert ends[story.alone["110"].caller]["passed_to"] == "110"
    assert ends[story.alone["12366"].caller]["disposition"] == "passed"
    for leg in (story.alone["12345"], *story.odd.values()):
        assert ends[leg.caller]["disposition"] == "abandoned", ends[leg.caller]
    assert ends[story.alone["110"].caller]["line"] == "110"
