"""What the speech process knows, and how it learns of changes."""

from __future__ import annotations

import time
from pathlib import Path

from structlog.testing import capture_logs

from asr.knowledge import KnowledgeBase
from asr.matching import NgramMatcher
from hotline.knowledge_store import KnowledgeStore, LiveKnowledge
from hotline.records import RecordStore
from hotline.speech_answers import Answers, Knowing
from tests.hotline.speech_callers import FUND, WAGES, put


def now() -> int:
    return time.time_ns() // 1_000_000


def answers(*, slow: bool = False) -> Answers:
    return Answers(NgramMatcher(KnowledgeBase((FUND, WAGES))), slow)


async def test_a_question_finds_its_entry_at_once_or_in_a_thread() -> None:
    for slow in (False, True):
        near = await answers(slow=slow).find("公积金怎么提取", None)
        assert near is not None
        found, entry = near
        assert entry == FUND
        assert (found.entry, found.answer, found.sms, found.sure) == (FUND.id, FUND.answer, True, True)
        assert found.asked_back == "您是问公积金怎么提取吗？"


async def test_what_nothing_is_near_to_finds_nothing_and_suggests_nothing() -> None:
    assert await answers().find("月亮上的兔子跳舞", None) is None
    assert await answers().suggest("月亮上的兔子跳舞", None) == ()


async def test_a_seat_is_shown_what_may_be_meant_and_nothing_else() -> None:
    (hint,) = await answers().suggest("公积金怎么提取", None)
    assert (hint.entry, hint.question, hint.answer) == (FUND.id, FUND.title, FUND.answer)


def test_what_is_answered_at_once_is_made_before_what_is_asked_back() -> None:
    prompts = answers().prompts()
    assert prompts[:2] == [FUND.answer, WAGES.answer]
    assert prompts[2:] == ["您是问公积金怎么提取吗？", "您是问老板不发工资怎么投诉吗？"]


async def test_a_city_without_a_base_has_another_until_it_has_its_own(tmp_path: Path) -> None:
    records = RecordStore(tmp_path / "records.sqlite")
    try:
        store = KnowledgeStore(records, "town")
        knowing = Knowing(LiveKnowledge(store, now, instead=KnowledgeBase((WAGES,))))
        assert len(knowing.answers.base) == 0
        assert await knowing.refresh()
        assert [entry.id for entry in knowing.answers.base] == [WAGES.id]
        assert not await knowing.refresh()
        await put(tmp_path / "records.sqlite", FUND)
        assert await knowing.refresh_or_tell()
        assert [entry.id for entry in knowing.answers.base] == [FUND.id]
    finally:
        await records.close()


async def test_while_the_database_is_away_the_old_base_answers_and_it_is_said_once(tmp_path: Path) -> None:
    file = tmp_path / "records.sqlite"
    await put(file, FUND)
    records = RecordStore(file)
    try:
        knowing = Knowing(LiveKnowledge(KnowledgeStore(records, "town"), now))
        await knowing.refresh()
    finally:
        await records.close()
    away = RecordStore(tmp_path / "nowhere" / "records.sqlite")
    (tmp_path / "nowhere").write_text("a file where a folder should be")
    knowing._live._store = KnowledgeStore(away, "town")
    try:
        with capture_logs() as logs:
            assert not await knowing.refresh_or_tell()
            assert not await knowing.refresh_or_tell()
        assert [entry["event"] for entry in logs] == ["knowledge base not refreshed"]
        assert await knowing.answers.find("公积金怎么提取", None) is not None
        knowing._live._store = KnowledgeStore(back := RecordStore(file), "town")
        with capture_logs() as logs:
            assert not await knowing.refresh_or_tell()
        assert [entry["event"] for entry in logs] == ["knowledge base is read again"]
        await back.close()
    finally:
        await away.close()
