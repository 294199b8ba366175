"""What the switch says it has, after a gap: its channels read as calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from acd.backs import is_back
from acd.messages import ChannelSeen, LegSeen
from trunks.ami import Fields, variables

ROOM = "hotline-room"
_PLACES = {ROOM: "room", "hotline-held": "held", "hotline-feature": "room"}
"""where a party is, by the context of the dialplan that it is in"""
VARIABLES = (
    "ACD_CALL",
    "ACD_NEXT",
    "ACD_AGENT",
    "ACD_SEAT",
    "ACD_QUEUE",
    "ACD_SPOOLED",
    "ACD_OUT",
    "ACD_TURNED",
)


@dataclass(frozen=True, slots=True)
class CallerSeen:
    """A caller's channel: its name, what the dialplan was told, the seat's leg that it is bridged with."""

    seen: ChannelSeen
    channel: str
    expects: str
    agent: str
    seat: str
    leg: str | None
    spooled: bool = False
    """the fallback has the caller, or gave him to whom he talks to"""

    out: bool = False
    """the channel of a seat that dialled a number"""

    far: str | None = None
    """of a call that a seat placed: the unique id of the other end's channel"""

    turned: bool = False
    """and that is the caller's now (`acd.calls.Call.turned`)"""

    @property
    def unsettled(self) -> bool:
        """The fallback is about to do something with the caller: one has to look again."""
        return self.spooled and self.seen.state in {"ringing", "held"}


@dataclass(frozen=True, slots=True)
class Survey:
    """The callers, and the seats' channels that belong to none of the engine's calls (by unique id)."""

    callers: tuple[CallerSeen, ...]
    own: dict[str, str]
    legs: tuple[LegSeen, ...] = ()
    seats: dict[str, str] = field(default_factory=dict)
    """the calls of the seats' channels that are in rooms or held, by unique id"""


def fallback_has(channels: Iterable[Fields]) -> bool:
    """Is any caller in the fallback who is not talking yet?"""
    return any(variables(row).get("ACD_SPOOLED") == "1" and not row.get("BridgeID") for row in channels)


def read_status(
    channels: Iterable[Fields], seat_of: Callable[[str], str | None], held: Callable[[str], bool]
) -> Survey:
    """Read the rows of AMI's Status. ``held``: is the caller inside one of our FastAGI sessions?"""
    rows = [(row, variables(row)) for row in channels]
    bridges: dict[str, list[Fields]] = {}
    for row, _ in rows:
        if row.get("BridgeID"):
            bridges.setdefault(row["BridgeID"], []).append(row)
    spooled = {row.get("Uniqueid", "") for row, told in rows if told.get("ACD_SPOOLED") == "1"}
    rung = {
        told.get("ACD_CALL", "")
        for row, told in rows
        if seat_of(row.get("Channel", "")) is not None and not row.get("BridgeID")
    }
    callers: list[CallerSeen] = []
    turned = {told.get("ACD_CALL", "") for _, told in rows if told.get("ACD_TURNED") == "1"}
    legs, seats = read_legs(rows)
    ours: set[str] = {*seats, *(leg.channel for leg in legs if leg.channel is not None)}
    for row, told in rows:
        channel, call = row.get("Uniqueid", ""), told.get("ACD_CALL", "")
        if told.get("ACD_TURNED") != "1" and (channel != call or call in turned or channel in seats):
            continue
        peers = [peer for peer in bridges.get(row.get("BridgeID", ""), ()) if peer is not row]
        with_seat = [(peer, seat) for peer in peers if (seat := seat_of(peer.get("Channel", "")))]
        seat = with_seat[0][1] if with_seat else None
        leg = with_seat[0][0].get("Uniqueid") if with_seat else None
        ringing = row.get("Application") == "Dial"
        out = told.get("ACD_OUT") == "1"
        far = channel if channel != call else None
        if out or (
            is_back(call) and far is None
        ):  # the seat is the one who calls: nobody in its bridge is the call's seat
            ours.add(call)
            seat, leg = seat_of(row.get("Channel", "")), None
            far = peers[0].get("Uniqueid") if len(peers) == 1 else None
        if row.get("Context") == ROOM:
            state, seat, leg = "room", None, next((uid for uid, of in seats.items() if of == call), None)
        elif peers:
            state = "talking"
        elif held(call):
            state = "held"
        elif row.get("Application") == "Queue":
            # who is taken away from a phone that is just being picked up would be lost to both
            state = "ringing" if call in rung else "fallback"
        else:
            state = "ringing" if ringing else "held"
        if channel not in spooled and leg is not None:
            ours.add(leg)
        expects = told.get("ACD_NEXT", "") if ringing or peers else ""
        agent = told.get("ACD_AGENT", "")
        told_seat = told.get("ACD_SEAT", "")
        seen = ChannelSeen(call, state, seat)
        callers.append(
            CallerSeen(
                seen,
                row.get("Channel", ""),
                expects,
                agent,
                told_seat,
                leg,
                channel in spooled,
                out,
                far,
                channel != call,
            )
        )
    own = {
        row.get("Uniqueid", ""): seat
        for row, told in rows
        if (seat := seat_of(row.get("Channel", ""))) is not None
        and row.get("Uniqueid") not in ours
        and told.get("ACD_CALL") != row.get("Uniqueid")
        and (row.get("BridgeID") or told.get("ACD_CALL") is None or told.get("ACD_CALL") in spooled)
    }
    return Survey(tuple(callers), own, legs, seats)


def read_legs(rows: Iterable[tuple[Fields, Mapping[str, str]]]) -> tuple[tuple[LegSeen, ...], dict[str, str]]:
    """The seats' and third parties' channels of calls that have a room, and the calls of the seats' by unique id."""
    legs: list[LegSeen] = []
    seats: dict[str, str] = {}
    for row, told in rows:
        call, channel = told.get("ACD_CALL", ""), row.get("Uniqueid", "")
        if not call or told.get("ACD_TURNED") == "1":
            continue
        named, _, number = channel.rpartition("-")
        place = _PLACES.get(row.get("Context", ""))
        if (named == call and number.isdecimal()) or (place is not None and row.get("Exten") == "third"):
            legs.append(LegSeen(call, "third", place or "called", channel))
        elif place is not None and (row.get("Exten") == "seat" or row.get("Context") == "hotline-feature"):
            legs.append(LegSeen(call, "seat", place))
            seats[channel] = call
    return tuple(legs), seats


def reachable_seats(contacts: Iterable[Fields], is_seat: Callable[[str], bool]) -> tuple[str, ...]:
    """The seats that have a contact which answers, from the rows of AMI's PJSIPShowContacts.

    A contact is named ``SEAT;@hash`` (``SEAT@@hash`` when it stands in the files); ``Endpoint`` is empty for one that was
    registered before Asterisk was last started.
    """
    found = set()
    for contact in contacts:
        seat = _seat_of(contact)
        if is_seat(seat) and contact.get("Status") not in {"Unreachable", "Removed"}:
            found.add(seat)
    return tuple(sorted(found))


def silent_seats(contacts: Iterable[Fields], is_seat: Callable[[str], bool]) -> tuple[str, ...]:
    """The seats that have a contact which does not answer, from the same rows."""
    silent = {_seat_of(contact) for contact in contacts if contact.get("Status") == "Unreachable"}
    return tuple(sorted(seat for seat in silent if is_seat(seat)))


def _seat_of(contact: Fields) -> str:
    return contact.get("Endpoint") or contact.get("ObjectName", "").partition(";")[0].partition("@")[0]
