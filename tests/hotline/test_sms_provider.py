"""What is said to a provider, and what its answers mean."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.sms import Policy, SendSms, State, accept
from hotline.sms_provider import (
    Meaning,
    Reports,
    Settings,
    at_path,
    proven,
    read_answer,
    read_replies,
    read_reports,
    request,
)

NOW = 1_772_326_800_000
SETTINGS = Settings(
    url="https://sms.example/send",
    body={
        "to": ["{number}"],
        "content": "{text}",
        "id": "{id}",
        "at": "{time}",
        "kind": 1,
        "sign": "{signature}",
    },
    headers={"Authorization": "Bearer {secret}", "X-Sign": "{signature}"},
    secret=b"key",
    answer_field="code",
    accepted=frozenset({"0", "DUPLICATE"}),
    again=frozenset({"BUSY"}),
    id_field="data.msgid",
)
REPORTS = Reports("127.0.0.1", 0, b"key", items="list")


def asked(text: str = "您好 {id}") -> tuple[dict[str, str], dict[str, object]]:
    message = accept("town", SendSms("13812345678", text), "an-id", Policy(), opted_out=False, now=NOW)
    headers, body = request(SETTINGS, message, NOW)
    return headers, json.loads(body)


def test_every_placeholder_is_filled_in_and_the_signature_covers_what_the_city_says() -> None:
    headers, body = asked()
    sign = hmac.new(b"key", f"an-id\n13812345678\n您好 {{id}}\n{NOW}".encode(), hashlib.sha256).hexdigest()
    assert body == {
        "to": ["13812345678"], "content": "您好 {id}", "id": "an-id", "at": str(NOW), "kind": 1, "sign": sign,
    }  # fmt: skip
    assert headers["Authorization"] == "Bearer key"
    assert headers["X-Sign"] == sign
    assert headers["Idempotency-Key"] == "an-id"


def test_the_signature_may_be_in_base64_and_the_time_in_seconds_or_iso() -> None:
    message = accept("town", SendSms("13812345678", "a"), "an-id", Policy(), opted_out=False, now=NOW)
    other = replace(SETTINGS, written="base64", time="s", signed=("time", "id"), joined_by="&", prefix="+86")
    _, body = request(other, message, NOW)
    sign = hmac.new(b"key", f"{NOW // 1000}&an-id".encode(), hashlib.sha256).digest()
    assert json.loads(body)["sign"] == base64.b64encode(sign).decode()
    assert json.loads(body)["to"] == ["+8613812345678"]
    _, body = request(replace(other, time="iso"), message, NOW)
    assert json.loads(body)["at"] == "2026-03-01T01:00:00+00:00"


@given(st.text(alphabet='{}"\\idtexsecrt您', min_size=1, max_size=60).filter(lambda text: text.strip()))
def test_no_text_can_break_out_of_its_place(text: str) -> None:
    _, body = asked(text)
    assert body["content"] == text.strip()
    assert body["kind"] == 1


def test_the_secret_is_not_shown_by_whoever_prints_the_settings() -> None:
    told = repr(replace(SETTINGS, secret=b"geheim-1", reports=replace(REPORTS, token=b"geheim-2")))
    assert "geheim" not in told


@pytest.mark.parametrize(
    ("status", "body", "meaning"),
    [
        (200, b'{"code": "0"}', Meaning.TAKEN),
        (200, b'{"code": 0}', Meaning.TAKEN),
        (200, b'{"code": "DUPLICATE"}', Meaning.TAKEN),
        (200, b'{"code": "BUSY"}', Meaning.AGAIN),
        (200, b'{"code": "BLACKLIST"}', Meaning.REFUSED),
        (200, b'{"kode": "0"}', Meaning.AGAIN),
        (200, b"<html>", Meaning.AGAIN),
        (200, b"", Meaning.AGAIN),
        (200, None, Meaning.AGAIN),
        (200, b'{"code": ["0"]}', Meaning.AGAIN),
        (200, b"[" * 100_000, Meaning.AGAIN),
        (400, b"", Meaning.REFUSED),
        (422, b"", Meaning.REFUSED),
        (401, b"", Meaning.AGAIN),
        (404, b"", Meaning.AGAIN),
        (408, b"", Meaning.AGAIN),
        (429, b"", Meaning.AGAIN),
        (500, b'{"code": "0"}', Meaning.AGAIN),
        (503, b"", Meaning.AGAIN),
        (302, b"", Meaning.AGAIN),
    ],
)
def test_an_answer_has_a_meaning(status: int, body: bytes | None, meaning: Meaning) -> None:
    assert read_answer(SETTINGS, status, body, None, NOW).meaning is meaning


@pytest.mark.parametrize("status", [302, 401, 403, 404])
def test_what_the_owner_must_mend_is_told_apart(status: int) -> None:
    assert read_answer(SETTINGS, status, b"", None, NOW).ours
    assert not read_answer(SETTINGS, 500, b"", None, NOW).ours


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("7", 7000),
        (" 7 ", 7000),
        ("99999999999999999999", 3_600_000),
        ("Sun, 01 Mar 2026 01:00:30 GMT", 30_000),
        ("Sun, 01 Mar 2020 01:00:30 GMT", 0),
        ("soon", 0),
        ("-5", 0),
        ("٣", 0),
        ("", 0),
    ],
)
def test_retry_after_is_read_in_both_its_forms(header: str, wait: int) -> None:
    assert read_answer(SETTINGS, 429, b"", header, NOW).wait_ms == wait


def test_the_providers_own_id_is_found_by_its_path() -> None:
    assert read_answer(SETTINGS, 200, b'{"code":"0","data":{"msgid":77}}', None, NOW).provider_id == "77"
    assert at_path({"a": [{"b": 1}]}, "a.0.b") == 1
    assert at_path({"a": [1]}, "a.5") is None
    assert at_path({"a": 1}, "") is None


def test_reports_are_read_and_interim_states_left_out() -> None:
    body = {
        "list": [{"id": "1", "status": "DELIVRD"}, {"id": 2, "status": "EXPIRED"}, {"id": "3", "status": "X"}]
    }
    found = read_reports(REPORTS, json.dumps(body).encode())
    assert found == [
        ("1", State.DELIVERED, ""),
        ("2", State.EXPIRED, "reported: EXPIRED"),
        ("3", State.FAILED, "reported: X"),
    ]
    strict = replace(REPORTS, failed=frozenset({"UNDELIV"}))
    assert len(read_reports(strict, json.dumps(body).encode()) or ()) == 2


@pytest.mark.parametrize(
    "body", [b"", b"{", b"7", b'{"list": 7}', b'{"list": [7]}', b'{"list": [{"id": "1"}]}']
)
def test_what_is_no_report_is_none(body: bytes) -> None:
    assert read_reports(REPORTS, body) is None
    assert read_replies(REPORTS, body) is None


def test_only_who_has_the_secret_is_believed() -> None:
    body = b"{}"
    good = hmac.new(b"key", body, hashlib.sha256).hexdigest()
    assert proven(REPORTS, good, body)
    assert not proven(REPORTS, good, b"{ }")
    assert not proven(REPORTS, None, body)
    assert not proven(REPORTS, "密", body)
    token = replace(REPORTS, proof="token")
    assert proven(token, "key", body)
    assert not proven(token, "kay", body)
