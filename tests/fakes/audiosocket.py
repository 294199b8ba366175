"""Asterisk's side of AudioSocket: sends a caller's voice, hears what he would hear. Its clock is the server's: a frame for
each that it hears."""

from __future__ import annotations

import asyncio
import socket
import uuid
from collections import deque
from collections.abc import Iterable

from asr.audiosocket import FRAME_BYTES, Kind, message

QUIET = bytes(FRAME_BYTES)
LOUD = b"\x00\x20" * (FRAME_BYTES // 2)


class FakeAudioSocket:
    """One channel inside ``AudioSocket()``. For each 20 ms that it hears it sends the next of ``voice``, silence when there is
    no more: so nothing in a test depends on how fast the machine is."""

    def __init__(self, port: int, *, name: str = "", in_step: bool = True) -> None:
        self.port = port
        self.uuid = name or str(uuid.uuid4())
        self.in_step = in_step
        self.voice: deque[bytes] = deque()
        self.heard: list[bytes] = []
        """every frame of audio that came"""
        self.hung_up = False
        """the server said so, as a message"""
        self.ended = asyncio.Event()
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.writer: asyncio.StreamWriter

    async def begin(self, opening: bytes | None = None) -> FakeAudioSocket:
        """Connect and say which stream this is."""
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        connection = self.writer.get_extra_info("socket")
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        named = message(Kind.UUID, uuid.UUID(self.uuid).bytes)
        self.send(named if opening is None else opening)
        self._task = asyncio.create_task(self._hear())
        return self

    def send(self, data: bytes) -> None:
        if not self.writer.is_closing():
            self.writer.write(data)

    def say(self, frames: Iterable[bytes]) -> None:
        """Say this, a frame for each that is heard."""
        self.voice.extend(frames)

    def burst(self, frames: Iterable[bytes]) -> None:
        """Say this now, as fast as it goes."""
        for frame in frames:
            self.send(message(Kind.AUDIO, frame))

    def press(self, key: str) -> None:
        self.send(message(Kind.KEY, key.encode()))

    async def hear(self, frames: int) -> None:
        """Wait until so many frames have come in all."""
        while len(self.heard) < frames and not self.ended.is_set():
            self._news.clear()
            await self._news.wait()

    async def hear_prompt(self, frames: int) -> None:
        """Wait until so many frames that are not silent have come in all."""
        while self.prompt_frames < frames and not self.ended.is_set():
            self._news.clear()
            await self._news.wait()

    @property
    def prompt_frames(self) -> int:
        return sum(1 for frame in self.heard if any(frame))

    async def hang_up(self) -> None:
        """The caller is gone: the connection is closed."""
        self.writer.close()
        await self._finish()

    async def _finish(self) -> None:
        assert self._task is not None
        await asyncio.gather(self._task, return_exceptions=True)
        await asyncio.gather(self.writer.wait_closed(), return_exceptions=True)

    async def over(self) -> None:
        """Wait until the server has ended it, then close, as Asterisk does."""
        await self.ended.wait()
        self.writer.close()
        await self._finish()

    async def _hear(self) -> None:
        try:
            while True:
                head = await self.reader.readexactly(3)
                payload = await self.reader.readexactly(int.from_bytes(head[1:], "big"))
                if head[0] == Kind.HANG_UP:
                    self.hung_up = True
                    return
                assert head[0] == Kind.AUDIO
                assert len(payload) == FRAME_BYTES
                self.heard.append(payload)
                if self.in_step:
                    self.send(message(Kind.AUDIO, self.voice.popleft() if self.voice else QUIET))
                self._news.set()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            self.ended.set()
            self._news.set()
