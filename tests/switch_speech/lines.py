"""Callers who speak, and a town whose machine answers them."""

from __future__ import annotations

import asyncio
import csv
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

import numpy as np

from acd.messages import CallRecord
from hotline.city import City
from hotline.rehearsal.callers_live import Call, Callers
from hotline.rehearsal.hearing import find
from hotline.rehearsal.sound import RATE, Samples, read_wav
from hotline.switch.prompts_live import VOICE
from ivr.prompts import sound
from tests.switch.conftest import Town, city_text, moved, town

SPEECH = Path(__file__).parents[1] / "data" / "speech"
TURNED_ON = """
[speech]
greeting = true
"""


@asynccontextmanager
async def speaking_town(text: str = TURNED_ON, *, city: str = "heze") -> AsyncIterator[Town]:
    """A city whose machine answers after the greeting, or as ``text`` says; ready to take callers."""
    async with town(City.read(f"{moved(city_text(city))}\n{text}", city)) as here:
        await machine_ready(here)
        yield here


async def machine_ready(here: Town, within_s: float = 30.0) -> None:
    """Wait until the machine takes callers."""
    state = here.platform.service.engine.state
    await here.until(lambda: state.speech_most > 0, "the machine takes callers", within_s)


@cache
def recordings() -> dict[str, Path]:
    """The held-out recordings, by their text."""
    with (SPEECH / "refs.tsv").open(encoding="utf-8", newline="") as file:
        return {row["reference"]: SPEECH / row["file"] for row in csv.DictReader(file, delimiter="\t")}


@cache
def spoken(text: str) -> Samples:
    """Somebody who says this: the recording of it, or else a synthetic caller."""
    if text in recordings():
        samples, rate = read_wav(recordings()[text])
        assert rate == RATE
        return samples
    with tempfile.TemporaryDirectory() as scratch:
        raw, made = Path(scratch) / "raw.wav", Path(scratch) / "made.wav"
        subprocess.run(
            ["espeak-ng", "-v", VOICE, "-s", "160", "-w", str(raw), text], check=True, capture_output=True
        )
        assert shutil.which("sox")
        subprocess.run(
            ["sox", "-G", str(raw), "-r", "8000", "-c", "1", "-b", "16", str(made), "gain", "-3"], check=True
        )
        samples, _ = read_wav(made)
        return samples


def ends(samples: Samples) -> int:
    """After how many samples the last word is over: the last 20 ms louder than a tenth of the loudest, and than twice the noise."""
    frames = samples[: len(samples) // 160 * 160].reshape(-1, 160).astype(float)
    loud = np.sqrt(np.mean(frames**2, axis=1))
    least = max(loud.max() / 10, 2 * float(np.median(loud[-20:])))
    return (int(np.flatnonzero(loud > least)[-1]) + 1) * 160


class Talker:
    """One caller who talks to the machine."""

    def __init__(self, here: Town, callers: Callers, call: Call) -> None:
        self.here = here
        self.callers = callers
        self.call = call

    def prompt(self, prompt: str) -> Samples:
        """The sound of a prompt, or of a text, as the town's library has it."""
        samples, _ = read_wav(self.here.platform.switch.settings.sounds / f"{sound(prompt)}.wav")
        return samples

    def hears(self, prompt: str, share: float = 0.7) -> bool:
        """Has this been heard by now?"""
        path = self.here.platform.switch.settings.sounds / f"{sound(prompt)}.wav"
        if not path.exists():
            return False
        found = find(prompt, self.call.heard(), self.prompt(prompt))
        return found is not None and found.share >= share

    async def until_heard(self, prompt: str, within_s: float = 20.0) -> None:
        """Wait until this has been heard."""
        deadline = time.monotonic() + within_s
        while not self.hears(prompt):
            assert time.monotonic() < deadline, f"not heard within {within_s:g} s: {prompt}"
            assert not self.call.over.is_set(), f"the call ended before it was heard: {prompt}"
            await asyncio.sleep(0.1)

    async def say(self, text: str) -> float:
        """Say this; when its last word was over."""
        samples = spoken(text)
        rest = len(samples) - ends(samples)
        return await self.callers.say(self.call, samples) - rest / RATE

    async def record(self, within_s: float = 15.0) -> CallRecord:
        """The record of the call."""
        return await self.here.record_of(self.call.caller, within_s)


@asynccontextmanager
async def talkers(here: Town, trunk: str = "unicom") -> AsyncIterator[Callers]:
    """People who call in over a trunk."""
    async with Callers(here.far(trunk)[0], here.sip) as callers:
        yield callers
