"""The callers' channels that the engine has in its hands: what was ordered for each, and where its session is."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Literal

from acd.messages import Command
from ivr.live import AgiSession

Expecting = Literal["seat", "pass"] | None


@dataclass(slots=True)
class Line:
    """One caller's channel. ``expects``: whose answer an answered dial of this channel is."""

    call: str
    channel: str
    session: AgiSession | None = None
    expects: Expecting = None
    agent: str = ""
    seat: str = ""
    leg: str | None = None
    music: bool = False
    out: bool = False
    """a seat's own channel, on which it dialled a number"""
    far: str | None = None
    """of a call that a seat placed: the unique id of the channel of whom it called"""
    turned: bool = False
    """``far`` is the caller's channel now, and the channel that names the call the seat's leg (`acd.calls.Call.turned`)"""
    saying: asyncio.Task[None] | None = None
    """what the caller is being told while waiting; whatever comes next cuts it short"""
    speech: str | None = None
    """the stream in which he talks to the machine"""
    music_class: str = ""
    served: bool = False
    """a seat has hung up on him: without an engine the dialplan lets him go"""
    orders: deque[Command] = field(default_factory=deque)
    _wake: asyncio.Future[None] | None = None

    @property
    def own(self) -> str:
        """The unique id of the caller's channel."""
        return self.far if self.turned and self.far is not None else self.call

    def give(self, order: Command) -> None:
        """Put an order into the hands of the session that is on, or of the next."""
        self.orders.append(order)
        self.wake()

    def waits(self, queue: str) -> dict[str, str | int]:
        """The dialplan's variables for a caller who waits in ``queue``: served he is not (any more)."""
        served, self.served = self.served, False
        return {"ACD_QUEUE": queue, "ACD_SERVED": ""} if served else {"ACD_QUEUE": queue}

    def wake(self) -> None:
        """Let whoever waits in ``take`` look again."""
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    async def take(self, session: AgiSession) -> list[Command]:
        """The orders that have been given, at least one; none when ``session`` is no longer this line's."""
        while not self.orders and self.session is session:
            self._wake = asyncio.get_running_loop().create_future()
            await self._wake
        if self.session is not session:
            return []
        orders = list(self.orders)
        self.orders.clear()
        return orders
