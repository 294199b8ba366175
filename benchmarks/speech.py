"""What does the machine hear, how soon does it answer, and how many callers does it hear at once?

Plays the held-out recordings under ``tests/data/speech`` through the speech server as it is (voice detector, end-pointer, Vosk),
each as a caller who speaks at a caller's pace, ``--callers`` of them at a time, over sockets of this machine but without
Asterisk. Prints how many sentences came out right, wrong and not understood; how long after the last of the voice the answer's
first sample arrived; the real-time factor, and what one caller costs.

The last of the voice is the end of the last 20 ms that are louder than a tenth of the loudest, and than twice the noise behind
it. Wrong: another text, and sure of it.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import time
import wave
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from asr.audiosocket import FRAME_BYTES, FRAME_MS, message
from asr.audiosocket import Kind as MessageKind
from asr.call_live import SpeechCall
from asr.live import SpeechServer
from asr.pool_live import RecognizerPool
from asr.speech import Heard, Outcome
from asr.vosk_live import SMALL_MODEL, VoskModel, measure, probe
from tests.fakes.audiosocket import FakeAudioSocket

SPEECH = Path(__file__).parents[1] / "tests" / "data" / "speech"
ANSWER = b"\x00\x10" * (FRAME_BYTES // 2) * 5
ALLOWED_MS = 700
"""from the end of speech to the first sample of the answer, 95 of 100 callers"""


@dataclass(frozen=True, slots=True)
class Recording:
    """Frames, what is said in them, and after which of them it has been said."""

    frames: list[bytes]
    text: str
    ends: int


def recordings() -> list[Recording]:
    found = []
    with (SPEECH / "refs.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    for row in rows:
        with wave.open(str(SPEECH / row["file"])) as recording:
            pcm = recording.readframes(recording.getnframes())
        frames = [pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm) - FRAME_BYTES + 1, FRAME_BYTES)]
        samples = np.frombuffer(b"".join(frames), "<i2").reshape(len(frames), -1).astype(float)
        loud = np.sqrt(np.mean(samples**2, axis=1))
        least = max(loud.max() / 10, 2 * float(np.median(loud[-20:])))
        found.append(Recording(frames, row["reference"], int(np.flatnonzero(loud > least)[-1]) + 1))
    return found


class Caller(FakeAudioSocket):
    """Says a recording; knows when its last word was sent, and when the answer came."""

    def __init__(self, port: int, recording: Recording) -> None:
        super().__init__(port)
        self.recording = recording
        self.said = 0
        self.ended_at = self.answered_at = 0.0

    def send(self, data: bytes) -> None:
        super().send(data)
        if data[0] == MessageKind.AUDIO:
            self.said += 1
            if self.said == self.recording.ends:
                self.ended_at = time.perf_counter()

    async def call(self) -> None:
        self.say(self.recording.frames)
        await self.begin()
        await self.hear_prompt(1)
        self.answered_at = time.perf_counter()
        await self.over()


async def run(model: VoskModel, callers: int, workers: int) -> None:
    told: dict[str, Heard] = {}

    async def on_call(call: SpeechCall) -> None:
        told[call.uuid] = await call.ask()
        await call.say(ANSWER)

    everything = recordings()
    outcomes: Counter[str] = Counter()
    waits: list[float] = []
    spoken_s = 0.0
    busy, began = time.process_time(), time.perf_counter()
    async with (
        RecognizerPool(model.recognizer, most=callers, workers=workers) as pool,
        SpeechServer("127.0.0.1", 0, on_call, pool) as server,
    ):
        for at in range(0, len(everything), callers):
            group = [Caller(server.port, one) for one in everything[at : at + callers]]
            await asyncio.gather(*(caller.call() for caller in group))
            for caller in group:
                spoken_s += caller.said * FRAME_MS / 1000
                heard = told.get(caller.uuid)
                outcomes[outcome(heard, caller.recording.text)] += 1
                if heard is not None and heard.utterance is not None:
                    waits.append((caller.answered_at - caller.ended_at) * 1000)
                if heard is None or heard.utterance is None or heard.utterance.text != caller.recording.text:
                    print(f"  said {caller.recording.text}, heard {heard}")
    busy, took = time.process_time() - busy, time.perf_counter() - began
    total = outcomes.total()
    kinds = ", ".join(
        f"{kind} {outcomes[kind]}" for kind in ("right", "unsure", "not understood", "wrong", "nothing")
    )
    print(f"{total} recordings, {callers} callers at once: {kinds} ({outcomes['right'] / total:.0%} right)")
    p50, p95 = np.percentile(waits, [50, 95])
    verdict = "met" if p95 <= ALLOWED_MS else "missed"
    print(
        f"end of speech to the answer's first sample: p50 {p50:.0f} ms, p95 {p95:.0f} ms (allowed {ALLOWED_MS}: {verdict})"
    )
    share = busy / spoken_s
    print(
        f"server and callers together: {share * 1000:.1f} ms of processor for a second of call, in {took:.1f} s"
    )
    counts = server.counts
    print(f"frames dropped {counts.dropped_frames}, late {counts.late_frames}; not heard {counts.unheard}")


def outcome(heard: Heard | None, text: str) -> str:
    if heard is None or heard.utterance is None:
        return "nothing"
    right = heard.utterance.text == text
    if heard.outcome() is Outcome.MISUNDERSTOOD:
        return "unsure" if right else "not understood"
    return "right" if right else "wrong"


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
    parser.add_argument("--model", type=Path, default=SMALL_MODEL)
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    measured = measure(args.model, workers=args.workers)
    print(
        f"real-time factor {1 / measured.one:.4f} on one core; the model is loaded in {measured.load_s:.2f} s"
    )
    print(
        f"{measured.workers} threads recognise {measured.all:.0f} s of speech a second,"
        f" {measured.all / measured.one:.1f} times as much as one: capacity {measured.capacity()} callers"
    )
    model = VoskModel(args.model)
    print(f"wire and voice detector: {plainly():.2f} ms for a second of speech")
    asyncio.run(run(model, args.callers, args.workers))


if __name__ == "__main__":
    main()
