"""The peer of every benchmark: Asterisk's own ``Queue()`` with static members, in a configuration of its own.

Calls from the carrier's address are answered at once (``Answer(0,i)``) and wait in ``Queue(q)``; the members
are the seats ``PJSIP/1001`` and up. Everything is written below one directory; Asterisk runs in the
foreground in its own process group and is killed when the `NativeQueue` is left."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from hotline.rehearsal.phones_live import Phones
from hotline.rehearsal.process_live import Child, free_port, spawn
from hotline.rehearsal.results import SeatLogin
from hotline.rehearsal.sound import tone, write_wav
from hotline.rehearsal.under_test_live import Running

ROOT = Path.home() / ".cache/hotline/asterisk-22"
"""Where the fetched Asterisk 22 lies when no ``asterisk`` is installed on the machine."""

MODULES = (
    "res_timing_timerfd",
    "res_sorcery_config",
    "res_sorcery_memory",
    "res_sorcery_astdb",
    "res_pjproject",
    "res_pjsip",
    "res_pjsip_pubsub",
    "res_pjsip_session",
    "res_pjsip_sdp_rtp",
    "res_pjsip_registrar",
    "res_pjsip_authenticator_digest",
    "res_pjsip_outbound_authenticator_digest",
    "res_pjsip_endpoint_identifier_user",
    "res_pjsip_endpoint_identifier_ip",
    "res_pjsip_caller_id",
    "res_pjsip_diversion",
    "res_pjsip_nat",
    "res_pjsip_rfc3326",
    "res_pjsip_dtmf_info",
    "res_pjsip_header_funcs",
    "res_pjsip_dlg_options",
    "res_rtp_asterisk",
    "res_musiconhold",
    "chan_pjsip",
    "codec_alaw",
    "codec_ulaw",
    "codec_a_mu",
    "format_wav",
    "format_pcm",
    "bridge_simple",
    "bridge_native_rtp",
    "bridge_builtin_features",
    "bridge_holding",
    "pbx_config",
    "func_channel",
    "func_callerid",
    "func_strings",
    "app_dial",
    "app_queue",
    "app_playback",
    "app_stack",
)


def asterisk_command(config: Path) -> list[str]:
    """How Asterisk is started in the foreground with ``config``: the installed one, else the fetched root's.

    Raises `FileNotFoundError` when there is neither.
    """
    tail = ["-f", "-C", str(config)]
    installed = shutil.which("asterisk")
    if installed is not None:
        return [installed, *tail]
    loader = ROOT / "usr/lib64/ld-linux-x86-64.so.2"
    if not loader.exists():
        raise FileNotFoundError(f"asterisk: neither on PATH nor below {ROOT}: run `make install`")
    libraries = ROOT / "usr/lib/x86_64-linux-gnu"
    return [
        str(loader),
        "--library-path",
        f"{libraries}:{libraries}/pulseaudio",
        f"{ROOT}/usr/sbin/asterisk",
        *tail,
    ]


def _data() -> tuple[Path, Path]:
    """Where Asterisk's modules and its data are: beside the binary that `asterisk_command` starts."""
    if shutil.which("asterisk") is None:
        return ROOT / "usr/lib/x86_64-linux-gnu/asterisk/modules", ROOT / "usr/share/asterisk"
    for modules in (*Path("/usr/lib").glob("*/asterisk/modules"), Path("/usr/lib/asterisk/modules")):
        if modules.is_dir():
            return modules, Path("/usr/share/asterisk")
    raise FileNotFoundError("asterisk: its modules were not found below /usr/lib: install asterisk-modules")


@dataclass
class NativeQueue:
    """Asterisk with one native queue.

    ``listener``: one AMI client with a filter as narrow as a queue's supervisor needs is logged in for as
    long as the switch runs; it counts as the engine's share, and lives in this process, so no CPU of its own
    is reported. ``ring_s`` is the queue's ring timeout; ``dialplan`` is added to ``extensions.conf`` for
    tests."""

    directory: Path
    seats: int = 260
    strategy: str = "rrmemory"
    listener: bool = False
    ring_s: int = 20
    trunk_address: str = "127.0.0.11"
    dialplan: str = ""
    modules: tuple[str, ...] = MODULES
    _child: Child | None = field(default=None, init=False, repr=False)
    _ami: asyncio.Task[None] | None = field(default=None, init=False, repr=False)

    def logins(self) -> list[SeatLogin]:
        """The seats, 1001 and up, with secrets made from their numbers (a loopback toy, not a deployment)."""
        return [
            SeatLogin(str(1001 + n), hashlib.sha256(f"seat {1001 + n}".encode()).hexdigest()[:16])
            for n in range(self.seats)
        ]

    async def start(self) -> Running:
        """Write the tree and start Asterisk; returns when it takes calls (at most 30 s, then
        `RuntimeError`)."""
        port, ami, rtp = free_port("127.0.0.1"), free_port("127.0.0.1", tcp=True), free_port("127.0.0.1")
        self._write(port, ami, rtp if rtp < 60_000 else 20_000)
        self._child = await spawn(
            "asterisk", asterisk_command(self.directory / "asterisk.conf"), directory=self.directory
        )
        await self._booted(ami)
        return Running(("127.0.0.1", port), self.logins(), (self._child.pid,), trunk=self.trunk_address)

    async def seats_ready(self, phones: Phones) -> None:
        """Static members need no signing on."""

    async def stop(self) -> None:
        """Kill Asterisk and wait for its end."""
        if self._ami is not None:
            self._ami.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await self._ami
            self._ami = None
        if self._child is not None:
            await self._child.kill()
            self._child = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _booted(self, ami: int) -> None:
        """Log in over AMI until ``FullyBooted`` is heard; the connection stays when a listener is wanted."""
        assert self._child is not None
        async with asyncio.timeout(30):
            while True:
                if self._child.returncode is not None:
                    raise RuntimeError(f"asterisk: ended while starting: {self._child.last_words()}")
                try:
                    reader, writer = await asyncio.open_connection("127.0.0.1", ami)
                    break
                except OSError:
                    await asyncio.sleep(0.05)  # the port opens late in the start; there is nothing to wait on
            writer.write(b"Action: Login\r\nUsername: bench\r\nSecret: bench\r\nEvents: on\r\n\r\n")
            await reader.readuntil(b"FullyBooted")
        if self.listener:
            self._ami = asyncio.create_task(_drain(reader, writer))
        else:
            writer.close()
            await writer.wait_closed()

    def _write(self, port: int, ami: int, rtp: int) -> None:
        modules, data = _data()
        etc = self.directory
        for name in ("moh", "var/db", "var/spool", "var/log", "var/run", "var/keys"):
            (etc / name).mkdir(parents=True, exist_ok=True)
        write_wav(etc / "moh/hold.wav", tone(440.0, 4.0))
        places = {
            "etc": etc,
            "mod": modules,
            "varlib": etc / "var",
            "db": etc / "var/db",
            "key": etc / "var/keys",
        }
        places |= {"data": data, "agi": etc / "var"}
        places |= {name: etc / "var" / name for name in ("spool", "run", "log")}
        directories = "".join(f"ast{name}dir => {path}\n" for name, path in places.items())
        files = {
            "asterisk.conf": f"[directories]\n{directories}[options]\nverbose = 0\nlive_dangerously = no\n",
            "modules.conf": "[modules]\nautoload=no\n"
            + "".join(f"load={name}.so\n" for name in self.modules),
            "logger.conf": "[general]\n[logfiles]\nmessages => warning,error\n",
            "manager.conf": f"[general]\nenabled=yes\nbindaddr=127.0.0.1\nport={ami}\n"
            "[bench]\nsecret=bench\nread=call,agent,system\nwrite=system\n"
            + "".join(
                f"eventfilter(action(include),name({n})) =\n" for n in ("FullyBooted", "DialEnd", "Hangup")
            ),
            "rtp.conf": f"[general]\nrtpstart={rtp}\nrtpend={rtp + 5000}\nstrictrtp=no\nicesupport=no\n",
            "musiconhold.conf": f"[default]\nmode=files\ndirectory={etc}/moh\n",
            "queues.conf": self._queues(),
            "extensions.conf": self._extensions(),
            "pjsip.conf": self._pjsip(port),
            "features.conf": "",
            "ccss.conf": "",
            "udptl.conf": "",
            "acl.conf": "",
            "cdr.conf": "[general]\nenable=no\n",
            "cel.conf": "[general]\nenable=no\n",
            "stasis.conf": "",
            "pjproject.conf": "",
        }
        for name, text in files.items():
            (etc / name).write_text(text)

    def _queues(self) -> str:
        members = "".join(f"member => PJSIP/{seat.number}\n" for seat in self.logins())
        return (
            "[general]\npersistentmembers=no\nautofill=yes\nshared_lastcall=no\n"
            f"[q]\nstrategy={self.strategy}\ntimeout={self.ring_s}\nretry=1\nwrapuptime=0\nringinuse=no\n"
            f"joinempty=yes\nleavewhenempty=no\nmusicclass=default\n{members}"
        )

    def _extensions(self) -> str:
        return (
            "[from-trunk]\nexten => _X.,1,Answer(0,i)\n same => n,Queue(q)\n same => n,Hangup()\n"
            "[from-seat]\nexten => _*X.,1,Answer(0,i)\n same => n,Wait(0.2)\n same => n,Hangup()\n"
            f"{self.dialplan}\n"
        )

    def _pjsip(self, port: int) -> str:
        media = "disallow=all\nallow=alaw,ulaw\ndirect_media=no\n"
        text = (
            "[global]\ntype=global\nuser_agent=peer\n[system]\ntype=system\ntimer_t1=500\n"
            f"[udp]\ntype=transport\nprotocol=udp\nbind=127.0.0.1:{port}\n"
            f"[carrier]\ntype=endpoint\ncontext=from-trunk\n{media}"
            f"[carrier]\ntype=identify\nendpoint=carrier\nmatch={self.trunk_address}\n"
            f"[seat](!)\ntype=endpoint\ncontext=from-seat\n{media}"
            "[account](!)\ntype=auth\nauth_type=userpass\n"
            "[place](!)\ntype=aor\nmax_contacts=1\nremove_existing=yes\n"
        )
        for seat in self.logins():
            number, secret = seat.number, seat.secret
            text += (
                f"[{number}](seat)\nauth={number}\naors={number}\n"
                f"[{number}](account)\nusername={number}\npassword={secret}\n[{number}](place)\n"
            )
        return text


async def _drain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read what Asterisk tells, as a supervisor's program would, and forget it."""
    try:
        while await reader.read(65_536):
            pass
    finally:
        writer.close()
