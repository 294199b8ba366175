"""The product as it is measured: ``hotline run`` in a process of its own, with its own Asterisk, journal and records.

A city of one line, without a greeting and without wrap-up, so that what is measured is what the native queue does as well:
answer, wait, ring a seat.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path

from hotline.pins import DEMO_PIN, hash_pin
from hotline.rehearsal.phones_live import Phones
from hotline.rehearsal.process_live import Child, free_port, spawn
from hotline.rehearsal.results import SeatLogin
from hotline.rehearsal.under_test_live import Running
from hotline.switch.secrets import keep_secrets

SEATS = 260
FIRST_SEAT, FIRST_AGENT = 8001, 1001
START_S = 60.0

CITY = """
title = "测试市12345"
area = "0371"
number = "12345"

[reception]
queue = "12345"
skill = "12345"

[emergency]
route = "{emergency}"

[recording]
default = "{record}"

[network]
bind = "127.0.0.1"
udp = {port}
tcp = {port}

[[queues]]
name = "12345"
title = "12345"
greeting = []
wrap_up_seconds = 0

[[trunks]]
name = "carrier"
carrier = "测试运营商"
address = ["127.0.0.11"]
channels = 2000

[[seats]]
first = "{seat}"
count = {seats}

[[agents]]
first = "{agent}"
name = "受理员"
count = {seats}
skills = {{ "12345" = 1 }}
pin_hash = "{pin}"
"""


class Product:
    """A `SystemUnderTest`: the engine with its Asterisk under ``directory``. ``record``: how every call is recorded."""

    def __init__(self, directory: Path, *, seats: int = SEATS, record: str = "off") -> None:
        self.directory = directory
        self.seats = seats
        self.record = record
        self.emergency = "carrier"
        self.more = ""
        """further tables of the city's file"""
        self._child: Child | None = None

    async def start(self) -> Running:
        """Start the engine's worker; returns when it answers."""
        home = self.directory
        home.mkdir(parents=True, exist_ok=True)
        port = free_port("127.0.0.1")
        ami, agi = free_port("127.0.0.1", tcp=True), free_port("127.0.0.1", tcp=True)
        city = home / "bench.toml"
        city.write_text(
            CITY.format(
                port=port,
                record=self.record,
                emergency=self.emergency,
                seat=FIRST_SEAT,
                agent=FIRST_AGENT,
                seats=self.seats,
                pin=hash_pin(DEMO_PIN),
            )
            + self.more,
            encoding="utf-8",
        )
        command = [sys.executable, "-m", "hotline.cli", "run", str(city), "--worker"]
        command += ["--home", str(home / "h"), "--ami-port", str(ami), "--agi-port", str(agi)]
        self._child = await spawn("hotline", command, directory=home)
        log = self._child.output
        async with asyncio.timeout(START_S):
            while '"answering"' not in (log.read_text() if log.exists() else ""):
                if self._child.returncode is not None:
                    raise RuntimeError(f"hotline run ended: {self._child.last_words()}")
                await asyncio.sleep(0.05)
        secrets = keep_secrets(home / "h" / "secrets", [])
        logins = [
            SeatLogin(str(FIRST_SEAT + n), secrets[f"seat/{FIRST_SEAT + n}"]) for n in range(self.seats)
        ]
        switch = int((home / "h" / "switch" / "run" / "asterisk.pid").read_text())
        return Running(("127.0.0.1", port), logins, [switch], [self._child.pid])

    async def seats_ready(self, phones: Phones) -> None:
        """Every agent signs on from the seat's phone."""
        pairs = {str(FIRST_SEAT + n): (str(FIRST_AGENT + n), DEMO_PIN) for n in range(self.seats)}
        await phones.sign_on(pairs, rate=60.0)

    async def stop(self) -> None:
        """Tell the engine to end, which ends its Asterisk; by force if it takes long."""
        if self._child is None:
            return
        child, self._child = self._child, None
        if child.returncode is None:
            os.kill(child.pid, signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                await child.finished(20)
        await child.kill()
