"""Calls told as facts with their times, and the orders expected: one file a story in ``tests/scenarios``.

A story stands in the town of ``tests/acd/town.py`` (``town = "menu"``: its 12345 offers keys; ``"asking"``: it asks about
the service;
``"recorded"``: it records calls; ``"answering"``: the machine answers after the greeting and by key 2, ``"answering while
waiting"``: by key only; ``"preferring"``: it knows its callers; ``"in office hours"``: 12320's people leave at 10:05;
``"cutting over"``: 12333 moves at 10:01 and back at 10:02) at 10:00 on a Monday;
``signed_on`` says who sits where when it begins. Times are ms from then on. A step is a fact, or, without one, a deadline that
comes. Its orders are all that are given, in their order, with all their fields but those of ``UNSAID``. A bug arrives with
the facts of its journal and leaves as one more file.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from acd.engine import Engine
from acd.messages import Command, SeatReachable, SignOnAsked, decode_event, encode
from tests.acd.town import (
    START,
    answering,
    asking,
    calling_back,
    cutting_over,
    in_office_hours,
    preferring,
    recorded,
    town,
)

STORIES = sorted((Path(__file__).parent / "scenarios").glob("*.toml"))
INSTANTS = frozenset(
    ["at", "arrived", "answered", "prompt_ended", "queued", "rung", "seat_answered", "ended", "wrap_up_ended"]
)
UNSAID = {
    "RingAgent": frozenset({"because", "line", "auto_answer"}),
    "CallThird": frozenset({"line", "handover", "auto_answer"}),
    "TellSupervisors": frozenset({"why"}),
    "PassOn": frozenset({"line", "handover"}),
    "WriteAudit": frozenset({"city", "number", "role"}),
    "RingForCallBack": frozenset({"because", "line"}),
    "WriteRecord": frozenset(
        {
            "because",
            "line",
            "city",
            "trunk",
            "called",
            "caller",
            "treatment",
            "by_fallback",
            "reference",
            "passes",
        }
    ),
}
"""fields that a story tells only where they matter to it"""
USUAL = {"direction": "in", "priority": 0, "transfers": [], "recordings": [], "asked": False, "speech": []}
"""what a record says unless something of the kind happened: a story tells only what differs"""

Table = dict[str, Any]


def read_fact(told: Table) -> Any:
    """``{ AgentAnswered = { call = "a", agent = "101" } }`` as an event."""
    ((kind, fields),) = told.items()
    moved = {key: value + START if key in INSTANTS else value for key, value in fields.items()}
    return decode_event(json.dumps({"type": kind, **moved}))


def tell_order(order: Command) -> Table:
    """An order as a story tells it."""
    fields = json.loads(encode(order))
    kind = fields.pop("type")
    fields = fields.get("record", fields.get("entry", fields))
    fields = {k: v for k, v in fields.items() if v is not None and (k not in USUAL or v != USUAL[k])}
    if "speech" in fields:
        fields["speech"] = [_spoken(one) for one in fields["speech"]]
    if "transfers" in fields:
        fields["transfers"] = [_moved(one) for one in fields["transfers"]]
    if "passes" in fields:
        fields["passes"] = [_moved(one) for one in fields["passes"]]
    return {kind: {key: value - START if key in INSTANTS else value for key, value in fields.items()}}


def _spoken(told: Table) -> Table:
    """A conversation, without what its turns leave empty."""
    turns = [{k: v for k, v in _moved(one).items() if v} for one in told["turns"]]
    return _moved({k: v for k, v in told.items() if k != "turns"}) | {"turns": turns}


def _moved(told: Table) -> Table:
    """A part of a record with its instants from the story's beginning on; without the moments that did not come."""
    moments = ("asked", "answered", "handed_over", "began", "ended", "at")
    return {k: v - START if k in moments else v for k, v in told.items() if v is not None}


def as_told(order: Command, expected: Table | None) -> Table:
    """The order without what the story leaves out."""
    ((kind, fields),) = tell_order(order).items()
    unsaid = UNSAID.get(kind, frozenset()) - (expected or {}).get(kind, {}).keys()
    return {kind: {key: value for key, value in fields.items() if key not in unsaid}}


def begin(story: Table) -> Engine:
    setup = town(menu=story.get("town") == "menu")
    engine = Engine(asking(setup) if story.get("town") == "asking" else setup)
    if story.get("town") == "recorded":
        engine = Engine(recorded(setup))
    if story.get("town") == "in office hours":
        engine = Engine(in_office_hours(setup))
    if story.get("town") == "cutting over":
        engine = Engine(cutting_over(setup))
    if story.get("town") == "preferring":
        engine = Engine(preferring(setup))
    if story.get("town") == "answering":
        engine = Engine(answering(setup))
    if story.get("town") == "answering while waiting":
        engine = Engine(answering(setup, greeting=False))
    if story.get("town") == "calling back":
        engine = Engine(calling_back(setup))
    for pair in story.get("signed_on", []):
        agent, _, seat = pair.partition("@")
        engine.receive(SeatReachable(seat), START)
        engine.receive(SignOnAsked(seat, agent, proven=True), START)
    return engine


def tell(engine: Engine, step: Table) -> list[Command]:
    at = START + step["at"]
    while (due := engine.deadline()) is not None and due < at:
        assert engine.tick(due) == [], f"before {step['at']} something falls due that the story leaves out"
    return engine.receive(read_fact(step["fact"]), at) if "fact" in step else engine.tick(at)


@pytest.mark.parametrize("restarts", [False, True], ids=["", "restarted after every fact"])
@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_the_orders_of_the_story_are_given(path: Path, restarts: bool) -> None:
    story = tomllib.loads(path.read_text("utf-8"))
    engine = begin(story)
    for step in story["step"]:
        orders = tell(engine, step)
        expected = step.get("orders", [])
        padded = [*expected, *[None] * len(orders)]
        assert [as_told(order, told) for order, told in zip(orders, padded, strict=False)] == expected, (
            f"at {step['at']}: {step.get('fact', 'a deadline')}"
        )
        if restarts:
            written = engine.snapshot()
            engine = Engine(engine.state.setup)
            engine.restore(written)
    assert not engine.state.calls, "the story leaves a call behind"
    assert not engine.state.wrapping, "the story leaves a record unwritten"


def test_there_are_stories_enough() -> None:
    assert len(STORIES) >= 15
    assert all(tomllib.loads(path.read_text("utf-8"))["title"] for path in STORIES)
