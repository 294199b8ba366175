"""What does the machine hear and answer, how soon, and how many callers at once?

Starts the speech process as the engine does (voice detector, end-pointer, Vosk, matcher, dialogue, sounds) and plays the held-out
recordings under ``tests/data/speech`` to it, each as a caller who says his question at a caller's pace, ``--callers`` of them at a
time, over sockets of this machine but without Asterisk. Prints how many recordings were answered with the right entry, with a
wrong one, asked back, and not answered; how long after the last of the voice the answer's first sample arrived; the
real-time factor, and what one caller costs.

The last of the voice is the end of the last 20 ms that are louder than a tenth of the loudest, and than twice the noise behind
it. What each recording is to be answered with stands in ``entries.tsv``; nothing stands there for what the base knows no answer
to: then a person is right. Exit status 1: a target is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import os
import sys
import tempfile
import time
import uuid
import wave
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from asr.audiosocket import FRAME_BYTES, FRAME_MS, message
from asr.audiosocket import Kind as MessageKind
from asr.vosk_live import SMALL_MODEL, measure, probe
from hotline.speech_link import Callbacks, SpeechLink
from hotline.speech_words import Expect, Settings, Turn
from hotline.switch.find import cache_directory
from tests.fakes.audiosocket import FakeAudioSocket

SPEECH = Path(__file__).parents[1] / "tests" / "data" / "speech"
OFFER = "speech-please"
ALLOWED_MS = 700
"""from the end of speech to the first sample of the answer, 95 of 100 callers"""
RIGHT = 0.95
"""of the recordings are answered right, and none wrong"""
ANSWERED = {"answered", "confirmed"}


@dataclass(frozen=True, slots=True)
class Recording:
    """Frames, what is said in them, after which of them it has been said, and the entry that answers it, None: none does."""

    frames: list[bytes]
    text: str
    ends: int
    entry: str | None


def recordings() -> list[Recording]:
    found = []
    entries = {row["file"]: row["entry"] or None for row in table("entries.tsv")}
    for row in table("refs.tsv"):
        with wave.open(str(SPEECH / row["file"])) as recording:
            pcm = recording.readframes(recording.getnframes())
        frames = [pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm) - FRAME_BYTES + 1, FRAME_BYTES)]
        samples = np.frombuffer(b"".join(frames), "<i2").reshape(len(frames), -1).astype(float)
        loud = np.sqrt(np.mean(samples**2, axis=1))
        least = max(loud.max() / 10, 2 * float(np.median(loud[-20:])))
        ends = int(np.flatnonzero(loud > least)[-1]) + 1
        found.append(Recording(frames, row["reference"], ends, entries[row["file"]]))
    return found


def table(name: str) -> list[dict[str, str]]:
    with (SPEECH / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


class Caller(FakeAudioSocket):
    """Hears the offer out, says a recording, hears the answer begin, presses a key; knows when its last word was sent, and when the
    answer came."""

    def __init__(self, port: int, recording: Recording) -> None:
        super().__init__(port, name=str(uuid.uuid4()))
        self.recording = recording
        self.said = 0
        self.saying = False
        self.ended_at = self.answered_at = 0.0

    def send(self, data: bytes) -> None:
        super().send(data)
        if data[0] == MessageKind.AUDIO and self.saying:
            self.said += 1
            if self.said == self.recording.ends:
                self.ended_at = time.perf_counter()

    async def call(self) -> None:
        await self.begin()
        await self.hear_prompt(1)
        while any(self.heard[-1]):  # its end
            await self.hear(len(self.heard) + 15)
        before = self.prompt_frames
        self.saying = True
        self.say(self.recording.frames)
        await self.hear_prompt(before + 1)
        self.answered_at = time.perf_counter()
        await self.hear_prompt(before + 10)
        self.press("0")
        await self.over()


async def run(model: Path, callers: int, rounds: int) -> bool:
    turns: dict[str, list[Turn]] = {}
    serves = asyncio.Event()
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(
            city="benchmark",
            model=str(model),
            records=f"{home}/records.sqlite",
            sounds=str(cache_directory() / "prompts"),
        )
        link = SpeechLink(
            settings,
            Callbacks(
                capacity=lambda most: serves.set() if most else None,
                turn=lambda turn: turns.setdefault(turn.uuid, []).append(turn),
            ),
        )
        link.start()
        try:
            async with asyncio.timeout(200):
                await serves.wait()
            return await play(link, turns, callers, rounds)
        finally:
            await link.close()


async def play(link: SpeechLink, turns: dict[str, list[Turn]], callers: int, rounds: int) -> bool:
    assert link.ready is not None
    assert link.pid is not None
    ready, pid = link.ready, link.pid
    print(f"{ready.entries} entries, {ready.words} words, {ready.most} callers at once")
    texts: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    waits: list[float] = []
    connected_s = 0.0
    everything = recordings() * rounds
    await settled(pid)
    busy, ours = busy_s(pid), time.process_time()
    for at in range(0, len(everything), callers):
        group = [Caller(ready.port, one) for one in everything[at : at + callers]]
        for caller in group:
            told = Expect(caller.uuid, caller.uuid, (OFFER,), ("speech-person",))
            assert await link.expect(told) is not None
        await asyncio.gather(*(caller.call() for caller in group))
        for caller in group:
            connected_s += len(caller.heard) * FRAME_MS / 1000
            first = (turns.get(caller.uuid) or [Turn(caller.uuid, "", "nothing")])[0]
            one = caller.recording
            texts["right" if first.heard == one.text else "wrong"] += 1
            kind = outcome(first, one.entry)
            outcomes[kind] += 1
            if caller.answered_at:
                waits.append((caller.answered_at - caller.ended_at) * 1000)
            if kind != "right":
                print(f"  {kind}: said {one.text}, heard {first.heard}: {first.did} {first.entry}")
    busy, ours = busy_s(pid) - busy, time.process_time() - ours
    total = outcomes.total()
    kinds = ", ".join(f"{kind} {outcomes[kind]}" for kind in ("right", "wrong", "asked back", "not answered"))
    right = outcomes["right"] / total
    well = right >= RIGHT and not outcomes["wrong"]
    print(
        f"{total} recordings, {callers} callers at once: {kinds} "
        f"({right:.0%} right, {RIGHT:.0%} and no wrong one wanted: {said(well)}); {texts['right']} texts heard right"
    )
    p50, p95 = np.percentile(waits, [50, 95])
    soon = bool(p95 <= ALLOWED_MS)
    print(
        f"end of speech to the answer's first sample: p50 {p50:.0f} ms, p95 {p95:.0f} ms (allowed {ALLOWED_MS}: {said(soon)})"
    )
    print(
        f"a second of a call takes {busy / connected_s * 1000:.1f} ms of processor: {connected_s / busy:.0f} callers per core "
        f"(and the callers here {ours / connected_s * 1000:.1f} ms)"
    )
    return well and soon


def said(met: bool) -> str:
    return "met" if met else "missed"


def outcome(first: Turn, entry: str | None) -> str:
    """What became of the question."""
    if first.did in ANSWERED:
        return "right" if first.entry == entry else "wrong"
    if entry is None:
        return "right"
    return "asked back" if first.did == "asked back" else "not answered"


def busy_s(pid: int) -> float:
    """Processor time of a process so far, without those that it has started."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def settled(pid: int) -> None:
    """Until it has made the sounds of its base: a new machine's first run is no measure."""
    quiet = 0
    while quiet < 3:
        before = busy_s(pid)
        await asyncio.sleep(1)
        quiet = quiet + 1 if busy_s(pid) - before < 0.05 else 0


def plainly() -> float:
    """Milliseconds of the voice detector and the wire for a second of speech: what the event loop does itself."""
    from asr.audiosocket import AudioSocketStream
    from asr.live import voice_detector

    voiced, stream = voice_detector(), AudioSocketStream()
    stream.feed(message(MessageKind.UUID, bytes(16)))
    frames = probe() * 20
    began = time.perf_counter()
    for frame in frames:
        stream.feed(message(MessageKind.AUDIO, frame))
        voiced(frame)
    return (time.perf_counter() - began) * 1000 / (len(frames) * FRAME_MS / 1000)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--callers", type=int, default=10, help="at once")
    parser.add_argument("--rounds", type=int, default=5, help="of all recordings")
    parser.add_argument("--model", type=Path, default=SMALL_MODEL)
    args = parser.parse_args()
    measured = measure(args.model)
    print(
        f"real-time factor {1 / measured.one:.4f} on one core; the model is loaded in {measured.load_s:.2f} s"
    )
    print(
        f"{measured.workers} threads recognise {measured.all:.0f} s of speech a second,"
        f" {measured.all / measured.one:.1f} times as much as one: capacity {measured.capacity()} callers"
    )
    print(f"wire and voice detector: {plainly():.2f} ms for a second of speech")
    sys.exit(0 if asyncio.run(run(args.model, args.callers, args.rounds)) else 1)


if __name__ == "__main__":
    main()
