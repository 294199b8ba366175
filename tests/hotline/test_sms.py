"""What is decided about an SMS before anybody sends it."""

from __future__ import annotations

from datetime import datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialplans.hours import SHANGHAI, instant
from hotline.sms import (
    DAY_MS,
    HOUR_MS,
    MOVES,
    Message,
    Policy,
    SendSms,
    State,
    accept,
    after_quiet,
    back_off,
    is_opt_out,
    message_id,
    mobile,
    next_free,
    parts,
    verdict,
)

NOON = instant(datetime(2026, 3, 2, 12, 0, tzinfo=SHANGHAI))
NIGHT = instant(datetime(2026, 3, 2, 23, 30, tzinfo=SHANGHAI))
MORNING = instant(datetime(2026, 3, 3, 8, 0, tzinfo=SHANGHAI))
USUAL = Policy()
QUIET = Policy(quiet=(21 * 60, 8 * 60))


def made(policy: Policy = USUAL, at: int = NOON, **more: object) -> Message:
    asked = SendSms(**{"number": "13812345678", "text": "您好", **more})  # type: ignore[arg-type]
    return accept("zhengzhou", asked, "id", policy, opted_out=False, now=at)


@pytest.mark.parametrize(
    "written", ["13812345678", "+8613812345678", "008613812345678", "138-1234-5678", "013812345678"]
)
def test_a_mobile_number_is_known_however_it_is_written(written: str) -> None:
    assert mobile(written) == "13812345678"


@pytest.mark.parametrize(
    "written",
    [
        *("037167912345", "12345", "12812345678", "1381234567", "138123456789", "", "+85291234567"),
        *("１３８１２３４５６７８", "13812345678;drop"),
    ],
)  # fmt: skip
def test_a_number_that_is_no_mobile_is_refused_with_a_reason(written: str) -> None:
    assert mobile(written) is None
    message = made(number=written)
    assert (message.state, message.reason) == (
        State.REFUSED,
        "no mobile number of China: an SMS does not reach it",
    )


@pytest.mark.parametrize(
    ("length", "count"), [(1, 1), (70, 1), (71, 2), (134, 2), (135, 3), (201, 3), (202, 4)]
)
def test_an_sms_holds_70_characters_and_a_part_67(length: int, count: int) -> None:
    assert parts("您" * length) == count
    assert parts("a" * length) == count


def test_an_emoji_counts_twice_and_is_not_cut_between_two_parts() -> None:
    assert parts("😀" * 35) == 1
    assert parts("😀" * 36) == 2
    assert parts("您" * 66 + "😀" + "您" * 66) == 3  # as units they would fit in two
    assert parts("您" * 65 + "😀" + "您" * 67) == 2


@given(st.text(min_size=1, max_size=400))
def test_the_parts_hold_the_whole_text_and_no_part_could_be_left_out(text: str) -> None:
    units = len(text.encode("utf-16-le", "surrogatepass")) // 2
    count = parts(text)
    assert units <= (70 if count == 1 else 67 * count)
    assert count == 1 or units > (70 if count == 2 else 66 * (count - 1))


@pytest.mark.parametrize("reply", ["TD", "td", "ＴＤ。", " 退订！", "【退订】", "T", "取消订阅"])
def test_a_reply_in_any_spelling_opts_out(reply: str) -> None:
    assert is_opt_out(reply)


@pytest.mark.parametrize("reply", ["", "谢谢", "TDD", "怎么退订", "1"])
def test_another_reply_does_not_opt_out(reply: str) -> None:
    assert not is_opt_out(reply)


def test_the_signature_counts_and_a_text_that_is_too_long_is_refused() -> None:
    message = made(Policy(signed_as="郑州12345"), text="您" * 62)
    assert message.text.startswith("【郑州12345】您")
    assert message.parts == 2
    assert made(Policy(parts=1), text="您" * 71).reason == "the text is 2 SMS long: 1 are allowed"
    assert made(Policy(signed_as="郑州"), text=" \x00\t ").reason == "there is no text"


def test_what_is_not_urgent_waits_for_the_morning_and_expires_after_it() -> None:
    late = made(QUIET, NIGHT, urgent=False)
    assert (late.due, late.expires) == (MORNING, MORNING + HOUR_MS)
    assert made(QUIET, NIGHT).due == NIGHT
    assert made(QUIET, NOON, urgent=False).due == NOON


@pytest.mark.parametrize(
    ("clock", "quiet", "until"),
    [
        ("23:30", (1260, 480), "08:00"),
        ("07:59", (1260, 480), "08:00"),
        ("08:00", (1260, 480), None),
        ("20:59", (1260, 480), None),
        ("21:00", (1260, 480), "08:00"),
        ("12:30", (720, 840), "14:00"),
        ("23:30", (1260, 0), "00:00"),
        ("12:00", (600, 600), None),
    ],
)
def test_quiet_hours_end_at_their_end(clock: str, quiet: tuple[int, int], until: str | None) -> None:
    hour, minute = map(int, clock.split(":"))
    at = instant(datetime(2026, 3, 2, hour, minute, tzinfo=SHANGHAI))
    found = after_quiet(at, quiet)
    if until is None:
        assert found == at
    else:
        assert datetime.fromtimestamp(found / 1000, SHANGHAI).strftime("%H:%M") == until
        assert 0 < found - at < DAY_MS


def test_a_number_has_so_many_an_hour_and_a_day() -> None:
    policy = Policy(per_hour=2, per_day=3)
    assert next_free([], policy, NOON) == NOON
    assert next_free([NOON - 10, NOON - 5], policy, NOON) == NOON - 10 + HOUR_MS
    day = [NOON - 5 * HOUR_MS, NOON - 4 * HOUR_MS, NOON - 3 * HOUR_MS]
    assert next_free(day, policy, NOON) == NOON - 5 * HOUR_MS + DAY_MS


@given(
    st.lists(st.integers(0, 2 * DAY_MS), max_size=30),
    st.integers(1, 5),
    st.integers(1, 8),
)
def test_whoever_waits_until_he_is_free_breaks_no_limit(ago: list[int], hour: int, day: int) -> None:
    policy, kept = Policy(per_hour=hour, per_day=day), list[int]()
    for back in sorted(ago, reverse=True):
        at = next_free(kept, policy, max([NOON - back, *kept]))
        assert sum(one > at - HOUR_MS for one in kept) < hour
        assert sum(one > at - DAY_MS for one in kept) < day
        kept.append(at)


def test_each_verdict_has_its_reason() -> None:
    policy = Policy(per_hour=1, tries=3, quiet=(21 * 60, 8 * 60))
    message = made(policy)

    def told(
        one: Message, earlier: tuple[int, ...] = (), now: int = NOON, out: bool = False
    ) -> tuple[State, int]:
        found = verdict(one, earlier, policy, opted_out=out, now=now)
        assert found.state is State.SENDING or found.reason
        return found.state, found.due

    assert told(message) == (State.SENDING, 0)
    assert told(message, now=message.expires) == (State.EXPIRED, 0)
    assert told(message, out=True) == (State.REFUSED, 0)
    assert told(message, (NOON - HOUR_MS + 60_000,)) == (State.QUEUED, NOON + 60_000)
    assert told(message, (NOON,)) == (State.REFUSED, 0)  # it would be too old by then
    calm = msgspec.structs.replace(message, urgent=False, expires=NIGHT + DAY_MS)
    assert told(calm, now=NIGHT) == (State.QUEUED, MORNING)
    left = msgspec.structs.replace(message, state=State.SENDING, tries=1, tried=NOON)
    assert told(left, (NOON, NOON)) == (State.SENDING, 0)
    assert told(msgspec.structs.replace(left, tries=3)) == (State.FAILED, 0)


def test_what_a_crash_left_says_that_the_provider_may_have_it() -> None:
    left = msgspec.structs.replace(made(), state=State.SENDING, tries=1, tried=NOON)
    found = verdict(left, (), Policy(), opted_out=False, now=left.expires)
    assert found.reason == "too old to be sent; the provider may have it"


def test_the_wait_doubles_up_to_the_longest_and_chance_spreads_it() -> None:
    policy = Policy(back_off_ms=(1000, 10_000))
    assert [back_off(n, policy, 1.0) for n in (1, 2, 3, 4, 5, 99)] == [1000, 2000, 4000, 8000, 10_000, 10_000]
    assert back_off(3, policy, 0.0) == 2000


def test_a_delivered_sms_stays_delivered_and_no_state_is_without_a_row() -> None:
    assert MOVES[State.DELIVERED] == frozenset()
    assert MOVES.keys() == set(State)
    assert State.SENDING not in {
        after for state in ("sent", "failed", "refused", "expired") for after in MOVES[State(state)]
    }


def test_a_key_has_one_id_in_a_city_which_a_log_shows_whole() -> None:
    from hotline.logs import masked

    one = message_id("zhengzhou", "1767578400.12/answer")
    assert one == message_id("zhengzhou", "1767578400.12/answer")
    assert len({one, message_id("jinan", "1767578400.12/answer"), message_id("zhengzhou", "2")}) == 3
    assert masked(one) == one
