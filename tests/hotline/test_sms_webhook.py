"""The provider calls us over real HTTP: reports and replies, proven, told twice, late, and while the database is away."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from hotline.records import RecordStore
from hotline.sms import SendSms, State
from hotline.sms_outbox import Outbox
from hotline.sms_provider import Reports, Settings
from hotline.sms_webhook import LONGEST, WebhookFault, serving
from hotline.sms_worker import Sender

NOW = 1_772_326_800_000
REPORTS = Reports("127.0.0.10", 0, b"key")


class Caller:
    """The provider, at its end."""

    def __init__(self, sender: Sender, session: aiohttp.ClientSession, url: str) -> None:
        self.outbox = sender.outbox
        self.sender = sender
        self._session = session
        self._url = url

    async def call(self, where: str, document: Any, *, key: bytes = b"key", method: str = "POST") -> int:
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        headers = {"X-Signature": hmac.new(key, body, hashlib.sha256).hexdigest()}
        async with self._session.request(method, self._url + where, data=body, headers=headers) as answer:
            return answer.status

    async def state(self) -> State:
        (kept,) = await self.outbox.read()
        return kept.state


@asynccontextmanager
async def called(path: Path) -> AsyncIterator[Caller]:
    store = RecordStore(path)
    told = Settings(url="http://127.0.0.1:9/", body={}, headers={})
    sender = Sender(Outbox(store, "town"), lambda: told, lambda: NOW)
    async with serving(sender, REPORTS) as port, aiohttp.ClientSession() as session:
        yield Caller(sender, session, f"http://127.0.0.10:{port}")
    await store.close()


@pytest.fixture
async def caller(tmp_path: Path) -> AsyncIterator[Caller]:
    async with called(tmp_path / "records.sqlite") as made:
        yield made


async def test_a_report_moves_an_sms_once_under_our_id_or_the_providers(caller: Caller) -> None:
    made = await caller.sender.send(SendSms("13812345678", "您好"))
    (taken,) = await caller.outbox.claim(5, caller.sender.settings().policy, now=NOW, lease_ms=1)
    await caller.outbox.sent(taken, "p-77", NOW)
    assert await caller.call("/reports", {"id": "somebody else's", "status": "DELIVRD"}) == 200
    assert await caller.state() is State.SENT
    assert await caller.call("/reports", [{"id": "p-77", "status": "DELIVRD"}]) == 200
    assert await caller.state() is State.DELIVERED
    for _ in range(2):
        assert await caller.call("/reports", {"id": made.id, "status": "UNDELIV"}) == 200
    assert await caller.state() is State.DELIVERED


async def test_a_report_of_a_failure_may_be_put_right_by_a_later_one(caller: Caller) -> None:
    made = await caller.sender.send(SendSms("13812345678", "您好"))
    await caller.outbox.claim(5, caller.sender.settings().policy, now=NOW, lease_ms=1)
    assert await caller.call("/reports", {"id": made.id, "status": "UNDELIV"}) == 200
    (kept,) = await caller.outbox.read()
    assert (kept.state, kept.reason) == (State.FAILED, "reported: UNDELIV")
    assert await caller.call("/reports", {"id": made.id, "status": "DELIVRD"}) == 200
    assert await caller.state() is State.DELIVERED


@pytest.mark.parametrize("text", ["TD", "退订", "ｔｄ。"])
async def test_a_reply_opts_its_number_out(caller: Caller, text: str) -> None:
    assert await caller.call("/replies", {"number": "+8613812345678", "text": text}) == 200
    assert (await caller.sender.send(SendSms("13812345678", "您好"))).reason == "the number has opted out"
    assert (await caller.sender.send(SendSms("13912345678", "您好"))).state is State.QUEUED


async def test_another_reply_opts_nobody_out(caller: Caller) -> None:
    replies = [{"number": "13812345678", "text": "谢谢"}, {"number": "037167912345", "text": "TD"}]
    assert await caller.call("/replies", replies) == 200
    assert (await caller.sender.send(SendSms("13812345678", "您好"))).state is State.QUEUED


async def test_who_can_not_prove_itself_changes_nothing(caller: Caller) -> None:
    made = await caller.sender.send(SendSms("13812345678", "您好"))
    assert await caller.call("/reports", {"id": made.id, "status": "DELIVRD"}, key=b"guess") == 403
    assert await caller.call("/replies", {"number": "13812345678", "text": "TD"}, key=b"guess") == 403
    assert await caller.state() is State.QUEUED
    assert (await caller.sender.send(SendSms("13812345678", "您好", "2"))).state is State.QUEUED


@pytest.mark.parametrize(
    ("where", "body", "status"),
    [
        ("/reports", b"", 400),
        ("/reports", b"{", 400),
        ("/replies", b'{"number": 1}', 400),
        ("/reports", b"x" * (LONGEST + 1), 413),
        ("/elsewhere", b"{}", 404),
    ],
)
async def test_what_is_none_is_refused(caller: Caller, where: str, body: bytes, status: int) -> None:
    assert await caller.call(where, body) == status


async def test_nothing_is_said_to_be_taken_while_the_database_is_away(tmp_path: Path) -> None:
    away = tmp_path / "later"
    away.write_text("")  # a file where the folder is to be
    async with called(away / "records.sqlite") as caller:
        assert await caller.call("/replies", {"number": "13812345678", "text": "TD"}) == 503
        assert await caller.call("/reports", {"id": "1", "status": "DELIVRD"}) == 503
        away.unlink()
        assert await caller.call("/replies", {"number": "13812345678", "text": "TD"}) == 200
        assert (await caller.sender.send(SendSms("13812345678", "您好"))).state is State.REFUSED


async def test_a_port_that_is_taken_is_told_in_one_line(caller: Caller) -> None:
    port = int(caller._url.rpartition(":")[2])
    with pytest.raises(WebhookFault, match=r"^sms\.reports\.listen: 127\.0\.0\.10:\d+ can't be listened on"):
        async with serving(caller.sender, Reports("127.0.0.10", port, b"key")):
            pass
