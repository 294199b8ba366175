"""What the switch says it has, after a gap: its channels read as calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from acd.messages import ChannelSeen
from trunks.ami import Fields, variables

VARIABLES = ("ACD_CALL", "ACD_NEXT", "ACD_AGENT", "ACD_SEAT", "ACD_QUEUE", "ACD_SPOOLED")


@dataclass(frozen=True, slots=True)
class CallerSeen:
    """A caller's channel: its name, what the dialplan was told, the seat's leg that it is bridged with."""

    seen: ChannelSeen
    channel: str
    expects: str
    agent: str
    seat: str
    leg: str | None


@dataclass(frozen=True, slots=True)
class Survey:
    """The callers, and the seats' channels that belong to none of the engine's calls (by unique id)."""

    callers: tuple[CallerSeen, ...]
    own: dict[str, str]


def read_status(
    channels: Iterable[Fields], seat_of: Callable[[str], str | None], held: Callable[[str], bool]
) -> Survey:
    """Read the rows of AMI's Status. ``held``: is the caller inside one of our FastAGI sessions?"""
    rows = [(row, variables(row)) for row in channels]
    bridges: dict[str, list[Fields]] = {}
    for row, _ in rows:
        if row.get("BridgeID"):
            bridges.setdefault(row["BridgeID"], []).append(row)
    callers: list[CallerSeen] = []
    ours: set[str] = set()
    for row, told in rows:
        call = row.get("Uniqueid", "")
        if told.get("ACD_CALL") != call:
            continue
        peers = [peer for peer in bridges.get(row.get("BridgeID", ""), ()) if peer is not row]
        with_seat = [(peer, seat) for peer in peers if (seat := seat_of(peer.get("Channel", "")))]
        seat = with_seat[0][1] if with_seat else None
        leg = with_seat[0][0].get("Uniqueid") if with_seat else None
        ringing = row.get("Application") == "Dial"
        if peers:
            state = "talking"
        elif held(call):
            state = "held"
        elif row.get("Application") == "Queue":
            state = "fallback"
        else:
            state = "ringing" if ringing else "held"
        if told.get("ACD_SPOOLED") != "1" and leg is not None:
            ours.add(leg)
        expects = told.get("ACD_NEXT", "") if ringing or peers else ""
        agent = told.get("ACD_AGENT", "")
        told_seat = told.get("ACD_SEAT", "")
        seen = ChannelSeen(call, state, seat)
        callers.append(CallerSeen(seen, row.get("Channel", ""), expects, agent, told_seat, leg))
    own = {
        row.get("Uniqueid", ""): seat
        for row, told in rows
        if (seat := seat_of(row.get("Channel", ""))) is not None
        and row.get("Uniqueid") not in ours
        and (row.get("BridgeID") or told.get("ACD_CALL") is None)
    }
    return Survey(tuple(callers), own)


def reachable_seats(contacts: Iterable[Fields], is_seat: Callable[[str], bool]) -> tuple[str, ...]:
    """The seats that have a contact which answers, from the rows of AMI's PJSIPShowContacts.

    A contact is named ``SEAT;@hash`` (``SEAT@@hash`` when it stands in the files); ``Endpoint`` is empty for one that was
    registered before Asterisk was last started.
    """
    found = set()
    for contact in contacts:
        seat = contact.get("Endpoint") or contact.get("ObjectName", "").partition(";")[0].partition("@")[0]
        if is_seat(seat) and contact.get("Status") not in {"Unreachable", "Removed"}:
            found.add(seat)
    return tuple(sorted(found))
