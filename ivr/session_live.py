"""One caller inside ``AGI()``: the connection that Asterisk holds open, and what the engine says on it.

The socket is read and written directly. asyncio's transports cost three more turns of the event loop a call,
and buffer what a peer does not read; a command is at most 2 kB, one is on the way at a time, so whoever has
no room for it in his socket is no Asterisk.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import structlog

from ivr.agi import AgiBroken, AgiStream, Greeting, Hangup, Reply

READ = 65_536
STARTS_S = 0.02
"""how long Asterisk is given to begin to play before the next command may cut it short"""

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

    def opened(self, session: AgiSession) -> None:
        """Asterisk has said whom it is about: the engine's turn."""

    def gone(self, session: AgiSession) -> None:
        """The connection of this session is gone."""


class _Batch:
    """Commands that belong together: sent one by one, answered as a whole."""

    __slots__ = ("commands", "cuttable", "done", "replies", "sent_at", "within")

    def __init__(
        self, commands: tuple[bytes, ...], within: float, done: asyncio.Future[list[Reply]], cuttable: bool
    ) -> None:
        self.cuttable = cuttable
        self.sent_at = 0.0
        self.commands = commands
        self.within = within
        self.done = done
        self.replies: list[Reply] = []


class AgiSession:
    """One caller, inside ``AGI()``.

    ``env``, ``path`` and ``args`` are what Asterisk said on opening. ``hung_up`` is set by the line
    ``HANGUP`` (the channel was hung up or taken elsewhere: only the AMI knows which), ``closed`` when the
    connection is gone.
    """

    __slots__ = (
        "_batches",
        "_cut",
        "_loop",
        "_server",
        "_socket",
        "_stream",
        "_timer",
        "args",
        "closed",
        "env",
        "hung_up",
        "opened",
        "path",
        "task",
    )

    def __init__(self, server: Port, loop: asyncio.AbstractEventLoop, connection: socket.socket) -> None:
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
        self._cut = False
        self._socket: socket.socket | None = connection

    # ── what the engine does ────────────────────────────────────────────────────────────────────────────────

    async def execute(self, *commands: bytes, within: float, cuttable: bool = False) -> list[Reply]:
        """Send these commands (see `ivr.agi`), each when the one before is answered; the replies in order.

        ``within``: seconds for all of them, from the moment when the first is sent; a batch that is asked for
        while another is under way waits its turn. Raises `CommandTimedOut` (the session is then closed) or
        `SessionOver`.

        ``cuttable``: one ``STREAM FILE``, which the next batch does not wait for: it is sent at once, upon which Asterisk stops
        playing and answers the new command alone. Whoever waits for the stream gets no reply then.
        """
        if cuttable and (len(commands) != 1 or not commands[0].startswith(b"STREAM FILE ")):
            raise ValueError("only a single STREAM FILE can be cut by the next command")
        if self._socket is None:
            raise SessionOver(self._describe("the session is over"))
        if not commands:
            return []
        batch = _Batch(commands, within, self._loop.create_future(), cuttable)
        self._batches.append(batch)
        if len(self._batches) == 1:
            self._begin()
        elif len(self._batches) == 2 and self._batches[0].cuttable:
            # Asterisk must have begun to play: a command that reaches it in one piece with STREAM FILE would wait for its end
            early = self._batches[0].sent_at + STARTS_S - self._loop.time()
            if early <= 0:
                self._cut_short()
            else:
                self._loop.call_later(early, self._cut_short)
        return await batch.done

    def close(self, why: str = "closed by us") -> None:
        """Let Asterisk go on in the dialplan; whoever waits for an answer gets `SessionOver`. May be
        called twice."""
        if self._socket is None:
            return
        self._loop.remove_reader(self._socket)
        self._socket.close()
        self._socket = None
        self._stop_timer()
        self.closed.set()
        while self._batches:
            batch = self._batches.popleft()
            if not batch.done.done():
                batch.done.set_exception(SessionOver(self._describe(why)))
        self._server.gone(self)

    # ── what the connection does ────────────────────────────────────────────────────────────────────────────

    def begin(self) -> None:
        """Listen to the peer. Most often its greeting is there already."""
        assert self._socket is not None
        self._loop.add_reader(self._socket, self._readable)
        self._readable()

    def _readable(self) -> None:
        if self._socket is None:
            return
        try:
            data = self._socket.recv(READ)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as why:
            self.close(f"the connection broke: {why.strerror}")
            return
        if not data:
            self.close("the switch closed the connection")
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
                    self.close("hung up")
            if self._socket is None:
                return

    def overdue(self) -> None:
        """The greeting did not come in time."""
        self._server.counts.no_greeting += 1
        self._drop(f"no complete greeting within {self._server.greeting_s} s")

    # ── inside ──────────────────────────────────────────────────────────────────────────────────────────────

    def _begin(self) -> None:
        batch = self._batches[0]
        batch.sent_at = self._loop.time()
        self._timer = self._loop.call_later(batch.within, self._late)
        self._send(batch.commands[0])

    def _cut_short(self) -> None:
        """The next batch ends the stream that is on, if it still is."""
        if self._socket is None or len(self._batches) < 2 or not self._batches[0].cuttable:
            return
        stream = self._batches.popleft()
        self._stop_timer()
        if not stream.done.done():
            stream.done.set_result([])
        self._cut = True
        self._begin()

    def _send(self, command: bytes) -> None:
        assert self._socket is not None
        try:
            sent = self._socket.send(command)
        except BlockingIOError:
            sent = 0
        except OSError as why:
            self.close(f"the connection broke: {why.strerror}")
            return
        if sent < len(command):
            self._server.counts.broken += 1
            self._drop("the peer does not read")

    def _answered(self, reply: Reply) -> None:
        if self._cut:
            self._cut = False
            if reply.endpos is not None:
                return  # the stream had come to its end just before it was cut
        if not self._batches:
            self._server.counts.broken += 1
            self._drop("an answer to nothing")
            return
        batch = self._batches[0]
        batch.replies.append(reply)
        if len(batch.replies) < len(batch.commands):
            self._send(batch.commands[len(batch.replies)])
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
        self.close(why)

    def _describe(self, what: str) -> str:
        return (
            f"agi session {self.path or '(not opened)'} of call {self.env.get('agi_uniqueid', '?')}: {what}"
        )
