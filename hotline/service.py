"""The loop: clock, deadlines, events into the journal and the engine, orders out to the switch and the database."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from acd.engine import Engine
from acd.messages import (
    AuditStored,
    CallId,
    CallRecord,
    Command,
    Event,
    Millis,
    RecordStored,
    RingAgent,
    Tick,
    WriteAudit,
    WriteRecord,
)
from acd.setup import Setup
from hotline.audit import AuditWriter
from hotline.journal import Alarm, Journal
from hotline.logs import logger
from hotline.records import Recorder, RecordsFault, RecordStore

BATCH = 256
"""so many events are written to the journal at once"""

LINGER_S = 1.0
"""so long records are gathered before they are written together"""

_log = logger("service")
_calls = logger("call")


class Clock:
    """Milliseconds since 1970 that never run backwards, moved by ``offset_ms`` (``--as-of``)."""

    def __init__(self, offset_ms: Millis = 0) -> None:
        self._base = time.time_ns() - time.monotonic_ns() + offset_ms * 1_000_000

    def now(self) -> Millis:
        """The instant."""
        return (self._base + time.monotonic_ns()) // 1_000_000


@dataclass(slots=True)
class Watchers:
    """Who wants to see what goes on beside the orders being carried out: the demonstration's table, the tests."""

    events: list[Callable[[Event, Millis], None]] = field(default_factory=list)
    records: list[Callable[[CallRecord], None]] = field(default_factory=list)


class Service:
    """One engine at work. ``carry_out`` takes every order but the records, which go to the database."""

    def __init__(
        self,
        setup: Setup,
        journal: Journal,
        store: RecordStore,
        *,
        carry_out: Callable[[Command], None],
        clock: Clock | None = None,
    ) -> None:
        self.engine = Engine(setup)
        self.clock = clock or Clock()
        self.watchers = Watchers()
        self.faults = 0
        """events on which the engine itself failed"""
        self._journal = journal
        self._carry_out = carry_out
        self._events: deque[tuple[Millis, Event]] = deque()
        self._awake = asyncio.Event()
        self._idle = asyncio.Event()
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at: Millis = 0
        self.recorder = Recorder(
            store,
            stored=self._stored,
            trouble=self._records_trouble,
            refused=self._record_refused,
            room=self._repeat_records,
            linger_s=LINGER_S,
        )

        self.auditor = AuditWriter(store, lambda entry: self.post(AuditStored(entry.at, entry.number)))

    def post(self, event: Event) -> None:
        """Take in a fact; it is dated now."""
        self._events.append((self.clock.now(), event))
        self._awake.set()

    def knows(self, call: CallId) -> bool:
        """Does the engine have this call in its hands?"""
        return call in self.engine.state.calls

    async def recover(self) -> bool:
        """Take over what the journal of an earlier run tells. True when there was one."""
        found = await self._journal.recover()
        if found.cut:
            _log.warning("journal cut", what=found.cut)
        if found.snapshot is not None:
            self.engine.restore(found.snapshot)
        for at, event in found.events:
            self._receive(event, at)
        for order in self.engine.repeat_records():
            self._record(order)
        self._dispatch(self.engine.repeat_audit())
        await self._journal.snapshot(self.engine.snapshot(), self.clock.now())
        calls, agents = len(self.engine.state.calls), len(self.engine.state.agents)
        _log.info("state taken over", events=len(found.events), calls=calls, agents=agents)
        return found.header is not None

    async def run(self) -> None:
        """Serve until cancelled."""
        while True:
            self._awake.clear()
            if not self._events and not self._due():
                self._idle.set()
                self._arm()
                await self._awake.wait()
                self._idle.clear()
            await self._turn()

    async def settled(self) -> None:
        """Wait until every fact that has been posted is acted on."""
        while self._events or not self._idle.is_set():
            await self._idle.wait()
            await asyncio.sleep(0)

    async def reconfigure(self, setup: Setup) -> None:
        """Go on under a new configuration: the journal begins a new segment, since older facts had another."""
        orders = self.engine.reconfigure(setup, self.clock.now())
        await self._journal.snapshot(self.engine.snapshot(), self.clock.now())
        self._dispatch(orders)

    def _due(self) -> bool:
        due = self.engine.deadline()
        return due is not None and due <= self.clock.now()

    def _arm(self) -> None:
        """Wake up at the engine's deadline. An alarm for an earlier time stays: it finds nothing to do and sets the next."""
        due = self.engine.deadline()
        if due is None or (self._alarm is not None and self._alarm_at <= due):
            return
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm_at = due
        delay = max(due - self.clock.now(), 0) / 1000
        self._alarm = asyncio.get_running_loop().call_later(delay, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        self._awake.set()

    async def _turn(self) -> None:
        batch = [self._events.popleft() for _ in range(min(len(self._events), BATCH))]
        now = self.clock.now()
        due = self.engine.deadline()
        if due is not None and due <= now:
            batch.append((now, Tick()))
        if not batch:
            return
        numbers = await self._journal.append(batch)
        for number, (at, event) in zip(numbers, batch, strict=True):
            orders = self._receive(event, at)
            self._journal.note_orders(number, orders)
            self._dispatch(orders)
            for watch in self.watchers.events:
                watch(event, at)
        if self._journal.snapshot_due(now):
            await self._journal.snapshot(self.engine.snapshot(), now)

    def _receive(self, event: Event, at: Millis) -> list[Command]:
        try:
            return self.engine.receive(event, at)
        except Exception:  # noqa: BLE001 (one call's fault never reaches another's)
            self.faults += 1
            _log.exception(
                "the engine failed on an event",
                happened=type(event).__name__,
                call=getattr(event, "call", None),
            )
            return []

    def _dispatch(self, orders: Sequence[Command]) -> None:
        for order in orders:
            if isinstance(order, WriteRecord):
                self._record(order)
                continue
            if isinstance(order, WriteAudit):
                self.auditor.submit(order.entry)
                continue
            if isinstance(order, RingAgent):
                _calls.info(
                    "ring", call=order.call, agent=order.agent, seat=order.seat, because=order.because
                )
            try:
                self._carry_out(order)
            except Exception:  # noqa: BLE001
                self.faults += 1
                _log.exception("an order could not be carried out", order=type(order).__name__)

    def _record(self, order: Command) -> None:
        assert isinstance(order, WriteRecord)
        record = order.record
        _calls.info(
            "over",
            call=record.call,
            line=record.line,
            disposition=record.disposition,
            agent=record.agent,
            because=record.because[-1] if record.because else None,
        )
        self.recorder.submit(record)
        for watch in self.watchers.records:
            watch(record)

    def _stored(self, calls: Sequence[CallId]) -> None:
        for call in calls:
            self.post(RecordStored(call))

    def _records_trouble(self, fault: RecordsFault | None) -> None:
        if fault is None:
            _log.info("records are stored again")
        else:
            _log.error("records wait", why=str(fault))

    def _record_refused(self, record: CallRecord, fault: RecordsFault) -> None:
        _log.error("a record is refused by the database", call=record.call, why=str(fault))

    def _repeat_records(self) -> None:
        for order in self.engine.repeat_records():
            self._record(order)


def tell_alarm(alarm: Alarm) -> None:
    """The journal's alarms go to the log."""
    if alarm.state == "well":
        _log.info("journal well", what=alarm.text, lost=alarm.lost)
    else:
        _log.error("journal " + alarm.state, what=alarm.text, lost=alarm.lost)
