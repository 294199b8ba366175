"""A call flow as data: what a caller meets before, and instead of, the queue.

A flow is a row of steps, gone through in order. It is made from the number plan's `Decision` and nothing else, so that ``trace``,
the simulator and the engine tell the same story.
"""

from __future__ import annotations

import msgspec

from dialplans.decision import Choice, Decision, Need, Wait


class _Step(msgspec.Struct, frozen=True, tag=True):
    """One step of a flow."""


class Say(_Step, frozen=True):
    """Say these prompts, whatever is keyed meanwhile."""

    prompts: tuple[str, ...]


class Menu(_Step, frozen=True):
    """Say ``prompt`` and wait for one of the keys; no key, or another one, leads to the next step."""

    prompt: str
    choices: tuple[MenuKey, ...]
    wait_ms: int = 4_000

    @property
    def keys(self) -> str:
        """The keys that cut the prompt short."""
        return "".join(choice.key for choice in self.choices)


class Converse(_Step, frozen=True):
    """Offer the caller to ask the machine; whatever comes of it but an answer that was enough, the next step follows."""

    offer: tuple[str, ...]


class Try(_Step, frozen=True):
    """Pass the caller to ``number`` over ``trunk``; when it isn't taken, the next step follows.

    ``always``: whatever our own count of the trunk's channels says (an emergency): the other side knows how many it has.
    """

    trunk: str
    number: str
    ring_ms: int
    always: bool = False


class Enqueue(_Step, frozen=True):
    """Take a place in the queue. Nothing follows: the queue decides what becomes of the call."""

    queue: str
    needs: tuple[Need, ...]
    priority: int = 0


class LetGo(_Step, frozen=True):
    """End the call (Q.850 cause)."""

    cause: int = 16


class MenuKey(msgspec.Struct, frozen=True):
    """One key of a menu and the place in a queue behind it."""

    key: str
    title: str
    enqueue: Enqueue


Step = Say | Menu | Converse | Try | Enqueue | LetGo
Flow = tuple[Step, ...]


def _enqueue(wait: Wait) -> Enqueue:
    return Enqueue(wait.queue, wait.needs, wait.priority)


def _key(choice: Choice) -> MenuKey:
    return MenuKey(choice.key, choice.title, _enqueue(choice.wait))


def flow_for(decision: Decision, greeting: tuple[str, ...] = (), offer: tuple[str, ...] = ()) -> Flow:
    """The steps that ``decision`` means. ``greeting`` is said once, before the first place where seats answer.

    ``offer``: the words with which the caller may ask the machine first; not in an emergency, not behind a menu, and not where
    others have been rung for him before.
    """
    steps: list[Step] = []
    spoken = decision.notices
    greeting = () if decision.urgent else greeting
    if not decision.passes and (decision.menu or decision.wait):
        spoken += greeting
    if spoken:
        steps.append(Say(spoken))
    if decision.menu:
        steps.append(Menu(decision.menu_prompt, tuple(map(_key, decision.menu))))
    steps.extend(
        Try(way.trunk, way.number, decision.pass_ring_ms, decision.urgent) for way in decision.passes
    )
    if decision.wait:
        if decision.passes and greeting:
            steps.append(Say(greeting))
        if offer and not (decision.urgent or decision.menu or decision.passes):
            steps.append(Converse(offer))
        steps.append(_enqueue(decision.wait))
        return tuple(steps)
    if decision.farewell:
        steps.append(Say(decision.farewell))
    steps.append(LetGo())
    return tuple(steps)
