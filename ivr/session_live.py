"""One caller inside ``AGI()``: the connection that Asterisk holds open, and what the engine says on it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import structlog

from ivr.agi import AgiBroken, AgiStream, Greeting, Hangup, Reply

_log = structlog.get_logger(__name__)


class SessionOver(Exception):
    """The session ended before the commands were answered: the caller hung up, or the connection broke."""


class CommandTimedOut(SessionOver):
    """Asterisk did not answer within the time given; the session is closed, the caller goes on in the
    dialplan."""


@dataclass(slots=True)
class AgiCounts:
    """What has come to the port since the server started."""

    accepted: int = 0
    served: int = 0
    refused_full: int = 0
    no_greeting: int = 0
    broken: int = 0
    timed_out: int = 0
    hung_up: int = 0
    failed: int = 0


class Port(Protocol):
    """What a session tells the server that it came to."""

    counts: AgiCounts
    greeting_s: float

    def came(self, session: AgiSession) -> None:
        """A peer has connected."""

    def opened(self, session: AgiSession) -> None:
        """Asterisk has said whom it is about: the engine's turn."""

    def gone(self, session: AgiSession) -> None:
        """The connection of this session is gone."""


class _Batch:
    """Commands that belong together: sent one by one, answered as a whole."""

    __slots__ = ("commands", "done", "replies", "within")

    def __init__(self, commands: tuple[bytes, ...], within: float, done: asyncio.Future[list[Reply]]) -> None:
        self.commands = commands
        self.within = within
        self.done = done
        self.replies: list[Reply] = []


class AgiSession(asyncio.Protocol):
    """One caller, inside ``AGI()``.

    ``env``, ``path`` and ``args`` are what Asterisk said on opening. ``hung_up`` is set by the line
    ``HANGUP`` (the channel was hung up or taken elsewhere: only the AMI knows which), ``closed`` when the
    connection is gone.
    """

    __slots__ = (
        "_batches",
        "_loop",
        "_server",
        "_stream",
        "_timer",
        "_transport",
        "args",
        "closed",
        "env",
        "hung_up",
        "opened",
        "path",
        "task",
    )

    def __init__(self, server: Port, loop: asyncio.AbstractEventLoop) -> None:
        self.env: Mapping[str, str] = {}
        self.path = ""
        self.args: tuple[str, ...] = ()
        self.hung_up = asyncio.Event()
        self.closed = asyncio.Event()
        self.opened = False
        self.task: asyncio.Task[None] | None = None
        self._server = server
        self._loop = loop
        self._stream = AgiStream()
        self._batches: deque[_Batch] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None

    # ── what the engine does ────────────────────────────────────────────────────────────────────────────────

    async def execute(self, *commands: bytes, within: float) -> list[Reply]:
        """Send these commands (see `ivr.agi`), each when the one before is answered; the replies in order.

        ``within``: seconds for all of them, from the moment when the first is sent; a batch that is asked for
        while another is under way waits its turn. Raises `CommandTimedOut` (the session is then closed) or
        `SessionOver`.
        """
        if self._transport is None or self._transport.is_closing():
            raise SessionOver(self._describe("the session is over"))
        if not commands:
            return []
        batch = _Batch(commands, within, self._loop.create_future())
        self._batches.append(batch)
        if len(self._batches) == 1:
            self._begin()
        return await batch.done

    def close(self) -> None:
        """Let Asterisk go on in the dialplan. May be called twice."""
        if self._transport is not None:
            self._transport.close()

    # ── what the connection does ────────────────────────────────────────────────────────────────────────────

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio: a peer has connected."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server.came(self)

    def data_received(self, data: bytes) -> None:
        """Called by asyncio: the peer said something."""
        assert self._transport is not None
        if self._transport.is_closing():
            return
        try:
            heard = self._stream.feed(data)
        except AgiBroken as why:
            self._server.counts.broken += 1
            self._drop(str(why))
            return
        for message in heard:
            match message:
                case Reply():
                    self._answered(message)
                case Greeting(env, path, args):
                    self.env, self.path, self.args = env, path, args
                    self._server.opened(self)
                case Hangup():
                    self.hung_up.set()
                    self._server.counts.hung_up += 1
                    self.close()
                    return

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio: the connection is gone."""
        self._stop_timer()
        self.closed.set()
        waiting, self._batches = self._batches, deque()
        for batch in waiting:
            if not batch.done.done():
                batch.done.set_exception(
                    SessionOver(
                        self._describe("hung up" if self.hung_up.is_set() else "the connection ended")
                    )
                )
        self._server.gone(self)

    def overdue(self) -> None:
        """The greeting did not come in time."""
        self._server.counts.no_greeting += 1
        self._drop(f"no complete greeting within {self._server.greeting_s} s")

    def drop(self) -> None:
        """Cut the connection without waiting for anything."""
        if self._transport is not None:
            self._transport.abort()

    # ── inside ──────────────────────────────────────────────────────────────────────────────────────────────

    def _begin(self) -> None:
        assert self._transport is not None
        batch = self._batches[0]
        self._timer = self._loop.call_later(batch.within, self._late)
        self._transport.write(batch.commands[0])

    def _answered(self, reply: Reply) -> None:
        assert self._transport is not None
        if not self._batches:
            self._server.counts.broken += 1
            self._drop("an answer to nothing")
            return
        batch = self._batches[0]
        batch.replies.append(reply)
        if len(batch.replies) < len(batch.commands):
            self._transport.write(batch.commands[len(batch.replies)])
            return
        self._stop_timer()
        self._batches.popleft()
        if not batch.done.done():
            batch.done.set_result(batch.replies)
        if self._batches:
            self._begin()

    def _late(self) -> None:
        batch = self._batches[0]
        late = batch.commands[len(batch.replies)].split(b'"', 1)[0].decode("ascii", "replace").strip()
        why = f"{late} was not answered within {batch.within} s"
        if not batch.done.done():
            batch.done.set_exception(CommandTimedOut(self._describe(why)))
        self._server.counts.timed_out += 1
        self._drop(why)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _drop(self, why: str) -> None:
        _log.warning(
            "agi session dropped", why=why, call=self.env.get("agi_uniqueid"), path=self.path or None
        )
        self.drop()

    def _describe(self, what: str) -> str:
        return (
            f"agi session {self.path or '(not opened)'} of call {self.env.get('agi_uniqueid', '?')}: {what}"
        )
