"""What was heard is named by its own samples: prompts, silences, the voice's tone, and what nobody expected."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hotline.rehearsal.hearing import Track, decode, find, listen
from hotline.rehearsal.sound import RATE, Samples, alaw, read_wav, tone
from hotline.switch.prompts_live import make_prompts
from ivr.prompts import sound

NOTICE, OTHER, GREETING = "您所拨打的电话业务已转移", "非工作时间由我们为您服务", "您好，这里是热线，请稍候"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Samples]:
    folder: Path = tmp_path_factory.mktemp("sounds")
    names = (NOTICE, OTHER, GREETING)
    make_prompts(folder, names)
    wanted = (*names, "music/hold", "ringing/tone", "goodbye")
    return {name: read_wav(folder / f"{sound(name)}.wav")[0] for name in wanted}


def quiet(seconds: float) -> Samples:
    return np.zeros(round(seconds * RATE), dtype=np.int16)


def heard(*parts: Samples) -> Samples:
    """The parts as a telephone line brings them: through A-law and back."""
    line = decode(8, alaw(np.concatenate(parts)))
    assert line is not None
    return line


def test_prompts_and_the_voice_are_recognised_in_their_order(library: dict[str, Samples]) -> None:
    recording = heard(quiet(0.3), library[NOTICE], library[GREETING], quiet(0.2), tone(800, 1.0))
    found = listen(recording, (NOTICE, GREETING), library, voice_hertz=800)
    assert found.names == (NOTICE, GREETING)
    assert found.others == ()
    assert found.prompts[0].begins == pytest.approx(0.3, abs=0.01)
    assert found.voice == pytest.approx(len(recording) / RATE - 1.0, abs=0.15)
    assert found.silence_s < 1.5


def test_another_prompt_in_the_place_of_the_expected_one_is_named(library: dict[str, Samples]) -> None:
    recording = heard(library[OTHER], library[GREETING], tone(800, 1.0))
    found = listen(recording, (NOTICE, GREETING), library, voice_hertz=800)
    assert found.names == (GREETING,)
    assert [one.name for one in found.others] == [OTHER]


def test_prompts_in_another_order_are_heard_in_that_order(library: dict[str, Samples]) -> None:
    found = listen(heard(library[GREETING], library[NOTICE]), (NOTICE, GREETING), library)
    assert found.names == (GREETING, NOTICE)


def test_half_a_prompt_is_not_the_prompt(library: dict[str, Samples]) -> None:
    half = library[NOTICE][: len(library[NOTICE]) // 2]
    found = listen(heard(half, tone(800, 1.0)), (NOTICE,), library, voice_hertz=800)
    assert found.names == ()
    assert [one.name for one in found.others] == [NOTICE]


def test_a_long_silence_before_somebody_answers_is_measured(library: dict[str, Samples]) -> None:
    found = listen(heard(library[NOTICE], quiet(5.0), tone(800, 1.0)), (NOTICE,), library, voice_hertz=800)
    assert found.silence_s >= 5.0
    # what comes after the voice began is a pause in the talk
    found = listen(heard(library[NOTICE], tone(800, 1.0), quiet(9.0)), (NOTICE,), library, voice_hertz=800)
    assert found.silence_s < 1.0


def test_the_tone_of_somebody_else_is_not_the_voice(library: dict[str, Samples]) -> None:
    assert listen(heard(tone(1000, 1.0)), (), library, voice_hertz=800).voice is None
    assert listen(heard(tone(1000, 1.0)), (), library, voice_hertz=1000).voice == 0.0


def test_music_and_ringing_need_no_mention_and_a_sound_that_nobody_knows_does(
    library: dict[str, Samples],
) -> None:
    usual = ("music/hold", "ringing/tone")
    music = library["music/hold"]
    recording = heard(library[NOTICE], music, music[: 3 * RATE], tone(800, 0.6))
    assert listen(recording, (NOTICE,), library, voice_hertz=800, usual=usual).others == ()
    noise = np.random.default_rng(1).integers(-9000, 9000, 3 * RATE).astype(np.int16)
    found = listen(heard(library[NOTICE], noise), (NOTICE,), library, usual=usual)
    assert [one.name for one in found.others] == ["?"]
    assert found.others[0].ends - found.others[0].begins == pytest.approx(3.0, abs=0.3)


def test_a_packet_that_comes_late_lies_where_its_timestamp_says(library: dict[str, Samples]) -> None:
    wanted = library[GREETING]
    track = Track()
    for n, start in enumerate(range(0, len(wanted) - 160, 160)):
        late = 0.3 if n < 50 else 1.5  # the listener was held up for more than a second
        track.add(0.5 + n * 0.02 + late, 1, 65_500 + n & 0xFFFF, 5000 + start, wanted[start : start + 160])
    found = find(GREETING, track.samples(), wanted)
    assert found is not None
    assert found.share == 1.0
    assert found.begins == pytest.approx(0.8, abs=0.01)


def test_a_new_source_begins_where_it_arrives_and_what_is_missing_is_silence() -> None:
    track = Track()
    track.add(0.0, 1, 1, 0, tone(800, 0.02))
    track.add(2.0, 2, 9, 77, tone(800, 0.02))
    track.add(2.02, 2, 10, 77 + 160, tone(800, 0.02))
    samples = track.samples(3.0)
    assert len(samples) == 3 * RATE
    assert np.any(samples[2 * RATE : 2 * RATE + 320])
    assert not np.any(samples[160 : 2 * RATE])


@pytest.mark.parametrize("seconds", [0.0, 0.1, 1.0])
def test_nothing_is_heard_in_silence(seconds: float, library: dict[str, Samples]) -> None:
    found = listen(quiet(seconds), (NOTICE,), library, voice_hertz=800)
    assert (found.names, found.others, found.voice) == ((), (), None)
    assert found.silence_s == pytest.approx(seconds, abs=0.01)


def test_g711_is_decoded_as_the_encoder_wrote_it() -> None:
    ramp = np.arange(-32000, 32000, 37).astype(np.int16)
    back = decode(8, alaw(ramp))
    assert back is not None
    assert np.max(np.abs(back.astype(int) - ramp)) <= 1024
    assert np.all(np.abs(back.astype(int) - ramp) <= np.maximum(np.abs(ramp.astype(int)) // 16, 16))
    # ITU-T G.711: the codes of mu-law's ends and of its two zeros
    ends = decode(0, bytes([0x00, 0x80, 0x7F, 0xFF]))
    assert ends is not None
    assert ends.tolist() == [-32124, 32124, 0, 0]
    assert decode(101, b"\x01") is None
