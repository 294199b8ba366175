"""What was not answered is clustered, counted by week and line, and drafted so that it can be imported."""

from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from asr.knowledge import Entry, KnowledgeBase, State, faults_of
from hotline.knowledge_files import as_csv, as_toml, read_csv, read_toml
from hotline.knowledge_gaps import (
    MOST_QUESTIONS,
    NOBODY,
    PLACEHOLDER,
    Gap,
    Report,
    gaps_of,
    report,
    reported,
)
from hotline.knowledge_store import ReportedError
from hotline.speech_turns import SpeechCall, conversations
from tests.hotline.spoken_calls import HOUR, MONDAY, WEEK, call

FUND = Entry(
    "fund",
    ("公积金怎么提取", "提取公积金"),
    "网上办理。",
    "",
    "12329",
    "公积金中心",
    "王",
    state=State.PUBLISHED,
)
WATER = Entry(
    "water", ("小区停水了怎么办",), "请报地址。", "", "12345", "水务局", "李", state=State.PUBLISHED
)
BASE = KnowledgeBase((FUND, WATER))
WEEKS = ("2026-W09", "2026-W10")


def gap(
    wording: str,
    number: int | str | None = 1,
    at: int = MONDAY,
    reason: str = "passed on",
    line: str = "12345",
) -> Gap:
    week = "2026-W10" if at >= MONDAY else "2026-W09"
    return Gap(None if number is None else str(number), "13800138000", line, week, at, wording, reason, None)


def made(*gaps: Gap, top: int = 10, base: KnowledgeBase = BASE) -> Report:
    return report(gaps, base, WEEKS, top=top)


def seen(*calls: SpeechCall) -> list[Gap]:
    return gaps_of(conversations(calls, until=MONDAY + WEEK, now=MONDAY + WEEK))[0]


def read(record: object) -> SpeechCall:
    names = SpeechCall.__dataclass_fields__
    return SpeechCall(**{name: getattr(record, name) for name in names})


def test_a_week_with_known_clusters_is_ranked_by_calls_with_its_growth() -> None:
    heating = ["暖气不热怎么办", "家里暖气一点都不热", "暖气片不热找谁"]
    bicycles = ["共享单车乱停放", "路口共享单车乱停"]
    gaps = [gap(text, f"h{number}") for number, text in enumerate(heating)]
    gaps += [gap(text, f"b{number}") for number, text in enumerate(bicycles)]
    gaps += [gap("暖气不热", f"w{number}", MONDAY - HOUR) for number in range(2)]
    gaps += [gap("路灯不亮了", "l1", line="12319")]
    found = made(*gaps)
    shown = [
        (row.week, row.line, row.calls, row.before, len(found.topics[row.topic].wordings))
        for row in found.rows
    ]
    assert shown == [
        ("2026-W10", "12319", 1, 0, 1),
        ("2026-W10", "12345", 3, 2, 4),
        ("2026-W10", "12345", 2, 0, 2),
    ]
    assert [gap.call for gap in found.rows[1].gaps] == ["h0", "h1", "h2"]
    assert found.topics[found.rows[1].topic].wordings[0] == "暖气不热"


def test_one_caller_who_says_it_twice_in_a_call_is_one_call() -> None:
    found = made(gap("暖气不热", "1"), gap("家里暖气不热", "1"), gap("暖气不热", "2"))
    assert [(row.calls, len(row.gaps)) for row in found.rows] == [(2, 3)]


def test_only_so_many_of_a_week_and_line_are_shown_and_only_the_weeks_asked_for() -> None:
    texts = ["暖气不热", "路灯不亮了", "共享单车乱停放"]
    gaps = [gap(text, f"{text}{number}") for place, text in enumerate(texts) for number in range(3 - place)]
    old = gap("居住证去哪里办", "old", MONDAY - HOUR)
    found = made(*gaps, old, replace(old, week="2026-W01"), top=2)
    assert [found.topics[row.topic].shown for row in found.rows] == texts[:2]
    assert len(found.topics) == 2


def test_the_order_of_the_records_does_not_matter() -> None:
    texts = ["暖气不热怎么办", "家里暖气不热", "路灯不亮了", "路灯坏了不亮", "共享单车乱停放"]
    gaps = [gap(text, number, MONDAY - HOUR * (number % 2)) for number, text in enumerate(texts * 3)]
    first = made(*gaps)
    random.Random(3).shuffle(gaps)
    assert made(*gaps) == first


def test_the_nearest_entry_and_its_score_stand_beside_a_cluster_whatever_its_state() -> None:
    expired = replace(FUND, state=State.EXPIRED)
    found = made(gap("公积金咋个取出来"), base=KnowledgeBase((expired, WATER)))
    nearest = found.topics[0].nearest
    assert nearest is not None
    assert nearest.entry is expired
    assert nearest.score > 0.5
    assert made(gap("公积金咋个取出来"), base=KnowledgeBase()).topics[0].nearest is None


def test_a_draft_takes_line_and_owner_from_the_line_that_was_called_or_from_the_nearest_entry() -> None:
    (near,) = made(gap("公积金咋个取出来")).topics
    (called,) = made(gap("火星上的石头怎么卖", line="12329")).topics
    (neither,) = made(gap("火星上的石头怎么卖", line="0371-66666666")).topics
    (unknown,) = made(gap("火星上的石头怎么卖", line="12333")).topics
    drafts = [topic.draft for topic in (near, called, neither, unknown)]
    assert [(draft.line, draft.owner) for draft in drafts if draft] == [
        ("12329", "公积金中心"), ("12329", "公积金中心"), ("12345", "水务局"), ("12333", NOBODY)
    ]  # fmt: skip


def test_a_draft_has_the_distinct_wordings_and_an_answer_that_says_it_is_to_be_written() -> None:
    texts = ["暖气不热怎么办", "暖气不热，怎么办", "家里暖气不热", "暖气不热怎么办"]
    (topic,) = made(*(gap(text, number) for number, text in enumerate(texts))).topics
    assert topic.draft is not None
    assert topic.draft.questions == ("暖气不热怎么办", "家里暖气不热")
    assert topic.draft.state is State.DRAFT
    assert topic.draft.answer.startswith(PLACEHOLDER)
    assert faults_of([*BASE, topic.draft]) == []


def test_what_stands_in_an_entry_already_is_drafted_no_second_time() -> None:
    (topic,) = made(gap("提取公积金？", reason="not helped")).topics
    assert topic.draft is None
    (first,) = made(gap("暖气不热怎么办")).topics
    assert first.draft is not None
    grown = BASE.with_entries([first.draft])
    assert made(gap("暖气不热怎么办"), base=grown).topics[0].draft is None
    (more,) = made(gap("暖气不热怎么办"), gap("家里暖气不热"), base=grown).topics
    assert more.draft is not None
    assert (more.draft.id != first.draft.id, more.draft.questions) == (True, ("家里暖气不热",))


def test_a_draft_whose_question_was_changed_since_is_not_overwritten() -> None:
    (first,) = made(gap("暖气不热怎么办")).topics
    assert first.draft is not None
    grown = BASE.with_entries(
        [replace(first.draft, questions=("冬天供暖温度不达标找谁",), answer="找供热公司。")]
    )
    (again,) = made(gap("暖气不热怎么办"), base=grown).topics
    assert again.draft is not None
    assert again.draft.id not in grown.by_id


def test_each_way_of_going_wrong_is_told_with_the_question_and_not_the_yes_or_no() -> None:
    fund = ("公积金怎么提取", "fund")
    back = ("asked back", *fund)
    calls = [
        call(1, MONDAY, ("passed on", "地铁几点收车", None), over="unknown", caller="1391"),
        call(2, MONDAY, ("not understood", "地铁收车", None), ("not understood", "嗯", None), over="misunderstood", caller="1392"),
        call(3, MONDAY, back, ("denied", "不是", "fund"), over="person", caller="1393"),
        call(4, MONDAY, back, ("confirmed", "对", "fund"), ("not helped", "没", "fund"), over="person", rating=1, caller="1394"),
        call(5, MONDAY, ("answered", *fund), caller="1395"),
        call(6, MONDAY + HOUR, over=None, caller="1395"),
        call(7, MONDAY, ("answered", *fund), over="person", rating=1, caller="1396"),
        call(8, MONDAY, ("answered", *fund), ("helped", "是", "fund"), caller="1397"),
    ]  # fmt: skip
    found = seen(*map(read, calls))
    assert [(one.call, one.wording, one.reason, one.entry) for one in found] == [
        ("1", "地铁几点收车", "passed on", None),
        ("2", "地铁收车", "not understood", None),
        ("3", "公积金怎么提取", "denied", "fund"),
        ("4", "公积金怎么提取", "not helped", "fund"),
        ("5", "公积金怎么提取", "came back", "fund"),
        ("7", "公积金怎么提取", "bad rating", "fund"),
    ]


def test_an_open_error_is_a_gap_in_the_words_of_its_call_or_in_the_entrys() -> None:
    spoken = read(call("9", MONDAY, ("answered", "公积金咋取", "fund"), line="12329"))
    found = conversations([spoken], until=MONDAY + WEEK, now=MONDAY + WEEK)
    errors = [
        ReportedError(0, MONDAY, "7001", "fund", "9", "利率旧了"),
        ReportedError(1, MONDAY, "7001", "fund", None, "电话不对"),
        ReportedError(2, MONDAY, "7001", "gone", None, "居住证的答复不对"),
    ]
    gaps = reported(errors, BASE, found)
    assert [(one.call, one.line, one.wording) for one in gaps] == [
        ("9", "12329", "公积金咋取"), (None, "12329", "公积金怎么提取"), (None, "12345", "居住证的答复不对")
    ]  # fmt: skip
    rows = [row for row in made(*gaps).rows if row.line == "12329"]
    assert [(row.calls, row.reports) for row in rows] == [(1, 1)]


def test_an_answer_whose_words_are_empty_stands_under_its_entrys_title() -> None:
    without = replace(gap("", reason="not helped"), entry="fund")
    found = made(without, gap("", 2))
    assert [topic.shown for topic in found.topics] == ["公积金怎么提取"]
    assert found.said_nothing == 1


HEARD = st.text(max_size=90) | st.sampled_from(
    [
        "暖气不热怎么办",
        "家里暖气不热",
        "路灯不亮了",
        "提取公积金",
        '"""',
        "'\\",
        "\x7f\t",
        "停水" * 5000,
        "…" * 9,
        "_" * 9,
    ]
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(HEARD, st.integers(0, 9)), max_size=12),
    st.sampled_from(["12345", "12329", "-", "a\nb"]),
)
def test_whatever_callers_said_all_drafts_together_can_be_imported_beside_the_base(
    heard: list[tuple[str, int]], line: str
) -> None:
    calls = [
        read(call(number, MONDAY + hour * HOUR, ("passed on", text, None), over="unknown", line=line))
        for number, (text, hour) in enumerate(heard)
    ]
    found = made(*seen(*calls))
    drafts = KnowledgeBase(tuple(topic.draft for topic in found.topics if topic.draft is not None))
    assert faults_of([*BASE, *drafts]) == []
    assert read_toml(as_toml(drafts)) == drafts
    assert read_csv(as_csv(drafts)) == drafts
    for entry in drafts:
        assert len(entry.questions) <= MOST_QUESTIONS
        assert entry.id not in BASE.by_id
