"""What callers of the speech process hear: made when it is asked for, once, and exchanged by a recording at once."""

from __future__ import annotations

import asyncio
import wave
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from hotline.speech_sounds import INDEX, KEPT_BYTES, Sounds, samples
from hotline.switch.prompts_live import PromptsUnmade
from ivr.prompts import sound

ANSWER = "请带身份证到公积金中心办理。"


@pytest_asyncio.fixture
async def sounds(tmp_path: Path) -> AsyncIterator[Sounds]:
    made = Sounds(tmp_path / "library", [tmp_path / "recordings"], cache=tmp_path / "cache")
    yield made
    made.close()


def write(file: Path, pcm: bytes, rate: int = 8000) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(file), "wb") as opened:
        opened.setparams((1, 2, rate, 0, "NONE", ""))
        opened.writeframes(pcm)


def tone(value: int, count: int = 800) -> bytes:
    return (value.to_bytes(2, "little", signed=True) + (-value).to_bytes(2, "little", signed=True)) * count


async def test_a_prompt_that_nobody_has_made_yet_is_made_when_it_is_asked_for(
    sounds: Sounds, tmp_path: Path
) -> None:
    answer, helped = await sounds.pcm([ANSWER, "speech-helped"])
    assert len(answer) > len(helped) > 8000
    assert (tmp_path / "library" / f"{sound(ANSWER)}.wav").exists()
    assert await sounds.pcm([ANSWER]) == [answer]


async def test_two_who_ask_for_the_same_at_once_get_the_same(sounds: Sounds) -> None:
    one, other = await asyncio.gather(sounds.pcm([ANSWER]), sounds.pcm([ANSWER]))
    assert one == other


async def test_a_recording_that_is_dropped_in_is_heard_by_the_next_caller_and_gone_again_when_it_is_removed(
    sounds: Sounds, tmp_path: Path
) -> None:
    spoken = await sounds.pcm([ANSWER])
    recording = tmp_path / "recordings" / f"{sound(ANSWER)}.wav"
    write(recording, tone(9000))
    recorded = await sounds.pcm([ANSWER])
    assert len(recorded[0]) < len(spoken[0])
    write(recording, tone(9000, 1600))
    assert len((await sounds.pcm([ANSWER]))[0]) > len(recorded[0])
    recording.unlink()
    assert await sounds.pcm([ANSWER]) == spoken


async def test_a_recording_that_is_no_sound_is_spoken_by_the_machine(sounds: Sounds, tmp_path: Path) -> None:
    recording = tmp_path / "recordings" / "speech-helped.wav"
    recording.parent.mkdir()
    recording.write_bytes(b"no sound")
    assert len((await sounds.pcm(["speech-helped"]))[0]) > 8000


async def test_what_can_not_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "library").write_text("no folder")
    sounds = Sounds(tmp_path / "library", cache=tmp_path / "cache")
    with pytest.raises(PromptsUnmade, match="writable"):
        await sounds.pcm([ANSWER])
    with pytest.raises(PromptsUnmade, match="record it, or write its text"):
        await sounds.pcm(["no-such-prompt"])
    assert await sounds.make(["no-such-prompt"]) == 1
    sounds.close()


async def test_all_of_a_base_is_made_without_being_asked_for_and_the_index_says_under_which_names(
    sounds: Sounds, tmp_path: Path
) -> None:
    assert await sounds.make([ANSWER, "您是问公积金怎么提取吗？"]) == 0
    index = (tmp_path / "library" / INDEX).read_text("utf-8")
    assert f"{sound(ANSWER)}\tespeak-ng\t{ANSWER}" in index
    assert (tmp_path / "library" / f"{sound(ANSWER)}.wav").exists()


async def test_the_cache_holds_what_it_may(sounds: Sounds, tmp_path: Path) -> None:
    names = [f"long-{number}" for number in range(6)]
    for name in names:
        write(tmp_path / "recordings" / f"{name}.wav", tone(9000, KEPT_BYTES // 20))
        await sounds.pcm([name])
    assert 0 < sounds.kept_bytes <= KEPT_BYTES
    assert len((await sounds.pcm(names[:1]))[0]) == len(tone(9000, KEPT_BYTES // 20))


def test_the_quiet_before_the_first_sound_is_taken_away(tmp_path: Path) -> None:
    write(tmp_path / "late.wav", bytes(16_000) + tone(9000))
    write(tmp_path / "silent.wav", bytes(1_600))
    assert len(samples(tmp_path / "late.wav")) == len(tone(9000)) + 5 * 16
    assert samples(tmp_path / "silent.wav") == bytes(1_600)


@pytest.mark.parametrize("broken", [b"", b"RIFF", None])
def test_a_file_that_is_no_sound_of_the_library_is_refused(tmp_path: Path, broken: bytes | None) -> None:
    file = tmp_path / "broken.wav"
    if broken is None:
        write(file, tone(9000), rate=16_000)
    else:
        file.write_bytes(broken)
    with pytest.raises(PromptsUnmade, match="8000 Hz"):
        samples(file)
