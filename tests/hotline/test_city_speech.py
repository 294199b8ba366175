"""Speech in a city file: what is refused with a remedy, and what becomes of it."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import pytest

from acd.setup import SpeechSetup
from asr.speech import Limits
from asr.vosk_live import SMALL_MODEL
from hotline import city_speech
from hotline.city import City, CityFault
from hotline.city_speech import SpeechTable, offers, sends_sms, settings, told
from hotline.speech_words import Settings
from hotline.switch.prompts_live import standard_prompts
from tests.hotline.test_city_sms import BODY, SMS

BASE = (resources.files("dialplans") / "cities" / "heze.toml").read_text(encoding="utf-8")
WAITING = "[queues.waiting]\nfirst_seconds = 20\n"
DOCS = Path(__file__).parents[2] / "docs"


def city(text: str, queue: str = "", home: Path | None = None) -> City:
    head, mark, rest = BASE.partition("\n[[trunks]]")
    return City.read(f"{head}\n{queue}{mark}{rest}\n{text}", "heze", home=home)


@pytest.mark.parametrize(
    ("text", "queue", "fault"),
    [
        ("[speech]\n", "", "speech: nobody is offered it: write greeting = true or waiting = true"),
        ("[speech]\nwaiting = true\n", "", "speech.waiting: no queue says anything while callers wait"),
        ('[speech]\ngreeting = true\nkey = "3"\n', "", "speech.key: nobody hears of it: write waiting = true"),
        ('[speech]\nwaiting = true\nkey = "3"\n', WAITING, "speech.key: the words of speech-waiting tell of 2"),
        ('[speech]\nwaiting = true\n[call_back]\nkey = "2"\n', WAITING, "speech.key: 2 asks for a call-back already"),
        ('[speech]\nwaiting = true\noffer = ["问吧"]\n', WAITING, "speech.offer: nobody hears it: write greeting = true"),
        ("[speech]\ngreeting = true\nsms = true\n", "", "speech.sms: there is no provider: write [sms], or take it out"),
        ('[speech]\ngreeting = true\ntranscript_notice = ["啊"]\n', "", "speech.transcript_notice: nothing is written"),
        ('[speech]\ngreeting = true\nlines = ["12399"]\n', "", "speech.lines[0]: '12399' is no line of this city"),
        ('[speech]\ngreeting = true\nlines = ["110"]\n', "", "speech.lines[0]: '110' is no line of this city"),
        ("[speech]\ngreeting = true\nlines = []\n", "", "speech.lines: is empty, so nobody is offered it"),
        ('[speech]\ngreeting = true\noffer = ["speech-ofer"]\n', "", "speech.offer[0]: no prompt has the name speech-ofer"),
        ('[speech]\ngreeting = true\n[speech.names]\n"人工" = "12329"\n', "", "speech.names.人工: is said to the machine"),
        ('[speech]\ngreeting = true\n[speech.names]\n"房管局" = "12399"\n', "", "speech.names.房管局: '12399' is no line"),
        ("[speech]\ngreeting = true\nsure = 0.4\n", "", "speech.sure: is 0.4: write 0.5 or more"),
        ("[speech]\ngreting = true\n", "", "speech.greting: no such key: did you mean greeting?"),
    ],
)  # fmt: skip
def test_what_can_not_be_is_told_with_its_place_and_remedy(text: str, queue: str, fault: str) -> None:
    with pytest.raises(CityFault) as raised:
        city(text, queue)
    assert len(raised.value.faults) == 1
    assert raised.value.faults[0].startswith(f"heze.toml: {fault}")


def test_a_line_that_no_seat_answers_can_not_be_offered_it() -> None:
    text = (resources.files("dialplans") / "cities" / "zhengzhou.toml").read_text(encoding="utf-8")
    with pytest.raises(CityFault, match=r"speech.lines\[1\]: 12366 is independent, no seat answers it"):
        City.read(text.replace('key = "2"\n', 'lines = ["12345", "12366"]\n', 1), "zhengzhou")


def test_a_number_that_is_none_is_told_once_and_breaks_nothing() -> None:
    with pytest.raises(CityFault) as raised:
        City.read(BASE.replace('number = "12349"', 'number = "?"') + "\n[speech]\ngreeting = true\n", "heze")
    assert all("lines[0].number" in fault or "cutovers" in fault for fault in raised.value.faults)


def test_a_city_without_the_section_offers_nothing_and_starts_nothing() -> None:
    made = city("")
    assert made.setup().speech == SpeechSetup()
    assert settings(made.file, None, city="heze", records="r", sounds=Path("s")) is None
    assert told(made.file, "12345", "12345", greeted=True) == []
    assert not offers(made.file, "12345")


def test_what_the_file_says_reaches_the_engine() -> None:
    made = city(
        '[speech]\ngreeting = true\nwaiting = true\nkey = "5"\nwaiting_offer = ["按五"]\noffer = ["请问"]\n'
        'lines = ["12345", "053012329"]\ncase_numbers = false\n',
        WAITING,
    )
    assert made.setup().speech == SpeechSetup(
        greeting=True,
        key="5",
        lines=frozenset({"12345", "12329"}),
        offer=("请问",),
        waiting=("按五",),
        case=False,
    )
    assert {"按五", "请问", "speech-question"} <= set(made.prompts())
    assert offers(made.file, "12329")
    assert not offers(made.file, "12333")


def test_the_key_counts_only_where_those_who_wait_are_told_of_it() -> None:
    assert city("[speech]\ngreeting = true\n").setup().speech.key == ""
    assert city("[speech]\nwaiting = true\n", WAITING).setup().speech.key == "2"


def test_what_the_file_says_reaches_the_speech_process() -> None:
    made = city(
        '[speech]\ngreeting = true\nmodel = "cn"\nmost = 7\nsure = 0.8\nsilence_ms = 600\nwait_seconds = 2.5\n'
        'longest_seconds = 9\n[speech.names]\n"房管局" = "12329"\n',
        home=Path("/etc/hotline"),
    )
    got = settings(
        made.file, made.home, city="heze", records="r.sqlite", sounds=Path("/s"), recordings=(Path("/r"),)
    )
    assert got == Settings(
        city="heze",
        model="/etc/hotline/cn",
        records="r.sqlite",
        sounds="/s",
        recordings=("/r",),
        names=city_speech.names(made.file),
        most=7,
        sure=0.8,
        end_ms=600,
        no_input_ms=2_500,
        longest_ms=9_000,
    )
    assert got.names["房管局"] == got.names["公积金中心"] == "12329"


def test_the_defaults_are_those_of_the_speech_process() -> None:
    got = settings(city("[speech]\ngreeting = true\n").file, None, city="c", records="r", sounds=Path("s"))
    assert got is not None
    usual = Settings("c", str(SMALL_MODEL), "r", "s", names=got.names)
    assert got == usual


@pytest.mark.parametrize("silence_ms", [200, 2000])
@pytest.mark.parametrize("longest_seconds", [3, 60])
def test_every_time_that_the_file_may_name_is_one_that_the_listener_can_keep(
    silence_ms: int, longest_seconds: int
) -> None:
    table = SpeechTable(silence_ms=silence_ms, longest_seconds=longest_seconds)
    Limits(end_ms=table.silence_ms, longest_ms=round(table.longest_seconds * 1000))


def test_answers_are_sent_where_there_is_a_provider_unless_the_city_says_no() -> None:
    with_provider = SMS + BODY
    assert sends_sms(city("[speech]\ngreeting = true\n" + with_provider).file)
    assert city("[speech]\ngreeting = true\n" + with_provider).setup().speech.sms
    assert not sends_sms(city("[speech]\ngreeting = true\nsms = false\n" + with_provider).file)
    assert not sends_sms(city("[speech]\ngreeting = true\n").file)


def test_a_talk_that_is_written_down_is_told_to_the_caller_unless_the_city_says_that_no_notice_is_due() -> (
    None
):
    usual = city("[speech]\ntranscript = true\n").file
    assert city_speech.transcript_notice(usual) == ("speech-notice",)
    assert f"“{standard_prompts()['speech-notice']}”" in "\n".join(
        told(usual, "12345", "12345", greeted=True)
    )
    silent = city("[speech]\ntranscript = true\ntranscript_notice = []\n").file
    assert city_speech.transcript_notice(silent) == ()
    assert city_speech.transcript_notice(city("[speech]\ngreeting = true\n").file) is None


def test_the_offer_after_the_greeting_is_told_only_where_seats_answer_first() -> None:
    file = city("[speech]\ngreeting = true\n").file
    assert told(file, "12345", "12345", greeted=True)
    assert told(file, "12345", "12345", greeted=False) == []


def test_zhengzhou_has_what_its_plan_asks_for_and_keeps_nobody_from_a_person() -> None:
    speech = City.load("zhengzhou").setup().speech
    assert (speech.greeting, speech.key, speech.lines) == (False, "2", None)
    assert all(not City.load(name).setup().speech.key for name in City.built_in() if name != "zhengzhou")


def test_the_standard_words_tell_of_the_standard_key() -> None:
    assert "请按二" in standard_prompts()["speech-waiting"]
    assert SpeechTable().key == "2"


def test_the_handbook_explains_every_key_and_its_default() -> None:
    text = (DOCS / "speech.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", text, re.MULTILINE))
    defaults = {
        name: field.default
        for name, field in SpeechTable.model_fields.items()
        if isinstance(field.default, int | float)
    }
    assert set(rows) == set(SpeechTable.model_fields) | {
        "question", "confirm", "helped", "sms", "more", "number", "check", "over",
    }  # fmt: skip
    assert {name: rows[name] for name in defaults} == {
        name: f"`{str(value).lower()}`" for name, value in defaults.items()
    }


def test_the_handbook_quotes_the_prompts_as_they_are() -> None:
    text = (DOCS / "speech.md").read_text(encoding="utf-8").partition("## How a conversation goes")[2]
    spoken = standard_prompts()
    quoted = re.findall(r"`((?:speech-\w[\w-]*|goodbye))` (?=[一-鿿])", text)
    assert len(quoted) >= 15
    assert [name for name in quoted if f"`{name}` {spoken[name]}" not in text] == []
