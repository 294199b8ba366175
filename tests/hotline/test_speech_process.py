"""The speech process itself, with the small model: callers with voices come and go, and whatever happens is told."""

from __future__ import annotations

import asyncio
import shutil
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio

from asr.vosk_live import SMALL_MODEL
from hotline.knowledge_files import starting_base
from hotline.speech_process import UNABLE
from hotline.speech_words import End, Expected, Over, Overhear, Overheard, Text, Turn, Unable
from tests.asr.whole_graph import whole_graph_model
from tests.hotline.speech_callers import (
    FUND,
    WAGES,
    Peer,
    expected,
    put,
    recorded,
    settings,
    soon,
    speech_process,
    spoken,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

QUESTION = "e23"  # 公积金怎么提取
WAGES_QUESTION = "e20"
OUT_OF_VOCABULARY = "月亮上的兔子跳舞"


TEACHER = replace(
    FUND, id="edu.overcharge", questions=("学校乱收费怎么投诉",), answer="请向教育局反映，" * 9, line="12345"
)
OVERCHARGED = "e03"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def peer(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Peer]:
    """A process for ten callers, which most of these tests share."""
    told = await settings(tmp_path_factory.mktemp("speech"), FUND, TEACHER, names={"财政局": "12366"})
    async with speech_process(told) as peer:
        await peer.serves()
        yield peer


def dids(turns: list[Turn]) -> list[str]:
    return [turn.did for turn in turns]


# ── conversations ───────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_caller_asks_is_answered_gets_an_sms_and_needs_nobody(peer: Peer) -> None:
    told = expected(sms=True)
    caller = await peer.call(told)
    for words in (recorded(QUESTION), spoken("是的")):
        await caller.asked()
        caller.say(words)
    for words in (spoken("好的"), spoken("没有了")):  # in the middle of what is asked
        await caller.interrupted()
        caller.say(words)
    over = await peer.over(told.uuid)
    await soon(caller.over())
    turns = peer.of(Turn, told.uuid)
    assert dids(turns) == ["answered", "helped", "sms", "bye"]
    assert (turns[0].heard, turns[0].entry, turns[0].call) == ("公积金怎么提取", FUND.id, told.call)
    assert turns[0].confidence >= 0.95
    assert peer.of(Text, told.uuid) == [Text(told.uuid, told.call, FUND.id, FUND.sms)]
    assert over == Over(told.uuid, told.call, "contained")
    assert caller.hung_up
    # What callers said stands in no log.
    assert "公积金" not in peer.logged


async def test_the_end_is_told_before_the_stream_is_closed(peer: Peer) -> None:
    told = expected()
    caller = await peer.call(told)
    await caller.asked()
    caller.press("5")
    await soon(caller.ended.wait())
    for _ in range(5):  # what is in our socket by now is read
        await asyncio.sleep(0)
    assert [over.over for over in peer.of(Over, told.uuid)] == ["key"]
    assert dids(peer.of(Turn, told.uuid)) == ["key"]
    await soon(caller.over())


async def test_a_yes_over_the_answer_stops_it_and_counts_and_a_no_is_asked_about(peer: Peer) -> None:
    for word, then in (("是的", "helped"), ("不是", "not understood")):
        told = expected()
        caller = await peer.call(told)
        await caller.asked()
        caller.say(recorded(OVERCHARGED))
        await caller.interrupted()
        caller.say(spoken(word))
        await peer.told(Turn, told.uuid, 2)
        assert dids(peer.of(Turn, told.uuid)) == ["answered", then]
        await caller.hang_up()
        assert (await peer.over(told.uuid)).over == "hung up"


async def test_who_says_nothing_is_led_on_and_after_an_answer_at_the_second_time(peer: Peer) -> None:
    first, second = expected(), expected()
    silent, once = await peer.call(first), await peer.call(second)
    await once.asked()
    once.say(recorded(QUESTION))
    assert (await peer.over(first.uuid)).over == "silence"
    assert (await peer.over(second.uuid)).over == "silence"
    assert dids(peer.of(Turn, first.uuid)) == ["silence"]
    assert dids(peer.of(Turn, second.uuid)) == ["answered", "silence", "silence"]
    await soon(silent.over())
    await soon(once.over())


async def test_who_is_misunderstood_twice_gets_a_person(peer: Peer) -> None:
    told = expected()
    caller = await peer.call(told)
    for _ in range(2):
        await caller.asked()
        caller.say(spoken(OUT_OF_VOCABULARY))
    assert (await peer.over(told.uuid)).over == "misunderstood"
    assert dids(peer.of(Turn, told.uuid)) == ["not understood", "not understood"]
    await soon(caller.over())


async def test_who_asks_for_a_person_or_a_line_gets_one(peer: Peer) -> None:
    told, line = expected(), expected()
    caller, other = await peer.call(told), await peer.call(line)
    await caller.asked()
    caller.say(spoken("转人工"))
    other.say(recorded("e18"))  # 财政局
    assert (await peer.over(told.uuid)).over == "person"
    assert await peer.over(line.uuid) == Over(line.uuid, line.call, "person", line="12366")
    await soon(caller.over())
    await soon(other.over())


async def test_a_case_s_number_is_keyed_or_spoken_and_comes_with_the_end(peer: Peer) -> None:
    told = expected()
    caller = await peer.call(told)
    await caller.asked()
    caller.say(spoken("查询办理进度"))
    await caller.interrupted()
    for key in "1234#":
        caller.press(key)
    await caller.interrupted()
    caller.say(spoken("是的"))
    assert await peer.over(told.uuid) == Over(told.uuid, told.call, "person", reference="1234")
    assert dids(peer.of(Turn, told.uuid)) == ["case", "number", "confirmed"]
    await soon(caller.over())


async def test_keys_end_with_a_pause_too(peer: Peer) -> None:
    told = expected()
    caller = await peer.call(told)
    await caller.asked()
    caller.say(spoken("查询办理进度"))
    await caller.interrupted()
    for key in "123456":
        caller.press(key)
    turns = await peer.told(Turn, told.uuid, 2)
    assert (turns[1].did, turns[1].heard) == ("number", "123456")
    await caller.hang_up()


# ── streams ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_stream_that_nobody_told_of_is_refused_and_so_is_a_second_of_a_name(peer: Peer) -> None:
    stranger = await peer.stranger(str(uuid.uuid4()))
    await soon(stranger.over())
    told = expected()
    caller = await peer.call(told)
    await soon(caller.hear_prompt(1))
    again = await peer.stranger(told.uuid)
    await soon(again.over())
    assert (stranger.prompt_frames, again.prompt_frames) == (0, 0)
    assert not caller.ended.is_set()
    assert peer.of(Over, stranger.uuid) == peer.of(Over, told.uuid) == []
    await caller.hang_up()
    assert (await peer.over(told.uuid)).over == "hung up"
    late = await peer.stranger(told.uuid)
    await soon(late.over())
    assert len(peer.of(Over, told.uuid)) == 1


async def test_of_twenty_at_once_ten_are_served_and_ten_are_refused_as_full(peer: Peer) -> None:
    told = [expected() for _ in range(20)]
    for one in told:
        peer.tell(one)
        await peer.told(Expected, one.uuid)
    callers = await asyncio.gather(*(peer.stranger(one.uuid) for one in told))

    def overs() -> dict[str, str]:
        return {over.uuid: over.over for one in told for over in peer.of(Over, one.uuid)}

    await peer.until(lambda: overs() if len(overs()) == 10 else None)
    assert set(overs().values()) == {"full"}
    served = [caller for caller in callers if caller.uuid not in overs()]
    await asyncio.gather(*(soon(caller.hear_prompt(1)) for caller in served))
    assert len(overs()) == 10
    for caller in callers:
        await caller.hang_up()
    await peer.until(lambda: overs() if len(overs()) == 20 else None)
    after = await peer.call(later := expected())  # their places are free again
    await soon(after.hear_prompt(1))
    assert peer.of(Over, later.uuid) == []
    await after.hang_up()


async def test_a_stream_is_ended_at_the_engines_word_whether_it_has_come_or_not(peer: Peer) -> None:
    here, coming = expected(), expected()
    caller = await peer.call(here)
    await soon(caller.hear_prompt(1))
    peer.tell(coming)
    peer.tell(End(coming.uuid))
    peer.tell(End(here.uuid))
    peer.tell(End(str(uuid.uuid4())))
    await soon(caller.over())
    assert {(await peer.over(one.uuid)).over for one in (here, coming)} == {"seat"}
    late = await peer.stranger(coming.uuid)
    await soon(late.over())
    assert late.prompt_frames == 0


async def test_the_end_of_the_link_ends_every_stream_and_the_process(tmp_path: Path) -> None:
    async with speech_process(await settings(tmp_path, FUND)) as peer:
        await peer.serves()
        callers = [await peer.call(expected()) for _ in range(3)]
        await asyncio.gather(*(soon(caller.hear_prompt(1)) for caller in callers))
        peer.writer.close()
        await asyncio.gather(*(soon(caller.over()) for caller in callers))
        assert all(caller.hung_up for caller in callers)
        assert await soon(peer.process.wait()) == 0


async def test_what_is_overheard_is_written_down_with_what_may_help_the_seat(peer: Peer) -> None:
    for who, hints in (("caller", [FUND.id]), ("seat", [])):
        told = Overhear(str(uuid.uuid4()), "call-1", who)
        peer.tell(told)
        await peer.told(Expected, told.uuid)
        stream = await peer.stranger(told.uuid)
        await stream.silent(15)
        stream.say(recorded(QUESTION))
        written = await peer.until(partial(finals, peer, told.uuid))
        assert (written[0].text, written[0].who, written[0].call) == ("公积金怎么提取", who, "call-1")
        assert [hint.entry for hint in written[0].suggestions] == hints
        assert [word.text for word in peer.of(Overheard, told.uuid) if not word.final]
        assert stream.prompt_frames == 0
        await stream.hang_up()
        assert (await peer.over(told.uuid)).over == "hung up"


def finals(peer: Peer, name: str) -> list[Overheard] | None:
    return [words for words in peer.of(Overheard, name) if words.final] or None


async def test_at_most_half_of_the_places_go_to_those_who_are_overheard(peer: Peer) -> None:
    told = [Overhear(str(uuid.uuid4()), "call-1", "seat") for _ in range(6)]
    streams = []
    for one in told:
        peer.tell(one)
        await peer.told(Expected, one.uuid)
        streams.append(await peer.stranger(one.uuid))
        await soon(streams[-1].hear(2))
    assert (await peer.over(told[-1].uuid)).over == "full"
    callers = [await peer.call(expected()) for _ in range(5)]
    await asyncio.gather(*(soon(caller.hear_prompt(1)) for caller in callers))
    for stream in (*streams, *callers):
        await stream.hang_up()
        await peer.over(stream.uuid)


# ── the base, the model ─────────────────────────────────────────────────────────────────────────────────────────


async def test_an_entry_that_is_published_while_it_runs_is_answered(tmp_path: Path) -> None:
    async with speech_process(told_settings := await settings(tmp_path, FUND)) as peer:
        await peer.serves()
        await put(Path(told_settings.records), WAGES)
        await peer.until(lambda: "knowledge base changed" in peer.logged or None)
        told = expected()
        caller = await peer.call(told)
        await caller.asked()
        caller.say(recorded(WAGES_QUESTION))
        (turn,) = await peer.told(Turn, told.uuid)
        assert (turn.did, turn.entry) == ("answered", WAGES.id)
        await caller.hang_up()


async def test_a_city_without_a_base_answers_from_the_one_that_comes_with_the_program(tmp_path: Path) -> None:
    async with speech_process(await settings(tmp_path)) as peer:
        assert (await peer.serves()).entries == len(starting_base())


async def test_callers_are_answered_with_a_model_that_takes_no_hot_words(tmp_path: Path) -> None:
    """As full models are: the graph is one piece."""
    model = whole_graph_model(tmp_path / "model")
    async with speech_process(await settings(tmp_path, FUND, model=str(model), measured=None)) as peer:
        ready = await peer.serves()
        assert not ready.hot_words
        told = expected()
        caller = await peer.call(told)
        await caller.asked()
        caller.say(spoken(OUT_OF_VOCABULARY))  # he is asked for the name of a line then
        await caller.asked()
        caller.say(recorded(QUESTION))
        await caller.interrupted()
        caller.press("0")
        assert (await peer.over(told.uuid)).over == "key"
        assert dids(peer.of(Turn, told.uuid)) == ["not understood", "answered", "key"]
        await soon(caller.over())


def no_model(home: Path) -> Path:
    return home / "nowhere"


def torn_model(home: Path) -> Path:
    folder = home / "model"
    shutil.copytree(SMALL_MODEL, folder)
    whole = (folder / "am/final.mdl").read_bytes()
    (folder / "am/final.mdl").write_bytes(whole[: len(whole) // 2])
    return folder


@pytest.mark.parametrize("model", [no_model, torn_model])
async def test_a_model_that_is_missing_or_torn_is_told_with_a_remedy_and_the_process_ends(
    tmp_path: Path, model: Callable[[Path], Path]
) -> None:
    told = await settings(tmp_path, FUND, model=str(model(tmp_path)), measured=None)
    async with speech_process(told) as peer:
        (unable,) = await peer.told(Unable)
        assert unable.fault.startswith("speech.model: ")
        assert unable.fault.count(": ") >= 2
        assert await soon(peer.process.wait()) == UNABLE


async def test_a_database_that_can_not_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "records.sqlite").write_bytes(b"this is no database" * 100)
    async with speech_process(await settings(tmp_path)) as peer:
        (unable,) = await peer.told(Unable)
        assert unable.fault.startswith("records ")


async def test_a_sound_that_can_not_be_made_costs_that_call_only(tmp_path: Path) -> None:
    (tmp_path / "sounds").write_text("a file where a folder should be")
    async with speech_process(await settings(tmp_path, FUND, sounds=str(tmp_path / "sounds"))) as peer:
        await peer.serves()
        told = expected()
        caller = await peer.call(told)
        assert (await peer.over(told.uuid)).over == "failed"
        await soon(caller.over())
        assert peer.process.returncode is None
