"""Starting, adopting, reloading, watching and stopping a real Asterisk."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from hotline.switch.config import SwitchSettings
from hotline.switch.process import Switch, SwitchFailed
from hotline.switch.tree import RELOADS
from tests.switch_config.bench import LIMIT_S, SEATS, SECRETS, bench
from tests.switch_config.test_calls import to_seat
from trunks.seats import Seat

pytestmark = pytest.mark.switch


async def test_an_asterisk_that_runs_is_adopted_with_its_process() -> None:
    async with bench() as it:
        pid = it.switch.pid
        next_engine = Switch(it.switch.installation, it.switch.settings)
        assert await next_engine.start(it.trunks, it.seats, it.secrets) is True
        assert next_engine.pid == pid
        await next_engine.stop()
        assert it.switch.settings.control.exists() is False
        assert it.switch.pid is None


async def test_a_talking_call_survives_a_reload_that_adds_a_seat_and_a_trunk() -> None:
    async with bench(to_seat) as it:
        phone = await it.phone("1001", talks_ms=1500)
        caller = await it.call("12345")
        await phone.until_heard("ACK sip:")
        seat = replace(it.seats[0], number="1999")
        trunk = replace(it.trunks[1], name="new", incoming=replace(it.trunks[1].incoming, user="new"))
        secrets = {**it.secrets, seat.secret: "another-secret"}
        done = await it.switch.reload((*it.trunks, trunk), (*it.seats, seat), secrets)
        endpoints = await it.switch.console("pjsip show endpoints")
        contexts = await it.switch.console("dialplan show from-trunk-new")
        assert phone.process.returncode is None
        assert (await phone.end(), await caller.end()) == (0, 0)
    assert done.changed == ("extensions.conf", "pjsip.conf")
    assert done.need_restart == ()
    assert "1999" in endpoints
    assert "hotline-enter" in contexts


async def test_every_file_that_can_be_read_again_is_read_again_by_a_command_that_asterisk_knows() -> None:
    async with bench() as it:
        for command in (command for commands in RELOADS.values() for command in commands):
            await it.switch.console(command)
        assert it.faults() == []


async def test_a_command_that_asterisk_does_not_know_is_not_taken_for_done() -> None:
    async with bench() as it:
        with pytest.raises(SwitchFailed, match="No such command"):
            await it.switch.console("make coffee")


async def test_a_reload_without_a_change_does_nothing() -> None:
    async with bench() as it:
        done = await it.switch.reload(it.trunks, it.seats, it.secrets)
    assert done.changed == ()


async def test_a_reload_says_which_files_only_a_restart_brings_into_effect() -> None:
    async with bench() as it:
        settings = it.switch.settings
        moved = replace(settings, network=replace(settings.network, tcp=None, rtp=(20_000, 20_100)))
        done = await Switch(it.switch.installation, moved).reload(it.trunks, it.seats, it.secrets)
    assert done.need_restart == ("rtp.conf", "pjsip.conf")


async def test_the_end_of_the_process_is_seen_by_who_started_it_and_by_who_adopted_it() -> None:
    async with bench() as it:
        other = Switch(it.switch.installation, it.switch.settings)
        watching = [asyncio.create_task(switch.watch()) for switch in (it.switch, other)]
        await asyncio.sleep(0)
        pid = it.switch.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        async with asyncio.timeout(LIMIT_S):
            ends = await asyncio.gather(*watching)
        assert ends[0] == -signal.SIGKILL
        assert other.pid is None
        # What the dead one left behind does not keep the next from starting.
        assert await other.start(it.trunks, it.seats, it.secrets) is False
        await other.stop()


async def test_an_asterisk_that_cannot_start_is_reported_with_its_own_words() -> None:
    async with bench() as it:
        await it.switch.stop()
        broken = replace(it.switch.installation, modules=Path("/nonexistent"))
        settings = replace(it.switch.settings, directory=it.scratch / "broken")
        switch = Switch(broken, settings)
        with pytest.raises(SwitchFailed, match=r"started without chan_pjsip\.so"):
            await switch.start(it.trunks, it.seats, it.secrets, within_s=3)
        assert switch.pid is None


async def test_a_hung_asterisk_is_ended_all_the_same() -> None:
    async with bench() as it:
        pid = it.switch.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        await it.switch.stop(patience_s=0.2)
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_control_socket_with_too_long_a_path_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="choose a shorter path"):
        SwitchSettings(directory=tmp_path / ("x" * 100), sounds=tmp_path)


def test_a_seats_secret_is_in_no_repr() -> None:
    assert "secret-of" not in repr((SECRETS, SEATS, Seat("1004")))
