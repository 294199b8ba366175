"""What is of the same kind: durations, waiting calls, agents."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from acd import kernel
from simulator import draws
from simulator.scenario import Duration, Line, Scenario


class Durations:
    """The tables of the distributions that a scenario has, each once."""

    def __init__(self) -> None:
        self._known: dict[Duration, int] = {}

    def number(self, of: Duration) -> int:
        """How a duration stands in the other tables."""
        if of.fixed:
            draws.quantiles(of)
            return -1 - round(of.mean_s * 1000)
        return self._known.setdefault(of, len(self._known) * draws.SIZE)

    def tables(self) -> NDArray[np.int64]:
        """All of them; one row when there is none, for an empty array has no type of its own in compiled code."""
        made = [draws.quantiles(of) for of in self._known] or [draws.exponential()]
        return np.concatenate(made)


class Places:
    """The kinds of waiting calls: every place in a queue that a line leads to, times its steps."""

    def __init__(self, scenario: Scenario) -> None:
        self.queue_names: list[str] = []
        self.queues: list[list[int]] = []
        self.kinds: list[list[int]] = []
        self.needs: list[dict[str, int]] = []
        self._first: dict[object, int] = {}
        for line in scenario.lines:
            self._enter(line, scenario)

    def first(self, line: Line) -> int:
        """The kind that a call of this line is at first."""
        return self._first[line.wait]

    def _enter(self, line: Line, scenario: Scenario) -> None:
        wait = line.wait
        if not 0 <= line.greeting_ms < draws.LONGEST_MS:
            raise ValueError(f"line {line.name}: a greeting of {line.greeting_ms} ms: it lasts up to 24 days")
        if wait in self._first:
            return
        if not wait.needs:
            raise ValueError(
                f"line {line.name}: its place in queue {wait.queue} asks nothing: give it a need"
            )
        if abs(wait.priority) >= kernel.PRIORITY_LIMIT:
            raise ValueError(f"line {line.name}: priority {wait.priority} is not within +-65535: lower it")
        after = [need.after_ms for need in wait.needs]
        if after != sorted(after) or not 0 <= after[0] <= after[-1] < draws.LONGEST_MS:
            raise ValueError(
                f"line {line.name}: steps after {after} ms: they follow each other within 24 days"
            )
        if wait.queue not in self.queue_names:
            self.queue_names.append(wait.queue)
            limits = scenario.max_length.get(wait.queue), scenario.max_wait_ms.get(wait.queue)
            if limits[1] is not None and not 0 <= limits[1] < draws.LONGEST_MS:
                raise ValueError(
                    f"queue {wait.queue}: a longest wait of {limits[1]} ms: up to 24 days it may be"
                )
            self.queues.append([-1 if limit is None else limit for limit in limits])
        queue = self.queue_names.index(wait.queue)
        self._first[wait] = len(self.kinds)
        for step, need in enumerate(wait.needs):
            more = step + 1 < len(wait.needs)
            self.kinds.append([need.after_ms, more, queue, wait.priority])
            self.needs.append(dict(need.skills))


class KindsOfAgents:
    """People who meet the same needs and have the same sum of levels stand in one row."""

    def __init__(self, scenario: Scenario, places: Places) -> None:
        kinds = len(places.kinds)
        known: dict[tuple[int, tuple[bool, ...]], int] = {}
        self.of_group: list[int] = []
        for group in scenario.groups:
            met = tuple(
                all(group.skills.get(skill, 0) >= least for skill, least in need.items())
                for need in places.needs
            )
            weight = sum(group.skills.values()) if scenario.closest_fit else 0
            if weight >= kernel.WEIGHT_LIMIT:
                raise ValueError(f"group {group.name}: its levels add up to {weight}, over 65535: lower them")
            self.of_group.append(known.setdefault((weight, met), len(known)))
        self.weights = [weight for weight, _ in known]
        self.meets = np.zeros((kinds, max(-(-len(known) // 64), 1)), np.uint64)
        self.serves = np.zeros((max(len(known), 1), max(-(-kinds // 64), 1)), np.uint64)
        for (_, met), agent_kind in known.items():
            for kind in np.flatnonzero(met).tolist():
                self.meets[kind, agent_kind // 64] |= np.uint64(1 << agent_kind % 64)
                self.serves[agent_kind, kind // 64] |= np.uint64(1 << kind % 64)
