"""What callers of the speech process hear, as samples: from the prompt library, made when they are not there yet.

A sound is looked for on the disk each time it is asked for, so that a recording that somebody drops in is heard by the next
caller; its samples are kept while there is room.
"""

from __future__ import annotations

import asyncio
import os
import threading
import wave
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from asr.audiosocket import RATE
from hotline.logs import logger
from hotline.switch.prompts_live import PromptsUnmade, make_prompt, write_index
from ivr.prompts import sound

KEPT_BYTES = 32 << 20
"""of samples: half an hour of speech"""
INDEX = "answers.tsv"
"""in the library: under which names the base's answers are recorded"""
QUIET = 300
"""samples below that at a sound's beginning are taken away but for `LEAD_MS`: a caller waits for the first that he hears"""
LEAD_MS = 5
BACKGROUND_NICE = 15

_log = logger("speech")

Stamp = tuple[int, ...]


class Sounds:
    """The library ``library``, with people's ``recordings`` that win over it, and ``cache`` where what is synthesised is kept.

    For one event loop; what needs the disk or a synthesiser is done in threads.
    """

    def __init__(self, library: Path, recordings: Sequence[Path] = (), *, cache: Path | None = None) -> None:
        self._library = library
        self._recordings = tuple(recordings)
        self._cache = cache
        self._kept: OrderedDict[str, tuple[Stamp, bytes]] = OrderedDict()
        self.kept_bytes = 0
        """of samples that need not be read again"""
        self._making: dict[str, asyncio.Future[bytes]] = {}
        self._asked = ThreadPoolExecutor(2, thread_name_prefix="sounds")
        self._background = ThreadPoolExecutor(1, thread_name_prefix="more-sounds", initializer=_stand_back)

    async def pcm(self, prompts: Iterable[str]) -> list[bytes]:
        """The samples of each of these prompts: 16 bit, 8 kHz. Raises `PromptsUnmade`."""
        wanted = tuple(prompts)
        found = [self._ready(prompt) for prompt in wanted]
        if None not in found:
            return [pcm for pcm in found if pcm is not None]
        made = [self._made(prompt, self._asked) for prompt in wanted]
        return list(await asyncio.gather(*made))

    async def make(self, prompts: Iterable[str]) -> int:
        """See to it, without haste and in this order, that these sounds are in the library; how many could not be made. The first
        fault is logged, and whoever asks for such a sound hears of it again."""
        wanted, failed = tuple(dict.fromkeys(prompts)), 0
        for prompt in wanted:
            try:
                await self._made(prompt, self._background, keep=False)
            except PromptsUnmade as fault:
                failed += 1
                if failed == 1:
                    _log.error("sound not made", why=str(fault))
        index = partial(write_index, self._library, wanted, self._recordings, INDEX)
        try:
            await asyncio.get_running_loop().run_in_executor(self._background, index)
        except OSError as why:
            _log.error("index of the answers not written", why=why.strerror)
        return failed

    def close(self) -> None:
        """Begin nothing more."""
        for pool in (self._asked, self._background):
            pool.shutdown(wait=False, cancel_futures=True)

    def _ready(self, prompt: str) -> bytes | None:
        kept = self._kept.get(prompt)
        if kept is None or kept[0] != self._stamp(prompt):
            return None
        self._kept.move_to_end(prompt)
        return kept[1]

    async def _made(self, prompt: str, pool: ThreadPoolExecutor, *, keep: bool = True) -> bytes:
        """Nobody makes what somebody else is making."""
        if (ready := self._ready(prompt)) is not None:
            return ready
        making = self._making.get(prompt)
        if making is None:
            making = asyncio.ensure_future(
                asyncio.get_running_loop().run_in_executor(pool, self._make, prompt)
            )
            self._making[prompt] = making
            making.add_done_callback(partial(self._done, prompt))
        pcm = await asyncio.shield(making)  # whoever hangs up takes it from nobody else
        if keep:
            self._keep(prompt, pcm)
        return pcm

    def _done(self, prompt: str, making: asyncio.Future[bytes]) -> None:
        del self._making[prompt]
        if not making.cancelled():
            making.exception()  # told to those who wait for it, if anybody still does

    def _keep(self, prompt: str, pcm: bytes) -> None:
        if len(pcm) > KEPT_BYTES // 4 or not (stamp := self._stamp(prompt)):
            return
        if prompt in self._kept:
            self.kept_bytes -= len(self._kept.pop(prompt)[1])
        self._kept[prompt] = (stamp, pcm)
        self.kept_bytes += len(pcm)
        while self.kept_bytes > KEPT_BYTES:
            _, (_, oldest) = self._kept.popitem(last=False)
            self.kept_bytes -= len(oldest)

    def _stamp(self, prompt: str) -> Stamp:
        """Changes when the sound does; empty when there is none."""
        name = sound(prompt)
        for directory in (*self._recordings, self._library):
            try:
                found = (directory / f"{name}.wav").stat()
            except OSError:
                continue
            return (found.st_mtime_ns, found.st_size, found.st_ino)
        return ()

    # ── in a thread ─────────────────────────────────────────────────────────────────────────────────────────

    def _make(self, prompt: str) -> bytes:
        make = partial(make_prompt, self._library, prompt, cache=self._cache)
        try:
            try:
                return samples(make(recordings=self._recordings))
            except PromptsUnmade as fault:
                if not any((one / f"{sound(prompt)}.wav").exists() for one in self._recordings):
                    raise
                _log.error("recording not used", why=str(fault))
                return samples(make())
        except OSError as why:
            raise PromptsUnmade(
                f"prompt {sound(prompt)!r}: {why.strerror}: make {self._library} writable, and room on its disk"
            ) from None


def samples(file: Path) -> bytes:
    """The samples of a file of the library, without the quiet at its beginning. Raises `PromptsUnmade`."""
    import numpy as np

    try:
        with wave.open(str(file)) as opened:
            form = (opened.getframerate(), opened.getsampwidth(), opened.getnchannels())
            pcm: bytes = opened.readframes(opened.getnframes())
    except (wave.Error, EOFError):
        form, pcm = (0, 0, 0), b""
    if form != (RATE, 2, 1):
        raise PromptsUnmade(f"prompt {file}: is no 16-bit sound of {RATE} Hz: remove it, it is made again")
    loud = np.flatnonzero(np.abs(np.frombuffer(pcm, "<i2").astype(np.int32)) > QUIET)
    first = int(loud[0]) if len(loud) else 0
    quiet = 2 * max(0, first - LEAD_MS * RATE // 1000)
    return pcm[quiet:]


def _stand_back() -> None:
    """Who speaks comes first: this thread, and what it starts, gets what nobody else needs."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), BACKGROUND_NICE)
