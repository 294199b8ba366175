"""Vosk itself, with the small model: the held-out recordings, over the wire too; and models that are missing or broken."""

from __future__ import annotations

import asyncio
import csv
import shutil
import wave
from pathlib import Path

import pytest

from asr.audiosocket import FRAME_BYTES
from asr.call_live import SpeechCall
from asr.live import SpeechServer
from asr.pool_live import RecognizerPool
from asr.speech import SPOKEN_DIGITS, Heard, Limits, Recognizer, Utterance, grammar
from asr.vocabulary_live import vocabulary
from asr.vosk_live import PROBE, SMALL_MODEL, Measured, ModelFault, VoskModel, faults_of, measure, probe
from tests.asr.whole_graph import whole_graph_model
from tests.fakes.audiosocket import QUIET, FakeAudioSocket

SPEECH = Path(__file__).parents[1] / "data" / "speech"
with (SPEECH / "refs.tsv").open(encoding="utf-8", newline="") as file:
    RECORDINGS = {row["file"]: row["reference"] for row in csv.DictReader(file, delimiter="\t")}


@pytest.fixture(scope="module")
def model() -> VoskModel:
    return VoskModel(SMALL_MODEL)


def frames_of(name: str) -> list[bytes]:
    with wave.open(str(SPEECH / name)) as recording:
        pcm = recording.readframes(recording.getnframes())
    return [pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm) - FRAME_BYTES + 1, FRAME_BYTES)]


def heard_by(recognizer: Recognizer, frames: list[bytes]) -> Utterance:
    for frame in frames:
        recognizer.accept(frame)
    return recognizer.result()


@pytest.mark.parametrize("name", RECORDINGS)
def test_a_held_out_recording_is_understood(model: VoskModel, name: str) -> None:
    utterance = heard_by(model.recognizer(), frames_of(name))
    assert utterance.text == RECORDINGS[name]
    assert utterance.understood() or "digits" in name


@pytest.mark.parametrize(("name", "digit"), [("e30_digits_clean.wav", "3"), ("e31_digits_snr10.wav", "4")])
def test_a_lone_digit_is_heard_where_digits_are_the_hot_words(
    model: VoskModel, name: str, digit: str
) -> None:
    utterance = heard_by(model.recognizer(grammar(SPOKEN_DIGITS, model.knows)), frames_of(name))
    assert utterance.digits() == digit


def test_one_recogniser_hears_one_utterance_after_the_other_and_each_from_its_own_beginning(
    model: VoskModel,
) -> None:
    recognizer = model.recognizer()
    first, second = (heard_by(recognizer, frames_of("e23_defvoice_snr10.wav")) for _ in range(2))
    assert first.text == second.text == "公积金怎么提取"
    # the decoder's frames of 30 ms begin anew with each utterance
    assert abs(first.words[0].start_ms - second.words[0].start_ms) <= 30
    assert heard_by(recognizer, [QUIET] * 50) == Utterance()


def test_two_sentences_with_a_pause_are_one_utterance_until_it_is_asked_for(model: VoskModel) -> None:
    both = [*frames_of("e18_defvoice_clean.wav"), *[QUIET] * 50, *frames_of("e06_heldvoice_clean.wav")]
    recognizer = model.recognizer()
    for frame in both:
        recognizer.accept(frame)
    assert recognizer.partial == "财政局谢谢你"
    assert recognizer.result().text == "财政局谢谢你"
    assert recognizer.partial == ""


def test_hot_words_are_all_that_is_heard_and_what_is_none_is_not_understood(model: VoskModel) -> None:
    hot = grammar(["财政局", "市场监管局", "转人工", "量子力学"], model.knows)
    assert hot == ("财政局", "市场监管局", "转人工", "[unk]")
    assert heard_by(model.recognizer(hot), frames_of("e18_defvoice_clean.wav")).text == "财政局"
    other = heard_by(model.recognizer(hot), frames_of("e23_defvoice_snr10.wav"))
    assert not Heard(other).understood()


async def test_recordings_over_the_wire_come_out_as_text_all_at_once(model: VoskModel) -> None:
    names = list(RECORDINGS)[:10]
    texts: dict[str, str] = {}
    calls: dict[str, str] = {}

    async def on_call(call: SpeechCall) -> None:
        heard = await call.ask(limits=Limits(no_input_ms=60_000))
        assert heard.utterance is not None
        texts[calls[call.uuid]] = heard.utterance.text

    async with (
        RecognizerPool(model.recognizer, most=10, workers=2, behind_frames=10_000) as pool,
        SpeechServer("127.0.0.1", 0, on_call, pool) as server,
    ):
        callers = [FakeAudioSocket(server.port, in_step=False) for _ in names]
        for caller, name in zip(callers, names, strict=True):
            calls[caller.uuid] = name
            await caller.begin()
            await caller.hear(2)
            caller.burst([*frames_of(name), *[QUIET] * 30])
        await asyncio.wait_for(asyncio.gather(*(caller.over() for caller in callers)), 30)
        assert (server.counts.unheard, server.counts.failed) == (0, 0)
    assert texts == {name: RECORDINGS[name] for name in names}


# ── a full model's form ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_model_whose_graph_is_one_piece_hears_the_same_and_takes_no_hot_words(tmp_path: Path) -> None:
    folder = whole_graph_model(tmp_path / "model")
    whole = VoskModel(folder)
    assert not whole.hot_words
    for name, text in RECORDINGS.items():
        utterance = heard_by(whole.recognizer(("转人工",)), frames_of(name))
        assert utterance.text == text
        assert utterance.understood() or "digits" in name
    measured = measure(folder, workers=1)
    assert (measured.hot_words, measured.words) == (False, len(vocabulary(SMALL_MODEL)))
    assert measured.capacity() >= 1


# ── a model that is missing or broken ───────────────────────────────────────────────────────────────────────────


def test_the_small_model_is_sound_and_the_machine_can_hear_somebody_with_it() -> None:
    assert faults_of(SMALL_MODEL) == []
    measured = measure(SMALL_MODEL, workers=2)
    assert (measured.rate, measured.hot_words, measured.workers) == (8000, True, 2)
    assert measured.words > 500
    assert measured.capacity() >= 1


def test_capacity_is_a_share_of_what_was_measured_and_may_be_nobody() -> None:
    slow = Measured(16_000, 300_000, False, 9.0, workers=2, one=0.8, all=1.5)
    assert [slow.capacity(), slow.capacity(1.0)] == [0, 1]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SMALL_MODEL, tmp_path / "model"))


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("am/final.mdl", None, "speech.model: am/final.mdl can't be read (No such file or directory): fetch"),
        ("am/final.mdl", b"", "speech.model: am/final.mdl is empty: fetch"),
        ("am/final.mdl", b"<!DOCTYPE html>", "speech.model: am/final.mdl is something else: fetch"),
        ("graph/Gr.fst", None, "speech.model: graph/Gr.fst can't be read"),
        ("graph/HCLr.fst", b"version https://git-lfs", "speech.model: graph/HCLr.fst is something else"),
        ("graph/HCLG.fst", b"PK", "speech.model: graph/HCLG.fst is something else"),
        ("graph/words.txt", b"", "speech.model: it has no words: fetch"),
        ("graph/words.txt", None, "speech.model: graph/words.txt can't be read"),
        (
            "conf/mfcc.conf",
            b"--sample-frequency=44100\n",
            "speech.model: it was trained on 44100 samples a second: take",
        ),
        ("conf/mfcc.conf", b"--sample-frequency=fast\n", "speech.model: it was trained on 0 samples"),
    ],
)
def test_a_broken_folder_is_one_line_and_vosk_never_sees_it(
    copy: Path, name: str, content: bytes | None, fault: str
) -> None:
    if content is None:
        (copy / name).unlink()
    else:
        (copy / name).write_bytes(content)
    for use in (VoskModel, measure):
        with pytest.raises(ModelFault) as raised:
            use(copy)  # type: ignore[operator]
        assert str(raised.value).startswith(fault)
        assert "\n" not in str(raised.value)


def test_a_folder_that_is_not_there_is_named() -> None:
    with pytest.raises(ModelFault, match=r"speech\.model: /nowhere is no folder: point it at"):
        VoskModel(Path("/nowhere"))


@pytest.mark.parametrize("name", ["am/final.mdl", "graph/HCLr.fst", "graph/Gr.fst"])
def test_a_file_that_was_cut_off_is_a_fault_and_no_crash(
    copy: Path, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    whole = (copy / name).read_bytes()
    (copy / name).write_bytes(whole[: len(whole) // 3])
    for use in (VoskModel, measure):
        with pytest.raises(ModelFault, match=r"^speech\.model: .*: fetch and unpack it again$"):
            use(copy)  # type: ignore[operator]
    capfd.readouterr()


def test_a_file_that_kills_the_recogniser_kills_only_the_trial(copy: Path) -> None:
    damaged = bytearray((copy / "graph/Gr.fst").read_bytes())
    middle = len(damaged) // 20
    damaged[middle : middle + 4000] = b"\xa5" * 4000
    (copy / "graph/Gr.fst").write_bytes(damaged)
    with pytest.raises(ModelFault, match=r"ends the recogniser with SIG(SEGV|ABRT): fetch"):
        measure(copy, workers=1)


def test_a_model_that_takes_for_ever_is_given_up(copy: Path) -> None:
    with pytest.raises(ModelFault, match=r"not loaded within 0\.01 s: take a smaller model"):
        measure(copy, within_s=0.01)


def test_a_wide_band_model_is_given_twice_the_samples(copy: Path) -> None:
    conf = copy / "conf/mfcc.conf"
    conf.write_text(conf.read_text().replace("=8000", "=16000"))
    wide = VoskModel(copy)
    assert wide.rate == 16_000
    recognizer = wide.recognizer()
    for frame in probe():  # Vosk refuses 8 kHz here: it never makes more of less
        recognizer.accept(frame)
    assert isinstance(recognizer.result(), Utterance)
    assert PROBE.stat().st_size > 50_000
