"""SIPp answering at one address: the base of phones and far ends."""

from __future__ import annotations

import asyncio
import random
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from hotline.rehearsal.manners import Manner, phone_rows
from hotline.rehearsal.process_live import Child, free_port
from hotline.rehearsal.results import Leg, legs
from hotline.rehearsal.sipp_live import Address, LogTail, Scratch, complaint, scenario, start, with_sound


@dataclass
class Listener:
    """SIPp answering at one address for any number: the base of phones and far ends."""

    name: str
    bind: Address
    manner: Manner = field(default_factory=Manner)
    directory: Path | None = None
    seed: int = 1

    def __post_init__(self) -> None:
        self.scratch = Scratch(self.directory)
        if self.bind[1] == 0:
            self.bind = (self.bind[0], free_port(self.bind[0]))
        self._child: Child | None = None
        self._deaf: socket.socket | None = None
        self._logs: list[Path] = []

    async def listen(self) -> None:
        """Start answering; returns when an OPTIONS is answered (at most 10 s, then `RuntimeError`)."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(self.bind)  # whoever else holds it would answer our OPTIONS in SIPp's place
            except OSError as fault:
                raise RuntimeError(
                    f"sipp: {self.name}: {self.bind[0]}:{self.bind[1]}: {fault.strerror}: choose another port"
                ) from None
        run = self.scratch.run(self.name)
        text = scenario("phone").replace("486 Busy Here", self.manner.refuses or "486 Busy Here")
        text = with_sound(text, self.manner.sound, run)
        rows = phone_rows(self.manner, random.Random(self.seed))
        self._child = await start(
            self.name, text, rows, (), bind=self.bind, directory=run, sound=self.manner.sound
        )
        self._logs.append(run / "log")
        try:
            async with asyncio.timeout(10):
                while not await answers(self.bind):
                    self.check()
        except TimeoutError:
            await self._silence()
            raise RuntimeError(f"sipp: {self.name}: does not answer at {self.bind}") from None
        except BaseException:
            await self._silence()
            raise

    def check(self) -> None:
        """Raise `RuntimeError` with SIPp's complaint if it ended by itself."""
        if self._child is not None and self._child.returncode is not None:
            raise RuntimeError(
                complaint(self._logs[-1].parent)
                or f"sipp: {self.name}: ended with {self._child.returncode}: {self._child.last_words()}"
            )

    def log_tails(self) -> list[LogTail]:
        """The logs of every listening spell so far, each to be read from its beginning."""
        return [LogTail(path) for path in self._logs]

    def legs(self) -> list[Leg]:
        """The calls that rang here so far, in the order in which they began. Raises as `check` does."""
        self.check()
        return [leg for tail in self.log_tails() for leg in legs(tail.more())]

    async def rung(self, calls: int, *, within_s: float = 10.0) -> list[Leg]:
        """Wait until ``calls`` calls have rung here in all; raises `TimeoutError` that says how many did."""
        found = self.legs()
        try:
            async with asyncio.timeout(within_s):
                while len(found) < calls:
                    await asyncio.sleep(0.02)  # SIPp tells of it in a file only
                    found = self.legs()
        except TimeoutError:
            raise TimeoutError(
                f"{self.name}: {len(found)} of {calls} calls rang within {within_s:.0f} s"
            ) from None
        return found

    async def quiet(self, *, within_s: float = 10.0) -> list[Leg]:
        """Wait until every call that rang here is over; returns them all. Raises `TimeoutError`: how many are
        not."""
        found = self.legs()
        try:
            async with asyncio.timeout(within_s):
                while any(leg.ended is None for leg in found):
                    await asyncio.sleep(0.02)  # SIPp tells of it in a file only
                    found = self.legs()
        except TimeoutError:
            still = sum(leg.ended is None for leg in found)
            raise TimeoutError(f"{self.name}: {still} calls are not over after {within_s:.0f} s") from None
        return found

    async def unplug(self) -> None:
        """Go silent at once: nothing is answered, nothing is refused, calls are not ended. `plug_in` undoes
        it."""
        await self._silence()
        if self._deaf is None:
            # a bound socket keeps the kernel from answering "port unreachable" in the phone's place
            self._deaf = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._deaf.bind(self.bind)

    async def plug_in(self) -> None:
        """Listen again after `unplug`; what was going on then is forgotten."""
        self._undeafen()
        if self._child is None:
            await self.listen()

    async def stop(self) -> None:
        """Kill SIPp and remove the scratch directory, unless one was given."""
        await self._silence()
        self._undeafen()
        self.scratch.remove()

    async def _silence(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            await child.kill()

    def _undeafen(self) -> None:
        if self._deaf is not None:
            self._deaf.close()
            self._deaf = None

    async def start(self) -> None:
        """Begin: listen. Phones also register."""
        await self.listen()

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()


async def answers(address: Address, within_s: float = 0.2) -> bool:
    """Whether an OPTIONS sent to ``address`` is answered within that time."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.setblocking(False)
        probe.bind((address[0], 0))
        probe.connect(address)
        host, port = probe.getsockname()
        ask = (
            f"OPTIONS sip:{address[0]}:{address[1]} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {host}:{port};branch=z9hG4bKping{port}\r\n"
            f"From: <sip:ping@{host}>;tag=ping\r\nTo: <sip:{address[0]}>\r\nCall-ID: ping-{port}@{host}\r\n"
            f"CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        )
        try:
            await loop.sock_sendall(probe, ask.encode())
            async with asyncio.timeout(within_s):
                return (await loop.sock_recv(probe, 2048)).startswith(b"SIP/2.0 ")
        except TimeoutError:
            return False
        except OSError:  # nobody is bound there yet
            await asyncio.sleep(0.02)
            return False
