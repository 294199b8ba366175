"""The link to the switch: log in, survey, keep alive, reconnect, and never repeat an action by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, cast

import structlog

from trunks.ami import Fields, Value
from trunks.ami_live import (
    INBOX,
    ActionRefused,
    ActionTimedOut,
    LinkDown,
    LoginRefused,
    SwitchFault,
    Wire,
    WireProtocol,
)

__all__ = [
    "ActionRefused",
    "ActionTimedOut",
    "Fields",
    "LinkDown",
    "LoginRefused",
    "SwitchFault",
    "SwitchLink",
]

ACTION_S = 5.0
PING_S = 5.0
SILENT_PINGS = 3
FIRST_RETRY_S = 0.1
LAST_RETRY_S = 5.0
LOGIN_RETRY_S = 15.0  # a wrong secret stays wrong until someone corrects it
STEADY_S = 5.0  # a link that held this long was a good one: the next failure is a new one
BOOT_STEP_S = 0.05

_log = structlog.get_logger(__name__)

OnEvent = Callable[[str, Fields], None]
OnUp = Callable[["SwitchLink", bool], Awaitable[None]]
OnDown = Callable[[str], None]


class SwitchLink:
    """The wire to one Asterisk, for as long as the program runs.

    ``on_event(name, fields)`` gets every event, ``await link.action(...)`` every answer, in the order in
    which they stood on the wire: what came before an answer is handed over before it, what came behind it
    after. ``on_up(link, restarted)`` runs after each log-in: here one asks the switch what it has.
    ``restarted`` says that it is another run of the switch than the one before (or than ``known_run``, a
    `run_id` kept from earlier). Whatever ``on_up`` raises ends the connection, and the link tries again.
    ``on_down(reason)`` follows each ``on_up`` once.
    """

    def __init__(
        self,
        host: str,
        port: int,
        user: str,
        secret: str,
        *,
        on_event: OnEvent,
        on_up: OnUp,
        on_down: OnDown,
        known_run: str | None = None,
        ping_s: float = PING_S,
        connect_s: float = 5.0,
        login_retry_s: float = LOGIN_RETRY_S,
        inbox: int = INBOX,
    ) -> None:
        self.host = host
        self.port = port
        self.run_id = known_run
        self.up = False
        self._wire = Wire(host, port, user, secret, on_event=on_event, connect_s=connect_s, inbox=inbox)
        self._protocol: WireProtocol | None = None
        self._on_up = on_up
        self._on_down = on_down
        self._ping_s = ping_s
        self._login_retry_s = login_retry_s

    # ── the life of the link ──

    async def run(self) -> None:
        """Hold the link until cancelled: connect, survey, watch, and after a failure again, at longer
        intervals."""
        loop = asyncio.get_running_loop()
        retry = FIRST_RETRY_S
        told = ""
        while True:
            began = loop.time()
            try:
                await self._hold()
            except LoginRefused as why:
                _log.error("switch refuses the log-in", why=str(why), retry_s=self._login_retry_s)
                await asyncio.sleep(self._login_retry_s)
                continue
            except SwitchFault as why:
                if loop.time() - began > STEADY_S:
                    retry = FIRST_RETRY_S
                if str(why) != told or retry >= LAST_RETRY_S:  # an outage is told once, then now and then
                    _log.warning("switch link down", why=str(why), retry_s=retry)
                    told = str(why)
            except Exception:  # noqa: BLE001 (the link outlives whatever the survey ran into)
                _log.exception("switch survey failed", retry_s=retry)
            await asyncio.sleep(retry)
            retry = min(2 * retry, LAST_RETRY_S)

    async def _hold(self) -> None:
        """One connection, from the first byte to the last. Always ends in an exception."""
        protocol = self._protocol = await self._wire.connect()
        reason = "the program stops"
        try:
            run_id = await self._learn_run()
            restarted = self.run_id is not None and run_id != self.run_id
            self.run_id = run_id
            self.up = True
            place = f"{self.host}:{self.port}"
            _log.info("switch link up", place=place, ami=protocol.version, restarted=restarted)
            await self._until_lost(protocol, restarted)
        except SwitchFault as why:
            reason = str(why)
            raise
        except Exception as why:
            reason = f"the survey failed: {why!r}"
            raise
        finally:
            protocol.close()
            if self.up:
                self.up = False
                self._on_down(reason)

    async def _until_lost(self, protocol: WireProtocol, restarted: bool) -> None:
        """Survey and keep alive until one of them, or the connection, fails; raises what it was."""
        survey = asyncio.ensure_future(self._on_up(self, restarted))
        alive = asyncio.ensure_future(self._keep_alive(protocol))
        waiting: set[asyncio.Future[Any]] = {survey, alive, protocol.lost}
        try:
            # Not a TaskGroup: that of 3.11 loses our own cancellation when one of its tasks fails beside it.
            while not protocol.lost.done():
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                if not protocol.lost.done():
                    await asyncio.gather(*done)
            raise protocol.lost.result()  # whatever else failed, failed because of this
        finally:
            survey.cancel()
            alive.cancel()
            await asyncio.gather(survey, alive, return_exceptions=True)

    async def _keep_alive(self, protocol: WireProtocol) -> None:
        loop = asyncio.get_running_loop()
        unanswered = 0
        while True:
            await asyncio.sleep(self._ping_s)
            asked = loop.time()
            try:
                await self.action("Ping", timeout=self._ping_s)
                unanswered = 0
            except ActionTimedOut:
                unanswered += 1
                # Our own loop may have been busy: what has been heard since proves that the switch is alive.
                if protocol.heard_at <= asked or unanswered >= SILENT_PINGS:
                    raise LinkDown(f"no answer to a ping for {self._ping_s} s") from None

    async def _learn_run(self) -> str:
        """Which run of the switch this is: the second in which it was ready. Waits while it is still
        starting."""
        while True:
            status = cast("Fields", await self.action("CoreStatus"))
            day, time = status.get("CoreStartupDate", ""), status.get("CoreStartupTime", "")
            if day and not day.startswith(("1969", "1970")):  # no time yet: modules are still being loaded
                return f"{day}T{time}"
            await asyncio.sleep(BOOT_STEP_S)

    # ── actions ──

    async def action(
        self, name: str, timeout: float = ACTION_S, **fields: Value | None
    ) -> Fields | list[Fields]:
        """Send an action and wait for its answer: one mapping, or the list of what an answer announces.

        Never sent again. Raises `ActionRefused`, `ActionTimedOut`, `LinkDown`, or ``ValueError`` for a value
        with CR, LF or NUL. After `ActionTimedOut` and `LinkDown` it is not known whether the switch did it.
        """
        protocol = self._protocol
        if protocol is None or protocol.closed:
            raise LinkDown(f"{name}: no connection to the switch")
        answer = protocol.send({"Action": name, **{k: v for k, v in fields.items() if v is not None}})
        try:
            async with asyncio.timeout(timeout):
                return cast("Fields | list[Fields]", await answer)
        except TimeoutError:
            raise ActionTimedOut(f"{name}: no answer within {timeout} s") from None
        finally:
            if answer.cancelled():
                protocol.give_up(answer)

    async def _one(self, name: str, **fields: Value | None) -> Fields:
        answer = await self.action(name, ACTION_S, **fields)
        if isinstance(answer, list):
            raise SwitchFault(f"{name}: the switch answered with a list of {len(answer)}")
        return answer

    async def _list(self, name: str, **fields: Value | None) -> list[Fields]:
        answer = await self.action(name, ACTION_S, **fields)
        return answer if isinstance(answer, list) else [answer]

    async def status(self, variables: Iterable[str] = ()) -> list[Fields]:
        """Every channel, with these channel variables (take them apart with `trunks.ami.variables`)."""
        return await self._list("Status", Variables=",".join(variables) or None)

    async def contacts(self) -> list[Fields]:
        """Every registered or configured contact of every phone and trunk (``ContactList`` events)."""
        try:
            return await self._list("PJSIPShowContacts")
        except ActionRefused as why:
            if "No Contacts found" in str(why):  # Asterisk calls an empty list an error
                return []
            raise

    async def contacts_of(self, endpoint: str) -> list[Fields]:
        """The contacts of a phone or trunk, also those that stand in the files (``ContactStatusDetail`` events).
        `ActionRefused` when there is no such endpoint."""
        lines = await self._list("PJSIPShowEndpoint", Endpoint=endpoint)
        return [line for line in lines if line.get("Event") == "ContactStatusDetail"]

    async def qualify(self, endpoint: str) -> None:
        """Send OPTIONS to every contact of a phone or trunk now. What comes of it is told by ``ContactStatus``, if it is a
        change. `ActionRefused` when there is no such endpoint."""
        await self._one("PJSIPQualify", Endpoint=endpoint)

    async def redirect(
        self, channel: str, context: str, exten: str = "s", priority: int = 1, *, extra: str | None = None
    ) -> None:
        """Send a channel (and ``extra``, its peer) to another place in the dialplan.

        Only for what is bridged or blocked inside an application: between two priorities the call is lost.
        """
        place: dict[str, Value | None] = {"Context": context, "Exten": exten, "Priority": priority}
        if extra is not None:
            place |= {f"Extra{name}": value for name, value in place.items()}
            place["ExtraChannel"] = extra
        await self._one("Redirect", Channel=channel, **place)

    async def hangup(self, channel: str, cause: int = 16) -> None:
        """Hang a channel up with a Q.850 cause."""
        await self._one("Hangup", Channel=channel, Cause=cause)

    async def queue_add(
        self, queue: str, interface: str, *, name: str | None = None, paused: bool = False
    ) -> None:
        """Make a phone a member of a native queue. `ActionRefused` when it is one already."""
        await self._one("QueueAdd", Queue=queue, Interface=interface, MemberName=name, Paused=paused)

    async def queue_remove(self, queue: str, interface: str) -> None:
        """Take a phone out of a native queue. `ActionRefused` when it is not in it."""
        await self._one("QueueRemove", Queue=queue, Interface=interface)

    async def queue_pause(self, interface: str, paused: bool, queue: str | None = None) -> None:
        """Pause a member, in one queue or in all."""
        await self._one("QueuePause", Interface=interface, Paused=paused, Queue=queue)

    async def queue_members(self, queue: str) -> list[Fields]:
        """The members of a native queue (``QueueMember`` events): to put it right after a gap."""
        lines = await self._list("QueueStatus", Queue=queue)
        return [line for line in lines if line.get("Event") == "QueueMember"]

    async def originate(
        self,
        channel: str,
        context: str,
        exten: str = "s",
        priority: int = 1,
        *,
        ring_ms: int = 30_000,
        caller_id: str | None = None,
        variables: Mapping[str, str] | None = None,
        channel_id: str | None = None,
    ) -> str:
        """Call a phone and send it to a place in the dialplan once it answers; returns at once.

        What becomes of it is told by the event ``OriginateResponse`` with the ``ActionID`` that is returned.
        A comma or a double quote in a variable's value would make another variable of it: ``ValueError``.
        """
        for name, value in (variables or {}).items():
            if "," in value or '"' in value or not name.replace("_", "").isalnum():
                raise ValueError(
                    f"Originate.Variable.{name}: {value!r} has a comma or quote: it would be cut"
                )
        answer = await self._one(
            "Originate",
            Channel=channel,
            Context=context,
            Exten=exten,
            Priority=priority,
            Timeout=ring_ms,
            CallerID=caller_id,
            Variable=[f"{name}={value}" for name, value in (variables or {}).items()],
            Async=True,
            ChannelId=channel_id,
        )
        return answer["ActionID"]
