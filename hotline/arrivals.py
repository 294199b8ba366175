"""What a caller's channel tells when it comes: the trunk, the numbers, the headers, and what another centre sends along."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable

from acd.messages import CallId, CallOffered, CallReturned
from ivr.agi import get_variable, set_variable
from ivr.live import AgiSession
from trunks import handover
from trunks.handover import Handover

COMMAND_S = 10.0
HOPS = 5
"""so many Diversion and History-Info headers are read at most"""


async def offered(session: AgiSession, call: CallId, links: Callable[[str], bool]) -> CallOffered:
    """The call of a session that a carrier opened, or another centre (``links`` says which trunks lead to one)."""
    return CallOffered(call, *await _offer(session, links))


async def returned(session: AgiSession, call: CallId, links: Callable[[str], bool]) -> CallReturned:
    """The call of a session of which the engine knows nothing yet, or which it fetched back."""
    return CallReturned(call, *await _offer(session, links))


async def _offer(
    session: AgiSession, links: Callable[[str], bool]
) -> tuple[str, str, str, str, tuple[str, ...], str, str, str]:
    """Trunk, called number, caller's number and name, raw headers of diversion, and what another centre tells: line,
    case, note."""
    env = session.env
    entering = session.path == "enter"
    called = env.get("agi_extension", "") if entering else env.get("agi_dnid", "")
    trunk = session.args[0] if entering and session.args else env.get("agi_channel", "")
    diverted: list[str] = []
    for place, name in ((1, "Diversion"), (2, "History-Info")):
        first = _unpack(session.args[place]) if entering and len(session.args) > place else None
        if first is None or first:
            diverted += await _headers(session, name, first)
    if not entering:
        trunk = trunk.removeprefix("PJSIP/").rpartition("-")[0]
    caller, name = _known(env.get("agi_callerid", "")), _known(env.get("agi_calleridname", ""))
    told = await _handed_over(session) if links(trunk) else Handover()
    if told.caller not in {
        "",
        caller,
    }:  # the centre calls from a number of its own; the seat shall see the caller's
        caller = told.caller
        await session.execute(set_variable("CALLERID(num)", caller), within=COMMAND_S)
    return trunk, called, caller, name, tuple(diverted), told.line, told.reference, told.note


async def _handed_over(session: AgiSession) -> Handover:
    """What the centre tells that hands this call over, in one round trip: base64 of each header and one blank."""
    asked = ".".join(f"${{BASE64_ENCODE(${{PJSIP_HEADER(read,{name})}} )}}" for name in handover.NAMES)
    (reply,) = await session.execute(get_variable(asked), within=COMMAND_S)
    values = map(_unpack, (reply.data or "").split("."))
    return handover.read(dict(zip(handover.NAMES, values, strict=False)))


async def _headers(session: AgiSession, name: str, first: str | None) -> list[str]:
    """Every header of this name; the first is known already when the dialplan sent it along."""
    values = [] if first is None else [first]
    while len(values) < HOPS:
        read = f"${{PJSIP_HEADER(read,{name},{len(values) + 1})}}"
        (reply,) = await session.execute(get_variable(read), within=COMMAND_S)
        if not reply.data:
            break
        values.append(reply.data)
    return [f"{name}: {value}" for value in values]


def _known(text: str) -> str:
    return "" if text == "unknown" else text


def _unpack(text: str) -> str:
    """The header's value behind base64 and one blank; a carrier's bytes need not be UTF-8."""
    try:
        return base64.b64decode(text, validate=True).decode("utf-8", "replace").strip()
    except (binascii.Error, ValueError):
        return ""
