"""The product with one call in ten brought to 110 in a three-way call, by the door for programs: does it delay the others?

python -m benchmarks.queue_delay --systems hotline,hotline+three-way --rates 40 --seconds 20 --repeat 3
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from pathlib import Path

from benchmarks.product import Product
from hotline.control import FILE
from hotline.rehearsal.farend_live import FarEnd
from hotline.rehearsal.manners import Fixed, Manner
from hotline.rehearsal.phones_live import Phones
from hotline.rehearsal.process_live import free_port
from hotline.rehearsal.under_test_live import Running

EVERY = 10
"""one call in so many"""
HOST = "127.0.0.21"
TALK_S = 1.5
"""how long 110 talks: longer than the seat, so that every one of these calls ends as a call between caller and 110"""

POLICE = """
[[trunks]]
name = "police"
carrier = "110"
address = ["{host}:{port}"]
channels = 1000
link = true
"""


class ThreeWay(Product):
    """A `Product` whose seats bring 110 into every tenth call."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.port = free_port(HOST)
        self.more = POLICE.format(host=HOST, port=self.port)
        self.emergency = "police"
        self.asked = self.joined = 0
        self._far = FarEnd(HOST, self.port, manner=Manner(talk_s=Fixed(TALK_S)))
        self._driver: asyncio.Task[None] | None = None

    async def start(self) -> Running:
        """Start 110 first, so that its trunk answers."""
        await self._far.start()
        return await super().start()

    async def seats_ready(self, phones: Phones) -> None:
        """Sign on, then watch for calls that are answered."""
        await super().seats_ready(phones)
        self._driver = asyncio.create_task(self._drive())

    async def stop(self) -> None:
        """Say how many it were, and end."""
        if self._driver is not None:
            self._driver.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._driver
            print(f"three-way: {self.joined} of {self.asked} came together", file=sys.stderr)
        await super().stop()
        await self._far.stop()

    async def _drive(self) -> None:
        door = self.directory / "h" / FILE
        watch, say = await asyncio.open_unix_connection(door)
        heard, ask = await asyncio.open_unix_connection(door)
        drain = asyncio.create_task(_drain(heard))
        say.write(b'{"type":"Watch"}\n')
        answered = 0
        try:
            while line := await watch.readline():
                fact = json.loads(line)["fact"]
                if fact["type"] == "AgentAnswered":
                    answered += 1
                    if answered % EVERY == 0:
                        self.asked += 1
                        wish = {
                            "type": "TransferAsked",
                            "call": fact["call"],
                            "how": "three-way",
                            "to": "110",
                        }
                        ask.write(json.dumps(wish).encode() + b"\n")
                elif fact["type"] == "LegAt" and fact["leg"] == "third":
                    self.joined += 1
        finally:
            drain.cancel()
            say.close()
            ask.close()


async def _drain(answers: asyncio.StreamReader) -> None:
    while await answers.readline():
        pass
