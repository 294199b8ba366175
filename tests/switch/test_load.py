"""260 seats and a minute of 20 calls a second: nothing is lost, and every call is in the database once."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing

import pytest

from acd.agents import Activity
from hotline.city import City
from hotline.rehearsal.manners import Dialled, Forwarding, Manner, Plan, Uniform, forwarded
from hotline.rehearsal.phones_live import Phones
from hotline.rehearsal.results import join, summarise
from tests.switch.conftest import Town, city_text, moved, town

pytestmark = pytest.mark.switch

SEATS, RATE, SECONDS = 260, 20, 60
WRAP_UP_S = 4
DIALLED = (
    Dialled("12345", 6),
    Dialled("12315", 2),
    Dialled("037112319"),
    Dialled("12345", headers=forwarded(["12329", "66600000"])),
    Dialled("12345", headers=forwarded(["12348"], Forwarding.HISTORY)),
)


def big() -> City:
    """Zhengzhou with 260 seats and people for them, and channels enough on one trunk."""
    text = moved(city_text("zhengzhou")).replace("count = 146", f"count = {SEATS}", 1)
    text = text.replace("wrap_up_seconds = 30", f"wrap_up_seconds = {WRAP_UP_S}", 1)
    text = text.replace("channels = 240", "channels = 480", 1)
    people = re.search(r'\[\[agents\]\]\nfirst = "1001"\n.*?pin_hash = "[^"]*"\n', text, re.DOTALL)
    assert people is not None
    more = people[0].replace('"1001"', '"2001"').replace("count = 130", "count = 130")
    return City.read(text.replace(people[0], people[0] + "\n" + more), "zhengzhou")


def in_database(here: Town) -> list[tuple[str, str, str]]:
    """(call, caller, disposition) of every record that is stored."""
    path = here.platform.place.home / "records.sqlite"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        return list(db.execute("SELECT call, caller, disposition FROM call_records"))


async def test_a_minute_of_20_calls_a_second_at_260_seats_loses_none_and_records_each_once() -> None:
    async with town(big()) as here:
        seats = [seat.number for seat in here.platform.city.seats()]
        people = list(here.platform.city.setup().agents)
        manner = Manner(talk_s=Uniform(3.0, 6.0))
        async with Phones(here.logins(), here.sip, manner=manner) as phones:
            await here.sign_on(phones, list(zip(seats, people, strict=False)))
            assert len(here.platform.service.engine.state.agents) == SEATS
            with here.carrier("unicom") as carrier:
                placed = await carrier.place(Plan(RATE * SECONDS, RATE, DIALLED))
            calls = join(placed.legs, phones.legs())
        found = summarise(calls)
        print(found, placed.complaint)  # noqa: T201 (figures for whoever asks with -rP)
        assert (found.offered, found.answered, found.lost) == (RATE * SECONDS, RATE * SECONDS, 0)
        agents = here.platform.service.engine.state.agents.values()
        await here.until(
            lambda: all(agent.activity is Activity.IDLE for agent in agents), "everybody idle", WRAP_UP_S + 5
        )
        await here.until(lambda: len(in_database(here)) >= found.offered, "every record stored")
        stored = in_database(here)
        assert len(stored) == len({call for call, _, _ in stored}) == found.offered
        assert {caller for _, caller, _ in stored} == {leg.caller for leg in placed.legs}
        assert {disposition for _, _, disposition in stored} == {"answered"}
        assert not here.platform.service.engine.state.calls
        assert found.queue_delay_s is not None
        # the greeting lies between the caller's answer and the ring; nobody had to wait after it
        waits = sorted(r.rung - r.queued for r in here.records if r.rung is not None and r.queued is not None)
        print(f"waited for a seat: p50 {waits[len(waits) // 2]} ms, p99 {waits[len(waits) * 99 // 100]} ms")  # noqa: T201
        ringing = sorted(
            call.phones[0].began * 1000 - record.rung
            for call in calls
            for record in [next(r for r in here.records if r.caller == call.caller.caller)]
            if record.rung is not None
        )
        p50, p99 = ringing[len(ringing) // 2], ringing[len(ringing) * 99 // 100]
        print(f"from the engine's order to the INVITE at the phone: p50 {p50:.1f} ms, p99 {p99:.1f} ms")  # noqa: T201
        assert p99 < 1000
