"""What the speech process does: the model, the base and the sounds loaded, and each stream that was told of served."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from pathlib import Path

from asr.call_live import CallOver, Patience, SpeechCall
from asr.live import MOST, SpeechServer
from asr.pool_live import RecognizerPool, Unheard
from asr.speech import Limits
from asr.vosk_live import ModelFault, VoskModel, measure
from hotline.knowledge_files import starting_base
from hotline.knowledge_store import KnowledgeStore, LiveKnowledge
from hotline.logs import OwnersFault, logger
from hotline.records import RecordStore
from hotline.speech_answers import REFRESH_S, Knowing
from hotline.speech_sounds import Sounds
from hotline.speech_streams import Streams
from hotline.speech_talk import Means, Talk, hot_words, overhear
from hotline.speech_words import End, Heard, Over, Overhear, Ready, Settings, Told
from hotline.switch.prompts_live import PromptsUnmade
from ivr.dialogue import Hears

LONGEST_STREAM_S = 4 * 3600.0
"""of one that is overheard; a conversation has its own limit"""

_log = logger("speech")


class Serving:
    """Everything behind the link. `open` it, `take` what is told, `close` it."""

    def __init__(self, settings: Settings, tell: Callable[[Heard], None]) -> None:
        self._settings = settings
        self._tell = tell
        self._closing = contextlib.AsyncExitStack()
        self._streams = Streams(tell, 0)
        self._sounds_task: asyncio.Task[int] | None = None

    @property
    def calls(self) -> int:
        """Streams that are on."""
        return len(self._streams)

    async def open(self) -> Ready:
        """Load everything and listen. Raises `hotline.logs.OwnersFault` or `asr.vosk_live.ModelFault`."""
        settings, folder = self._settings, Path(self._settings.model)
        try:
            limits = Limits(
                end_ms=settings.end_ms, no_input_ms=settings.no_input_ms, longest_ms=settings.longest_ms
            )
        except ValueError as why:
            raise OwnersFault(f"speech.{why}") from None
        measured = settings.measured
        if measured is None:
            measured = await asyncio.to_thread(measure, folder)
        most = min(measured.capacity(), MOST, settings.most or MOST)
        if most < 1:
            raise ModelFault(
                f"speech.model: {folder} is recognised at {measured.all:.1f} times the speed of speech here: "
                "take a smaller model, or a faster machine"
            )
        if settings.most > most:
            _log.warning("fewer callers at once than wanted", most=most, wanted=settings.most)
        model = await asyncio.to_thread(VoskModel, folder)
        records = RecordStore(settings.records)
        self._closing.push_async_callback(records.close)
        live = LiveKnowledge(
            KnowledgeStore(records, settings.city),
            lambda: time.time_ns() // 1_000_000,
            instead=await asyncio.to_thread(starting_base),
        )
        self._knowing = Knowing(live)
        await self._knowing.refresh()
        self._sounds = Sounds(Path(settings.sounds), [Path(one) for one in settings.recordings])
        self._closing.callback(self._sounds.close)
        self._model = model
        self._means = Means(
            self._knowing, self._sounds, {}, limits, dict(settings.names), settings.sure, self._tell
        )
        await self._base_changed()
        self._streams = Streams(self._tell, most // 2)
        pool = RecognizerPool(model.recognizer, most=most, workers=measured.workers)
        self._closing.push_async_callback(pool.close)
        self._server = SpeechServer(
            "127.0.0.1",
            0,
            self._serve,
            pool,
            most=4 * most + 20,  # who says his name is refused by the pool, and told of
            patience=Patience(longest_s=LONGEST_STREAM_S),
            admit=self._streams.admit,
            refused=lambda uuid: self._streams.over(uuid, "full"),
        )
        await self._server.start()
        self._closing.push_async_callback(self._server.close)
        return Ready(
            self._server.host,
            self._server.port,
            most,
            str(folder),
            measured.words,
            model.hot_words,
            len(self._knowing.answers.base),
            measured,
        )

    def take(self, message: Told) -> None:
        """What the engine's process tells."""
        if isinstance(message, End):
            self._streams.end(message.uuid)
            for call in self._server.calls:
                if call.uuid == message.uuid:
                    call.close("a seat is free")
        else:
            self._streams.expect(message)

    async def keep_up(self) -> None:
        """Take a changed base, for ever."""
        while True:
            await asyncio.sleep(REFRESH_S)
            if await self._knowing.refresh_or_tell():
                await self._base_changed()
                _log.info("knowledge base changed", entries=len(self._knowing.answers.base))

    async def close(self) -> None:
        """End every stream, then everything else."""
        if self._sounds_task is not None:
            self._sounds_task.cancel()
        await self._closing.aclose()

    async def _base_changed(self) -> None:
        answers = self._knowing.answers
        if self._model.hot_words:
            questions = [question for entry in answers.base for question in entry.questions]
            words = await asyncio.to_thread(hot_words, self._settings.names, questions, self._model.knows)
        else:
            words = dict.fromkeys(Hears, ())
        self._means.hot_words.clear()
        self._means.hot_words.update(words)
        if self._sounds_task is not None:
            self._sounds_task.cancel()
        self._sounds_task = asyncio.create_task(self._sounds.make(answers.prompts()))

    async def _serve(self, call: SpeechCall) -> None:
        """One stream. Its end is told before it is closed."""
        expected = self._streams.told(call.uuid)
        over: str | Over = "failed"
        try:
            if isinstance(expected, Overhear):
                await overhear(call, expected, self._means)
            else:
                over = await Talk(call, expected, self._means).run()
        except CallOver as why:
            if self._streams.was_ended(call.uuid):
                over = "seat"
            elif call.by_peer:
                over = "hung up"
            else:
                _log.warning("speech call failed", call=expected.call, why=str(why))
        except (Unheard, PromptsUnmade, TimeoutError) as why:
            _log.warning("speech call failed", call=expected.call, why=str(why) or "it lasted too long")
        finally:
            self._streams.over(call.uuid, over)
