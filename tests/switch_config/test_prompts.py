"""The prompt library: names, texts, recordings, and sounds that are really made."""

from __future__ import annotations

import os
import shutil
import wave
from pathlib import Path

import pytest

from hotline.switch.prompts_live import (
    Made,
    PromptsUnmade,
    make_prompt,
    make_prompts,
    spoken_form,
    standard_prompts,
    write_index,
)
from ivr.prompts import is_name, read_prompts, sound, texts

NOTICE = "您所拨打的电话业务已转移到12345市民服务热线，请稍候"


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("speech")


def test_a_name_is_its_own_sound_and_a_text_has_one_of_its_own() -> None:
    assert sound("greeting") == "greeting"
    assert sound("digits/1") == "digits/1"
    assert sound(NOTICE).startswith("text/")
    assert sound(NOTICE) != sound(NOTICE + "。")


def test_line_breaks_in_a_city_file_make_no_other_sound() -> None:
    assert sound("一 二\n  三") == sound("一 二 三")


@pytest.mark.parametrize("prompt", ["../../etc/passwd", "/etc/passwd", "a..b", "A", "", "a b"])
def test_what_is_no_name_never_becomes_a_path(prompt: str) -> None:
    assert not is_name(prompt)
    assert sound(prompt).startswith("text/")


@pytest.mark.parametrize("line", ["greeting 您好", "Greeting\t您好", "greeting\t", "a\tb\na\tc"])
def test_a_line_that_is_no_prompt_is_refused_with_its_number(line: str) -> None:
    with pytest.raises(ValueError, match=r"prompts\.txt:\d"):
        read_prompts(line)


def test_what_the_dialplan_and_the_digits_need_is_among_the_standard_prompts() -> None:
    assert {"greeting", "desk-unreachable", *(f"digits/{digit}" for digit in range(10))} <= set(
        standard_prompts()
    )


def test_only_texts_have_to_be_spoken_for_a_city() -> None:
    assert texts(["greeting", NOTICE]) == {sound(NOTICE): NOTICE}


@pytest.mark.parametrize(
    ("text", "spoken"),
    [("拨打12345", "拨打一二三四五"), ("12315热线", "幺二三幺五热线"), ("110", "幺幺零"), ("15秒", "15秒")],
)
def test_telephone_numbers_are_read_digit_by_digit(text: str, spoken: str) -> None:
    assert spoken_form(text) == spoken


def test_every_prompt_becomes_a_sound_for_the_telephone_and_then_nothing_is_to_do(
    tmp_path: Path, cache: Path
) -> None:
    made = make_prompts(tmp_path, [NOTICE], cache=cache)
    assert (
        made.changed == made.sounds == len(standard_prompts()) + 4
    )  # the notice, the music, the tone of ringing, the beep
    for name in (*standard_prompts(), sound(NOTICE), "music/hold"):
        with wave.open(str(tmp_path / f"{name}.wav")) as file:
            assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 1, 2)
            assert file.getnframes() > 8000 * 0.2
            samples = file.readframes(file.getnframes())
        assert max(samples) > 0
        assert (tmp_path / f"{name}.alaw").stat().st_size > 1600
    assert make_prompts(tmp_path, [NOTICE], cache=cache) == Made(made.sounds, 0, 0)
    index = (tmp_path / "index.tsv").read_text(encoding="utf-8")
    assert f"{sound(NOTICE)}\tespeak-ng\t{NOTICE}\n" in index


def test_a_recording_wins_and_takes_the_place_of_what_was_spoken(tmp_path: Path, cache: Path) -> None:
    library, recordings = tmp_path / "library", tmp_path / "recordings"
    make_prompts(library, [NOTICE], cache=cache)
    (recordings / "text").mkdir(parents=True)
    for name in ("greeting", sound(NOTICE)):
        with wave.open(str(recordings / f"{name}.wav"), "wb") as file:
            file.setparams((2, 2, 44_100, 0, "NONE", ""))
            file.writeframes(b"\x00\x10\x00\xf0" * 44_100)
    made = make_prompts(library, [NOTICE], recordings=[recordings], cache=cache)
    assert (made.changed, made.recorded) == (2, 2)
    with wave.open(str(library / "greeting.wav")) as file:
        assert (file.getframerate(), file.getnchannels()) == (8000, 1)
        assert file.getnframes() == pytest.approx(8000, abs=80)
    shutil.rmtree(recordings)
    assert make_prompts(library, [NOTICE], recordings=[recordings], cache=cache).changed == 2


def test_music_of_the_citys_own_is_taken_too(tmp_path: Path, cache: Path) -> None:
    music = tmp_path / "recordings" / "music"
    music.mkdir(parents=True)
    make_prompts(tmp_path / "library", cache=cache)
    shutil.copy(tmp_path / "library" / "goodbye.wav", music / "spring.wav")
    make_prompts(tmp_path / "library", recordings=[tmp_path / "recordings"], cache=cache)
    assert (tmp_path / "library" / "music" / "spring.alaw").exists()


def test_a_broken_recording_is_named(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "greeting.wav").write_bytes(b"no sound at all")
    with pytest.raises(PromptsUnmade, match="prompt 'greeting': sox failed"):
        make_prompts(tmp_path / "library", recordings=[tmp_path], cache=cache)


def test_a_machine_that_cannot_speak_is_told_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "PATH", str(tmp_path))
    with pytest.raises(PromptsUnmade, match="espeak-ng is not installed; run make install"):
        make_prompts(tmp_path / "library", cache=tmp_path / "cache")


def test_one_prompt_is_made_alone_and_a_recording_of_it_wins(tmp_path: Path, cache: Path) -> None:
    library, recordings = tmp_path / "library", tmp_path / "recordings"
    for prompt in (NOTICE, "digits/1"):
        assert make_prompt(library, prompt, cache=cache) == library / f"{sound(prompt)}.wav"
    spoken = make_prompt(library, NOTICE, cache=cache).read_bytes()
    recording = recordings / f"{sound(NOTICE)}.wav"
    recording.parent.mkdir(parents=True)
    shutil.copyfile(library / "digits/1.wav", recording)
    assert make_prompt(library, NOTICE, recordings=[recordings], cache=cache).read_bytes() != spoken
    assert make_prompt(library, NOTICE, cache=cache).read_bytes() == spoken
    write_index(library, [NOTICE], [recordings], "texts.tsv")
    assert f"{sound(NOTICE)}\t{recording}\t{NOTICE}" in (library / "texts.tsv").read_text("utf-8")


def test_what_stands_in_no_list_and_is_no_text_is_not_made(tmp_path: Path, cache: Path) -> None:
    with pytest.raises(PromptsUnmade, match="no-such-prompt"):
        make_prompt(tmp_path, "no-such-prompt", cache=cache)
