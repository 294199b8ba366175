"""SMS in a city file, and the command: what is refused with a remedy, and what becomes of it."""

from __future__ import annotations

import asyncio
import json
import socket
from importlib import resources
from pathlib import Path

import aiohttp
import pytest

from hotline import cli
from hotline.city import City, CityFault
from hotline.control import FILE, Control, ask
from hotline.records import RecordStore
from hotline.sms import Policy, SendSms, State
from hotline.sms_outbox import Outbox
from hotline.sms_running import CitySms
from tests.hotline.sms_provider_server import provider

BASE = (resources.files("dialplans") / "cities" / "heze.toml").read_text(encoding="utf-8")
BODY = '[sms.body]\nto = ["{number}"]\ncontent = "{text}"\n'
SMS = '[sms]\nurl = "https://sms.example.cn/send"\nsecret = { env = "SMS_KEY" }\n'


def city(text: str, home: Path | None = None) -> City:
    return City.read(f"{BASE}\n{text}", "heze", home=home)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (SMS + 'body = { to = "{number}" }', "sms.body: {text} stands nowhere: write it where the provider wants it"),
        (SMS.replace("https", "http") + BODY, "sms.url: callers' numbers would be open on the way"),
        (SMS.replace("https", "ftp") + BODY, "sms.url: is no address: write https://HOST/PATH"),
        (SMS.replace("sms.example", "u:p@sms.example") + BODY, "sms.url: a password stands in it"),
        (SMS.replace('{ env = "SMS_KEY" }', "{}") + BODY, "sms.secret: has one place"),
        (SMS + BODY + '[sms.headers]\nX = "{text}"', "sms.headers.X: a header has ASCII"),
        (SMS + BODY + '[sms.headers]\nHost = "x"', "sms.headers.Host: the program writes it: take it out"),
        ('[sms]\nurl = "https://a/b"\n' + BODY + 'sign = "{signature}"', "sms.secret: is missing"),
        (SMS + 'quiet_from = "21:00"\n' + BODY, "sms.quiet_from: quiet hours have two ends"),
        (SMS + "again_most_seconds = 1\n" + BODY, "sms.again_most_seconds: is below again_seconds: write more"),
        (SMS + BODY + '[sms.answer]\nfield = "c"\naccepted = ["0"]\nagain = ["0"]', "sms.answer.again: a code of"),
        (SMS + BODY + '[sms.reports]\nlisten = "1.2.3:99999"\nsecret = { env = "X" }', "sms.reports.listen: 1.2.3:99999 is none"),
        (SMS + "tris = 3\n" + BODY, "sms.tris: no such key: did you mean tries?"),
    ],
)  # fmt: skip
def test_what_can_not_be_is_told_with_its_place_and_remedy(text: str, fault: str) -> None:
    with pytest.raises(CityFault) as told:
        city(text)
    assert len(told.value.faults) == 1
    assert told.value.faults[0].startswith(f"heze.toml: {fault}")


def test_a_city_without_the_section_sends_none() -> None:
    assert city("").sms() is None


def test_this_machine_may_be_reached_without_tls() -> None:
    assert city(SMS.replace("https://sms.example.cn", "http://127.0.0.9:8080") + BODY).file.sms is not None


def test_keys_come_from_the_environment_or_a_file_and_their_lack_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports = '[sms.reports]\nlisten = "127.0.0.1:8089"\nsecret = { file = "callback.key" }\n'
    made = city(SMS + 'quiet_from = "21:00"\nquiet_to = "24:00"\n' + BODY + reports, tmp_path)
    with pytest.raises(CityFault) as told:
        made.sms()
    assert [fault.partition(" can't")[0] for fault in told.value.faults] == [
        f"heze.toml: sms.reports.secret: {tmp_path / 'callback.key'}",
        "heze.toml: sms.secret: the environment variable SMS_KEY isn't set: set it",
    ]
    monkeypatch.setenv("SMS_KEY", "one")
    (tmp_path / "callback.key").write_text("two\n")
    found = made.sms()
    assert found is not None
    assert found.reports is not None
    assert (found.secret, found.reports.token, found.reports.port) == (b"one", b"two", 8089)
    assert found.policy.quiet == (1260, 0)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "heze.toml").write_text(f"{BASE}\n{SMS}{BODY}", encoding="utf-8")

    async def made() -> None:
        store = RecordStore(tmp_path / "records.sqlite")
        await store.open()
        await store.close()

    asyncio.run(made())
    return tmp_path


def hotline(place: Path, *words: str) -> int:
    return cli.main(["sms", str(place / "heze.toml"), *words, "--home", str(place)])


def test_the_command_sends_once_lists_and_shows_no_number(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert hotline(place, "send", "13812345678", "您好", "--key", "k", "--json") == 0
    first = json.loads(capsys.readouterr().out)
    assert hotline(place, "send", "13812345678", "您好", "--key", "k", "--json") == 0
    assert json.loads(capsys.readouterr().out)["id"] == first["id"]
    assert hotline(place, "send", "0530-5612345", "您好") == 1
    assert "no mobile number" in capsys.readouterr().out
    assert hotline(place, "list", "--json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert sorted(row["state"] for row in listed) == ["queued", "refused"]
    assert hotline(place, "list", "--number", "13812345678") == 0
    shown = capsys.readouterr().out
    assert "138******78" in shown
    assert "13812345678" not in json.dumps(listed) + shown


def test_the_command_opts_a_number_out_and_in(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert hotline(place, "opt-out", "138 1234 5678") == 0
    assert hotline(place, "send", "13812345678", "您好") == 1
    assert "the number has opted out" in capsys.readouterr().out
    assert hotline(place, "opt-in", "13812345678") == 0
    assert hotline(place, "opt-in", "13812345678") == 1
    assert hotline(place, "send", "13812345678", "您好") == 0


def test_the_command_queues_again_what_failed(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def fail() -> None:
        store = RecordStore(place / "records.sqlite")
        outbox = Outbox(store, "heze")
        made = await outbox.add(SendSms("13812345678", "您好"), Policy(), 1)
        await outbox.report([(made.id, State.FAILED, "x")], 2)
        await store.close()

    asyncio.run(fail())
    assert hotline(place, "retry", "nobody's") == 1
    capsys.readouterr()
    assert hotline(place, "retry", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"queued": 1}
    assert hotline(place, "list", "--state", "queued") == 0


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["send", "13812345678"], "sms send: wants a number and a text"),
        (["opt-out", "0530-5612345"], "sms opt-out: wants one mobile number"),
        (["opt-in"], "sms opt-in: wants one mobile number"),
        (["list", "x"], "sms list: takes no word"),
    ],
)
def test_what_the_command_can_not_use_is_told(
    place: Path, capsys: pytest.CaptureFixture[str], words: list[str], fault: str
) -> None:
    assert hotline(place, *words) == 2
    assert fault in capsys.readouterr().err


def test_a_city_that_sends_none_and_a_database_that_is_not_there_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["sms", "heze", "list", "--home", str(tmp_path)]) == 2
    assert "heze.toml: sms: the city sends no SMS" in capsys.readouterr().err
    (tmp_path / "heze.toml").write_text(f"{BASE}\n{SMS}{BODY}", encoding="utf-8")
    assert hotline(tmp_path, "list") == 2
    assert "is not there" in capsys.readouterr().err
    assert not (tmp_path / "records.sqlite").exists()


async def test_a_city_sends_and_hears_of_deliveries_and_a_webhook_without_a_port_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMS_KEY", "one")
    with socket.socket() as probe:
        probe.bind(("127.0.0.10", 0))
        port = probe.getsockname()[1]
    async with provider() as there:
        reports = (
            f'[sms.reports]\nlisten = "127.0.0.10:{port}"\nproof = "token"\nsecret = {{ env = "SMS_KEY" }}\n'
        )
        text = SMS.replace("https://sms.example.cn/send", there.url) + BODY + reports
        made, store = city(text), RecordStore(tmp_path / "records.sqlite")
        office, other = (CitySms(made, store, lambda: 1_772_326_800_000) for _ in range(2))
        work = [asyncio.create_task(office.run())]
        told = await office.ask(SendSms("13812345678", "您好"))
        async with aiohttp.ClientSession(headers={"X-Signature": "one"}) as session, asyncio.timeout(20):
            await there.arrived.wait()
            report = {"id": told["id"], "status": "DELIVRD"}
            async with session.post(f"http://127.0.0.10:{port}/reports", json=report) as answer:
                assert answer.status == 200
            # the port is taken now
            work.append(asyncio.create_task(other.run()))
            there.arrived.clear()
            await other.ask(SendSms("13912345678", "您好"))
            await there.arrived.wait()
        assert not any(task.done() for task in work)
        found = await Outbox(store, "heze").read(number="13812345678")
        assert [message.state for message in found] == [State.DELIVERED]
        office.reload(city(text.replace("[sms]", "[sms]\nmost_parts = 1")).sms())
        assert (await office.ask(SendSms("13812345678", "您" * 71)))[
            "why"
        ] == "the text is 2 SMS long: 1 are allowed"
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
        await store.close()


async def test_a_program_asks_for_an_sms_at_the_door(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMS_KEY", "one")
    store = RecordStore(place / "records.sqlite")
    office = CitySms(City.load(place / "heze.toml"), store, lambda: 1)
    none = CitySms(City.load("heze"), store, lambda: 1)
    control = Control(place / FILE, lambda _event: None, [], sms=office.ask)
    work = asyncio.create_task(control.serve())
    async with asyncio.timeout(10):
        while not (place / FILE).exists():  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    wish = {"type": "SendSms", "number": "13812345678", "text": "您好", "key": "k"}
    first = await ask(place / FILE, wish)
    assert (first["state"], first["done"]) == ("queued", True)
    assert (await ask(place / FILE, wish))["id"] == first["id"]
    landline = await ask(place / FILE, {**wish, "number": "05305612345", "key": ""})
    assert (landline["done"], landline["why"]) == (
        False,
        "no mobile number of China: an SMS does not reach it",
    )
    assert "sends none" in (await none.ask(SendSms("13812345678", "您好")))["fault"]
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    await store.close()
