"""The door for programs: a Unix socket in the home of a hotline that runs, over which a console asks for what a seat's
keys can do, and more.

One JSON document a line, both ways. What is asked is one of the engine's facts by its name (``Ask``), for example::

    {"type": "TransferAsked", "call": "1767578400.12", "how": "three-way", "to": "110", "by": "1001"}

The answer: ``{"said": [], "done": true}``; ``{"said": ["transfer-busy"], "done": false}``, with the prompts that a
phone would have heard; ``{"taken": true}`` for what the engine answers by nothing; ``{"fault": "..."}`` for a line
that can't be understood, with its remedy. ``{"type":
"Watch"}`` is answered by every fact and its instant from then on, ``EarAsked`` by what is said at seats (`hotline.ear`).
Who may open the socket is this machine's user who runs the hotline (mode 600): it asks in the name of the agent in ``by``,
whose rights hold.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import msgspec

from acd.messages import (
    BackAsked,
    BreakAsked,
    CallerBarred,
    CallerUnbarred,
    EarAsked,
    Event,
    Millis,
    RecordingPauseAsked,
    RecordingResumeAsked,
    SignOffAsked,
    SuperviseAsked,
    Tell,
    TransferAsked,
    TransferSteered,
    WrapUpEndAsked,
    WrapUpExtendAsked,
    encode,
)
from hotline.logs import OwnersFault, logger
from hotline.sms import SendSms

if TYPE_CHECKING:
    from hotline.ear_door import EarDoor

FILE = "control.sock"
WORD_S = 5.0
GRANTED = frozenset(
    {
        *("on-break", "on-break-after-call", "break-queued", "back", "signed-off", "signed-off-after-call"),
        *(
            "wrap-up-ended",
            "wrap-up-extended",
            "recording-paused",
            "recording-resumed",
            "bar-done",
            "bar-removed",
        ),
        *("nobody-waits", "waiting-now"),
    }
)
"""prompts that begin an answer and are no refusal"""
LONGEST = 16_384
"""bytes of a line"""
BEHIND = 4_096
"""facts that a watcher may be behind before it is dropped: it must not hold up the engine"""


class Watch(msgspec.Struct, frozen=True, tag=True):
    """Tell every fact from now on."""


Ask = (
    TransferAsked
    | TransferSteered
    | SuperviseAsked
    | RecordingPauseAsked
    | RecordingResumeAsked
    | CallerBarred
    | CallerUnbarred
    | SignOffAsked
    | BreakAsked
    | BackAsked
    | WrapUpEndAsked
    | WrapUpExtendAsked
    | SendSms
    | EarAsked
    | Watch
)
"""what may be asked; what is over others goes through `SuperviseAsked`, with its rights and its audit"""

_asks: msgspec.json.Decoder[Ask] = msgspec.json.Decoder(Ask)
_log = logger("control")


class ControlFault(OwnersFault):
    """Nobody answers at the door. One line: place, fault, remedy."""


class Control:
    """The server. ``post`` takes facts in; ``watchers`` is the service's list of who hears them; ``within_s``: seconds
    for the engine's word."""

    def __init__(
        self,
        path: Path,
        post: Callable[[Event], None],
        watchers: list[Callable[[Event, Millis], None]],
        *,
        within_s: float = WORD_S,
        sms: Callable[[SendSms], Awaitable[dict[str, Any]]] | None = None,
        ears: EarDoor | None = None,
    ) -> None:
        self.path = path
        self._ears = ears
        self._within_s = within_s
        self._sms = sms
        self._post = post
        self._watchers = watchers
        self._words: dict[str, asyncio.Future[tuple[str, ...]]] = {}
        self._asked = 0
        self._clients: set[asyncio.StreamWriter] = set()

    def tell(self, order: Tell) -> bool:
        """The engine's word for one who asked here; false when it is for somebody else."""
        word = self._words.get(order.desk)
        if word is None:
            return False
        if not word.done():
            word.set_result(order.prompts)
        return True

    async def serve(self) -> None:
        """Serve until cancelled."""
        self.path.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            server = await asyncio.start_unix_server(
                self._client, self.path, limit=LONGEST, start_serving=False
            )
        finally:
            os.umask(before)
        try:
            await server.serve_forever()
        finally:
            server.close()
            for client in tuple(self._clients):
                client.close()
            self.path.unlink(missing_ok=True)

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients.add(writer)
        try:
            while line := await self._line(reader, writer):
                await self._answer(line, writer)
                await writer.drain()  # who does not read its answers is not read either
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._clients.discard(writer)
            writer.close()

    async def _line(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        try:
            return await reader.readline()
        except ValueError:
            _write(writer, {"fault": f"a line of more than {LONGEST} bytes: ask for one thing a line"})
            return b""

    async def _answer(self, line: bytes, writer: asyncio.StreamWriter) -> None:
        try:
            ask = _asks.decode(line)
        except (msgspec.ValidationError, msgspec.DecodeError) as fault:
            _write(writer, {"fault": f"{fault}: see docs/engineers.md, the door for programs"})
            return
        if isinstance(ask, Watch):
            await self._watch(writer)
            return
        if isinstance(ask, SendSms):
            _log.info("asked", what="SendSms", number=ask.number)
            refused = {"fault": "sms: nobody sends any here; write [sms] into the city file"}
            _write(writer, refused if self._sms is None else await self._sms(ask))
            return
        _log.info("asked", what=type(ask).__name__, by=getattr(ask, "by", getattr(ask, "owner", "")))
        if "desk" not in ask.__struct_fields__:
            self._post(ask)
            _write(writer, {"taken": True})
            return
        if isinstance(ask, EarAsked) and self._ears is None:
            _write(writer, {"fault": "speech: nobody writes talks down here"})
            return
        self._asked += 1
        desk = f"control {self._asked}"
        word = self._words[desk] = asyncio.get_running_loop().create_future()
        try:
            # Nobody's phone is there: a supervisor's channel is made.
            elsewhere = {"phone": ""} if isinstance(ask, SuperviseAsked) else {}
            self._post(msgspec.structs.replace(ask, desk=desk, **elsewhere))
            said = await asyncio.wait_for(word, self._within_s)
            done = not said or said[0] in GRANTED
            _write(writer, {"said": said, "done": done})
        except TimeoutError:
            done = False
            _write(
                writer,
                {"fault": f"the engine gave no word within {self._within_s:g} s: look at hotline status"},
            )
        finally:
            del self._words[desk]
        if done and isinstance(ask, EarAsked):
            await self._read_along(ask, writer)

    async def _watch(self, writer: asyncio.StreamWriter) -> None:
        def begin(tell: Callable[[bytes], None]) -> Callable[[], None]:
            def heard(event: Event, at: Millis) -> None:
                tell(b'{"at":%d,"fact":%s}\n' % (at, encode(event)))

            self._watchers.append(heard)
            return lambda: self._watchers.remove(heard)

        await _stream(writer, begin)

    async def _read_along(self, asked: EarAsked, writer: asyncio.StreamWriter) -> None:
        door = self._ears
        assert door is not None
        await _stream(
            writer, lambda tell: door.read_along(asked, lambda told: tell(msgspec.json.encode(told) + b"\n"))
        )


async def _stream(
    writer: asyncio.StreamWriter, begin: Callable[[Callable[[bytes], None]], Callable[[], None]]
) -> None:
    """Tell one who listens from now on, until he is gone or does not read. ``begin`` is given who takes a line, and returns what
    ends it."""
    lines: asyncio.Queue[bytes] = asyncio.Queue(BEHIND)

    def tell(line: bytes) -> None:
        if writer.transport.is_closing():
            return
        try:
            lines.put_nowait(line)
        except asyncio.QueueFull:
            _log.warning("a watcher does not read: dropped", behind=BEHIND)
            writer.transport.abort()  # which ends the wait below, for room to write

    end = begin(tell)
    try:
        while not writer.transport.is_closing():
            writer.write(await lines.get())
            await writer.drain()
    finally:
        end()


def _write(writer: asyncio.StreamWriter, answer: dict[str, Any]) -> None:
    writer.write(msgspec.json.encode(answer) + b"\n")


def read_ask(name: str, fields: Mapping[str, str]) -> dict[str, Any]:
    """What the command line asks for, its values turned into what they are. Raises `ControlFault` with place, fault and remedy."""
    kinds = {kind.__name__: kind for kind in get_args(Ask) if kind not in {Watch, EarAsked}}
    if name not in kinds:
        raise ControlFault(
            f"{name}: nothing of this name may be asked for; write one of {', '.join(sorted(kinds))}"
        )
    kind = kinds[name]
    unknown = sorted(set(fields) - set(kind.__struct_fields__))
    if unknown:
        known = ", ".join(kind.__struct_fields__)
        raise ControlFault(f"{name}.{unknown[0]}: there is no such field; {name} has {known}")
    try:
        read = msgspec.convert({**fields, "type": name}, kind, strict=False)
    except msgspec.ValidationError as fault:
        raise ControlFault(f"{name}: {fault}: see docs/engineers.md, the door for programs") from None
    made: dict[str, Any] = msgspec.to_builtins(read)
    return made


async def ask(path: Path, asked: dict[str, Any]) -> dict[str, Any]:
    """Ask a hotline that runs for one thing, and wait for its answer. Raises `ControlFault`."""
    try:
        reader, writer = await asyncio.open_unix_connection(path)
    except OSError as why:
        raise ControlFault(
            f"{path}: nobody answers ({why.strerror}); start hotline run, or give its --home"
        ) from None
    try:
        writer.write(msgspec.json.encode(asked) + b"\n")
        line = await asyncio.wait_for(reader.readline(), WORD_S + 1)
    except (TimeoutError, ConnectionError):
        line = b""
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    if not line:
        raise ControlFault(f"{path}: no answer; look at the log of hotline run")
    answer: dict[str, Any] = msgspec.json.decode(line)
    return answer
