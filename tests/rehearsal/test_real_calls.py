"""Real SIP calls through a real Asterisk with a native queue: the rehearsal's own tools are true."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from benchmarks.native_queue import MODULES, NativeQueue
from hotline.rehearsal.baresip_live import Softphone
from hotline.rehearsal.carrier_live import Carrier
from hotline.rehearsal.farend_live import FarEnd
from hotline.rehearsal.manners import (
    BUSY,
    NEVER_ANSWERS,
    Dialled,
    Fixed,
    Forwarding,
    Manner,
    Plan,
    Told,
    forwarded,
)
from hotline.rehearsal.phones_live import Phones
from hotline.rehearsal.process_live import free_port
from hotline.rehearsal.results import SeatLogin, join, summarise
from hotline.rehearsal.sound import Heard, tone, write_wav
from hotline.rehearsal.under_test_live import Running, cpu_seconds

pytestmark = [pytest.mark.switch, pytest.mark.asyncio(loop_scope="module")]

FAR_END = "127.0.7.30"
TRUNK = "127.0.7.11"

DIALPLAN = """
exten => _2X.,1,Answer(0,i)
 same => n,Read(KEYS,,2,,1,5)
 same => n,GotoIf($["${KEYS}" = "37"]?right)
 same => n,Hangup()
 same => n(right),MusicOnHold(default,1)
 same => n,Hangup()
[from-trunk](+)
exten => 110,1,Dial(PJSIP/110@far)
 same => n,Hangup()
exten => 12315,1,Set(SHOWN=${FILTER(0-9,${PJSIP_HEADER(read,Diversion,1)}${PJSIP_HEADER(read,History-Info,1)})})
 same => n,Dial(PJSIP/${SHOWN}@far)
 same => n,Hangup()
"""


class Switch(NativeQueue):
    """The benchmark's native queue, with a trunk to a far end beside it."""

    far_port = 0

    def _pjsip(self, port: int) -> str:
        return (
            super()._pjsip(port)
            + "[far]\ntype=endpoint\ncontext=default\naors=far\ndisallow=all\nallow=alaw\ndirect_media=no\n"
            + f"[far]\ntype=aor\ncontact=sip:{FAR_END}:{self.far_port}\n"
        )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def switch(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Switch, Running]]:
    system = Switch(
        tmp_path_factory.mktemp("asterisk"),
        seats=20,
        ring_s=1,
        trunk_address=TRUNK,
        dialplan=DIALPLAN,
        modules=(*MODULES, "app_read"),
    )
    system.far_port = free_port(FAR_END)
    running = await system.start()
    yield system, running
    await system.stop()


@pytest.fixture
def carrier(switch: tuple[Switch, Running]) -> Iterator[Carrier]:
    with Carrier(TRUNK, switch=switch[1].sip) as one:
        yield one


async def test_twenty_calls_to_twenty_registered_phones_are_answered_joined_and_measured(
    switch: tuple[Switch, Running], carrier: Carrier
) -> None:
    running = switch[1]
    before = cpu_seconds(running.switch_pids)
    async with Phones(
        running.seats, running.sip, unregisters=True, manner=Manner(talk_s=Fixed(3.0))
    ) as phones:  # all twenty talk at once, so each of them has another phone
        placed = await carrier.place(Plan(20, 40, (Dialled("12345"),)))
        calls = join(placed.legs, phones.legs())
    found = summarise(calls)
    assert placed.complaint is None
    assert (found.offered, found.answered, found.lost) == (20, 20, 0)
    assert found.queue_delay_s is not None
    assert found.queue_delay_s.count == 20
    # two programs tell when they handled what: the second may be the quicker by less than a millisecond
    assert -0.005 < found.queue_delay_s.p50 < 0.5
    assert {call.phones[0].called for call in calls} == {seat.number for seat in running.seats}
    assert all(call.person is not None and call.person.ended_by == "phone" for call in calls)
    assert all(call.caller.ended_by == "switch" for call in calls)
    assert cpu_seconds(running.switch_pids) > before


async def test_callers_known_beforehand_come_and_go_at_their_times(
    switch: tuple[Switch, Running], carrier: Carrier
) -> None:
    running = switch[1]
    callers = [
        Told(0.0, Dialled("12345"), None, 1.5),
        Told(0.9, Dialled("12345"), None, 0.5),
        Told(1.0, Dialled("12345"), 0.4, 9.0),
    ]
    async with Phones(running.seats[:2], running.sip, unregisters=True, manner=Manner()) as phones:
        placed = await carrier.place_told(callers, phones=[phones], limit_s=20)
        first, second, third = sorted(placed.legs, key=lambda leg: leg.began)
    assert second.began - first.began == pytest.approx(0.9, abs=0.15)
    assert third.began - second.began == pytest.approx(0.1, abs=0.1)
    assert first.person is not None
    assert first.ended is not None
    assert first.ended - first.person == pytest.approx(1.5, abs=0.3)
    assert second.person is not None
    assert (third.person, third.ended_by) == (None, "caller")


async def test_a_wrong_secret_does_not_register(switch: tuple[Switch, Running]) -> None:
    running = switch[1]
    with pytest.raises(RuntimeError, match=r"1 of 1 seats did not register.*refused with 401"):
        async with Phones([SeatLogin("1001", "wrong")], running.sip):
            pass


async def test_a_busy_phones_call_goes_on_to_the_next(
    switch: tuple[Switch, Running], carrier: Carrier
) -> None:
    running = switch[1]
    async with (
        Phones(running.seats[:19], running.sip, unregisters=True, manner=BUSY) as busy,
        Phones(running.seats[19:], running.sip, unregisters=True, manner=Manner(talk_s=Fixed(0.1))) as free,
    ):
        placed = await carrier.place(Plan(1, 1, (Dialled("12345"),), patience_s=Fixed(25)), phones=[free])
        (call,) = join(placed.legs, busy.legs() + free.legs())
    assert call.person is not None
    assert call.person.called == "1020"
    refused = [leg for leg in call.phones if leg is not call.person]
    assert all((leg.code, leg.ended_by) == (486, "phone") for leg in refused)


async def test_a_caller_who_hangs_up_while_it_rings_is_abandoned_and_the_ring_is_cancelled(
    switch: tuple[Switch, Running], carrier: Carrier
) -> None:
    running = switch[1]
    async with Phones(running.seats, running.sip, unregisters=True, manner=NEVER_ANSWERS) as phones:
        placed = await carrier.place(Plan(4, 20, (Dialled("12345"),), patience_s=Fixed(0.3)))
        calls = join(placed.legs, await phones.quiet())
    assert summarise(calls).abandoned == 4
    assert [call.phones[0].code for call in calls] == [487] * 4


async def test_a_caller_whom_a_person_answered_has_patience_for_the_talk(
    switch: tuple[Switch, Running], carrier: Carrier
) -> None:
    running = switch[1]
    async with Phones(
        running.seats, running.sip, unregisters=True, manner=Manner(ring_s=Fixed(0.2))
    ) as phones:
        plan = Plan(2, 20, (Dialled("12345"),), patience_s=Fixed(0.8), talk_s=Fixed(1.5))
        placed = await carrier.place(plan, phones=[phones])
    for leg in placed.legs:
        assert leg.ended_by == "caller"
        assert leg.person is not None
        assert leg.ended is not None
        assert leg.ended - leg.person == pytest.approx(1.5, abs=0.2)


async def test_the_callers_200_and_486_of_a_far_end_reach_both_logs(
    switch: tuple[Switch, Running], carrier: Carrier
) -> None:
    port = switch[0].far_port
    async with FarEnd(FAR_END, port, manner=Manner(talk_s=Fixed(0.1))) as police:
        (leg,) = (await carrier.place(Plan(1, 1, (Dialled("110"),)))).legs
        (far,) = await police.quiet()
    assert (leg.code, leg.ended_by) == (200, "switch")
    assert (far.caller, far.called, far.ended_by) == (leg.caller, "110", "phone")
    async with FarEnd(FAR_END, port, manner=BUSY):
        (leg,) = (await carrier.place(Plan(1, 1, (Dialled("110"),)))).legs
    assert leg.code == 486


async def test_a_caller_gives_up_ringing_with_cancel(
    switch: tuple[Switch, Running], carrier: Carrier
) -> None:
    async with FarEnd(FAR_END, switch[0].far_port, manner=NEVER_ANSWERS) as police:
        (leg,) = (await carrier.place(Plan(1, 1, (Dialled("110"),), rings_s=Fixed(0.5)))).legs
        (far,) = await police.quiet()
    assert (leg.code, leg.ended_by, far.code) == (487, "caller", 487)


@pytest.mark.parametrize(
    ("how", "shown"),
    [
        (Forwarding.DIVERSION, "12316"),
        (Forwarding.JOINED, "1231612315"),
        (Forwarding.HISTORY, "1231511231611"),
    ],
)
async def test_the_switch_reads_the_forwarding_headers_that_the_plan_gives(
    switch: tuple[Switch, Running], carrier: Carrier, how: Forwarding, shown: str
) -> None:
    dialled = Dialled("12315", headers=forwarded(["12315", "12316"], how))
    async with FarEnd(FAR_END, switch[0].far_port, manner=BUSY) as far:
        await carrier.place(Plan(1, 1, (dialled,)))
        assert [leg.called for leg in far.legs()] == [shown]


async def test_feature_codes_are_dialled_by_digest_and_their_answers_reported(
    switch: tuple[Switch, Running],
) -> None:
    running = switch[1]
    async with Phones(running.seats[:4], running.sip, unregisters=True) as phones:
        signed = await phones.sign_on(
            {seat.number: ("80" + seat.number, "1234") for seat in running.seats[:4]}
        )
        unknown = await phones.dial("1001", "99")
    assert (signed[0].called, signed[0].ended_by) == ("*11*801001*1234", "switch")
    assert len(signed) == 4
    assert unknown.code == 404


async def test_an_unplugged_phone_answers_nothing_until_it_is_plugged_in(
    switch: tuple[Switch, Running], carrier: Carrier
) -> None:
    running = switch[1]
    plan = Plan(1, 1, (Dialled("12345"),), patience_s=Fixed(0.4))
    async with Phones(
        running.seats, running.sip, unregisters=True, manner=Manner(talk_s=Fixed(0.1))
    ) as phones:
        await phones.unplug()
        deaf = join((await carrier.place(plan)).legs, phones.legs())
        await phones.plug_in()
        heard = join((await carrier.place(plan, phones=[phones])).legs, phones.legs())
    assert summarise(deaf).abandoned == 1
    assert summarise(heard).answered == 1


async def test_the_softphone_hears_the_queues_music_and_then_the_seats_tone_without_a_gap(
    switch: tuple[Switch, Running], tmp_path: Path
) -> None:
    running = switch[1]
    write_wav(tmp_path / "seat.wav", tone(800, 1.0))
    manner = Manner(ring_s=Fixed(0.7), talk_s=Fixed(1.0), sound=tmp_path / "seat.wav")
    async with (
        Phones(running.seats, running.sip, unregisters=True, manner=manner),
        Softphone(running.sip, bind=TRUNK, plays=tmp_path / "seat.wav") as caller,
    ):
        await caller.dial("12345")
        await caller.ended()
        recording = caller.heard()
    pitches = [round(window.hertz, -2) for window in recording.windows if window.heard is Heard.TONE]
    assert pitches.count(400) >= 4  # the music is a tone of 440 Hz
    assert pitches.count(800) >= 6
    assert recording.silence_s < 0.4


async def test_the_softphone_registers_answers_hears_the_caller_and_hangs_up(
    switch: tuple[Switch, Running], carrier: Carrier, tmp_path: Path
) -> None:
    running = switch[1]
    write_wav(tmp_path / "caller.wav", tone(600, 1.0))
    async with Softphone(running.sip, running.seats[4], bind="127.0.7.52") as phone:
        plan = Plan(1, 1, (Dialled("12345"),), sound=tmp_path / "caller.wav")
        placing = asyncio.create_task(carrier.place(plan))
        number = await phone.incoming()
        await phone.answer()
        await heard(phone, 600.0)
        await phone.hang_up()
        (leg,) = (await placing).legs
    assert (number, leg.ended_by) == (leg.caller, "switch")


async def heard(phone: Softphone, hertz: float) -> None:
    """Wait until 300 ms of a tone have been heard."""
    async with asyncio.timeout(5):
        while True:
            windows = phone.heard().windows
            if sum(abs(window.hertz - hertz) <= 20 and window.heard is Heard.TONE for window in windows) >= 3:
                return
            await asyncio.sleep(0.05)


@pytest.mark.parametrize(("keys", "music"), [("37", True), ("73", False)])
async def test_the_keys_that_the_softphone_presses_reach_the_switch(
    switch: tuple[Switch, Running], keys: str, music: bool
) -> None:
    running = switch[1]
    async with Softphone(running.sip, running.seats[5], bind="127.0.7.52") as phone:
        await phone.dial("200")
        await phone.press(keys)
        await phone.ended()
        tones = [window for window in phone.heard().windows if window.heard is Heard.TONE]
    assert (len(tones) >= 8) is music


async def test_a_cancelled_run_leaves_no_process(switch: tuple[Switch, Running], carrier: Carrier) -> None:
    running = switch[1]
    phones = Phones(running.seats, running.sip, unregisters=True, manner=NEVER_ANSWERS)
    await phones.start()
    placing = asyncio.create_task(carrier.place(Plan(1, 1, (Dialled("12345"),))))
    await phones.rung(1)
    assert [place for place in workplaces() if place.is_relative_to(carrier.scratch.path)]
    placing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await placing
    await phones.stop()
    assert not [place for place in workplaces() if place.is_relative_to(carrier.scratch.path)]
    assert not [place for place in workplaces() if place.is_relative_to(phones.scratch.path)]


def workplaces() -> list[Path]:
    """The working directories of all processes: SIPp works in its run's own."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            found.append((process / "cwd").readlink())
    return found


async def test_a_sipp_that_cannot_work_says_why_on_one_line(switch: tuple[Switch, Running]) -> None:
    running = switch[1]
    async with Phones(running.seats[:1], running.sip, unregisters=True) as phones:
        second = FarEnd(phones.bind[0], phones.bind[1])
        with pytest.raises(RuntimeError, match=r"sipp: farend: .*Address already in use") as fault:
            await second.start()
        await second.stop()
    assert "\n" not in str(fault.value)
