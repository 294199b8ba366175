"""A channel inside ``AGI()``: our fake's, and a real one, to which the fake is held."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from tests.fakes.agi import FakeAsteriskCall
from tests.real_asterisk import SECRET, USER, RealAsterisk, free_port
from trunks.live import ActionRefused, SwitchLink

# CALL puts a call into `held`; what the engine set there is told back by a second AGI() to `/after`.
DIALPLAN = """[held]
exten => _X.,1,Answer(0,i)
 same => n,AGI(agi://127.0.0.1:{agi}/enter,carrier,eA==)
 same => n,AGI(agi://127.0.0.1:{agi}/after,${{AGISTATUS}},${{ACD_NEXT}},${{ACD_LINE}})
 same => n,Hangup()

[far]
exten => s,1,Answer(0,i)
 same => n,Wait(30)

[survive]
exten => s,1,Set(SURVIVE_NEXT=)
 same => n,AGI({survival})
 same => n,AGI(agi://127.0.0.1:{agi}/survived,${{AGISTATUS}},${{SURVIVE_NEXT}},${{SURVIVE_TRUNK}},\
${{SURVIVE_NUMBER}},${{SURVIVE_SAY}})
 same => n,Hangup()

[carrier]
exten => _X.,1,AGI(agi://127.0.0.1:{nobody}/enter)
 same => n,Set(STATUS=${{AGISTATUS}})
 same => n,Goto(survive,s,1)
"""


class Bench:
    """An Asterisk whose dialplan leads to ``agi``, and a way to send a call into it."""

    def __init__(self, folder: Path) -> None:
        self.agi = free_port()
        self.survival = folder / "survive"
        dialplan = DIALPLAN.format(agi=self.agi, nobody=free_port(), survival=self.survival)
        self.asterisk = RealAsterisk(folder, dialplan)

    async def call(self, exten: str = "12345", context: str = "held") -> None:
        """Send one call into the dialplan; returns when it is on its way."""
        await self._do(lambda link: link.originate(f"Local/{exten}@{context}", "far", "s"))

    async def hang_up_all(self) -> None:
        """Hang every channel up."""

        async def hang_up(link: SwitchLink) -> None:
            for channel in await link.status():
                with contextlib.suppress(ActionRefused):  # gone with the one before it
                    await link.hangup(channel["Channel"])

        await self._do(hang_up)

    async def _do(self, order: Callable[[SwitchLink], Awaitable[object]]) -> None:
        done = asyncio.Event()

        async def on_up(link: SwitchLink, _: bool) -> None:
            await order(link)
            done.set()

        link = SwitchLink(
            "127.0.0.1",
            self.asterisk.ami,
            USER,
            SECRET,
            on_event=lambda *_: None,
            on_up=on_up,
            on_down=lambda _: None,
        )
        task = asyncio.create_task(link.run())
        try:
            await asyncio.wait_for(done.wait(), 5)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await asyncio.sleep(0)


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A real Asterisk with a dialplan that asks us."""
    made = Bench(tmp_path_factory.mktemp("agi"))
    made.asterisk.start()
    yield made
    made.asterisk.stop()


class Caller:
    """Where a call comes from: ``port`` to listen on, `come` to send one, `hang_up` for its end."""

    def __init__(
        self, port: int, come: Callable[[], Awaitable[None]], hang_up: Callable[[], Awaitable[None]]
    ) -> None:
        self.port = port
        self.come = come
        self.hang_up = hang_up


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.switch)])
async def caller(request: pytest.FixtureRequest) -> AsyncIterator[Caller]:
    """A call by our fake, and by Asterisk."""
    if request.param == "real":
        bench: Bench = request.getfixturevalue("bench")
        yield Caller(bench.agi, bench.call, bench.hang_up_all)
        await bench.hang_up_all()
        return
    port = free_port()
    calls: list[FakeAsteriskCall] = []
    tasks: list[asyncio.Task[None]] = []

    async def through(call: FakeAsteriskCall) -> None:
        status = await call.run()
        line = (status, call.variables.get("ACD_NEXT", ""), call.variables.get("ACD_LINE", ""))
        await FakeAsteriskCall(port, "after", line).run()

    async def come() -> None:
        call = FakeAsteriskCall(port, "enter", ("carrier", "eA=="))
        calls.append(call)
        tasks.append(asyncio.create_task(through(call)))

    async def hang_up() -> None:
        for call in calls:
            call.hang_up()

    yield Caller(port, come, hang_up)
    await asyncio.gather(*tasks)
