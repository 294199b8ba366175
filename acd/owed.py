"""The order of what is owed: which call-backs there is anything to do about now, so that the others cost nothing.

`acd.callback.settle` runs after every fact, and of thousands of call-backs hardly one has anything to do then. Looked at are those
that moved (`Owed.look_at`), those whose time has come (`Owed.wake`), and those whose caller has just begun or ended a call with us.
To look at one too many does no harm; the one thing that matters is that nothing is left out.

All of this follows from the calls and the call-backs: it is built anew after a restart, and is not written down.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from heapq import heappop, heappush
from operator import itemgetter

from acd.backs import Back
from acd.messages import CallId, Millis
from dialplans.decision import Need

Ask = tuple[tuple[Need, ...], int]
"""What a call-back asks of a seat: its needs, and which of them is in force."""


class Owed:
    """What is owed, in the order in which it came onto the list. A call-back that is gone from ``backs`` is passed over."""

    def __init__(self, backs: Iterable[Back] = (), now: Millis = 0) -> None:
        self.on: dict[CallId, str] = {}
        """the number of whoever is on a line of ours, by the call; of those whom we call back, not"""
        self.live: Counter[str] = Counter()
        """how many calls these numbers have with us now; a number without any is not in it"""
        self.by_key: dict[str, CallId] = {}
        """the call-back that a number is owed"""
        self.ready: bool | None = None
        """could anybody be called back when `acd.callback.settle` looked last?"""
        self.hours: tuple[bool, Millis] | None = None
        """are they the hours for it, and until when that is known"""
        self.stuck: int | None = None
        """the router's count of changes at which nobody idle could take any of the missed calls whose time has come"""
        self._ripe: dict[CallId, Ask] = {}
        """missed calls whose time has come, and what they ask"""
        self._asking: dict[Ask, list[tuple[int, CallId]]] = {}
        """the same by what they ask, in the order of the list"""
        self._places: dict[CallId, int] = {}
        self._entered = 0
        self._times: list[tuple[Millis, CallId]] = []
        self._next: set[CallId] = set()
        self._round: list[tuple[int, CallId]] = []
        self._in_round: set[CallId] = set()
        self._at: int | None = None
        for back in backs:
            self.enter(back, now)

    def enter(self, back: Back, now: Millis) -> None:
        """One more is owed: it stands last."""
        self._entered += 1
        self._places[back.back] = self._entered
        self.by_key[back.key] = back.back
        self.wake(back.back, back.expires)
        self.moved(back, now)

    def drop(self, back: Back) -> None:
        """It is owed no longer."""
        self.unripen(back.back)
        self._places.pop(back.back, None)
        if self.by_key.get(back.key) == back.back:
            del self.by_key[back.key]

    # ── what there is to be looked at ────────────────────────────────────────────────────────────────────────

    def moved(self, back: Back, now: Millis) -> None:
        """Its stage or its time is another one."""
        self.look_at(back.back)
        if back.due > now:
            self.wake(back.back, back.due)

    def wake(self, name: CallId, at: Millis) -> None:
        """Look at it when it is ``at``."""
        heappush(self._times, (at, name))

    def look_at(self, name: CallId) -> None:
        """There may be something to do about it: in the round that is on, if its turn is yet to come, otherwise in the next."""
        place = self._places.get(name)
        if place is None:
            return
        if self._at is None or place <= self._at:
            self._next.add(name)
        elif name not in self._in_round:
            self._in_round.add(name)
            heappush(self._round, (place, name))

    def look_at_all(self) -> None:
        """Something has changed that concerns them all."""
        self.stuck = None
        for name in self._places:
            self.look_at(name)

    def due(self, backs: Mapping[CallId, Back], now: Millis) -> Iterator[Back]:
        """One round: those to be looked at, in the order of the list; one further on may come to be one of them meanwhile."""
        while self._times and self._times[0][0] <= now:
            self.look_at(heappop(self._times)[1])
        if not self._next and not self._round:
            return
        names, self._next = self._next, set()
        self._at = 0
        for name in names:
            self.look_at(name)
        try:
            while self._round:
                self._at, name = heappop(self._round)
                self._in_round.discard(name)
                if (back := backs.get(name)) is not None:
                    yield back
        finally:
            self._at = None

    # ── who calls us ─────────────────────────────────────────────────────────────────────────────────────────

    def call_began(self, call: CallId, key: str) -> None:
        """Somebody is on a line of ours: whoever is calling us is not called back meanwhile. An empty key is nobody's."""
        if key:
            self.on[call] = key
            self.live[key] += 1
            self._changed(key)

    def call_ended(self, call: CallId) -> None:
        """And no longer."""
        key = self.on.pop(call, None)
        if key is not None:
            self.live[key] -= 1
            if not self.live[key]:
                del self.live[key]
            self._changed(key)

    def _changed(self, key: str) -> None:
        name = self.by_key.get(key)
        if name is not None:
            self.look_at(name)
            if name in self._ripe:
                self.stuck = None

    # ── missed calls whose time has come ─────────────────────────────────────────────────────────────────────

    @property
    def any_ripe(self) -> bool:
        """Has the time of any missed call come?"""
        return bool(self._ripe)

    def ripen(self, name: CallId, ask: Ask) -> bool:
        """The time of a missed call has come: it waits for a seat that has nothing else to do, and asks this. False: it did."""
        if name not in self._places or self._ripe.get(name) == ask:
            return False
        self.unripen(name)
        self._ripe[name] = ask
        insort(self._asking.setdefault(ask, []), (self._places[name], name))
        self.stuck = None
        return True

    def unripen(self, name: CallId) -> None:
        """It waits no longer, or not for this."""
        if (ask := self._ripe.pop(name, None)) is not None:
            rest = [one for one in self._asking[ask] if one[1] != name]
            self._asking[ask] = rest
            if not rest:
                del self._asking[ask]

    def ripest(self, behind: int, but: Collection[Ask]) -> tuple[int, CallId, Ask] | None:
        """The first of them behind a place on the list that asks something else than these do. O(what is asked)."""
        first: tuple[int, CallId, Ask] | None = None
        for ask, names in self._asking.items():
            if ask in but:
                continue
            i = bisect_left(names, behind + 1, key=itemgetter(0))
            if i < len(names) and (first is None or names[i][0] < first[0]):
                first = (*names[i], ask)
        return first
