"""A carrier's callers who listen, and speak: each call is a real SIP call with its own RTP, and everything heard is kept.

SIPp (`hotline.rehearsal.carrier_live`) makes more calls a second; this one hears.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self, cast

import numpy as np

from hotline.rehearsal.hearing import Track, decode
from hotline.rehearsal.sound import Samples, alaw
from hotline.rehearsal.words import ALAW, EVENTS, FRAME, Message, Packet, answer, audio, key_events, request

Address = tuple[str, int]

RETRY_S = 0.5
"""SIP's T1: an INVITE or BYE that nobody answers is sent again after this long, then after twice as long"""
TRIES = 6
SILENT = b"\xd5"
"""A-law's zero"""
LOUD = 500
"""a sample beyond this is no silence (its noise, and a-law's smallest steps, stay far below)"""


@dataclass
class Call:
    """One call as its caller saw it. Instants are seconds of the monotonic clock, ``None`` where they did not come.

    ``ended_by``: ``caller`` or ``switch``; ``cause``: the Q.850 cause that the switch gave with its BYE, ``code`` the
    final status of the INVITE.
    """

    caller: str
    called: str
    began: float
    code: int | None = None
    ringing: float | None = None
    answered: float | None = None
    ended: float | None = None
    ended_by: str | None = None
    cause: int | None = None
    track: Track = field(default_factory=Track)
    loud: list[float] = field(default_factory=list)
    """when packets came in which something was to be heard"""
    over: asyncio.Event = field(default_factory=asyncio.Event)
    up: asyncio.Event = field(default_factory=asyncio.Event)
    """answered, or over"""

    def heard(self) -> Samples:
        """What was heard, from the INVITE to the end of the call."""
        ends = self.ended if self.ended is not None else time.monotonic()
        return self.track.samples(max(ends - self.began, 0.0))


@dataclass
class _Dialog:
    call: Call
    call_id: str
    tag: str
    branch: str
    uri: str
    headers: tuple[tuple[str, str], ...]
    media: _Ear
    remote_to: str = ""
    target: str = ""
    cseq: int = 1
    tries: asyncio.Task[None] | None = None


class Callers(asyncio.DatagramProtocol):
    """Everybody who calls in from one address. Use as ``async with Callers(address, switch) as callers``."""

    def __init__(self, address: str, switch: Address) -> None:
        self.address = address
        self.switch = switch
        self._dialogs: dict[str, _Dialog] = {}
        self._transport: asyncio.DatagramTransport | None = None
        self._speaking: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, local_addr=(self.address, 0))
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._speaking is not None:
            self._speaking.cancel()
        for dialog in list(self._dialogs.values()):
            self._forget(dialog)
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio."""
        self._transport = cast(asyncio.DatagramTransport, transport)

    @property
    def bound(self) -> Address:
        """Where we send from."""
        assert self._transport is not None
        found = self._transport.get_extra_info("sockname")
        return str(found[0]), int(found[1])

    async def dial(self, called: str, caller: str, headers: Sequence[str] = ()) -> Call:
        """Begin a call. ``headers``: whole lines (``Diversion: <...>``). Returns at once; see `Call.up`, `Call.over`."""
        call = Call(caller, called, time.monotonic())
        loop = asyncio.get_running_loop()
        _, ear = await loop.create_datagram_endpoint(lambda: _Ear(call), local_addr=(self.address, 0))
        token = secrets.token_hex(8)
        host, _ = self.bound
        uri = f"sip:{called}@{self.switch[0]}:{self.switch[1]}"
        extra = tuple(_split(line) for line in headers)
        dialog = _Dialog(call, f"{token}@{host}", f"t{token}", f"z9hG4bK{token}", uri, extra, ear)
        dialog.remote_to, dialog.target = f"<{uri}>", uri
        self._dialogs[dialog.call_id] = dialog
        invite = request(
            "INVITE",
            uri,
            [*self._head(dialog, "INVITE", dialog.branch), ("Contact", self._contact(call)), *extra],
            audio(host, ear.port),
        )
        dialog.tries = asyncio.create_task(self._repeat(dialog, invite, until_ringing=True))
        return call

    async def hang_up(self, call: Call) -> None:
        """End the call, or give up before the answer; waits until the switch has agreed."""
        dialog = next((one for one in self._dialogs.values() if one.call is call), None)
        if dialog is None or call.over.is_set():
            return
        self._stop_tries(dialog)
        if call.answered is None:
            self._send(request("CANCEL", dialog.uri, self._head(dialog, "CANCEL", dialog.branch)))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(call.over.wait(), 5)
            self._end(dialog, "caller")
            return
        call.ended, call.ended_by = time.monotonic(), "caller"
        dialog.cseq += 1
        bye = request("BYE", dialog.target, self._head(dialog, "BYE", f"z9hG4bK{secrets.token_hex(8)}"))
        dialog.tries = asyncio.create_task(self._repeat(dialog, bye))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(call.over.wait(), 5)
        self._end(dialog, "caller")

    async def press(self, call: Call, keys: str) -> None:
        """Press keys as RFC 4733 events, a tenth of a second each."""
        dialog = next((one for one in self._dialogs.values() if one.call is call), None)
        if dialog is not None:
            for key in keys:
                await dialog.media.press(key)

    async def say(self, call: Call, samples: Samples) -> float:
        """Say this; the instant at which its last 20 ms left. From then on the call sends silence, as a phone does."""
        dialog = next(one for one in self._dialogs.values() if one.call is call)
        if self._speaking is None:
            self._speaking = asyncio.create_task(self._speak())
        said: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        dialog.media.say(samples, said)
        return await said

    async def _speak(self) -> None:
        """Every 20 ms a packet for each call that has begun to speak."""
        due = time.monotonic()
        while True:
            for dialog in list(self._dialogs.values()):
                dialog.media.speak()
            due = max(due + 0.02, time.monotonic() - 0.1)
            await asyncio.sleep(max(due - time.monotonic(), 0))

    # ── what comes in ────────────────────────────────────────────────────────────────────────────────────────

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """Called by asyncio."""
        message = Message.read(data)
        if message is None:
            return
        dialog = self._dialogs.get(message.header("call-id"))
        if message.code is not None:
            if dialog is not None:
                self._responded(dialog, message)
        elif dialog is None:
            self._send(
                answer(message, "200 OK" if message.method == "OPTIONS" else "481 No Such Call", tag="none")
            )
        else:
            self._asked(dialog, message)

    def _responded(self, dialog: _Dialog, message: Message) -> None:
        code, call = message.code or 0, dialog.call
        if message.method == "BYE" and code >= 200:
            self._end(dialog, "caller")
        if message.method != "INVITE":
            return
        if code < 200:
            self._stop_tries(dialog)
            if code >= 180 and call.ringing is None:
                call.ringing = time.monotonic()
            return
        self._stop_tries(dialog)
        if code < 300:
            dialog.remote_to = message.header("to")
            dialog.target = message.header("contact").partition("<")[2].partition(">")[0] or dialog.uri
            if media := message.media:
                dialog.media.to = media
            if call.answered is None:
                call.answered, call.code = time.monotonic(), code
                call.up.set()
            self._ack(dialog, f"z9hG4bK{secrets.token_hex(8)}", dialog.target, dialog.remote_to)
            return
        call.code, call.cause = code, message.cause
        self._ack(dialog, dialog.branch, dialog.uri, message.header("to"))
        self._end(dialog, "caller" if code == 487 else "switch")

    def _asked(self, dialog: _Dialog, message: Message) -> None:
        tag = dialog.tag
        match message.method:
            case "ACK":
                return
            case "BYE":
                self._send(answer(message, "200 OK", tag=tag))
                if dialog.call.cause is None:
                    dialog.call.cause = message.cause
                self._end(dialog, "switch")
            case "INVITE" | "UPDATE":
                if media := message.media:
                    dialog.media.to = media
                body = audio(self.address, dialog.media.port, 2)
                self._send(answer(message, "200 OK", tag=tag, contact=self._contact(dialog.call), body=body))
            case _:
                self._send(answer(message, "200 OK", tag=tag, contact=self._contact(dialog.call)))

    # ── what goes out ────────────────────────────────────────────────────────────────────────────────────────

    def _contact(self, call: Call) -> str:
        host, port = self.bound
        return f"<sip:{call.caller}@{host}:{port}>"

    def _head(
        self, dialog: _Dialog, method: str, branch: str, to: str | None = None
    ) -> list[tuple[str, str]]:
        host, port = self.bound
        number = 1 if method in {"INVITE", "CANCEL", "ACK"} else dialog.cseq
        return [
            ("Via", f"SIP/2.0/UDP {host}:{port};branch={branch}"),
            ("From", f"<sip:{dialog.call.caller}@{host}:{port}>;tag={dialog.tag}"),
            ("To", to if to is not None else dialog.remote_to),
            ("Call-ID", dialog.call_id),
            ("CSeq", f"{number} {method}"),
            ("Max-Forwards", "70"),
        ]

    def _ack(self, dialog: _Dialog, branch: str, uri: str, to: str) -> None:
        self._send(request("ACK", uri, self._head(dialog, "ACK", branch, to)))

    async def _repeat(self, dialog: _Dialog, data: bytes, *, until_ringing: bool = False) -> None:
        for n in range(TRIES):
            self._send(data)
            await asyncio.sleep(RETRY_S * 2**n)
        if until_ringing:
            self._end(dialog, "switch")  # nobody is there

    def _send(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(data, self.switch)

    @staticmethod
    def _stop_tries(dialog: _Dialog) -> None:
        if dialog.tries is not None:
            dialog.tries.cancel()
            dialog.tries = None

    def _end(self, dialog: _Dialog, by: str) -> None:
        call = dialog.call
        if call.ended is None:
            call.ended, call.ended_by = time.monotonic(), by
        call.up.set()
        call.over.set()
        self._forget(dialog)

    def _forget(self, dialog: _Dialog) -> None:
        self._stop_tries(dialog)
        dialog.media.close()
        # late retransmissions are answered a moment longer
        asyncio.get_running_loop().call_later(4.0, self._dialogs.pop, dialog.call_id, None)


class _Ear(asyncio.DatagramProtocol):
    """The RTP of one call: kept as it comes, and a key pressed now and then."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.to: tuple[str, int, int] | None = None
        self._transport: asyncio.DatagramTransport | None = None
        self._sequence, self._timestamp, self._source = 1, 1, secrets.randbits(32)
        self._words: bytes | None = None
        """what is still to be said, in A-law; None: this call has not begun to speak"""
        self._said: asyncio.Future[float] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        self.port = int(transport.get_extra_info("sockname")[1])

    def datagram_received(self, data: bytes, addr: Address) -> None:
        packet = Packet.read(data)
        if packet is None:
            return
        samples = decode(packet.payload_type, packet.payload)
        if samples is not None and len(samples):
            # also before the 200 was read: it may lie behind the first packets in another socket
            if int(np.abs(samples.astype(np.int32)).max()) > LOUD:
                self.call.loud.append(time.monotonic())
            at = time.monotonic() - self.call.began
            self.call.track.add(at, packet.source, packet.sequence, packet.timestamp, samples)

    def say(self, samples: Samples, said: asyncio.Future[float]) -> None:
        """Say this from now on; ``said`` is told when the last of it has left."""
        self._words, self._said = alaw(samples), said

    def speak(self) -> None:
        """The next 20 ms."""
        if self._words is None or self.to is None or self._transport is None or self._transport.is_closing():
            return
        frame, self._words = self._words[:FRAME], self._words[FRAME:]
        address, port, _ = self.to
        packet = Packet(ALAW, self._sequence, self._timestamp, self._source, frame.ljust(FRAME, SILENT))
        self._transport.sendto(packet.written(), (address, port))
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._timestamp = (self._timestamp + FRAME) & 0xFFFFFFFF
        if not self._words and self._said is not None and not self._said.done():
            self._said.set_result(time.monotonic())

    async def press(self, key: str) -> None:
        """One key."""
        if self.to is None or self._transport is None:
            return
        address, port, _ = self.to
        began = self._timestamp  # all of an event's packets have it, whatever is said beside it
        for n, payload in enumerate(key_events(key)):
            packet = Packet(EVENTS, self._sequence, began, self._source, payload, marker=n == 0)
            self._transport.sendto(packet.written(), (address, port))
            self._sequence = (self._sequence + 1) & 0xFFFF
            await asyncio.sleep(0.02)
        if self._words is None:  # else time goes on by itself
            self._timestamp += 10 * FRAME

    def close(self) -> None:
        """Give the port back."""
        if self._said is not None and not self._said.done():
            self._said.set_result(time.monotonic())  # the call is over: nobody hears the rest
        if self._transport is not None:
            self._transport.close()


def _split(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip(), value.strip()
