"""The FastAGI server: one connection a caller, held open for as long as the engine keeps the caller.

Assignment is `AgiSession.execute` of the variables, its replies, and `AgiSession.close`: Asterisk then goes
on in the dialplan. A session that is dropped for any reason (our death, a time limit, too many at once) does
the same, and the dialplan finds its variables empty: the caller goes to the fallback, never into nothing.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

import structlog

from ivr.session_live import AgiCounts, AgiSession, CommandTimedOut, SessionOver

__all__ = ["AgiCounts", "AgiServer", "AgiSession", "CommandTimedOut", "SessionOver"]

GREETING_S = 2.0
BACKLOG = 1024
ACCEPT_AGAIN_S = 0.1

_log = structlog.get_logger(__name__)

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
        self._listener: socket.socket | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sessions: set[AgiSession] = set()
        # All greetings have the same time limit, so one timer and a queue in order of arrival serve them all.
        self._unopened: deque[tuple[float, AgiSession]] = deque()
        self._sweep: asyncio.TimerHandle | None = None

    @property
    def sessions(self) -> frozenset[AgiSession]:
        """The sessions that are on."""
        return frozenset(self._sessions)

    async def start(self) -> None:
        """Listen. ``port`` 0 takes a free one and is then that number. Raises ``OSError`` when it is
        taken."""
        self._loop = asyncio.get_running_loop()
        # Not `create_server`: see `ivr.session_live`; and CPython 3.11 leaves what comes while it closes
        # unread.
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        self._listener = socket.create_server((self.host, self.port), family=family, backlog=BACKLOG)
        self._listener.setblocking(False)
        self.port = self._listener.getsockname()[1]
        self._loop.add_reader(self._listener, self._accept)

    async def close(self) -> None:
        """Stop listening, let every caller go on in the dialplan, wait for what runs on their behalf."""
        if self._listener is not None:
            self._stop_accepting(self._listener)
            self._listener.close()
            self._listener = None
        tasks = [session.task for session in self._sessions if session.task is not None]
        for session in tuple(self._sessions):
            session.close("the server closes")
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None

    def _accept(self) -> None:
        assert self._loop is not None
        assert self._listener is not None
        for _ in range(BACKLOG):
            try:
                connection, _peer = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as why:  # no descriptor or memory left: those who are inside come first
                _log.error("agi port cannot accept", why=why.strerror)
                self._stop_accepting(self._listener)
                self._loop.call_later(ACCEPT_AGAIN_S, self._accept_again)
                return
            self.counts.accepted += 1
            if len(self._sessions) >= self.most:
                connection.close()
                self._full()
                continue
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            session = AgiSession(self, self._loop, connection)
            self._sessions.add(session)
            self._unopened.append((self._loop.time() + self.greeting_s, session))
            if self._sweep is None:
                self._sweep = self._loop.call_later(self.greeting_s, self._drop_overdue)
            session.begin()

    def _full(self) -> None:
        self.counts.refused_full += 1
        if self.counts.refused_full & (self.counts.refused_full - 1) == 0:  # not one line a call in a flood
            _log.error("agi port full", most=self.most, refused=self.counts.refused_full)

    def _accept_again(self) -> None:
        if self._listener is not None and self._loop is not None:
            self._loop.add_reader(self._listener, self._accept)

    def _stop_accepting(self, listener: socket.socket) -> None:
        assert self._loop is not None
        self._loop.remove_reader(listener)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    # ── what sessions tell ──────────────────────────────────────────────────────────────────────────────────

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
