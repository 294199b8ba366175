"""What does an AMI event, and a FastAGI session, cost beside plain panoramisk's?

Both ends run here: a small server writes the events, a child process plays Asterisk's part of the sessions. CPU
time of this process in microseconds, interleaved, medians; below 1 is better.

    python -m benchmarks.wire --json
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import multiprocessing
import socket
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence

from panoramisk.fast_agi import Application
from panoramisk.manager import Manager

from ivr.agi import set_variables
from ivr.live import AgiServer
from ivr.session_live import AgiSession
from trunks.ami_live import Wire

EVENTS = 5_000
SESSIONS = 800
REPEAT = 5
SECRET = "benchmark"

_EVENT = "".join(
    f"{name}: {value}\r\n"
    for name, value in {
        "Event": "Hangup",
        "Privilege": "call,all",
        "Channel": "PJSIP/carrier-00000001",
        "ChannelState": "6",
        "ChannelStateDesc": "Up",
        "CallerIDNum": "13800000000",
        "CallerIDName": "<unknown>",
        "ConnectedLineNum": "<unknown>",
        "ConnectedLineName": "<unknown>",
        "Language": "zh",
        "AccountCode": "",
        "Context": "hotline-next",
        "Exten": "doseat",
        "Priority": "4",
        "Uniqueid": "1795225697.3",
        "Linkedid": "1795225697.2",
        "Cause": "16",
        "Cause-txt": "Normal Clearing",
    }.items()
)
EVENT = f"{_EVENT}\r\n".encode()
GREETING = (
    "agi_network: yes\nagi_network_script: enter\n"
    + "".join(f"agi_field{n}: some value {n}\n" for n in range(18))
    + "agi_uniqueid: 1795225697.3\nagi_arg_1: carrier\n\n"
).encode()
VARIABLES = {"ACD_NEXT": "seat", "ACD_SEAT": "8001", "ACD_RING": "20"}


async def ami(ours: bool) -> float:
    """Microseconds an event, from the socket to the callback; what the server's writing costs is in both."""
    go, done, over = asyncio.Event(), asyncio.Event(), asyncio.Event()
    heard = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"Asterisk Call Manager/11.0.0\r\n")
        asked = await reader.readuntil(b"\r\n\r\n")
        action = next(line for line in asked.split(b"\r\n") if line.startswith(b"ActionID"))
        writer.write(b"Response: Success\r\n" + action + b"\r\nMessage: Authentication accepted\r\n\r\n")
        await go.wait()
        writer.write(EVENT * EVENTS)
        await writer.drain()
        await over.wait()
        writer.close()

    def on_event(*_: object) -> None:
        nonlocal heard
        heard += 1
        if heard == EVENTS:
            done.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    wire: Manager | Wire
    if ours:
        wire = Wire("127.0.0.1", port, "bench", SECRET, on_event=on_event)
        await wire.connect()
    else:
        loop = asyncio.get_running_loop()
        wire = Manager(host="127.0.0.1", port=port, username="bench", secret=SECRET, loop=loop)
        wire.register_event("*", on_event)
        await wire.connect()
        await asyncio.sleep(0.05)  # its log-in goes on behind connect()
    before = time.process_time()
    go.set()
    await done.wait()
    used = time.process_time() - before
    setattr(wire, "connect", lambda *_, **__: None)  # noqa: B010 (plain panoramisk would connect again)
    wire.close()
    over.set()
    server.close()
    await asyncio.sleep(0.02)  # the server's side ends
    return used / EVENTS * 1e6


def _asterisk(port: int) -> None:
    """Asterisk's side of `SESSIONS` sessions, one after the other."""
    for _ in range(SESSIONS):
        with socket.create_connection(("127.0.0.1", port)) as line:
            line.sendall(GREETING)
            line.recv(4096)
            line.sendall(b"200 result=1\n")
            while line.recv(4096):
                pass


async def agi(ours: bool) -> float:
    """Microseconds a session: accept, greeting, one command and its reply, close."""
    if ours:

        async def assign(session: AgiSession) -> None:
            await session.execute(*set_variables(VARIABLES), within=2.0)

        async with AgiServer("127.0.0.1", 0, assign) as server:
            return await _sessions(server.port)
    application = Application(loop=asyncio.get_running_loop())

    async def assign_plain(request: object) -> None:
        text = ",".join(f"{name}={value}" for name, value in VARIABLES.items())
        await request.send_command(f'EXEC MSet "{text}"')  # type: ignore[attr-defined]

    application.add_route("enter", assign_plain)
    plain = await asyncio.start_server(application.handler, "127.0.0.1", 0)
    try:
        return await _sessions(plain.sockets[0].getsockname()[1])
    finally:
        plain.close()


async def _sessions(port: int) -> float:
    caller = multiprocessing.get_context("spawn").Process(target=_asterisk, args=(port,), daemon=True)
    caller.start()
    before = time.process_time()
    await asyncio.to_thread(caller.join)
    return (time.process_time() - before) / SESSIONS * 1e6


async def compare(one: Callable[[bool], Awaitable[float]]) -> tuple[float, float]:
    """Medians of ours and of panoramisk's, measured in turn."""
    ours, plain = [], []
    for _ in range(REPEAT):
        plain.append(await one(False))
        ours.append(await one(True))
    return statistics.median(ours), statistics.median(plain)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; exit 0 when it was measured."""
    parser = argparse.ArgumentParser(prog="wire", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    given = parser.parse_args(arguments)
    logging.getLogger("panoramisk").setLevel(logging.CRITICAL)
    figures = {}
    for name, one in (("ami_event", ami), ("agi_session", agi)):
        ours, plain = asyncio.run(compare(one))
        figures[name] = {"ours_us": ours, "panoramisk_us": plain, "ratio": ours / plain}
    if given.json:
        print(json.dumps(figures))
    else:
        for name, row in figures.items():
            print(
                f"{name:<12} {row['ours_us']:8.1f} us, panoramisk {row['panoramisk_us']:8.1f} us: x{row['ratio']:.2f}"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
