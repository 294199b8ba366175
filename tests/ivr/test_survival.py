"""Where a caller goes when the engine is gone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dialplans.decision import Need, Pass, Treatment, Wait
from dialplans.hotline import CityLine, Hotline, Phase, TrunkRule
from dialplans.number import Number
from dialplans.plan import NumberPlan
from ivr.survival import NEXT, QUEUE, SnapshotFault, Survival, decide, launcher, snapshot

AREA = "0371"
SEATS = Wait("12345", (Need((("12345", 1),)),))
NOTICE = "您所拨打的电话业务已转移到12345市民服务热线，请稍候"


def number(text: str) -> Number:
    return Number.read(text, AREA)


def line(text: str, phase: Phase) -> Hotline:
    return Hotline(number(text), f"line {text}", "department", (phase,))


PLAN = NumberPlan(
    area=AREA,
    own=CityLine(number("12345"), "12345", "city", SEATS, (number("62912345"),)),
    lines=(
        line("12315", Phase(Treatment.ABSORBED, wait=SEATS)),
        line("12329", Phase(Treatment.WITHDRAWN, notices=(NOTICE,), wait=SEATS)),
        line("12358", Phase(Treatment.WITHDRAWN, transition_ends_ms=0, told=("ended",))),
        line("110", Phase(Treatment.EMERGENCY, passes=(Pass("police", "110"),))),
        line("12366", Phase(Treatment.SUBCENTRE, passes=(Pass("tax", "12366"),), wait=SEATS)),
    ),
    rules=(TrunkRule("unicom", strip="0371"), TrunkRule("single", dialled_as=number("12315"))),
)
TABLE: dict[str, Any] = json.loads(
    json.dumps(
        snapshot(
            "zhengzhou", PLAN, 1_800_000_000_000, {NOTICE: "prompts/notice", "ended": "prompts/ended"}.get
        )
    )
)


@pytest.mark.parametrize(
    ("called", "diverted", "trunk", "goes"),
    [
        ("12345", (), "carrier", QUEUE),
        ("62912345", (), "carrier", QUEUE),
        ("12315", (), "carrier", QUEUE),
        ("12329", (), "carrier", Survival("queue", say=("prompts/notice",))),
        ("12358", (), "carrier", Survival("say", say=("prompts/ended",))),
        ("110", (), "carrier", Survival("pass", (("police", "110"),))),
        ("0371-110", (), "carrier", Survival("pass", (("police", "110"),))),
        ("+8637112366", (), "carrier", Survival("pass", (("tax", "12366"),))),
        ("037112366", (), "unicom", Survival("pass", (("tax", "12366"),))),
        (
            "12345",
            ("Diversion: <sip:110@carrier>;reason=unconditional",),
            "carrier",
            Survival("pass", (("police", "110"),)),
        ),
        (
            "12345",
            ("History-Info: <sip:12366@x>;index=1, <sip:12345@x>;index=1.1",),
            "c",
            Survival("pass", (("tax", "12366"),)),
        ),
        # Asked a moment ago in vain: the city's seats answer.
        ("12345", ("Diversion: <sip:12366@carrier>;reason=no-answer",), "carrier", QUEUE),
        # The sub-centre itself hands a caller over: he is not sent back.
        ("12366", (), "tax", QUEUE),
        ("whatever", (), "single", QUEUE),
        ("12999", (), "carrier", QUEUE),
        ("", (), "", QUEUE),
        ("'; DROP TABLE", ("Diversion: <<<>>;,;", "Nonsense"), "carrier", QUEUE),
    ],
)
def test_a_caller_goes_where_the_plan_said_when_the_snapshot_was_made(
    called: str, diverted: tuple[str, ...], trunk: str, goes: Survival
) -> None:
    assert decide(TABLE, called, diverted, trunk) == goes


def test_the_snapshot_is_what_the_text_says_it_is() -> None:
    assert TABLE["lines"]["110"] == {"next": "pass", "ways": [["police", "110"]], "say": []}
    assert TABLE["number"] == "12345"
    assert TABLE["also"] == ["62912345"]
    assert TABLE["default"] == {"next": "queue", "say": []}
    assert {entry["next"] for entry in TABLE["lines"].values()} <= set(NEXT)


def test_a_notice_without_a_recording_is_left_out_and_the_caller_still_answered() -> None:
    silent = snapshot("zhengzhou", PLAN, 1_800_000_000_000, lambda _: None)
    assert decide(silent, "12329", ()) == QUEUE
    assert decide(silent, "12358", ()) == Survival("hangup")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"area": None}, "no area"),
        ({"number": None}, "no number"),
        ({"number": "what"}, "number: 'what'"),
        ({"lines": ["110"]}, "lines: is no table"),
        ({"lines": {"110": {"next": "Goto(elsewhere)"}}}, r"lines\.110\.next"),
        (
            {"lines": {"110": {"next": "pass", "ways": [["police,20", "110"]]}}},
            r"lines\.110: a pass needs",
        ),
        (
            {"lines": {"110": {"next": "pass", "ways": [["police", "110@x"]]}}},
            r"lines\.110: a pass needs",
        ),
        ({"lines": {"110": {"next": "say", "say": ["a,b"]}}}, r"lines\.110\.say"),
        ({"lines": {"x": {"next": "queue"}}}, r"lines\.x"),
    ],
)
def test_a_snapshot_that_is_none_is_refused_by_place(change: dict[str, Any], says: str) -> None:
    with pytest.raises(SnapshotFault, match=says):
        decide(TABLE | change, "110", ())


def test_the_launcher_is_a_program_of_four_lines_that_names_its_folders() -> None:
    text = launcher("/opt/hotline/.venv/bin/python", ["/opt/hotline"], "/var/lib/hotline/survival.json")
    assert text.splitlines()[0] == "#!/opt/hotline/.venv/bin/python -IS"
    compile(text, "launcher", "exec")
    with pytest.raises(ValueError, match="without blanks"):
        launcher("/opt/my hotline/python", [], "x")
