"""A real Asterisk on the rendered tree, SIPp as carrier and phones, and an engine of thirty lines."""

from __future__ import annotations

import base64
import time

import pytest

from hotline.switch.spool import read_spool
from tests.switch_config.bench import STRANGER, Say, bench, listen

AGI_NAMES = {
    *("agi_network", "agi_network_script", "agi_request", "agi_channel", "agi_language", "agi_type"),
    *(
        "agi_uniqueid",
        "agi_version",
        "agi_callerid",
        "agi_calleridname",
        "agi_callingpres",
        "agi_callingani2",
    ),
    *("agi_callington", "agi_callingtns", "agi_dnid", "agi_rdnis", "agi_context", "agi_extension"),
    *(
        "agi_priority",
        "agi_enhanced",
        "agi_accountcode",
        "agi_threadid",
        "agi_arg_1",
        "agi_arg_2",
        "agi_arg_3",
    ),
}

pytestmark = pytest.mark.switch


async def to_seat(env: dict[str, str], say: Say) -> None:
    """Answer, music, seat 1001; a ring that ends without an answer ends the call."""
    if env["agi_network_script"] == "enter":
        await say("EXEC Answer 0,i")
        await say("EXEC StartMusicOnHold default")
        for name, value in (("ACD_SEAT", "1001"), ("ACD_RING", "10"), ("ACD_LINE", '"12315 消费投诉"')):
            await say(f"SET VARIABLE {name} {value}")
        await say("SET VARIABLE ACD_NEXT seat")
    else:
        await say("SET VARIABLE ACD_CAUSE 16")
        await say("SET VARIABLE ACD_NEXT hangup")


async def held(env: dict[str, str], say: Say) -> None:
    """Answer, music, and keep the caller until the engine is killed."""
    await say("EXEC Answer 0,i")
    await say("EXEC StartMusicOnHold default")
    await say("SET VARIABLE ACD_QUEUE 12345")
    await say("WAIT FOR DIGIT 15000")


async def full(env: dict[str, str], say: Say) -> None:
    """No channel."""
    await say("SET VARIABLE ACD_CAUSE 34")
    await say("SET VARIABLE ACD_NEXT refuse")


async def test_a_carriers_call_reaches_the_seat_that_the_engine_names() -> None:
    async with bench(to_seat) as it:
        phone = await it.phone("1001")
        caller = await it.call("12345")
        assert await phone.end() == 0
        assert await caller.end() == 0
        asked = it.engine.asked[0]
        invite = phone.heard()
        faults = it.faults()
    assert asked["agi_extension"] == "12345"
    assert asked["agi_arg_1"] == "carrier"
    diversion = base64.b64decode(asked["agi_arg_2"]).decode()
    assert diversion.startswith("<sip:12315@carrier.example>;reason=unconditional")
    assert base64.b64decode(asked["agi_arg_3"]).strip() == b""
    assert "12315 消费投诉" in invite
    assert "<sip:037155512345@" in invite
    assert faults == []


async def test_a_caller_whose_engine_dies_is_served_by_the_fallback_queue() -> None:
    async with bench(held) as it:
        phone = await it.phone("1002")
        await it.switch.console("queue add member PJSIP/1002 to fallback")
        caller = await it.call("12345")
        await it.engine.until_asked("enter")
        await caller.until_heard("200 OK")
        await it.engine.kill()
        assert await phone.end() == 0
        assert await caller.end() == 0
        lines = it.switch.settings.spool.read_text().splitlines()
    assert [line.split()[0] for line in lines] == ["enter", "seat", "end"]


async def test_a_waiting_caller_is_never_in_silence_while_the_seat_rings() -> None:
    async with bench(to_seat) as it, listen() as (ear, port):
        phone = await it.phone("1001", "slow_phone")
        await it.call("12345", tap=port)
        await phone.until_heard("INVITE sip:1001")
        rung = time.monotonic()
        await phone.until_heard("ACK sip:")
        answered = time.monotonic()
    assert answered - rung > 0.9
    assert ear.longest_silence(rung, answered) < 0.1


async def test_a_caller_left_alone_by_a_dead_engine_hears_music_until_a_seat_answers() -> None:
    async with bench(held) as it, listen() as (ear, port):
        phone = await it.phone("1002", "slow_phone")
        await it.switch.console("queue add member PJSIP/1002 to fallback")
        caller = await it.call("12345", tap=port)
        await it.engine.until_asked("enter")
        await caller.until_heard("200 OK")
        killed = time.monotonic()
        await it.engine.kill()
        await phone.until_heard("ACK sip:")
        answered = time.monotonic()
    assert ear.longest_silence(killed, answered) < 0.2


async def test_a_phone_with_a_wrong_password_is_not_registered() -> None:
    async with bench() as it:
        assert await it.register("1001", "wrong", 5999) != 0
        contacts = await it.switch.console("pjsip show contacts")
    assert "1001" not in contacts


async def test_a_call_from_an_unknown_address_is_challenged_and_reaches_no_dialplan() -> None:
    async with bench(to_seat) as it:
        stranger = await it.call("12345", scenario="refused_401", host=STRANGER)
        assert await stranger.end() == 0
        assert it.engine.asked == []


async def test_cause_34_gives_the_carrier_503() -> None:
    async with bench(full) as it:
        caller = await it.call("12345", scenario="refused_503")
        assert await caller.end() == 0


@pytest.mark.parametrize("dialled", ["abc", "12345abc", "12345%0aagi_arg_1:evil", "12345%22%7d", "*11"])
async def test_what_is_no_number_is_refused_before_the_engine_hears_of_it(dialled: str) -> None:
    async with bench(full) as it:
        caller = await it.call(dialled, scenario="refused_404")
        assert await caller.end() == 0
        assert it.engine.asked == []


@pytest.mark.parametrize("dialled", ["12345", "+8637112345", "0371-12345", "12345;phone-context=cn"])
async def test_every_written_form_of_a_number_reaches_the_engine(dialled: str) -> None:
    async with bench(full) as it:
        caller = await it.call(dialled, scenario="refused_503")
        assert await caller.end() == 0
        assert it.engine.asked[0]["agi_extension"] == dialled.partition(";")[0]


async def test_a_phone_that_shall_pick_up_by_itself_is_asked_in_both_ways_that_phones_know() -> None:
    async def play(env: dict[str, str], say: Say) -> None:
        await say("SET VARIABLE ACD_AUTO 1")
        await to_seat(env, say)

    async with bench(play) as it:
        phone = await it.phone("1001")
        await it.call("12345")
        assert await phone.end() == 0
        invite = phone.heard()
        assert it.faults() == []
    assert "Alert-Info: <http://127.0.0.1>;info=alert-autoanswer;delay=0" in invite
    assert "Call-Info: <sip:127.0.0.1>;answer-after=0" in invite


async def test_a_withheld_number_is_not_shown_at_the_seat_but_the_line_is() -> None:
    async with bench(to_seat) as it:
        phone = await it.phone("1001")
        told = "P-Asserted-Identity: <sip:037155512345@carrier.example>\r\nPrivacy: id"
        await it.call("12345", who="anonymous", extra=told)
        assert await phone.end() == 0
        invite = phone.heard()
        assert it.faults() == []
    assert "037155512345" not in invite
    assert "12315 消费投诉" in invite
    assert "alert-autoanswer" not in invite


async def test_the_caller_learns_nothing_of_the_seat() -> None:
    async with bench(to_seat) as it:
        phone = await it.phone("1001")
        caller = await it.call("12345")
        assert (await phone.end(), await caller.end()) == (0, 0)
        heard = caller.heard()
    assert "1001" not in heard
    assert "座席" not in heard


@pytest.mark.parametrize(
    "who",
    [
        "0371%0d%0aagi_forged:%20110",
        "0371%0aagi_forged:%20110",
        "%22%29%2cSystem%28x%29",
        "%24%7BSHELL%28id%29%7D",
    ],
)
async def test_a_hostile_callers_number_forges_no_line_and_runs_nothing(who: str) -> None:
    async with bench(held) as it:
        phone = await it.phone("1002")
        await it.switch.console("queue add member PJSIP/1002 to fallback")
        caller = await it.call("12345", who=who)
        asked = await it.engine.until_asked("enter")
        await caller.until_heard("200 OK")
        await it.engine.kill()
        assert await phone.end() == 0
        assert await caller.end() == 0
        spool = read_spool(it.switch.settings.spool.read_text().splitlines())
    assert asked["agi_extension"] == "12345"
    assert asked["agi_calleridname"] == "李 Li"
    assert set(asked) <= AGI_NAMES
    assert [call.called for call in spool.over] == ["12345"]
    assert spool.unread == ()


async def test_a_call_that_the_fallback_served_is_read_back_whole() -> None:
    async with bench(held) as it:
        phone = await it.phone("1003")
        await it.switch.console("queue add member PJSIP/1003 to fallback")
        caller = await it.call("12345")
        await it.engine.until_asked("enter")
        await caller.until_heard("200 OK")
        await it.engine.kill()
        assert (await phone.end(), await caller.end()) == (0, 0)
        spool = read_spool(it.switch.settings.spool.read_text().splitlines())
    (call,) = spool.over
    assert (call.trunk, call.called, call.caller) == ("carrier", "12345", "037155512345")
    assert (call.seat, call.cause) == ("1003", 16)
    assert call.diverted == (
        'Diversion: <sip:12315@carrier.example>;reason=unconditional, "a,b" <sip:12358@carrier.example>',
    )
    assert call.answered is not None
    assert call.ended is not None
    assert call.arrived < call.answered < call.ended


async def test_a_sub_centre_that_knows_its_password_is_let_in_from_anywhere() -> None:
    async with bench(full) as it:
        caller = await it.call(
            "12345", "-au", "branch", "-ap", it.secrets["trunk/branch"], scenario="digest_503", host=STRANGER
        )  # fmt: skip
        assert await caller.end() == 0
        assert it.engine.asked[0]["agi_arg_1"] == "branch"


async def test_a_seat_reaches_its_feature_codes_and_dials_numbers_and_nothing_else() -> None:
    async with bench(full) as it:
        known = await it.call(
            "*11*2001*1234",
            "-au",
            "1001",
            "-ap",
            it.secrets["seat/1001"],
            scenario="seat_dials",
            host="127.0.0.1",
            who="1001",
        )
        await it.engine.until_asked("desk")
        other = await it.call(
            "sales",
            "-au",
            "1001",
            "-ap",
            it.secrets["seat/1001"],
            scenario="seat_dials",
            host="127.0.0.1",
            who="1001",
        )
        await known.end()
        await other.until_heard("404 Not Found")
        (asked,) = it.engine.asked
    assert (asked["agi_arg_1"], asked["agi_arg_2"]) == ("1001", "*11*2001*1234")
