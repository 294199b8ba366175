"""A supervisor in a call with a third party, and a phone that holds there, on the real switch: who hears whom, by tones."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from acd.messages import SignOffAsked, SuperviseAsked
from acd.parties import Place, Stage
from acd.watches import WatchState
from hotline.rehearsal.baresip_live import Softphone
from hotline.rehearsal.sound import RATE, longest_silence_s
from tests.switch.conftest import Town
from tests.switch_transfer.trio import (
    CALLER_HZ,
    OTHER_AGENT,
    OTHER_HZ,
    OTHER_SEAT,
    SEAT,
    SEAT_HZ,
    THIRD_HZ,
    Trio,
    sign_on,
    tones,
    trio,
    zhengzhou,
)

pytestmark = [pytest.mark.switch, pytest.mark.asyncio(loop_scope="module")]
NET, PHONES = "127.39.6", "127.39.7"
BOSS, BOSS_SEAT, BOSS_HZ = "1189", "8103", THIRD_HZ


@dataclass
class Four(Trio):
    """Caller, seat, another seat as the third party, and a supervisor."""

    boss: Softphone

    async def third_party(self, code: str, at: Stage) -> None:
        """The seat brings the other seat in."""
        await sign_on(self.here, self.other, OTHER_AGENT)
        await sign_on(self.here, self.boss, BOSS)
        await self.boss.dial("*121")
        await self.boss.ended(within_s=20)  # on a break: no call comes
        await self.talking()
        await self.bring_in(code, at)

    async def bring_in(self, code: str, at: Stage) -> None:
        """The same, with everybody at work already."""
        await self.seat.press(f"{code}{OTHER_SEAT}#")
        await self.other.incoming(within_s=10)
        await self.other.answer(within_s=10)
        await self.at(at)

    async def supervised(self, how: str) -> None:
        """Wait until the supervisor is on the call in this way."""
        watches = self.here.platform.service.engine.state.watches
        await self.here.until(
            lambda: [(w.how, w.stage) for w in watches.values()] == [(how, WatchState.ON)], f"{how} is on"
        )

    async def music(self, phone: Softphone) -> None:
        """The next two seconds that come to a phone are not silent, and are nobody's tone."""
        await self.until_hears(phone, not_=(CALLER_HZ, SEAT_HZ, OTHER_HZ))
        begun = len(phone.heard().samples)
        await self.here.until(lambda: len(phone.heard().samples) > begun + 2 * RATE, "two seconds more")
        assert longest_silence_s(phone.heard().samples[begun:]) < 1.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def here() -> AsyncIterator[Town]:
    async with zhengzhou(NET) as here:
        yield here


@pytest.fixture(scope="module")
def wavs(tmp_path_factory: pytest.TempPathFactory) -> dict[float, Path]:
    return tones(tmp_path_factory.mktemp("tones"))


@pytest_asyncio.fixture(loop_scope="module")
async def four(here: Town, wavs: dict[float, Path]) -> AsyncIterator[Four]:
    here.end_wrap_up_at_once()
    async with AsyncExitStack() as stack:
        boss = await stack.enter_async_context(
            Softphone(here.sip, here.logins([BOSS_SEAT])[0], bind=f"{PHONES}.103", plays=wavs[BOSS_HZ])
        )
        three = await stack.enter_async_context(trio(here, wavs, PHONES))
        yield Four(here, three.caller, three.seat, three.other, boss)
        await three.over()
        here.platform.service.post(SignOffAsked(BOSS_SEAT))


async def test_whom_the_seat_puts_on_hold_while_asking_hears_music_and_so_does_the_caller(four: Four) -> None:
    await four.third_party("*22", Stage.CONSULTING)
    await four.until_hears(four.other, SEAT_HZ, not_=(CALLER_HZ,))
    await four.seat.hold()
    await four.here.until(lambda: four.call.transfer.third.place is Place.HELD, "led out")  # type: ignore[union-attr]
    await four.music(four.other)
    await four.music(four.caller)
    await four.seat.resume()
    await four.here.until(lambda: four.call.transfer.third.place is Place.ROOM, "led back")  # type: ignore[union-attr]
    await four.until_hears(four.other, SEAT_HZ, not_=(CALLER_HZ,))
    await four.seat.press("*26")
    await four.at(Stage.TOGETHER)
    await four.seat.hold()  # the two others have each other
    await four.until_hears(four.caller, OTHER_HZ, not_=(SEAT_HZ,))
    await four.other.hang_up()
    await four.here.until(lambda: four.call.transfer.caller.place is Place.HELD, "led out")  # type: ignore[union-attr]
    await four.music(four.caller)
    await four.seat.resume()
    await four.until_hears(four.caller, SEAT_HZ)
    await four.caller.hang_up()


async def test_a_supervisor_listens_whispers_and_barges_in_where_three_talk(four: Four) -> None:
    await four.third_party("*23", Stage.TOGETHER)
    await four.boss.dial(f"*31{SEAT}")
    await four.supervised("listen")
    await four.until_hears(four.boss, SEAT_HZ, CALLER_HZ, OTHER_HZ)
    for phone in (four.seat, four.caller, four.other):
        await four.until_hears(phone, not_=(BOSS_HZ,))
    four.here.platform.service.post(SuperviseAsked("whisper", SEAT, by=BOSS))
    await four.supervised("whisper")
    await four.until_hears(four.seat, BOSS_HZ, CALLER_HZ, OTHER_HZ)
    await four.until_hears(four.caller, SEAT_HZ, OTHER_HZ, not_=(BOSS_HZ,))
    await four.until_hears(four.other, SEAT_HZ, CALLER_HZ, not_=(BOSS_HZ,))
    four.here.platform.service.post(SuperviseAsked("barge", SEAT, by=BOSS))
    await four.supervised("barge")
    await four.until_hears(four.caller, SEAT_HZ, OTHER_HZ, BOSS_HZ)
    await four.until_hears(four.other, SEAT_HZ, CALLER_HZ, BOSS_HZ)
    await four.until_hears(four.boss, SEAT_HZ, CALLER_HZ, OTHER_HZ)
    await four.boss.hang_up()
    await four.here.until(lambda: not four.here.platform.service.engine.state.watches, "over")
    await four.until_hears(four.caller, SEAT_HZ, OTHER_HZ, not_=(BOSS_HZ,))  # the call notices nothing
    await four.caller.hang_up()
    await four.seat.hang_up()
    await four.other.ended(within_s=5)


async def test_who_has_barged_in_comes_along_to_the_third_party_and_takes_the_seats_place(four: Four) -> None:
    await sign_on(four.here, four.other, OTHER_AGENT)
    await sign_on(four.here, four.boss, BOSS)
    await four.boss.dial("*121")
    await four.boss.ended(within_s=20)
    await four.talking()
    await four.boss.dial(f"*33{SEAT}")
    await four.supervised("barge")
    await four.until_hears(four.caller, SEAT_HZ, BOSS_HZ)
    await four.bring_in("*22", Stage.CONSULTING)
    await four.supervised("barge")
    await four.until_hears(four.other, SEAT_HZ, BOSS_HZ, not_=(CALLER_HZ,))
    await four.until_hears(four.caller, not_=(SEAT_HZ, OTHER_HZ, BOSS_HZ))
    four.here.platform.service.post(SuperviseAsked("take over", SEAT, by=BOSS))
    await four.here.until(lambda: four.call.agent == BOSS, "the supervisor has the call")
    await four.seat.ended(within_s=5)
    await four.until_hears(four.other, BOSS_HZ, not_=(SEAT_HZ, CALLER_HZ))
    await four.boss.press("*24")
    await four.at(Stage.TOGGLED)
    await four.until_hears(four.caller, BOSS_HZ, not_=(OTHER_HZ,))
    await four.boss.press("*25")
    await four.until_hears(four.caller, OTHER_HZ, not_=(BOSS_HZ,))
    assert four.call.agent == OTHER_AGENT
    await four.caller.hang_up()
    await four.other.ended(within_s=5)


async def test_a_supervisor_who_took_over_and_hangs_up_leaves_nobody_behind(four: Four) -> None:
    await four.third_party("*23", Stage.TOGETHER)
    await four.boss.dial(f"*34{SEAT}")
    await four.here.until(lambda: four.call.agent == BOSS, "the supervisor has the call")
    await four.seat.ended(within_s=5)
    await four.until_hears(four.caller, OTHER_HZ, BOSS_HZ, not_=(SEAT_HZ,))
    await four.other.hang_up()
    await four.at(Stage.BACK)
    await four.until_hears(four.caller, BOSS_HZ)
    await four.boss.hang_up()
    await four.caller.ended(within_s=5)
