"""Waiting, calling back and single days in a city's file."""

from __future__ import annotations

from datetime import date
from importlib import resources

import pytest

from dialplans.hours import instant
from dialplans.notices import DayNotices
from hotline.city import City, CityFault
from hotline.tracing import trace
from tests.acd.town import START
from tests.switch.conftest import silent

TEXT = silent((resources.files("dialplans") / "cities" / "zhengzhou.toml").read_text(encoding="utf-8"))


def city(more: str, queue: str = "") -> City:
    text = TEXT.replace('[[queues]]\nname = "12345"\n', f'[[queues]]\nname = "12345"\n{queue}', 1)
    head, mark, rest = text.partition("\n[[lines]]")
    return City.read(head + f"\n{more}\n" + mark + rest, "zhengzhou")


WAITING = "waiting = { first_seconds = 10, every_seconds = 60, position = true, expected_wait = true }\n"
BACK = '[call_back]\nkey = "1"\nmissed = true\nto = "20:30"\n'


def test_a_city_that_says_nothing_of_it_calls_nobody_back_and_says_nothing_while_callers_wait() -> None:
    setup = city("").setup()
    assert not setup.callback.on
    assert setup.queues["12345"].words.first_ms == 0
    assert (setup.callback.from_minute, setup.callback.to_minute) == (8 * 60, 21 * 60)


def test_the_file_s_values_reach_the_engine() -> None:
    setup = city(BACK, WAITING + 'music = "calm"\n').setup()
    assert (setup.callback.key, setup.callback.missed, setup.callback.to_minute) == ("1", True, 20 * 60 + 30)
    words = setup.queues["12345"].words
    assert (words.first_ms, words.every_ms, words.position, words.wait) == (10_000, 60_000, True, True)
    assert setup.queues["12345"].music == "calm"


@pytest.mark.parametrize(
    ("more", "queue", "fault"),
    [
        (
            '[call_back]\nfrom = "21:00"\nto = "08:00"\n',
            "",
            "call_back.from: 21:00 to 08:00 is no time of one day",
        ),
        ('[call_back]\nkey = "1"\n', "", "call_back.key: no queue says anything"),
        ("", "waiting = { first_seconds = 10 }\n", "queues[0].waiting: nothing is said"),
        (
            "",
            "waiting = { every_seconds = 5, position = true }\n",
            "queues[0].waiting.every_seconds: 5 s leaves no music",
        ),
        ('[days.dates]\n"2026-2-30" = "x"\n', "", "days.dates.2026-2-30: is no date"),
        ('[call_back]\nshown = "hotline"\n', "", "call_back.shown:"),
    ],
)
def test_what_cannot_be_is_named_with_its_remedy(more: str, queue: str, fault: str) -> None:
    with pytest.raises(CityFault, match=r"zhengzhou\.toml: ") as found:
        city(more, queue)
    assert fault in str(found.value)


def test_trace_tells_what_a_waiting_caller_hears_and_whether_he_is_called_back_at_this_hour() -> None:
    told = "\n".join(trace(city(BACK, WAITING), "12345", at_ms=START).sentences)
    assert (
        "After 10 s of waiting, then every 60 s, hears the position, the expected wait; a free seat cuts it short."
        in told
    )
    assert "Key 1, pressed twice: is called back in the same place (08:00 to 20:30; now)." in told
    night = "\n".join(trace(city(BACK, WAITING), "12345", at_ms=START + 12 * 3_600_000).sentences)
    assert "not at this hour" in night


def test_a_holiday_s_notice_is_heard_on_that_day_and_a_date_s_own_takes_its_place() -> None:
    days = DayNotices("今天放假。", {date(2026, 10, 2): "今天停电。", date(2026, 10, 3): ""})
    at = [instant(date(2026, 10, day)) for day in (1, 2, 3, 20)]
    assert [days.at(now) for now in at] == [("今天放假。",), ("今天停电。",), (), ()]
    told = trace(city('[days]\nholiday = "今天放假。"\n'), "12345", at_ms=at[0]).sentences
    assert "The caller hears: “今天放假。”" in told


def test_a_line_s_own_greeting_takes_the_place_of_the_queue_s() -> None:
    text = TEXT.replace('number = "12315"\n', 'number = "12315"\ngreeting = ["您好，消费维权热线。"]\n', 1)
    assert text != TEXT
    made = City.read(text, "zhengzhou")
    assert made.setup().greetings == {"12315": ("您好，消费维权热线。",)}
    assert "您好，消费维权热线。" in made.prompts()
    assert any("您好，消费维权热线。" in sentence for sentence in trace(made, "12315", at_ms=START).sentences)
