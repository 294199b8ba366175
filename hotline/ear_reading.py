"""Reading along at the door of a hotline that runs, and how it is shown on a terminal."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from acd.messages import EarAsked
from dialplans.hours import SHANGHAI
from hotline.control import WORD_S, ControlFault
from hotline.ear import Begun, Ended, Published, Said

_SIDES = {"caller": "市民", "seat": "座席"}
_decoder: msgspec.json.Decoder[Published] = msgspec.json.Decoder(Published)


async def reading(path: Path, asked: EarAsked) -> AsyncGenerator[dict[str, Any] | Published, None]:
    """The answer at the door at ``path``, then all that is published to who asked so. Raises `ControlFault`."""
    try:
        reader, writer = await asyncio.open_unix_connection(path, limit=1 << 20)
    except OSError as why:
        raise ControlFault(
            f"{path}: nobody answers ({why.strerror}); start hotline run, or give its --home"
        ) from None
    try:
        writer.write(msgspec.json.encode(asked) + b"\n")
        try:
            answer = await asyncio.wait_for(reader.readline(), WORD_S + 1)
        except (TimeoutError, ConnectionError):
            answer = b""
        if not answer:
            raise ControlFault(f"{path}: no answer; look at the log of hotline run")
        document: dict[str, Any] = msgspec.json.decode(answer)
        yield document
        with contextlib.suppress(ConnectionError):
            while line := await reader.readline():
                yield _decoder.decode(line)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def lines(told: Published) -> list[str]:
    """What is shown of it: a line a sentence, below a caller's the entries that may help; nothing of what may still change."""
    clock = datetime.fromtimestamp(told.at / 1000, SHANGHAI).strftime("%H:%M:%S")
    head = f"{clock}  {told.seat} {told.agent}"
    match told:
        case Begun():
            return [f"{head}  ── 通话 {told.call}"]
        case Ended():
            return [f"{head}  ── 结束 {told.call}"]
        case Said(final=True):
            found = [
                f"{'':10}→ {one.question}（{one.entry}，{one.score:.2f}）{one.answer}"
                for one in told.suggestions
            ]
            return [f"{head}  {_SIDES[told.who]}：{told.text}", *found]
    return []
