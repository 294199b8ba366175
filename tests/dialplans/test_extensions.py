"""extensions.conf as text; `tests.switch_config` runs it in a real Asterisk."""

from __future__ import annotations

import re

import pytest

from dialplans.extensions import render_extensions


def render(**changed: object) -> str:
    values: dict[str, object] = {
        "agi": "agi://127.0.0.1:4573",
        "spool": "/s/survived",
        "survival": "/e/survival",
    }
    return render_extensions(["unicom", "telecom"], **{**values, **changed})  # type: ignore[arg-type]


def contexts(text: str) -> dict[str, str]:
    return {
        part.partition("]")[0]: part.partition("\n")[2]
        for part in re.split(r"^\[", text, flags=re.MULTILINE)[1:]
    }


def test_every_trunk_has_a_context_that_leads_to_the_hotline_and_nowhere_else() -> None:
    found = contexts(render())
    for name in ("unicom", "telecom"):
        body = found[f"from-trunk-{name}"]
        assert re.findall(r"\?\s*([a-z-]+),", body) == ["hotline-enter"]
        assert not re.search(r"Dial|include|System|\bGoto\(", body)


def test_the_engines_word_is_emptied_before_every_question() -> None:
    lines = [line.strip() for line in render().splitlines()]
    asking = [
        i
        for i, line in enumerate(lines)
        if re.search(r"AGI\(agi://.*/(enter|again|passed|resume|back)", line)
    ]
    assert len(asking) == 6
    assert all(lines[i - 1].endswith("Set(ACD_NEXT=)") for i in asking)


def test_every_call_carries_its_id_to_every_leg() -> None:
    assert "Set(__ACD_CALL=${UNIQUEID})" in contexts(render())["hotline-enter"]


def test_nothing_is_answered_before_the_engine_says_so() -> None:
    assert "Answer" not in contexts(render())["hotline-enter"]


def test_the_fallback_does_not_ask_the_engine() -> None:
    found = contexts(render())
    for name in ("hotline-survive", "hotline-survive-seat", "hotline-survive-end"):
        assert "agi://" not in found[name]


def test_every_goto_leads_to_an_extension_that_exists() -> None:
    found = contexts(render())
    for context, body in found.items():
        own = set(re.findall(r"^exten => ([^,]+),1,", body, re.MULTILINE))
        for target in re.findall(r"(?:Goto\(|\?)([A-Za-z${}_,-]+?),1\)", body):
            where, _, exten = target.rpartition(",")
            there = own if not where else set(re.findall(r"^exten => ([^,]+),1,", found[where], re.MULTILINE))
            if "${EXTEN}" in exten:
                assert any(name.startswith("_") for name in there)
            elif exten.startswith("do${"):
                # What the engine or the survival program says; nothing and nonsense have their places.
                assert {"do", "i"} <= there
            else:
                assert exten in there, f"{context}: {target}"


def test_a_seat_can_dial_its_feature_codes_and_what_begins_like_a_number_only() -> None:
    text = render(feature_codes=("*10", "*77"))
    assert re.findall(r"exten => ([^,]+),1", contexts(text)["from-seat"]) == ["_*10!", "_*77!", "_[+0-9]!"]


@pytest.mark.parametrize(
    "changed",
    [
        {"agi": "agi://127.0.0.1:4573/x,y"},
        {"agi": "http://127.0.0.1"},
        {"spool": "/a,b"},
        {"spool": "/a b"},
        {"survival": "/a(b)"},
        {"survival": "/a\nexten => s,1,System(x)"},
        {"feature_codes": ("11",)},
        {"queue": "a&b"},
    ],
)
def test_a_value_that_would_be_read_as_something_else_is_refused(changed: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="it would be misread in the dialplan"):
        render(**changed)


def test_a_trunks_name_that_would_be_read_as_something_else_is_refused() -> None:
    with pytest.raises(ValueError, match="trunk"):
        render_extensions(["a]"], agi="agi://127.0.0.1:1", spool="/s", survival="/e")
