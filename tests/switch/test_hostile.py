"""Whoever does ill at a port harms neither the call that is on nor those that follow."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from acd.agents import Activity
from acd.messages import CallerHungUp, CallOffered
from hotline.city import City
from hotline.rehearsal.listener_live import answers
from hotline.rehearsal.manners import Dialled, Fixed, Manner, Plan
from hotline.rehearsal.phones_live import Phones
from hotline.rehearsal.process_live import free_port
from tests.switch.conftest import Town, city_text, moved, town

pytestmark = [pytest.mark.switch, pytest.mark.asyncio(loop_scope="module")]

ILL_WORDS = {
    "nothing": b"",
    "half a line": b"INVITE sip:123",
    "a megabyte without an end": b"A" * 1_000_000,
    "a megabyte of one header": b"Action: " + b"x" * 1_000_000 + b"\r\n\r\n",
    "garbage": bytes(range(256)) * 40,
    "empty lines": b"\r\n" * 20_000,
    "half a FastAGI request": b"agi_network: yes\nagi_request: agi://127.0.0.1/enter\nagi_uniqueid: 1.1\n",
    "a FastAGI request for nobody": b"agi_network: yes\nagi_request: agi://127.0.0.1/nowhere\nagi_uniqueid: 9.9\n\n",
    "a wrong AMI password": b"Action: Login\r\nUsername: hotline\r\nSecret: wrong\r\n\r\n",
    "AMI without login": b"Action: Command\r\nCommand: core stop now\r\n\r\n",
}

LONG = 4.0
"""so long a seat talks, in seconds"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def here() -> AsyncIterator[Town]:
    async with town(City.read(moved(city_text("zhengzhou")), "zhengzhou")) as here:
        here.end_wrap_up_at_once()
        yield here


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def phones(here: Town) -> AsyncIterator[Phones]:
    seats = [seat.number for seat in here.platform.city.seats()][:6]
    async with Phones(here.logins(seats), here.sip, manner=Manner(talk_s=Fixed(LONG))) as phones:
        await here.sign_on(phones, list(zip(seats, list(here.platform.city.setup().agents), strict=False)))
        yield phones


async def spoil(address: tuple[str, int], words: bytes) -> None:
    """Connect, say it, listen a moment, and break the connection off."""
    reader, writer = await asyncio.open_connection(*address)
    try:
        writer.write(words)
        await asyncio.wait_for(writer.drain(), 2)
        await asyncio.wait_for(reader.read(4096), 0.3)
    except (TimeoutError, ConnectionError):
        pass  # whether they listen, answer or hang up is theirs to choose
    finally:
        writer.transport.abort()


def ports(here: Town) -> dict[str, tuple[str, int]]:
    """Every TCP port that the platform opens."""
    place = here.platform.place
    tcp = here.platform.city.network().tcp
    assert tcp is not None
    return {
        "sip": ("127.0.0.1", tcp),
        "agi": ("127.0.0.1", place.agi_port),
        "ami": ("127.0.0.1", place.ami_port),
    }


@pytest.mark.parametrize("port", ["sip", "agi", "ami"])
async def test_ill_words_at_a_tcp_port_harm_no_call(here: Town, phones: Phones, port: str) -> None:
    before = len(phones.legs())
    first = 13_700_000_000 + 1000 * ["sip", "agi", "ami"].index(port)
    plan = Plan(2, 10, (Dialled("12345"), Dialled("12315")), in_turn=True, patience_s=Fixed(30))
    with here.carrier("unicom", first) as carrier:
        placing = asyncio.create_task(carrier.place(plan))
        await phones.rung(before + 2, within_s=15)
        await here.until(
            lambda: (
                sum(
                    a.activity is Activity.TALKING for a in here.platform.service.engine.state.agents.values()
                )
                == 2
            ),
            "two calls talk",
        )
        for words in ILL_WORDS.values():
            await spoil(ports(here)[port], words)
        legs = [*(await placing).legs, *(await carrier.place(plan)).legs]
    assert all(leg.ended_by == "switch" for leg in legs)
    told = [leg for leg in phones.legs() if int(leg.caller) - first in range(4)]
    assert [leg.ended_by for leg in told] == ["phone"] * 4
    assert all(leg.talk_s == pytest.approx(LONG, abs=0.5) for leg in told)
    for n in range(4):
        record = await here.record_of(str(first + n))
        assert (record.disposition, record.line) == ("answered", ("12345", "12315")[n % 2])
    assert here.platform.asterisk.link is not None
    assert here.platform.asterisk.link.up
    assert here.platform.service.faults == 0


async def test_ill_datagrams_at_the_sip_port_harm_no_call(here: Town, phones: Phones) -> None:
    plan = Plan(2, 10, (Dialled("12345"),), patience_s=Fixed(30))
    before = len(phones.legs())
    with here.carrier("unicom", 13_710_000_000) as carrier:
        placing = asyncio.create_task(carrier.place(plan))
        await phones.rung(before + 2, within_s=15)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            for words in ILL_WORDS.values():
                stranger.sendto(words[:60_000], here.sip)
        legs = (await placing).legs
    assert [leg.ended_by for leg in legs] == ["switch", "switch"]
    assert await answers(here.sip)
    for leg in legs:
        assert (await here.record_of(leg.caller)).disposition == "answered"


def invite(
    here: Town, source: tuple[str, int], number: int, *, display: str, diversion: str, called: str
) -> bytes:
    """An INVITE written by hand: whatever stands in it goes out as it is."""
    host, port = source
    body = (
        f"v=0\r\no=x 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8\r\n"
        "a=rtpmap:8 PCMA/8000\r\n"
    )
    to = f"sip:{called}@{here.sip[0]}:{here.sip[1]}"
    text = (
        f"INVITE {to} SIP/2.0\r\nVia: SIP/2.0/UDP {host}:{port};branch=z9hG4bKill{number}\r\n"
        f"From: {display} <sip:{number}@{host}>;tag=t{number}\r\nTo: <{to}>\r\nCall-ID: ill-{number}@{host}\r\n"
        f"CSeq: 1 INVITE\r\nContact: <sip:{number}@{host}:{port}>\r\nMax-Forwards: 70\r\n"
        f"{diversion}Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    )
    return text.encode("utf-8", "surrogateescape")


ILL_CALLERS = {
    "expressions": (
        '"${SHELL(id)} $[1+1] ${ACD_NEXT}"',
        'Diversion: <sip:12315@x>;reason="${SHELL(id)}"\r\n',
    ),
    "commas and quotes": ('"a,b,\\"c\\",d;e|f"', 'Diversion: "a,b\\"," <sip:12315@x>;reason=unknown\r\n'),
    "escaped line ends": (
        '"%0d%0aEvent: Hangup%0d%0a"',
        "Diversion: <sip:12315@x;a=%0d%0aAction:%20Logoff>\r\n",
    ),
    "bytes that are no UTF-8": ('"\udcff\udcfe\udc80"', "Diversion: <sip:12315@x>\r\n"),
    "a long Diversion": ('"x"', f"Diversion: <sip:12315@x>;x={'y' * 3000}\r\n"),
    "many Diversions": (
        '"x"',
        "".join(f"Diversion: <sip:6660000{n}@x>\r\n" for n in range(4)) + "Diversion: <sip:12315@x>\r\n",
    ),
}


@pytest.mark.parametrize("ill", ILL_CALLERS)
async def test_what_a_caller_calls_himself_is_only_text_and_the_record_is_right(
    here: Town, phones: Phones, ill: str
) -> None:
    display, diversion = ILL_CALLERS[ill]
    number = 13_720_000_000 + list(ILL_CALLERS).index(ill)
    host = here.far("unicom")[0]
    source = (host, free_port(host))
    loop = asyncio.get_running_loop()
    before = len(phones.legs())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller:
        caller.setblocking(False)
        caller.bind(source)
        message = invite(here, source, number, display=display, diversion=diversion, called="12345")
        await loop.sock_sendto(caller, message, here.sip)
        code, to = 0, ""
        async with asyncio.timeout(10):
            while code < 200:
                reply = (await loop.sock_recv(caller, 65_536)).decode("utf-8", "replace")
                if reply.startswith("SIP/2.0"):
                    code = int(reply.split()[1])
                    to = next(line for line in reply.split("\r\n") if line.startswith("To:"))
        assert code == 200
        request = f"sip:{here.sip[0]}:{here.sip[1]}"
        for method, cseq in (("ACK", 1), ("BYE", 2)):
            if method == "BYE":
                await phones.rung(before + 1, within_s=15)
                await here.until(
                    lambda: any(
                        a.activity is Activity.TALKING
                        for a in here.platform.service.engine.state.agents.values()
                    ),
                    "the seat talks",
                )
            text = (
                f"{method} {request} SIP/2.0\r\nVia: SIP/2.0/UDP {host}:{source[1]};branch=z9hG4bKill{number}{method}\r\n"
                f"From: <sip:{number}@{host}>;tag=t{number}\r\n{to}\r\nCall-ID: ill-{number}@{host}\r\n"
                f"CSeq: {cseq} {method}\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
            )
            await loop.sock_sendto(caller, text.encode(), here.sip)
        record = await here.record_of(str(number))
    assert (record.line, record.disposition, record.called) == ("12315", "answered", "12345")
    (rung,) = phones.legs()[before:]
    assert rung.caller == str(number)


async def test_a_line_end_inside_a_callers_name_forges_nothing(here: Town, phones: Phones) -> None:
    """SIP knows none inside quotes (RFC 3261, 25.1); what the switch reads all the same loses it on the way in."""
    names = [
        '"x\r\n Event: Hangup\r\n Uniqueid: 1"',
        '"x\r\nEvent: Hangup\r\nUniqueid: 1\r\n\r\n"',
        '"x\rEvent: Hangup"',
    ]
    host = here.far("unicom")[0]
    source = (host, free_port(host))
    heard = len(here.events)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller:
        caller.bind(source)
        for n, name in enumerate(names):
            number = 13_725_000_000 + n
            caller.sendto(invite(here, source, number, display=name, diversion="", called="12345"), here.sip)
    # what follows on the same trunk shows that the switch has read on
    plan = Plan(1, 1, (Dialled("12345"),), patience_s=Fixed(30))
    with here.carrier("unicom", 13_726_000_000) as carrier:
        (leg,) = (await carrier.place(plan)).legs
    assert leg.ended_by == "switch"
    assert (await here.record_of(leg.caller)).disposition == "answered"
    facts = [event for event, _ in here.events[heard:]]
    offered = [fact for fact in facts if isinstance(fact, CallOffered)]
    assert not any("\r" in fact.name + fact.caller or "\n" in fact.name + fact.caller for fact in offered)
    calls = {fact.call for fact in offered}
    assert {fact.call for fact in facts if isinstance(fact, CallerHungUp)} <= calls
    for fact in offered:
        # nobody acknowledged our answer to the ill ones; the seat hangs up on them
        assert (await here.record_of(fact.caller, 40)).line == "12345"


async def test_a_stranger_is_challenged_and_never_becomes_a_call(here: Town, phones: Phones) -> None:
    """An address that is no trunk's."""
    offered = len(here.records)
    source = ("127.8.0.200", free_port("127.8.0.200"))
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.setblocking(False)
        stranger.bind(source)
        for called in ("12345", "110", "*11*1001*1234"):
            message = invite(here, source, 13_730_000_000, display='"x"', diversion="", called=called)
            await loop.sock_sendto(stranger, message, here.sip)
            async with asyncio.timeout(5):
                reply = await loop.sock_recv(stranger, 65_536)
            assert reply.split()[1] == b"401", called
    assert len(here.records) == offered
    assert not any("13730000000" in str(event) for event, _ in here.events)


@pytest.mark.parametrize("called", ["00861380000000x", "8001", "0013800138000"])
async def test_a_trunk_reaches_no_seat_and_no_way_out(here: Town, phones: Phones, called: str) -> None:
    before = {leg.call for leg in phones.legs()}
    plan = Plan(1, 1, (Dialled(called),), patience_s=Fixed(30), rings_s=Fixed(8), talk_s=Fixed(0.1))
    first = 13_740_000_000 + len(here.records)
    with here.carrier("mobile", first) as carrier:
        (leg,) = (await carrier.place(plan, phones=[phones])).legs
    if not called.isdecimal():
        assert leg.code == 404
        return
    record = await here.record_of(str(first))
    assert (record.disposition, record.passed_to, record.queue) == ("answered", None, "12345")
    assert len({leg.call for leg in phones.legs()} - before) == 1
