"""The door for programs, with an engine of the town behind it: what it takes, what it refuses, whom it drops."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import stat
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from acd.messages import Event, Millis, SeatReachable, Tell
from hotline import cli, control
from hotline.control import BEHIND, LONGEST, Control
from tests.acd.town import Hall

TRANSFER = {"type": "TransferAsked", "call": "c", "how": "consult", "to": "12366", "by": "101"}


class Behind:
    """An engine of the town in which 101 talks on call ``c``, and the door before it. ``deaf``: it gives no word."""

    def __init__(self, path: Path, *, deaf: bool = False, within_s: float = 5.0) -> None:
        self.hall = Hall("101@8001")
        self.hall.talking("c", "101")
        self.deaf = deaf
        self.heard: list[Event] = []
        self.watchers: list[Callable[[Event, Millis], None]] = []
        self.control = Control(path, self.post, self.watchers, within_s=within_s)

    def post(self, fact: Event) -> None:
        self.heard.append(fact)
        for order in [] if self.deaf else self.hall.tell(fact):
            if isinstance(order, Tell):
                self.control.tell(order)
        for watch in tuple(self.watchers):
            watch(fact, 1)


def is_there(path: Path) -> bool:
    return path.is_socket()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def leave(path: Path, left: str) -> None:
    if left == "a file":
        path.write_text("x", "utf-8")
        return
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))


async def until(happened: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not happened():  # noqa: ASYNC110
            await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def opened(path: Path, **how: Any) -> AsyncIterator[Behind]:
    behind = Behind(path, **how)
    serving = asyncio.create_task(behind.control.serve())
    while not is_there(path):
        assert not serving.done()
        await asyncio.sleep(0)
    try:
        yield behind
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


class Client:
    """A program at the door."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, asked: Any) -> dict[str, Any]:
        self.writer.write(asked if isinstance(asked, bytes) else json.dumps(asked).encode() + b"\n")
        return await self.hear()

    async def hear(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(await asyncio.wait_for(self.reader.readline(), 5))
        return answer


@contextlib.asynccontextmanager
async def client(path: Path) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        yield Client(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / control.FILE


async def test_what_is_asked_reaches_the_engine_and_its_word_comes_back(path: Path) -> None:
    async with opened(path) as behind, client(path) as me:
        assert await me.ask(TRANSFER) == {"said": [], "done": True}
        assert behind.hall.call("c").transfer is not None
        assert await me.ask(TRANSFER) == {"said": ["transfer-not-now"], "done": False}
        barred = {
            "type": "CallerBarred",
            "number": "13800000009",
            "until": None,
            "owner": "103",
            "reason": "x",
        }
        assert await me.ask(barred) == {"said": ["bar-done"], "done": True}


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b"{\n", "Input data was truncated"),
        (b"hello\n", "JSON is malformed"),
        (b"\xff\xfe\n", "JSON is malformed"),
        (b"[]\n", "Expected `object`"),
        (b"{}\n", "missing required field `type`"),
        (b'{"type": "CallerHungUp", "call": "c"}\n', "Invalid value 'CallerHungUp'"),
        (b'{"type": "TransferAsked", "call": "c"}\n', "missing required field `how`"),
        (b'{"type": "TransferAsked", "call": 7, "how": "blind", "to": "110"}\n', "Expected `str`"),
    ],
)
async def test_a_line_that_cannot_be_understood_gets_its_fault_and_the_next_is_answered(
    path: Path, line: bytes, fault: str
) -> None:
    async with opened(path) as behind, client(path) as me:
        answer = await me.ask(line)
        assert fault in answer["fault"]
        assert "docs/engineers.md" in answer["fault"]
        assert behind.heard == []
        assert await me.ask(TRANSFER) == {"said": [], "done": True}


async def test_a_line_without_end_is_refused_and_the_client_let_go(path: Path) -> None:
    async with opened(path) as behind:
        with socket.socket(socket.AF_UNIX) as raw:
            raw.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(raw, str(path))
            await loop.sock_sendall(raw, b"x" * (LONGEST + 1))
            told = await asyncio.wait_for(loop.sock_recv(raw, 4096), 5)
            assert "a line of more than" in json.loads(told)["fault"]
            with contextlib.suppress(ConnectionError):
                assert await asyncio.wait_for(loop.sock_recv(raw, 4096), 5) == b""
        async with client(path) as other:
            assert await other.ask(TRANSFER) == {"said": [], "done": True}
        assert len(behind.heard) == 1


async def test_an_engine_that_gives_no_word_is_told_of_in_time(path: Path) -> None:
    async with opened(path, deaf=True, within_s=0.05) as behind, client(path) as me:
        assert "no word within 0.05 s" in (await me.ask(TRANSFER))["fault"]
        behind.deaf = False
        assert await me.ask(TRANSFER) == {"said": [], "done": True}


async def test_a_word_that_comes_too_late_or_for_somebody_else_is_nobodys(path: Path) -> None:
    async with opened(path, deaf=True, within_s=0.05) as behind, client(path) as me:
        await me.ask(TRANSFER)
        desk = getattr(behind.heard[0], "desk")  # noqa: B009
        assert not behind.control.tell(Tell(desk, ()))
        assert not behind.control.tell(Tell("keys 1.7", ()))


async def test_two_programs_each_get_their_own_answer(path: Path) -> None:
    async with opened(path, deaf=True) as behind, client(path) as one, client(path) as two:
        first = asyncio.create_task(one.ask(TRANSFER))
        await until(lambda: behind.heard)
        second = asyncio.create_task(two.ask({**TRANSFER, "to": "110"}))
        await until(lambda: len(behind.heard) > 1)
        desks = [getattr(fact, "desk") for fact in behind.heard]  # noqa: B009
        assert len(set(desks)) == 2
        assert behind.control.tell(Tell(desks[1], ("second",)))
        assert behind.control.tell(Tell(desks[0], ("first",)))
        assert [await first, await second] == [
            {"said": ["first"], "done": False},
            {"said": ["second"], "done": False},
        ]


async def test_a_program_may_not_choose_whose_answer_it_takes(path: Path) -> None:
    async with opened(path) as behind, client(path) as me:
        assert await me.ask({**TRANSFER, "desk": "keys 1.7"}) == {"said": [], "done": True}
        assert getattr(behind.heard[0], "desk").startswith("control ")  # noqa: B009


async def test_a_program_that_goes_while_it_waits_leaves_nothing_behind(path: Path) -> None:
    async with opened(path, deaf=True, within_s=0.05) as behind:
        async with client(path) as me:
            me.writer.write(json.dumps(TRANSFER).encode() + b"\n")
            await until(lambda: behind.heard)
        async with client(path) as other:
            assert "no word" in (await other.ask(TRANSFER))["fault"]
        assert not behind.control.tell(Tell(getattr(behind.heard[0], "desk"), ()))  # noqa: B009


async def test_a_supervisor_who_asks_by_command_is_called_and_not_taken_for_the_door(path: Path) -> None:
    async with opened(path) as behind, client(path) as me:
        behind.hall.sign_on("103@8003")
        listen = {"type": "SuperviseAsked", "how": "listen", "seat": "8001", "by": "103", "phone": "8003"}
        assert await me.ask(listen) == {"said": [], "done": True}
        (watch,) = behind.hall.engine.state.watches.values()
        assert (watch.by, watch.call) == ("103", "c")
        assert not watch.channel.startswith("control")
        assert await me.ask({**listen, "by": "101"}) == {"said": ["no-right"], "done": False}
        why = await me.ask({"type": "SuperviseAsked", "how": "why", "seat": "", "by": "103"})
        assert why == {"said": ["nobody-waits"], "done": True}


# ── watching ─────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_watcher_hears_every_fact_with_its_instant(path: Path) -> None:
    async with opened(path) as behind, client(path) as me:
        me.writer.write(b'{"type": "Watch"}\n')
        await until(lambda: behind.watchers)
        behind.post(SeatReachable("8002"))
        assert await me.hear() == {"at": 1, "fact": {"type": "SeatReachable", "seat": "8002"}}


async def test_a_watcher_that_does_not_read_is_dropped_and_holds_nobody_up(path: Path) -> None:
    async with opened(path) as behind, client(path) as me, client(path) as other:
        me.writer.write(b'{"type": "Watch"}\n')
        await until(lambda: behind.watchers)
        told = 0
        while behind.watchers:
            for _ in range(BEHIND // 4):
                behind.post(SeatReachable("8002"))
            told += BEHIND // 4
            await asyncio.sleep(0)
            assert told < 100 * BEHIND, "it is kept for ever"
        assert told > BEHIND
        assert await other.ask(TRANSFER) == {"said": [], "done": True}


async def test_a_watcher_that_has_gone_is_forgotten_at_the_next_facts(path: Path) -> None:
    async with opened(path) as behind:
        async with client(path) as me:
            me.writer.write(b'{"type": "Watch"}\n')
            await until(lambda: behind.watchers)
        for _ in range(1_000):
            behind.post(SeatReachable("8002"))
            await asyncio.sleep(0)
            if not behind.watchers:
                break
        assert behind.watchers == []


# ── the socket ───────────────────────────────────────────────────────────────────────────────────────────────


async def test_only_its_owner_may_open_it_and_it_goes_with_the_engine(path: Path) -> None:
    async with opened(path):
        assert mode(path) == 0o600
    assert not is_there(path)


@pytest.mark.parametrize("left", ["a socket", "a file"])
async def test_what_an_engine_that_died_left_behind_is_replaced(path: Path, left: str) -> None:
    leave(path, left)
    with pytest.raises(control.ControlFault, match="nobody answers"):
        await control.ask(path, TRANSFER)
    behind = Behind(path)
    serving = asyncio.create_task(behind.control.serve())
    answer: dict[str, Any] = {}
    while not answer:
        try:
            answer = await control.ask(path, TRANSFER)
        except control.ControlFault:
            assert not serving.done()
            await asyncio.sleep(0)
    assert answer == {"said": [], "done": True}
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


# ── the command ──────────────────────────────────────────────────────────────────────────────────────────────


class Running:
    """A door in a thread of its own, as the command meets it in another process."""

    def __init__(self, path: Path, **how: Any) -> None:
        self.path, self.how = path, how
        self.up = threading.Event()
        self.thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    async def _serve(self) -> None:
        self.loop, self.over = asyncio.get_running_loop(), asyncio.Event()
        async with opened(self.path, **self.how):
            self.up.set()
            await self.over.wait()

    def __enter__(self) -> None:
        self.thread.start()
        assert self.up.wait(10)

    def __exit__(self, *_: object) -> None:
        self.loop.call_soon_threadsafe(self.over.set)
        self.thread.join(10)
        assert not self.thread.is_alive()


def ask(path: Path, *words: str) -> int:
    return cli.main(["ask", "heze", *words, "--home", str(path.parent)])


def test_the_command_says_done_refused_and_unusable_by_its_exit(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("TransferAsked", "call=c", "how=consult", "to=12366", "by=101")
    with Running(path):
        assert ask(path, *words) == 0
        assert capsys.readouterr().out.endswith("done\n")
        assert ask(path, *words) == 1
        assert capsys.readouterr().out.endswith("refused: transfer-not-now\n")
        assert ask(path, *words, "--json") == 1
        printed = capsys.readouterr().out
        assert json.loads(printed[printed.index("{") :]) == {"said": ["transfer-not-now"], "done": False}
        assert ask(path, "CallerBarred", "number=13800000009", "until=null", "owner=103", "reason=x") == 0
        assert capsys.readouterr().out.endswith("done: bar-done\n")
    with Running(path, deaf=True, within_s=0.05):
        assert ask(path, *words) == 2
        assert "no word within" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("CallerHungUp", "call=c"), "nothing of this name may be asked for"),
        (("Watch",), "nothing of this name may be asked for"),
        (("TransferAsked", "call=c", "whom=110"), "TransferAsked.whom: there is no such field"),
        (("TransferAsked", "call=c"), "missing required field `how`"),
        (("TransferAsked", "call=c", "how=blind", "to=110"), "nobody answers"),
    ],
)
def test_what_cannot_be_asked_is_told_with_its_remedy(
    path: Path, words: tuple[str, ...], fault: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(path, *words) == 2
    assert fault in capsys.readouterr().err
