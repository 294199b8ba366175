from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import date

import pytest

from asr.knowledge import Entry, State
from asr.matching import Decision
from hotline.knowledge_files import KnowledgeFault, starting_base
from hotline.knowledge_store import KnowledgeStore, LiveKnowledge
from hotline.logs import OwnersFault
from hotline.records import RecordStore

FUND = Entry(
    "fund", ("公积金怎么提取",), "网上办理。", "短信", "12329", "公积金中心", "王", state=State.PUBLISHED
)
WATER = Entry("water", ("停水了怎么办",), "请报地址。", "", "12345", "水务", "李", state=State.PUBLISHED)


@contextlib.asynccontextmanager
async def opened(url: str, city: str = "zhengzhou") -> AsyncIterator[KnowledgeStore]:
    records = RecordStore(url)
    try:
        yield KnowledgeStore(records, city)
    finally:
        await records.close()


async def test_entries_come_back_as_they_were_in_their_order_and_each_city_has_its_own(url: str) -> None:
    async with opened(url) as store, opened(url, "jinan") as other:
        assert await store.put([WATER, FUND], who="a", at=1) == 2
        assert await other.put([FUND], who="b", at=2) == 1
        assert (await store.base()).entries == (WATER, FUND)
        assert (await other.base()).entries == (FUND,)


async def test_the_whole_starting_base_is_stored_and_read_back(url: str) -> None:
    async with opened(url) as store:
        await store.put(starting_base(), who="a", at=1)
        assert await store.base() == starting_base()


async def test_only_what_has_changed_is_written_into_the_history(url: str) -> None:
    async with opened(url) as store:
        await store.put([FUND, WATER], who="a", at=1)
        changed = replace(FUND, answer="柜台办理。")
        assert await store.put([changed, WATER], who="b", at=2) == 1
        await store.take_away("water", who="c", at=3)
        with pytest.raises(OwnersFault, match=r"knowledge\.water: no such entry"):
            await store.take_away("water", who="c", at=4)
        told = [(one.number, one.at, one.who, one.id, one.entry) for one in await store.history()]
        assert told == [
            (0, 1, "a", "fund", FUND),
            (1, 1, "a", "water", WATER),
            (2, 2, "b", "fund", changed),
            (3, 3, "c", "water", None),
        ]
        assert [one.number for one in await store.history("fund")] == [0, 2]


async def test_a_base_that_would_not_be_sound_is_refused_whole(url: str) -> None:
    async with opened(url) as store:
        await store.put([FUND], who="a", at=1)
        with pytest.raises(KnowledgeFault, match="is also asked by fund"):
            await store.put([WATER, replace(WATER, id="w", questions=FUND.questions)], who="b", at=2)
        assert (await store.base()).entries == (FUND,)


async def test_an_import_cant_skip_the_review(url: str) -> None:
    async with opened(url) as store:
        await store.put([replace(FUND, state=State.DRAFT, reviewer=None)], who="a", at=1)
        with pytest.raises(KnowledgeFault, match=r"fund\.state: draft does not become published"):
            await store.put([FUND], who="b", at=2)
        await store.put([replace(FUND, state=State.REVIEWED)], who="b", at=3)
        assert await store.put([FUND], who="b", at=4) == 1


async def test_many_who_change_at_once_lose_nothing(url: str) -> None:
    async with contextlib.AsyncExitStack() as stack:
        stores = [await stack.enter_async_context(opened(url)) for _ in range(4)]
        await stores[0].base()
        entries = [replace(WATER, id=f"w{number}", questions=(f"第{number}个问题",)) for number in range(12)]
        puts = [stores[number % 4].put([one], who="a", at=number) for number, one in enumerate(entries)]
        await asyncio.gather(*puts)
        assert {entry.id for entry in await stores[0].base()} == {entry.id for entry in entries}
        assert [one.number for one in await stores[0].history()] == list(range(12))


async def test_two_who_alter_one_entry_at_once_both_find_what_the_other_made(url: str) -> None:
    def one_more(word: str) -> Callable[[Entry], Entry]:
        return lambda entry: replace(entry, questions=(*entry.questions, word))

    async with contextlib.AsyncExitStack() as stack:
        stores = [await stack.enter_async_context(opened(url)) for _ in range(4)]
        await stores[0].put([FUND], who="a", at=1)
        words = [f"第{number}个问题" for number in range(12)]
        await asyncio.gather(
            *(
                stores[number % 4].alter("fund", one_more(word), who="b", at=number)
                for number, word in enumerate(words)
            )
        )
        (entry,) = (await stores[0].base()).entries
        assert set(entry.questions) == {*FUND.questions, *words}
        assert [one.number for one in await stores[0].history()] == list(range(13))
        with pytest.raises(OwnersFault, match=r"knowledge\.none: no such entry"):
            await stores[0].alter("none", lambda entry: entry, who="b", at=1)


async def test_a_reported_error_is_open_until_it_is_mended(url: str) -> None:
    async with opened(url) as store:
        await store.put([FUND], who="a", at=1)
        first = await store.report("fund", " 利率旧了 ", who="7001", at=5, call="1.1")
        await store.report("fund", "电话不对", who="7002", at=6)
        assert [(one.number, one.text, one.call) for one in await store.errors()] == [
            (0, "利率旧了", "1.1"),
            (1, "电话不对", None),
        ]
        assert await store.mend(first.number, who="王", at=9)
        assert not await store.mend(first.number, who="王", at=10)
        assert [one.number for one in await store.errors()] == [1]
        assert [(one.mended, one.mended_by) for one in await store.errors(also_mended=True)] == [
            (9, "王"),
            (None, None),
        ]
        with pytest.raises(OwnersFault, match="no such entry"):
            await store.report("none", "x", who="a", at=7)
        with pytest.raises(OwnersFault, match="nothing is said"):
            await store.report("fund", "  ", who="a", at=7)


async def test_a_changed_base_is_answered_from_without_a_restart_and_an_unchanged_one_is_kept(
    url: str,
) -> None:
    now = 1_772_326_800_000
    async with opened(url) as store, opened(url) as console:
        live = LiveKnowledge(store, lambda: now)
        assert await live.refresh()
        assert live.matcher.match("停水了怎么办").decision is Decision.PASS_ON
        await console.put([FUND, WATER], who="a", at=now)
        assert await live.refresh()
        before = live.matcher
        best = before.match("停水了怎么办").best
        assert best is not None
        assert best.entry == "water"
        assert not await live.refresh()
        assert live.matcher is before
        await console.put([replace(WATER, state=State.EXPIRED)], who="a", at=now)
        assert await live.refresh()
        assert [entry.id for entry in live.matcher.base] == ["fund"]


async def test_an_entry_ends_with_its_last_day_though_nobody_changes_the_base(url: str) -> None:
    clock = [1_772_326_800_000]  # 2026-03-01T09:00 in China
    async with opened(url) as store:
        await store.put([replace(FUND, valid_to=date(2026, 3, 1))], who="a", at=1)
        live = LiveKnowledge(store, lambda: clock[0])
        await live.refresh()
        assert len(live.matcher.base) == 1
        clock[0] += 15 * 3_600_000
        assert await live.refresh()
        assert len(live.matcher.base) == 0
