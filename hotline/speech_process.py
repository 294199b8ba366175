"""The process that listens to callers and answers them: ``python -m hotline.speech_process``, started by `hotline.speech_link`.

It holds one socket to the engine's process (`hotline.speech_words`) and listens for Asterisk's streams on this machine. Its end,
whatever the cause, ends every stream, and each caller goes on in the dialplan; so does the end of the other process.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
import signal
import socket
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from asr.vosk_live import ModelFault
from hotline.logs import OwnersFault, logger, set_up
from hotline.speech_words import FD, Alive, Heard, Settings, Unable, line, told

if TYPE_CHECKING:
    from hotline.speech_serving import Serving

NICE = 5
"""whoever is not talking to the machine comes first: the engine, and the switch's sound"""
BEAT_S = 0.25
CLOSES_S = 2.0
UNABLE = 3
"""the exit status after `Unable`"""
LINE_BYTES = 1 << 20
_SWITCH_S = 0.001
"""so long a thread of ours keeps the interpreter at most: the next 20 ms of every caller wait for it"""

_log = logger("speech")


async def serve(link: socket.socket) -> int:
    """Serve until the other end closes the socket; the exit status."""
    reader, writer = await asyncio.open_connection(sock=link, limit=LINE_BYTES)
    serving: Serving | None = None

    def tell(message: Heard) -> None:
        if not writer.is_closing():
            writer.write(line(message))

    async def beat() -> None:
        while True:
            tell(Alive(serving.calls if serving else 0))
            await asyncio.sleep(BEAT_S)

    beating = asyncio.create_task(beat())
    try:
        first = await reader.readline()
        if not first:
            return 0
        settings = msgspec.json.decode(first, type=Settings)
        # What takes a second to load is loaded beside the signs of life.
        module = await asyncio.to_thread(importlib.import_module, "hotline.speech_serving")
        serving = module.Serving(settings, tell)
        try:
            await _until_gone(reader, serving, tell)
        except (OwnersFault, ModelFault) as fault:
            tell(Unable(" ".join(str(fault).split())))
            return UNABLE
        return 0
    finally:
        beating.cancel()
        with contextlib.suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(CLOSES_S):
                if serving is not None:
                    await serving.close()
                writer.close()
                await writer.wait_closed()


async def _until_gone(reader: asyncio.StreamReader, serving: Serving, tell: Callable[[Heard], None]) -> None:
    async def answer() -> None:
        tell(await serving.open())
        await serving.keep_up()

    async def hear() -> None:
        while message := await reader.readline():
            serving.take(told.decode(message))

    both = {asyncio.create_task(answer()), asyncio.create_task(hear())}
    done, others = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    for task in others:
        task.cancel()
    for task in done:
        task.result()


async def _run(link: socket.socket) -> None:
    """Ends the process: nothing that still hangs in a thread, nor what it started, outlives the link."""
    status = 1
    try:
        status = await serve(link)
    except Exception as fault:  # noqa: BLE001
        _log.exception("the speech process ended", why=str(fault))
    sys.stderr.flush()
    if os.getpgrp() == os.getpid():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.killpg(0, signal.SIGTERM)
    os._exit(status)


def main() -> None:
    """With the number of the socket to the engine's process in the environment."""
    set_up()
    number = os.environ.get(FD, "")
    if not number.isdecimal():
        sys.stderr.write(f"speech process: {FD} is no socket's number: it is started by hotline run\n")
        sys.exit(2)
    with contextlib.suppress(OSError):
        os.nice(NICE)
    sys.setswitchinterval(_SWITCH_S)
    asyncio.run(_run(socket.socket(fileno=int(number))))


if __name__ == "__main__":
    main()
