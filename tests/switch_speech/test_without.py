"""A model that is missing or broken, and an engine that dies: the city answers calls as it does without speech."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from asr.vosk_live import SMALL_MODEL
from hotline.city import City
from hotline.rehearsal.callers_live import Callers
from hotline.rehearsal.hearing import find
from hotline.rehearsal.sound import read_wav
from ivr.prompts import sound
from tests.switch.conftest import silent
from tests.switch_gone.running import Run
from tests.switch_speech.lines import spoken, talkers
from tests.switch_speech.people import (
    AT_ONCE_S,
    CELL,
    OFFER,
    ON,
    Guest,
    answering_town,
    entries,
    hasty,
    rung_for,
    seats,
)

pytestmark = pytest.mark.switch

NET = "127.9.4"
QUESTION, ENTRY = "公积金怎么提取", "gjj.withdraw"


def missing(folder: Path) -> Path:
    """A folder that is not there."""
    return folder / "nowhere"


def broken(folder: Path) -> Path:
    """The small model with half an acoustic model."""
    made = folder / "model"
    shutil.copytree(SMALL_MODEL, made)
    file = made / "am" / "final.mdl"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    return made


@pytest.mark.parametrize("spoil", [missing, broken])
async def test_with_a_model_that_is_missing_or_broken_seats_answer_as_without_speech_and_the_fault_is_told(
    spoil: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert callable(spoil)
    model: Path = spoil(tmp_path)
    async with (
        answering_town(hasty(f'{ON}model = "{model}"\n'), ready=False) as here,
        seats(here, 1) as there,
        talkers(here, CELL) as callers,
    ):
        link = here.platform.speech.link
        assert link is not None
        await here.until(lambda: link.fault, "the fault is told", 30)
        place, colon, remedy = link.fault.rpartition(": ")
        assert place.startswith("speech.model: ")
        assert str(model) in place
        assert colon
        assert remedy
        assert "\n" not in link.fault
        logged = [json.loads(line) for line in capsys.readouterr().err.splitlines() if line.startswith("{")]
        assert [line["level"] for line in logged if line.get("fault") == link.fault] == ["error"], "told once"
        guest = await Guest.calls(here, callers, "13900005001")
        answered = guest.call.answered
        assert answered is not None
        rung = await rung_for(there, "13900005001")
        await guest.until(lambda: rung.answered is not None, "a person", 5)
        await guest.hang_up()
        record = await guest.record()
        assert record.prompt_ended is not None
        assert record.rung is not None
        assert record.rung - record.prompt_ended <= 1000 * AT_ONCE_S
        assert (record.disposition, record.speech) == ("answered", ())


@asynccontextmanager
async def speaking_run() -> AsyncIterator[Run]:
    """``hotline run`` of a city whose machine answers."""
    run = Run(NET)
    try:
        run.file.write_text(f"{silent(run.file.read_text(encoding='utf-8'))}\n{ON}", encoding="utf-8")
        run.city = City.load(run.file)
        await run.start()
        await run.until(lambda: run.events("speech is answered"), "the machine takes callers", 40)
        yield run
    finally:
        await run.clear()


async def test_a_caller_of_the_machine_whose_engine_is_killed_is_not_hung_up_on_and_reaches_a_seat() -> None:
    async with (
        speaking_run() as run,
        run.phones(2, 30.0) as phones,
        Callers(run.far(CELL)[0], run.sip) as callers,
    ):
        await run.sign_on(phones)
        call = await callers.dial("12345", "13900005101")
        await asyncio.wait_for(call.up.wait(), 10)

        async def heard(prompt: str, seconds: float) -> None:
            wanted = read_wav(run.settings.sounds / f"{sound(prompt)}.wav")[0][: round(8000 * seconds)]
            async with asyncio.timeout(20):
                while (found := find(prompt, call.heard(), wanted)) is None or found.share < 0.7:  # noqa: ASYNC110
                    await asyncio.sleep(0.2)

        await heard(OFFER, 1)
        await callers.say(call, spoken(QUESTION))
        await heard(entries()[ENTRY].answer, 1.5)
        os.kill(run.worker(), signal.SIGKILL)
        async with asyncio.timeout(30):
            while not any(leg.caller == "13900005101" and leg.answered for leg in phones.legs()):
                assert not call.over.is_set(), "he was hung up on"
                await asyncio.sleep(0.1)
        assert not call.over.is_set()
        await callers.hang_up(call)
        await run.until(lambda: len(run.records()) == 1, "its record")
        (record,) = run.records()
        assert (record["caller"], record["disposition"]) == ("13900005101", "answered")
