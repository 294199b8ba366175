"""[survey] and [nuisance] of a city file: what the engine is told, what can't be, and what ``trace`` says of them."""

from __future__ import annotations

from datetime import date
from importlib import resources

import pytest

from dialplans.hours import instant
from hotline.city import City, CityFault
from hotline.tracing import trace
from tests.acd.town import START

BARRED = """
[[nuisance.barred]]
number = "138-0000-0001"
since = 2026-01-01
until = 2026-01-31
owner = "话务科"
reason = "每夜拨打不说话"
"""


def kaifeng(more: str = "", survey: str = "default = true\n") -> City:
    text = (resources.files("dialplans") / "cities" / "kaifeng.toml").read_text(encoding="utf-8")
    head, _, rest = text.partition("[survey]\n")
    _, _, rest = rest.partition("\n\n")
    return City.read(f"{head}[survey]\n{survey}\n{rest}\n{more}", "kaifeng")


def test_the_three_cities_whose_plans_want_to_know_satisfaction_ask_and_the_others_do_not() -> None:
    asks = {name for name in City.built_in() if City.load(name).setup().survey.default}
    assert asks == {"heze", "kaifeng", "zhengzhou"}


def test_a_survey_has_the_librarys_words_and_the_usual_keys_unless_the_file_says_otherwise() -> None:
    survey = kaifeng().setup().survey
    assert (survey.ask, survey.grades["1"], survey.open_after) == (("survey-ask",), 5, frozenset())
    own = kaifeng(survey='default = true\nask = "几分？"\nkeys = { 5 = 5, 4 = 4, 3 = 3, 2 = 2, 1 = 1 }\n')
    assert (own.setup().survey.ask, own.setup().survey.grades["1"]) == (("几分？",), 1)
    assert "几分？" in own.prompts()


@pytest.mark.parametrize(
    ("survey", "fault"),
    [
        (
            "keys = { 1 = 5, 2 = 4 }\n",
            "survey.keys: no key stands for 1: each of the grades 1 to 5 needs one",
        ),
        (
            "keys = { 5 = 5, 4 = 4, 3 = 3, 2 = 2, 1 = 1 }\n",
            "survey.ask: is missing: the keys are not the usual ones",
        ),
        (
            'ask = "几分"\nkeys = { 5 = 5, 4 = 4, 3 = 3, 2 = 2, "#" = 1 }\n',
            "survey.keys: # and * end what is said",
        ),
        ("open_after = [1]\n", "survey.open_after: nobody is asked: write default = true"),
        ("default = true\nopen_after = [6]\n", "survey.open_after[0]"),
        ("default = true\nmin_talk_seconds = -1\n", "survey.min_talk_seconds"),
    ],
)
def test_a_survey_that_makes_no_sense_is_a_fault_with_its_place(survey: str, fault: str) -> None:
    with pytest.raises(CityFault) as told:
        kaifeng(survey=survey)
    assert fault in str(told.value)


def test_a_nuisance_caller_of_the_file_is_barred_until_the_end_of_the_last_day() -> None:
    (entry,) = kaifeng(BARRED).setup().nuisance.listed
    assert (entry.number, entry.owner, entry.mode) == ("13800000001", "话务科", "refuse")
    assert entry.until == instant(date(2026, 2, 1))


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("138-0000-0001", "138*", "nuisance.barred[0].number: too many numbers begin so: write 7 digits"),
        ("138-0000-0001", "12345", "12345 is a line of the city's: it can't be barred: take it out"),
        ("138-0000-0001", "anonymous", "a withheld number can't be barred: take it out"),
        ("until = 2026-01-31", "until = 2025-12-31", "nuisance.barred[0].until: ends before it starts"),
        ("until = 2026-01-31", "until = 2027-01-31", "nobody is barred for more than 90 days"),
        ('owner = "话务科"\n', "", "nuisance.barred[0].owner"),
        ('reason = "每夜拨打不说话"\n', "", "nuisance.barred[0].reason"),
    ],
)
def test_an_entry_that_can_not_stand_is_a_fault_with_its_place(old: str, new: str, fault: str) -> None:
    with pytest.raises(CityFault) as told:
        kaifeng(BARRED.replace(old, new))
    assert fault in str(told.value)


def test_the_same_caller_twice_is_a_fault() -> None:
    with pytest.raises(CityFault, match=r"barred\[1\].number: .* stands in nuisance.barred\[0\] already"):
        kaifeng(BARRED + BARRED.replace("138-0000-0001", "+86 138 0000 0001"))


def test_trace_tells_that_the_caller_is_asked_and_whom_and_how() -> None:
    told = trace(kaifeng(), "12345", at_ms=START)
    assert told.document["survey"] == told.sentences[-1]
    assert "the caller is asked about the service after a talk of 10 s or more" in told.sentences[-1]
    assert trace(kaifeng(), "110", at_ms=START).document["survey"] is None
    assert trace(City.load("jinan"), "12345", at_ms=START).document["survey"] is None


def test_trace_tells_of_a_barred_caller_but_not_at_an_emergency_number() -> None:
    city = kaifeng(BARRED)
    told = trace(city, "12345", at_ms=START, caller="13800000001")
    assert told.document["barred"] == "refuse"
    assert "13800000001, by 话务科 until 2026-02-01 00:00: 每夜拨打不说话" in told.sentences[-2]
    assert told.sentences[-1] == "Then the call ends."
    for number, caller in (("110", "13800000001"), ("12345", "13800000002"), ("12345", "anonymous")):
        assert trace(city, number, at_ms=START, caller=caller).document["barred"] is None
