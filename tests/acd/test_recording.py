"""Which calls are recorded and why, what the files are called, and the table of what may happen to a recording."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.recording import (
    LONGEST,
    RUNNING,
    TAPE_MOVES,
    FileName,
    Mode,
    RecordingRule,
    RecordingSetup,
    Tape,
    decide,
    nameable,
    names,
    read_name,
)
from tests.acd.town import START

RULES = RecordingSetup(
    default=Mode.MIXED,
    passed=Mode.OFF,
    rules=(
        RecordingRule(Mode.APART, lines=frozenset({"12315", "12348"})),
        RecordingRule(Mode.OFF, queues=frozenset({"quiet"}), directions=frozenset({"in"})),
        RecordingRule(Mode.MIXED, lines=frozenset({"12366"}), directions=frozenset({"passed"})),
    ),
)


@pytest.mark.parametrize(
    ("line", "queue", "direction", "mode", "why"),
    [
        ("12345", "12345", "in", Mode.MIXED, "Recorded, both sides mixed: the city's default."),
        ("12315", "12345", "in", Mode.APART, "Recorded, each side apart: rule 1 (line 12315)."),
        ("12315", "quiet", "in", Mode.APART, "Recorded, each side apart: rule 1 (line 12315)."),
        ("12345", "quiet", "in", Mode.OFF, "Not recorded: rule 2 (queue quiet, in)."),
        ("12345", "quiet", "back", Mode.MIXED, "Recorded, both sides mixed: the city's default."),
        ("12366", None, "passed", Mode.MIXED, "Recorded, both sides mixed: rule 3 (line 12366, passed)."),
        ("12366", "12345", "in", Mode.MIXED, "Recorded, both sides mixed: the city's default."),
        ("12329", None, "passed", Mode.OFF, "Not recorded: the city's rule for calls with others' people."),
        (None, None, "out", Mode.MIXED, "Recorded, both sides mixed: the city's default."),
    ],
)
def test_the_first_rule_that_fits_decides_and_says_so(
    line: str | None, queue: str | None, direction: str, mode: Mode, why: str
) -> None:
    assert decide(RULES, line, queue, direction) == (mode, why)


def test_an_emergency_is_recorded_where_the_rules_say_no_and_as_they_say_where_they_say_yes() -> None:
    nothing = RecordingSetup()
    assert decide(nothing, "110", None, "passed")[0] is Mode.OFF
    assert decide(nothing, "110", None, "passed", emergency=True) == (
        Mode.MIXED,
        "Recorded, both sides mixed: every emergency is.",
    )
    assert decide(RULES, "12315", None, "passed", emergency=True)[0] is Mode.APART
    assert decide(RULES, "12345", "quiet", "in", emergency=True)[0] is Mode.MIXED


def test_a_rule_without_conditions_fits_every_call() -> None:
    setup = RecordingSetup(rules=(RecordingRule(Mode.APART),))
    assert decide(setup, None, None, "in") == (Mode.APART, "Recorded, each side apart: rule 1 (every call).")


# ── names ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_file_is_named_by_day_call_part_and_leg() -> None:
    assert names("1767578400.12", START, Mode.MIXED, 1) == ("2026/01/05/1767578400.12.wav",)
    assert names("1767578400.12", START, Mode.APART, 2) == (
        "2026/01/05/1767578400.12-p2-caller.wav",
        "2026/01/05/1767578400.12-p2-other.wav",
    )
    # half past eleven at night in UTC is the next day in China
    assert names("7.1", START + 13 * 3_600_000 + 1_800_000, Mode.MIXED, 1) == ("2026/01/05/7.1.wav",)
    assert names("7.1", START + 14 * 3_600_000, Mode.MIXED, 1) == ("2026/01/06/7.1.wav",)


HOSTILE = (
    "../../etc/passwd",
    "a/b",
    "a-caller",
    "a-p2",
    "a_2d",
    "",
    "a\nb",
    "a,b",
    "a)t(/tmp/x",
    "市长",
    ".",
    "..",
    "=",
)


@pytest.mark.parametrize("call", [call for call in HOSTILE if call])
@pytest.mark.parametrize("mode", [Mode.MIXED, Mode.APART])
def test_no_call_id_gets_out_of_its_folder_or_is_taken_for_another(call: str, mode: Mode) -> None:
    for name in names(call, START, mode, 1):
        assert name.startswith("2026/01/05/")
        assert name.count("/") == 3
        assert not set(name) & set(",()=\n \\'\"$")
        told = read_name(name)
        assert told is not None
        assert (told.call, told.part) == (call, 1)


@given(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    st.integers(1, 99),
    st.sampled_from([Mode.MIXED, Mode.APART]),
)
def test_a_name_says_which_call_part_and_leg_it_is(call: str, part: int, mode: Mode) -> None:
    legs = [None] if mode is Mode.MIXED else ["caller", "other"]
    expected = [FileName(call, "2026/01/05", part, leg) for leg in legs]
    assert [read_name(name) for name in names(call, START, mode, part)] == expected


@given(st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"])))
def test_two_calls_never_have_the_same_file(one: str, other: str) -> None:
    files = [
        {n for mode in (Mode.MIXED, Mode.APART) for part in (1, 2) for n in names(call, START, mode, part)}
        for call in (one, other)
    ]
    assert (files[0] == files[1]) == (one == other)
    assert one == other or not files[0] & files[1]


@pytest.mark.parametrize(
    "text",
    [
        "", "index.sqlite", "2026/01/05/", "2026/01/05/.wav", "2026/01/05/a.mp3", "2026/01/05/../a.wav", "../2026/01/05/a.wav",
        "2026/01/05/a-p0.wav", "2026/01/05/a-third.wav", "2026/01/05/a b.wav", "2026/01/05/a.wav\n", "2026/01/05/_zz.wav",
        "2026/01/05/_ff.wav", "2026/01/05/_61.wav", "now/a.alaw",
    ],
)  # fmt: skip
def test_any_other_text_is_no_recordings_name(text: str) -> None:
    assert read_name(text) is None


def test_an_id_that_no_file_can_be_named_after_is_known_before() -> None:
    assert nameable("1767578400.12")
    assert nameable("a" * LONGEST)
    assert not nameable("a" * (LONGEST + 1))
    assert not nameable("市" * (LONGEST // 9 + 1))
    assert not nameable("")


# ── the table ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_pause_outlives_a_halt_so_that_nothing_sensitive_is_kept_when_the_disk_comes_back() -> None:
    tape = Tape.ON
    for happening in ("pause", "halt", "possible"):
        tape = TAPE_MOVES[tape][happening]
        assert tape is not Tape.ON
    assert tape is Tape.PAUSED


def test_every_state_can_be_reached_and_left_but_the_last() -> None:
    reached = {after for moves in TAPE_MOVES.values() for after in moves.values()}
    assert reached == set(Tape)
    assert {tape for tape in Tape if not TAPE_MOVES[tape]} == {Tape.GIVEN_UP}
    assert set(TAPE_MOVES) == set(Tape)


@given(st.lists(st.sampled_from(["pause", "resume", "halt", "possible", "lost"]), max_size=30))
def test_who_paused_last_is_never_recorded_until_it_is_resumed(happenings: list[str]) -> None:
    tape, paused, well = Tape.ON, False, True
    for happening in happenings:
        tape = TAPE_MOVES[tape].get(happening, tape)
        paused = {"pause": True, "resume": False}.get(happening, paused)
        well = {"halt": False, "possible": True}.get(happening, well)
        assert (tape is Tape.ON) == (well and not paused)
        assert (tape in RUNNING) == well
