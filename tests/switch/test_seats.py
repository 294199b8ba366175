"""Seats at work: sign on and off from the phone itself, phones that are gone, ring out, refuse; what a caller hears."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from acd.agents import Activity, Presence
from hotline.city import City
from hotline.rehearsal.baresip_live import Recording, Softphone
from hotline.rehearsal.manners import BUSY, DECLINES, NEVER_ANSWERS, Dialled, Fixed, Manner, Plan
from hotline.rehearsal.phones_live import Phones
from hotline.rehearsal.results import Leg
from hotline.rehearsal.sound import Heard, Samples, read_wav, tone, write_wav
from ivr.prompts import sound
from tests.switch.conftest import PIN, Town, city_text, moved, town

pytestmark = [pytest.mark.switch, pytest.mark.asyncio(loop_scope="module")]

RING_S = 4
ONE_CALL = Plan(1, 1, (Dialled("12345"),), rings_s=Fixed(30), patience_s=Fixed(60), talk_s=Fixed(60))
TALKS = Manner(talk_s=Fixed(0.2))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def here() -> AsyncIterator[Town]:
    text = moved(city_text("zhengzhou")).replace("ring_seconds = 20", f"ring_seconds = {RING_S}", 1)
    text = text.replace(
        '[[seats]]\nfirst = "8001"',
        '[[seats]]\nfirst = "8901"\nauto_answer = true\n\n[[seats]]\nfirst = "8001"',
        1,
    )
    # a contact is taken as the phone names it: these phones register from other ports than they listen at
    text = re.sub(r"(\[\[seats\]\]\nfirst = .*\n)", r"\1nat = false\n", text)
    async with town(City.read(text, "zhengzhou")) as here:
        yield here


@asynccontextmanager
async def at_work(here: Town, people: dict[str, str], manner: Manner = TALKS) -> AsyncIterator[Phones]:
    """Phones of their own for these people (seat: agent), signed on; signed off and unregistered afterwards."""
    async with Phones(here.logins(people), here.sip, manner=manner) as phones:
        try:
            await here.sign_on(phones, list(people.items()))
            yield phones
        finally:
            await gone_home(here, phones, people)


async def gone_home(here: Town, phones: Phones, people: dict[str, str]) -> None:
    """Everybody signed off and every phone unregistered."""
    agents = here.platform.service.engine.state.agents
    busy = {Activity.TALKING, Activity.RINGING}
    await here.until(
        lambda: not any(a in agents and agents[a].activity in busy for a in people.values()), "calls over", 20
    )
    await phones.dial_all([(seat, "*10") for seat in people])
    await phones.register(0)
    await here.until(lambda: not agents.keys() & set(people.values()), "signed off")
    await here.until(lambda: not here.platform.service.engine.state.reachable & people.keys(), "unregistered")


def prompt(here: Town, name: str) -> Samples:
    """The recording of a prompt, by its name or its text."""
    return read_wav(here.platform.switch.settings.sounds / f"{sound(name)}.wav")[0]


def likeness(heard: Samples, wanted: Samples) -> float:
    """The best correlation of ``wanted`` with any stretch of ``heard``: 1 is the same sound, 0 another."""
    said, asked = heard.astype(np.float64), wanted.astype(np.float64)
    if len(said) < len(asked):
        said = np.pad(said, (0, len(asked) - len(said)))
    size = 1 << (len(said) + len(asked)).bit_length()
    product = np.fft.irfft(np.fft.rfft(said, size) * np.conj(np.fft.rfft(asked, size)), size)
    sums = np.concatenate(([0.0], np.cumsum(said**2)))
    lags = len(said) - len(asked) + 1
    energy = sums[len(asked) :][:lags] - sums[:lags]
    return float(np.max(product[:lags] / np.sqrt(np.maximum(energy, 1.0) * np.sum(asked**2))))


WORDS = (
    *("signed-on", "signed-off", "on-break", "back", "no-wrap-up", "not-signed-on", "reason-unknown"),
    *("wrong-pin", "agent-locked", "unknown-code", "desk-unreachable"),
)
"""what a phone may be told in answer to a feature code"""


def said(here: Town, recording: Recording, name: str) -> bool:
    """Whether this prompt was heard, and more of it than of any other."""
    shares = {word: share_heard(recording.samples, prompt(here, word)) for word in {name, *WORDS}}
    return shares[name] >= 0.5 and max(shares, key=lambda word: shares[word]) == name


def share_heard(heard: Samples, wanted: Samples) -> float:
    """How much of a prompt was heard, by thirds of a second: a packet that comes late moves what follows it, so the
    whole is not compared at once."""
    piece = 2400
    starts = range(0, len(wanted) - piece, piece // 2)
    return sum(likeness(heard, wanted[start : start + piece]) > 0.8 for start in starts) / len(starts)


async def dialled(phone: Softphone, code: str) -> Recording:
    """Dial a feature code and listen to its end."""
    await phone.dial(code)
    await phone.ended(within_s=20)
    return phone.heard()


# ── signing on and off ───────────────────────────────────────────────────────────────────────────────────────


async def test_an_agent_signs_on_and_off_by_codes_and_hears_each_confirmed(here: Town) -> None:
    state = here.platform.service.engine.state
    async with Softphone(here.sip, here.logins(["8101"])[0], bind="127.8.0.101") as phone:
        heard = await dialled(phone, f"*11*1101*{PIN}")
        assert said(here, heard, "signed-on")
        assert not said(here, heard, "signed-off")
        assert state.agents["1101"].seat == "8101"
        heard = await dialled(phone, "*12*2")
        assert said(here, heard, "on-break")
        assert (state.agents["1101"].presence, state.agents["1101"].break_reason) == (Presence.ON_BREAK, "2")
        assert said(here, await dialled(phone, "*127"), "reason-unknown")
        assert said(here, await dialled(phone, "*13"), "back")
        assert state.agents["1101"].presence is Presence.READY
        assert said(here, await dialled(phone, "*14"), "no-wrap-up")
        assert said(here, await dialled(phone, "*10"), "signed-off")
        assert "1101" not in state.agents
        assert said(here, await dialled(phone, "*10"), "not-signed-on")


async def test_a_phone_that_only_dials_the_code_is_asked_and_answers_by_keys(here: Town) -> None:
    state = here.platform.service.engine.state
    async with Softphone(here.sip, here.logins(["8102"])[0], bind="127.8.0.102") as phone:
        await phone.dial("*11")
        await phone.press("1102#")
        await phone.press(f"{PIN}#")
        await phone.ended(within_s=20)
        heard = phone.heard()
        assert said(here, heard, "signed-on")
        assert state.agents["1102"].seat == "8102"
        await phone.dial("*12")
        await phone.press("1")
        await phone.ended(within_s=20)
        assert said(here, phone.heard(), "on-break")
        assert state.agents["1102"].break_reason == "1"
        await dialled(phone, "*10")


async def test_a_wrong_pin_is_refused_in_speech_and_the_fifth_locks_the_agent(here: Town) -> None:
    state = here.platform.service.engine.state
    async with Softphone(here.sip, here.logins(["8103"])[0], bind="127.8.0.103") as phone:
        for _ in range(5):
            heard = await dialled(phone, "*11*1103*9999")
            assert said(here, heard, "wrong-pin")
            assert "1103" not in state.agents
        assert said(here, await dialled(phone, f"*11*1103*{PIN}"), "agent-locked")
        assert "1103" not in state.agents
        assert said(here, await dialled(phone, f"*11*1104*{PIN}"), "signed-on")
        await dialled(phone, "*10")


async def test_neither_pin_nor_secret_stands_in_the_switchs_log_or_the_journal(here: Town) -> None:
    async with Phones(here.logins(["8105"]), here.sip) as phones:
        await phones.dial("8105", "*11*1105*987654")
        await phones.register(0)
    home = here.platform.place.home
    texts = [here.platform.switch.settings.log.read_bytes()]
    texts += [path.read_bytes() for path in home.glob("journal*/**/*") if path.is_file()]
    assert len(texts) > 1
    secret = here.logins(["8105"])[0].secret.encode()
    assert not any(b"987654" in text or secret in text for text in texts)


# ── who is offered a call ────────────────────────────────────────────────────────────────────────────────────


async def test_on_a_break_no_call_comes_and_back_brings_the_one_that_waits(here: Town) -> None:
    async with at_work(here, {"8001": "1001"}) as phones:
        await phones.dial("8001", "*12*1")
        with here.carrier("unicom", 13_900_000_000) as carrier:
            placing = asyncio.create_task(carrier.place(ONE_CALL))
            await here.until(
                lambda: here.platform.service.engine.state.waiting["12345"] == 1, "a caller waits"
            )
            assert phones.legs() == []
            await phones.dial("8001", "*13")
            (leg,) = (await placing).legs
    record = await here.record_of(leg.caller, 40)
    assert (record.disposition, record.agent, record.seat) == ("answered", "1001", "8001")


async def test_the_end_of_wrap_up_by_code_brings_the_next_call_at_once(here: Town) -> None:
    plan = Plan(2, 20, (Dialled("12345"),), patience_s=Fixed(60))
    async with at_work(here, {"8002": "1002"}) as phones:
        with here.carrier("unicom", 13_900_000_010) as carrier:
            placing = asyncio.create_task(carrier.place(plan))
            await here.until(lambda: here.agent("1002").activity is Activity.WRAP_UP, "wrap-up", 20)
            assert len(phones.legs()) == 1
            before = here.platform.service.clock.now()
            await phones.dial("8002", "*14")
            first, second = (await placing).legs
        assert [leg.caller for leg in phones.legs()] == [first.caller, second.caller]
        record = await here.record_of(first.caller)
    late = await here.record_of(second.caller)
    assert record.wrap_up_ended is not None
    assert record.wrap_up_ended - before < 5000
    assert late.seat_answered is not None
    assert 0 <= late.seat_answered - record.wrap_up_ended < 5000


async def test_a_phone_that_is_not_registered_is_offered_nothing(here: Town) -> None:
    async with at_work(here, {"8003": "1003"}) as gone, at_work(here, {"8004": "1004"}) as there:
        await gone.register(0)
        await here.until(lambda: not here.agent("1003").reachable, "the seat is known to be unreachable")
        legs = await calls(here, 13_900_000_020, 2, there)
        assert gone.legs() == []
        assert {leg.caller for leg in there.legs()} == {leg.caller for leg in legs}
        await gone.register()
        await here.until(lambda: here.agent("1003").reachable, "reachable again")


async def test_a_phone_that_died_is_found_out_and_offered_nothing_until_it_is_back(here: Town) -> None:
    async with at_work(here, {"8005": "1005"}) as dead, at_work(here, {"8006": "1006"}) as there:
        await dead.unplug()
        # OPTIONS go out every 15 s, and have 3 s to be answered
        await here.until(lambda: not here.agent("1005").reachable, "the dead phone is found out", 25)
        legs = await calls(here, 13_900_000_030, 2, there)
        assert all(leg.called == "8006" for leg in there.legs())
        assert {leg.caller for leg in there.legs()} == {leg.caller for leg in legs}
        assert dead.legs() == []
        await dead.plug_in()
        await here.until(lambda: here.agent("1005").reachable, "the phone is back", 25)


async def calls(here: Town, first: int, count: int, phones: Phones) -> list[Leg]:
    """So many calls at once to 12345; the agents' wrap-up is ended by code as each becomes free."""
    plan = Plan(count, 20, (Dialled("12345"),), patience_s=Fixed(60))
    with here.carrier("unicom", first) as carrier:
        placing = asyncio.create_task(carrier.place(plan))
        state = here.platform.service.engine.state
        while not placing.done():
            await asyncio.wait({placing}, timeout=0.1)
            for seat in phones.seats:
                agent = state.agent_at(seat)
                if agent is not None and agent.activity is Activity.WRAP_UP:
                    await phones.dial(seat, "*14")
        return list((await placing).legs)


async def test_a_seat_that_rings_out_rests_and_its_call_keeps_the_place_at_the_head(here: Town) -> None:
    plan = Plan(2, 2, (Dialled("12345"),), patience_s=Fixed(60))
    async with at_work(here, {"8007": "1007"}, NEVER_ANSWERS) as asleep:
        with here.carrier("unicom", 13_900_000_040) as carrier:
            placing = asyncio.create_task(carrier.place(plan))
            await asleep.rung(1, within_s=15)
            await here.until(lambda: here.agent("1007").activity is Activity.RESTING, "the seat rests", 15)
            async with at_work(here, {"8008": "1008"}) as awake:
                await awake.rung(1)
                await here.until(
                    lambda: here.agent("1008").activity is Activity.WRAP_UP, "the first call is over"
                )
                await awake.dial("8008", "*14")
                first, second = (await placing).legs
                assert [leg.caller for leg in awake.legs()] == [first.caller, second.caller]
        (rang,) = asleep.legs()
        assert (rang.caller, rang.code) == (first.caller, 487)
        assert rang.ended is not None
        assert rang.ended - rang.began == pytest.approx(RING_S, abs=0.7)
        record = await here.record_of(first.caller, 40)
        assert (record.rings, record.agent) == (2, "1008")
        await asleep.dial("8007", "*13")
        assert here.agent("1007").activity is not Activity.RESTING


@pytest.mark.parametrize(("number", "manner"), [(0, BUSY), (1, DECLINES)], ids=["busy", "declines"])
async def test_a_phone_that_refuses_rests_and_the_call_goes_to_another_at_once(
    here: Town, number: int, manner: Manner
) -> None:
    # the lower agent's number is asked first when all have been idle equally long: the refusing one signs on first
    async with (
        at_work(here, {f"80{30 + number}": f"{1030 + number}"}, manner) as refusing,
        at_work(here, {f"80{40 + number}": f"{1040 + number}"}) as free,
    ):
        with here.carrier("unicom", 13_900_000_050 + number) as carrier:
            (leg,) = (await carrier.place(ONE_CALL)).legs
        (refused,), (taken,) = refusing.legs(), free.legs()
        assert refused.ended_by == "phone"
        assert refused.ended is not None
        assert 0 <= taken.began - refused.ended < 0.5
        assert here.agent(f"{1030 + number}").activity is Activity.RESTING
        assert leg.ended_by == "switch"


# ── what the phone and the caller meet ───────────────────────────────────────────────────────────────────────


class BarePhone(asyncio.DatagramProtocol):
    """A socket that keeps what it is sent, answers OPTIONS, and is busy."""

    def __init__(self) -> None:
        self.invited: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._send: Callable[[bytes, tuple[str, int]], None] = lambda _data, _to: None

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._send = transport.sendto

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        text = data.decode()
        method = text.split(" ", 1)[0]
        status = {"OPTIONS": "200 OK", "INVITE": "486 Busy Here"}.get(method)
        if method == "INVITE" and not self.invited.done():
            self.invited.set_result(text)
        if status is not None:
            kept = re.findall(r"^(?:Via|From|Call-ID|CSeq): .*$", text, re.MULTILINE)
            to = re.search(r"^To: .*$", text, re.MULTILINE)
            lines = [f"SIP/2.0 {status}", *(line.strip() for line in kept)]
            lines += [f"{to[0].strip()};tag=bare" if to else "", "Content-Length: 0", "", ""]
            self._send("\r\n".join(lines).encode(), addr)


@pytest.mark.parametrize(("seat", "asked"), [("8901", True), ("8050", False)])
async def test_the_phone_is_told_caller_and_line_and_asked_to_answer_only_if_the_seat_wants_it(
    here: Town, seat: str, asked: bool
) -> None:
    agent = "1150" if asked else "1149"
    loop = asyncio.get_running_loop()
    async with at_work(here, {seat: agent}, BUSY) as phones:
        await phones.unplug()
        phones._undeafen()
        transport, bare = await loop.create_datagram_endpoint(BarePhone, local_addr=phones.bind)
        try:
            plan = Plan(1, 1, (Dialled("12315"),), patience_s=Fixed(5))
            with here.carrier("unicom", 13_900_000_060 + asked) as carrier:
                placing = asyncio.create_task(carrier.place(plan))
                invite = await asyncio.wait_for(bare.invited, 15)
                (leg,) = (await placing).legs
        finally:
            transport.close()
        await asyncio.sleep(0)  # a transport gives its port back in the loop's next turn
        await phones.plug_in()
    assert ("answer-after=0" in invite) is asked
    assert ("info=alert-autoanswer;delay=0" in invite) is asked
    origin = re.search(r"^From: (.*)$", invite, re.MULTILINE)
    assert origin is not None
    assert f"sip:{leg.caller}@" in origin[1]
    assert re.match(r'"12315.消费维权热线"', origin[1])


async def test_a_caller_never_hears_silence_from_the_greeting_to_the_seats_voice(
    here: Town, tmp_path: Path
) -> None:
    write_wav(tmp_path / "seat.wav", tone(800, 1.0))
    (greeting,) = here.platform.city.setup().queues["12345"].greeting
    async with Softphone(here.sip, bind=here.far("unicom")[0], caller="13900000070") as caller:
        await caller.dial("12345")
        await here.until(
            lambda: here.platform.service.engine.state.waiting["12345"] == 1, "the caller waits", 15
        )
        async with at_work(here, {"8060": "1060"}, NEVER_ANSWERS) as asleep:
            await asleep.rung(1)
            await here.until(lambda: here.agent("1060").activity is Activity.RESTING, "the seat rests", 15)
            manner = Manner(ring_s=Fixed(1.5), talk_s=Fixed(2.0), sound=tmp_path / "seat.wav")
            async with at_work(here, {"8061": "1061"}, manner):
                await caller.ended(within_s=20)
        heard = caller.heard()
    assert said(here, heard, greeting)
    tail = heard.windows[-15:]
    assert sum(window.heard is Heard.TONE and abs(window.hertz - 800) <= 20 for window in tail) >= 10
    # the pauses between words are a third of a second; the first packet takes a moment
    assert heard.silence_s < 0.8
    assert heard.call_s > RING_S + 4
