"""The demonstration's last caller asks the machine: a spoken question, its answer, a yes, and a no to anything else.

The call is as real as the others: SIP, RTP both ways, the recogniser, the knowledge base. The city's own file may offer the machine
only to those who wait; for this one call it is offered after the greeting, which shows on the way that a changed file is taken.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from acd.messages import CallerSpoke, CallRecord, Event, Millis
from hotline.city import City
from hotline.knowledge_files import starting_base
from hotline.platform import Platform
from hotline.rehearsal.callers_live import Call, Callers
from hotline.speech_sounds import Sounds

CALLER = "13712345678"
QUESTION = "公积金怎么提取"
YES, NO_MORE = "是的", "没有了"
QUIET_S = 0.7
"""without a sound, and the machine has said what it has to say"""
READY_S = 30.0
ANSWERS_S = 90.0


async def ask(
    platform: Platform, city: City, home: Path, say: Callable[[str], None], question: str = QUESTION
) -> dict[str, Any] | None:
    """Place the call and tell its course; ``None`` where the city has no machine.

    ``{"asked", "heard", "entry", "wait_s", "over"}``: ``wait_s`` from the end of the question to the answer's first sound,
    ``over`` how the conversation ended; each ``None`` where it did not come to that.
    """
    if city.file.speech is None:
        return None
    speech = city.file.speech.model_copy(update={"greeting": True, "lines": None})
    changed = city.file.model_copy(update={"speech": speech})
    await platform.reload(City(city.name, changed, city.pins, city.home))
    try:
        async with asyncio.timeout(READY_S):
            while not platform.service.engine.state.speech_most:  # noqa: ASYNC110 (it can only be looked at)
                await asyncio.sleep(0.1)
    except TimeoutError:
        link = platform.speech.link
        say(f"The machine is not there: {(link.fault if link else '') or 'it does not start'}.")
        return {"asked": question, "heard": None, "entry": None, "wait_s": None, "over": None}
    return await _Conversation(platform, home, say, question).hold()


class _Conversation:
    """One call."""

    def __init__(self, platform: Platform, home: Path, say: Callable[[str], None], question: str) -> None:
        self.platform = platform
        self.say = say
        self.question = question
        self.sounds = Sounds(platform.switch.settings.sounds, [home / "recordings"])
        self.base = starting_base()  # a new home has no other
        self.spoke: list[CallerSpoke] = []
        self.record: asyncio.Future[CallRecord] = asyncio.get_running_loop().create_future()

    async def hold(self) -> dict[str, Any]:
        watchers = self.platform.service.watchers
        watchers.events.append(self._heard)
        watchers.records.append(self._recorded)
        own = self.platform.city
        trunk = next(one for one in own.trunks() if not own.plan.is_link(one.name))
        port = self.platform.switch.settings.network.udp
        assert port is not None
        wait_s = None
        try:
            async with (
                asyncio.timeout(ANSWERS_S),
                Callers(trunk.peers[0].host, ("127.0.0.1", port)) as callers,
            ):
                call = await callers.dial(own.plan.own.number.local, CALLER)
                await call.up.wait()
                self.say(f"A caller asks the machine: “{self.question}”")
                wait_s = await self._say(callers, call, self.question)
                for words in (YES, NO_MORE):
                    await self._say(callers, call, words)
                await call.over.wait()
                await self.record
        except TimeoutError:
            pass
        finally:
            watchers.events.remove(self._heard)
            watchers.records.remove(self._recorded)
            self.sounds.close()
        first = next(iter(self.spoke), None)
        record = self.record.result() if self.record.done() else None
        return {
            "asked": self.question,
            "heard": first.heard if first else None,
            "entry": first.entry if first else None,
            "wait_s": None if wait_s is None else round(wait_s, 3),
            "over": record.speech[-1].over if record and record.speech else None,
        }

    async def _say(self, callers: Callers, call: Call, words: str) -> float | None:
        """Hear the machine out, and say this; how long its answer's first sound took."""
        while not call.loud or time.monotonic() - call.loud[-1] < QUIET_S:
            if call.over.is_set():
                return None
            await asyncio.sleep(0.02)
        (pcm,) = await self.sounds.pcm((words,))
        samples = np.frombuffer(pcm, "<i2")
        spoken = samples[: int(np.flatnonzero(np.abs(samples) > 500)[-1]) + 1]
        ended = await callers.say(call, spoken)
        while not call.over.is_set():
            await asyncio.sleep(0.02)
            if call.loud and call.loud[-1] > ended:
                return next(at for at in call.loud if at > ended) - ended
        return None

    def _heard(self, event: Event, _: Millis) -> None:
        if isinstance(event, CallerSpoke):
            self.spoke.append(event)
            about = f", entry {event.entry}" if event.entry else ""
            self.say(f"  “{event.heard}”: {event.did}{about}")
            entry = self.base.by_id.get(event.entry or "")
            if entry is not None and event.did in {"answered", "confirmed"}:
                self.say(f"  The machine: “{entry.answer}”")

    def _recorded(self, record: CallRecord) -> None:
        if record.caller.endswith(CALLER) and not self.record.done():
            self.record.set_result(record)
