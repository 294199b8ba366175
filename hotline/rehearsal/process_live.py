"""Child processes on a leash: own process group, bounded, killed with their parent, heard when they fail."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
import signal
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

MEDIA_RANGE = (61_000, 65_400)
MEDIA_PORTS = 8

LAST_WORDS = 300
"""Characters of a child's complaint that fit into a one-line error."""


def free_port(address: str, *, tcp: bool = False) -> int:
    """A port that nobody holds at ``address`` now, found by binding it (UDP unless ``tcp``)."""
    kind = socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((address, 0))
        port: int = probe.getsockname()[1]
        return port


def free_media_ports(address: str) -> int:
    """The first of `MEDIA_PORTS` UDP ports in a row at ``address`` that nobody holds: SIPp takes as many for its media.

    They lie above those that a system hands out by itself, so that no other socket gets into the row by chance. Raises
    ``OSError`` when there is no such row.
    """
    rows = list(range(*MEDIA_RANGE, MEDIA_PORTS))
    random.shuffle(rows)
    for first in rows:
        with contextlib.ExitStack() as stack:
            try:
                for port in range(first, first + MEDIA_PORTS):
                    probe = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                    probe.bind((address, port))
            except OSError:
                continue
            return first
    raise OSError(f"media ports: no {MEDIA_PORTS} in a row are free at {address} from {MEDIA_RANGE[0]} on")


@dataclass(frozen=True, slots=True)
class Child:
    """A running process, leader of its own group; what it printed is in ``output``."""

    name: str
    process: asyncio.subprocess.Process
    output: Path

    @property
    def pid(self) -> int:
        """The process's id, which is also its group's."""
        return self.process.pid

    @property
    def returncode(self) -> int | None:
        """The exit status; ``None`` while it runs."""
        return self.process.returncode

    def last_words(self) -> str:
        """The end of what it printed, on one line."""
        text = self.output.read_text(errors="replace") if self.output.exists() else ""
        return " ".join(text.split())[-LAST_WORDS:] or "no output"

    async def kill(self) -> None:
        """Kill the whole group at once and wait for the end. Harmless when it is over already."""
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
        # A cancelled parent must not leave a zombie behind: the wait is short, the signal can't be refused.
        await asyncio.shield(asyncio.ensure_future(self.process.wait()))

    async def finished(self, limit_s: float) -> int:
        """Wait for the end by itself, at most ``limit_s`` seconds; it is killed then, and when this is
        cancelled.

        Raises `TimeoutError` with the process's name and last words.
        """
        try:
            async with asyncio.timeout(limit_s):
                return await self.process.wait()
        except TimeoutError:
            raise TimeoutError(
                f"{self.name}: still running after {limit_s:.0f} s: {self.last_words()}"
            ) from None
        finally:
            await self.kill()


async def spawn(
    name: str, command: Sequence[str], *, directory: Path, stdin: int = asyncio.subprocess.DEVNULL
) -> Child:
    """Start ``command`` in ``directory``, which exists; its output goes to ``NAME.out`` there.

    Where ``setpriv`` exists (util-linux) the kernel kills the child even if this program is killed itself.
    Raises `FileNotFoundError` that names the missing program.
    """
    if shutil.which(command[0]) is None:
        raise FileNotFoundError(f"{name}: `{command[0]}` is not installed: run `make install`")
    leash = ["setpriv", "--pdeathsig", "KILL", "--"] if shutil.which("setpriv") else []
    output = directory / f"{name}.out"
    with output.open("wb") as sink:
        process = await asyncio.create_subprocess_exec(
            *leash, *command, cwd=directory, stdin=stdin, stdout=sink, stderr=sink, start_new_session=True
        )
    return Child(name, process, output)
