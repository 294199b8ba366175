"""The FastAGI server: with the fake and with Asterisk itself; and with peers that mean harm."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
from panoramisk.fast_agi import Application
from structlog.testing import capture_logs

from ivr.agi import command, get_variable, run, set_variable, set_variables
from ivr.live import AgiServer, AgiSession, CommandTimedOut, SessionOver
from tests.fakes.agi import FakeAsteriskCall
from tests.ivr.conftest import Caller


class Script:
    """What the engine does with a call; what the dialplan tells afterwards comes out of ``after``."""

    def __init__(self, enter: Callable[[AgiSession], Awaitable[None]]) -> None:
        self.enter = enter
        self.after: asyncio.Queue[tuple[str, ...]] = asyncio.Queue()

    async def __call__(self, session: AgiSession) -> None:
        if session.path == "enter":
            await self.enter(session)
        else:
            self.after.put_nowait(session.args)


def soon(waiting: Any) -> Any:
    return asyncio.wait_for(waiting, 5)


# ── with the fake and with Asterisk
# ──────────────────────────────────────────────────────────────────────────


async def test_a_call_is_assigned_by_variables_and_goes_on_in_the_dialplan(caller: Caller) -> None:
    async def enter(session: AgiSession) -> None:
        assert session.args == ("carrier", "eA==")
        assert session.env["agi_extension"] == "12345"
        replies = await session.execute(
            *set_variables({"ACD_NEXT": "seat", "ACD_LINE": "12315 市场监管", "ACD_RING": 20}), within=2
        )
        assert all(reply.ok for reply in replies)

    script = Script(enter)
    async with AgiServer("127.0.0.1", caller.port, script) as server:
        await caller.come()
        assert await soon(script.after.get()) == ("SUCCESS", "seat", "12315 市场监管")
    assert (server.counts.served, server.counts.failed, server.counts.broken) == (2, 0, 0)


async def test_many_commands_at_once_are_all_answered_in_order(caller: Caller) -> None:
    """Asterisk itself would answer the first of several in one write and sleep on the rest."""

    async def enter(session: AgiSession) -> None:
        commands = [set_variable("ACD_NEXT", place) for place in range(20)]
        first, second = await asyncio.gather(
            session.execute(*commands, get_variable("${ACD_NEXT}"), within=5),
            session.execute(set_variable("ACD_LINE", "second"), get_variable("${ACD_NEXT}"), within=5),
        )
        assert [reply.result for reply in first[:20]] == ["1"] * 20
        assert first[20].data == "19"
        assert second[1].data == "19"

    script = Script(enter)
    async with AgiServer("127.0.0.1", caller.port, script) as server:
        await caller.come()
        assert await soon(script.after.get()) == ("SUCCESS", "19", "second")
        assert server.counts.failed == 0


@pytest.mark.parametrize(
    "text", ['x "y" z', '"', "back\\slash\\", "12315 市场监管", "$, ; ' () {} | & ${EXTEN}", " blanks ", ""]
)
async def test_awkward_text_comes_back_as_it_was(caller: Caller, text: str) -> None:
    said: list[str | None] = []

    async def enter(session: AgiSession) -> None:
        await session.execute(set_variable("ACD_LINE", text), within=2)
        [reply] = await session.execute(get_variable("${ACD_LINE}"), within=2)
        said.append(reply.data)

    script = Script(enter)
    async with AgiServer("127.0.0.1", caller.port, script):
        await caller.come()
        await soon(script.after.get())
    assert said == [text]


async def test_what_asterisk_does_not_know_is_an_answer_and_no_exception(caller: Caller) -> None:
    codes: list[tuple[int, str]] = []

    async def enter(session: AgiSession) -> None:
        replies = await session.execute(
            command("NONSENSE"),
            command("SET VARIABLE"),
            run("NoSuchApplication"),
            run("Answer", "0,i"),
            within=2,
        )
        codes.extend((reply.code, reply.result) for reply in replies)

    script = Script(enter)
    async with AgiServer("127.0.0.1", caller.port, script):
        await caller.come()
        await soon(script.after.get())
    assert codes == [(510, ""), (520, ""), (200, "-2"), (200, "0")]


async def test_a_caller_who_hangs_up_is_known_at_once_and_the_session_closed(caller: Caller) -> None:
    entered, over = asyncio.Event(), asyncio.Event()

    async def enter(session: AgiSession) -> None:
        await session.execute(run("Answer", "0,i"), within=2)
        entered.set()
        await session.hung_up.wait()
        await session.closed.wait()
        with pytest.raises(SessionOver, match="over"):
            await session.execute(set_variable("ACD_NEXT", "seat"), within=2)
        over.set()

    async with AgiServer("127.0.0.1", caller.port, Script(enter)) as server:
        await caller.come()
        await soon(entered.wait())
        await caller.hang_up()
        await soon(over.wait())
        assert server.counts.hung_up == 1


# ── with the fake alone
# ──────────────────────────────────────────────────────────────────────────────────────


async def test_a_command_that_is_not_answered_in_time_closes_the_session() -> None:
    told: list[str] = []

    async def on_call(session: AgiSession) -> None:
        try:
            await session.execute(set_variable("A", 1), run("Playback", "x"), within=0.05)
        except CommandTimedOut as why:
            told.append(str(why))
            raise

    async with AgiServer("127.0.0.1", 0, on_call) as server:
        call = FakeAsteriskCall(server.port)
        call.hold = ("EXEC",)
        assert await soon(call.run()) == "SUCCESS"
        assert server.counts.timed_out == 1
    assert told == ["agi session enter of call 1795226108.9: EXEC was not answered within 0.05 s"]


async def test_one_session_that_raises_touches_no_other() -> None:
    others = asyncio.Event()

    async def on_call(session: AgiSession) -> None:
        if session.path == "bad":
            raise ZeroDivisionError
        await others.wait()
        await session.execute(set_variable("ACD_NEXT", "seat"), within=2)

    with capture_logs() as logs:
        async with AgiServer("127.0.0.1", 0, on_call) as server:
            good = FakeAsteriskCall(server.port)
            waiting = asyncio.create_task(good.run())
            await soon(FakeAsteriskCall(server.port, "bad").run())
            others.set()
            await soon(waiting)
            assert server.counts.failed == 1
    assert good.variables == {"ACD_NEXT": "seat"}
    assert [line["path"] for line in logs if line["event"] == "agi session failed"] == ["bad"]
    assert "13800138000" not in str(logs)


async def test_one_call_too_many_is_sent_on_and_the_others_stay() -> None:
    go = asyncio.Event()
    here = asyncio.Semaphore(0)

    async def on_call(session: AgiSession) -> None:
        here.release()
        await go.wait()
        await session.execute(set_variable("ACD_NEXT", "seat"), within=2)

    async with AgiServer("127.0.0.1", 0, on_call, most=2) as server:
        calls = [FakeAsteriskCall(server.port) for _ in range(2)]
        tasks = [asyncio.create_task(call.run()) for call in calls]
        await soon(here.acquire())
        await soon(here.acquire())
        third = FakeAsteriskCall(server.port)
        await soon(third.run())
        assert third.variables == {}
        assert server.counts.refused_full == 1
        go.set()
        await soon(asyncio.gather(*tasks))
        assert [call.variables for call in calls] == [{"ACD_NEXT": "seat"}] * 2


async def test_when_the_server_closes_every_caller_goes_on() -> None:
    here = asyncio.Event()

    async def on_call(session: AgiSession) -> None:
        here.set()
        await session.closed.wait()

    server = AgiServer("127.0.0.1", 0, on_call)
    await server.start()
    call = asyncio.create_task(FakeAsteriskCall(server.port).run())
    await soon(here.wait())
    await server.close()
    assert await soon(call) == "SUCCESS"
    assert server.sessions == frozenset()


# ── peers that mean harm
# ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("said", "counted"),
    [
        (b"", None),
        (b"agi_network: y", None),
        (b"agi_network: yes\nagi_", None),
        (b"\n\n", "broken"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "broken"),
        (bytes(range(256)) * 10, "broken"),
        (b"agi_x: " + b"y" * 1_000_000, "broken"),
        (b"agi_x: y\n\n" + b"200 result=1\n", "broken"),
        (b"agi_x: y\n\nwhat?\n", "broken"),
        (b"agi_x: y\n\n" + b"200 " * 250_000, "broken"),
    ],
)
async def test_a_peer_that_talks_nonsense_and_leaves_is_counted_and_harms_nobody(
    said: bytes, counted: str | None
) -> None:
    held = asyncio.Event()

    async def on_call(session: AgiSession) -> None:
        if session.path == "enter":
            held.set()
            await session.hung_up.wait()
        else:
            await session.closed.wait()

    async with AgiServer("127.0.0.1", 0, on_call) as server:
        good = FakeAsteriskCall(server.port)
        waiting = asyncio.create_task(good.run())
        await soon(held.wait())
        for _ in range(3):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(said)
            if counted is None:
                writer.write_eof()
            with suppress(ConnectionError):  # cut while we were still talking
                assert await soon(reader.read()) == b""
            writer.close()
        assert not waiting.done()
        good.hang_up()
        await soon(waiting)
        if counted is not None:
            assert getattr(server.counts, counted) == 3
        assert server.counts.accepted == 4


async def test_a_slow_drip_is_cut_when_its_time_is_over() -> None:
    async def on_call(_: AgiSession) -> None:
        raise AssertionError

    async with AgiServer("127.0.0.1", 0, on_call, greeting_s=0.2) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        gone = asyncio.create_task(reader.read())
        with pytest.raises(ConnectionError):  # noqa: PT012 (which of the writes fails is the network's matter)
            for place in range(400):
                writer.write(b"agi_x: y\n"[place % 9 : place % 9 + 1])
                await writer.drain()
                await asyncio.sleep(0.01)
        await asyncio.gather(gone, return_exceptions=True)
        writer.close()
        assert (server.counts.no_greeting, server.counts.served) == (1, 0)
        assert server.sessions == frozenset()


class _Spins(asyncio.StreamReader):
    """A connection that was closed at once; tells when it has been read in vain a thousand times."""

    reads = 0

    async def read(self, n: int = -1) -> bytes:
        self.reads += 1
        if self.reads == 1000:
            raise RecursionError("the event loop is frozen")
        return await super().read(n)


async def test_connect_and_close_freezes_panoramisk_and_not_us() -> None:
    async def on_call(_: AgiSession) -> None:
        raise AssertionError

    closed = _Spins()
    closed.feed_eof()
    with pytest.raises(RecursionError, match="frozen"):
        await Application(loop=asyncio.get_running_loop()).handler(closed, None)
    async with AgiServer("127.0.0.1", 0, on_call) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.close()
        await soon(reader.read())
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write_eof()
        assert await soon(reader.read()) == b""
        writer.close()
        assert server.counts.accepted == 2
