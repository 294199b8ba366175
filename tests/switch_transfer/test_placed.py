"""Third parties and supervisors in calls that a seat placed, on the real switch: its own calls, and call-backs."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from acd.agents import Activity
from acd.messages import (
    CallRecord,
    SignOffAsked,
    SignOnAsked,
    SuperviseAsked,
    SwitchSurveyed,
    TransferAsked,
    WrapUpEndAsked,
)
from acd.parties import Stage
from acd.watches import WatchState
from hotline.city import City
from hotline.rehearsal.baresip_live import Softphone
from hotline.rehearsal.farend_live import FarEnd
from hotline.rehearsal.manners import Fixed, Manner
from hotline.rehearsal.sound import RATE, Samples, longest_silence_s
from tests.switch.conftest import Town, city_text, moved, town
from tests.switch_recording.test_recordings import entries, sound_of
from tests.switch_transfer.trio import (
    AGENT,
    CALLER_HZ,
    OTHER_AGENT,
    OTHER_HZ,
    OTHER_SEAT,
    SEAT,
    SEAT_HZ,
    THIRD_HZ,
    Trio,
    all_hung_up,
    hears,
    sign_on,
    tones,
)

pytestmark = [pytest.mark.switch, pytest.mark.asyncio(loop_scope="module")]
NET, PHONES = "127.39.4", "127.39.5"
PERSON = "13800138000"
BOSS, BOSS_SEAT = "1189", "8103"
CALL_BACK = """
[call_back]
missed = true
from = "00:00"
to = "24:00"
tries = 3
again_minutes = 0.05
ring_seconds = 15
missed_after_seconds = 0
"""


@dataclass
class Placed(Trio):
    """A seat that calls ``caller``, who is at the other end of a carrier's trunk; ``other`` is another seat, ``boss`` a
    supervisor's."""

    boss: Softphone

    async def own_call(self) -> None:
        """The seat dials, the person called picks up."""
        dialling = asyncio.create_task(self.seat.dial(PERSON, within_s=20))
        assert await self.caller.incoming(within_s=20) == "037112345"
        await self.caller.answer(within_s=20)
        await dialling
        await self.talk()

    async def called_back(self) -> None:
        """A caller is missed; a free seat is rung, and calls back."""
        service = self.here.platform.service
        service.post(SignOffAsked(SEAT))
        await self.here.until(lambda: AGENT not in service.engine.state.agents, "nobody is there")
        await self.caller.dial("12345")
        await self.here.until(lambda: service.engine.state.waiting["12345"] == 1, "waits", 20)
        await self.caller.hang_up()
        await self.here.until(lambda: service.engine.state.backs, "it is on the list")
        service.post(SignOnAsked(SEAT, AGENT, proven=True))
        assert await self.seat.incoming(within_s=20) == PERSON
        answering = asyncio.create_task(self.seat.answer(within_s=20))
        await self.caller.incoming(within_s=20)
        await self.caller.answer(within_s=20)
        await answering
        await self.talk()

    async def talk(self) -> None:
        """The two hear each other."""
        await self.until_hears(self.caller, SEAT_HZ)
        await self.until_hears(self.seat, CALLER_HZ)

    async def begin(self, how: str) -> None:
        """One of the two ways in which a seat comes to call somebody."""
        await (self.own_call() if how == "own call" else self.called_back())

    async def gap(self) -> None:
        """The engine asks the switch what there is."""
        surveyed = [e for e, _ in self.here.events if isinstance(e, SwitchSurveyed)]
        self.here.platform.asterisk.gap()
        await self.here.until(
            lambda: len([e for e, _ in self.here.events if isinstance(e, SwitchSurveyed)]) > len(surveyed),
            "surveyed",
        )

    async def recorded(self, record: CallRecord) -> list[set[float]]:
        """Whose tones are in each part of the call's recording, in their order; parts in which nobody says anything are left
        out."""
        found = await entries(self.here, record.call, len(record.recordings))
        said = [tones_in(sound_of(self.here, entry)) for entry in sorted(found, key=lambda e: e.part)]
        return [tones for tones in said if tones]

    async def record(self) -> CallRecord:
        """The record of the call, after everybody's wrap-up."""
        state = self.here.platform.service.engine.state
        await self.here.until(lambda: not state.calls, "the call is over")
        for agent in list(state.agents.values()):
            if agent.activity is Activity.WRAP_UP:
                self.here.platform.service.post(WrapUpEndAsked(agent.seat))
        await self.here.until(lambda: [r for r in self.here.records if r.direction != "in"], "the record")
        (found,) = [r for r in self.here.records if r.direction != "in"]
        return found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def here() -> AsyncIterator[Town]:
    text = moved(city_text("zhengzhou"), NET).replace("ring_seconds = 20", "ring_seconds = 4")
    text = re.sub(r"(\[\[seats\]\]\nfirst = .*\n)", r"\1nat = false\n", text)
    text = re.sub(r"^(channels = \d+)\n(?!qualify)", r"\1\nqualify_seconds = 1\n", text, flags=re.MULTILINE)
    text = text.replace("\n[network]\n", '\n[recording]\ndefault = "mixed"\n\n[network]\n', 1)
    async with town(City.read(text + CALL_BACK, "zhengzhou")) as here:
        yield here


@pytest.fixture(scope="module")
def wavs(tmp_path_factory: pytest.TempPathFactory) -> dict[float, Path]:
    return tones(tmp_path_factory.mktemp("tones"))


@pytest_asyncio.fixture(loop_scope="module")
async def on(here: Town, wavs: dict[float, Path]) -> AsyncIterator[Placed]:
    here.records.clear()
    people = ((SEAT, AGENT, SEAT_HZ), (OTHER_SEAT, OTHER_AGENT, OTHER_HZ), (BOSS_SEAT, BOSS, THIRD_HZ))
    async with AsyncExitStack() as stack:
        seat, other, boss = [
            await stack.enter_async_context(
                Softphone(here.sip, here.logins([number])[0], bind=f"{PHONES}.{101 + n}", plays=wavs[hertz])
            )
            for n, (number, _, hertz) in enumerate(people)
        ]
        host, port = here.far("unicom")
        caller = await stack.enter_async_context(
            Softphone(here.sip, bind=host, port=port, caller=PERSON, plays=wavs[CALLER_HZ])
        )
        await here.trunks_reachable("unicom")
        made = Placed(here, caller, seat, other, boss)
        await sign_on(here, seat, AGENT)
        try:
            yield made
            await made.over()
        finally:
            await all_hung_up(here)
            here.platform.service.engine.state.backs.clear()
            for number, _, _ in people:
                here.platform.service.post(SignOffAsked(number))


def tones_in(samples: Samples) -> set[float]:
    """The tones that are somewhere in a recording."""
    step = RATE // 2
    ends = range(step, len(samples) + 1, step)
    return {hz for hz in (CALLER_HZ, SEAT_HZ, THIRD_HZ) if any(hears(samples[:end], hz, 0.4) for end in ends)}


def police(here: Town, wavs: dict[float, Path]) -> FarEnd:
    """110, which picks up after half a second and plays its tone."""
    return FarEnd(*here.far("emergency"), manner=Manner(ring_s=Fixed(0.5), sound=wavs[THIRD_HZ]))


WAYS = pytest.mark.parametrize("how", ["own call", "call-back"])


@WAYS
async def test_a_consultation_by_key_is_private_and_hanging_up_hands_over(
    on: Placed, wavs: dict[float, Path], how: str
) -> None:
    async with police(on.here, wavs):
        await on.begin(how)
        await on.seat.press("*22110#")
        await on.at(Stage.CONSULTING)
        await on.until_hears(on.seat, THIRD_HZ, not_=(CALLER_HZ,))
        await on.until_hears(on.caller, not_=(SEAT_HZ, THIRD_HZ))
        begun = len(on.caller.heard().samples)
        await on.here.until(lambda: len(on.caller.heard().samples) > begun + 2 * RATE, "two seconds more")
        assert longest_silence_s(on.caller.heard().samples[begun:]) < 1.0  # music
        await on.gap()
        await on.seat.press("*24")
        await on.at(Stage.TOGGLED)
        await on.until_hears(on.seat, CALLER_HZ, not_=(THIRD_HZ,))
        await on.seat.press("*26")
        await on.at(Stage.TOGETHER)
        await on.until_hears(on.caller, SEAT_HZ, THIRD_HZ)
        await on.until_hears(on.seat, CALLER_HZ, THIRD_HZ)
        await on.seat.hang_up()
        await on.at(Stage.HANDED_OVER)
        await on.gap()
        await on.until_hears(on.caller, THIRD_HZ, not_=(SEAT_HZ,))
        await on.caller.hang_up()
        told = await on.record()
    assert (told.disposition, told.agent, told.passed_to) == ("answered", AGENT, "110")
    assert [(t.how, t.to, t.outcome) for t in told.transfers] == [("consult", "110", "handed over")]
    parts = await on.recorded(told)
    assert parts[0] == {CALLER_HZ, SEAT_HZ}
    assert {SEAT_HZ, THIRD_HZ} in parts  # what was said aside is a part of its own
    assert {CALLER_HZ, SEAT_HZ, THIRD_HZ} <= set().union(*parts[2:])
    assert parts[-1] >= {CALLER_HZ, THIRD_HZ}


@WAYS
async def test_a_third_party_that_refuses_leaves_the_two_together(
    on: Placed, wavs: dict[float, Path], how: str
) -> None:
    await on.begin(how)
    await sign_on(on.here, on.other, OTHER_AGENT)
    await on.seat.press(f"*22{OTHER_SEAT}#")
    assert await on.other.incoming(within_s=10) == PERSON
    await on.other.refuse()
    await on.here.until(lambda: on.stage() is Stage.BACK, "back", 15)
    assert on.told(on.seat, "transfer-busy")
    assert not on.told(on.caller, "transfer-busy")
    await on.talk()
    await on.seat.hang_up()
    await on.caller.ended(within_s=5)
    assert [t.outcome for t in (await on.record()).transfers] == ["busy"]


@WAYS
async def test_sent_on_by_command_the_person_called_waits_and_comes_to_the_next_seat(
    on: Placed, wavs: dict[float, Path], how: str
) -> None:
    await on.begin(how)
    on.here.platform.service.post(TransferAsked(on.call.call, "blind", "12345"))
    await on.seat.ended(within_s=5)
    state = on.here.platform.service.engine.state
    await on.here.until(lambda: state.waiting["12345"] == 1, "waits")
    await on.gap()
    on.here.platform.service.post(SignOnAsked(OTHER_SEAT, OTHER_AGENT, proven=True))
    assert await on.other.incoming(within_s=10) == PERSON
    await on.other.answer(within_s=10)
    await on.until_hears(on.caller, OTHER_HZ)
    await on.until_hears(on.other, CALLER_HZ)
    await on.gap()
    await on.other.hang_up()
    await on.caller.ended(within_s=5)
    told = await on.record()
    assert (told.agent, [t.outcome for t in told.transfers]) == (OTHER_AGENT, ["queued"])


@WAYS
async def test_whoever_was_called_may_hang_up_and_the_seat_and_110_finish(
    on: Placed, wavs: dict[float, Path], how: str
) -> None:
    async with police(on.here, wavs) as far:
        await on.begin(how)
        await on.seat.press("*29110")
        await on.at(Stage.TOGETHER)
        await on.until_hears(on.caller, SEAT_HZ, THIRD_HZ)
        await on.caller.hang_up()
        await on.at(Stage.ASIDE)
        await on.gap()
        await on.until_hears(on.seat, THIRD_HZ, not_=(CALLER_HZ,))
        await on.seat.hang_up()
        await far.quiet(within_s=5)
        told = await on.record()
    assert [(t.how, t.to, t.outcome) for t in told.transfers] == [("three-way", "110", "joined")]
    assert (await on.recorded(told))[-1] == {SEAT_HZ, THIRD_HZ}


@WAYS
async def test_a_code_that_is_not_finished_loses_no_hang_up(on: Placed, how: str) -> None:
    await on.begin(how)
    await on.seat.press("*2")
    await on.caller.hang_up()
    await on.seat.ended(within_s=8)
    assert (await on.record()).transfers == ()


@WAYS
async def test_a_supervisor_hears_whispers_and_takes_over(on: Placed, how: str) -> None:
    await on.begin(how)
    await sign_on(on.here, on.boss, BOSS)
    watches = on.here.platform.service.engine.state.watches

    async def there() -> None:
        await on.here.until(lambda: [w.stage for w in watches.values()] == [WatchState.ON], "on the call")

    await on.boss.dial(f"*31{SEAT}")
    await there()
    await on.until_hears(on.boss, SEAT_HZ, CALLER_HZ)
    await on.until_hears(on.seat, CALLER_HZ, not_=(THIRD_HZ,))
    for wish, heard in (("whisper", False), ("barge", True)):
        on.here.platform.service.post(SuperviseAsked(wish, SEAT, by=BOSS))
        await on.here.until(lambda: [w.how for w in watches.values()] == [wish], wish)  # noqa: B023
        await there()
        await on.until_hears(on.seat, CALLER_HZ, THIRD_HZ)
        await on.until_hears(on.caller, SEAT_HZ, *([THIRD_HZ] * heard), not_=() if heard else (THIRD_HZ,))
    on.here.platform.service.post(SuperviseAsked("take over", SEAT, by=BOSS))
    await on.here.until(lambda: on.call.agent == BOSS, "the supervisor has the call")
    await on.seat.ended(within_s=5)
    await on.until_hears(on.caller, THIRD_HZ, not_=(SEAT_HZ,))
    await on.until_hears(on.boss, CALLER_HZ, not_=(SEAT_HZ,))
    await on.gap()
    await on.until_hears(on.caller, THIRD_HZ)
    await on.boss.hang_up()
    await on.caller.ended(within_s=5)
    assert [t.how for t in (await on.record()).transfers] == ["take over"]
