"""Who reads along at the door for programs: what is published of talks that are written down, to those who may."""

from __future__ import annotations

from collections.abc import Callable

from acd.ears import Ear
from acd.messages import CallId, EarAsked
from acd.state import State
from acd.transcribing import may_read
from hotline.ear import Ears, Ended, Published


class EarDoor:
    """``state``: the engine's, by which rights are looked at for each sentence."""

    def __init__(self, ears: Ears, state: State) -> None:
        self._ears = ears
        self._state = state

    def read_along(self, asked: EarAsked, hear: Callable[[Published], None]) -> Callable[[], None]:
        """Let ``hear`` have what whoever asked so may read, the talks that are on first, until what is returned is called."""
        shown: set[CallId] = set()

        def pass_on(told: Published) -> None:
            if isinstance(told, Ended):
                # also to one whose right has ended meanwhile: there is nothing more to come
                if told.call in shown:
                    shown.discard(told.call)
                    hear(told)
            elif may_read(self._state, asked, Ear(told.call, told.agent, told.seat)):
                shown.add(told.call)
                hear(told)

        for begun in self._ears.on():
            pass_on(begun)
        self._ears.readers.append(pass_on)
        return lambda: self._ears.readers.remove(pass_on)
