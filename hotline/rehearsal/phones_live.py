"""Many seats' phones: one SIPp that answers for all of them, and short runs in which they register and
dial."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from hotline.rehearsal.listener_live import Listener
from hotline.rehearsal.manners import Dialled, Fixed, Manner, Plan, caller_rows, digest
from hotline.rehearsal.process_live import free_port
from hotline.rehearsal.results import Leg, SeatLogin
from hotline.rehearsal.sipp_live import Address, LogTail, call_out, complaint, scenario, start

_DIALLED = (
    "*#"  # what a phone's keypad adds to digits: `*` may stand in a SIP URI, `#` may not (RFC 3261, 25.1)
)


class Phones(Listener):
    """The phones of ``seats``, all at one address and port, all of one manner; use several for several
    manners.

    They register by digest from the port at which they answer, so that a switch that rewrites contacts finds
    them too. Used as ``async with Phones(...) as phones`` or by `start` and `stop`."""

    def __init__(
        self,
        seats: Sequence[SeatLogin],
        registrar: Address = ("127.0.0.1", 5060),
        *,
        bind: str = "127.0.0.1",
        port: int = 0,
        manner: Manner | None = None,
        expires_s: int = 86_400,
        rate: float = 200.0,
        unregisters: bool = False,
        directory: Path | None = None,
        seed: int = 1,
    ) -> None:
        super().__init__("phones", (bind, port), manner or Manner(), directory, seed)
        self.seats = {seat.number: seat for seat in seats}
        self.registrar = registrar
        self.expires_s = expires_s
        self.rate = rate
        self.unregisters = unregisters

    async def start(self) -> None:
        """Register every seat, then listen. Raises `RuntimeError` that says how many were refused, and
        why."""
        await self.register()
        await self.listen()

    async def stop(self) -> None:
        """Take the registrations back if that was asked for, and end as `Listener.stop` does."""
        try:
            if self.unregisters and self._child is not None:
                await self.register(0)
        finally:
            await super().stop()

    async def register(self, expires_s: int | None = None) -> None:
        """Register every seat again (0 seconds: take the registrations back).

        While the phones listen it is done from another port, with the same contact.
        """
        bind, _ = self.bind
        port = self.bind[1] if self._child is None and self._deaf is None else free_port(bind)
        expires = self.expires_s if expires_s is None else expires_s
        contact = f"{self.bind[0]}:{self.bind[1]}"
        rows = [f"{seat.number};{digest(seat)};{contact};{expires}" for seat in self.seats.values()]
        run = self.scratch.run("register")
        limit = len(rows) / self.rate + 10
        options = [
            *(f"{self.registrar[0]}:{self.registrar[1]}", "-m", str(len(rows)), "-l", str(len(rows))),
            *("-r", str(round(self.rate)), "-timeout", f"{limit:.0f}", "-deadcall_wait", "0"),
        ]
        child = await start("register", scenario("register"), rows, options, bind=(bind, port), directory=run)
        await child.finished(limit + 5)
        entries = LogTail(run / "log").more()
        done = {entry.caller for entry in entries if entry.kind == "registered"}
        if missing := [number for number in self.seats if number not in done]:
            codes = sorted({entry.detail for entry in entries if entry.kind == "refused"})
            why = f"refused with {', '.join(codes)}" if codes else complaint(run) or "no answer"
            raise RuntimeError(
                f"phones: {len(missing)} of {len(rows)} seats did not register at {self.registrar} "
                f"({missing[0]} the first): {why}"
            )

    async def dial(self, seat: str, code: str, *, hold_s: float = 30.0) -> Leg:
        """Dial ``code`` from ``seat``'s phone and listen until the switch hangs up, at most ``hold_s``
        seconds."""
        return (await self.dial_all([(seat, code)], hold_s=hold_s))[0]

    async def dial_all(
        self, codes: Sequence[tuple[str, str]], *, hold_s: float = 30.0, rate: float = 20.0
    ) -> list[Leg]:
        """Dial each (seat, code), ``rate`` a second; the legs come in the same order. `ValueError` for a seat
        not here."""
        if not codes:
            return []
        chance = random.Random(self.seed)
        rows = []
        for seat, code in codes:
            if seat not in self.seats:
                raise ValueError(f"phones: seat {seat} is not one of these phones")
            plan = Plan(
                1, 1.0, (Dialled(quote(code, safe="*")),), rings_s=Fixed(hold_s), patience_s=Fixed(hold_s)
            )
            rows += caller_rows(plan, [seat], self.seats[seat], chance)
        bind = (self.bind[0], free_port(self.bind[0]))
        limit = len(rows) / rate + 2 * hold_s + 10
        placed = await call_out(
            "dial",
            rows,
            to=self.registrar,
            bind=bind,
            rate=rate,
            limit_s=limit,
            directory=self.scratch.run("dial"),
        )
        if len(placed.legs) != len(rows):
            raise RuntimeError(
                f"phones: {len(placed.legs)} of {len(rows)} codes were dialled: "
                f"{placed.complaint or 'no reason known'}"
            )
        return list(placed.legs)

    async def sign_on(
        self, agents: Mapping[str, tuple[str, str]], *, rate: float = 20.0, hold_s: float = 30.0
    ) -> list[Leg]:
        """Dial ``*11*AGENT*PIN`` at each seat: ``agents`` maps seats to (agent, PIN).

        Raises `RuntimeError` when the switch refuses one or does not hang up after its word.
        """
        codes = [(seat, f"*11*{agent}*{pin}") for seat, (agent, pin) in agents.items()]
        dialled = await self.dial_all(codes, rate=rate, hold_s=hold_s)
        if bad := [leg for leg in dialled if leg.answered is None or leg.ended_by != "switch"]:
            first = bad[0]
            what = f"refused with {first.code}" if first.answered is None else "was not hung up on"
            raise RuntimeError(
                f"phones: {len(bad)} of {len(dialled)} did not sign on: seat {first.caller} {what}"
            )
        return dialled
