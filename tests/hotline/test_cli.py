"""The command line as scripts use it: documents, exit statuses, one-line faults."""

from __future__ import annotations

import asyncio
import json
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from acd.messages import (
    AgentAnswered,
    CallerHungUp,
    CallOffered,
    Command,
    PromptFinished,
    RingAgent,
    SeatReachable,
    SignOnAsked,
)
from hotline.city import City
from hotline.cli import main
from hotline.journal import Header, open_journal
from hotline.platform import digest_of
from hotline.records import RecordStore
from hotline.service import Service


def document(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> Any:
    """What a command with ``--json`` prints: one JSON document, and nothing beside it."""
    assert main([*arguments, "--json"]) == status
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("city", City.built_in())
def test_every_built_in_city_is_sound(capsys: pytest.CaptureFixture[str], city: str) -> None:
    told = document(capsys, "check", city)
    assert (told["city"], told["sound"], told["faults"]) == (city, True, [])


def test_check_names_every_fault_in_a_line_and_says_no(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    text = "".join(
        line
        for line in (Path("dialplans/cities/heze.toml")).read_text(encoding="utf-8").splitlines(keepends=True)
        if not line.startswith("area")
    )
    (tmp_path / "mycity.toml").write_text(text, encoding="utf-8")
    assert main(["check", str(tmp_path / "mycity.toml")]) == 1
    assert capsys.readouterr().err.splitlines() == ["mycity.toml: area: is missing: write it"]


def test_an_unknown_city_is_told_with_the_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", "zhengzou", "12315"]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1
    assert "zhengzhou" in told.err


def test_trace_gives_the_keys_of_the_contract(capsys: pytest.CaptureFixture[str]) -> None:
    told = document(capsys, "trace", "zhengzhou", "0371-12315", "--at", "2019-02-01")
    assert told["line"] == {
        "number": "12315",
        "name": "消费维权热线",
        "department": "工商局",
        "treatment": "absorbed",
    }
    assert (told["answered_by"], told["queue"], told["skills"]) == ("12345", "12345", {"12315": 1})
    assert told["because"]
    before = document(capsys, "trace", "zhengzhou", "12315", "--at", "2019-01-31T23:59")
    assert before["answered_by"] == "other"


def test_trace_without_a_number_lists_every_line(capsys: pytest.CaptureFixture[str]) -> None:
    told = document(capsys, "trace", "jingjiang")
    assert len([one for one in told if one["line"]["treatment"] == "parallel"]) == 22
    assert main(["trace", "jingjiang"]) == 0
    assert "89182131" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["trace", "heze", "12349", "--at", "tomorrow"], "tomorrow"),
        (["trace", "heze", "twelve"], "twelve"),
        (["erlang", "c", "--load", "10", "--seats", "-1"], "seats"),
        (["replay", "/nowhere/at/all"], "/nowhere/at/all"),
        (["demo", "--seats", "100000"], "100000"),
    ],
)
def test_arguments_that_cannot_be_used_exit_with_2_and_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], fault: str
) -> None:
    assert main(arguments) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1
    assert fault in told.err


def test_erlang_gives_the_published_figures(capsys: pytest.CaptureFixture[str]) -> None:
    told = document(capsys, "erlang", "c", "--load", "10", "--seats", "14", "--aht", "180", "--within", "20")
    assert told == pytest.approx(
        {
            "p_wait": 0.174131933595,
            "asa": 7.835937011777,
            "service_level": 0.888350019179,
            "occupancy": 10 / 14,
        }
    )


def test_render_writes_files_that_only_their_owner_can_read(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    told = document(capsys, "render", "jingjiang", "--out", str(tmp_path / "out"))
    assert {"etc/pjsip.conf", "etc/extensions.conf", "phones/seat-8001.txt"} <= set(told["files"])
    modes = {stat.S_IMODE((tmp_path / "out" / name).stat().st_mode) for name in told["files"]}
    assert modes == {0o600}


def test_a_command_starts_within_two_seconds_without_what_it_does_not_need() -> None:
    program = (
        "import sys, hotline.cli; hotline.cli.main(['check', 'heze']); "
        "print([m for m in ('numba', 'sqlalchemy', 'redis') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


async def _a_call(home: Path) -> None:
    """One call through the service, without a switch: the facts are posted as the switch would tell them."""
    city = City.load("zhengzhou")
    header = Header(city.name, digest_of(city), "test")
    journal = await open_journal(home / "journal", header=header, alarm=lambda _alarm: None)
    store = RecordStore(home / "records.sqlite")
    orders: list[Command] = []
    service = Service(city.setup(), journal, store, carry_out=orders.append)
    await service.recover()
    work = [asyncio.create_task(service.run()), asyncio.create_task(service.recorder.run())]
    for fact in (
        SeatReachable("8001"),
        SignOnAsked("8001", "1001", True),
        CallOffered("sw-1", "unicom", "12315", "13812345678"),
        PromptFinished("sw-1"),
        AgentAnswered("sw-1", "1001"),
        CallerHungUp("sw-1", 16),
        CallOffered("sw-2", "unicom", "12345", "13812345679"),
        CallerHungUp("sw-2", 16),
    ):
        service.post(fact)
    await service.settled()
    assert await service.recorder.finish(5.0) == 0
    for task in work:
        task.cancel()
    await asyncio.gather(*work, return_exceptions=True)
    assert [order.seat for order in orders if isinstance(order, RingAgent)] == ["8001"]
    assert [record.call for record in await store.read(city="zhengzhou")] == ["sw-2"]
    await journal.close()
    await store.close()


def test_replay_gives_the_same_orders_and_says_where_they_differ(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    asyncio.run(_a_call(tmp_path))
    journal = str(tmp_path / "journal")
    told = document(capsys, "replay", journal)
    assert told["same"] is True
    one = document(capsys, "replay", journal, "--call", "sw-2")
    assert 0 < len(one["steps"]) < len(told["steps"])
    segment = max((tmp_path / "journal").glob("*.jsonl"))
    text = segment.read_text(encoding="utf-8")
    assert '"seat":"8001","ring_ms"' in text
    segment.write_text(text.replace('"seat":"8001","ring_ms"', '"seat":"8002","ring_ms"'), encoding="utf-8")
    told = document(capsys, "replay", journal, status=1)
    assert "8002" in told["difference"]
