"""SIPp on a leash: a run of calls (`call_out`), or a listener that answers them (`Listener`)."""

from __future__ import annotations

import asyncio
import random
import re
import shutil
import socket
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Self

from hotline.rehearsal.manners import Manner, phone_rows
from hotline.rehearsal.process_live import Child, free_port, spawn
from hotline.rehearsal.results import Entry, Leg, legs, parse
from hotline.rehearsal.sound import alaw, read_wav

Address = tuple[str, int]

# SIPp ends itself when its loop was late this often: under a load test on few cores that is what is measured,
# not a fault.
_PATIENT = ("-watchdog_minor_maxtriggers", "1000000", "-watchdog_major_maxtriggers", "1000000")


@dataclass(slots=True)
class LogTail:
    """A log that is still being written, read piece by piece."""

    path: Path
    _offset: int = 0

    def more(self) -> list[Entry]:
        """The whole lines that have come since the last time."""
        if not self.path.exists():
            return []
        with self.path.open("rb") as log:
            log.seek(self._offset)
            data = log.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._offset += len(whole)
        return parse(whole.decode("utf-8", "replace"))


class Scratch:
    """A directory for one component's files: the one that was given, or one of its own that goes with it."""

    def __init__(self, directory: Path | None) -> None:
        self._given = directory is not None
        self.path = directory or Path(tempfile.mkdtemp(prefix="hotline-rehearsal-"))
        self.path.mkdir(parents=True, exist_ok=True)
        self._runs = 0

    def run(self, name: str) -> Path:
        """A directory for one run of SIPp."""
        self._runs += 1
        path = self.path / f"{name}-{self._runs}"
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        return path

    def remove(self) -> None:
        """Remove it, if it is our own."""
        if not self._given:
            shutil.rmtree(self.path, ignore_errors=True)


def scenario(name: str) -> str:
    """The text of a packaged scenario (``phone``, ``caller``, ``register``)."""
    return (resources.files("hotline.rehearsal") / "scenarios" / f"{name}.xml").read_text()


def with_sound(text: str, sound: Path | str | None, directory: Path) -> str:
    """The scenario with the wav ``sound`` played in a loop once the call is answered; SIPp wants bare
    A-law."""
    if not isinstance(sound, Path):
        return text
    samples, rate = read_wav(sound)
    if rate != 8000:
        raise ValueError(f"{sound}: {rate} Hz: give 8000")
    raw = directory / "sound.alaw"
    raw.write_bytes(alaw(samples))
    return text.replace("<!--sound-->", f'<exec rtp_stream="{raw},-1,8"/>')


async def start(
    name: str,
    text: str,
    rows: Sequence[str],
    options: Sequence[str],
    *,
    bind: Address,
    directory: Path,
    sound: Path | str | None = None,
) -> Child:
    """Start SIPp with a scenario's text and its injected lines. Its log of actions is ``log`` in
    ``directory``."""
    (directory / "scenario.xml").write_text(text)
    rows_path = directory / "rows.csv"
    rows_path.touch(mode=0o600)  # it holds the accounts' secrets
    rows_path.write_text("SEQUENTIAL\n" + "\n".join(rows) + "\n")
    address, port = bind
    media = free_port(address)
    echo = ["-rtp_echo"] if sound == "echo" else []
    command = [
        *(
            "sipp",
            *options,
            "-sf",
            "scenario.xml",
            "-inf",
            "rows.csv",
            "-i",
            address,
            "-bind_local",
            "-p",
            str(port),
        ),
        *("-mi", address, "-mp", str(media - media % 2), *echo, "-ci", "127.0.0.1", "-nostdin", "-aa"),
        *("-trace_logs", "-log_file", "log", "-trace_err", "-error_file", "errors", "-f", "3600"),
        *("-buff_size", "2000000", "-timer_resol", "1", "-skip_rlimit", *_PATIENT),
    ]
    return await spawn(name, command, directory=directory)


def complaint(directory: Path) -> str | None:
    """What SIPp found wrong, on one line, by kind and number; ``None`` when nothing was."""
    path = directory / "errors"
    text = path.read_text(errors="replace") if path.exists() else ""
    lines = re.findall(r"^\d{4}-\d\d-\d\d\s.*?\d+\.\d+: (.*)$", text, re.MULTILINE)
    if not lines:
        return None
    kinds: Counter[str] = Counter()
    for line in lines:
        status = re.search(r"received '(?:SIP/2\.0 )?(\w+)", line)
        kinds[f"unexpected {status.group(1)}" if status else line[:120]] += 1
    found = ", ".join(f"{kind} x{count}" for kind, count in kinds.most_common(4))
    return f"sipp: {found}; log: {path}"


@dataclass(frozen=True, slots=True)
class Placement:
    """The calls that were placed, as their callers saw them; ``complaint``: what SIPp did not expect, or
    ``None``."""

    legs: tuple[Leg, ...]
    complaint: str | None = None


async def call_out(
    name: str,
    rows: Sequence[str],
    *,
    to: Address,
    bind: Address,
    rate: float,
    limit_s: float,
    directory: Path,
    sound: Path | str | None = None,
    transport: str = "udp",
) -> Placement:
    """Place one call for each of ``rows`` at ``rate`` a second and wait for their end, at most ``limit_s`` seconds.

    Then SIPp is killed, and the calls that were still on are left as they are: their legs have no end. Only a
    SIPp that can't work raises `RuntimeError`, one line with its complaint.
    """
    text = with_sound(scenario("caller"), sound, directory)
    # -r counts whole calls: a fraction of a call a second is told as calls in a longer period
    whole, period = (round(rate), 1000) if rate == round(rate) else (round(rate * 100), 100_000)
    options = [
        *(f"{to[0]}:{to[1]}", "-m", str(len(rows)), "-l", "1000000", "-r", str(whole), "-rp", str(period)),
        *("-t", {"udp": "u1", "tcp": "t1"}[transport], "-deadcall_wait", "0"),
    ]
    child = await start(name, text, rows, options, bind=bind, directory=directory, sound=sound)
    late = None
    try:
        code = await child.finished(limit_s)
    except TimeoutError as fault:
        code, late = 1, str(fault)
    wrong = late or complaint(directory)
    if code not in (0, 1):
        raise RuntimeError(wrong or f"sipp: {name}: exit {code}: {child.last_words()}")
    return Placement(tuple(legs(LogTail(directory / "log").more())), wrong)


@dataclass
class Listener:
    """SIPp answering at one address for any number: the base of phones and far ends."""

    name: str
    bind: Address
    manner: Manner = field(default_factory=Manner)
    directory: Path | None = None
    seed: int = 1

    def __post_init__(self) -> None:
        self.scratch = Scratch(self.directory)
        if self.bind[1] == 0:
            self.bind = (self.bind[0], free_port(self.bind[0]))
        self._child: Child | None = None
        self._deaf: socket.socket | None = None
        self._logs: list[Path] = []

    async def listen(self) -> None:
        """Start answering; returns when an OPTIONS is answered (at most 10 s, then `RuntimeError`)."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(self.bind)  # whoever else holds it would answer our OPTIONS in SIPp's place
            except OSError as fault:
                raise RuntimeError(
                    f"sipp: {self.name}: {self.bind[0]}:{self.bind[1]}: {fault.strerror}: choose another port"
                ) from None
        run = self.scratch.run(self.name)
        text = scenario("phone").replace("486 Busy Here", self.manner.refuses or "486 Busy Here")
        text = with_sound(text, self.manner.sound, run)
        rows = phone_rows(self.manner, random.Random(self.seed))
        self._child = await start(
            self.name, text, rows, (), bind=self.bind, directory=run, sound=self.manner.sound
        )
        self._logs.append(run / "log")
        try:
            async with asyncio.timeout(10):
                while not await answers(self.bind):
                    self.check()
        except TimeoutError:
            await self._silence()
            raise RuntimeError(f"sipp: {self.name}: does not answer at {self.bind}") from None
        except BaseException:
            await self._silence()
            raise

    def check(self) -> None:
        """Raise `RuntimeError` with SIPp's complaint if it ended by itself."""
        if self._child is not None and self._child.returncode is not None:
            raise RuntimeError(
                complaint(self._logs[-1].parent)
                or f"sipp: {self.name}: ended with {self._child.returncode}: {self._child.last_words()}"
            )

    def log_tails(self) -> list[LogTail]:
        """The logs of every listening spell so far, each to be read from its beginning."""
        return [LogTail(path) for path in self._logs]

    def legs(self) -> list[Leg]:
        """The calls that rang here so far, in the order in which they began. Raises as `check` does."""
        self.check()
        return [leg for tail in self.log_tails() for leg in legs(tail.more())]

    async def rung(self, calls: int, *, within_s: float = 10.0) -> list[Leg]:
        """Wait until ``calls`` calls have rung here in all; raises `TimeoutError` that says how many did."""
        found = self.legs()
        try:
            async with asyncio.timeout(within_s):
                while len(found) < calls:
                    await asyncio.sleep(0.02)  # SIPp tells of it in a file only
                    found = self.legs()
        except TimeoutError:
            raise TimeoutError(
                f"{self.name}: {len(found)} of {calls} calls rang within {within_s:.0f} s"
            ) from None
        return found

    async def quiet(self, *, within_s: float = 10.0) -> list[Leg]:
        """Wait until every call that rang here is over; returns them all. Raises `TimeoutError`: how many are not."""
        found = self.legs()
        try:
            async with asyncio.timeout(within_s):
                while any(leg.ended is None for leg in found):
                    await asyncio.sleep(0.02)  # SIPp tells of it in a file only
                    found = self.legs()
        except TimeoutError:
            still = sum(leg.ended is None for leg in found)
            raise TimeoutError(f"{self.name}: {still} calls are not over after {within_s:.0f} s") from None
        return found

    async def unplug(self) -> None:
        """Go silent at once: nothing is answered, nothing is refused, calls are not ended. `plug_in` undoes
        it."""
        await self._silence()
        if self._deaf is None:
            # a bound socket keeps the kernel from answering "port unreachable" in the phone's place
            self._deaf = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._deaf.bind(self.bind)

    async def plug_in(self) -> None:
        """Listen again after `unplug`; what was going on then is forgotten."""
        self._undeafen()
        if self._child is None:
            await self.listen()

    async def stop(self) -> None:
        """Kill SIPp and remove the scratch directory, unless one was given."""
        await self._silence()
        self._undeafen()
        self.scratch.remove()

    async def _silence(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            await child.kill()

    def _undeafen(self) -> None:
        if self._deaf is not None:
            self._deaf.close()
            self._deaf = None

    async def start(self) -> None:
        """Begin: listen. Phones also register."""
        await self.listen()

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()


async def answers(address: Address, within_s: float = 0.2) -> bool:
    """Whether an OPTIONS sent to ``address`` is answered within that time."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.setblocking(False)
        probe.bind((address[0], 0))
        probe.connect(address)
        host, port = probe.getsockname()
        ask = (
            f"OPTIONS sip:{address[0]}:{address[1]} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {host}:{port};branch=z9hG4bKping{port}\r\n"
            f"From: <sip:ping@{host}>;tag=ping\r\nTo: <sip:{address[0]}>\r\nCall-ID: ping-{port}@{host}\r\n"
            f"CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        )
        try:
            await loop.sock_sendall(probe, ask.encode())
            async with asyncio.timeout(within_s):
                return (await loop.sock_recv(probe, 2048)).startswith(b"SIP/2.0 ")
        except TimeoutError:
            return False
        except OSError:  # nobody is bound there yet
            await asyncio.sleep(0.02)
            return False
