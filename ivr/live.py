"""The FastAGI server: one connection a caller, held open for as long as the engine keeps the caller.

Assignment is `AgiSession.execute` of the variables, its replies, and `AgiSession.close`: Asterisk then goes
on in the dialplan. A session that is dropped for any reason (our death, a time limit, too many at once) does
the same, and the dialplan finds its variables empty: the caller goes to the fallback, never into nothing.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import structlog

from ivr.agi import AgiBroken, AgiStream, Greeting, Hangup, Reply

GREETING_S = 2.0

_log = structlog.get_logger(__name__)


class SessionOver(Exception):  # noqa: N818 (a fact of telephony, not a mistake)
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

    def __init__(self, server: AgiServer, loop: asyncio.AbstractEventLoop) -> None:
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


OnCall = Callable[[AgiSession], Awaitable[None]]


class AgiServer:
    """Listens for Asterisk and runs ``on_call`` once for each caller; when it returns, the session is closed.

    ``on_gone`` is told of each session that had begun and whose connection is gone, whoever closed it.
    ``most``: sessions at once; one more is closed at once, which sends the caller to the fallback.
    ``greeting_s``: seconds within which the opening block must be complete. An exception in one ``on_call``
    is logged and closes that session only.
    """

    def __init__(
        self,
        host: str,
        port: int,
        on_call: OnCall,
        *,
        on_gone: Callable[[AgiSession], None] | None = None,
        most: int = 4096,
        greeting_s: float = GREETING_S,
    ) -> None:
        self.host = host
        self.port = port
        self.most = most
        self.greeting_s = greeting_s
        self.counts = AgiCounts()
        self._on_call = on_call
        self._on_gone = on_gone
        self._listener: asyncio.Server | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sessions: set[AgiSession] = set()
        # All greetings have the same time limit, so one timer and a queue in order of arrival serve them all.
        self._unopened: deque[tuple[float, AgiSession]] = deque()
        self._sweep: asyncio.TimerHandle | None = None
        self._closing = False

    @property
    def sessions(self) -> frozenset[AgiSession]:
        """The sessions that are on."""
        return frozenset(self._sessions)

    async def start(self) -> None:
        """Listen. ``port`` 0 takes a free one and is then that number. Raises ``OSError`` when it is
        taken."""
        loop = self._loop = asyncio.get_running_loop()
        self._closing = False
        self._listener = await loop.create_server(
            lambda: AgiSession(self, loop), self.host, self.port, backlog=1024
        )
        self.port = self._listener.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening, let every caller go on in the dialplan, and wait for what runs on their behalf."""
        self._closing = True
        if self._listener is not None:
            self._listener.close()
        tasks = [session.task for session in self._sessions if session.task is not None]
        for session in tuple(self._sessions):
            session.drop()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        if self._listener is not None:
            await self._listener.wait_closed()
            self._listener = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    # ── what sessions tell ──────────────────────────────────────────────────────────────────────────────────

    def came(self, session: AgiSession) -> None:
        """A peer has connected."""
        assert self._loop is not None
        self.counts.accepted += 1
        if self._closing:  # it was on its way when the listener closed
            session.drop()
            return
        if len(self._sessions) >= self.most:
            self.counts.refused_full += 1
            if (
                self.counts.refused_full & (self.counts.refused_full - 1) == 0
            ):  # not one line a call in a flood
                _log.error("agi port full", most=self.most, refused=self.counts.refused_full)
            session.drop()
            return
        self._sessions.add(session)
        self._unopened.append((self._loop.time() + self.greeting_s, session))
        if self._sweep is None:
            self._sweep = self._loop.call_later(self.greeting_s, self._drop_overdue)

    def opened(self, session: AgiSession) -> None:
        """Asterisk has said whom it is about: the engine's turn."""
        assert self._loop is not None
        session.opened = True
        self.counts.served += 1
        session.task = self._loop.create_task(self._serve(session))

    def gone(self, session: AgiSession) -> None:
        """The connection of this session is gone."""
        self._sessions.discard(session)
        if self._on_gone is not None and session.opened:
            self._on_gone(session)

    async def _serve(self, session: AgiSession) -> None:
        try:
            await self._on_call(session)
        except SessionOver as why:
            _log.debug("agi session over", why=str(why))
        except Exception:  # noqa: BLE001 (one caller's fault never reaches another's call)
            self.counts.failed += 1
            _log.exception("agi session failed", call=session.env.get("agi_uniqueid"), path=session.path)
        finally:
            session.close()

    def _drop_overdue(self) -> None:
        assert self._loop is not None
        self._sweep = None
        now = self._loop.time()
        while self._unopened:
            due, session = self._unopened[0]
            if not session.opened and not session.closed.is_set():
                if due > now:
                    self._sweep = self._loop.call_at(due, self._drop_overdue)
                    return
                session.overdue()
            self._unopened.popleft()
