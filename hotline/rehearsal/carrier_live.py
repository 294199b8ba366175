"""A carrier: SIPp sends the callers of a `Plan` to the switch from one address."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

from hotline.rehearsal.listener_live import Listener
from hotline.rehearsal.manners import Lasting, Plan, Told, caller_rows, told_rows
from hotline.rehearsal.process_live import free_port
from hotline.rehearsal.results import Entry, SeatLogin
from hotline.rehearsal.sipp_live import Address, LogTail, Placement, Scratch, call_out

FIRST_CALLER = 13_800_000_000
"""Callers' numbers count up from here, never twice in a carrier's life: a call and its seat are joined by
them."""


class Carrier:
    """Places calls from ``address`` (and ``port``, or any free one) to ``switch``.

    ``login``: the account with which a challenge is answered. ``first_caller``: where its callers' numbers
    begin; give each of several carriers a range of its own. ``transport``: ``udp`` or ``tcp``."""

    def __init__(
        self,
        address: str = "127.0.0.11",
        port: int = 0,
        switch: Address = ("127.0.0.1", 5060),
        *,
        login: SeatLogin | None = None,
        transport: str = "udp",
        first_caller: int = FIRST_CALLER,
        directory: Path | None = None,
        seed: int = 1,
    ) -> None:
        self.bind: Address = (address, port or free_port(address))
        self.switch = switch
        self.login = login
        self.transport = transport
        self.scratch = Scratch(directory)
        self._next = first_caller
        self._chance = random.Random(seed)

    async def place(
        self,
        plan: Plan,
        *,
        phones: Sequence[Listener] = (),
        limit_s: float | None = None,
        on_entry: Callable[[Entry], None] | None = None,
    ) -> Placement:
        """Place the plan's calls and wait for their end, at most ``limit_s`` seconds after the last was
        begun.

        ``phones``: where people answer. Their word ends a caller's patience and begins the talk: nothing in
        SIP tells a caller that the switch answered but now a person does. ``on_entry`` is told what happens
        to the callers as it happens. The default limit is a minute over the longest ring, patience and talk.
        """
        rows = caller_rows(plan, self._numbers(plan.calls), self.login, self._chance)
        if limit_s is None:
            limit_s = 60 + sum(_longest(one) for one in (plan.rings_s, plan.patience_s, plan.talk_s))
        limit_s += plan.calls / plan.rate
        return await self._place(rows, plan.rate, limit_s, phones, on_entry, plan.sound)

    async def place_told(
        self,
        callers: Sequence[Told],
        *,
        phones: Sequence[Listener] = (),
        limit_s: float,
        on_entry: Callable[[Entry], None] | None = None,
    ) -> Placement:
        """Place the calls of these callers, in the order in which they come, each at its time; otherwise as `place`.

        ``limit_s`` counts from the beginning.
        """
        rate = float(round(max(100.0, 2 * max(n / max(one.at_s, 0.1) for n, one in enumerate(callers)))))
        rows = told_rows(callers, self._numbers(len(callers)), rate)
        return await self._place(rows, rate, limit_s, phones, on_entry, None, told=True)

    def _numbers(self, count: int) -> list[str]:
        """Callers' numbers that nobody has had."""
        first, self._next = self._next, self._next + count
        return [str(first + n) for n in range(count)]

    async def _place(
        self,
        rows: Sequence[str],
        rate: float,
        limit_s: float,
        phones: Sequence[Listener],
        on_entry: Callable[[Entry], None] | None,
        sound: Path | str | None,
        told: bool = False,
    ) -> Placement:
        run = self.scratch.run("carrier")
        telling = asyncio.create_task(self._tell(run, phones, on_entry)) if phones or on_entry else None
        try:
            placed = await call_out(
                "carrier",
                rows,
                to=self.switch,
                bind=self.bind,
                rate=rate,
                limit_s=limit_s,
                directory=run,
                sound=sound,
                transport=self.transport,
                told=told,
            )
        finally:
            if telling is not None:
                telling.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await telling
        if len(placed.legs) != len(rows):
            raise RuntimeError(
                f"carrier: {len(placed.legs)} of {len(rows)} calls were placed: "
                f"{placed.complaint or 'time ran out'}"
            )
        return placed

    async def _tell(
        self, run: Path, phones: Sequence[Listener], on_entry: Callable[[Entry], None] | None
    ) -> None:
        """Pass the phones' answers on to the callers, and the callers' log to ``on_entry``, until
        cancelled."""
        own = LogTail(run / "log")
        tails = [tail for listener in phones for tail in listener.log_tails()]
        for tail in tails:
            tail.more()  # what was before is none of this run's business
        calls: dict[str, str] = {}
        waiting: set[str] = set()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as voice:
            voice.setblocking(False)
            voice.bind((self.bind[0], 0))
            while True:
                for entry in own.more():
                    if entry.kind == "offered":
                        calls[entry.caller] = entry.call
                    if on_entry is not None:
                        on_entry(entry)
                waiting |= {
                    entry.caller for tail in tails for entry in tail.more() if entry.kind == "answered"
                }
                for caller in waiting & calls.keys():
                    voice.sendto(person_answered(calls[caller], voice.getsockname()), self.bind)
                    waiting.discard(caller)
                await asyncio.sleep(0.05)  # SIPp tells of it in files only

    def close(self) -> None:
        """Remove the scratch directory, unless one was given."""
        self.scratch.remove()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def person_answered(call: str, sender: Address) -> bytes:
    """The MESSAGE by which ``caller.xml`` hears that a person is on the line."""
    host, port = sender
    return (
        f"MESSAGE sip:caller@{host} SIP/2.0\r\nVia: SIP/2.0/UDP {host}:{port};branch=z9hG4bKperson\r\n"
        f"From: <sip:person@{host}>;tag=person\r\nTo: <sip:caller@{host}>\r\nCall-ID: {call}\r\n"
        "CSeq: 1 MESSAGE\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    ).encode()


def _longest(lasting: Lasting | None) -> float:
    """A length that hardly any draw exceeds, seconds; 0 for ``None``, which means that the other side ends
    it."""
    if lasting is None:
        return 0.0
    chance = random.Random(0)
    return max(lasting.draw(chance) for _ in range(1000)) * 1.5
