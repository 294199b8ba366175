"""One caller's place in a flow."""

from __future__ import annotations

import msgspec

from ivr.flow import Converse, Flow, LetGo, Menu, Say, Step


class FlowRun(msgspec.Struct):
    """Where a caller is: the steps, and which of them is on. ``LetGo`` stands behind the last one."""

    flow: Flow
    at: int = 0

    @property
    def step(self) -> Step:
        """The step that is on."""
        return self.flow[self.at] if self.at < len(self.flow) else LetGo()

    def advance(self, key: str | None = None) -> Step:
        """The step that follows: behind a menu the one that ``key`` chose, otherwise the next in the row."""
        step = self.step
        if isinstance(step, Menu):
            for choice in step.choices:
                if choice.key == key:
                    self.flow, self.at = (choice.enqueue,), 0
                    return self.step
        self.at += 1
        return self.step

    def skip_spoken(self) -> Step:
        """The first step ahead that is more than words: for a caller who has heard them, or waited long enough."""
        while isinstance(self.step, Say | Converse) and self.at + 1 < len(self.flow):
            self.at += 1
        return self.step
