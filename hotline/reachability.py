"""Phones and trunks that do not answer are asked again at once, not only when their turn comes.

Asterisk sends OPTIONS every ``qualify_seconds`` (30 for a trunk, `trunks.pjsip.Network.qualify_s` for a phone) and takes
no call there from the first that stays without an answer until the next one. One lost request would cost a carrier half a
minute, and Asterisk loses some by itself: until it is fully booted it drops every message, also the answers to its own
first OPTIONS, which TCP and TLS do not repeat. So whoever is told unreachable is asked anew by AMI's ``PJSIPQualify``:
a mistake is corrected within a round trip, and who was gone is back within `AGAIN_S`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Mapping

from hotline.logs import logger
from trunks.live import ActionRefused, SwitchFault, SwitchLink

AGAIN_S = 3.2
"""so long until the same endpoint is asked anew: just above the time that an OPTIONS has (`trunks.pjsip.ANSWER_S`), so that
none runs out after a later one was answered, and is believed"""
PACE_S = 0.1
"""between two that are asked, so that a site that is cut off does not load the switch; trunks come first"""

_log = logger("reachability")


class Reachability:
    """The endpoints of which it is to be found out whether they answer: `missed`, `surveyed`, `lost` tell; `run` asks."""

    def __init__(
        self, link: Callable[[], SwitchLink | None], *, again_s: float = AGAIN_S, pace_s: float = PACE_S
    ) -> None:
        self._link = link
        self._again_s = again_s
        self._pace_s = pace_s
        self._due: dict[str, float] = {}
        """endpoint -> when to look at it, on the loop's clock"""
        self.away: set[str] = set()
        """endpoints of which no contact answered when they were asked last"""
        self._trunks: dict[str, str] = {}
        self._news = asyncio.Event()

    def missed(self, name: str) -> None:
        """``Unreachable``: an endpoint, or an address of record where AMI names no endpoint, did not answer."""
        self._look_at((self._trunks.get(name, name),))

    def surveyed(self, trunks: Mapping[str, str], silent: Iterable[str]) -> None:
        """The link is up: every trunk is looked at, and the seats that are ``silent``.

        ``trunks``: address of record -> endpoint; AMI lists no contacts that stand in the files, and tells changes only.
        """
        self._trunks = dict(trunks)
        self._look_at((*self._trunks.values(), *silent))

    def lost(self) -> None:
        """The link is down: what was known is void."""
        self._due.clear()
        self.away.clear()

    def _look_at(self, endpoints: Iterable[str]) -> None:
        now = asyncio.get_running_loop().time()
        self._due.update((endpoint, now) for endpoint in endpoints)
        self._news.set()

    async def run(self) -> None:
        """Look at them and ask, one after the other, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            self._news.clear()
            link, now = self._link(), loop.time()
            if link is None or not link.up or not self._due:
                await self._news.wait()
                continue
            trunks = set(self._trunks.values())
            endpoint = min(self._due, key=lambda one: (max(self._due[one], now), one not in trunks))
            if (left := self._due[endpoint] - now) > 0:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(left):
                        await self._news.wait()
                continue
            del self._due[endpoint]
            try:
                if await self._ask(link, endpoint):
                    # whoever was missed in the meantime is due already
                    self._due.setdefault(endpoint, loop.time() + self._again_s)
            except ActionRefused:
                pass  # no such endpoint (any more)
            except SwitchFault as why:
                _log.warning("could not ask whether it answers", endpoint=endpoint, why=str(why))
            await asyncio.sleep(self._pace_s)

    async def _ask(self, link: SwitchLink, endpoint: str) -> bool:
        """Ask an endpoint of which a contact does not answer; false when there is none."""
        contacts = await link.contacts_of(endpoint)
        silent = bool(contacts) and all(contact.get("Status") == "Unreachable" for contact in contacts)
        (self.away.add if silent else self.away.discard)(endpoint)
        if all(contact.get("Status") != "Unreachable" for contact in contacts):
            return False
        await link.qualify(endpoint)
        return True
