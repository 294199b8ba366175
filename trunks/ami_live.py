"""The AMI connection itself: panoramisk 1.4, with every fault mended that would lose a call.

What panoramisk does, and what these subclasses do instead (``tests/trunks/test_ami_live.py`` shows both):

- an action without an answer is sent *again* after a reconnect: here it fails with `LinkDown`, and is never
repeated; - text cut across two reads loses characters: here whole messages are decoded; - ``QueueAdd`` never
resolves, ``Atxfer`` and ``Originate`` raise inside the protocol: what is a list is told from
  ``EventList: start``, as Asterisk means it, and not from the words of the message;
- no time limits, pings unchecked, a wrong password silent: here there are limits and typed errors;
- CR and LF in a value forge headers: refused before anything is sent;
- events are handled while reading, so that a slow consumer makes Asterisk drop us: here the reader only
parses and
  enqueues, and a queue that runs over ends the connection loudly instead of losing an event silently.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, cast

import structlog
from panoramisk.actions import Action
from panoramisk.ami_protocol import AMIProtocol
from panoramisk.manager import Manager
from panoramisk.message import Message

from trunks.ami import AmiBroken, AmiStream, Fields, Value, begins_list, compose, ends_list

INBOX = 20_000  # messages; Asterisk makes 130 a call at worst, so this is a second at 150 calls/s
SLICE_S = 0.005  # how long events are handled before the reader gets its turn
MAX_UNSENT = 1_048_576  # bytes; more means that the switch no longer reads
MAX_LIST = 100_000
CONNECT_S = 5.0

_log = structlog.get_logger(__name__)


class SwitchFault(Exception):
    """Something went wrong between us and the switch."""


class LinkDown(SwitchFault):
    """There is no connection, or it broke before the answer came: whether the action was done is not
    known."""


class LoginRefused(SwitchFault):
    """The switch does not accept the name or the secret: the owner's fault, so trying again soon is no
    use."""


class ActionRefused(SwitchFault):
    """The switch answered ``Response: Error``. ``answer`` is the whole answer."""

    def __init__(self, action: str, answer: Fields) -> None:
        super().__init__(f"{action}: the switch says: {answer.get('Message', 'no reason').strip()}")
        self.action = action
        self.answer = answer


class ActionTimedOut(SwitchFault):
    """No answer within the time given: whether the action was done is not known."""


class WireAction(Action):  # type: ignore[misc]
    """One action and its answer: encoded at once, so that a bad value fails before anything is sent."""

    def __init__(self, fields: Mapping[str, Any], as_list: bool | None = None) -> None:
        super().__init__(fields, as_list=as_list)
        values = {name: value for name, value in self.items() if name.lower() not in ("action", "actionid")}
        self.name: str = self["Action"]
        self.encoded = compose(self.name, self["ActionID"], cast("Mapping[str, Value | None]", values))

    def add_message(self, message: Fields) -> bool:
        """Take one message that carries our ActionID; true when the answer is complete."""
        if not self.responses:
            self.responses.append(message)
            if begins_list(message):
                return False
            if not self.future.done():
                if message.get("Response") in ("Error", "Fail", "Failure"):
                    self.future.set_exception(ActionRefused(self.name, message))
                else:
                    self.future.set_result(message)
            return True
        if ends_list(message) or len(self.responses) > MAX_LIST:
            if not self.future.done():
                self.future.set_result(self.responses[1:])
            return True
        self.responses.append(message)
        return False


class WireProtocol(AMIProtocol):  # type: ignore[misc]
    """Bytes to messages, messages to the queue, the queue to whom they concern: in the order of the wire."""

    transport: asyncio.Transport
    responses: dict[str, WireAction]
    version: str | None
    closed: bool

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.loop = asyncio.get_running_loop()
        self.inbox: deque[dict[str, str]] = deque()
        self.heard_at = self.loop.time()
        self.ready: asyncio.Future[str] = self.loop.create_future()
        self.lost: asyncio.Future[Exception] = self.loop.create_future()
        self._stream = AmiStream()
        self._draining = False
        self._answered = False
        self._given_up: deque[str] = deque(maxlen=256)

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Called by asyncio: connected."""
        super().connection_made(transport)
        self.factory = self.wire

    def data_received(self, data: bytes) -> None:
        """Called by asyncio: parse and enqueue, nothing else."""
        if self.closed:
            return
        self.heard_at = self.loop.time()
        try:
            self.inbox.extend(self._stream.feed(data))
        except AmiBroken as why:
            self.fail(LinkDown(str(why)))
            return
        if self.version is None and self._stream.version is not None:
            self.version = self._stream.version
            if not self.ready.done():
                self.ready.set_result(self._stream.version)
        if len(self.inbox) > self.wire.inbox:
            self.fail(LinkDown(f"{len(self.inbox)} messages wait to be handled; {self.wire.inbox} may"))
        elif self.inbox and not self._draining:
            self._draining = True
            self.loop.call_soon(self._drain)

    def _drain(self) -> None:
        """Hand messages on for a slice of time. After an answer the asker runs first, then what came
        behind it."""
        inbox, dispatch = self.inbox, self.wire.dispatch
        until = self.loop.time() + SLICE_S
        now = self.loop.time
        while inbox and not self.closed:
            message = inbox.popleft()
            if "ActionID" in message and self._claims(message):
                if self._answered:
                    self._answered = False
                    break
            elif "Event" in message:
                dispatch(message)
            if now() > until:
                break
        self._draining = bool(inbox) and not self.closed
        if self._draining:
            self.loop.call_soon(self._drain)

    def _claims(self, message: dict[str, str]) -> bool:
        """Whether the message belongs to an action; sets ``_answered`` when it was the last one missing."""
        wanted = message["ActionID"]
        action = self.responses.get(wanted)
        if action is None:
            return wanted in self._given_up and message.get("Event") != "OriginateResponse"
        if "Response" not in message and not action.responses:
            return False
        if action.add_message(message):
            del self.responses[wanted]
            self._answered = True
        return True

    def send(self, data: Mapping[str, Any], as_list: bool | None = None) -> asyncio.Future[Any]:
        """Send one action.

        Raises ``ValueError`` for a value that would forge a header, `LinkDown` without a connection.
        """
        action = data if isinstance(data, WireAction) else WireAction(data, as_list=as_list)
        if self.closed or self.transport.is_closing():
            raise LinkDown(f"{action.name}: no connection to the switch")
        if self.transport.get_write_buffer_size() > MAX_UNSENT:
            self.fail(LinkDown("the switch no longer reads what is sent"))
            raise LinkDown(f"{action.name}: the switch no longer reads what is sent")
        self.responses[action["ActionID"]] = action
        self.transport.write(action.encoded)
        return cast("asyncio.Future[Any]", action.future)

    def give_up(self, future: asyncio.Future[Any]) -> None:
        """Nobody waits for this answer any more: should it come, it is thrown away."""
        for wanted, action in self.responses.items():
            if action.future is future:
                self._given_up.append(wanted)
                del self.responses[wanted]
                return

    def fail(self, why: Exception) -> None:
        """End the connection now and tell everybody who waits. May be called twice; the first reason
        counts."""
        if self.closed:
            return
        self.closed = True
        self.inbox.clear()
        self.transport.abort()
        pending, self.responses = self.responses, {}
        for action in pending.values():
            if not action.future.done():
                action.future.set_exception(LinkDown(f"{action.name}: not answered: {why}"))
        if not self.ready.done():
            self.ready.set_exception(why)
        if not self.lost.done():
            self.lost.set_result(why)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Called by asyncio: the connection is gone."""
        why = "the switch closed the connection" if exc is None else f"the connection broke: {exc}"
        self.fail(LinkDown(why))

    def close(self) -> None:
        """End the connection from our side."""
        self.fail(LinkDown("closed by us"))


class Wire(Manager):  # type: ignore[misc]
    """One connection to the switch. It does not reconnect by itself: `trunks.live.SwitchLink` decides that.

    ``on_event(name, fields)`` is called for every event, in the order of the wire; patterns of
    `register_event` see them too.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 5038,
        username: str = "",
        secret: str = "",
        *,
        on_event: Callable[[str, Fields], None] | None = None,
        events: str = "on",
        connect_s: float = CONNECT_S,
        inbox: int = INBOX,
    ) -> None:
        super().__init__(host=host, port=port, username=username, secret=secret, events=events)
        # The base class asks to be told of FullyBooted in order to repeat what was not answered.
        self.patterns.clear()
        self.callbacks.clear()
        self.inbox = inbox
        self.on_event = on_event
        self._connect_s = connect_s

    def connect(self, *_: object, **__: object) -> asyncio.Task[WireProtocol]:
        """Connect, check who answers, log in; the task raises `LinkDown` or `LoginRefused`."""
        self.loop = asyncio.get_running_loop()
        return asyncio.create_task(self._open())

    async def _open(self) -> WireProtocol:
        host, port = self.config["host"], self.config["port"]
        place = f"the switch at {host}:{port}"
        try:
            async with asyncio.timeout(self._connect_s):
                _, protocol = await self.loop.create_connection(lambda: WireProtocol(self), host, port)
                self.protocol = protocol
                # Whoever waits learns of a failure through `ready` or the action; nobody need fetch it twice.
                protocol.ready.add_done_callback(lambda done: done.cancelled() or done.exception())
                await protocol.ready
                login = {"Username": self.config["username"], "Secret": self.config["secret"]}
                await protocol.send({"Action": "Login", **login, "Events": self.config["events"]})
        except TimeoutError:
            self.close()
            raise LinkDown(f"{place} did not open a session within {self._connect_s} s") from None
        except OSError as why:
            raise LinkDown(f"{place} cannot be reached: {why.strerror or why}") from None
        except ActionRefused as why:
            self.close()
            reason = why.answer.get("Message", "").strip()
            who = repr(self.config["username"])
            raise LoginRefused(f"{place} refuses {who}: {reason}: check the secret in manager.conf") from None
        except BaseException:
            self.close()
            raise
        self.authenticated = True
        return protocol

    def send_action(
        self, action: Mapping[str, Any], as_list: bool | None = None, **more: Any
    ) -> asyncio.Future[Any]:
        """Send an action; the future gets the answer, or the list of events that the answer announces."""
        if self.protocol is None:
            raise LinkDown("no connection to the switch")
        answer: asyncio.Future[Any] = self.protocol.send({**action, **more}, as_list=as_list)
        return answer

    def dispatch(self, event: dict[str, str]) -> None:
        """Hand one event to whoever listens; what a listener raises is logged and harms no other event."""
        try:
            if self.on_event is not None:
                self.on_event(event["Event"], event)
            if self.patterns:
                super().dispatch(Message(event))
        except Exception:  # noqa: BLE001 (one event's fault never reaches another call)
            _log.exception("event not handled", event_name=event.get("Event"), call=event.get("Uniqueid"))

    async def send_awaiting_actions(self, *_: object) -> None:
        """The base class repeats here what was not answered. Nothing is ever repeated."""

    def connection_lost(self, exc: BaseException | None) -> None:
        """The base class reconnects here; `trunks.live.SwitchLink` does."""

    def close(self) -> None:
        """End the connection from our side."""
        self.authenticated = False
        if self.protocol is not None:
            self.protocol.close()
