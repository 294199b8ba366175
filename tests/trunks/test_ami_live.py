"""Each fault of panoramisk 1.4 that would lose a call: it is there in the plain one, and not in ours.

The probes run against the fake, and where Asterisk itself shows the fault, against Asterisk too.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from panoramisk.manager import Manager

from tests.fakes.ami import FakeAmi
from tests.real_asterisk import SECRET, USER, RealAsterisk
from trunks.ami import Fields
from trunks.ami_live import LinkDown, LoginRefused, Wire, WireAction

Switch = FakeAmi | RealAsterisk
EventSink = Callable[[str, Fields], None]

PLAIN, OURS = "plain", "ours"
both = pytest.mark.parametrize(("kind", "mended"), [(PLAIN, False), (OURS, True)])


def make(kind: str, port: int, secret: str = SECRET, **more: Any) -> Any:
    if kind == OURS:
        return Wire("127.0.0.1", port, USER, secret, **more)
    manager = Manager(host="127.0.0.1", port=port, username=USER, secret=secret)
    manager.reconnect_timeout = 0.01
    return manager


async def connected(kind: str, port: int, **more: Any) -> Any:
    manager = make(kind, port, **more)
    if kind == OURS:
        await manager.connect()
        return manager
    manager.loop = asyncio.get_running_loop()
    await manager.connect()
    # `connect` is done one turn of the loop before its callback sends the log-in.
    await asyncio.sleep(0)
    await manager.authenticated_future
    return manager


async def finish(manager: Any) -> None:
    """Close it, keep the plain one from reconnecting, and let the loop see the connection go."""
    manager.connect = lambda *a, **k: None
    manager.close()
    if manager.pinger is not None:
        manager.pinger.cancel()
    for _ in range(3):
        await asyncio.sleep(0)


async def comes(answer: Awaitable[Any], within: float = 0.5) -> bool:
    """Whether an answer comes at all."""
    try:
        async with asyncio.timeout(within):
            await answer
    except (TimeoutError, LinkDown):
        return False
    return True


@both
async def test_queue_add_resolves(switch: Switch, kind: str, mended: bool) -> None:
    manager = await connected(kind, switch.ami)
    add = {"Action": "QueueAdd", "Queue": "fallback", "Interface": f"PJSIP/{kind}"}
    assert await comes(manager.send_action(add)) is mended
    await finish(manager)


@both
async def test_originate_without_async_neither_raises_inside_nor_closes_the_connection(
    switch: Switch, kind: str, mended: bool
) -> None:
    faults: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
    manager = await connected(kind, switch.ami)
    order = {"Action": "Originate", "Channel": "Local/1234@phone", "Application": "Wait", "Data": "0"}
    assert await comes(manager.send_action(order), 3 if mended else 0.5) is mended
    assert (not faults) is mended
    await finish(manager)


@both
async def test_an_unanswered_action_is_never_sent_again(fake: FakeAmi, kind: str, mended: bool) -> None:
    fake.mute.add("Originate")
    manager = await connected(kind, fake.ami)
    answer = manager.send_action({"Action": "Originate", "Channel": "Local/1@x", "Async": "true"})
    await fake.heard("Originate")
    fake.on_login = lambda writer: writer.write(b"Event: FullyBooted\r\nStatus: Fully Booted\r\n\r\n")
    fake.cut()
    if mended:
        with pytest.raises(LinkDown, match="Originate: not answered"):
            await answer
        await manager.connect()
    # A second Ping is proof that whatever the new connection would repeat has been repeated.
    await fake.heard("Login", 2)
    if mended:
        await manager.send_action({"Action": "Ping"})
    else:
        await fake.heard("Originate", 2)
    assert sum(action["Action"] == "Originate" for action in fake.received) == (1 if mended else 2)
    await finish(manager)


@both
async def test_a_character_cut_by_the_network_is_not_lost(fake: FakeAmi, kind: str, mended: bool) -> None:
    names: asyncio.Queue[str] = asyncio.Queue()
    manager = await connected(kind, fake.ami)
    manager.register_event("Named", lambda _, event: names.put_nowait(event["Name"]))
    text = "Event: Named\r\nName: 市长热线\r\n\r\n".encode()
    place = text.index("长".encode()) + 1
    # Straight into the protocol: the cut is where we want it, whatever the loopback does.
    manager.protocol.data_received(text[:place])
    manager.protocol.data_received(text[place:])
    async with asyncio.timeout(2):
        assert (await names.get() == "市长热线") is mended
    await finish(manager)


@both
async def test_a_value_with_a_line_end_forges_no_header(fake: FakeAmi, kind: str, mended: bool) -> None:
    manager = await connected(kind, fake.ami)
    forged = {"Action": "Setvar", "Variable": "x", "Value": "1\r\nChannel: PJSIP/110-00000001"}
    if mended:
        with pytest.raises(ValueError, match=r"AMI Setvar\.Value"):
            manager.send_action(forged)
        await manager.send_action({"Action": "Ping"})
        assert "Setvar" not in [action["Action"] for action in fake.received]
    else:
        manager.send_action(forged)
        assert (await fake.heard("Setvar"))["Channel"] == "PJSIP/110-00000001"
    await finish(manager)


@both
async def test_a_wrong_secret_is_an_error(switch: Switch, kind: str, mended: bool) -> None:
    manager = make(kind, switch.ami, "wrong")
    manager.loop = asyncio.get_running_loop()
    told = ""
    try:
        await manager.connect()
    except LoginRefused as why:
        told = str(why)
    assert "wrong" not in told
    assert ("check the secret" in told) is mended
    await finish(manager)


@both
async def test_a_switch_that_accepts_and_says_nothing_is_given_up(
    fake: FakeAmi, kind: str, mended: bool
) -> None:
    fake.mute.add("Login")
    manager = make(kind, fake.ami, **({"connect_s": 0.2} if kind == OURS else {}))
    manager.loop = asyncio.get_running_loop()
    gave_up = False
    try:
        async with asyncio.timeout(1):
            await manager.connect()
            await fake.heard("Login")
            await manager.authenticated_future
    except LinkDown as why:
        gave_up = "did not open a session" in str(why)
    except TimeoutError:
        gave_up = False
    assert gave_up is mended
    await finish(manager)


@both
async def test_a_slow_consumer_does_not_keep_the_reader_from_reading(
    fake: FakeAmi, kind: str, mended: bool
) -> None:
    """300 events that take 1 ms each come in one read: does the reader return before the 100 ms are over?"""
    handled = 0
    done = asyncio.Event()

    def slow(*_: object) -> None:
        nonlocal handled
        until = time.perf_counter() + 0.001
        while time.perf_counter() < until:
            pass
        handled += 1
        if handled == 300:
            done.set()

    manager = await connected(kind, fake.ami)
    manager.register_event("Slow", slow)
    began = time.perf_counter()
    manager.protocol.data_received(b"Event: Slow\r\n\r\n" * 300)
    assert (time.perf_counter() - began < 0.1) is mended
    await asyncio.wait_for(done.wait(), 5)
    await finish(manager)


async def test_events_and_answers_are_handed_over_in_the_order_of_the_wire(fake: FakeAmi) -> None:
    order: list[str] = []
    wire = await connected(OURS, fake.ami, on_event=lambda name, _: order.append(name))
    fake.mute.add("Status")
    asked = asyncio.create_task(_ask(wire, order))
    wanted = (await fake.heard("Status"))["ActionID"]
    one = f"Response: Success\r\nActionID: {wanted}\r\nEventList: start\r\n\r\n"
    end = f"Event: StatusComplete\r\nActionID: {wanted}\r\nEventList: Complete\r\n\r\n"
    item = f"Event: Status\r\nActionID: {wanted}\r\nChannel: a\r\n\r\n"
    fake.send(f"Event: A\r\n\r\n{one}Event: B\r\n\r\n{item}{end}Event: C\r\n\r\nEvent: D\r\n\r\n".encode())
    await asked
    await wire.send_action({"Action": "Ping"})
    assert order == ["A", "B", "the answer: 1", "C", "D"]
    await finish(wire)


async def _ask(wire: Wire, order: list[str]) -> None:
    answer = await wire.send_action({"Action": "Status"})
    order.append(f"the answer: {len(answer)}")


async def test_a_queue_that_runs_over_ends_the_connection_instead_of_losing_an_event(fake: FakeAmi) -> None:
    wire = await connected(OURS, fake.ami, inbox=100)
    wire.protocol.data_received(b"Event: X\r\n\r\n" * 101)
    why = await asyncio.wait_for(wire.protocol.lost, 2)
    assert "101 messages wait to be handled; 100 may" in str(why)
    await finish(wire)


async def test_what_a_listener_raises_harms_no_other_event(fake: FakeAmi) -> None:
    seen: list[str] = []

    def listener(name: str, _: Fields) -> None:
        seen.append(name)
        if name == "Bad":
            raise ZeroDivisionError

    wire = await connected(OURS, fake.ami, on_event=listener)
    fake.send(b"Event: Bad\r\n\r\nEvent: Good\r\n\r\n")
    await wire.send_action({"Action": "Ping"})
    assert seen == ["Bad", "Good"]
    await finish(wire)


async def test_an_answer_that_nobody_waits_for_any_more_is_thrown_away(fake: FakeAmi) -> None:
    seen: list[str] = []
    wire = await connected(OURS, fake.ami, on_event=lambda name, _: seen.append(name))
    fake.mute.add("Status")
    answer = wire.send_action({"Action": "Status"})
    wanted = (await fake.heard("Status"))["ActionID"]
    answer.cancel()
    wire.protocol.give_up(answer)
    fake.send(
        f"Response: Success\r\nActionID: {wanted}\r\nEventList: start\r\n\r\n"
        f"Event: Status\r\nActionID: {wanted}\r\n\r\nEvent: Real\r\n\r\n".encode()
    )
    await wire.send_action({"Action": "Ping"})
    assert seen == ["Real"]
    await finish(wire)


async def test_an_action_belongs_to_panoramisk_and_is_encoded_when_it_is_made() -> None:
    action = WireAction({"Action": "Ping"})
    assert action.encoded.decode() == f"Action: Ping\r\nActionID: {action['ActionID']}\r\n\r\n"
