"""Which streams may come, and that each one's end is told once."""

from __future__ import annotations

import asyncio

import pytest

from hotline import speech_streams
from hotline.speech_streams import Streams
from hotline.speech_words import Expect, Expected, Heard, Over, Overhear

CALLER = Expect("1", "call-1", ("speech-offer",), ("speech-person",))
SEAT = Overhear("2", "call-2", "seat")


class Told(list[Heard]):
    """What was told, in order."""

    def overs(self) -> list[tuple[str, str]]:
        return [(one.uuid, one.over) for one in self if isinstance(one, Over)]


async def test_only_what_was_told_of_may_come_and_only_once() -> None:
    told = Told()
    streams = Streams(told.append, 1)
    assert not streams.admit("1")
    streams.expect(CALLER)
    assert told == [Expected("1")]
    assert streams.admit("1")
    assert not streams.admit("1")
    assert len(streams) == 1
    assert streams.told("1") is CALLER
    streams.over("1", "contained")
    streams.over("1", "failed")
    assert not streams.admit("1")
    assert told.overs() == [("1", "contained")]
    assert len(streams) == 0


async def test_one_that_does_not_come_is_forgotten_and_told_to_have_failed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(speech_streams, "EXPECTED_S", 0.0)
    told = Told()
    streams = Streams(told.append, 1)
    streams.expect(CALLER)
    async with asyncio.timeout(10):
        while not told.overs():  # noqa: ASYNC110
            await asyncio.sleep(0)
    assert told.overs() == [("1", "failed")]
    assert not streams.admit("1")


async def test_the_end_of_one_that_has_not_come_is_told_at_once_and_it_may_not_come_any_more() -> None:
    told = Told()
    streams = Streams(told.append, 1)
    streams.expect(CALLER)
    streams.end("1")
    assert told.overs() == [("1", "seat")]
    assert not streams.admit("1")
    streams.end("unknown")
    assert told.overs() == [("1", "seat")]


async def test_one_that_is_here_is_told_to_be_over_only_when_it_is() -> None:
    told = Told()
    streams = Streams(told.append, 1)
    streams.expect(CALLER)
    assert streams.admit("1")
    assert not streams.was_ended("1")
    streams.end("1")
    assert streams.was_ended("1")
    assert told.overs() == []


async def test_more_than_may_be_overheard_are_refused_as_full_and_callers_are_not_counted() -> None:
    told = Told()
    streams = Streams(told.append, 1)
    for one in (CALLER, SEAT, Overhear("3", "call-3", "seat")):
        streams.expect(one)
    assert [streams.admit(name) for name in "123"] == [True, True, False]
    assert told.overs() == [("3", "full")]
    streams.over("2", "hung up")
    streams.expect(Overhear("4", "call-4", "caller"))
    assert streams.admit("4")


async def test_told_twice_it_is_expected_once() -> None:
    told = Told()
    streams = Streams(told.append, 1)
    streams.expect(CALLER)
    streams.expect(CALLER)
    assert told == [Expected("1"), Expected("1")]
    streams.end("1")
    assert told.overs() == [("1", "seat")]
