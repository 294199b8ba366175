"""SIPp on a leash: how it is started and heard, and a run of calls (`call_out`)."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from hotline.rehearsal.manners import waiting_first
from hotline.rehearsal.process_live import Child, free_media_ports, spawn
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
    media = free_media_ports(address)
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
        *("-mi", address, "-mp", str(media), *echo, "-ci", "127.0.0.1", "-nostdin", "-aa"),
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
    told: bool = False,
) -> Placement:
    """Place one call for each of ``rows`` at ``rate`` a second and wait for their end, at most ``limit_s``
    seconds.

    Then SIPp is killed, and the calls that were still on are left as they are: their legs have no end. Only a
    SIPp that can't work raises `RuntimeError`, one line with its complaint. ``told``: the rows are `told_rows`.
    """
    caller = waiting_first(scenario("caller")) if told else scenario("caller")
    text = with_sound(caller, sound, directory)
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
