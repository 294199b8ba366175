"""Speech in a platform at work: the link to the speech process, exchanged when the city file changes, and the SMS callers want."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from acd.messages import CallId, Event, SpeechServed
from hotline.logs import logger
from hotline.sms import SendSms
from hotline.sms_running import CitySms
from hotline.speaking import Conversations
from hotline.speech_link import Callbacks, SpeechLink
from hotline.speech_words import Expect, Over, Overhear, Overheard, Settings, Text

LOOK_S = 2.0
"""so often it is seen whether a link that was exchanged has callers left"""

_log = logger("speech")


class CitySpeech:
    """`hotline.speaking.Speech` for a city. ``post`` is told how many callers the machine takes, ``caller`` says who calls."""

    def __init__(
        self,
        post: Callable[[Event], None],
        conversations: Conversations,
        caller: Callable[[CallId], str],
        overheard: Callable[[Overheard], None],
    ) -> None:
        self._post = post
        self._conversations = conversations
        self._caller = caller
        self._overheard = overheard
        self._settings: Settings | None = None
        self._link: SpeechLink | None = None
        self._leaving: list[SpeechLink] = []
        self._sending: set[asyncio.Task[None]] = set()
        self.sms: CitySms | None = None
        conversations.speech = self

    @property
    def link(self) -> SpeechLink | None:
        """The one that new callers are led to."""
        return self._link

    def use(self, settings: Settings | None) -> None:
        """Serve with these settings from now on; ``None``: not at all. Whoever talks goes on with the process that has him."""
        if settings == self._settings:
            return
        self._settings = settings
        if self._link is not None:
            self._link.callbacks.capacity = lambda _: None
            self._leaving.append(self._link)
            self._link = None
            self._post(SpeechServed(0))
        if settings is not None:
            told = Callbacks(self._capacity, self._conversations.turn, self._text, self._overheard)
            self._link = SpeechLink(settings, told)
            self._link.start()

    async def run(self) -> None:
        """Until cancelled: then every process ends, and whoever talks goes on in the dialplan."""
        try:
            while True:
                await asyncio.sleep(LOOK_S)
                for link in [link for link in self._leaving if not link.streams]:
                    self._leaving.remove(link)
                    await link.close()
        finally:
            links = [*self._leaving, *([self._link] if self._link else [])]
            await asyncio.gather(*(link.close() for link in links))

    # ── for those who lead callers there ────────────────────────────────────────────────────────────────────

    async def expect(self, told: Expect | Overhear) -> tuple[str, int] | None:
        """Where the caller is to be led; ``None``: nowhere."""
        return await self._link.expect(told) if self._link is not None else None

    def end(self, stream: str) -> None:
        """End this stream at once."""
        for link in self._links_of(stream):
            link.end(stream)

    async def outcome(self, stream: str, within_s: float) -> Over:
        """How it ended."""
        for link in self._links_of(stream):
            return await link.outcome(stream, within_s)
        return Over(stream, "", "failed")

    def _links_of(self, stream: str) -> list[SpeechLink]:
        links = [*self._leaving, *([self._link] if self._link else [])]
        return [link for link in links if link.knows(stream)]

    # ── what the process tells ──────────────────────────────────────────────────────────────────────────────

    def _capacity(self, most: int) -> None:
        self._post(SpeechServed(most))

    def _text(self, told: Text) -> None:
        number = self._caller(told.call)
        if self.sms is None or not number:
            return
        asked = SendSms(
            number, told.text, key=f"speech/{told.call}/{told.entry}", call=told.call, urgent=True
        )
        task = asyncio.get_running_loop().create_task(self._send(self.sms, asked))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _send(self, sms: CitySms, asked: SendSms) -> None:
        answer: dict[str, Any] = await sms.ask(asked)
        if not answer.get("done"):
            _log.warning(
                "an answer is not sent", call=asked.call, why=answer.get("fault") or answer.get("why")
            )
