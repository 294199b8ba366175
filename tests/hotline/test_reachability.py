"""Who does not answer is asked again: at once, again and again until it answers, trunks before phones, and nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from hotline.reachability import AGAIN_S, Reachability
from tests.fakes.ami import FakeAmi
from tests.real_asterisk import SECRET, USER
from trunks.live import SwitchLink
from trunks.pjsip import ANSWER_S, T1_MS

SILENT, ANSWERS = ("Unreachable",), ("Reachable",)


@pytest.fixture
async def fake() -> AsyncIterator[FakeAmi]:
    switch = FakeAmi()
    await switch.start()
    yield switch
    await switch.stop()


@asynccontextmanager
async def asking(fake: FakeAmi, again_s: float = AGAIN_S) -> AsyncIterator[Reachability]:
    """One that asks over a link that is up."""
    up = asyncio.Event()

    async def surveyed(_link: SwitchLink, _restarted: bool) -> None:
        up.set()

    link = SwitchLink(
        *("127.0.0.1", fake.ami, USER, SECRET),
        on_event=lambda _name, _fields: None,
        on_up=surveyed,
        on_down=lambda _why: None,
    )
    found = Reachability(lambda: link, again_s=again_s, pace_s=0.0)
    tasks = [asyncio.create_task(link.run()), asyncio.create_task(found.run())]
    try:
        await asyncio.wait_for(up.wait(), 5)
        yield found
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)


def asked(fake: FakeAmi) -> list[str]:
    return [one["Endpoint"] for one in fake.received if one["Action"] == "PJSIPQualify"]


async def test_who_was_missed_is_asked_at_once_and_again_until_it_answers(fake: FakeAmi) -> None:
    fake.endpoints = {"8001": SILENT, "8002": SILENT}
    async with asking(fake, again_s=0.02) as reachability:
        reachability.missed("8001")
        await fake.heard("PJSIPQualify", 3)
        assert set(asked(fake)) == {"8001"}
        fake.endpoints["8001"] = ANSWERS
        looked = sum(one["Action"] == "PJSIPShowEndpoint" for one in fake.received)
        await fake.heard("PJSIPShowEndpoint", looked + 1)
        times = len(asked(fake))
        reachability.missed("8002")
        await fake.heard("PJSIPQualify", times + 3)
    assert asked(fake) == ["8001"] * times + ["8002"] * (len(asked(fake)) - times)


async def test_every_trunk_is_looked_at_after_a_survey_and_only_the_silent_are_asked_trunks_first(
    fake: FakeAmi,
) -> None:
    fake.endpoints = {
        "unicom": ANSWERS,
        "telecom": SILENT,
        "branch": ("Reachable", "Unreachable"),
        "8001": SILENT,
    }
    async with asking(fake) as reachability:
        reachability.surveyed({"unicom": "unicom", "telecom": "telecom", "user": "branch"}, ["8001"])
        await fake.heard("PJSIPQualify", 3)
    assert asked(fake) == ["telecom", "branch", "8001"]


async def test_a_sub_centre_that_registers_is_found_by_its_address_of_record(fake: FakeAmi) -> None:
    fake.endpoints = {"branch": ANSWERS}
    async with asking(fake) as reachability:
        reachability.surveyed({"user": "branch"}, [])
        await fake.heard("PJSIPShowEndpoint", 1)
        fake.endpoints = {"branch": SILENT}
        reachability.missed("user")
        await fake.heard("PJSIPQualify", 1)
    assert asked(fake) == ["branch"]


async def test_an_endpoint_that_is_gone_is_forgotten_and_keeps_nobody_waiting(fake: FakeAmi) -> None:
    fake.endpoints = {"8001": SILENT}
    async with asking(fake, again_s=0.02) as reachability:
        reachability.missed("removed")
        reachability.missed("8001")
        await fake.heard("PJSIPQualify", 3)
    looked = [one["Endpoint"] for one in fake.received if one["Action"] == "PJSIPShowEndpoint"]
    assert looked.count("removed") == 1


async def test_nothing_is_asked_of_what_was_known_before_the_link_was_lost(fake: FakeAmi) -> None:
    fake.endpoints = {"8001": SILENT, "8002": SILENT}
    async with asking(fake) as reachability:
        reachability.missed("8001")
        reachability.lost()
        reachability.surveyed({}, ["8002"])
        await fake.heard("PJSIPQualify", 1)
    assert asked(fake) == ["8002"]


def test_an_options_has_run_out_before_the_same_endpoint_is_asked_anew() -> None:
    # sent again after T1, then after twice as long each time (RFC 3261, 17.1.2.2)
    last_ms = max(ms for n in range(10) if (ms := T1_MS * (2**n - 1)) < ANSWER_S * 1000)
    assert AGAIN_S > ANSWER_S
    assert AGAIN_S * 1000 - last_ms < 2000  # who is back is heard of within two seconds over UDP
