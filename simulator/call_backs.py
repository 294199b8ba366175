"""A city's own ways besides the scenario's: call-backs by key or of missed calls, last agents, reserves. Only the engine has them.

What a scenario does not say is in `Habits`: how many people there are who call, how many of those who are offered a call-back
take it, and how many pick up when they are called back.
"""

from __future__ import annotations

from dataclasses import dataclass

from acd.backs import BACK
from acd.messages import (
    AgentAnswered,
    Announce,
    AnnouncementOver,
    CallerHungUp,
    Command,
    DropBack,
    HangUp,
    PassAnswered,
    PassFailed,
    PassOn,
    Play,
    PromptFinished,
    RingForCallBack,
)
from acd.setup import Setup
from simulator import draws
from simulator.callers import subject_of
from simulator.people import Caller, Due, Kind, World

_TAKE, _REACHED = 24, 25
"""purposes of `simulator.draws`, beside those that both engines have"""


@dataclass(frozen=True, slots=True)
class Habits:
    """What people do whom a city knows. ``city``: its setup; of that count its number plan's lines, queues (with what callers
    are told there), preferences, reserves, call-backs, nuisance callers and the most who may wait.

    ``callers``: so many people call, each again and again, ``None``: nobody twice. ``take``: the share of those who are offered a
    call-back who want one; ``reached``: of those called back who pick up, after ``pick_up_ms``.
    """

    city: Setup
    callers: int | None = None
    take: float = 0.3
    reached: float = 0.8
    pick_up_ms: int = 12_000


class City(World):
    """A `World` whose people have `Habits`. A caller who is called back and reached counts as answered then, otherwise as
    abandoned; one who was missed stays missed, and costs the seats' time."""

    habits: Habits

    def run(self, at_ms: list[int], line: list[int]) -> None:
        """As `World.run`; at the end those are counted who asked to be called back and were not reached."""
        super().run(at_ms, line)
        for call in self.calls:
            if call.promised is not None and not call.talking:
                self.count("asked", call)
                self.count("abandoned", call)
                self.count("wait_ms", call, call.promised)

    def obey(self, order: Command) -> None:
        """Call-backs are this class's, the rest is `World`'s."""
        match order:
            case Announce():
                self._announced(order)
            case RingForCallBack():
                self._rings_for(order)
            case PassOn():
                self._dials(order)
            case DropBack():
                self.soon.append(CallerHungUp(order.call, 16))
            case Play() if order.call.endswith(BACK):
                self.soon.append(PromptFinished(order.call))
            case HangUp() if order.call.endswith(BACK):
                self._seat_let_go(order.call)
            case HangUp() if self._is_promised(order.call):
                self._promised(self._of(order.call))
            case _:
                super().obey(order)

    # ── the offer ────────────────────────────────────────────────────────────────────────────────────────────

    def _announced(self, order: Announce) -> None:
        """Heard at once. Who wants a call-back takes it at the first offer, and agrees when the number is read back."""
        call = self._of(order.call)
        takes = bool(order.keys) and self._draw(call, _TAKE) < self.habits.take
        self.soon.append(AnnouncementOver(order.call, order.keys if takes else None))

    def _is_promised(self, name: str) -> bool:
        call = self.engine.state.calls.get(name)
        return call is not None and call.outcome == "called back"

    def _promised(self, call: Caller) -> None:
        assert call.queued is not None
        call.over, call.promised = True, self.now - call.queued
        self.soon.append(CallerHungUp(f"{call.number:09}", 16))

    # ── the call back ────────────────────────────────────────────────────────────────────────────────────────

    def _rings_for(self, order: RingForCallBack) -> None:
        call = self._of(order.call)
        self.rung(call, order.agent)
        self.at(Due(self.now + call.of.ring_ms, Kind.BACK_SEAT, call.number, call.rings))

    def _seat_answers(self, due: Due) -> None:
        call = self.calls[due.number]
        self.touched.add(self.agents[call.agent])
        self.tell(AgentAnswered(_back(call), self.agents[call.agent]))

    def _dials(self, order: PassOn) -> None:
        call = self._of(order.call)
        self.at(Due(self.now + self.habits.pick_up_ms, Kind.BACK_CALLER, call.number, call.rings))

    def _caller_answers(self, due: Due) -> None:
        call = self.calls[due.number]
        self.touched.add(self.agents[call.agent])
        if self._draw(call, _REACHED + due.what % 4) >= self.habits.reached:
            self.tell(PassFailed(_back(call), "noanswer"))
            return
        self.tell(PassAnswered(_back(call)))
        self.busy_with[call.agent] = call
        if call.promised is not None:
            self.talks(call, call.promised)
        self.at(Due(self.now + call.of.talk_ms, Kind.BACK_OVER, call.number))

    def _over(self, due: Due) -> None:
        call = self.calls[due.number]
        self.touched.add(self.agents[call.agent])
        self.tell(CallerHungUp(_back(call), 16))
        self.writes(call)

    def _seat_let_go(self, name: str) -> None:
        """Nobody was reached: the seat has been told, and is free."""
        self.touched.add(self.agents[self._of(name).agent])
        self.soon.append(CallerHungUp(name, 16))

    def _draw(self, call: Caller, purpose: int) -> float:
        return draws.uniform(self.key, subject_of(call.first, call.tried), purpose)

    def _of(self, name: str) -> Caller:
        return self.calls[int(name.removesuffix(BACK))]


def _back(call: Caller) -> str:
    return f"{call.number:09}{BACK}"


City.happens = {
    **World.happens,
    Kind.BACK_SEAT: City._seat_answers,
    Kind.BACK_CALLER: City._caller_answers,
    Kind.BACK_OVER: City._over,
}
