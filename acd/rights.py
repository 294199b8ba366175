"""Who may do what to whom: rights by role, reach by team. One rule, asked by phone, by command and by the console alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acd.agents import Agent
from acd.messages import AgentId
from acd.setup import SUPERVISING

if TYPE_CHECKING:
    from acd.state import State


def rights_of(s: State, agent: AgentId) -> frozenset[str]:
    """The rights that the agent's role has; none for one whom the city doesn't have, or whose role it doesn't."""
    settings = s.setup.agents.get(agent)
    return s.setup.roles.get(settings.role, frozenset()) if settings else frozenset()


def has_right(s: State, agent: AgentId, right: str) -> bool:
    """May the agent do this at all?"""
    return right in rights_of(s, agent)


def supervises(s: State, agent: AgentId) -> bool:
    """Has the agent any right over others at work?"""
    return bool(rights_of(s, agent) & (SUPERVISING - {"why"}))


def refusal(s: State, by: AgentId, right: str, over: Agent | None = None) -> str | None:
    """Why ``by`` may not do this (to ``over``): the name of the prompt that says so; ``None``: allowed."""
    if not has_right(s, by, right):
        return "no-right"
    if over is None:
        return None
    if over.agent == by:
        return "not-yourself"
    mine, theirs = s.setup.agents[by], s.setup.agents.get(over.agent)
    group = theirs.group if theirs else ""
    if mine.reach is not None and group not in mine.reach:
        return "out-of-reach"
    if supervises(s, over.agent) and group != mine.group:
        return "out-of-reach"
    return None
