"""Who sends the SMS: takes them from the outbox, posts each to the provider, and writes down what became of it.

An SMS is marked before it is posted, and carries its id in every try. So one whose answer was lost, with the
connection or with this whole program, is posted again under the same id, and a provider that knows its ids
delivers it once.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import aiohttp

from acd.messages import Millis
from hotline.logs import logger
from hotline.records import RecordsFault
from hotline.sms import Message, SendSms, State, back_off
from hotline.sms_outbox import Outbox
from hotline.sms_provider import Meaning, Outcome, Settings, read_answer, request

LONGEST = 65_536
"""bytes of an answer: what is longer is none"""
POLL_S = 1.0
"""so often the outbox is looked into for what other programs put there"""
LEASE_MS = 15_000
"""besides the time that a try may take: then whoever had the SMS in hand is taken for dead"""
HOLD_MS = 60_000
"""all wait for at most so long when the provider asks for it"""
DATABASE_S = (0.2, 10.0)

_T = TypeVar("_T")
_log = logger("sms")


class Sender:
    """One city's. ``settings`` is asked anew for every SMS, so that a changed city file holds at once; ``chance`` gives a
    number from 0 to 1."""

    def __init__(
        self,
        outbox: Outbox,
        settings: Callable[[], Settings],
        now: Callable[[], Millis],
        *,
        chance: Callable[[], float] = random.random,
        lease_ms: Millis = LEASE_MS,
        poll_s: float = POLL_S,
    ) -> None:
        self.outbox = outbox
        self.settings = settings
        self.now = now
        self._chance = chance
        self._lease_ms = lease_ms
        self._poll_s = poll_s
        self._awake = asyncio.Event()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._next_at = 0.0
        self._hold_until: Millis = 0
        self._away = False

    async def send(self, asked: SendSms) -> Message:
        """Put an SMS in the outbox; it is on the disk when this returns. Raises `RecordsFault`."""
        made = await self.outbox.add(asked, self.settings().policy, self.now())
        self._awake.set()
        return made

    async def run(self) -> None:
        """Send until cancelled. What is being sent at that moment is taken up again by the next who runs."""
        # One connection an SMS: a provider that answers twice can never answer the next one by that.
        connector = aiohttp.TCPConnector(force_close=True, limit=0)
        jar = aiohttp.DummyCookieJar()
        async with aiohttp.ClientSession(
            connector=connector, cookie_jar=jar, auto_decompress=False
        ) as session:
            try:
                while True:
                    self._awake.clear()
                    if not await self._fill(session):
                        # not wait_for: Python 3.11's forgets that it was cancelled when both come at once
                        with contextlib.suppress(TimeoutError):
                            async with asyncio.timeout(self._poll_s):
                                await self._awake.wait()
            finally:
                running = tuple(self._tasks.values())
                for task in running:
                    task.cancel()
                await asyncio.gather(*running, return_exceptions=True)

    async def _fill(self, session: aiohttp.ClientSession) -> bool:
        """Start as many as there is room for. True when there may be more to start at once."""
        settings, now = self.settings(), self.now()
        free = settings.at_once - len(self._tasks)
        if free <= 0 or now < self._hold_until:
            return False
        paced = round(1000 * settings.at_once / settings.policy.per_second)
        lease = round(settings.timeout_s * 1000) + paced + self._lease_ms

        async def taken() -> list[Message]:
            if not await self.outbox.due(now):
                return []
            return await self.outbox.claim(
                free, settings.policy, now=now, lease_ms=lease, busy=tuple(self._tasks)
            )

        messages = await self._kept(taken)
        for message in messages:
            task = asyncio.create_task(self._one(session, message), name=message.id)
            self._tasks[message.id] = task
            task.add_done_callback(self._over)
        return bool(messages)

    def _over(self, task: asyncio.Task[None]) -> None:
        del self._tasks[task.get_name()]
        self._awake.set()
        if not task.cancelled() and (fault := task.exception()):
            _log.error("the sender failed on an sms", sms=task.get_name(), why=type(fault).__name__)

    async def _kept(self, work: Callable[[], Awaitable[_T]]) -> _T:
        """Do this with the database, however long it is away."""
        pause = DATABASE_S[0]
        while True:
            try:
                done = await work()
            except RecordsFault as fault:
                if not self._away:
                    _log.error("sms wait for the database", why=str(fault))
                self._away = True
                await asyncio.sleep(pause)
                pause = min(pause * 2, DATABASE_S[1])
            else:
                if self._away:
                    _log.info("sms go on")
                self._away = False
                return done

    async def _one(self, session: aiohttp.ClientSession, message: Message) -> None:
        await self._pace()
        outcome = await self._post(session, message)
        self._tell(message, outcome)
        settings, now = self.settings(), self.now()
        if outcome.wait_ms:
            self._hold_until = max(self._hold_until, now + min(outcome.wait_ms, HOLD_MS))
        if outcome.meaning is Meaning.TAKEN:
            await self._kept(lambda: self.outbox.sent(message, outcome.provider_id, now))
            return
        state, due = State.QUEUED, 0
        if outcome.meaning is Meaning.REFUSED:
            state = State.REFUSED
        elif message.tries >= settings.policy.tries:
            state = State.FAILED
        else:
            due = now + max(back_off(message.tries, settings.policy, self._chance()), outcome.wait_ms)
        await self._kept(lambda: self.outbox.not_sent(message, state, outcome.reason, now, due))

    async def _pace(self) -> None:
        """Wait for this SMS's turn: so many a second."""
        loop = asyncio.get_running_loop()
        at = max(self._next_at, loop.time())
        self._next_at = at + 1 / self.settings().policy.per_second
        await asyncio.sleep(at - loop.time())

    async def _post(self, session: aiohttp.ClientSession, message: Message) -> Outcome:
        """One try. A redirect is not followed: number and key are for the provider whom the city named."""
        settings = self.settings()
        headers, body = request(settings, message, self.now())
        limit = aiohttp.ClientTimeout(total=settings.timeout_s)
        try:
            async with session.post(
                settings.url, data=body, headers=headers, timeout=limit, allow_redirects=False
            ) as answer:
                told = await _body(answer.content)
                after = answer.headers.get("Retry-After")
                return read_answer(settings, answer.status, told, after, self.now())
        except TimeoutError:
            return Outcome(Meaning.AGAIN, f"no answer within {settings.timeout_s:g} s")
        # ValueError: what the library's parser says of an answer that is no HTTP
        except (aiohttp.ClientError, OSError, ValueError) as fault:
            return Outcome(Meaning.AGAIN, f"no answer ({type(fault).__name__})")

    def _tell(self, message: Message, outcome: Outcome) -> None:
        told = _log.error if outcome.ours else _log.info
        told(
            "sms " + outcome.meaning.value,
            sms=message.id,
            number=message.number,
            call=message.call or None,
            attempt=message.tries,
            why=outcome.reason or None,
        )


async def _body(stream: aiohttp.StreamReader) -> bytes | None:
    read = bytearray()
    async for chunk in stream.iter_any():
        read += chunk
        if len(read) > LONGEST:
            return None
    return bytes(read)
