"""A town: one city's platform on a real Asterisk, on ports and addresses of its own, with its private home."""

from __future__ import annotations

import asyncio
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from importlib import resources
from pathlib import Path
from zoneinfo import ZoneInfo

from acd.agents import Activity, Agent
from acd.messages import AgentHungUp, CallerHungUp, CallRecord, Event, Millis, WrapUpEndAsked
from hotline import logs
from hotline.city import City
from hotline.platform import Place, Platform
from hotline.rehearsal.carrier_live import Carrier
from hotline.rehearsal.phones_live import Phones
from hotline.rehearsal.process_live import free_port
from hotline.rehearsal.results import SeatLogin
from hotline.rehearsal.sipp_live import Address
from hotline.switch.find import find_asterisk
from hotline.switch.process import Switch

PIN = "1234"
"""every agent's in the built-in cities"""
NET = "127.8.0"
"""where the towns' carriers and far ends live"""


def city_text(name: str) -> str:
    """A built-in city's file."""
    return (resources.files("dialplans") / "cities" / f"{name}.toml").read_text(encoding="utf-8")


def silent(text: str) -> str:
    """A city's text without speech and words to those who wait: its process takes seconds to start, and the key is heard of."""
    return re.sub(r"^\[(?:speech|queues\.waiting)\]\n(?:[^\[\n].*\n)*", "", text, flags=re.MULTILINE)


def moved(text: str, net: str = NET) -> str:
    """A city's text with its switch on free ports and its trunks' far sides at addresses of the tests' own; speech is for the
    tests that write it in."""
    text = silent(text)

    def address(match: re.Match[str]) -> str:
        host = f"{net}.{match[1]}"
        return f'address = ["{host}:{free_port(host)}"]'

    ports = f"udp = {free_port('127.0.0.1')}\ntcp = {free_port('127.0.0.1', tcp=True)}"
    text, networks = re.subn(
        r'^bind = "127\.0\.0\.1"$', f'bind = "127.0.0.1"\n{ports}', text, flags=re.MULTILINE
    )
    text, trunks = re.subn(r'address = \["127\.0\.0\.(\d+)"\]', address, text)
    assert networks == 1
    assert trunks >= 4
    return text


def instant(text: str) -> Millis:
    """``2021-10-12T10:00`` in China, as ms since 1970."""
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Asia/Shanghai")).timestamp() * 1000)


@dataclass
class Town:
    """A city at work. ``records``: what the engine wrote, ``events``: what it heard, both in their order."""

    platform: Platform
    records: list[CallRecord] = field(default_factory=list)
    events: list[tuple[Event, Millis]] = field(default_factory=list)

    @property
    def sip(self) -> Address:
        """Where the switch takes SIP over UDP."""
        port = self.platform.city.network().udp
        assert port is not None
        return "127.0.0.1", port

    def far(self, trunk: str) -> Address:
        """The other side of a trunk."""
        peer = next(one for one in self.platform.city.trunks() if one.name == trunk).peers[0]
        assert peer.port is not None
        return str(peer.host), peer.port

    def carrier(self, trunk: str, first_caller: int = 13_800_000_000) -> Carrier:
        """Somebody who calls in over a trunk."""
        return Carrier(self.far(trunk)[0], switch=self.sip, first_caller=first_caller)

    async def trunks_reachable(self, *trunks: str) -> None:
        """Wait until the other side of these trunks, of all without an argument, has answered the switch's OPTIONS."""
        wanted = set(trunks) or {trunk.name for trunk in self.platform.city.trunks()}
        try:
            async with asyncio.timeout(60):
                while wanted:
                    # AMI lists registered contacts only, not those of the configuration
                    said = await self.platform.switch.console("pjsip show contacts")
                    wanted -= set(re.findall(r"Contact: +([a-z0-9-]+)/.* Avail ", said))
        except TimeoutError:
            raise TimeoutError(f"trunks that nobody answers on: {sorted(wanted)}") from None

    def logins(self, seats: Iterable[str] | None = None) -> list[SeatLogin]:
        """The SIP accounts of these seats, of all without an argument."""
        wanted = None if seats is None else set(seats)
        every = self.platform.city.seats()
        return [
            SeatLogin(seat.number, self.platform.secrets[seat.secret])
            for seat in every
            if wanted is None or seat.number in wanted
        ]

    def agent(self, agent: str) -> Agent:
        """A person who is signed on."""
        return self.platform.service.engine.state.agents[agent]

    async def until(self, true: Callable[[], object], what: str, within_s: float = 10.0) -> None:
        """Wait until ``true()``; `TimeoutError` says what did not come."""
        try:
            async with asyncio.timeout(within_s):
                while not true():  # noqa: ASYNC110 (the engine's state can only be looked at)
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise TimeoutError(f"not within {within_s:g} s: {what}") from None

    async def record_of(self, caller: str, within_s: float = 10.0) -> CallRecord:
        """The one record of a caller's call."""
        await self.until(
            lambda: any(r.caller == caller for r in self.records), f"record of {caller}", within_s
        )
        (record,) = [record for record in self.records if record.caller == caller]
        return record

    async def sign_on(self, phones: Phones, people: Sequence[tuple[str, str]]) -> None:
        """Sign agents on: (seat, agent), from the seats' own phones by feature code."""
        await phones.sign_on({seat: (agent, PIN) for seat, agent in people})
        agents = self.platform.service.engine.state.agents
        await self.until(
            lambda: all(a in agents and agents[a].activity is not Activity.ENGAGED for _, a in people),
            "everybody signed on, and every phone free again",
        )

    def end_wrap_up_at_once(self) -> None:
        """From now on nobody writes after a call: the seat is free at once."""

        def hurry(event: Event, _: Millis) -> None:
            if isinstance(event, AgentHungUp | CallerHungUp):
                for agent in self.platform.service.engine.state.agents.values():
                    if agent.activity is Activity.WRAP_UP:
                        self.platform.service.post(WrapUpEndAsked(agent.seat))

        self.platform.service.watchers.events.append(hurry)


@asynccontextmanager
async def town(city: City, *, as_of: str | None = None) -> AsyncIterator[Town]:
    """Start a city's platform; on leaving everything is stopped and its home is gone."""
    logs.set_up(level="warning")
    home = Path(tempfile.mkdtemp(prefix="hl-town-"))  # short: the switch's control socket lies in it
    place = Place(home, ami_port=free_port("127.0.0.1", tcp=True), agi_port=free_port("127.0.0.1", tcp=True))
    try:
        at = None if as_of is None else instant(as_of)
        async with Platform.open(city, place, as_of_ms=at) as platform:
            complaints = platform.switch.settings.log.read_text(
                encoding="utf-8", errors="replace"
            ).splitlines()
            unread = re.compile(
                r" ERROR\[.*\] (config|config_options|loader|app_confbridge|features_config)\.c:"
            )
            assert not [line for line in complaints if unread.search(line)], (
                "Asterisk can't use a file of ours"
            )
            here = Town(platform)
            platform.service.watchers.records.append(here.records.append)
            platform.service.watchers.events.append(lambda event, at: here.events.append((event, at)))
            try:
                yield here
                assert platform.service.faults == 0, "the engine failed on an event"
            finally:
                await platform.stop_switch()
    finally:
        # also the switch of a platform that did not come up
        switch = Switch(find_asterisk(), place.settings(city))
        await switch.stop()
        assert switch.pid is None
        shutil.rmtree(home)
