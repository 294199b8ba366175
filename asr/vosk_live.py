"""Vosk: one model a process, one recogniser a call, and what this machine can hear at once.

Vosk's library writes its faults to the terminal and on some broken files ends the process: so the folder is looked at first, and
then tried out in a process of its own, which measures at the same time how much speech this machine recognises in a second.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import wave
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from asr.audiosocket import FRAME_BYTES, FRAME_MS, RATE
from asr.resample import Doubling
from asr.speech import Utterance, Word
from asr.vocabulary_live import GRAPH_HEAD, NoVocabulary, vocabulary

DATA = Path(__file__).parent / "data"
SMALL_MODEL = DATA / "model"
"""trained for this program on synthetic voices: for the demonstration and the tests, never for callers"""
PROBE = DATA / "probe.wav"
"""what is recognised to measure with: 3.8 s of synthetic speech"""
SHARE = 0.5
"""of what was measured that is used: people speak at the same time by chance, and others need the machine too"""
TRIAL_S = 180.0
MEASURE_S = 0.3

_RATES = (8_000, 16_000)


class ModelFault(Exception):
    """The model can't be used. ``place: fault: remedy``."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a model is and what this machine does with it.

    ``rate``: samples a second that it was trained on; ``words``: in its vocabulary; ``hot_words``: can it be narrowed to some;
    ``load_s``: seconds to load it; ``one`` and ``all``: seconds of speech recognised in a second, by one thread and by ``workers``.
    """

    rate: int
    words: int
    hot_words: bool
    load_s: float
    workers: int
    one: float
    all: float

    def capacity(self, share: float = SHARE) -> int:
        """Callers who may speak at once; 0: not even one."""
        return int(self.all * share)


def faults_of(folder: Path, place: str = "speech.model") -> list[str]:
    """What is wrong with a model's folder, as far as its files tell, each as ``place: fault: remedy``."""
    fetch = "fetch and unpack it again"
    if not folder.is_dir():
        return [
            f"{place}: {folder} is no folder: point it at an unpacked vosk model (with am/, conf/, graph/)"
        ]
    needed: list[tuple[str, bytes]] = [
        ("am/final.mdl", b""),
        ("conf/model.conf", b""),
        ("conf/mfcc.conf", b""),
    ]
    if (folder / "graph/HCLG.fst").exists():
        needed.append(("graph/HCLG.fst", GRAPH_HEAD))
    else:
        needed += [("graph/HCLr.fst", GRAPH_HEAD), ("graph/Gr.fst", GRAPH_HEAD)]
    faults = []
    for name, head in needed:
        try:
            with (folder / name).open("rb") as file:
                begins = file.read(32)
        except OSError as why:
            faults.append(f"{place}: {name} can't be read ({why.strerror}): {fetch}")
            continue
        if not begins:
            faults.append(f"{place}: {name} is empty: {fetch}")
        elif not begins.startswith(head) or (name == "am/final.mdl" and b"<Trans" not in begins):
            faults.append(f"{place}: {name} is something else: {fetch}")
    if not faults:
        try:
            if not vocabulary(folder):
                faults.append(f"{place}: it has no words: {fetch}")
        except NoVocabulary as why:
            faults.append(f"{place}: {why}: {fetch}")
    if not faults and rate_of(folder) not in _RATES:
        faults.append(
            f"{place}: it was trained on {rate_of(folder)} samples a second: take one for 8000 or 16000"
        )
    return faults


def rate_of(folder: Path) -> int:
    """The samples a second that a model was trained on: 16000 where its ``conf/mfcc.conf`` doesn't say."""
    for line in (folder / "conf/mfcc.conf").read_text(encoding="utf-8", errors="replace").splitlines():
        name, _, value = line.partition("#")[0].strip().partition("=")
        if name.strip() == "--sample-frequency":
            try:
                return int(float(value))
            except ValueError:
                return 0
    return 16_000


class VoskModel:
    """A model that is loaded: the small one takes 20 ms and 60 MB, a full one ten seconds and some GB. Share it between threads.

    Raises `ModelFault`. A file that is damaged inside may end the process instead: `measure` it before.
    """

    def __init__(self, folder: Path, place: str = "speech.model") -> None:
        if faults := faults_of(folder, place):
            raise ModelFault(faults[0])
        import vosk  # 60 ms, and a C library of 26 MB: only where speech is recognised

        vosk.SetLogLevel(-1)
        self.folder = folder
        self.rate = rate_of(folder)
        self.hot_words = not (folder / "graph/HCLG.fst").exists()
        try:
            self._model = vosk.Model(str(folder))
            vosk.KaldiRecognizer(self._model, float(self.rate))
        except Exception as why:  # the library raises nothing more exact
            raise ModelFault(f"{place}: {folder} can't be loaded ({why}): fetch and unpack it again") from why

    def knows(self, word: str) -> bool:
        """Is this in the vocabulary?"""
        return bool(self._model.vosk_model_find_word(word) >= 0)

    def recognizer(self, grammar: tuple[str, ...] = ()) -> VoskRecognizer:
        """A recogniser: call it in the thread that will use it. ``grammar``: the only phrases to hear (`asr.speech.grammar`); a
        model that can't be narrowed hears everything."""
        return VoskRecognizer(self._model, self.rate, grammar if self.hot_words else ())


class VoskRecognizer:
    """`asr.speech.Recognizer` by Vosk."""

    __slots__ = ("_base_ms", "_doubling", "_heard_ms", "_recognizer")

    def __init__(self, model: Any, rate: int, grammar: tuple[str, ...]) -> None:
        import vosk

        narrowed = (json.dumps(grammar, ensure_ascii=False),) if grammar else ()
        self._recognizer = vosk.KaldiRecognizer(model, float(rate), *narrowed)
        self._recognizer.SetWords(True)
        self._doubling = None if rate == RATE else Doubling()
        self._heard_ms = self._base_ms = 0

    def accept(self, frame: bytes) -> None:
        self._heard_ms += len(frame) * FRAME_MS // FRAME_BYTES
        # What it says of pauses is left alone: where an utterance ends is for `asr.speech.Endpointer`, and what is not taken stays.
        self._recognizer.AcceptWaveform(frame if self._doubling is None else self._doubling.feed(frame))

    @property
    def partial(self) -> str:
        # without the key where nothing was heard since the last result
        text: str = json.loads(self._recognizer.PartialResult()).get("partial", "")
        return text.replace(" ", "")

    def result(self) -> Utterance:
        base_ms, self._base_ms = self._base_ms, self._heard_ms
        words = json.loads(self._recognizer.FinalResult()).get("result", ())
        return Utterance(
            tuple(
                Word(
                    word["word"],
                    word["conf"],
                    round(word["start"] * 1000) - base_ms,
                    round(word["end"] * 1000) - base_ms,
                )
                for word in words
            )
        )


# ── tried out in a process of its own ───────────────────────────────────────────────────────────────────────────


def measure(
    folder: Path, *, workers: int | None = None, place: str = "speech.model", within_s: float = TRIAL_S
) -> Measured:
    """Load the model in another process, and see how fast it is there. Raises `ModelFault`, whatever it does to that process."""
    if faults := faults_of(folder, place):
        raise ModelFault(faults[0])
    command = [sys.executable, "-m", "asr.vosk_live", str(folder), str(workers or os.cpu_count() or 1)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=within_s, check=False)
    except subprocess.TimeoutExpired:
        raise ModelFault(
            f"{place}: {folder} is not loaded within {within_s:g} s: take a smaller model"
        ) from None
    if done.returncode < 0:
        how = signal.Signals(-done.returncode).name
        raise ModelFault(f"{place}: {folder} ends the recogniser with {how}: fetch and unpack it again")
    try:
        return Measured(**json.loads(done.stdout))
    except (ValueError, TypeError):
        told = done.stderr.decode("utf-8", "replace").strip().splitlines()
        why = told[-1] if told else f"exit {done.returncode}"
        raise ModelFault(f"{place}: {folder} can't be tried out ({why}): fetch and unpack it again") from None


def probe() -> list[bytes]:
    """What is recognised to measure with, in frames."""
    with wave.open(str(PROBE)) as file:
        pcm = file.readframes(file.getnframes())
    return [pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm) - FRAME_BYTES + 1, FRAME_BYTES)]


def _speed(model: VoskModel, workers: int, frames: list[bytes]) -> float:
    """Seconds of speech a second by so many threads."""
    heard = [0] * workers
    start = threading.Barrier(workers + 1)

    def work(number: int) -> None:
        recognizer = model.recognizer()
        start.wait()
        began = time.perf_counter()
        while not heard[number] or time.perf_counter() - began < MEASURE_S:
            for frame in frames:
                recognizer.accept(frame)
            recognizer.result()
            heard[number] += len(frames)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(workers)]
    for thread in threads:
        thread.start()
    start.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    return sum(heard) * FRAME_MS / 1000 / (time.perf_counter() - began)


def main(folder: str, workers: str) -> None:
    """What the other process does: prints a `Measured` as JSON."""
    began = time.perf_counter()
    try:
        model = VoskModel(Path(folder))
    except ModelFault as why:
        sys.exit(str(why.__cause__ or why))
    load_s = time.perf_counter() - began
    words = len(vocabulary(Path(folder)))
    frames, count = probe(), int(workers)
    one = _speed(model, 1, frames)
    every = _speed(model, count, frames) if count > 1 else one
    measured = Measured(model.rate, words, model.hot_words, load_s, count, one, every)
    sys.stdout.write(json.dumps(asdict(measured)))


if __name__ == "__main__":
    main(*sys.argv[1:])
