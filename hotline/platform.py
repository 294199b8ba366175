"""A city's platform: the switch, the wire to it, and the service, put together."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version

from msgspec import structs

from acd.agents import Presence
from acd.floor_view import FloorView, floor_view
from acd.lines import DAY_MS, LineWatch
from acd.messages import (
    CallId,
    ChannelSeen,
    Millis,
    SeatDisengaged,
    SeatEngaged,
    SeatId,
    SpeechServed,
    SwitchLost,
    SwitchSurveyed,
)
from hotline import status
from hotline.asterisk import FALLBACK, Asterisk
from hotline.city import City
from hotline.control import FILE, Control
from hotline.ear import Ears
from hotline.ear_door import EarDoor
from hotline.fallback import FallbackSpool, SwitchHas
from hotline.journal import Header, Options, open_journal
from hotline.lines import Line
from hotline.logs import logger
from hotline.place import Place, digest_of, keep_all_secrets, survival_command
from hotline.recordings import FOLDER, Shelf
from hotline.recordings_keeper import RecordingsKeeper
from hotline.records import RecordsFault, RecordStore
from hotline.service import Clock, Service, tell_alarm
from hotline.sms_running import CitySms
from hotline.speech_running import CitySpeech
from hotline.supervision import watched
from hotline.survey import VARIABLES, fallback_has, reachable_seats, read_status, silent_seats
from hotline.survival_table import SurvivalTable
from hotline.switch.config import AMI_SECRET, AMI_USER
from hotline.switch.find import find_asterisk
from hotline.switch.process import Switch
from hotline.switch.prompts_live import make_prompts
from hotline.switch.secrets import Secrets, write_private
from hotline.switch.spool import Spool
from ivr.live import AgiServer
from trunks.live import ActionRefused, Fields, SwitchFault, SwitchLink

__all__ = ["Place", "Platform", "digest_of", "keep_all_secrets", "survival_command"]

RESURVEY_S = 1.0
"""so long after a caller fell out of our hands the switch is asked what it has"""
SPOOL_S = 1.0
"""so often the fallback's spool is looked into"""
OPINIONS = "opinions"
"""where callers' open answers about the service are kept, one file a call"""
RUN_FILE = "switch-run"
"""which run of the switch was seen last"""

_log = logger("platform")


class Platform:
    """One city at work. Use `Platform.open`."""

    def __init__(self, city: City, place: Place, switch: Switch, secrets: Secrets, service: Service) -> None:
        self.city = city
        self.place = place
        self.switch = switch
        self.secrets = secrets
        self.service = service
        self.spool: FallbackSpool | None = None
        self.sms: CitySms | None = None
        self._one_survey = asyncio.Lock()
        self._restarted = False
        self._has: SwitchHas | None = None
        self._seats = {seat.number for seat in city.seats()}
        self._surveying = asyncio.Event()
        self._ending = False
        self.up = asyncio.Event()
        """the switch has been surveyed: calls are served"""
        self.asterisk = Asterisk(
            service.post,
            knows=service.knows,
            gap=self._surveying.set,
            proven=lambda agent, pin: self.city.pin_matches(agent, pin),
            seats=lambda seat: seat in self._seats,
            links=lambda trunk: self.city.plan.is_link(trunk),
            emergencies=lambda: self.city.plan.emergencies,
        )
        self.line_watch = LineWatch()
        service.watchers.records.append(self.line_watch.add)
        shelf = self.asterisk.tapes.shelf = Shelf(place.home / FOLDER)
        self.recordings = RecordingsKeeper(
            shelf,
            city.keeping(),
            lambda: service.engine.state,
            service.post,
            now=service.clock.now,
            here=lambda call: call in self.asterisk.lines,
        )
        ears = self.ears = self.asterisk.ears = Ears(
            self.asterisk.lines.get,
            self.asterisk.rooms.seat_channel,
            lambda: self.asterisk.link,
            service.clock.now,
        )
        self.speech = ears.speech = CitySpeech(
            service.post, self.asterisk.held.conversations, self._caller_of, ears.overheard
        )
        self.survival = SurvivalTable(lambda: self.city, switch.settings.snapshot, service.clock.now)
        self.asterisk.held.opinions = place.home / OPINIONS
        self.asterisk.held.opinions.mkdir(parents=True, exist_ok=True, mode=0o700)

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        city: City,
        place: Place,
        *,
        as_of_ms: Millis | None = None,
        own_switch: bool = True,
        options: Options | None = None,
    ) -> AsyncIterator[Platform]:
        """Start everything for ``city``; end it in order on leaving.

        The switch itself is left running: see `Platform.stop_switch`.
        """
        place.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        clock = Clock()
        if as_of_ms is not None:
            clock = Clock(as_of_ms - clock.now())
        header = Header(city.name, digest_of(city), version("hotline"))
        journal = await open_journal(
            place.journal or str(place.home / "journal"), header=header, alarm=tell_alarm, options=options
        )
        store = RecordStore(place.records or place.home / "records.sqlite")
        secrets = keep_all_secrets(city, place)
        switch = Switch(find_asterisk(), place.settings(city))
        holder: list[Platform] = []
        service = Service(
            city.setup(),
            journal,
            store,
            carry_out=lambda order: holder[0].asterisk.carry_out(order),
            clock=clock,
        )
        platform = cls(city, place, switch, secrets, service)
        offset = clock.now() - time.time_ns() // 1_000_000
        platform.spool = FallbackSpool(switch.settings.spool, service, store, city.name, offset)
        holder.append(platform)
        try:
            await service.recover()
            async with platform._at_work(store, own_switch=own_switch):
                yield platform
        finally:
            await journal.close()
            await store.close()

    @asynccontextmanager
    async def _at_work(self, store: RecordStore, *, own_switch: bool) -> AsyncIterator[None]:
        server = AgiServer(
            "127.0.0.1", self.place.agi_port, self.asterisk.session, on_gone=self.asterisk.gone
        )
        await server.start()
        link = self.asterisk.link = SwitchLink(
            "127.0.0.1",
            self.place.ami_port,
            AMI_USER,
            self.secrets[AMI_SECRET],
            on_event=self.asterisk.heard,
            on_up=self._survey,
            on_down=lambda _why: self._lost(),
            ping_s=2.0,
            known_run=self._known_run(),
        )
        self.service.post(SwitchLost())  # nobody is rung before the switch has said what it has
        sms = self.sms = CitySms(self.city, store, self.service.clock.now)
        control = Control(
            self.place.home / FILE,
            self.service.post,
            self.service.watchers.events,
            sms=sms.ask,
            ears=EarDoor(self.ears, self.service.engine.state),
        )
        self.asterisk.tellers.append(control.tell)
        work = [
            asyncio.create_task(self.service.run(), name="service"),
            asyncio.create_task(self.service.recorder.run(), name="recorder"),
            asyncio.create_task(self.service.auditor.run(), name="auditor"),
            asyncio.create_task(self.asterisk.keep_members(), name="members"),
            asyncio.create_task(self.asterisk.reachability.run(), name="reachability"),
            asyncio.create_task(self._resurvey(), name="resurvey"),
            asyncio.create_task(self.survival.keep(), name="survival"),
            asyncio.create_task(status.keep(self.place.home / status.FILE, self._floor), name="status"),
            asyncio.create_task(self._keep_spool(), name="spool"),
            asyncio.create_task(self.recordings.run(), name="recordings"),
            asyncio.create_task(control.serve(), name="control"),
            asyncio.create_task(link.run(), name="link"),
            asyncio.create_task(sms.run(), name="sms"),
            asyncio.create_task(self.speech.run(), name="speech"),
            asyncio.create_task(self.ears.run(), name="ears"),
        ]
        self.speech.sms = sms
        if self.service.engine.state.speech_most:
            self.service.post(SpeechServed(0))  # until it is there again
        self.speech.use(self.place.speech(self.city))
        if own_switch:
            work.append(asyncio.create_task(self._keep_switch(), name="switch"))
        try:
            await self._ready(work)
            work.append(asyncio.create_task(self._read_lines(store), name="lines"))
            yield
        finally:
            await server.close()
            await self.service.settled()
            left = await self.service.recorder.finish(10.0)
            if left:
                _log.error("records are left for the next start", left=left)
            if left := await self.service.auditor.finish(5.0):
                _log.error("entries of the audit log are left for the next start", left=left)
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)

    async def _ready(self, work: Sequence[asyncio.Task[None]]) -> None:
        ready = asyncio.create_task(self.up.wait())
        left = {ready, *work}
        try:
            while not ready.done():  # work that has nothing to do in this city ends at once
                done, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
                for task in done - {ready}:
                    task.result()
        finally:
            ready.cancel()

    # ── the switch ───────────────────────────────────────────────────────────────────────────────────────────

    async def _keep_switch(self) -> None:
        """Start Asterisk, and again when it ends. A first start that fails is the owner's to hear of."""
        first = True
        while True:
            adopted = self.switch.pid is not None
            if not adopted:
                await asyncio.to_thread(self._make_sounds)
            try:
                await self.switch.start(self.city.trunks(), self.city.seats(), self.secrets)
            except Exception as why:
                if first:
                    raise
                _log.error("the switch does not start", why=str(why))
                await asyncio.sleep(2.0)
                continue
            first = False
            status = await self.switch.watch()
            if self._ending:
                return
            _log.error("the switch ended", status=status)

    def _make_sounds(self) -> None:
        settings = self.switch.settings
        recordings = (self.place.home / "recordings",)
        make_prompts(settings.sounds, self.city.prompts(), recordings=recordings, music=settings.music)

    async def stop_switch(self, calls_s: float = 0.0) -> None:
        """End the switch as well, for good."""
        self._ending = True
        await self.switch.stop(calls_s=calls_s)

    async def reload(self, city: City) -> None:
        """Go on with a changed city file: people, seats, numbers, trunks. No call is touched."""
        if self.sms is not None:
            self.sms.reload(city.sms())
        self.city = city
        self._seats |= {seat.number for seat in city.seats()}
        self.secrets = keep_all_secrets(city, self.place)
        await asyncio.to_thread(self._make_sounds)
        done = await self.switch.reload(city.trunks(), city.seats(), self.secrets)
        self.recordings.keeping = city.keeping()
        self.speech.use(self.place.speech(city))
        await self.service.reconfigure(city.setup())
        self.survival.write()
        _log.info("configuration changed", files=list(done.changed), need_restart=list(done.need_restart))

    # ── what the switch has ──────────────────────────────────────────────────────────────────────────────────

    def _lost(self) -> None:
        self.up.clear()
        self.asterisk.reachability.lost()
        self.service.post(SwitchLost())

    async def _resurvey(self) -> None:
        while True:
            await self._surveying.wait()
            await asyncio.sleep(RESURVEY_S)
            self._surveying.clear()
            link = self.asterisk.link
            if link is None or not link.up:
                continue  # the link surveys by itself when it is up again
            try:
                await self._survey(link, restarted=False)
            except SwitchFault as why:
                _log.warning("the survey failed: once more", why=str(why))
                self._surveying.set()
            except Exception:  # noqa: BLE001 (the next gap must find somebody who surveys)
                _log.exception("the survey failed")

    async def _survey(self, link: SwitchLink, restarted: bool) -> None:
        """Ask the switch what it has, and tell the engine."""
        async with self._one_survey:
            # A survey may fail while Asterisk is still loading its modules: the next one says it then.
            restarted = self._restarted = self._restarted or restarted
            contacts = await link.contacts()
            reachable = reachable_seats(contacts, self.asterisk.is_seat)
            self.asterisk.reachability.surveyed(
                {trunk.aor: trunk.name for trunk in self.city.trunks() if trunk.qualify},
                silent_seats(contacts, self.asterisk.is_seat),
            )
            before = set(self.asterisk.lines)
            rows = await link.status(VARIABLES)
            try:
                if fallback_has(rows):
                    # nobody new is rung by the fallback while callers are fetched out of it
                    for member in await link.queue_members(FALLBACK):
                        await link.queue_pause(_interface(member), True, FALLBACK)
                    before = set(self.asterisk.lines)
                    rows = await link.status(VARIABLES)
                callers = self._compare(rows, before, reachable, restarted)
                await self.service.settled()
                await self.asterisk.carried_out()
            finally:
                await self._put_members_right(link)
            _log.info("surveyed", calls=callers, seats=len(reachable), restarted=restarted)
            self._restarted = False
            self._note_run(link.run_id)
            self.up.set()

    def _compare(
        self, rows: Sequence[Fields], before: set[CallId], reachable: tuple[SeatId, ...], restarted: bool
    ) -> int:
        """Put the lines right and tell the engine. ``before``: the lines that there were when the switch was asked."""
        asterisk = self.asterisk

        def held(call: CallId) -> bool:
            line = asterisk.lines.get(call)
            return line is not None and line.session is not None

        found = read_status(rows, asterisk.seat_of, held)
        on = {caller.seen.call for caller in found.callers}
        for call in before - on:
            if line := asterisk.lines.pop(call, None):
                line.session = None
                line.wake()
        late = asterisk.lines.keys() - on  # they came after the switch had answered
        asterisk.legs.clear()
        asterisk.far.clear()
        own = dict(found.own)
        known = set(asterisk.lines)
        for caller in found.callers:
            dials = asterisk.seat_of(caller.channel) if caller.out else None
            if (
                dials is not None
                and caller.seen.call not in known
                and not self.service.knows(caller.seen.call)
            ):
                own[caller.seen.call] = dials  # dialled while there was no engine
                continue
            line = asterisk.lines.setdefault(caller.seen.call, Line(caller.seen.call, caller.channel))
            if caller.expects in {"seat", "pass"} and line.session is None and not caller.spooled:
                line.expects = "seat" if caller.expects == "seat" else "pass"
                line.agent, line.seat = caller.agent, caller.seat
            if dials is not None and line.session is None:
                line.expects, line.out, line.leg, line.seat = "pass", True, line.call, dials
            if caller.far is not None:
                line.far, asterisk.far[caller.far] = caller.far, line
                line.turned = line.turned or caller.turned
                line.channel = caller.far if line.turned else line.channel
            if caller.leg is not None and self.service.knows(line.call):
                agent = self.service.engine.state.agent_at(caller.seen.seat or "")
                line.leg, line.agent = caller.leg, agent.agent if agent else line.agent
                asterisk.legs[caller.leg] = line
                own.pop(caller.leg, None)
        seats_legs = {uid: line.call for uid, line in asterisk.legs.items()} | found.seats
        for uid, call in found.seats.items():  # also of a call whose caller is gone
            line = asterisk.lines.get(call) or Line(call, "")
            agent = self.service.engine.state.agents.get(self._agent_of(call))
            line.leg, line.agent = uid, agent.agent if agent else line.agent
            asterisk.legs[uid] = line
        watches = self.service.engine.state.watches
        # the seat that placed a call may ask for a third party
        seats_legs |= {line.call: line.call for line in asterisk.far.values() if not line.turned}
        asterisk.rooms.take_over(tuple(leg for leg in found.legs if leg.channel not in watches), seats_legs)
        asterisk.own = own
        applications = {row.get("Uniqueid", ""): row.get("Application", "") for row in rows}
        asterisk.supervisors.surveyed(watched(watches.values()), applications)
        seen = (
            *(caller.seen for caller in found.callers),
            *(ChannelSeen(call, "held") for call in sorted(late)),
        )
        self._has = SwitchHas({channel.call for channel in seen}, self.service.clock.now())
        told = self.spool.read() if self.spool is not None else Spool((), (), ())
        for call_over in told.over:
            self.service.post(call_over)
        busy, was_busy = set(own.values()), self.service.engine.state.engaged
        for seat in sorted(busy - was_busy):
            self.service.post(SeatEngaged(seat))
        self.service.post(SwitchSurveyed(seen, reachable, restarted, found.legs))
        for call_on in told.on:
            self.service.post(call_on)
        for seat in sorted(was_busy - busy):  # last: the seat may be found talking to a caller of ours
            self.service.post(SeatDisengaged(seat))
        if any(caller.unsettled for caller in found.callers):
            self._surveying.set()
        return len(seen)

    def _caller_of(self, call: CallId) -> str:
        known = self.service.engine.state.calls.get(call)
        return known.caller if known else ""

    def _agent_of(self, call: CallId) -> str:
        known = self.service.engine.state.calls.get(call)
        return (known.agent or "") if known else ""

    def _known_run(self) -> str | None:
        """Which run of the switch an earlier engine saw last."""
        path = self.place.home / RUN_FILE
        return path.read_text(encoding="utf-8").strip() or None if path.exists() else None

    def _note_run(self, run: str | None) -> None:
        if run is not None and run != self._known_run():
            write_private(self.place.home / RUN_FILE, f"{run}\n")

    async def _put_members_right(self, link: SwitchLink) -> None:
        """The fallback's members are the seats that are ready now."""
        agents = self.service.engine.state.agents.values()
        wanted = {f"PJSIP/{agent.seat}" for agent in agents if agent.presence is Presence.READY}
        members = {
            _interface(member): member.get("Paused") == "1" for member in await link.queue_members(FALLBACK)
        }
        for interface in sorted(members.keys() - wanted):
            with contextlib.suppress(ActionRefused):
                await link.queue_remove(FALLBACK, interface)
        for interface in sorted(wanted - members.keys()):
            with contextlib.suppress(ActionRefused):
                await link.queue_add(FALLBACK, interface)
        for interface in sorted(i for i in wanted & members.keys() if members[i]):
            await link.queue_pause(interface, False, FALLBACK)

    async def _keep_spool(self) -> None:
        """Make records of the calls that the fallback served, as soon as they are over."""
        while True:
            await self.up.wait()
            if self.spool is not None:
                await self.spool.sweep(self._has)
            await asyncio.sleep(SPOOL_S)

    def _floor(self) -> FloorView:
        state, now = self.service.engine.state, self.service.clock.now()
        seen = floor_view(state, now, self.asterisk.reachability.away)
        return structs.replace(seen, lines=self.line_watch.views(now, state.calls.values()))

    async def _read_lines(self, store: RecordStore) -> None:
        """What lines' own people did in the last 24 hours, before this program was started."""
        now = self.service.clock.now()
        try:
            for record in await store.read(city=self.city.name, start=now - DAY_MS, end=now):
                self.line_watch.add(record)
        except RecordsFault as why:
            _log.warning("the lines' figures begin now", why=str(why))


def _interface(member: Fields) -> str:
    """The phone of a member of the fallback's queue."""
    return member.get("Location", member.get("Interface", ""))
