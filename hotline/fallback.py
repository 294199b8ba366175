"""What became of callers while the engine was gone: the fallback's spool, read into the engine's facts.

Asterisk adds lines to the spool, one at a time. They are never put back: what is taken out of it is moved
away whole, and the lines of calls that are still on are kept in a file of our own.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import msgspec

from acd.messages import CallId, CallSurvived, Millis
from hotline.logs import logger
from hotline.records import RecordsFault, RecordStore
from hotline.service import Service
from hotline.switch.secrets import write_private
from hotline.switch.spool import Spool, call_of, read_spool

WRITTEN_S = 0.1
"""Asterisk may have had the file open when it was taken: so long it may take to write its line"""

_log = logger("fallback")


@dataclass(frozen=True, slots=True)
class SwitchHas:
    """The calls that the switch had when it was last asked, and when that was."""

    calls: Collection[CallId]
    at: Millis


class FallbackSpool:
    """The spool at ``path``. ``offset_ms``: the engine's time minus the switch's (``--as-of``)."""

    def __init__(
        self, path: Path, service: Service, store: RecordStore, city: str, offset_ms: Millis
    ) -> None:
        self._path = path
        self._taken = path.with_name(f"{path.name}.taken")
        self._on = path.with_name(f"{path.name}.on")
        self._service = service
        self._store = store
        self._city = city
        self._offset = offset_ms
        self._again = True

    def read(self) -> Spool:
        """What the spool has of the calls that the engine knows. Nothing is taken out of it.

        Those that are over it must hear of before it hears what the switch has, the others after that.
        """
        told = self._read(self._on, self._taken, self._path)
        knows = self._service.knows
        over, on = (tuple(call for call in calls if knows(call.call)) for calls in (told.over, told.on))
        return Spool(over, on, ())

    async def sweep(self, has: SwitchHas | None) -> None:
        """Make records of the other calls, once; what is still on is kept for the next time."""
        if not (self._again or self._path.exists() or self._taken.exists()):
            return
        if self._path.exists() and not self._taken.exists():
            os.replace(self._path, self._taken)
            await asyncio.sleep(WRITTEN_S)
        told = self._read(self._on, self._taken)
        for line in told.unread:
            _log.warning("a line of the spool makes no sense", line=line[:200])
        over = {call.call: call for call in told.over}
        still_on = {call.call for call in told.on}
        if has is not None:
            for call in told.on:
                if (
                    call.call not in has.calls
                    and call.arrived < has.at
                    and not self._service.knows(call.call)
                ):
                    # the switch itself ended before it could write the line
                    over[call.call] = msgspec.structs.replace(call, ended=has.at)
                    still_on.discard(call.call)
        waits = {call for call in over if self._service.knows(call)}
        for call_id, call in over.items():
            if call_id in waits or self._service.engine.state.is_over(call_id):
                continue
            try:
                stored = await self._store.read(city=self._city, call=call_id, limit=1)
            except RecordsFault as why:
                _log.error("the fallback's calls wait for the records", why=str(why))
                waits |= over.keys()
                break
            if not stored:
                self._service.post(call)
        await self._service.settled()
        self._keep(still_on | waits)
        self._again = bool(waits)

    def _read(self, *paths: Path) -> Spool:
        lines: list[str] = []
        for path in paths:
            if path.exists():
                lines += path.read_text(encoding="utf-8", errors="replace").splitlines()
        told = read_spool(lines)
        return Spool(tuple(map(self._dated, told.over)), tuple(map(self._dated, told.on)), told.unread)

    def _dated(self, call: CallSurvived) -> CallSurvived:
        def moved(at: Millis | None) -> Millis | None:
            return None if at is None else at + self._offset

        return msgspec.structs.replace(
            call, arrived=call.arrived + self._offset, answered=moved(call.answered), ended=moved(call.ended)
        )

    def _keep(self, calls: Collection[CallId]) -> None:
        lines: list[str] = []
        for path in (self._on, self._taken):
            if path.exists():
                lines += path.read_text(encoding="utf-8", errors="replace").splitlines()
        kept = [line for line in lines if call_of(line) in calls]
        if kept:
            write_private(self._on, "".join(f"{line}\n" for line in kept))
        else:
            self._on.unlink(missing_ok=True)
        self._taken.unlink(missing_ok=True)
