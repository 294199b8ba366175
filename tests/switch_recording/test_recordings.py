"""Real calls, recorded by the real switch, and listened to: the caller says 500 Hz, the seat 800 Hz."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from acd.calls import Call, CallState
from acd.messages import BackAsked, BreakAsked, CallRecord, RecordingPauseAsked, RecordingResumeAsked
from acd.recording import Tape
from hotline.city import City
from hotline.recordings import Shelf, finish, found_again, verify
from hotline.recordings_index import Entry, RecordingsIndex
from hotline.rehearsal.baresip_live import Softphone
from hotline.rehearsal.farend_live import FarEnd
from hotline.rehearsal.manners import Fixed, Manner
from hotline.rehearsal.phones_live import Phones
from hotline.rehearsal.sound import RATE, Samples, read_wav, tone, write_wav
from ivr.prompts import sound
from tests.switch.conftest import PIN, Town, city_text, moved, town
from tests.switch.test_seats import share_heard

pytestmark = [pytest.mark.switch, pytest.mark.asyncio(loop_scope="module")]

CALLER, SEAT = 500, 800
RECORDING = """
[recording]
default = "mixed"
keep_days = 30

[[recording.rules]]
mode = "apart"
lines = ["12315"]

[[recording.rules]]
mode = "off"
lines = ["12348"]

[network]
"""


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sounds")
    write_wav(folder / "caller.wav", tone(CALLER, 1.0))
    write_wav(folder / "seat.wav", tone(SEAT, 1.0))
    return folder


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def here(sounds: Path) -> AsyncIterator[Town]:
    """The town, with a seat at work and 110 on the line."""
    text = moved(city_text("zhengzhou"), "127.36.0").replace("\n[network]\n", RECORDING, 1)
    text = re.sub(r"(\[\[seats\]\]\nfirst = .*\n)", r"\1nat = false\n", text)
    text, greetings = re.subn(r"^greeting = \[.*\]$", "greeting = []", text, flags=re.MULTILINE)
    assert greetings
    manner, police = (
        Manner(talk_s=Fixed(40), sound=sounds / "seat.wav"),
        Manner(talk_s=Fixed(2), sound=sounds / "seat.wav"),
    )
    async with (
        town(City.read(text, "zhengzhou")) as here,
        Phones(here.logins(["8001"]), here.sip, manner=manner) as phones,
        FarEnd(*here.far("emergency"), manner=police),
    ):
        here.end_wrap_up_at_once()
        await here.sign_on(phones, [("8001", "1001")])
        yield here


@dataclass
class Talk:
    """A call that is on: caller's phone and the engine's call."""

    here: Town
    phone: Softphone
    number: str
    call: Call

    async def until_tape(self, tape: Tape) -> None:
        await self.here.until(
            lambda: self.call.recording and self.call.recording.tape is tape, f"tape {tape}"
        )

    async def lasts(self, seconds: float) -> None:
        await asyncio.sleep(seconds)  # what is measured is how long it was

    async def hang_up(self) -> CallRecord:
        link = self.here.platform.asterisk.link
        assert link is not None
        await link.hangup(self.here.platform.asterisk.lines[self.call.call].channel)
        return await self.here.record_of(self.number)


_numbers = iter(range(13_736_000_000, 13_736_000_100))


@asynccontextmanager
async def talking(here: Town, sounds: Path, dialled: str = "12345") -> AsyncIterator[Talk]:
    """A caller who talks to the seat."""
    number = str(next(_numbers))
    state = here.platform.service.engine.state
    async with Softphone(
        here.sip, bind=here.far("unicom")[0], caller=number, plays=sounds / "caller.wav"
    ) as phone:
        await phone.dial(dialled)
        await here.until(
            lambda: any(c.state is CallState.TALKING for c in state.calls.values()), "they talk", 20
        )
        (call,) = (c for c in state.calls.values() if c.caller == number)
        yield Talk(here, phone, number, call)
    await here.until(lambda: not state.calls, "the call is over", 20)


async def entries(here: Town, call: str, count: int = 1) -> list[Entry]:
    """What the index has of a call, as soon as all of it is finished."""
    shelf = here.platform.recordings.shelf
    index = RecordingsIndex(shelf.index)
    try:
        async with asyncio.timeout(15):
            while len(found := index.entries(call)) < count:
                await here.platform.recordings.look()
                await here.platform.recordings.settled()
    finally:
        index.close()
    assert [verify(shelf, entry) for entry in found] == [None] * len(found)
    return found


def hears(samples: Samples, hertz: int) -> list[bool]:
    """Per 100 ms: is this tone in it, whatever else is?"""
    size = RATE // 10
    frames = samples[: len(samples) // size * size].reshape(-1, size).astype(np.float64) / 32768
    power = np.abs(np.fft.rfft(frames * np.hanning(size), axis=1)) ** 2
    return [bool(row[hertz // 10] > 5) for row in power]


def share(heard: list[bool]) -> float:
    return sum(heard) / len(heard)


def sound_of(here: Town, entry: Entry) -> Samples:
    samples, rate = read_wav(here.platform.recordings.shelf.root / entry.name)
    assert rate == RATE
    return samples


async def test_both_sides_are_in_a_mixed_recording_as_long_as_the_talk(here: Town, sounds: Path) -> None:
    async with talking(here, sounds) as talk:
        began = here.platform.service.clock.now()
        await talk.lasts(3)
        lasted = (here.platform.service.clock.now() - began) / 1000
        record = await talk.hang_up()
        (entry,) = await entries(here, talk.call.call)
    samples = sound_of(here, entry)
    assert record.recordings == (entry.name,)
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/[0-9.]+\.wav", entry.name)
    assert entry.seconds == pytest.approx(len(samples) / RATE)
    assert entry.seconds == pytest.approx(lasted, abs=0.3)
    for hertz in (CALLER, SEAT):
        assert share(hears(samples, hertz)[5:]) > 0.9
    path = here.platform.recordings.shelf.root / entry.name
    assert path.stat().st_mode & 0o777 == 0o600
    assert not any(here.platform.recordings.shelf.now.glob("*.alaw"))
    assert "Recorded, both sides mixed: the city's default." in record.because


async def test_legs_apart_hold_one_side_each_and_have_the_same_length(here: Town, sounds: Path) -> None:
    async with talking(here, sounds, "12315") as talk:
        await talk.lasts(2.5)
        record = await talk.hang_up()
        caller, other = await entries(here, talk.call.call, 2)
    assert (caller.leg, other.leg) == ("caller", "other")
    assert record.recordings == (caller.name, other.name)
    assert abs(caller.seconds - other.seconds) <= 0.1
    said, answered = sound_of(here, caller), sound_of(here, other)
    assert share(hears(said, CALLER)[5:]) > 0.9
    assert share(hears(answered, SEAT)[5:]) > 0.9
    assert not any(hears(said, SEAT))
    assert not any(hears(answered, CALLER))


async def test_a_line_whose_rule_says_no_leaves_no_file(here: Town, sounds: Path) -> None:
    shelf = here.platform.recordings.shelf
    async with talking(here, sounds, "12348") as talk:
        await talk.lasts(0.5)
        assert shelf.unfinished() == []
        record = await talk.hang_up()
    assert record.recordings == ()
    assert not any(record.call in name for name in shelf.finished())


async def test_a_pause_leaves_silence_of_its_own_length_and_nothing_that_was_said(
    here: Town, sounds: Path
) -> None:
    post = here.platform.service.post
    async with talking(here, sounds) as talk:
        await talk.lasts(1.5)
        post(RecordingPauseAsked(talk.call.call, "1001"))
        await talk.until_tape(Tape.PAUSED)
        await talk.lasts(1.5)
        post(RecordingResumeAsked(talk.call.call, "1001"))
        await talk.until_tape(Tape.ON)
        await talk.lasts(1.5)
        record = await talk.hang_up()
        (entry,) = await entries(here, talk.call.call)
    samples = sound_of(here, entry)
    assert entry.seconds == pytest.approx(4.5, abs=0.4)
    for hertz in (CALLER, SEAT):
        heard = hears(samples, hertz)
        assert not any(heard[18:27])
        assert all(heard[6:13])
        assert all(heard[33:40])
    quiet = np.abs(samples[int(1.8 * RATE) : int(2.7 * RATE)]).max()
    assert quiet <= 16, "a paused second is silence, not a whisper"
    assert any(line.startswith("Recording paused by 1001 after 1.") for line in record.because)
    assert any(line.startswith("Recording resumed after 3.") for line in record.because)


async def test_a_recording_goes_on_over_a_redirect_into_a_room_without_the_music_between(
    here: Town, sounds: Path
) -> None:
    link = here.platform.asterisk.link
    assert link is not None
    async with talking(here, sounds) as talk:
        await talk.lasts(1.5)
        channel = here.platform.asterisk.lines[talk.call.call].channel
        rows = await link.status()
        (seat,) = (row["Channel"] for row in rows if row["Channel"].startswith("PJSIP/8001"))
        room = {"Context": "hotline-room", "Priority": 1, "ExtraContext": "hotline-room", "ExtraPriority": 1}
        await link.action(
            "Redirect", Channel=channel, ExtraChannel=seat, Exten="caller", ExtraExten="seat", **room
        )
        await talk.lasts(2)
        await link.hangup(seat)
        await link.hangup(channel)
        record = await here.record_of(talk.number)
        (entry,) = await entries(here, talk.call.call)
    samples = sound_of(here, entry)
    assert record.recordings == (entry.name,)
    for hertz in (CALLER, SEAT):
        assert share(hears(samples, hertz)[6:14]) == 1.0
        assert share(hears(samples, hertz)[24:33]) > 0.8


async def test_an_emergency_is_recorded_although_no_rule_asks_for_it(here: Town, sounds: Path) -> None:
    number = str(next(_numbers))
    async with Softphone(
        here.sip, bind=here.far("unicom")[0], caller=number, plays=sounds / "caller.wav"
    ) as phone:
        await phone.dial("110")
        await phone.ended(within_s=20)
        record = await here.record_of(number)
        (entry,) = await entries(here, record.call)
    samples = sound_of(here, entry)
    assert (record.disposition, record.passed_to) == ("passed", "110")
    assert "Recorded, both sides mixed: every emergency is." in record.because
    assert entry.seconds == pytest.approx(2, abs=0.3)
    assert share(hears(samples, CALLER)[5:]) > 0.8
    assert share(hears(samples, SEAT)[5:]) > 0.8


# ── when the disk takes nothing ──────────────────────────────────────────────────────────────────────────────


async def test_too_little_room_stops_recordings_and_not_the_call_and_they_come_back_by_themselves(
    here: Town, sounds: Path
) -> None:
    keeper, state = here.platform.recordings, here.platform.service.engine.state
    enough = keeper.keeping
    async with talking(here, sounds) as talk:
        await talk.lasts(1.5)
        keeper.keeping = replace(enough, min_free=1 << 60)
        await talk.until_tape(Tape.HALTED)
        assert state.recording_halted is not None
        assert "MB free" in state.recording_halted
        await here.until(lambda: keeper.shelf.unfinished() == [], "the first part is finished", 15)
        assert talk.call.state is CallState.TALKING
        before = len(talk.phone.heard().samples)
        await talk.lasts(0.6)
        tail = talk.phone.heard().samples[before:]
        assert share(hears(tail, SEAT)) > 0.8
        keeper.keeping = enough
        await talk.until_tape(Tape.ON)
        assert state.recording_halted is None
        await talk.lasts(1.5)
        record = await talk.hang_up()
        first, second = await entries(here, talk.call.call, 2)
    assert (first.part, second.part) == (1, 2)
    assert record.recordings == (first.name, second.name)
    for entry in (first, second):
        assert share(hears(sound_of(here, entry), CALLER)[5:]) > 0.8
    assert any("Recording stopped after" in line for line in record.because)


async def test_a_folder_that_takes_no_file_is_an_alarm_and_a_call_is_answered_all_the_same(
    here: Town, sounds: Path
) -> None:
    keeper, state = here.platform.recordings, here.platform.service.engine.state
    now = keeper.shelf.now
    away = now.with_name("away")
    now.rename(away)
    now.touch()  # a file stands where the folder should be
    try:
        await here.until(lambda: state.recording_halted, "the alarm")
        assert "can't be written to" in (state.recording_halted or "")
        async with talking(here, sounds) as talk:
            assert talk.call.recording is not None
            assert talk.call.recording.tape is Tape.HALTED
            now.unlink()
            away.rename(now)
            await talk.until_tape(Tape.ON)
            await talk.lasts(1)
            record = await talk.hang_up()
            (entry,) = await entries(here, talk.call.call)
    finally:
        if away.exists():
            now.unlink(missing_ok=True)
            away.rename(now)
    assert record.disposition == "answered"
    assert any(line.startswith("Not recorded for now") for line in record.because)
    assert share(hears(sound_of(here, entry), SEAT)[3:]) > 0.8


async def test_a_disk_that_is_full_under_a_running_recording_leaves_the_call_alone(
    here: Town, sounds: Path
) -> None:
    """What the switch writes meets ENOSPC (``/dev/full``): nobody in the call notices, and a new part is begun."""
    link, keeper = here.platform.asterisk.link, here.platform.recordings
    assert link is not None
    full = keeper.shelf.root / "full.alaw"
    full.symlink_to("/dev/full")
    try:
        async with talking(here, sounds) as talk:
            channel = here.platform.asterisk.lines[talk.call.call].channel
            await link.action("StopMixMonitor", Channel=channel)
            await link.action("MixMonitor", Channel=channel, File=str(full), Options="b")
            # five seconds without the file, and at most one look more
            await here.until(
                lambda: talk.call.recording and talk.call.recording.parts == 2, "a second part", 12
            )
            before = len(talk.phone.heard().samples)
            await talk.lasts(1)
            assert share(hears(talk.phone.heard().samples[before:], SEAT)) > 0.8
            record = await talk.hang_up()
            _first, second = await entries(here, talk.call.call, 2)
    finally:
        full.unlink()
    assert record.disposition == "answered"
    assert share(hears(sound_of(here, second), CALLER)[3:]) > 0.8
    assert any(line.startswith("Recording broke off") for line in record.because)


# ── when the engine was gone ─────────────────────────────────────────────────────────────────────────────────


async def test_what_an_engine_that_died_left_behind_is_finished_and_entered_by_the_next(
    here: Town, sounds: Path, tmp_path: Path
) -> None:
    async with talking(here, sounds) as talk:
        await talk.lasts(1)
        await talk.hang_up()
        (entry,) = await entries(here, talk.call.call)
    there = Shelf(tmp_path / "recordings")
    there.prepare()
    # the raw file as the switch left it, a wav without an entry, and no index
    samples = (here.platform.recordings.shelf.root / entry.name).read_bytes()[58:]
    there.raw("2026/01/05/7.1.wav").write_bytes(samples)
    (there.root / "2026/01/06").mkdir(parents=True)
    shutil.copy(here.platform.recordings.shelf.root / entry.name, there.root / "2026/01/06/7.2.wav")
    index = RecordingsIndex(there.index)
    try:
        (name,) = there.unfinished()
        made = finish(there, index, name)
        assert made is not None
        assert found_again(there, index) == 1
        first, second = index.entries()
    finally:
        index.close()
    assert (first.call, first.found, first.seconds) == ("7.1", False, pytest.approx(entry.seconds, abs=0.001))
    assert (second.call, second.found, second.sha256) == ("7.2", True, entry.sha256)


# ── from the seat's own phone ────────────────────────────────────────────────────────────────────────────────


async def test_a_seat_pauses_and_resumes_by_key_and_is_told_so(here: Town, sounds: Path) -> None:
    number, state = str(next(_numbers)), here.platform.service.engine.state
    login = here.logins(["8101"])[0]
    async with (
        Softphone(here.sip, login, bind="127.36.0.101", plays=sounds / "seat.wav") as seat,
        Softphone(here.sip, bind=here.far("unicom")[0], caller=number, plays=sounds / "caller.wav") as caller,
    ):
        await seat.dial(f"*11*1101*{PIN}")
        await seat.ended(within_s=20)
        here.platform.service.post(BreakAsked("8001", "1"))
        await here.until(
            lambda: "1101" in state.agents and state.agents["1101"].available, "the seat is ready"
        )
        await caller.dial("12345")
        await seat.incoming(within_s=20)
        await seat.answer(within_s=10)
        await here.until(lambda: any(c.state is CallState.TALKING for c in state.calls.values()), "they talk")
        (call,) = state.calls.values()
        recording = call.recording
        assert recording is not None
        await asyncio.sleep(1)  # how long something is said before the pause is what is being acted here
        await seat.press("*27")
        await here.until(lambda: recording.tape is Tape.PAUSED, "paused")
        paused_at = here.platform.service.clock.now() - recording.began
        await asyncio.sleep(3)
        await seat.press("*28")
        await here.until(lambda: recording.tape is Tape.ON, "resumed")
        resumed_at = here.platform.service.clock.now() - recording.began
        heard = seat.heard().samples
        await asyncio.sleep(2.5)
        await seat.hang_up()
        await caller.ended(within_s=10)
        record = await here.record_of(number, 20)
        (entry,) = await entries(here, call.call)
        here.platform.service.post(BackAsked("8001"))
    library = here.platform.switch.settings.sounds
    assert share_heard(heard, read_wav(library / f"{sound('recording-paused')}.wav")[0]) >= 0.5
    window = hears(sound_of(here, entry), CALLER)[paused_at // 100 + 3 : resumed_at // 100 - 3]
    assert len(window) > 20
    assert not any(window)
    assert record.recordings == (entry.name,)
