"""Starts, watches, reloads and stops Asterisk itself.

Asterisk runs in a session of its own: it outlives the engine, since calls go on without one, and the next
engine adopts it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hotline.logs import OwnersFault
from hotline.switch.config import SwitchSettings, render_tree
from hotline.switch.find import Installation
from hotline.switch.tree import reload_commands, write_tree
from trunks.seats import Seat
from trunks.trunk import Trunk

LOG_LIMIT = 20_000_000
"""Bytes after which the log is moved to ``messages.1`` and begun anew."""

_LAST_LINES = 5
# Asterisk starts without whatever it cannot load; without this it would take no call.
_INDISPENSABLE = ("chan_pjsip.so",)
_POLL_S = 0.05
_CONSOLE_LIMIT_S = 15.0


class SwitchFailed(OwnersFault):
    """Asterisk did not start, or did not do what it was told; the message ends with its own last words."""


@dataclass(frozen=True, slots=True)
class Reloaded:
    """The files that a reload changed, and those among them that only a restart brings into effect."""

    changed: tuple[str, ...]
    need_restart: tuple[str, ...]


class Switch:
    """One Asterisk: its files, and the process that runs on them."""

    def __init__(self, installation: Installation, settings: SwitchSettings) -> None:
        self.installation = installation
        self.settings = settings
        self._child: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        """The process on this tree, ours or one that an earlier engine started; ``None`` if none runs."""
        if self._child is not None and self._child.returncode is None:
            return self._child.pid
        return _running(self.settings)

    async def start(
        self,
        trunks: Sequence[Trunk],
        seats: Sequence[Seat],
        secrets: Mapping[str, str],
        *,
        within_s: float = 30.0,
    ) -> bool:
        """Write the tree and start Asterisk on it, or adopt the one that runs on it already.

        Returns when it is ready for calls. ``True``: it was adopted, with whatever calls it has. Raises
        `SwitchFailed` with the log's last lines, and ``ValueError`` for a configuration that can't be.
        """
        if self.pid is not None and await self._answers():
            await self.reload(trunks, seats, secrets)
            return True
        await self.stop()
        files = render_tree(self.settings, self.installation, trunks, seats, secrets)
        write_tree(self.settings, self.installation, files)
        self._clean()
        _refuse_taken_ports(self.settings)
        log = self.settings.log
        since = log.stat().st_size if log.exists() else 0
        console = log.with_name("console")
        with console.open("wb") as output:
            self._child = await asyncio.create_subprocess_exec(
                *self.installation.command,
                "-f",
                "-C",
                str(self.settings.conf),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.settings.directory,
                start_new_session=True,
            )
        try:
            await self.ready(within_s)
        except SwitchFailed as failure:
            await self.stop()
            words = _last_lines(log, since) or _last_lines(console, 0) or "it said nothing"
            raise SwitchFailed(f"{failure}; {words}") from None
        except BaseException:
            await asyncio.shield(self.stop())
            raise
        return False

    async def ready(self, within_s: float = 30.0) -> None:
        """Wait until Asterisk takes calls. Raises `SwitchFailed` when it ends or takes longer."""
        try:
            async with asyncio.timeout(within_s):
                while not (self.settings.control.exists() and _listens(self.settings.ami_port)):
                    if self.pid is None and (self._child is None or self._child.returncode is not None):
                        raise SwitchFailed(f"{self.installation} ended while it started")
                    await asyncio.sleep(_POLL_S)
                await self.console("core waitfullybooted")
                for module in _INDISPENSABLE:
                    if "Running" not in await self.console(f"module show like {module}"):
                        raise SwitchFailed(f"{self.installation} started without {module}")
        except TimeoutError:
            raise SwitchFailed(f"{self.installation} was not ready within {within_s:g} s") from None

    async def stop(self, *, calls_s: float = 0.0, patience_s: float = 5.0) -> None:
        """End it, whoever started it: after the calls that are on, but at most ``calls_s``; by force if
        need be.

        Nothing is left: no process, no socket, no pidfile. Harmless when nothing runs.
        """
        pid = self.pid
        if pid is not None:
            if calls_s > 0:
                await self._try_console("core stop gracefully")
                await self._gone(pid, calls_s)
            if not await self._gone(pid, 0):
                await self._try_console("core stop now", patience_s)
                for sign in (None, signal.SIGTERM, signal.SIGKILL):
                    if sign is not None:
                        with contextlib.suppress(ProcessLookupError):
                            os.kill(pid, sign)
                    if await self._gone(pid, patience_s):
                        break
        if self._child is not None:
            await self._child.wait()
            self._child = None
        self._clean()

    async def reload(
        self, trunks: Sequence[Trunk], seats: Sequence[Seat], secrets: Mapping[str, str]
    ) -> Reloaded:
        """Bring a changed configuration into effect; calls go on. Raises as `start` does."""
        before = _transports(self.settings.etc / "pjsip.conf")
        files = render_tree(self.settings, self.installation, trunks, seats, secrets)
        changed = write_tree(self.settings, self.installation, files)
        commands, restart = reload_commands(changed)
        for command in commands:
            await self.console(command)
        if before != _transports(self.settings.etc / "pjsip.conf"):
            # Asterisk keeps its sockets as they are until it is started again.
            restart = (*restart, "pjsip.conf")
        return Reloaded(changed, restart)

    async def watch(self) -> int | None:
        """Wait for the end of the process, and keep its log from growing without end.

        Returns the exit status, ``None`` when somebody else's child was adopted. Cancel it to stop watching.
        """
        pid = self.pid
        if pid is None:
            return None if self._child is None else self._child.returncode
        while not await self._gone(pid, 60.0):
            await self._rotate()
        return None if self._child is None else self._child.returncode

    async def console(self, command: str, within_s: float = _CONSOLE_LIMIT_S) -> str:
        """What Asterisk's own console answers to a command. Raises `SwitchFailed` when it doesn't answer."""
        process = await asyncio.create_subprocess_exec(
            *self.installation.command,
            "-C",
            str(self.settings.conf),
            "-rx",
            command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(within_s):
                said, _ = await process.communicate()
        except TimeoutError:
            raise SwitchFailed(f"Asterisk's console did not answer to {command!r}") from None
        finally:
            if process.returncode is None:
                process.kill()
                await asyncio.shield(process.wait())
        text = said.decode(errors="replace")
        # An unknown command is answered, with status 0.
        if process.returncode != 0 or text.startswith("No such command"):
            raise SwitchFailed(f"Asterisk's console refused {command!r}: {' '.join(text.split())[-300:]}")
        return text

    async def _answers(self) -> bool:
        try:
            await self.console("core show uptime")
        except SwitchFailed:
            return False
        return _listens(self.settings.ami_port)

    async def _try_console(self, command: str, within_s: float = _CONSOLE_LIMIT_S) -> None:
        with contextlib.suppress(SwitchFailed):
            await self.console(command, within_s)

    async def _gone(self, pid: int, within_s: float) -> bool:
        """Whether the process has ended by then."""
        if self._child is not None and self._child.pid == pid:
            if self._child.returncode is not None:
                return True
            if within_s <= 0:
                return False
            try:
                await asyncio.wait_for(self._child.wait(), within_s)
            except TimeoutError:
                return False
            return True
        return await _ended(pid, within_s)

    async def _rotate(self) -> None:
        log = self.settings.log
        if log.exists() and log.stat().st_size > LOG_LIMIT:
            log.replace(log.with_name("messages.1"))
            await self._try_console("logger reload")

    def _clean(self) -> None:
        for left in (self.settings.control, self.settings.pidfile):
            left.unlink(missing_ok=True)


def _running(settings: SwitchSettings) -> int | None:
    """The live process that is named in the pidfile and has our file on its command line."""
    try:
        pid = int(settings.pidfile.read_text())
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        dead = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in {"Z", "X"}
    except (OSError, ValueError):
        return None
    return pid if str(settings.conf).encode() in arguments and not dead else None


async def _ended(pid: int, within_s: float) -> bool:
    """Whether a process that may not be our child ends by then. A pidfd turns readable at that moment."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    try:
        loop.add_reader(handle, ended.set)
        await asyncio.wait_for(ended.wait(), max(within_s, 0.001))
    except TimeoutError:
        return False
    finally:
        loop.remove_reader(handle)
        os.close(handle)
    return True


def _refuse_taken_ports(settings: SwitchSettings) -> None:
    """Asterisk itself would start without the port, deaf, and only its log would tell."""
    network = settings.network
    wanted = [
        ("switch.ami_port", socket.SOCK_STREAM, "127.0.0.1", settings.ami_port),
        ("network.udp", socket.SOCK_DGRAM, network.bind, network.udp),
        ("network.tcp", socket.SOCK_STREAM, network.bind, network.tcp),
        ("network.tls", socket.SOCK_STREAM, network.bind, network.tls),
    ]
    for place, kind, host, port in wanted:
        if port is None:
            continue
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, kind) as probe:
            if kind == socket.SOCK_STREAM:
                # What Asterisk does too: the last run's connections in TIME_WAIT don't count.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as refusal:
                raise SwitchFailed(
                    f"{place}: {host}:{port} can't be used ({refusal.strerror}); choose another"
                ) from None


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _transports(path: Path) -> str:
    if not path.exists():
        return ""
    sections = path.read_text(encoding="utf-8").split("\n[")
    return "\n[".join(part for part in sections if part.startswith("transport-"))


def _last_lines(path: Path, since: int) -> str:
    """The end of a log, on one line."""
    try:
        with path.open("rb") as file:
            file.seek(since)
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    return " | ".join(line.strip() for line in lines[-_LAST_LINES:] if line.strip())
