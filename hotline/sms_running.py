"""A city's SMS at work beside its calls: the sender and the webhook as tasks that never end the hotline."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from typing import Any

from acd.messages import Millis
from hotline.city import City
from hotline.logs import OwnersFault, logger
from hotline.records import RecordsFault, RecordStore
from hotline.sms import SendSms, State
from hotline.sms_outbox import Outbox
from hotline.sms_provider import Settings
from hotline.sms_webhook import serve
from hotline.sms_worker import Sender

AGAIN_S = 5.0
"""so long after a fault it is tried again"""

_log = logger("sms")


class CitySms:
    """``sender``: ``None`` where the city sends none. Raises `CityFault` for a secret that can't be had."""

    def __init__(self, city: City, store: RecordStore, now: Callable[[], Millis]) -> None:
        settings = city.sms()
        self.sender: Sender | None = None
        if settings is not None:
            self._settings = settings
            self.sender = Sender(Outbox(store, city.name), lambda: self._settings, now)

    def reload(self, settings: Settings | None) -> None:
        """Go on with these at once. Whether there are SMS at all, and the webhook's address, hold from the next start."""
        if self.sender is not None and settings is not None:
            self._settings = settings

    async def ask(self, asked: SendSms) -> dict[str, Any]:
        """Take an SMS for one who asked at the door for programs: ``{"id", "state", "why"}``, or ``{"fault"}``."""
        if self.sender is None:
            return {"fault": "sms: this city sends none; write [sms] into its file and start anew"}
        try:
            made = await self.sender.send(asked)
        except RecordsFault as fault:
            return {"fault": str(fault)}
        return {"id": made.id, "state": made.state, "why": made.reason, "done": made.state != State.REFUSED}

    async def run(self) -> None:
        """Send and listen until cancelled."""
        if self.sender is None:
            return
        async with asyncio.TaskGroup() as group:
            group.create_task(_kept(self.sender.run))
            if (reports := self._settings.reports) is not None:
                group.create_task(_kept(functools.partial(serve, self.sender, reports)))


async def _kept(work: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await work()
        except OwnersFault as fault:
            _log.error("sms at a standstill", why=str(fault))
        except Exception:  # noqa: BLE001 (calls are served whatever becomes of the SMS)
            _log.exception("sms at a standstill")
        await asyncio.sleep(AGAIN_S)
