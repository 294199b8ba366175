"""One real softphone, baresip 1.0, driven over its ctrl_tcp module: a phone that nobody here wrote.

It registers as a seat, or calls in as an unregistered caller; plays a wav and records what it hears.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import msgspec
import numpy as np

from hotline.rehearsal.process_live import Child, free_port, spawn
from hotline.rehearsal.results import SeatLogin
from hotline.rehearsal.sipp_live import Address, Scratch
from hotline.rehearsal.sound import RATE, Samples, Window, longest_silence_s, read_wav, windows, write_wav

MODULES = Path("/usr/lib/baresip/modules")
PLAYS_S = 600
"""What is played is repeated to this length: baresip plays a file once and then sends nothing."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What was heard in one call. ``call_s``: how long the call was up; a recording that is shorter lacks
    what the network did not bring: baresip writes what it received, without the gaps."""

    samples: Samples
    call_s: float

    @property
    def windows(self) -> list[Window]:
        """The sound, judged per 100 ms."""
        return windows(self.samples)

    @property
    def silence_s(self) -> float:
        """The longest silence, or what is missing at the end or in gaps, whichever is longer; seconds."""
        return max(longest_silence_s(self.samples), self.call_s - len(self.samples) / RATE)


class Softphone:
    """baresip with one account.

    With ``login`` it registers at ``switch`` as that seat; without, it calls from ``bind`` as ``caller``, as
    a carrier's caller would; at ``port`` that number can be called too. ``plays``: what it says in every
    call (8 kHz mono wav), ``None`` is silence.
    ``codecs`` as baresip names them."""

    def __init__(
        self,
        switch: Address,
        login: SeatLogin | None = None,
        *,
        bind: str = "127.0.0.1",
        port: int | None = None,
        caller: str = "13700000000",
        plays: Path | None = None,
        codecs: str = "pcma,pcmu",
        directory: Path | None = None,
    ) -> None:
        self.switch = switch
        self.login = login
        self.bind = bind
        self.port = port
        self.caller = caller
        self.plays = plays
        self.codecs = codecs
        self.scratch = Scratch(directory)
        self._child: Child | None = None
        self._reading: asyncio.Task[None] | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._events: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()
        self._answers: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()
        self._established = 0.0
        self._call_s = 0.0

    async def start(self) -> None:
        """Start baresip and, with a login, register. Raises `RuntimeError` with its last words within 10
        s."""
        run = self.scratch.run("baresip")
        control = free_port("127.0.0.1", tcp=True)
        self._run = run
        self._configure(run, control)
        self._child = await spawn("baresip", ["baresip", "-f", str(run)], directory=run)
        try:
            async with asyncio.timeout(10):
                reader = await self._connect(control)
                self._reading = asyncio.create_task(self._read(reader))
                while self.login is not None:
                    told = str((await self._command("reginfo")).get("data", ""))
                    if "OK" in told:
                        break
                    if "ERR" in told:
                        raise RuntimeError(f"baresip: not registered: {self._child.last_words()}")
                    await asyncio.sleep(0.05)  # the event may have been told before we were connected
        except TimeoutError:
            raise RuntimeError(f"baresip: not ready within 10 s: {self._child.last_words()}") from None

    async def stop(self) -> None:
        """Kill baresip, and remove the scratch directory unless one was given."""
        if self._reading is not None:
            self._reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reading
        if self._writer is not None:
            self._writer.close()
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()
        if self._child is not None:
            await self._child.kill()
        self.scratch.remove()

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def dial(self, number: str, *, within_s: float = 10.0) -> None:
        """Dial and wait for the answer. Raises `RuntimeError` with the reason when the call ends instead."""
        while not self._events.empty():
            self._events.get_nowait()  # what was told of earlier calls
        await self._do("dial", f"sip:{number}@{self.switch[0]}:{self.switch[1]}")
        await self._established_event(within_s)

    async def incoming(self, *, within_s: float = 10.0) -> str:
        """Wait until it rings; returns the caller's number."""
        event = await self.event("CALL_INCOMING", within_s=within_s)
        number = re.match(r"sip:([^@;]+)@", str(event.get("peeruri", "")))
        return number.group(1) if number else ""

    async def answer(self, *, within_s: float = 10.0) -> None:
        """Pick up, and wait until the call is up."""
        await self._do("accept")
        await self._established_event(within_s)

    async def refuse(self) -> None:
        """Refuse the call that rings: baresip says 486."""
        await self._do("hangup")

    async def hold(self) -> None:
        """Put the call on hold (a re-INVITE, sendonly). What is heard afterwards is not recorded any more."""
        await self._do("hold")

    async def resume(self) -> None:
        """Take the call back from hold."""
        await self._do("resume")

    async def press(self, keys: str) -> None:
        """Press keys as RFC 4733 telephone events, 100 ms each."""
        for key in keys:
            await self._do("sndcode", key)
            await asyncio.sleep(0.1)  # how long a key is held is what is being acted here
            await self._do("sndcode", "\x04")
            await asyncio.sleep(0.1)

    async def hang_up(self) -> None:
        """End the call."""
        await self._do("hangup")
        await self.ended()

    async def ended(self, *, within_s: float = 10.0) -> str:
        """Wait until the call is over; returns baresip's reason."""
        event = await self.event("CALL_CLOSED", within_s=within_s)
        self._call_s = time.monotonic() - self._established
        return str(event.get("param", ""))

    async def event(self, kind: str, *, within_s: float = 10.0) -> Mapping[str, Any]:
        """The next event of ``kind``; others before it are dropped. Raises `TimeoutError` that names it."""
        try:
            async with asyncio.timeout(within_s):
                while True:
                    event = await self._events.get()
                    if event.get("type") == kind:
                        return event
        except TimeoutError:
            raise TimeoutError(f"baresip: no {kind} within {within_s:.0f} s") from None

    def heard(self) -> Recording:
        """What was heard in the last call, so far or to its end. Raises `FileNotFoundError` when there was
        none."""
        found = sorted(self._run.glob("dump-*-dec.wav"), key=lambda path: path.stat().st_mtime_ns)
        if not found:
            raise FileNotFoundError(f"baresip: nothing was recorded: {self._last_words()}")
        begun = found[-1].stat().st_size >= 44  # a header's length: before it is written there is no sound
        samples = read_wav(found[-1])[0] if begun else np.zeros(0, dtype=np.int16)
        return Recording(samples, self._call_s or time.monotonic() - self._established)

    async def _established_event(self, within_s: float) -> None:
        async with asyncio.timeout(within_s):
            while True:
                event = await self._events.get()
                if event.get("type") == "CALL_ESTABLISHED":
                    self._established, self._call_s = time.monotonic(), 0.0
                    return
                if event.get("type") == "CALL_CLOSED":
                    raise RuntimeError(f"baresip: the call was not answered: {event.get('param', '')}")

    async def _do(self, command: str, params: str = "") -> None:
        told = await self._command(command, params)
        if not told.get("ok"):
            raise RuntimeError(f"baresip: `{command} {params}` failed: {told.get('data', '')}")

    async def _command(self, command: str, params: str = "") -> Mapping[str, Any]:
        if self._writer is None:
            raise RuntimeError("baresip: not started: use `async with Softphone(...)`")
        data = msgspec.json.encode({"command": command, "params": params, "token": command})
        self._writer.write(b"%d:%s," % (len(data), data))
        async with asyncio.timeout(5):
            return await self._answers.get()

    async def _connect(self, port: int) -> asyncio.StreamReader:
        assert self._child is not None
        while True:
            if self._child.returncode is not None:
                raise RuntimeError(f"baresip: ended while starting: {self._last_words()}")
            try:
                reader, self._writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)  # the port opens late in the start; there is nothing to wait on
            else:
                return reader

    async def _read(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                length = int((await reader.readuntil(b":"))[:-1])
                message = msgspec.json.decode((await reader.readexactly(length + 1))[:-1])
                (self._events if "event" in message else self._answers).put_nowait(message)

    def _last_words(self) -> str:
        return self._child.last_words() if self._child is not None else "not started"

    def _configure(self, run: Path, control: int) -> None:
        if not MODULES.is_dir():
            raise FileNotFoundError(f"baresip: no modules at {MODULES}: run `make install`")
        samples = read_wav(self.plays)[0] if self.plays is not None else np.zeros(RATE, dtype=np.int16)
        write_wav(run / "says.wav", np.resize(samples, PLAYS_S * RATE))
        media = free_port(self.bind)
        media = media - media % 2 if media < 65_000 else 40_000
        lines = {
            "poll_method": "epoll",
            "sip_listen": f"{self.bind}:{self.port or free_port(self.bind)}",
            "net_interface": self.bind,
            "audio_player": "aubridge,heard",
            "audio_source": f"aufile,{run}/says.wav",
            "audio_alert": "aubridge,alert",
            "ausrc_srate": "8000",
            "auplay_srate": "8000",
            "ausrc_channels": "1",
            "auplay_channels": "1",
            "rtp_ports": f"{media}-{media + 100}",
            "snd_path": str(run),
            "menu_bell": "no",
            "ctrl_tcp_listen": f"127.0.0.1:{control}",
            "module_path": str(MODULES),
        }
        # the order matters: filters and sources before the applications that start calls
        modules = [f"module {name}.so" for name in ("g711", "aufile", "aubridge", "sndfile")]
        modules += [f"module_tmp {name}.so" for name in ("uuid", "account")]
        modules += [f"module_app {name}.so" for name in ("menu", "ctrl_tcp")]
        config = [f"{key} {value}" for key, value in lines.items()]
        (run / "config").write_text("\n".join([*config, *modules]) + "\n")
        host, port = self.switch
        if self.login is None:
            account = f"<sip:{self.caller}@{host}:{port};transport=udp>;regint=0"
        else:
            number, secret = self.login.number, self.login.secret
            account = (
                f"<sip:{number}@{host}:{port};transport=udp>;auth_user={number};auth_pass={secret};regint=600"
            )
        accounts = run / "accounts"
        accounts.touch(mode=0o600)
        accounts.write_text(f"{account};answermode=manual;audio_codecs={self.codecs}\n")
        (run / "contacts").write_text("")
