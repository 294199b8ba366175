"""The link to the switch: against the fake and against Asterisk itself; and against peers that mean harm."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.fakes.ami import FakeAmi
from tests.real_asterisk import SECRET, USER, RealAsterisk
from tests.trunks.conftest import DIALPLAN
from trunks.ami import Fields, variables
from trunks.live import ActionRefused, ActionTimedOut, LinkDown, SwitchLink

Switch = FakeAmi | RealAsterisk


class Heard:
    """What a link tells, kept in order."""

    def __init__(self, on_up: Callable[[SwitchLink, bool], Awaitable[None]] | None = None) -> None:
        self.events: list[str] = []
        self.ups: asyncio.Queue[bool] = asyncio.Queue()
        self.downs: asyncio.Queue[str] = asyncio.Queue()
        self.told: list[str] = []
        self._on_up = on_up

    def event(self, name: str, fields: Fields) -> None:
        self.events.append(name)

    async def up(self, link: SwitchLink, restarted: bool) -> None:
        self.told.append("up")
        if self._on_up is not None:
            await self._on_up(link, restarted)
        self.ups.put_nowait(restarted)

    def down(self, reason: str) -> None:
        self.told.append("down")
        self.downs.put_nowait(reason)


@asynccontextmanager
async def link_to(switch: Switch, heard: Heard, secret: str = SECRET, **more: Any) -> Any:
    link = SwitchLink(
        "127.0.0.1",
        switch.ami,
        USER,
        secret,
        on_event=heard.event,
        on_up=heard.up,
        on_down=heard.down,
        **more,
    )
    task = asyncio.create_task(link.run())
    try:
        yield link
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.sleep(0)


def soon(waiting: Any) -> Any:
    return asyncio.wait_for(waiting, 5)


async def until(holds: Callable[[], bool]) -> None:
    """Let the loop turn until this holds, 5 s at most."""
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110 (logs and lists tell nobody that they grew)
            await asyncio.sleep(0.005)


# ── against both
# ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_link_logs_in_surveys_and_comes_down_when_the_program_stops(switch: Switch) -> None:
    heard = Heard()
    async with link_to(switch, heard) as link:
        assert await soon(heard.ups.get()) is False
        assert link.up
        assert link.run_id is not None
    assert heard.told == ["up", "down"]
    assert not link.up
    with pytest.raises(LinkDown, match="Ping: no connection"):
        await link.action("Ping")


async def test_the_survey_of_an_empty_switch_is_empty(switch: Switch) -> None:
    heard = Heard()
    async with link_to(switch, heard) as link:
        await soon(heard.ups.get())
        assert await link.status(["ACD_CALL", "ACD_QUEUE"]) == []
        assert await link.contacts() == []


async def test_what_the_switch_refuses_is_an_error_with_its_words(switch: Switch) -> None:
    heard = Heard()
    async with link_to(switch, heard) as link:
        await soon(heard.ups.get())
        with pytest.raises(ActionRefused, match="Hangup: the switch says: No such channel"):
            await link.hangup("PJSIP/gone-00000001")
        with pytest.raises(ActionRefused, match="Channel does not exist"):
            await link.redirect("PJSIP/gone-00000001", "hotline-resume")
        with pytest.raises(ActionRefused, match="Channel specified does not exist"):
            await link.action("Atxfer", Channel="PJSIP/gone", Exten="1", Context="phone")
        with pytest.raises(ActionRefused, match="Invalid/unknown command"):
            await link.action("Nonesuch")
        assert (await link.action("Ping"))["Ping"] == "Pong"


async def test_an_endpoint_that_there_is_not_can_not_be_asked(switch: Switch) -> None:
    heard = Heard()
    async with link_to(switch, heard) as link:
        await soon(heard.ups.get())
        with pytest.raises(ActionRefused, match="Unable to retrieve endpoint"):
            await link.contacts_of("nobody")
        with pytest.raises(ActionRefused, match="Unable to retrieve endpoint"):
            await link.qualify("nobody")


async def test_members_of_the_fallback_queue_are_kept_in_step(switch: Switch) -> None:
    heard = Heard()
    async with link_to(switch, heard) as link:
        await soon(heard.ups.get())
        await link.queue_add("fallback", "PJSIP/1001")
        with pytest.raises(ActionRefused, match="Already there"):
            await link.queue_add("fallback", "PJSIP/1001")
        await link.queue_pause("PJSIP/1001", True)
        assert "PJSIP/1001" in [member["Location"] for member in await link.queue_members("fallback")]
        await link.queue_remove("fallback", "PJSIP/1001")
        with pytest.raises(ActionRefused, match="Not there"):
            await link.queue_remove("fallback", "PJSIP/1001")


async def test_originate_returns_at_once_and_its_end_is_an_event_with_the_same_id(switch: Switch) -> None:
    heard = Heard()
    ended: asyncio.Queue[Fields] = asyncio.Queue()

    async with link_to(switch, heard) as link:
        await soon(heard.ups.get())
        link._wire.on_event = lambda name, fields: (
            ended.put_nowait(fields) if name == "OriginateResponse" else None
        )
        wanted = await link.originate("Local/1234@phone", "phone", "1234", variables={"__ACD_CALL": "市长"})
        assert (await soon(ended.get()))["ActionID"] == wanted


async def test_a_line_end_in_a_value_is_refused_before_anything_is_sent(switch: Switch) -> None:
    heard = Heard()
    async with link_to(switch, heard) as link:
        await soon(heard.ups.get())
        with pytest.raises(ValueError, match=r"AMI Originate\.CallerID: CR, LF or NUL"):
            await link.originate("Local/1@phone", "phone", caller_id="a\r\nApplication: System")
        with pytest.raises(ValueError, match=r"Originate\.Variable\.ACD_LINE"):
            await link.originate("Local/1@phone", "phone", variables={"ACD_LINE": "a,SHELL(x)=1"})
        assert await link.action("Ping")


async def test_a_wrong_secret_is_logged_as_such_and_tried_again_slowly(switch: Switch) -> None:
    heard = Heard()
    with capture_logs() as logs:
        async with link_to(switch, heard, "not the secret", login_retry_s=0.05):
            await until(lambda: len(logs) >= 2)
    assert all(line["event"] == "switch refuses the log-in" for line in logs)
    assert all("check the secret" in line["why"] and "not the secret" not in str(line) for line in logs)
    assert heard.told == []


# ── against Asterisk alone
# ───────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def own(tmp_path: Path) -> Iterator[RealAsterisk]:
    """An Asterisk that the test may end."""
    real = RealAsterisk(tmp_path, DIALPLAN)
    real.start()
    yield real
    real.stop()


@pytest.mark.switch
async def test_channels_are_known_again_with_their_variables(asterisk: RealAsterisk) -> None:
    heard = Heard()
    async with link_to(asterisk, heard) as link:
        await soon(heard.ups.get())
        await link.originate("Local/77@phone", "phone", "78", variables={"__ACD_CALL": "市长热线"})
        await until(lambda: "Newstate" in heard.events)
        channels = [
            line for line in await link.status(["ACD_CALL", "ACD_NONE"]) if "Local/77@" in line["Channel"]
        ]
        assert [variables(line) for line in channels] == [{"ACD_CALL": "市长热线"}] * 2
        await link.redirect(channels[0]["Channel"], "phone", "79")
        await link.hangup(channels[0]["Channel"], 16)


@pytest.mark.switch
async def test_an_asterisk_that_was_killed_and_comes_again_is_another_run(own: RealAsterisk) -> None:
    heard = Heard()
    async with link_to(own, heard) as link:
        assert await soon(heard.ups.get()) is False
        first = link.run_id
        own.stop(signal.SIGKILL)
        await soon(heard.downs.get())
        # Asterisk tells its start to the second: a run that began in the same second could not be told apart.
        await until(lambda: time.strftime("%H:%M:%S") not in str(first))
        own.start()
        assert await asyncio.wait_for(heard.ups.get(), 15) is True
        assert link.run_id != first
    assert heard.told == ["up", "down", "up", "down"]


# ── against the fake alone
# ───────────────────────────────────────────────────────────────────────────────────


async def test_after_a_cut_the_link_comes_again_and_the_switch_is_the_same_run(fake: FakeAmi) -> None:
    heard = Heard()
    async with link_to(fake, heard):
        await soon(heard.ups.get())
        fake.cut()
        assert "closed the connection" in await soon(heard.downs.get())
        assert await soon(heard.ups.get()) is False


async def test_a_switch_that_restarted_meanwhile_is_told_as_such(fake: FakeAmi) -> None:
    heard = Heard()
    async with link_to(fake, heard):
        await soon(heard.ups.get())
        fake.startup = ("2026-11-21", "01:49:00")
        fake.cut()
        assert await soon(heard.ups.get()) is True


async def test_a_run_that_is_known_from_an_earlier_life_counts(fake: FakeAmi) -> None:
    for known, restarted in (("2026-11-21T01:48:13", False), ("2026-11-20T00:00:00", True)):
        heard = Heard()
        async with link_to(fake, heard, known_run=known):
            assert await soon(heard.ups.get()) is restarted


async def test_a_switch_that_is_still_starting_is_waited_for(fake: FakeAmi) -> None:
    fake.startup = ("1970-01-01", "08:00:00")
    heard = Heard()
    async with link_to(fake, heard) as link:
        await fake.heard("CoreStatus", 2)
        assert heard.told == []
        fake.startup = ("2026-11-21", "01:48:13")
        await soon(heard.ups.get())
        assert link.run_id == "2026-11-21T01:48:13"


async def test_an_action_without_an_answer_times_out_and_the_link_stays(fake: FakeAmi) -> None:
    heard = Heard()
    fake.mute.add("Hangup")
    async with link_to(fake, heard) as link:
        await soon(heard.ups.get())
        with pytest.raises(ActionTimedOut, match=r"Hangup: no answer within 0\.05 s"):
            await link.action("Hangup", 0.05, Channel="x")
        assert (await link.action("Ping"))["Ping"] == "Pong"
    assert heard.told == ["up", "down"]


async def test_an_action_on_the_way_when_the_link_breaks_fails_and_is_not_repeated(fake: FakeAmi) -> None:
    heard = Heard()
    fake.mute.add("Redirect")
    async with link_to(fake, heard) as link:
        await soon(heard.ups.get())
        asked = asyncio.create_task(link.redirect("x", "y"))
        await fake.heard("Redirect")
        fake.cut()
        with pytest.raises(LinkDown, match="Redirect: not answered"):
            await asked
        await soon(heard.ups.get())
        await link.action("Ping")
    assert [action["Action"] for action in fake.received].count("Redirect") == 1


async def test_a_switch_that_answers_no_ping_is_left_and_tried_again(fake: FakeAmi) -> None:
    heard = Heard()
    fake.mute.add("Ping")
    async with link_to(fake, heard, ping_s=0.05):
        assert "no answer to a ping" in await soon(heard.downs.get())
        fake.mute.clear()
        await soon(heard.ups.get())
        await soon(heard.ups.get())


async def test_a_survey_that_fails_ends_the_connection_and_is_made_again(fake: FakeAmi) -> None:
    tries = 0

    async def survey(link: SwitchLink, restarted: bool) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise KeyError("a bug in the survey")

    heard = Heard(survey)
    with capture_logs() as logs:
        async with link_to(fake, heard):
            await soon(heard.ups.get())
    assert heard.told == ["up", "down", "up", "down"]
    assert "the survey failed" in await heard.downs.get()
    assert "switch survey failed" in [line["event"] for line in logs]


async def test_the_link_holds_while_the_switch_is_not_there_yet(fake: FakeAmi) -> None:
    await fake.stop()
    heard = Heard()
    with capture_logs() as logs:
        async with link_to(fake, heard):
            await until(lambda: bool(logs))
            assert "cannot be reached" in logs[0]["why"]
            await fake.start()
            await soon(heard.ups.get())


# ── against peers that mean harm: each is left, told in the log, and the link comes up when the switch is
# right again ──


def lie(fake: FakeAmi) -> None:
    fake.banner = b"HTTP/1.1 400 Bad Request\r\n\r\n"


def stall(fake: FakeAmi) -> None:
    fake.banner = b""


def flood_one_line(fake: FakeAmi) -> None:
    fake.on_login = lambda writer: writer.write(b"Event: " + b"x" * 1_000_000)


def flood_events(fake: FakeAmi) -> None:
    fake.on_login = lambda writer: writer.write(b"Event: X\r\nA: b\r\n\r\n" * 30_000)


def half_a_line(fake: FakeAmi) -> None:
    def cut_off(writer: asyncio.StreamWriter) -> None:
        writer.write(b"Event: Hangup\r\nChan")
        writer.close()

    fake.on_login = cut_off


def mute_login(fake: FakeAmi) -> None:
    fake.mute.add("Login")


@pytest.mark.parametrize("harm", [lie, stall, flood_one_line, flood_events, half_a_line, mute_login])
async def test_a_peer_that_means_harm_is_left_and_the_next_good_one_taken(
    fake: FakeAmi, harm: Callable[[FakeAmi], None]
) -> None:
    banner = fake.banner
    harm(fake)
    heard = Heard()
    with capture_logs() as logs:
        async with link_to(fake, heard, connect_s=0.2, inbox=5_000):
            await until(lambda: "switch link down" in [line["event"] for line in logs])
            fake.banner, fake.on_login = banner, None
            fake.mute.clear()
            while await soon(heard.ups.get()) or fake.on_login is not None:
                pass
    assert "Hangup" not in heard.events, "half a message is no event"


async def test_junk_between_messages_loses_none_of_them(fake: FakeAmi) -> None:
    heard = Heard()
    async with link_to(fake, heard) as link:
        await soon(heard.ups.get())
        fake.send(
            b"\r\n\r\n\r\n\xff\xfe: \x00\r\nnonsense\r\n\r\n"
            b"Event: Good\r\n\r\n"
            b"Response: Success\r\nActionID: nobody's\r\n\r\n"
            b"Event\r\n\r\nEvent: Good\r\n\r\n"
        )
        await link.action("Ping")
    assert heard.events == ["Good", "Good"]
