"""``hotline run`` as its owner starts it, on ports and a home of its own, looked at from outside."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Any

from hotline.city import City
from hotline.platform import Place
from hotline.rehearsal.carrier_live import Carrier
from hotline.rehearsal.manners import Dialled, Fixed, Manner, Plan
from hotline.rehearsal.phones_live import Phones
from hotline.rehearsal.process_live import free_port
from hotline.rehearsal.results import Leg, SeatLogin
from hotline.switch.config import SwitchSettings
from hotline.switch.find import find_asterisk
from hotline.switch.process import Switch
from hotline.switch.secrets import keep_secrets

WRAP_UP_S = 2


def city_text(net: str) -> str:
    """Zhengzhou with a short wrap-up, its switch on free ports and its trunks' far sides in ``net``."""
    text = (resources.files("dialplans") / "cities" / "zhengzhou.toml").read_text(encoding="utf-8")

    def address(match: re.Match[str]) -> str:
        host = f"{net}.{match[1]}"
        return f'address = ["{host}:{free_port(host)}"]'

    ports = f"udp = {free_port('127.0.0.1')}\ntcp = {free_port('127.0.0.1', tcp=True)}"
    text, networks = re.subn(
        r'^bind = "127\.0\.0\.1"$', f'bind = "127.0.0.1"\n{ports}', text, flags=re.MULTILINE
    )
    text, trunks = re.subn(r'address = \["127\.0\.0\.(\d+)"\]', address, text)
    text, wraps = re.subn(r"wrap_up_seconds = 30\b", f"wrap_up_seconds = {WRAP_UP_S}", text)
    assert (networks, wraps) == (1, 1)
    assert trunks >= 4
    return text


class Run:
    """One city's ``hotline run``. Instants are seconds since 1970."""

    def __init__(self, net: str) -> None:
        self.base = Path(tempfile.mkdtemp(prefix="hl-gone-"))
        self.home = self.base / "h"
        self.file = self.base / "zhengzhou.toml"
        self.file.write_text(city_text(net), encoding="utf-8")
        self.city = City.load(self.file)
        self.net = net
        self.ports = free_port("127.0.0.1", tcp=True), free_port("127.0.0.1", tcp=True)
        self.settings: SwitchSettings = Place(self.home, None, None, *self.ports).settings(self.city)
        self.switch = Switch(find_asterisk(), self.settings)
        self.log = self.base / "log"
        self.parent: subprocess.Popen[bytes] | None = None
        self.notices: list[tuple[float, bytes]] = []
        self.ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.ear.bind(str(self.base / "notify"))
        self.ear.setblocking(False)

    # ── the program ──────────────────────────────────────────────────────────────────────────────────────────

    async def start(self) -> None:
        """Start it; returns when it answers calls."""
        asyncio.get_running_loop().add_reader(self.ear, self._hear)
        since = len(self.events("answering"))
        ami, agi = self.ports
        command = [sys.executable, "-m", "hotline.cli", "run", str(self.file), "--home", str(self.home)]
        environ = {**os.environ, "NOTIFY_SOCKET": str(self.base / "notify")}
        with self.log.open("ab") as log:
            self.parent = subprocess.Popen(  # noqa: ASYNC220 (a fork takes a moment)
                [*command, "--ami-port", str(ami), "--agi-port", str(agi)],
                stdout=log,
                stderr=log,
                env=environ,
            )
        await self.until(lambda: len(self.events("answering")) > since, "the engine answers", 40)

    async def stop(self) -> int:
        """Tell it to stop, as systemd does; its exit status."""
        assert self.parent is not None
        self.parent.send_signal(signal.SIGTERM)
        return await asyncio.to_thread(self.parent.wait, 40)

    def worker(self) -> int:
        """The engine's process."""
        assert self.parent is not None
        for children in Path(f"/proc/{self.parent.pid}/task").glob("*/children"):
            for pid in children.read_text().split():
                if b"--worker" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
                    return int(pid)
        raise AssertionError("no engine runs")

    def _hear(self) -> None:
        self.notices.append((time.time(), self.ear.recv(4096)))

    async def clear(self) -> None:
        """Leave nothing behind: no process, no file."""
        asyncio.get_running_loop().remove_reader(self.ear)
        self.ear.close()
        others: list[int] = []
        if self.parent is not None and self.parent.poll() is None:
            try:
                worker: int | None = self.worker()
            except (AssertionError, OSError):
                worker = None
            if worker is not None:
                others = below(worker)
            self.parent.kill()
            self.parent.wait()
            if worker is not None:
                os.kill(worker, signal.SIGKILL)
        await self.switch.stop()
        # The speech process lets the database go, and ends, when the engine is gone.
        await self.until(lambda: not any(map(alive, others)), "what the engine had started ends")
        shutil.rmtree(self.base)

    # ── what it tells ────────────────────────────────────────────────────────────────────────────────────────

    def events(self, name: str, since: float = 0.0) -> list[dict[str, Any]]:
        """The log's lines of this event; ``at`` is an instant."""
        found = []
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        for line in text.splitlines():
            if line.startswith("{") and (told := json.loads(line)).get("event") == name:
                told["at"] = datetime.fromisoformat(told["at"]).timestamp()
                if told["at"] >= since:
                    found.append(told)
        return found

    def journalled(self, kind: str) -> int:
        """How many events of this kind the journal has."""
        mark = f'"type":"{kind}"'.encode()
        files = [path for path in (self.home / "journal").rglob("*") if path.is_file()]
        return sum(path.read_bytes().count(b'"e":{' + mark) for path in files)

    def unreachable(self) -> set[str]:
        """The seats whose phones the engine was last told cannot be reached."""
        text = "".join(path.read_text() for path in sorted((self.home / "journal").rglob("*.jsonl")))
        told = {
            seat: kind
            for kind, seat in re.findall(r'"type":"Seat(Unreachable|Reachable)","seat":"(\d+)"', text)
        }
        return {seat for seat, kind in told.items() if kind == "Unreachable"}

    def records(self) -> list[dict[str, Any]]:
        """The database's call records, in order of arrival."""
        path = self.home / "records.sqlite"
        if not path.exists():
            return []
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
            database.row_factory = sqlite3.Row
            try:
                rows = [
                    dict(row) for row in database.execute("select * from call_records order by arrived, call")
                ]
            except sqlite3.OperationalError:  # not there yet
                rows = []
        database.close()
        return rows

    def spool(self) -> str:
        """What the fallback has written since the last engine took it."""
        return self.settings.spool.read_text() if self.settings.spool.exists() else ""

    async def until(self, true: Callable[[], object], what: str, within_s: float = 20.0) -> float:
        """Wait until ``true()``, and when that was; `TimeoutError` says what did not come."""
        try:
            async with asyncio.timeout(within_s):
                while not true():  # noqa: ASYNC110
                    await asyncio.sleep(0.02)  # it is another process, to be looked at only
        except TimeoutError:
            last = self.log.read_text(errors="replace").splitlines()[-12:]
            raise TimeoutError(f"not within {within_s:g} s: {what}\n" + "\n".join(last)) from None
        return time.time()

    # ── the people ───────────────────────────────────────────────────────────────────────────────────────────

    @property
    def sip(self) -> tuple[str, int]:
        """Where the switch takes SIP over UDP."""
        port = self.city.network().udp
        assert port is not None
        return "127.0.0.1", port

    def far(self, trunk: str) -> tuple[str, int]:
        """The other side of a trunk."""
        peer = next(one for one in self.city.trunks() if one.name == trunk).peers[0]
        assert peer.port is not None
        return str(peer.host), peer.port

    def phones(self, count: int, talk_s: float) -> Phones:
        """The phones of the first ``count`` seats."""
        secrets = keep_secrets(self.home / "secrets", [])
        logins = [SeatLogin(seat.number, secrets[seat.secret]) for seat in self.city.seats()[:count]]
        return Phones(logins, self.sip, manner=Manner(talk_s=Fixed(talk_s)))

    async def sign_on(self, phones: Phones) -> None:
        """Agents 1001 and up sign on at these phones."""
        agents = list(self.city.setup().agents)
        people = {seat: (agent, "1234") for seat, agent in zip(phones.seats, agents, strict=False)}
        await phones.sign_on(people, rate=40)

    async def call(
        self,
        calls: int,
        number: str = "12345",
        *,
        rate: float = 20,
        patience_s: float = 60,
        first: int,
        **more: Any,
    ) -> list[Leg]:
        """Callers over unicom, with numbers from ``first``; their legs when all are over."""
        plan = Plan(calls, rate, (Dialled(number),), patience_s=Fixed(patience_s))
        with Carrier(self.far("unicom")[0], switch=self.sip, first_caller=first) as carrier:
            return list((await carrier.place(plan, **more)).legs)


@asynccontextmanager
async def hotline_run(net: str) -> AsyncIterator[Run]:
    """A running city; on leaving nothing of it is left."""
    run = Run(net)
    try:
        await run.start()
        yield run
    finally:
        await run.clear()


def below(pid: int) -> list[int]:
    """The processes that this one has started, and those that they have."""
    found = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, children.read_text().split()):
                found += [child, *below(child)]
    return found


def alive(pid: int) -> bool:
    """Does it run? A dead one whose parent is gone, too, may stand in the table until somebody asks for it."""
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except OSError:
        return False


def entered(spool: str) -> list[float]:
    """When callers came into the fallback."""
    return [int(at) / 1000 for at in re.findall(r"^enter at=(\d+)", spool, re.MULTILINE)]


def double_rung(legs: list[Leg]) -> list[tuple[Leg, Leg]]:
    """Legs at one seat that overlap: a phone that was rung while it was rung or talking."""
    found = []
    for seat in {leg.called for leg in legs}:
        own = sorted((leg for leg in legs if leg.called == seat), key=lambda leg: leg.began)
        # the BYE of one and the INVITE of the next may cross within some ms
        found += [(a, b) for a, b in pairwise(own) if (a.ended or 1e12) > b.began + 0.05]
    return found
