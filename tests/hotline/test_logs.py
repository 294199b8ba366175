from __future__ import annotations

import asyncio
import io
import json
import logging
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import assume, given
from hypothesis import strategies as st

from acd.messages import CallOffered
from hotline import logs


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    chatty = {name: logging.getLogger(name).level for name in ("sqlalchemy", "alembic", "asyncio")}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in chatty.items():
        logging.getLogger(name).setLevel(before)
    logging.captureWarnings(False)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def logged(event: str, /, **fields: Any) -> str:
    out, terminal = io.StringIO(), fields.pop("terminal", False)
    logs.set_up(stream=out, terminal=terminal)
    logs.logger("test").info(event, **fields)
    return out.getvalue()


def one(event: str, **fields: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(logged(event, **fields))
    return found


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("13812345678", "138******78"),
        ("+8613812345678", "+861********78"),
        ("+86 138 1234 5678", "+86 1** **** **78"),
        ("138-1234-5678", "138-****-**78"),
        ("037167912345", "037*******45"),
        ("0371-67912345", "037*-******45"),
        ("(0371) 6791 2345", "(037*) **** **45"),
        ("400-810-2345", "400-***-**45"),
        ("１３８１２３４５６７８", "１３８******７８"),
        ("sip:13812345678@10.0.0.1:5060", "sip:138******78@10.0.0.1:5060"),
        ("张三13812345678", "张三138******78"),
        ("6791234", "679**34"),
        ("+1 415 555 2671", "+1 41* *** **71"),
    ],
)
def test_a_callers_number_keeps_its_first_three_and_last_two_digits(written: str, shown: str) -> None:
    assert logs.masked(written) == shown
    entry = one(f"from {written}", caller=written, deep=[{"x": (written,)}])
    assert entry["event"] == f"from {shown}"
    assert entry["caller"] == shown
    assert entry["deep"] == [{"x": [shown]}]


@pytest.mark.parametrize(
    "text",
    [
        "110",
        "12345",
        "965432",
        "12345 12315 12329",
        "0371-12345",
        "1732160000.123",
        "call 1732160000.123 rings",
        "PJSIP/ct-00000012",
        "PJSIP/8001-0000001f",
        "Local/12345@hotline-enter-00000003;1",
        "550e8400-e29b-41d4-a716-446655440000",
        "2026-03-01T09:00:00.123456+08:00",
        "192.168.100.200:5060",
        "seats 8001-8146",
    ],
)
def test_short_codes_and_the_switchs_own_names_stay_whole(text: str) -> None:
    assert logs.masked(text) == text


numbers = st.one_of(
    st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True),
    st.from_regex(r"0[1-9][0-9]{1,2}[2-8][0-9]{6,7}", fullmatch=True),
    st.from_regex(r"[2-8][0-9]{6,7}", fullmatch=True),
    st.from_regex(r"\+86[1-9][0-9]{9,10}", fullmatch=True),
)
around = st.text(st.characters(codec="utf-8", exclude_characters="0123456789."), max_size=12)


@given(
    numbers, around, around, st.sampled_from(["event", "field", "key", "list", "error", "struct", "bytes"])
)
def test_no_number_gets_into_a_line_wherever_it_stands(
    number: str, before: str, after: str, where: str
) -> None:
    assume(not before.endswith("-"))
    text = before + number + after
    match where:
        case "event":
            line = logged(text)
        case "field":
            line = logged("x", caller=text)
        case "key":
            line = logged("x", seen={text: 1})
        case "list":
            line = logged("x", seen=[(text,), {text}])
        case "error":
            line = logged("x", why=ValueError(text))
        case "struct":
            line = logged("x", what=CallOffered("1732160000.123", "ct", "12345", caller=text))
            assert "1732160000.123" in line
        case _:
            line = logged("x", raw=text.encode())
    digits = number.lstrip("+")
    assert digits not in line
    said = line.rpartition('"level"')[0].replace("1732160000.123", "")
    assert digits[2:-1] not in said


@given(st.text(max_size=60))
def test_masking_twice_is_masking_once_and_touches_only_digits(text: str) -> None:
    assume("=" not in text and ":" not in text)
    once = logs.masked(text)
    assert logs.masked(once) == once
    assert len(once) == len(text)
    assert all(a == b or (a.isdigit() and b == "*") for a, b in zip(text, once, strict=True))


@given(st.integers(1_500_000_000, 2_199_999_999), st.integers(0, 99_999_999))
def test_every_unique_id_of_the_switch_stays_whole(seconds: int, count: int) -> None:
    assert one("x", call=f"{seconds}.{count}")["call"] == f"{seconds}.{count}"


@given(st.integers(100, 999_999))
def test_every_short_code_stays_readable(code: int) -> None:
    assert one(f"dialled {code}", called=str(code), code=code)["event"] == f"dialled {code}"


@pytest.mark.parametrize(
    "key", ["pin", "secret", "password", "PIN", "agent_pin", "seatSecret", "db-password", "passwd"]
)
def test_a_field_with_a_secrets_name_never_gets_into_a_line(key: str) -> None:
    line = logged("x", **{key: "hunter2"}, deep=[{key: "hunter2"}])
    assert "hunter2" not in line
    assert key not in json.loads(line)


def test_words_that_only_contain_a_secrets_name_are_logged() -> None:
    entry = one("x", spinning=1, ping=2, secretary="ann")
    assert (entry["spinning"], entry["ping"], entry["secretary"]) == (1, 2, "ann")


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://hotline:hunter2@db/records",
        "{'pin': 'hunter2'}",
        "Peer(secret='hunter2')",
        "password=hunter2 x",
    ],
)
def test_a_secret_written_inside_a_text_is_taken_out(text: str) -> None:
    assert "hunter2" not in logged(text, why=ValueError(text))


def test_instants_and_counts_stay_numbers_but_a_mobile_number_does_not() -> None:
    entry = one("x", t=1732160000123, seconds=1732160000, bytes=67912345, n=13812345678, zone=8613812345678)
    assert (entry["t"], entry["seconds"], entry["bytes"]) == (1732160000123, 1732160000, 67912345)
    assert (entry["n"], entry["zone"]) == ("138******78", "861********78")


async def test_a_call_id_is_bound_through_every_line_of_its_task_and_no_other() -> None:
    out = io.StringIO()
    logs.set_up(stream=out, terminal=False)
    log = logs.logger("test")

    async def serve(call: str) -> None:
        with logs.about(call):
            await asyncio.sleep(0)
            log.info("one")
            await asyncio.create_task(asyncio.to_thread(log.info, "two"))
        log.info("outside")

    await asyncio.gather(serve("1.1"), serve("1.2"))
    seen = sorted((line["event"], line.get("call")) for line in lines(out) if line["event"] != "outside")
    assert seen == [("one", "1.1"), ("one", "1.2"), ("two", "1.1"), ("two", "1.2")]
    assert all("call" not in line for line in lines(out) if line["event"] == "outside")


def test_a_librarys_line_and_a_warning_are_masked_json_too() -> None:
    out = io.StringIO()
    logs.set_up(stream=out, terminal=False)
    logging.getLogger("redis").warning("lost %s", "13812345678", extra={"pin": "1234"})
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("from 13812345678", stacklevel=1)
    library, warning = lines(out)
    assert library["event"] == "lost 138******78"
    assert library["level"] == "warning"
    assert "1234" not in json.dumps(library)
    assert "138******78" in warning["event"]


@pytest.mark.parametrize("terminal", [False, True])
def test_an_owners_fault_is_one_line_and_ours_is_told_in_full(terminal: bool) -> None:
    out = io.StringIO()
    logs.set_up(stream=out, terminal=terminal)
    log = logs.logger("test")
    log.error("cannot write", exc_info=logs.OwnersFault("disk /var:\n  full; make room"))
    owners = out.getvalue()
    assert len(owners.splitlines()) == 1
    assert "disk /var: full; make room" in owners
    assert "Traceback" not in owners
    try:
        int("x13812345678")
    except ValueError:
        log.exception("broken")
    ours = out.getvalue()[len(owners) :]
    assert "Traceback" in ours
    assert "13812345678" not in ours


@pytest.mark.parametrize("terminal", [False, True])
def test_a_line_break_in_a_callers_name_does_not_make_a_second_line(terminal: bool) -> None:
    line = logged("from a\nfake", terminal=terminal, name="x\r\n2026 [error] fake \x1b[31m")
    assert len(line.splitlines()) == 1
    assert "\x1b[31m" not in line


def test_a_level_below_the_chosen_one_is_not_written() -> None:
    out = io.StringIO()
    logs.set_up(stream=out, level="warning", terminal=False)
    logs.logger("test").info("quiet")
    assert out.getvalue() == ""
    with pytest.raises(logs.OwnersFault, match="log level: 'loud' is none; choose"):
        logs.set_up(level="loud")
