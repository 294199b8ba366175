"""SMS through a real database to a real provider on the loopback that fails in every way."""

from __future__ import annotations

import asyncio
import contextlib
import io
import itertools
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from hotline import logs
from hotline.records import RecordStore
from hotline.sms import Policy, SendSms, State
from hotline.sms_outbox import Outbox
from hotline.sms_provider import Settings
from hotline.sms_worker import Sender
from tests.hotline.postgres_server import PostgresServer
from tests.hotline.sms_provider_server import Provider, provider

NOW = 1_772_326_800_000
QUICK = Policy(per_second=1000, per_hour=1000, per_day=1000, back_off_ms=(1, 20), tries=50)


@pytest.fixture
async def there() -> AsyncIterator[Provider]:
    async with provider() as made:
        yield made


def settings(url: str, policy: Policy = QUICK, **more: object) -> Settings:
    made = Settings(
        url=url,
        body={"to": "{number}", "content": "{text}", "sign": "{signature}"},
        headers={},
        secret=b"key",
        answer_field="code",
        accepted=frozenset({"0"}),
        id_field="data.msgid",
        timeout_s=0.3,
        policy=policy,
    )
    return replace(made, **more)  # type: ignore[arg-type]


class Clock:
    """The real one, moved."""

    def __init__(self) -> None:
        self.moved = 0

    def now(self) -> int:
        return NOW + round(asyncio.get_running_loop().time() * 1000) + self.moved


@contextlib.asynccontextmanager
async def sending(
    url: str, told: Settings, clock: Clock | None = None, *, run: bool = True
) -> AsyncIterator[Sender]:
    store = RecordStore(url)
    sender = Sender(
        Outbox(store, "town"), lambda: told, (clock or Clock()).now, chance=lambda: 0.5, poll_s=0.02
    )
    work = asyncio.create_task(sender.run()) if run else None
    try:
        yield sender
    finally:
        if work is not None:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
        await store.close()


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(30):
        while not await true():  # noqa: ASYNC110  a database tells nobody
            await asyncio.sleep(0.01)


async def all_over(sender: Sender) -> dict[str, int]:
    """How many ended how."""

    async def over() -> bool:
        found = await sender.outbox.read()
        return bool(found) and not any(m.state in {State.QUEUED, State.SENDING} for m in found)

    await until(over)
    found = await sender.outbox.read()
    return {state: sum(m.state == state for m in found) for state in {m.state for m in found}}


def asked(key: str = "", number: str = "13812345678", **more: object) -> SendSms:
    return SendSms(**{"number": number, "text": "您好", "key": key, **more})  # type: ignore[arg-type]


async def test_an_sms_is_sent_once_and_a_key_that_is_asked_for_again_is_not(
    url: str, there: Provider
) -> None:
    async with sending(url, settings(there.url)) as sender:
        first = await sender.send(asked("call/1"))
        assert (await sender.send(asked("call/1", text="另一个"))).id == first.id
        assert await all_over(sender) == {"sent": 1}
        assert (await sender.send(asked("call/1"))).state is State.SENT
        (kept,) = await sender.outbox.read()
        assert (kept.text, kept.provider_id, kept.tries) == ("您好", "p-1", 1)
    assert there.delivered == {first.id: 1}
    assert len(there.requests) == 1


@pytest.mark.parametrize(
    "how",
    [
        *(
            "closes unread",
            "lost",
            "half",
            "no http",
            "garbage",
            "enormous",
            "hang",
            "redirect",
            "taken, 500",
        ),
        *("500", "503", "401", "404", "429:0", "says:BUSY"),
    ],
)
async def test_whatever_the_provider_does_it_is_asked_again_under_the_same_id(
    tmp_path: Path, there: Provider, how: str
) -> None:
    there.plan.extend([how] * 3)
    told = settings(there.url, again=frozenset({"BUSY"}))
    async with sending(str(tmp_path / "r.sqlite"), told) as sender:
        made = await sender.send(asked())
        assert await all_over(sender) == {"sent": 1}
        (kept,) = await sender.outbox.read()
    assert kept.tries == 4
    assert {heads["Idempotency-Key"] for _, _, heads in there.requests} == {made.id}
    assert {body["content"] for _, body, _ in there.requests} == {"您好"}
    assert {path for path, _, _ in there.requests} == {"/send"}  # a redirect is not followed
    assert there.delivered == {made.id: 1}


@pytest.mark.parametrize("how", ["html", "twice", "yes"])
async def test_a_yes_is_a_yes_in_odd_clothes(tmp_path: Path, there: Provider, how: str) -> None:
    there.plan.append(how)
    async with sending(str(tmp_path / "r.sqlite"), settings(there.url)) as sender:
        await sender.send(asked())
        assert await all_over(sender) == {"sent": 1}
    assert len(there.requests) == 1


async def test_a_second_answer_is_never_taken_for_the_next_ones(tmp_path: Path, there: Provider) -> None:
    there.plan.extend(["twice", "says:BLACKLIST"])
    async with sending(str(tmp_path / "r.sqlite"), settings(there.url, at_once=1)) as sender:
        await sender.send(asked())
        assert await all_over(sender) == {"sent": 1}
        refused = await sender.send(asked(number="13912345678"))
        assert await all_over(sender) == {"sent": 1, "refused": 1}
        found = {m.id: m for m in await sender.outbox.read()}
    assert found[refused.id].reason == "the provider says BLACKLIST"


@pytest.mark.parametrize("how", ["says:BLACKLIST", "400", "422"])
async def test_a_refusal_is_final(tmp_path: Path, there: Provider, how: str) -> None:
    there.plan.append(how)
    async with sending(str(tmp_path / "r.sqlite"), settings(there.url)) as sender:
        await sender.send(asked())
        assert await all_over(sender) == {"refused": 1}
        assert await sender.outbox.retry([], QUICK, NOW) == 0
    assert len(there.requests) == 1
    assert there.delivered == {}


async def test_a_provider_that_is_not_there_is_tried_until_the_tries_are_used_up_and_again_on_request(
    url: str, there: Provider
) -> None:
    await there.stop()
    async with sending(url, settings(there.url, replace(QUICK, tries=3))) as sender:
        made = await sender.send(asked())
        assert await all_over(sender) == {"failed": 1}
        (kept,) = await sender.outbox.read()
        assert kept.tries == 3
        assert kept.reason.startswith("no answer (")
        await there.start()
        assert await sender.outbox.retry([made.id], QUICK, kept.changed) == 1
        assert await all_over(sender) == {"sent": 1}
    assert there.delivered == {made.id: 1}


async def test_retry_after_holds_everybody_up_for_its_time(tmp_path: Path, there: Provider) -> None:
    there.plan.append("429:30")
    clock = Clock()
    async with sending(str(tmp_path / "r.sqlite"), settings(there.url, at_once=1), clock) as sender:
        first = await sender.send(asked())

        async def held() -> bool:
            (found,) = await sender.outbox.read()
            return found.tries == 1 and found.state is State.QUEUED

        await until(held)
        (kept,) = await sender.outbox.read()
        assert kept.due - kept.changed == 30_000
        other = await sender.send(asked(number="13912345678"))
        assert not await sender._fill(None)  # type: ignore[arg-type]  # nothing is begun now
        clock.moved += 30_001
        assert await all_over(sender) == {"sent": 2}
    assert there.requests[0][2]["Idempotency-Key"] == first.id
    assert there.delivered == {first.id: 1, other.id: 1}


async def test_a_thousand_are_sent_once_each_while_the_provider_fails_at_every_turn(
    url: str, there: Provider
) -> None:
    ways = ["500", "lost", "half", "closes unread", "garbage", "yes", "429:0", "taken, 500", "no http"]
    there.plan.extend(itertools.islice(itertools.cycle(ways), 900))
    async with sending(url, settings(there.url, at_once=20)) as sender:
        made = [
            await sender.outbox.add(asked(str(n), f"138{n:08}"), QUICK, sender.now()) for n in range(1000)
        ]
        assert await all_over(sender) == {"sent": 1000}
    assert there.delivered == dict.fromkeys((message.id for message in made), 1)
    assert there.most_open <= 20
    texts = {(heads["Idempotency-Key"], body["to"]) for _, body, heads in there.requests}
    assert len(texts) == 1000  # one id, one number


WORKER = """
import asyncio, sys, time
from hotline.records import RecordStore
from hotline.sms_outbox import Outbox
from hotline.sms_worker import Sender
from tests.hotline.test_sms_worker import settings
async def main():
    store = RecordStore(sys.argv[1])
    told = settings(sys.argv[2], timeout_s=60.0)
    await Sender(Outbox(store, "town"), lambda: told, lambda: int(sys.argv[3])).run()
asyncio.run(main())
"""


async def test_a_sender_that_is_killed_between_posting_and_writing_down_loses_nothing_and_doubles_nothing(
    url: str, there: Provider
) -> None:
    there.plan.append("hang")
    clock = Clock()
    async with sending(url, settings(there.url), clock, run=False) as sender:
        made = await sender.send(asked())
        root = str(Path(__file__).parents[2])
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", WORKER, url, there.url, str(clock.now())),
            env={**os.environ, "PYTHONPATH": root},
        )
        async with asyncio.timeout(30):
            await there.arrived.wait()
        child.send_signal(signal.SIGKILL)
        await child.wait()
        (left,) = await sender.outbox.read()
        assert (left.state, left.tries) == (State.SENDING, 1)
    async with sending(url, settings(there.url), clock) as sender:
        assert not await sender.outbox.due(clock.now())  # it may still live
        clock.moved += 120_000
        assert await all_over(sender) == {"sent": 1}
        (kept,) = await sender.outbox.read()
        assert kept.tries == 2
    assert [heads["Idempotency-Key"] for _, _, heads in there.requests] == [made.id, made.id]
    assert there.delivered == {made.id: 1}


async def test_two_senders_on_one_database_send_each_sms_once(url: str, there: Provider) -> None:
    told, clock = settings(there.url), Clock()
    async with sending(url, told, clock) as one, sending(url, told, clock):
        made = [await one.send(asked(str(n), f"138{n:08}")) for n in range(60)]
        assert await all_over(one) == {"sent": 60}
    assert sorted(heads["Idempotency-Key"] for _, _, heads in there.requests) == sorted(m.id for m in made)


async def test_a_database_that_goes_away_is_waited_for_and_what_was_sent_is_not_sent_again(
    postgres: PostgresServer, there: Provider
) -> None:
    postgres.run("DROP SCHEMA public CASCADE")
    postgres.run("CREATE SCHEMA public")
    async with sending(postgres.url, settings(there.url, at_once=4)) as sender:
        made = [await sender.send(asked(str(n), f"138{n:08}")) for n in range(5)]
        assert await all_over(sender) == {"sent": 5}
        more = [
            await sender.outbox.add(asked(f"later {n}", f"139{n:08}"), QUICK, sender.now()) for n in range(40)
        ]
        there.arrived.clear()
        async with asyncio.timeout(30):
            await there.arrived.wait()
        await asyncio.to_thread(postgres.stop)
        await asyncio.to_thread(postgres.start)
        assert await all_over(sender) == {"sent": 45}
    assert there.delivered == dict.fromkeys((message.id for message in [*made, *more]), 1)
    assert len(there.requests) == 45


async def test_a_number_gets_no_more_than_its_limit_and_the_rest_later(url: str, there: Provider) -> None:
    policy, clock = replace(QUICK, per_hour=2, per_day=3, expires_ms=3 * 3_600_000), Clock()
    async with sending(url, settings(there.url, policy), clock) as sender:
        for n in range(4):
            await sender.send(asked(str(n)))

        async def settled() -> bool:
            found = await sender.outbox.read()
            return not await sender.outbox.due(clock.now()) and all(
                message.reason or message.state is State.SENT for message in found
            )

        await until(settled)
        assert len(there.requests) == 2
        clock.moved += 3_600_001
        assert await all_over(sender) == {"sent": 3, "refused": 1}  # the fourth would be too old tomorrow
    assert len(there.requests) == 3


async def test_what_is_too_old_is_not_sent(url: str, there: Provider) -> None:
    clock = Clock()
    async with sending(url, settings(there.url), clock, run=False) as sender:
        await sender.send(asked())
    clock.moved += QUICK.expires_ms
    async with sending(url, settings(there.url), clock) as sender:
        assert await all_over(sender) == {"expired": 1}
    assert there.requests == []


async def test_who_opts_out_gets_not_even_what_waits(url: str, there: Provider) -> None:
    async with sending(url, settings(there.url), run=False) as sender:
        await sender.send(asked("1"))
        await sender.outbox.opt_out("13812345678", "command", NOW)
        await sender.outbox.opt_out("13812345678", "command", NOW)
        assert (await sender.send(asked("2", "+86 138 1234 5678"))).state is State.REFUSED
    async with sending(url, settings(there.url)) as sender:
        assert await all_over(sender) == {"refused": 2}
        assert await sender.outbox.opt_in("13812345678")
        assert not await sender.outbox.opt_in("13812345678")
        await sender.send(asked("3"))
        assert await all_over(sender) == {"refused": 2, "sent": 1}


async def test_not_more_are_begun_in_a_second_than_allowed(tmp_path: Path, there: Provider) -> None:
    clock = Clock()
    told = settings(there.url, replace(QUICK, per_second=20.0))
    async with sending(str(tmp_path / "r.sqlite"), told, clock) as sender:
        began = asyncio.get_running_loop().time()
        for n in range(9):
            await sender.send(asked(str(n), f"138{n:08}"))
        assert await all_over(sender) == {"sent": 9}
        assert asyncio.get_running_loop().time() - began >= 8 / 20


async def test_a_report_that_comes_before_the_answer_ends_the_trying(url: str, there: Provider) -> None:
    there.plan.append("hang")
    async with sending(url, settings(there.url)) as sender:
        made = await sender.send(asked())
        async with asyncio.timeout(30):
            await there.arrived.wait()
        assert await sender.outbox.report([(made.id, State.DELIVERED, "")], NOW) == 1

        async def idle() -> bool:
            return not sender._tasks

        await until(idle)
        (kept,) = await sender.outbox.read()
        assert (kept.state, kept.reason) == (State.DELIVERED, "")
        assert await sender.outbox.report([(made.id, State.FAILED, "late")], NOW) == 0
    assert len(there.requests) == 1


async def test_no_line_of_the_log_shows_a_number_a_text_or_the_key(tmp_path: Path, there: Provider) -> None:
    heard = io.StringIO()
    logs.set_up(level="debug", stream=heard, terminal=False)
    there.plan.extend(["500", "garbage", "401", "lost", "hang", "says:BLACKLIST"])
    told = settings(there.url, secret=b"geheimnis", headers={"Authorization": "Bearer {secret}"})
    async with sending(str(tmp_path / "r.sqlite"), told) as sender:
        made = await sender.send(asked(text="您的验证信息", call="1767578400.12"))
        assert await all_over(sender) == {"refused": 1}
    lines = [json.loads(line) for line in heard.getvalue().splitlines()]
    mine = [line for line in lines if line.get("sms") == made.id]
    assert [line["number"] for line in mine] == ["138******78"] * 6
    assert {line["level"] for line in mine} == {"info", "error"}
    for secret in ("13812345678", "2345", "您的验证信息", "geheimnis"):
        assert secret not in heard.getvalue().replace("1767578400.12", "")
