"""A bench for one switch: a real Asterisk on ports of its own, a small engine, and SIPp at both ends."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import shutil
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from hotline.switch.config import SwitchSettings
from hotline.switch.find import find_asterisk
from hotline.switch.process import Switch
from hotline.switch.secrets import Secrets
from trunks.pjsip import Network
from trunks.seats import Seat
from trunks.trunk import Codec, Digest, Peer, Trunk

SCENARIOS = Path(__file__).parent / "scenarios"
CARRIER = "127.0.0.11"
STRANGER = "127.0.0.66"
LIMIT_S = 15.0
TRUNKS = (
    Trunk("carrier", "Carrier", (Peer(CARRIER),), qualify=0, codecs=(Codec.ALAW,)),
    Trunk("branch", "Sub-centre", incoming=Digest("branch", "trunk/branch")),
)
SEATS = tuple(Seat(str(number), f"座席{number}", nat=False) for number in (1001, 1002, 1003))
SECRETS = Secrets(
    {
        name: f"secret-of-{name.replace('/', '-')}"
        for name in ("ami", "trunk/branch", *(seat.secret for seat in SEATS))
    }
)
TONE = b"\x2a" * 20 + b"\xaa" * 20
"""Five milliseconds of a loud square wave in A-law."""

Say = Callable[[str], Awaitable[str]]
Play = Callable[[dict[str, str], Say], Awaitable[None]]


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM, host: str = "127.0.0.1") -> int:
    """A port that nobody has now."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


class Engine:
    """What stands in for the engine: answers FastAGI sessions by a function, and can be killed."""

    def __init__(self, play: Play) -> None:
        self._play = play
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self.asked: list[dict[str, str]] = []
        self.news = asyncio.Condition()

    async def start(self, port: int) -> None:
        self._server = await asyncio.start_server(self._session, "127.0.0.1", port)

    async def kill(self) -> None:
        if self._server is not None:
            self._server.close()
            for writer in list(self._writers):
                writer.transport.abort()
            await self._server.wait_closed()
            self._server = None

    async def until_asked(self, path: str) -> dict[str, str]:
        """The first session of this path, now or as soon as it comes."""
        async with asyncio.timeout(LIMIT_S), self.news:
            while True:
                for env in self.asked:
                    if env["agi_network_script"] == path:
                        return env
                await self.news.wait()

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        env: dict[str, str] = {}
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while line := (await reader.readuntil(b"\n")).decode().rstrip("\n"):
                name, _, value = line.partition(": ")
                env[name] = value
            async with self.news:
                self.asked.append(env)
                self.news.notify_all()

            async def say(command: str) -> str:
                writer.write(command.encode() + b"\n")
                return (await reader.readuntil(b"\n")).decode()

            await self._play(env, say)
        self._writers.discard(writer)
        writer.close()


@dataclass(slots=True)
class Bench:
    """A running switch, the engine beside it, and what SIPp left behind."""

    switch: Switch
    engine: Engine
    secrets: Secrets
    trunks: tuple[Trunk, ...]
    seats: tuple[Seat, ...]
    scratch: Path
    running: list[asyncio.subprocess.Process] = field(default_factory=list)

    @property
    def sip(self) -> str:
        return f"127.0.0.1:{self.switch.settings.network.udp}"

    async def sipp(
        self, scenario: str, *options: str, host: str = "127.0.0.1", port: int | None = None
    ) -> Peering:
        """Start SIPp for one call of the scenario."""
        port = port or free_port(socket.SOCK_DGRAM, host)
        heard = self.scratch / f"{scenario}-{len(self.running)}.txt"
        process = await asyncio.create_subprocess_exec(
            "sipp", self.sip, "-sf", str(SCENARIOS / f"{scenario}.xml"), "-i", host, "-p", str(port),
            "-m", "1", "-nostdin", "-timeout", str(int(LIMIT_S)), "-trace_msg", "-message_file", str(heard),
            "-cid_str", f"%u-{scenario}-{len(self.running)}@%s", *options,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT, cwd=self.scratch,
        )  # fmt: skip
        self.running.append(process)
        return Peering(process, port, heard)

    async def call(
        self,
        number: str = "12345",
        *options: str,
        scenario: str = "caller",
        host: str = CARRIER,
        tap: int = 9,
        who: str = "037155512345",
        extra: str = "X-Extra: none",
    ) -> Peering:
        """A carrier's call for a number. What the caller hears goes to port ``tap`` (9: nobody listens)."""
        keys = ("-key", "tap", str(tap), "-key", "who", who, "-key", "extra", extra)
        return await self.sipp(scenario, "-s", number, *keys, *options, host=host)

    async def phone(self, seat: str, scenario: str = "phone", *, talks_ms: int = 500) -> Peering:
        """A seat's phone, registered, that takes one call."""
        peering = await self.sipp(scenario, "-d", str(talks_ms))
        assert await self.register(seat, self.secrets[f"seat/{seat}"], peering.port) == 0
        return peering

    async def register(self, seat: str, password: str, contact_port: int) -> int:
        signing_on = await self.sipp(
            "register", "-s", seat, "-au", seat, "-ap", password, "-key", "contact_port", str(contact_port)
        )  # fmt: skip
        return await signing_on.end()

    def faults(self) -> list[str]:
        """The warnings and errors in the switch's log."""
        text = self.switch.settings.log.read_text()
        return [line for line in text.splitlines() if "] WARNING[" in line or "] ERROR[" in line]


@dataclass(slots=True)
class Peering:
    """One SIPp, with the messages that it saw."""

    process: asyncio.subprocess.Process
    port: int
    messages: Path

    async def end(self) -> int:
        """SIPp's verdict: 0 when everything came as the scenario says."""
        async with asyncio.timeout(LIMIT_S):
            await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode

    def heard(self) -> str:
        return self.messages.read_text(errors="replace") if self.messages.exists() else ""

    async def until_heard(self, text: str) -> str:
        """Everything heard, as soon as the text is among it."""
        async with asyncio.timeout(LIMIT_S):
            while text not in (heard := self.heard()):  # noqa: ASYNC110 (SIPp writes a file)
                await asyncio.sleep(0.02)
        return heard


@dataclass(slots=True)
class Ear(asyncio.DatagramProtocol):
    """What a caller hears: when each packet of sound came (seconds), and whether there was anything in it."""

    heard: list[tuple[float, bool]] = field(default_factory=list)

    def datagram_received(self, data: bytes, addr: object) -> None:
        payload = data[12:]
        self.heard.append((time.monotonic(), any(byte not in b"\x55\xd5" for byte in payload)))

    def longest_silence(self, since: float, until: float) -> float:
        """Seconds between two packets with sound in them, at most, in this span."""
        times = [since, *(at for at, loud in self.heard if loud and since <= at <= until), until]
        return max(after - before for before, after in itertools.pairwise(times))


@contextlib.asynccontextmanager
async def listen() -> AsyncIterator[tuple[Ear, int]]:
    """An ear at the carrier's address, and its port."""
    loop = asyncio.get_running_loop()
    transport, ear = await loop.create_datagram_endpoint(Ear, local_addr=(CARRIER, 0))
    try:
        yield ear, transport.get_extra_info("sockname")[1]
    finally:
        transport.close()


async def nothing(env: dict[str, str], say: Say) -> None:
    """An engine that says nothing."""


@contextlib.asynccontextmanager
async def bench(
    play: Play = nothing,
    *,
    trunks: tuple[Trunk, ...] = TRUNKS,
    seats: tuple[Seat, ...] = SEATS,
    secrets: Secrets = SECRETS,
    qualify_s: int = 0,
) -> AsyncIterator[Bench]:
    """A switch with the trunk ``carrier``, the trunk ``branch`` (by password) and seats 1001 to 1003."""
    # A control socket's path must be short: pytest's own directories are not.
    home = Path(tempfile.mkdtemp(prefix="hl-"))
    music = home / "sounds" / "music"
    music.mkdir(parents=True)
    (music / "hold.alaw").write_bytes(TONE * 400)
    (home / "sounds" / "ringing").mkdir()
    (home / "sounds" / "ringing" / "tone.alaw").write_bytes(TONE * 400)
    rtp = free_port(socket.SOCK_DGRAM)
    settings = SwitchSettings(
        directory=home / "switch",
        sounds=home / "sounds",
        network=Network(
            bind="127.0.0.1",
            udp=free_port(socket.SOCK_DGRAM),
            tcp=free_port(),
            rtp=_range(rtp),
            qualify_s=qualify_s,
        ),
        ami_port=free_port(),
        agi_port=free_port(),
        survival=("/bin/false",),
    )
    switch = Switch(find_asterisk(), settings)
    engine = Engine(play)
    it = Bench(switch, engine, secrets, trunks, seats, home)
    try:
        await engine.start(settings.agi_port)
        await switch.start(trunks, seats, secrets)
        yield it
    finally:
        for process in it.running:
            if process.returncode is None:
                process.kill()
                await process.communicate()
        await engine.kill()
        await switch.stop()
        shutil.rmtree(home)


def _range(first: int) -> tuple[int, int]:
    first = min(first, 60_000) // 2 * 2
    return first, first + 400
