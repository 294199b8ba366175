"""Callers with voices for the speech process, and a small base for it to answer from.

Voices are the recordings under ``tests/data/speech``, and espeak-ng for what nobody recorded.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import time
import uuid
import wave
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import TypeVar

from asr.audiosocket import FRAME_BYTES
from asr.knowledge import Entry, State
from asr.vosk_live import SMALL_MODEL, Measured
from hotline.knowledge_store import KnowledgeStore
from hotline.records import RecordStore
from hotline.speech_words import FD, Expect, Heard, Over, Ready, Settings, Told, heard, line
from hotline.switch.find import cache_directory
from tests.fakes.audiosocket import QUIET, FakeAudioSocket

RECORDINGS = Path(__file__).parents[1] / "data" / "speech"
MEASURED = Measured(16_000, 536, True, 0.05, 2, 200.0, 400.0)
"""so that not every test measures anew"""
OFFER = "speech-please"
"""the shortest prompt"""
SOON_S = 30.0
FUND = Entry(
    "gjj.withdraw",
    ("公积金怎么提取", "我想提取公积金"),
    "请带身份证到公积金中心办理。",
    sms="公积金提取：带身份证到公积金中心。",
    line="12329",
    owner="公积金中心",
    reviewer="审核人",
    state=State.PUBLISHED,
)
WAGES = Entry(
    "lab.wages",
    ("老板不发工资怎么投诉", "公司拖欠工资怎么办"),
    "请向劳动监察部门投诉。",
    line="12333",
    owner="人社局",
    reviewer="审核人",
    state=State.PUBLISHED,
)
_T = TypeVar("_T")


@cache
def recorded(name: str) -> tuple[bytes, ...]:
    """A recording, in frames."""
    return frames(next(RECORDINGS.glob(f"{name}_*.wav")))


@cache
def spoken(text: str, speed: int = 160) -> tuple[bytes, ...]:
    """A sentence as espeak-ng says it, with the silence that ends it."""
    with tempfile.TemporaryDirectory() as directory:
        raw, file = Path(directory) / "raw.wav", Path(directory) / "out.wav"
        voice = ["espeak-ng", "-v", "cmn-latn-pinyin", "-s", str(speed), "-w", str(raw), text]
        subprocess.run(voice, check=True, capture_output=True)
        shape = ["sox", "-G", str(raw), "-r", "8000", "-c", "1", "-b", "16", str(file), "pad", "0.3", "0.8"]
        subprocess.run(shape, check=True, capture_output=True)
        return frames(file)


def frames(file: Path) -> tuple[bytes, ...]:
    with wave.open(str(file)) as opened:
        pcm = opened.readframes(opened.getnframes())
    return tuple(pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm) - FRAME_BYTES + 1, FRAME_BYTES))


async def settings(home: Path, *entries: Entry, **more: object) -> Settings:
    """Of a city with this base, or with none of its own."""
    given = {"model": str(SMALL_MODEL), "measured": MEASURED, "most": 10, "no_input_ms": 1_500}
    given |= {"sounds": str(cache_directory() / "prompts")} | more
    records = home / "records.sqlite"
    if entries:
        await put(records, *entries)
    return Settings(city="town", records=str(records), **given)  # type: ignore[arg-type]


async def put(records: Path, *entries: Entry) -> None:
    store = RecordStore(records)
    try:
        await KnowledgeStore(store, "town").put(entries, who="test", at=time.time_ns() // 1_000_000)
    finally:
        await store.close()


def expected(name: str = "", *, sms: bool = False, case: bool = True) -> Expect:
    return Expect(name or str(uuid.uuid4()), f"call-{name}", (OFFER,), ("speech-person",), sms=sms, case=case)


class Caller(FakeAudioSocket):
    """One who waits until he is asked before he speaks."""

    async def asked(self) -> None:
        """Until a prompt has begun and there has been silence for 300 ms."""
        before = self.prompt_frames
        await soon(self.hear_prompt(before + 1))
        while any(any(frame) for frame in self.heard[-15:]):
            assert not self.ended.is_set(), "the stream was ended before anything was asked"
            await soon(self.hear(len(self.heard) + 1))

    async def interrupted(self, *, after_frames: int = 25) -> None:
        """Until so much of a prompt has been heard."""
        await soon(self.hear_prompt(self.prompt_frames + after_frames))

    async def silent(self, count: int = 10) -> None:
        """Say nothing for so many frames."""
        self.say([QUIET] * count)
        await soon(self.hear(len(self.heard) + count))


async def soon(waiting: object) -> object:
    return await asyncio.wait_for(waiting, SOON_S)  # type: ignore[arg-type]


class Peer:
    """The engine's end of a speech process's link."""

    def __init__(
        self, process: asyncio.subprocess.Process, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.process = process
        self.writer = writer
        self.messages: list[Heard] = []
        self.logged = ""
        self._news = asyncio.Condition()
        self._tasks = [asyncio.create_task(self._hear(reader)), asyncio.create_task(self._log())]
        self.port = 0

    def tell(self, message: Told) -> None:
        self.writer.write(line(message))

    async def until(self, found: Callable[[], _T | None]) -> _T:
        """Wait until this finds something in what was told and logged."""
        async with asyncio.timeout(SOON_S), self._news:
            while (one := found()) is None:
                await self._news.wait()
            return one

    async def serves(self) -> Ready:
        ready = await self.until(lambda: next((one for one in self.messages if isinstance(one, Ready)), None))
        self.port = ready.port
        return ready

    def of(self, kind: type[_T], name: str | None = None) -> list[_T]:
        """What was told of this kind, of this stream."""
        return [
            one
            for one in self.messages
            if isinstance(one, kind) and name in {None, getattr(one, "uuid", None)}
        ]

    async def told(self, kind: type[_T], name: str | None = None, count: int = 1) -> list[_T]:
        """Wait for so many."""
        return await self.until(lambda: of if len(of := self.of(kind, name)) >= count else None)

    async def over(self, name: str) -> Over:
        return (await self.told(Over, name))[0]

    async def call(self, told: Expect) -> Caller:
        """A caller who was told of."""
        self.tell(told)
        return await self.stranger(told.uuid)

    async def stranger(self, name: str) -> Caller:
        """One who was not, or not now."""
        caller = Caller(self.port, name=name)
        await caller.begin()
        return caller

    async def _hear(self, reader: asyncio.StreamReader) -> None:
        while said := await reader.readline():
            async with self._news:
                self.messages.append(heard.decode(said))
                self._news.notify_all()

    async def _log(self) -> None:
        assert self.process.stderr is not None
        while said := await self.process.stderr.readline():
            async with self._news:
                self.logged += said.decode()
                self._news.notify_all()

    async def close(self) -> None:
        self.writer.close()
        await asyncio.wait_for(self.process.wait(), SOON_S)
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def speech_process(told: Settings) -> AsyncIterator[Peer]:
    """A speech process of our own; it is gone afterwards."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with theirs:
        reader, writer = await asyncio.open_connection(sock=ours)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "hotline.speech_process",
            pass_fds=[theirs.fileno()],
            env={**os.environ, FD: str(theirs.fileno())},
            start_new_session=True,
            stderr=subprocess.PIPE,
        )
    writer.write(line(told))
    peer = Peer(process, reader, writer)
    try:
        yield peer
    finally:
        await peer.close()
