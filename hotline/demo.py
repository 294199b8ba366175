"""``hotline demo``: a city's calls, as real SIP through a real Asterisk to real SIP phones, all on this machine.

Nothing is special about it: the engine, the switch's files and the records are those of ``hotline run``;
SIPp plays carriers, phones and the centres behind other trunks.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from acd.agents import Activity, Presence
from acd.messages import CallRecord
from acd.metrics import measure
from dialplans.decision import Answerer
from hotline import demo_machine, demo_transfers
from hotline.city import City
from hotline.city_callers import seated
from hotline.logs import OwnersFault, set_up
from hotline.pins import DEMO_PIN
from hotline.platform import Place, Platform
from hotline.rehearsal.carrier_live import Carrier
from hotline.rehearsal.farend_live import FarEnd
from hotline.rehearsal.manners import Dialled, Fixed, Lognormal, Manner, Plan, forwarded
from hotline.rehearsal.phones_live import Phones
from hotline.rehearsal.process_live import free_port
from hotline.rehearsal.results import Leg, SeatLogin, percentile

WRAP_UP_S = 3.0
PATIENCE_S = 120.0
SETTLE_S = 20.0


class DemoFault(OwnersFault):
    """The demonstration can't be given here. One line: place, fault, remedy."""


def run_demo(
    city: City, *, seats: int | None, calls: int, rate: float, talk_s: float, quiet: bool
) -> dict[str, Any]:
    """Give the demonstration; its figures."""
    if calls < 1 or rate <= 0 or talk_s <= 0:
        raise DemoFault("demo: calls, rate and talk must be above 0")
    set_up(level="error")
    most = len(city.setup().seats)
    wanted = most if seats is None else seats
    if not 1 <= wanted <= most:
        raise DemoFault(
            f"demo: --seats {wanted}: {city.name} has 1 to {most} seats; change [[seats]] for more"
        )
    return play(Demo(for_demo(city), wanted, calls, rate, talk_s, quiet))


def for_demo(city: City) -> City:
    """The city on a free port of this machine, with a wrap-up of seconds."""
    file = city.file
    port = free_port("127.0.0.1")
    queues = [queue.model_copy(update={"wrap_up_seconds": WRAP_UP_S}) for queue in file.queues]
    network = file.network.model_copy(update={"bind": "127.0.0.1", "udp": port, "tcp": port})
    changed = file.model_copy(update={"queues": queues, "network": network})
    return City(city.name, changed, city.pins, city.home)


def play(demo: Demo) -> dict[str, Any]:
    """Give a demonstration; told to end (SIGTERM) it stops its Asterisk as on Ctrl-C."""

    async def given() -> dict[str, Any]:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await demo.give()

    try:
        return asyncio.run(given())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


class Demo:
    """One demonstration, from the start of the switch to the figures."""

    def __init__(self, city: City, seats: int, calls: int, rate: float, talk_s: float, quiet: bool) -> None:
        self.city = city
        self.seats = seats
        self.calls = calls
        self.rate = rate
        self.talk_s = talk_s
        self.console = Console(quiet=quiet)
        self.records: list[CallRecord] = []
        self.legs: list[Leg] = []
        self.machine: dict[str, Any] | None = None
        self.began = time.monotonic()
        self.manner = Manner(ring_s=Fixed(0.2), talk_s=Lognormal(talk_s, 0.5))
        """what the seats' phones do"""

    async def give(self) -> dict[str, Any]:
        """Start everything, let the calls come, wait for the last record, and say what became of them."""
        with tempfile.TemporaryDirectory(prefix="hotline-demo-") as directory:
            home = Path(directory)
            place = Place(
                home, ami_port=free_port("127.0.0.1", tcp=True), agi_port=free_port("127.0.0.1", tcp=True)
            )
            self.say(f"{self.city.title}: Asterisk is started, prompts are made …")
            async with Platform.open(self.city, place) as platform:
                try:
                    platform.service.watchers.records.append(self.records.append)
                    self.watch(platform)
                    async with self._equipment(platform) as phones:
                        offered = await self._play(platform, phones)
                        self.legs = phones.legs()
                        self.machine = await self.ask_machine(platform, home)
                    return self._summary(platform, offered)
                finally:
                    await platform.stop_switch()

    async def ask_machine(self, platform: Platform, home: Path) -> dict[str, Any] | None:
        """When the others are through, one caller asks the machine. His call is in no figure of theirs."""
        records = list(self.records)
        told = await demo_machine.ask(platform, self.city, home, self.say)
        self.records[:] = records
        return told

    def watch(self, platform: Platform) -> None:
        """What goes on beside the calls: some of them are brought together with 110."""
        demo_transfers.ThreeWay(platform.service)

    def say(self, text: str) -> None:
        """A line with the time since the beginning."""
        self.console.print(f"[dim]{time.monotonic() - self.began:5.1f} s[/dim]  {text}")

    @asynccontextmanager
    async def _equipment(self, platform: Platform) -> AsyncIterator[Phones]:
        """The phones of all seats, signed on, and the far ends of trunks that are no carriers."""
        switch = sip_of(platform)
        seats = self.city.seats()[: self.seats]
        logins = [SeatLogin(seat.number, platform.secrets[seat.secret]) for seat in seats]
        talk = Lognormal(self.talk_s, 0.5)
        async with AsyncExitStack() as stack:
            phones = Phones(logins, switch, manner=self.manner)
            await stack.enter_async_context(phones)
            for address, port in self._far_ends():
                await stack.enter_async_context(FarEnd(address, port, manner=Manner(talk_s=talk)))
            self.say(f"{len(seats)} phones have registered; their agents sign on with *11 …")
            setup = platform.service.engine.state.setup
            people = seated(setup, [seat.number for seat in seats], setup.agents)
            pairs = {seat: (agent, DEMO_PIN) for seat, agent in people.items()}
            await phones.sign_on(pairs, rate=40.0)
            self.say(f"{len(platform.service.engine.state.agents)} seats are signed on.")
            yield phones

    def _far_ends(self) -> list[tuple[str, int]]:
        """Addresses of centres behind trunks: of every trunk over which a line is passed on."""
        reached = demo_transfers.trunks(self.city.plan, _now_ms())
        for line in self._dialled():
            decision = self.city.plan.route(line.number, line.headers, "", _now_ms())
            reached |= {way.trunk for way in decision.passes[:1]}
        return [
            (peer.host, peer.port)
            for trunk in self.city.trunks()
            if trunk.name in reached
            for peer in trunk.peers[:1]
        ]

    def _dialled(self) -> list[Dialled]:
        """What callers dial: 12345 most, then every line of the plan, in each way of delivery."""
        own = self.city.plan.own.number.local
        dialled = [Dialled(own, weight=10.0)]
        now = _now_ms()
        for line in self.city.plan.lines:
            number = line.number.local
            decision = self.city.plan.route(number, (), "", now)
            if not line.listed or number == own or decision.answered_by is Answerer.NOBODY:
                continue
            dialled.append(Dialled(number))
            if decision.answered_by is Answerer.CITY:
                dialled.append(Dialled(own, headers=forwarded([number])))
        return dialled

    async def place(self, platform: Platform, phones: Phones) -> int:
        """The carriers' calls; how many were placed."""
        switch = sip_of(platform)
        carriers = [trunk for trunk in self.city.trunks() if trunk.name in self._carriers()]
        share = [self.calls // len(carriers) + (n < self.calls % len(carriers)) for n in range(len(carriers))]
        self.say(
            f"{self.calls} calls come in over {', '.join(trunk.name for trunk in carriers)}, {self.rate:g} a second …"
        )

        async def one(n: int) -> int:
            if not share[n]:
                return 0
            plan = Plan(
                share[n],
                self.rate * share[n] / self.calls,
                tuple(self._dialled()),
                patience_s=Lognormal(PATIENCE_S, 0.6),
            )
            first = 13_800_000_000 + n * 1_000_000
            carrier = Carrier(carriers[n].peers[0].host, switch=switch, first_caller=first, seed=n + 1)
            with carrier:
                placed = await carrier.place(plan, phones=[phones], limit_s=PATIENCE_S + 10 * self.talk_s)
            return len(placed.legs)

        return sum(await asyncio.gather(*(one(n) for n in range(len(carriers)))))

    async def _play(self, platform: Platform, phones: Phones) -> int:
        """The calls, with a table that shows what becomes of them; how many were offered."""
        with Live(self._table(platform), console=self.console, refresh_per_second=4, transient=True) as live:
            calls = asyncio.ensure_future(self.place(platform, phones))
            try:
                while not calls.done():
                    live.update(self._table(platform))
                    await asyncio.wait([calls], timeout=0.25)
                offered = await calls
                async with asyncio.timeout(SETTLE_S + WRAP_UP_S):
                    while len(self.records) < offered:
                        live.update(self._table(platform))
                        await asyncio.sleep(0.1)
            except TimeoutError:
                pass  # what has no record by now is counted as lost
            finally:
                calls.cancel()
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await calls
        return offered

    def _carriers(self) -> set[str]:
        """The trunks over which callers come: those that are no centre's own."""
        tables = self.city.file.trunks
        return {table.name for table in tables if not table.link and not table.dialled_as}

    def _table(self, platform: Platform) -> Group:
        state = platform.service.engine.state
        activity = Counter(
            "on break" if agent.presence is Presence.ON_BREAK else str(agent.activity)
            for agent in state.agents.values()
        )
        head = Text.from_markup(
            f"[bold]{self.city.title}[/bold]   calls on: {len(state.calls)}   waiting: {state.router.waiting}   "
            f"over: {len(self.records)} of {self.calls}"
        )
        seats = Table(title="seats", title_justify="left")
        for one in Activity:
            seats.add_column(str(one), justify="right")
        seats.add_row(*(str(activity[str(one)]) for one in Activity))
        lines = Table(title="lines", title_justify="left")
        for column in ("number", "name", "calls", "answered", "passed", "abandoned", "refused"):
            lines.add_column(column, justify="left" if column in {"number", "name"} else "right")
        total = Counter(record.line for record in self.records)
        for number, count in total.most_common(14):
            mine = [record for record in self.records if record.line == number]
            by = Counter(record.disposition for record in mine)
            line = next(
                (line for line in self.city.plan.lines if str(line.number.shown(self.city.area)) == number),
                None,
            )
            lines.add_row(
                number or "–", line.name if line else self.city.title, str(count),
                *(str(by[kind]) for kind in ("answered", "passed", "abandoned", "refused")),
            )  # fmt: skip
        return Group(head, seats, lines)

    def _summary(self, platform: Platform, offered: int) -> dict[str, Any]:
        by = Counter(record.disposition for record in self.records)
        rang: dict[str, float] = {}
        for leg in self.legs:
            rang.setdefault(leg.caller, leg.began)
        delays = [
            rang[record.caller] - record.queued / 1000
            for record in self.records
            if record.queued is not None and record.caller in rang
        ]
        figures = measure(self.records, start=0, end=1 << 62)
        told = by["told"]
        result: dict[str, Any] = {
            "offered": offered - told,
            "answered": by["answered"] + by["passed"],
            "abandoned": by["abandoned"],
            "refused": by["refused"],
            "lost": offered - told - sum(by[k] for k in ("answered", "passed", "abandoned", "refused")),
            "answer_rate": (by["answered"] + by["passed"]) / max(offered - told, 1),
            "queue_delay_s": {
                "p50": percentile(delays, 0.5) if delays else None,
                "p99": percentile(delays, 0.99) if delays else None,
            },
            "seats": self.seats,
            "answered_by_seats": by["answered"],
            "answered_by_others": by["passed"],
            "told": told,
            "transfers": demo_transfers.tally(self.records),
            "machine": self.machine,
            "records": len(self.records),
            "engine_faults": platform.service.faults,
        }
        rates = [
            f"Answer rate 接通率 {figures.answer_rate}",
            f"Service level 15秒接通率 {figures.service_level}",
        ]
        self.print_figures(result, rates)
        return result

    def print_figures(self, result: dict[str, Any], rates: Sequence[str]) -> None:
        """What became of the calls, as a table, and the rates below it."""
        table = Table(
            title=f"{self.city.title}: what became of the calls", title_justify="left", show_header=False
        )
        came = result["transfers"]
        rows = [
            ("offered", result["offered"]),
            ("answered by seats", result["answered_by_seats"]),
            ("answered by lines' own seats, sub-centres, emergency centres", result["answered_by_others"]),
            ("three-way calls with 110: came together / asked for", f"{came['came']} / {came['asked']}"),
            ("abandoned", result["abandoned"]),
            ("refused for want of a channel", result["refused"]),
            ("lost", result["lost"]),
        ]
        if asked := result.get("machine"):
            answer = f"answered after {asked['wait_s']:.2f} s" if asked["entry"] else "not answered"
            rows.append((f"asked the machine: {asked['asked']}", answer))
        for what, count in rows:
            table.add_row(what, str(count))
        self.console.print(table)
        for rate in rates:
            self.console.print(rate, soft_wrap=True)
        delay = result["queue_delay_s"]
        if delay["p50"] is not None:
            self.console.print(
                f"Queue delay, from the queue to the INVITE at the seat's phone: "
                f"p50 {delay['p50'] * 1000:.1f} ms, p99 {delay['p99'] * 1000:.1f} ms.",
                soft_wrap=True,
            )


def sip_of(platform: Platform) -> tuple[str, int]:
    """Where the switch listens for SIP over UDP."""
    port = platform.switch.settings.network.udp
    assert port is not None
    return "127.0.0.1", port


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
