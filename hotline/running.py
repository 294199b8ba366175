"""``hotline run``: a small parent that keeps an engine alive, and the engine itself.

A hung engine would hold its callers for ever, since the switch enforces no time inside FastAGI. So the engine
says several times a second that it is alive; when it has been silent for `SILENT_S` the parent kills it. Its
callers are in the switch's fallback at that moment, and the next engine fetches them back. Under systemd the
parent itself gives a sign of life (``WatchdogSec``).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import importlib.util
import os
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from hotline.city import City
from hotline.logs import OwnersFault, logger, set_up

BEAT_S = 0.25
SILENT_S = 3.0
STARTS_WITHIN_S = 60.0
"""an engine's first sign of life: its switch may have to be started and its prompts to be made"""
AGAIN_S = (0.1, 5.0)
GRACE_S = 45.0
"""so long an engine that was told to stop may take"""
NO_RESTART = 3
"""an engine's exit status when starting again can't help: the owner must act"""

_STOPS = (signal.SIGTERM, signal.SIGINT)

_log = logger("run")


def home_of(city: City, given: Path | None) -> Path:
    """Where a city's things are kept: ``--home``, or a folder in the user's state directory."""
    if given is not None:
        return given.absolute()
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "hotline" / city.name


def run_city(city: City, args: argparse.Namespace, as_of_ms: int | None) -> int:
    """The parent, or with ``--worker`` the engine."""
    set_up()
    if args.worker:
        try:
            return asyncio.run(_work(city, args, as_of_ms))
        except OwnersFault:
            raise
        except Exception as fault:  # noqa: BLE001
            _log.exception("the engine ended", why=str(fault))
            return 1
    _keep_kernel(home_of(city, args.home))
    return _Parent(sys.argv[1:]).keep()


def _keep_kernel(home: Path) -> None:
    """Where the program's own folder can't be written to, the compiled matching kernel is kept in the city's home.

    Without any place for it numba refuses to compile at all; compiling takes 2 s, which a next engine does not have.
    """
    package = importlib.util.find_spec("acd")
    if package is None or package.origin is None:
        return
    beside = Path(package.origin).parent / "__pycache__"
    if not os.access(beside if beside.exists() else beside.parent, os.W_OK):
        os.environ.setdefault("NUMBA_CACHE_DIR", str(home / "kernel"))


class _Parent:
    """Starts the engine, hears its sign of life, kills it when it hangs, starts the next."""

    def __init__(self, arguments: list[str]) -> None:
        self._arguments = arguments
        self._stopping = False
        self._was_up = False
        self._child: subprocess.Popen[bytes] | None = None

    def keep(self) -> int:
        for sign in _STOPS:
            signal.signal(sign, self._stop)
        signal.signal(signal.SIGHUP, self._hand_on)
        pause = 0.0
        while True:
            began = time.monotonic()
            status = self._one()
            if self._stopping:
                return 0 if status in (0, -signal.SIGTERM, -signal.SIGINT) else 1
            if status in (2, NO_RESTART) and not self._was_up:
                return 2  # the owner must act; what has worked is tried again, whatever is in its way
            pause = 0.0 if time.monotonic() - began > 10 else min(max(pause * 2, AGAIN_S[0]), AGAIN_S[1])
            _log.error("the engine ended: starting the next", status=status, pause_s=pause)
            time.sleep(pause)

    def _one(self) -> int:
        """One engine's life; its exit status."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with ours, theirs:
            environ = {**os.environ, "HOTLINE_BEAT": str(theirs.fileno())}
            environ.pop("NOTIFY_SOCKET", None)
            # A word to stop that comes before the engine can hear it waits until it does (`_work`).
            signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
            try:
                self._child = subprocess.Popen(
                    [sys.executable, "-m", "hotline.cli", *self._arguments, "--worker"],
                    pass_fds=[theirs.fileno()],
                    env=environ,
                    start_new_session=True,
                )
            finally:
                signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)
            theirs.close()
            heard, allowed = time.monotonic(), STARTS_WITHIN_S
            stop_by: float | None = None
            while (status := self._child.poll()) is None:
                ready, _, _ = select.select([ours], [], [], BEAT_S)
                if ready and ours.recv(4096):
                    if allowed == STARTS_WITHIN_S:
                        self._was_up = True
                        _notify(b"READY=1")
                    heard, allowed = time.monotonic(), SILENT_S
                elif ready:
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        self._child.wait(BEAT_S)  # it has closed its end: it is about to be gone
                if self._stopping and stop_by is None:
                    stop_by = time.monotonic() + GRACE_S
                    self._child.send_signal(signal.SIGTERM)
                silent = time.monotonic() - heard
                _notify(b"WATCHDOG=1")  # this parent lives, and sees to it that the engine does
                if stop_by is None and silent > allowed:
                    _log.error("the engine hangs: killed", silent_s=round(silent, 1))
                    self._child.kill()
                    self._child.wait()
                elif stop_by is not None and time.monotonic() > stop_by:
                    self._child.kill()
            return status

    def _stop(self, *_: object) -> None:
        self._stopping = True

    def _hand_on(self, *_: object) -> None:
        if self._child is not None and self._child.poll() is None:
            self._child.send_signal(signal.SIGHUP)


def _notify(state: bytes) -> None:
    """Tell systemd, if it is there (sd_notify's protocol: one datagram)."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line, contextlib.suppress(OSError):
        line.connect("\0" + address[1:] if address.startswith("@") else address)
        line.send(state)


async def _work(city: City, args: argparse.Namespace, as_of_ms: int | None) -> int:
    from hotline.platform import Place, Platform

    place = Place(home_of(city, args.home), args.journal, args.records, args.ami_port, args.agi_port)
    loop = asyncio.get_running_loop()
    stop, changed = asyncio.Event(), asyncio.Event()
    for sign in _STOPS:
        loop.add_signal_handler(sign, stop.set)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)
    loop.add_signal_handler(signal.SIGHUP, changed.set)
    async with Platform.open(city, place, as_of_ms=as_of_ms, own_switch=not args.no_switch) as platform:
        # What was loaded stays: the collector need not look at it again in the middle of a call.
        gc.collect()
        gc.freeze()
        # What a call leaves behind is freed by reference counts; the collector is for the rest, and that is little.
        gc.set_threshold(50_000, 20, 20)
        beat = asyncio.create_task(_beat())
        _log.info("answering", city=city.name, title=city.title, home=str(place.home))
        while not stop.is_set():
            waits = [asyncio.create_task(event.wait()) for event in (stop, changed)]
            await asyncio.wait({*waits, beat}, return_when=asyncio.FIRST_COMPLETED)
            for task in waits:
                task.cancel()
            if beat.done():
                _log.error("nobody watches over this engine any more: it ends, calls go on")
                return 1
            if changed.is_set():
                changed.clear()
                await _reload(platform, args)
        if not args.no_switch and not args.keep_switch:
            await platform.stop_switch()
        beat.cancel()
    return 0


async def _reload(platform: object, args: argparse.Namespace) -> None:
    """SIGHUP: read the city file again. A fault in it changes nothing."""
    from hotline.platform import Platform

    assert isinstance(platform, Platform)
    try:
        await platform.reload(City.load(args.city))
    except Exception as fault:  # noqa: BLE001
        _log.error("the changed configuration is not used", why=str(fault))


async def _beat() -> None:
    """The sign of life, from inside the loop that serves the calls."""
    number = os.environ.get("HOTLINE_BEAT")
    if number is None:
        await asyncio.Event().wait()
        return
    with socket.socket(fileno=int(number)) as line:
        line.setblocking(False)
        while True:
            try:
                line.send(b".")
            except BlockingIOError:
                pass
            except OSError:
                return  # the parent is gone
            await asyncio.sleep(BEAT_S)
