"""``[recording]`` of a city file: what is wrong in it, what the engine is told, and what ``hotline trace`` says."""

from __future__ import annotations

import pytest

from acd.recording import Mode
from hotline.city import City, CityFault
from hotline.tracing import trace
from tests.acd.town import START
from tests.switch.conftest import city_text


def city(section: str) -> City:
    return City.read(
        city_text("zhengzhou").replace("\n[network]\n", f"\n{section}\n[network]\n", 1), "zhengzhou"
    )


RULES = """
[recording]
default = "mixed"
notice = "本次通话将被录音。"
keep_days = 90
min_free_mb = 2000
pause_limit_seconds = 60

[[recording.rules]]
mode = "apart"
lines = ["12315", "037112348"]

[[recording.rules]]
mode = "off"
queues = ["12345"]
directions = ["out"]
"""


def test_a_city_without_the_section_records_nothing_but_emergencies() -> None:
    setup = City.load("zhengzhou").setup().recording
    assert setup is not None
    assert (setup.default, setup.passed, setup.rules, setup.notice) == (Mode.OFF, Mode.OFF, (), ())
    told = trace(City.load("zhengzhou"), "12345", at_ms=START).sentences
    assert not any(sentence.startswith(("Recorded", "Not recorded")) for sentence in told)
    told = trace(City.load("zhengzhou"), "110", at_ms=START).sentences
    assert "Recorded, both sides mixed: every emergency is." in told


def test_the_engine_is_told_the_rules_with_numbers_as_the_plan_shows_them() -> None:
    found = city(RULES)
    setup = found.setup().recording
    assert setup is not None
    assert [(rule.mode, rule.lines, rule.queues, rule.directions) for rule in setup.rules] == [
        (Mode.APART, {"12315", "12348"}, frozenset(), frozenset()),
        (Mode.OFF, frozenset(), {"12345"}, {"out"}),
    ]
    assert setup.pause_limit_ms == 60_000
    assert (found.keeping().min_free, found.keeping().keep_days) == (2_000_000_000, 90)
    assert "本次通话将被录音。" in found.prompts()


def test_trace_tells_the_notice_and_the_rule() -> None:
    told = trace(city(RULES), "12315", at_ms=START).sentences
    assert "Recorded, each side apart: rule 1 (line 12315)." in told
    assert told.index("The caller hears: “本次通话将被录音。”") < told.index(
        next(sentence for sentence in told if sentence.startswith("Waits in queue"))
    )
    assert (
        "Recorded, both sides mixed: the city's default."
        in trace(city(RULES), "12345", at_ms=START).sentences
    )


@pytest.mark.parametrize(
    ("section", "fault"),
    [
        (
            '[recording]\ndefault = "mixed"\n[[recording.rules]]\nmode = "off"\nlines = ["99999"]\n',
            "recording.rules[0].lines[0]: 99999 is no line of the city: add it to lines or take it out",
        ),
        (
            '[recording]\n[[recording.rules]]\nmode = "mixed"\nqueues = ["123456"]\n',
            "recording.rules[0].queues[0]: ",
        ),
        (
            '[recording]\n[[recording.rules]]\nmode = "mixed"\n[[recording.rules]]\nmode = "off"\nlines = ["12315"]\n',
            "recording.rules[0]: fits every call, so those behind it never do: put it last, or write default",
        ),
        (
            '[recording]\nnotice = "本次通话将被录音。"\n',
            'recording.notice: nobody is recorded: write default = "mixed" or a rule, or take it out',
        ),
        ('[recording]\ndefault = "stereo"\n', "recording.default"),
        ("[recording]\nkeep_days = 0\n", "recording.keep_days"),
        ("[recording]\nkeep = 5\n", "recording.keep"),
    ],
)
def test_a_fault_is_told_with_its_place_and_remedy(section: str, fault: str) -> None:
    with pytest.raises(CityFault) as told:
        city(section)
    assert any(fault in line for line in told.value.faults), told.value.faults
