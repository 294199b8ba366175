"""Third parties under random facts: what their people and the switch may do, and what the engine owes to each leg."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from acd.agents import Activity
from acd.calls import Call, CallState
from acd.engine import Engine
from acd.messages import (
    AgentAnswered,
    AgentHungUp,
    CallerHungUp,
    CallThird,
    ChannelSeen,
    Command,
    DropLeg,
    Event,
    LegAt,
    LegGone,
    LegHeard,
    LegHolds,
    LegSeen,
    PassAnswered,
    SeatLeft,
    SwitchSurveyed,
    Tick,
    TransferAsked,
    TransferSteered,
)
from acd.parties import MOVES, PARTIES, Place, Stage, Transfer
from acd.setup import Setup

TARGETS = (
    "110",
    "119",
    "12366",
    "12315",
    "12345",
    "8001",
    "8002",
    "8003",
    "102",
    "103",
    "skill:12315",
    "queue:12345",
    "13900000000",
    "x",
)
WISHES = ("toggle", "complete", "together", "give back", "dance")
HOWS = ("consult", "consult", "three-way", "three-way", "blind", "nonsense")
ENDS = ("busy", "noanswer", "refused", "congestion", "cancel")
STEPS = st.sampled_from([0] * 12 + [1, 1000, 2_000, 6_100, 25_000, -3_000])
PICKS = st.integers(0, 1 << 16)
ON = frozenset({Place.ROOM, Place.HELD, Place.CALLED, Place.BRIDGED})


class LegWatch:
    """The third parties' channels that the switch has, by what the engine ordered and what it was told."""

    def __init__(self) -> None:
        self.on: dict[str, str] = {}
        """the call of each channel that was ordered, not dropped, and of which no end was told"""

    def took(self, event: Event | Setup, orders: list[Command]) -> None:
        if isinstance(event, LegGone) and event.channel is not None:
            self.on.pop(event.channel, None)
        if isinstance(event, SwitchSurveyed):
            seen = {leg.channel for leg in event.legs}
            self.on = {channel: call for channel, call in self.on.items() if channel in seen}
        for order in orders:
            if isinstance(order, CallThird):
                self.on[order.channel] = order.call
            elif isinstance(order, DropLeg) and order.channel is not None:
                self.on.pop(order.channel, None)


class TransferRules(RuleBasedStateMachine):
    """Rules and promises about third parties, for the machine that has an engine."""

    engine: Engine
    legs: LegWatch

    def tell(self, event: Event, step: int = 0) -> list[Command]:
        raise NotImplementedError

    def _transfers(self) -> list[tuple[Call, Transfer]]:
        return [
            (call, call.transfer) for call in self.engine.state.calls.values() if call.transfer is not None
        ]

    # ── what people and the switch may do ────────────────────────────────────────────────────────────────────

    @rule(
        pick=PICKS,
        how=st.sampled_from(HOWS),
        to=st.sampled_from(TARGETS),
        right=st.sampled_from([True, True, False]),
        step=STEPS,
    )
    def a_seat_brings_somebody_in(self, pick: int, how: str, to: str, right: bool, step: int) -> None:
        talking = [
            c
            for c in self.engine.state.calls.values()
            if c.state in {CallState.TALKING, CallState.IN_TRANSFER}
        ]
        call = talking[pick % len(talking)] if talking else None
        by = ((call.agent or "") if right else "102") if call else "101"
        self.tell(
            TransferAsked(call.call if call else "cx", how, to, by=by, desk="keys" if pick % 3 else None),
            step,
        )

    @rule(
        pick=PICKS,
        how=st.sampled_from(HOWS[:5]),
        to=st.sampled_from(TARGETS),
        acts=st.lists(st.integers(0, 17), max_size=9),
    )
    def a_transfer_takes_its_course(self, pick: int, how: str, to: str, acts: list[int]) -> None:
        """Somebody is brought in where a seat talks (or a call is rung, and now talks), and things happen in some order."""
        calls = self.engine.state.calls.values()
        rung = [call for call in calls if call.state is CallState.RINGING and call.agent is not None]
        if rung and not any(call.state is CallState.TALKING for call in calls):
            self.tell(AgentAnswered(rung[0].call, rung[0].agent or ""))
        talking = [call for call in calls if call.state is CallState.TALKING]
        dialling = [call for call in calls if call.state is CallState.DIALLING and call.agent is not None]
        if dialling and pick % 2:
            self.tell(PassAnswered(dialling[0].call))
            talking = [call for call in dialling[:1] if call.state is CallState.TALKING]
        found = talking or [call for call, transfer in self._transfers() if transfer.stage is Stage.BACK]
        if not found:
            return
        call = found[pick % len(found)]
        self.tell(TransferAsked(call.call, how, to, desk="keys"))
        for act in acts:
            self._settle(call)
            if call.transfer is None:
                return
            self._happens(call, call.transfer, act)

    def _settle(self, call: Call) -> None:
        """Every leg comes to where it is led."""
        for name in ("caller", "seat"):
            transfer = call.transfer
            if transfer is None:
                return
            leg, want = transfer.leg(name), transfer.wanted()[name]
            if leg.until is not None and want in {Place.ROOM, Place.HELD}:
                self.tell(LegAt(call.call, name, want, self._channel(transfer, name)))
            elif leg.until is not None and name == "seat":
                self.tell(AgentHungUp(call.call, call.agent or ""))
        transfer = call.transfer
        if (
            transfer is not None
            and transfer.third.until is not None
            and transfer.third.place in {Place.ROOM, Place.HELD}
        ):
            self.tell(LegAt(call.call, "third", transfer.wanted()["third"], transfer.channel))

    def _happens(self, call: Call, transfer: Transfer, act: int) -> None:
        channel = transfer.channel or transfer.seat_channel
        facts: tuple[Event, ...] = (
            LegAt(call.call, "third", "room", transfer.channel),
            LegAt(call.call, "third", "room", transfer.channel),
            LegAt(call.call, "third", "room", transfer.channel),
            LegGone(call.call, "third", channel, "busy"),
            LegGone(call.call, "third", channel, "cancel"),
            TransferSteered(call.call, "toggle", desk="keys"),
            TransferSteered(call.call, "together", desk="keys"),
            TransferSteered(call.call, "complete", desk="keys"),
            TransferSteered(call.call, "give back", desk="keys"),
            AgentHungUp(call.call, call.agent or ""),
            CallerHungUp(call.call, 16),
            LegHeard(call.call, "seat"),
            LegHeard(call.call, "seat"),
            Tick(),
            LegHolds(call.call, "seat", on=True),
            LegHolds(call.call, "third", on=True, channel=channel),
            LegHolds(call.call, "seat", on=False),
            CallerHungUp(call.call, 16, "far"),
        )
        self.tell(facts[act], 1_000 if act == 13 else 0)

    @rule(pick=PICKS, wish=st.sampled_from(WISHES), step=STEPS)
    def a_seat_wishes(self, pick: int, wish: str, step: int) -> None:
        found = self._transfers()
        call = found[pick % len(found)][0] if found else None
        self.tell(TransferSteered(call.call if call else f"c{pick % 5}", wish, desk="keys"), step)

    @rule(picks=st.lists(PICKS, min_size=1, max_size=6), step=STEPS)
    def the_legs_come_to_where_they_are_led(self, picks: list[int], step: int) -> None:
        for pick in picks:
            found = self._transfers()
            if not found:
                return
            call, transfer = found[pick % len(found)]
            name, want = self._leg_and_place(transfer, pick)
            if name == "third" and transfer.third.place is Place.CALLED:
                want = Place.ROOM
            if want in {Place.ROOM, Place.HELD}:
                self.tell(LegAt(call.call, name, want, self._channel(transfer, name)), step)
            step = 0

    def _leg_and_place(self, transfer: Transfer, pick: int) -> tuple[str, Place]:
        name = PARTIES[pick // 7 % 3]
        return name, transfer.wanted()[name]

    def _channel(self, transfer: Transfer, name: str) -> str | None:
        return {"third": transfer.channel, "seat": transfer.seat_channel}.get(name)

    @rule(
        pick=PICKS,
        place=st.sampled_from(["room", "held", "called", "moon"]),
        leg=st.sampled_from(["caller", "seat", "third", "fourth"]),
    )
    def a_leg_is_somewhere(self, pick: int, place: str, leg: str) -> None:
        """Late, repeated or senseless: a leg that is where nobody led it."""
        found = self._transfers()
        call = found[pick % len(found)][0].call if found else f"c{pick % 5}"
        channel = f"{call}-{pick % 4}" if pick % 3 else None
        self.tell(LegAt(call, leg, place, channel))

    @rule(pick=PICKS, why=st.sampled_from(ENDS), step=STEPS)
    def a_third_party_goes(self, pick: int, why: str, step: int) -> None:
        found = self._transfers()
        if not found:
            self.tell(LegGone(f"c{pick % 5}", "third", f"c{pick % 5}-1", why), step)
            return
        call, transfer = found[pick % len(found)]
        channel = (transfer.channel or transfer.seat_channel) if pick % 5 else f"{call.call}-{pick % 4}"
        self.tell(LegGone(call.call, "third", channel, why), step)

    @rule(pick=PICKS, left=st.booleans(), step=STEPS)
    def a_seat_of_a_transfer_hangs_up(self, pick: int, left: bool, step: int) -> None:
        if found := self._transfers():
            call, transfer = found[pick % len(found)]
            if transfer.seat.place in ON and call.agent is not None:
                self.tell(
                    SeatLeft(call.call, call.agent)
                    if left and pick % 4 == 0
                    else AgentHungUp(call.call, call.agent),
                    step,
                )

    @rule(pick=PICKS, step=STEPS)
    def a_seat_has_been_told(self, pick: int, step: int) -> None:
        found = self._transfers()
        self.tell(LegHeard(found[pick % len(found)][0].call if found else "c1", "seat"), step)

    @rule(picks=st.lists(st.integers(0, 3), min_size=12, max_size=12), step=STEPS)
    def the_switch_is_asked_in_the_middle_of_it(self, picks: list[int], step: int) -> None:
        """Every call is where it was; of a transfer's legs some have gone."""
        seen: list[ChannelSeen] = []
        legs: list[LegSeen] = []
        words = {
            CallState.TALKING: "talking",
            CallState.RINGING: "ringing",
            CallState.PASSING: "ringing",
            CallState.PASSED: "talking",
        }
        for number, call in enumerate(self.engine.state.calls.values()):
            transfer, pick = call.transfer, picks[number % len(picks)]
            if transfer is None:
                state = words.get(call.state, "held")
                seen.append(ChannelSeen(call.call, state, call.seat if state == "talking" else None))
                continue
            if transfer.caller.place in ON and pick != 1:
                place = transfer.caller.place
                bridged = place is Place.BRIDGED
                seen.append(
                    ChannelSeen(call.call, "talking" if bridged else place, call.seat if bridged else None)
                )
            if transfer.seat.place in {Place.ROOM, Place.HELD} and pick != 2:
                legs.append(
                    LegSeen(
                        call.call,
                        "third" if transfer.seat_channel else "seat",
                        transfer.seat.place,
                        transfer.seat_channel,
                    )
                )
            if transfer.third.place in ON and pick != 3:
                legs.append(LegSeen(call.call, "third", transfer.third.place, transfer.channel))
        self.tell(
            SwitchSurveyed(tuple(seen), tuple(sorted(self.engine.state.reachable)), legs=tuple(legs)), step
        )

    def everybody_left_in_a_room_hangs_up(self) -> None:
        """A seat and a third party may talk on when the caller has gone: no deadline ends that, one of them does."""
        for call, transfer in self._transfers():
            self.tell(AgentHungUp(call.call, call.agent or ""))
            self.tell(LegGone(call.call, "third", transfer.channel, "cancel"))

    # ── what is promised ─────────────────────────────────────────────────────────────────────────────────────

    @invariant()
    def a_call_in_transfer_is_at_a_stage_that_has_a_way_on(self) -> None:
        for call in self.engine.state.calls.values():
            assert (call.transfer is not None) == (call.state is CallState.IN_TRANSFER)
        for _, transfer in self._transfers():
            assert MOVES[transfer.stage], "it is over, and still there"
            assert (transfer.third.place in ON) <= (transfer.channel is not None)

    @invariant()
    def whoever_is_wanted_elsewhere_has_been_sent_there(self) -> None:
        """Where a leg is not where it belongs an order is under way, and its time will come."""
        s = self.engine.state
        for call, transfer in self._transfers():
            bridged = transfer.caller.place is transfer.seat.place is Place.BRIDGED
            for name, want in transfer.wanted().items():
                leg = transfer.leg(name)
                settled = leg.place in {want, Place.GONE, Place.NOWHERE}
                assert settled or leg.until is not None or (bridged and transfer.caller.until), (
                    call.call,
                    transfer.stage,
                    name,
                    leg,
                )
            due = [
                leg.until for leg in (transfer.caller, transfer.seat, transfer.third) if leg.until is not None
            ]
            deadline = self.engine.deadline()
            assert not due or (deadline is not None and deadline <= max(min(due), s.now))

    @invariant()
    def no_third_party_is_left_without_a_call(self) -> None:
        s = self.engine.state
        for channel, name in self.legs.on.items():
            call = s.calls.get(name)
            transfer = call.transfer if call else None
            assert transfer is not None, f"{channel} was neither dropped nor heard of"
            assert channel in {transfer.channel, transfer.seat_channel}, f"{channel} is nobody's"

    @invariant()
    def a_seat_that_is_a_third_party_has_no_other_call(self) -> None:
        s = self.engine.state
        for call, transfer in self._transfers():
            agent = s.agents.get(transfer.way.agent or "") if transfer.way else None
            if agent is not None and transfer.third.place in ON:
                assert agent.call == call.call
                assert agent.activity is (
                    Activity.RINGING if transfer.third.place is Place.CALLED else Activity.TALKING
                )


def third_of(call: Call, agent: str) -> bool:
    """Is the agent the call's third party now?"""
    transfer: Any = call.transfer
    return bool(transfer and transfer.way and transfer.way.agent == agent and transfer.third.place in ON)


def loads(call: Call) -> str | None:
    """The trunk on which the call's third party is."""
    transfer = call.transfer
    return transfer.way.trunk if transfer and transfer.way and transfer.third.place in ON else None


def left_to_others(call: Call) -> bool:
    """Has the seat left its caller to a third party, or on the way to one?"""
    return call.transfer is not None and call.transfer.seat.place is Place.GONE
