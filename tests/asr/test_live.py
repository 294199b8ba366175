"""The speech server with a peer that behaves like Asterisk, and with peers that don't. Times are counted in frames."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from structlog.testing import capture_logs

from asr.audiosocket import FRAME_BYTES, FRAME_MS, HANG_UP, Kind, message
from asr.call_live import CallOver, Patience, SpeechCall
from asr.live import SpeechServer
from asr.pool_live import RecognizerPool, Unheard
from asr.speech import Heard, Limits, Recognizer, Sign, Utterance, Word
from tests.fakes.audiosocket import LOUD, QUIET, FakeAudioSocket

PROMPT = b"\x01\x01" * (FRAME_BYTES // 2)
POISON = b"\x66" * FRAME_BYTES
QUICK = Limits(settle_ms=20, no_input_ms=200, longest_ms=1000, end_ms=100, hangover_ms=0)


def soon(waiting: Awaitable[Any]) -> Any:
    return asyncio.wait_for(waiting, 10)


class Tally:
    """A recogniser that says how many loud and how many quiet frames it was given, and for which hot words."""

    def __init__(self, grammar: tuple[str, ...]) -> None:
        self.grammar = grammar
        self.loud = self.quiet = 0

    def accept(self, frame: bytes) -> None:
        if any(frame):
            self.loud += 1
        else:
            self.quiet += 1

    @property
    def partial(self) -> str:
        return str(self.loud)

    def result(self) -> Utterance:
        heard = (*self.grammar, str(self.loud), str(self.quiet))
        self.loud = self.quiet = 0
        return Utterance(tuple(Word(word, 1.0) for word in heard))


class Deaf(Tally):
    """A recogniser that fails."""

    def accept(self, frame: bytes) -> None:
        raise ZeroDivisionError


def loud(frame: bytes) -> bool:
    if frame == POISON:
        raise ZeroDivisionError
    return any(frame)


@asynccontextmanager
async def serving(
    on_call: Callable[[SpeechCall], Awaitable[None]],
    *,
    most: int = 20,
    pool_most: int = 20,
    make: Callable[[tuple[str, ...]], Recognizer] = Tally,
    patience: Patience | None = None,
) -> AsyncIterator[SpeechServer]:
    async with (
        RecognizerPool(make, most=pool_most, workers=1, behind_frames=100_000) as pool,
        SpeechServer(
            "127.0.0.1", 0, on_call, pool, most=most, patience=patience, detector=lambda: loud
        ) as server,
    ):
        yield server
        await soon(quiet(server))


async def quiet(server: SpeechServer) -> None:
    """Every socket is closed and every place is free again: nothing hangs, whatever the test did."""
    while server.sockets or server.pool.in_use:  # noqa: ASYNC110 (what is asked for is a state, not an event of the server's)
        await asyncio.sleep(0)


class Script:
    """Asks once and keeps what came back."""

    def __init__(self, prompt_frames: int = 0, **asked: Any) -> None:
        self.prompt = PROMPT * prompt_frames
        self.asked = {"limits": QUICK} | asked
        self.results: asyncio.Queue[Heard | Exception] = asyncio.Queue()

    async def __call__(self, call: SpeechCall) -> None:
        try:
            self.results.put_nowait(await call.ask(self.prompt, **self.asked))
        except (CallOver, Unheard) as why:
            self.results.put_nowait(why)
            raise

    async def heard(self) -> Any:
        return await soon(self.results.get())


# ── a conversation ──────────────────────────────────────────────────────────────────────────────────────────────


async def test_silence_comes_before_anything_else_and_a_prompt_is_heard_whole_and_in_order() -> None:
    pcm = b"".join(bytes([number, 1]) * (FRAME_BYTES // 2) for number in range(1, 31))

    async def on_call(call: SpeechCall) -> None:
        assert call.uuid == caller.uuid
        assert await call.say(pcm) is None

    async with serving(on_call) as server:
        caller = FakeAudioSocket(server.port)
        await caller.begin()
        await soon(caller.over())
    assert not any(caller.heard[0])
    assert b"".join(frame for frame in caller.heard if any(frame)) == pcm
    assert caller.hung_up
    assert (server.counts.served, server.counts.failed, server.counts.dropped_frames) == (1, 0, 0)


async def test_what_was_said_comes_back_with_what_was_said_just_before_it_was_noticed() -> None:
    script = Script(limits=Limits(settle_ms=20, no_input_ms=1000, end_ms=100, hangover_ms=0))
    async with serving(script) as server:
        caller = FakeAudioSocket(server.port)
        caller.say([*[QUIET] * 20, *[LOUD] * 30])
        await caller.begin()
        heard = await script.heard()
        await soon(caller.over())
    # 14 quiet frames before the two that begin it, and the 100 ms that end it
    assert heard == Heard(Utterance((Word("30", 1.0), Word(str(14 + 5), 1.0))))


async def test_a_prompt_is_silent_two_frames_after_the_caller_began_to_speak() -> None:
    script = Script(1000)
    async with serving(script) as server:
        caller = await FakeAudioSocket(server.port).begin()
        await soon(caller.hear_prompt(20))
        before = caller.prompt_frames
        caller.say([LOUD] * 30)
        heard = await script.heard()
        await soon(caller.over())
    assert heard.barged_in
    assert 20 * FRAME_MS <= heard.played_ms < 1000 * FRAME_MS
    assert heard.utterance is not None
    assert heard.utterance.words[0].text == "30"
    # The first loud frame answers one frame of the prompt, the second another: that is all, unless the server woke late.
    assert caller.prompt_frames - before <= 2 + server.counts.caught_up_frames


async def test_a_key_stops_a_prompt_and_ends_the_question() -> None:
    script = Script(1000)
    async with serving(script) as server:
        caller = await FakeAudioSocket(server.port).begin()
        await soon(caller.hear_prompt(20))
        caller.press("5")
        before = caller.prompt_frames
        assert await script.heard() == Heard(key="5")
        await soon(caller.over())
    assert caller.prompt_frames - before <= 1 + server.counts.caught_up_frames


async def test_a_click_only_holds_a_prompt_up() -> None:
    script = Script(40)
    async with serving(script) as server:
        caller = await FakeAudioSocket(server.port).begin()
        await soon(caller.hear_prompt(5))
        caller.say([LOUD] * 3)
        assert await script.heard() == Heard()
        await soon(caller.over())
    assert caller.prompt_frames == 40
    assert not all(any(frame) for frame in caller.heard[-45:-15])


async def test_voice_does_not_stop_what_is_only_said_but_a_key_does() -> None:
    keys: list[str | None] = []

    async def on_call(call: SpeechCall) -> None:
        keys.append(await call.say(PROMPT * 30))
        keys.append(await call.say(PROMPT * 3000))

    async with serving(on_call) as server:
        caller = FakeAudioSocket(server.port)
        caller.say([LOUD] * 50)
        await caller.begin()
        await soon(caller.hear_prompt(35))
        caller.press("#")
        await soon(caller.over())
    assert keys == [None, "#"]


async def test_a_key_that_came_between_two_questions_answers_the_next() -> None:
    go, results = asyncio.Event(), []

    async def on_call(call: SpeechCall) -> None:
        await go.wait()
        results.append(await call.ask(PROMPT * 100, limits=QUICK))
        results.append(await call.ask(limits=QUICK))

    async with serving(on_call) as server:
        caller = await FakeAudioSocket(server.port).begin()
        caller.press("1")
        caller.press("2")
        await soon(caller.hear(4))
        go.set()
        await soon(caller.over())
    assert results == [Heard(key="1"), Heard(key="2")]


async def test_a_silent_caller_is_waited_for_from_the_prompts_end_even_if_his_phone_sends_nothing() -> None:
    for in_step in (True, False):
        script = Script(20)
        async with serving(script) as server:
            caller = await FakeAudioSocket(server.port, in_step=in_step).begin()
            assert await script.heard() == Heard()
            await soon(caller.over())
        assert caller.prompt_frames == 20
        after = len(caller.heard) - max(n for n, frame in enumerate(caller.heard) if any(frame))
        assert after >= 200 / 20 - 1


async def test_who_falls_silent_with_his_phone_is_heard_to_have_ended() -> None:
    script = Script()
    async with serving(script) as server:
        caller = await FakeAudioSocket(server.port, in_step=False).begin()
        await soon(caller.hear(3))
        caller.burst([LOUD] * 20)
        heard = await script.heard()
        assert heard.utterance.words[0].text == "20"
        await soon(caller.over())


async def test_a_talker_is_stopped_and_what_he_said_so_far_comes_back() -> None:
    script = Script()
    async with serving(script) as server:
        caller = await FakeAudioSocket(server.port).begin()
        await soon(caller.hear(3))
        caller.burst([LOUD] * 30_000)
        heard = await script.heard()
        assert heard.too_long
        assert heard.utterance.words[0].text == "50"
        await soon(caller.over())


async def test_each_question_has_its_hot_words() -> None:
    results: list[Heard] = []

    async def on_call(call: SpeechCall) -> None:
        for hot in ((), ("转 人工",), ("转 人工",), ()):
            results.append(await call.ask(limits=QUICK, grammar=hot))  # noqa: PERF401 (one after the other)

    async with serving(on_call) as server:
        caller = FakeAudioSocket(server.port)
        caller.say(([QUIET] * 2 + [LOUD] * 10 + [QUIET] * 5) * 4)
        await caller.begin()
        await soon(caller.over())
    words = [[word.text for word in heard.utterance.words] for heard in results if heard.utterance]
    assert [row[:-2] for row in words] == [[], ["转 人工"], ["转 人工"], []]
    assert [row[-2] for row in words] == ["10"] * 4


class Slow(Tally):
    """A recogniser that gives no result before it may."""

    asked, may = threading.Event(), threading.Event()

    def result(self) -> Utterance:
        self.asked.set()
        self.may.wait(10)
        return super().result()


async def test_a_key_that_comes_while_the_recogniser_thinks_goes_before_what_was_said() -> None:
    Slow.asked.clear()
    Slow.may.clear()
    script = Script()
    async with serving(script, make=Slow) as server:
        caller = await FakeAudioSocket(server.port).begin()
        caller.say([LOUD] * 20)
        await soon(asyncio.to_thread(Slow.asked.wait))
        caller.press("0")
        heard = len(caller.heard)
        await soon(caller.hear(heard + 3))
        Slow.may.set()
        assert (await script.heard()).key == "0"
        await soon(caller.over())


async def test_what_has_been_understood_so_far_is_told_while_the_caller_speaks() -> None:
    told: list[str] = []
    script = Script(on_partial=told.append)
    async with serving(script) as server:
        caller = await FakeAudioSocket(server.port).begin()
        await soon(caller.hear(3))
        caller.burst([LOUD] * 40)
        heard = await script.heard()
        await soon(caller.over())
    assert told == sorted(told, key=int)
    assert len(told) > 2
    assert int(told[-1]) <= int(heard.utterance.words[0].text)


async def test_a_detector_that_fails_ends_that_stream_and_no_other() -> None:
    async def on_call(call: SpeechCall) -> None:
        await call.say(PROMPT * 20)

    async with serving(on_call) as server:
        good, bad = FakeAudioSocket(server.port), FakeAudioSocket(server.port, in_step=False)
        await good.begin()
        await bad.begin()
        await soon(bad.hear(3))
        with capture_logs() as logs:
            bad.burst([POISON])
            await soon(bad.over())
        await soon(good.over())
        assert good.prompt_frames == 20
        assert server.counts.failed == 1
    assert [line["call"] for line in logs if line["event"] == "speech call failed"] == [bad.uuid]


async def test_two_questions_at_once_are_a_fault_of_the_program() -> None:
    async def on_call(call: SpeechCall) -> None:
        first = asyncio.create_task(call.ask(limits=QUICK))
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="one at a time"):
            await call.ask()
        await first

    async with serving(on_call) as server:
        caller = await FakeAudioSocket(server.port).begin()
        await soon(caller.over())
        assert server.counts.failed == 0


# ── ends ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "last", [b"", b"\x10", b"\x10\x01\x40" + bytes(100)], ids=["between", "header", "payload"]
)
async def test_a_caller_who_hangs_up_in_mid_sentence_frees_his_place(last: bytes) -> None:
    script = Script(1000)
    async with serving(script, most=1, pool_most=1) as server:
        for _ in range(2):
            caller = await FakeAudioSocket(server.port).begin()
            await soon(caller.hear_prompt(5))
            caller.in_step = False
            caller.send(last)
            await caller.hang_up()
            assert isinstance(await script.heard(), CallOver)
            await soon(quiet(server))
        assert server.counts.refused_full == 0
        assert server.counts.left_in_mid_message == (2 if last else 0)


async def test_a_caller_who_hangs_up_while_he_speaks_frees_his_place() -> None:
    script = Script()
    async with serving(script) as server:
        caller = FakeAudioSocket(server.port)
        caller.say([LOUD] * 1000)
        await caller.begin()
        await soon(caller.hear(10))
        await caller.hang_up()
        assert isinstance(await script.heard(), CallOver)


async def test_the_peers_own_hang_up_message_and_its_errors_end_the_stream() -> None:
    for ending, why in ((HANG_UP, "the caller hung up"), (message(Kind.ERROR, b"\x02"), "error 2")):
        script = Script(1000)
        async with serving(script) as server:
            caller = await FakeAudioSocket(server.port).begin()
            await soon(caller.hear_prompt(5))
            caller.send(ending)
            assert why in str(await script.heard())
            await soon(caller.over())


async def test_when_the_server_closes_in_mid_sentence_every_caller_goes_on() -> None:
    script = Script(1000)
    async with serving(script) as server:
        callers = [await FakeAudioSocket(server.port).begin() for _ in range(3)]
        for caller in callers:
            await soon(caller.hear_prompt(5))
        leaving = [asyncio.create_task(caller.over()) for caller in callers]
        await soon(server.close())
        await soon(asyncio.gather(*leaving))
        assert all(caller.hung_up for caller in callers)
        assert server.calls == frozenset()
        with pytest.raises(ConnectionRefusedError):
            await FakeAudioSocket(server.port).begin()


async def test_the_server_closes_even_if_no_peer_does_and_a_conversation_clings_to_its_call() -> None:
    async def on_call(_: SpeechCall) -> None:
        await asyncio.Event().wait()

    async with serving(on_call, patience=Patience(linger_s=0.1)) as server:
        caller = await FakeAudioSocket(server.port).begin()
        await soon(caller.hear(3))
        await soon(server.close())
        await soon(caller.ended.wait())
        await caller.hang_up()


async def test_a_conversation_that_raises_ends_its_own_stream_only() -> None:
    async def on_call(call: SpeechCall) -> None:
        if call.uuid == bad.uuid:
            raise ZeroDivisionError
        await call.say(PROMPT * 20)

    async with serving(on_call) as server:
        good, bad = FakeAudioSocket(server.port), FakeAudioSocket(server.port)
        with capture_logs() as logs:
            await good.begin()
            await bad.begin()
            await soon(asyncio.gather(good.over(), bad.over()))
        assert server.counts.failed == 1
    assert (good.prompt_frames, bad.prompt_frames) == (20, 0)
    assert [line["call"] for line in logs if line["event"] == "speech call failed"] == [bad.uuid]


async def test_a_recogniser_that_fails_is_told_and_the_caller_goes_on() -> None:
    script = Script()
    async with serving(script, make=Deaf) as server:
        caller = FakeAudioSocket(server.port)
        caller.say([*[QUIET] * 5, *[LOUD] * 20])
        await caller.begin()
        why = await script.heard()
        await soon(caller.over())
        assert isinstance(why, Unheard)
        assert "ZeroDivisionError" in str(why)
        assert (server.counts.unheard, server.counts.failed) == (1, 0)
        assert caller.hung_up


# ── too many ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_stream_that_is_not_waited_for_is_ended_without_a_place_and_one_without_a_place_is_told_of() -> (
    None
):
    stay = asyncio.Event()
    refused: list[str] = []
    waited_for: set[str] = set()

    async def on_call(call: SpeechCall) -> None:
        await stay.wait()

    async with (
        RecognizerPool(Tally, most=1, workers=1) as pool,
        SpeechServer(
            "127.0.0.1", 0, on_call, pool, most=9, detector=lambda: loud, admit=waited_for.__contains__,
            refused=refused.append,
        ) as server,
    ):  # fmt: skip
        callers = [FakeAudioSocket(server.port) for _ in range(3)]
        waited_for |= {callers[0].uuid, callers[2].uuid}
        await callers[0].begin()
        await soon(callers[0].hear(2))
        for caller in callers[1:]:
            await caller.begin()
            await soon(caller.over())
        assert refused == [callers[2].uuid]
        assert (server.counts.unknown, server.counts.refused_full, server.counts.served) == (1, 1, 1)
        assert not callers[0].ended.is_set()
        stay.set()
        await soon(callers[0].over())


@pytest.mark.parametrize(("most", "pool_most"), [(2, 20), (20, 2)], ids=["streams", "recognisers"])
async def test_one_caller_too_many_is_sent_on_and_the_others_stay(most: int, pool_most: int) -> None:
    go = asyncio.Event()

    async def on_call(call: SpeechCall) -> None:
        await go.wait()
        await call.say(PROMPT * 10)

    async with serving(on_call, most=most, pool_most=pool_most) as server:
        callers = [await FakeAudioSocket(server.port).begin() for _ in range(2)]
        for caller in callers:
            await soon(caller.hear(3))
        third = await FakeAudioSocket(server.port).begin()
        await soon(third.over())
        assert third.hung_up
        assert server.counts.refused_full == 1
        go.set()
        await soon(asyncio.gather(*(caller.over() for caller in callers)))
        assert [caller.prompt_frames for caller in callers] == [10, 10]
        await soon(quiet(server))
        fourth = await FakeAudioSocket(server.port).begin()
        await soon(fourth.over())
        assert fourth.prompt_frames == 10


async def test_a_flood_is_refused_without_a_word_and_nothing_is_left_of_it() -> None:
    go = asyncio.Event()

    async def on_call(call: SpeechCall) -> None:
        await go.wait()

    async with serving(on_call, most=2) as server:
        peers = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(30)]
        for reader, _ in peers[4:]:
            assert await soon(reader.read()) == b""
        assert server.sockets <= 4
        for _, writer in peers:
            writer.close()
        go.set()
        assert server.counts.refused_full == 28


async def test_a_peer_that_does_not_read_loses_frames_and_is_given_up() -> None:
    script = Script(100_000)
    async with serving(script, patience=Patience(stalled_s=0.2, linger_s=0.05)) as server:
        peer = socket.socket()
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        with peer:
            peer.connect(("127.0.0.1", server.port))
            peer.sendall(message(Kind.UUID, bytes(16)))
            why = await script.heard()
            await soon(quiet(server))
        assert "took nothing" in str(why)
        assert server.counts.stalled == 1
        assert server.counts.dropped_frames > 0


# ── peers that mean harm ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "said",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        bytes(range(255, 0, -1)) * 100,
        message(Kind.AUDIO, LOUD) * 50,
        message(Kind.UUID, bytes(16)) * 2,
        message(Kind.UUID, bytes(16)) + b"\x10\xff\xff" + bytes(70_000),
        message(Kind.UUID, bytes(16)) + b"\x03\x00\x01\x00",
    ],
)
async def test_a_peer_that_talks_nonsense_is_sent_away_and_harms_nobody(said: bytes) -> None:
    async def on_call(call: SpeechCall) -> None:
        await call.say(PROMPT * 30)

    async with serving(on_call) as server:
        good = await FakeAudioSocket(server.port).begin()
        bad = await FakeAudioSocket(server.port, in_step=False).begin(said)
        await soon(bad.over())
        assert server.counts.broken == 1
        await soon(good.over())
        assert good.prompt_frames == 30


@pytest.mark.parametrize("said", [b"", b"\x01\x00"])
async def test_a_peer_that_says_nothing_is_not_waited_for(said: bytes) -> None:
    script = Script()
    async with serving(script, patience=Patience(hello_s=0.1)) as server:
        peer = await FakeAudioSocket(server.port, in_step=False).begin(said)
        await soon(peer.over())
        assert (server.counts.no_hello, server.counts.served) == (1, 0)


async def test_no_stream_lasts_for_ever() -> None:
    script = Script(100_000)
    async with serving(script, patience=Patience(longest_s=0.2)) as server:
        caller = await FakeAudioSocket(server.port).begin()
        assert "longer than 0.2 s" in str(await script.heard())
        await soon(caller.over())
        assert server.counts.too_long == 1


async def test_messages_cut_anywhere_are_heard_all_the_same() -> None:
    script = Script()
    async with serving(script) as server:
        caller = await FakeAudioSocket(server.port, in_step=False).begin()
        await soon(caller.hear(3))
        everything = message(Kind.AUDIO, LOUD) * 20 + message(Kind.AUDIO, QUIET) * 10
        for at in range(0, len(everything), 101):
            caller.send(everything[at : at + 101])
            await caller.writer.drain()
        heard = await script.heard()
        assert heard.utterance.words[0].text == "20"
        await soon(caller.over())


def test_every_sign_of_an_end_is_an_answer() -> None:
    """What `SpeechCall` waits for: a new sign would need its own way out."""
    assert set(Sign) == {Sign.BEGAN, Sign.CLICK, Sign.ENDED, Sign.NO_INPUT, Sign.TOO_LONG}
