"""Phones and far ends that tell themselves by a tone: each answers every call to its address and notes what it was asked.

SIPp (`hotline.rehearsal.phones_live`) registers the phones; these answer in its place, at the same address.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self, cast

from hotline.rehearsal.sound import alaw, tone
from hotline.rehearsal.words import ALAW, FRAME, Message, Packet, answer, audio

Address = tuple[str, int]

RETRY_S = 0.5


@dataclass
class Rung:
    """One call as the end that was called saw it. Instants are seconds of the monotonic clock.

    ``shown``: the display name beside the caller's number. ``ended_by``: ``switch`` (BYE), ``caller`` (CANCEL before the answer).
    """

    place: str
    called: str
    caller: str
    shown: str
    at: float
    answered: float | None = None
    ended: float | None = None
    ended_by: str | None = None
    cause: int | None = None


@dataclass
class _Dialog:
    rung: Rung
    asked: Message
    tag: str
    voice: asyncio.DatagramTransport | None = None
    media: tuple[str, int, int] | None = None
    last: bytes = b""
    speaking: bool = False
    tries: asyncio.TimerHandle | None = None
    packets: int = 0
    source: int = field(default_factory=lambda: secrets.randbits(32))


class Answerers(asyncio.DatagramProtocol):
    """Whoever answers at one address, for any number.

    ``place``: its name in `Rung`; ``hertz``: the tone that it speaks (a multiple of 50); ``silent``: called numbers that ring
    and are never answered (``*``: all), ``busy``: those that refuse with 486. ``on_rung``, ``on_answered`` are told.
    """

    def __init__(
        self,
        place: str,
        address: Address,
        hertz: float,
        *,
        silent: frozenset[str] = frozenset(),
        busy: frozenset[str] = frozenset(),
        on_answered: Callable[[Rung], None] = lambda _: None,
    ) -> None:
        self.place = place
        self.address = address
        self.hertz = hertz
        self.silent = silent
        self.busy = busy
        self.on_answered = on_answered
        self.rung: list[Rung] = []
        self._dialogs: dict[str, _Dialog] = {}
        self._transport: asyncio.DatagramTransport | None = None
        self._pump: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        coded = alaw(tone(hertz, FRAME / 8000))
        self._frame = coded

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, local_addr=self.address)
        self._pump = asyncio.create_task(self._speak())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._pump is not None:
            self._pump.cancel()
        for dialog in list(self._dialogs.values()):
            self._quiet(dialog)
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio."""
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """Called by asyncio."""
        message = Message.read(data)
        if message is None or message.code is not None:
            return
        call_id = message.header("call-id")
        dialog = self._dialogs.get(call_id)
        if message.method == "INVITE" and dialog is None:
            self._invited(call_id, message, addr)
        elif message.method == "INVITE" and dialog is not None:
            self._again(dialog, message, addr)
        elif message.method == "ACK":
            if dialog is not None:
                self._acknowledged(dialog)
        elif message.method in {"BYE", "CANCEL"} and dialog is not None:
            self._ended(dialog, message, addr)
        elif message.method in {"BYE", "CANCEL"}:
            self._send(answer(message, "481 No Such Call", tag="none"), addr)
        else:
            self._send(answer(message, "200 OK", tag="none", contact=self._contact("")), addr)

    def _invited(self, call_id: str, message: Message, addr: Address) -> None:
        caller, shown = message.caller
        rung = Rung(self.place, message.asked_user, caller, shown, time.monotonic())
        self.rung.append(rung)
        dialog = self._dialogs[call_id] = _Dialog(rung, message, f"a{secrets.token_hex(6)}")
        dialog.media = message.media
        if self._is(self.busy, rung.called):
            dialog.last = answer(message, "486 Busy Here", tag=dialog.tag)
            rung.ended, rung.ended_by = time.monotonic(), "phone"
            self._send(dialog.last, addr)
            return
        dialog.last = answer(message, "180 Ringing", tag=dialog.tag, contact=self._contact(rung.called))
        self._send(dialog.last, addr)
        if not self._is(self.silent, rung.called):
            task = asyncio.create_task(self._pick_up(dialog, addr))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    @staticmethod
    def _is(numbers: frozenset[str], called: str) -> bool:
        return "*" in numbers or called in numbers

    async def _pick_up(self, dialog: _Dialog, addr: Address) -> None:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            asyncio.DatagramProtocol, local_addr=(self.address[0], 0)
        )
        if dialog.rung.ended is not None:  # given up meanwhile
            transport.close()
            return
        dialog.voice = transport
        port = int(transport.get_extra_info("sockname")[1])
        contact = self._contact(dialog.rung.called)
        body = audio(self.address[0], port)
        dialog.last = answer(dialog.asked, "200 OK", tag=dialog.tag, contact=contact, body=body)
        dialog.rung.answered = time.monotonic()
        self._send_until_acknowledged(dialog, addr, RETRY_S)
        self.on_answered(dialog.rung)

    def _send_until_acknowledged(self, dialog: _Dialog, addr: Address, after: float) -> None:
        self._send(dialog.last, addr)
        if after < 10 and dialog.rung.ended is None:
            loop = asyncio.get_running_loop()
            dialog.tries = loop.call_later(after, self._send_until_acknowledged, dialog, addr, after * 2)

    def _again(self, dialog: _Dialog, message: Message, addr: Address) -> None:
        """A repetition, or a re-INVITE, which is agreed to."""
        if message.header("cseq") == dialog.asked.header("cseq"):
            self._send(dialog.last, addr)
            return
        if media := message.media:
            dialog.media = media
        port = 9 if dialog.voice is None else int(dialog.voice.get_extra_info("sockname")[1])
        contact = self._contact(dialog.rung.called)
        body = audio(self.address[0], port, 2)
        self._send(answer(message, "200 OK", tag=dialog.tag, contact=contact, body=body), addr)

    def _acknowledged(self, dialog: _Dialog) -> None:
        if dialog.tries is not None:
            dialog.tries.cancel()
            dialog.tries = None
        dialog.speaking = dialog.voice is not None and dialog.rung.ended is None

    def _ended(self, dialog: _Dialog, message: Message, addr: Address) -> None:
        self._send(answer(message, "200 OK", tag=dialog.tag), addr)
        rung = dialog.rung
        if rung.ended is None:
            rung.ended, rung.cause = time.monotonic(), message.cause
            rung.ended_by = "switch" if message.method == "BYE" else "caller"
        if message.method == "CANCEL" and rung.answered is None:
            dialog.last = answer(dialog.asked, "487 Request Terminated", tag=dialog.tag)
            self._send(dialog.last, addr)
        self._quiet(dialog)

    def _quiet(self, dialog: _Dialog) -> None:
        dialog.speaking = False
        if dialog.tries is not None:
            dialog.tries.cancel()
            dialog.tries = None
        if dialog.voice is not None:
            dialog.voice.close()
            dialog.voice = None

    async def _speak(self) -> None:
        """Every 20 ms one packet for each call that is on."""
        due = time.monotonic()
        while True:
            for dialog in list(self._dialogs.values()):
                if dialog.speaking and dialog.voice is not None and dialog.media is not None:
                    address, port, _ = dialog.media
                    n = dialog.packets
                    packet = Packet(ALAW, n, n * FRAME, dialog.source, self._frame, marker=n == 0)
                    dialog.voice.sendto(packet.written(), (address, port))
                    dialog.packets += 1
            due = max(due + 0.02, time.monotonic() - 0.2)
            await asyncio.sleep(max(due - time.monotonic(), 0))

    def _contact(self, user: str) -> str:
        host, port = self.address
        return f"<sip:{user}@{host}:{port}>" if user else f"<sip:{host}:{port}>"

    def _send(self, data: bytes, addr: Address) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(data, addr)
