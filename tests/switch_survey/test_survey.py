"""The survey on the real switch: grades by key, an open answer, and the end of whoever is not asked, or has nobody to ask him."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import pytest
import pytest_asyncio

from acd.agents import Activity
from acd.calls import CallState
from acd.messages import CallerBarred, CallRecord, SignOffAsked, SignOnAsked
from acd.rating import Step
from hotline.city import City
from hotline.rehearsal.baresip_live import Softphone
from hotline.rehearsal.farend_live import FarEnd
from hotline.rehearsal.manners import Dialled, Fixed, Manner, Plan
from hotline.rehearsal.phones_live import Phones
from hotline.rehearsal.sound import read_wav, tone, write_wav
from ivr.prompts import sound
from tests.switch.conftest import Town, city_text, moved, town
from tests.switch_gone.running import hotline_run

pytestmark = [pytest.mark.switch, pytest.mark.asyncio(loop_scope="module")]

NET = "127.37.0"
TALK_S = 1.2
SURVEY = """\
[survey]
default = true
min_talk_seconds = 1
wait_seconds = 1
open_after = [1, 2]
open_seconds = 20
silence_seconds = 1
ask = "请评价"
wrong = "错了"
open_ask = "请说"
thanks = "谢谢"
farewell = "再见"

[nuisance]
notice = "已停用"
"""


def survey_text() -> str:
    """Zhengzhou with a survey of few words, on addresses of these tests' own."""
    text = moved(city_text("zhengzhou"), NET)
    text = text.replace('number = "12315"\n', 'number = "12315"\nsurvey = false\n')
    text = text.replace('greeting = ["您好，郑州12345，请稍候。"]', "greeting = []")
    # the one agent may keep the list of nuisance callers
    text = text.replace(
        '[[agents]]\nfirst = "1001"\ncount = 130\n',
        '[[agents]]\nfirst = "1001"\nrole = "supervisor"\ncount = 130\n',
    )
    head, _, rest = text.partition("[survey]\n")
    _, _, rest = rest.partition("\n\n")
    # a contact is taken as the phone names it: these phones register from other ports than they listen at
    return re.sub(r"(\[\[seats\]\]\nfirst = .*\n)", r"\1nat = false\n", f"{head}{SURVEY}\n{rest}")


@dataclass
class Desk:
    """A town with one agent at one phone, who talks for a second, hangs up, and has nothing to write."""

    town: Town
    phones: Phones


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk() -> AsyncIterator[Desk]:
    manner = Manner(talk_s=Fixed(TALK_S))
    city = City.read(survey_text(), "zhengzhou")
    (centre,) = next(trunk.peers for trunk in city.trunks() if trunk.name == "emergency")
    async with (
        FarEnd(str(centre.host), centre.port or 0, manner=Manner(talk_s=Fixed(0.5))),
        town(city) as here,
        Phones(here.logins(["8001"]), here.sip, manner=manner) as phones,
    ):
        await here.sign_on(phones, [("8001", "1001")])
        here.end_wrap_up_at_once()
        yield Desk(here, phones)


@pytest.fixture
def here(desk: Desk) -> Town:
    return desk.town


async def asked(here: Town, step: Step, caller: str) -> None:
    """Wait until the caller is at this step of the survey."""

    def there() -> bool:
        calls = here.platform.service.engine.state.calls.values()
        return any(call.caller == caller and call.asking == step for call in calls)

    await here.until(there, f"{caller} at {step}", 20)


def caller(here: Town, number: str, plays: Path | None = None) -> Softphone:
    return Softphone(here.sip, bind=here.far("unicom")[0], caller=number, plays=plays)


async def test_a_grade_is_kept_and_the_seat_is_free_long_before_the_caller_is(here: Town) -> None:
    async with caller(here, "13900370001") as phone:
        await phone.dial("12345")
        await asked(here, Step.RATING, "13900370001")
        (call,) = [c for c in here.platform.service.engine.state.calls.values() if c.caller == "13900370001"]
        assert call.state is CallState.ASKED
        await here.until(lambda: here.agent("1001").activity is Activity.IDLE, "the seat is free")
        assert call.state is CallState.ASKED
        await phone.press("2")
        await phone.ended()
        record = await here.record_of("13900370001")
    assert (record.disposition, record.asked, record.rating, record.opinion) == ("answered", True, 4, None)
    assert record.ended is not None
    assert record.wrap_up_ended is not None
    assert 0 <= record.wrap_up_ended - record.ended < 500


async def test_a_wrong_key_is_asked_once_more_and_silence_ends_it_politely(here: Town) -> None:
    async with caller(here, "13900370002") as phone:
        await phone.dial("12345")
        await asked(here, Step.RATING, "13900370002")
        await phone.press("9")
        await asked(here, Step.AGAIN, "13900370002")
        await asked(here, Step.FAREWELL, "13900370002")
        await phone.ended()
        record = await here.record_of("13900370002", 40)
    assert (record.disposition, record.asked, record.rating) == ("answered", True, None)


async def test_what_a_dissatisfied_caller_says_is_recorded_until_the_hash_key(
    here: Town, tmp_path: Path
) -> None:
    write_wav(tmp_path / "says.wav", tone(900, 1.0))
    async with caller(here, "13900370003", tmp_path / "says.wav") as phone:
        await phone.dial("12345")
        await asked(here, Step.RATING, "13900370003")
        await phone.press("5")
        await asked(here, Step.RECORDING, "13900370003")
        (call,) = [c for c in here.platform.service.engine.state.calls.values() if c.caller == "13900370003"]
        path = here.platform.place.home / "opinions" / f"{call.call}.wav"
        await here.until(lambda: path.exists() and path.stat().st_size > 2 * 16_000, "2 s are recorded", 20)
        await phone.press("#")
        await asked(here, Step.THANKS, "13900370003")
        await phone.ended()
        record = await here.record_of("13900370003", 40)
    assert (record.rating, record.opinion) == (1, path.name)
    samples, rate = read_wav(path)
    heard = np.abs(np.fft.rfft(samples.astype(float)))
    assert heard.argmax() * rate / len(samples) == pytest.approx(900, abs=10)


async def test_one_who_says_nothing_leaves_no_file_and_one_who_hangs_up_leaves_what_he_said(
    here: Town, tmp_path: Path
) -> None:
    write_wav(tmp_path / "says.wav", tone(900, 1.0))
    opinions = here.platform.place.home / "opinions"
    async with caller(here, "13900370004") as phone:
        await phone.dial("12345")
        await asked(here, Step.RATING, "13900370004")
        await phone.press("4")
        await asked(here, Step.THANKS, "13900370004")
        await phone.ended()
        silent = await here.record_of("13900370004", 40)
    async with caller(here, "13900370005", tmp_path / "says.wav") as phone:
        await phone.dial("12345")
        await asked(here, Step.RATING, "13900370005")
        await phone.press("5")
        await asked(here, Step.RECORDING, "13900370005")
        (call,) = [c for c in here.platform.service.engine.state.calls.values() if c.caller == "13900370005"]
        path = opinions / f"{call.call}.wav"
        await here.until(lambda: path.exists() and path.stat().st_size > 2 * 16_000, "2 s are recorded", 20)
        await phone.hang_up()
        spoken = await here.record_of("13900370005", 40)
    assert (silent.asked, silent.rating, silent.opinion) == (True, 2, None)
    assert (spoken.rating, spoken.opinion) == (1, path.name)
    assert path.stat().st_size > 2 * 16_000
    assert not (opinions / f"{silent.call}.wav").exists()


async def test_without_a_question_the_caller_is_gone_as_soon_as_the_seat(desk: Desk) -> None:
    here, calls = desk.town, 8
    before = len(await desk.phones.quiet())
    with here.carrier("unicom", 13_900_370_100) as carrier:
        # a line of a department's that is not asked about
        plan = Plan(calls, 5, (Dialled("12315"),), patience_s=Fixed(60))
        legs = {leg.caller: leg for leg in (await carrier.place(plan)).legs}
    at_seat = (await desk.phones.quiet())[before:]
    assert len(at_seat) == calls
    late = [legs[leg.caller].ended - leg.ended for leg in at_seat if leg.ended]  # type: ignore[operator]
    assert {leg.ended_by for leg in at_seat} == {"phone"}
    assert {legs[leg.caller].ended_by for leg in at_seat} == {"switch"}
    assert median(late) < 0.05, late
    await here.until(lambda: sum(r.caller.startswith("139003701") for r in here.records) == calls, "records")
    told = [record for record in here.records if record.caller.startswith("139003701")]
    assert {(record.disposition, record.asked) for record in told} == {("answered", False)}


async def test_who_hangs_up_first_is_asked_nothing(here: Town) -> None:
    async with caller(here, "13900370200") as phone:
        await phone.dial("12345")
        await here.until(lambda: here.agent("1001").activity is Activity.TALKING, "the two talk")
        await phone.hang_up()
        record: CallRecord = await here.record_of("13900370200")
    assert (record.disposition, record.asked) == ("answered", False)


async def test_a_supervisor_bars_the_last_caller_by_phone_who_then_hears_a_notice_and_is_let_go(
    here: Town,
) -> None:
    state = here.platform.service.engine.state
    async with caller(here, "13900370300") as phone:
        await phone.dial("12315")
        await phone.ended()
        await here.record_of("13900370300")
    last, before = here.agent("1001").last_caller, state.audited
    async with Softphone(here.sip, here.logins(["8002"])[0], bind="127.37.0.102") as unsigned:
        await unsigned.dial("*39")
        await unsigned.press("1")
        await unsigned.ended()
    assert not state.barred, "nobody is signed on at that phone"
    here.platform.service.post(SignOnAsked("8002", "1002", proven=True))
    async with Softphone(here.sip, here.logins(["8002"])[0], bind="127.37.0.102") as supervisor:
        await here.until(lambda: "1002" in state.agents, "signed on")
        await supervisor.dial("*39*8001")
        await supervisor.press("2")
        await supervisor.ended()
        assert not state.barred, "it was not confirmed"
        await supervisor.dial("*39*8001")
        await supervisor.press("1")
        await supervisor.ended()
    here.platform.service.post(SignOffAsked("8002"))
    assert last == "13900370300"
    assert set(state.barred) == {"13900370300"}
    assert state.audited == before + 1
    async with caller(here, "+8613900370300") as phone:
        await phone.dial("12345")
        await phone.ended(within_s=20)
        heard = phone.heard()
    await here.until(lambda: here.records[-1].disposition == "barred", "the record")
    assert here.records[-1].seat_answered is None
    notice, _ = read_wav(here.platform.switch.settings.sounds / f"{sound('已停用')}.wav")
    assert heard.call_s > 0.8 * len(notice) / 8_000
    assert heard.silence_s < 1.0


async def test_a_barred_caller_reaches_an_emergency_centre_all_the_same(here: Town) -> None:
    here.platform.service.post(CallerBarred("13900370400", None, "1001", "a rehearsal"))
    await here.until(lambda: "13900370400" in here.platform.service.engine.state.barred, "barred")
    async with caller(here, "13900370400") as phone:
        await phone.dial("110")
        await phone.ended(within_s=20)
    record = await here.record_of("13900370400")
    assert (record.disposition, record.passed_to) == ("passed", "110")


async def test_with_a_dead_engine_a_caller_whose_seat_hangs_up_is_let_go_and_not_led_to_the_seats_again() -> (
    None
):
    async with hotline_run("127.37.1") as run, run.phones(1, 6.0) as phones:
        await run.sign_on(phones)
        assert run.parent is not None

        async def kill() -> None:
            await run.until(lambda: run.journalled("AgentAnswered") == 1, "the two talk")
            worker = run.worker()
            assert run.parent is not None
            os.kill(run.parent.pid, signal.SIGKILL)
            os.kill(worker, signal.SIGKILL)
            run.parent.wait()

        killing = asyncio.create_task(kill())
        (leg,) = await run.call(1, first=13_900_370_300)
        await killing
        (at_seat,) = await phones.quiet()
    assert (at_seat.ended_by, leg.ended_by) == ("phone", "switch")
    assert at_seat.ended is not None
    assert leg.ended is not None
    assert 1.0 < leg.ended - at_seat.ended < 8.0  # he hears the thanks
    assert "enter " not in run.spool()
