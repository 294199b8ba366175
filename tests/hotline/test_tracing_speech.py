"""``hotline trace --say``: what the machine would say, told by the conversation and the matcher that answer calls."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from asr.knowledge import Entry, KnowledgeBase, State
from hotline import cli
from hotline.city import City
from hotline.switch.prompts_live import standard_prompts
from hotline.tracing import trace
from hotline.tracing_speech import NOT_HERE, OFF, with_speech
from tests.acd.town import START
from tests.hotline.test_city_sms import BODY, SMS
from tests.switch.conftest import city_text, silent

HEZE = (resources.files("dialplans") / "cities" / "heze.toml").read_text(encoding="utf-8")
SPOKEN = standard_prompts()


def entry(name: str, question: str, answer: str, **more: Any) -> Entry:
    return Entry(
        name,
        (question,),
        answer,
        owner="某局",
        reviewer="某人",
        state=more.pop("state", State.PUBLISHED),
        **more,
    )


BASE = KnowledgeBase(
    (
        entry("draw", "公积金怎么提取", "可以在窗口提取。", sms="提取须知。", line="12329"),
        entry("heat", "暖气什么时候开始供应", "十一月十五日开始。"),
        entry("hidden", "不动产证怎么办理", "到登记中心办理。", state=State.DRAFT),
    )
)


def talk(
    *said: str, city: City | None = None, number: str = "12345", caller: str = ""
) -> tuple[dict[str, Any], str]:
    here = city or City.load("zhengzhou")
    one = with_speech(
        here, trace(here, number, at_ms=START, caller=caller), said, BASE, at_ms=START, caller=caller
    )
    assert json.loads(json.dumps(one.document)) == one.document
    return one.document["speech"], "\n".join(one.sentences)


def greeting(more: str = "") -> City:
    return City.read(f"{HEZE}\n[speech]\ngreeting = true\n{more}", "heze")


def test_a_question_is_answered_and_why_is_told() -> None:
    found, text = talk("公积金怎么提取")
    (turn,) = found["turns"]
    assert (turn["did"], turn["entry"]) == ("answered", "draw")
    assert turn["score"] > 0.85
    assert turn["spoken"] == ["可以在窗口提取。", SPOKEN["speech-helped"]]
    assert "writing 1.00" in turn["because"]
    assert turn["because"] in text
    assert found["over"] is None
    assert text.endswith("Then the caller is listened to.")


def test_a_conversation_goes_on_from_one_saying_to_the_next_until_the_caller_needs_nobody() -> None:
    found, text = talk("公积金怎么提取", "是的", "没有了")
    assert [turn["did"] for turn in found["turns"]] == ["answered", "helped", "bye"]
    assert found["over"] == "contained"
    assert f"“{SPOKEN['goodbye']}”" in text


def test_what_is_said_after_the_end_is_told_as_not_said() -> None:
    found, text = talk("转人工", "公积金怎么提取")
    assert [turn["did"] for turn in found["turns"]] == ["person"]
    assert text.endswith("Not said any more: 公积金怎么提取.")


def test_who_waits_keeps_the_place_and_hears_so() -> None:
    found, text = talk("转人工")
    assert (found["offered"], found["via"], found["over"]) == (True, "waiting", "person")
    assert found["turns"][0]["spoken"] == []
    assert "Waits in queue 12345, in the same place" in text


def test_who_was_offered_it_after_the_greeting_is_led_to_a_person() -> None:
    found, text = talk("转人工", city=greeting())
    assert (found["offered"], found["via"]) == (True, "greeting")
    assert found["turns"][0]["spoken"] == []
    assert "After the greeting a question may be spoken" in text


def test_a_line_that_is_asked_for_by_its_name_is_waited_for_where_its_seats_are_ours() -> None:
    here = City.read(f"{silent(city_text('zhengzhou'))}\n[speech]\ngreeting = true\n", "zhengzhou")
    found, text = talk("请转公积金管理中心", city=here)
    assert (found["over"], found["line"]) == ("person", "12329")
    assert "Asked for 12329 by name: waits for its seats in queue 12345." in text


def test_a_line_that_others_answer_stands_in_the_record_only() -> None:
    found, text = talk("请转税务局", city=greeting())
    assert found["line"] == "12366"
    assert "Asked for 12366 (全国税务系统统一电话): that stands in the call's record." in text
    assert "Waits in queue 12345; the seat sees what was said." in text


def test_silence_can_be_said() -> None:
    found, _ = talk("", city=greeting())
    assert [turn["did"] for turn in found["turns"]] == ["silence"]
    assert found["over"] == "silence"


def test_what_no_entry_knows_goes_to_a_person() -> None:
    found, text = talk("量子力学怎么入门")
    assert (found["turns"][0]["did"], found["turns"][0]["entry"], found["over"]) == (
        "passed on",
        None,
        "unknown",
    )
    assert SPOKEN["speech-unknown"] in text


def test_a_draft_is_never_spoken() -> None:
    found, _ = talk("不动产证怎么办理")
    assert all(turn["entry"] != "hidden" for turn in found["turns"])


def test_an_sms_is_offered_and_sent_where_the_city_can_and_the_caller_has_a_mobile() -> None:
    here = greeting(SMS + BODY)
    found, text = talk("公积金怎么提取", "是的", "好的", city=here, caller="13900000001")
    assert [turn["sms"] for turn in found["turns"]] == [None, None, "提取须知。"]
    assert "An SMS is sent (1 parts at most): “提取须知。”" in text
    found, text = talk("公积金怎么提取", "是的", city=here, caller="053012345678")
    assert found["turns"][1]["spoken"] == [SPOKEN["speech-more"]]
    assert "No answer can be sent to this caller by SMS: no mobile number." in text
    assert "No answer can be sent to this caller by SMS: the city sends none." in talk("再见")[1]


def test_the_number_of_a_case_goes_along() -> None:
    found, text = talk("工单进度", "二零二六幺二三", "对")
    assert (found["over"], found["reference"]) == ("person", "2026123")
    assert "The number of the case goes along: 2026123." in text


@pytest.mark.parametrize("city", [name for name in City.built_in() if name != "zhengzhou"])
def test_a_city_that_has_not_switched_it_on_says_so_first_and_shows_it_all_the_same(city: str) -> None:
    here = City.load(city)
    found, text = talk("公积金怎么提取", city=here)
    assert (found["offered"], found["via"]) == (False, None)
    assert found["turns"][0]["entry"] == "draw"
    before = len(trace(here, "12345", at_ms=START).sentences)
    assert text.splitlines()[before] == OFF


@pytest.mark.parametrize("number", ["110", "12366"])
def test_a_call_that_others_answer_is_offered_nothing(number: str) -> None:
    found, text = talk("公积金怎么提取", number=number)
    assert not found["offered"]
    assert NOT_HERE in text


def test_a_line_that_the_city_leaves_out_is_offered_nothing() -> None:
    found, _ = talk("你好", city=greeting('lines = ["12345"]\n'), number="12349")
    assert not found["offered"]
    assert talk("你好", city=greeting('lines = ["12345"]\n'))[0]["offered"]


def test_the_command_takes_several_sayings_and_a_base_that_is_not_imported(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    base = tmp_path / "base.toml"
    base.write_text(
        '[[entries]]\nid = "x"\nquestions = ["天桥在哪里"]\nanswer = "在东边。"\nowner = "甲"\nreviewer = "乙"\n'
        'state = "published"\n',
        encoding="utf-8",
    )
    said = ["--say", "天桥在哪里", "--say", "不是"]
    typed = ["trace", "heze", "12345", "--at", "2026-01-05", *said, "--base", str(base), "--json"]
    assert cli.main(typed) == cli.DONE
    speech = json.loads(capsys.readouterr().out)["speech"]
    assert [(turn["did"], turn["entry"]) for turn in speech["turns"]] == [
        ("answered", "x"),
        ("not helped", "x"),
    ]


def test_the_starting_base_answers_where_the_city_has_none_of_its_own(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert (
        cli.main(["trace", "heze", "12345", "--say", "公积金怎么提取", "--home", str(tmp_path)]) == cli.DONE
    )
    assert "answered gjj.withdraw" in capsys.readouterr().out


@pytest.mark.parametrize("typed", [["--say", "你好"], ["110", "--dialled-by", "1001", "--say", "你好"]])
def test_words_without_a_caller_s_call_are_refused_in_one_line(
    capsys: pytest.CaptureFixture[str], typed: list[str]
) -> None:
    assert cli.main(["trace", "heze", *typed]) == cli.UNUSABLE
    assert capsys.readouterr().err.count("\n") == 1
