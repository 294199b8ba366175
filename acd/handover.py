"""What a call takes along to a far end (a line's own people, a sub-centre, an emergency centre), and how it comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acd.messages import Millis
from dialplans.decision import Treatment
from dialplans.hours import clock
from trunks import handover
from trunks.handover import Handover

if TYPE_CHECKING:
    from acd.calls import Call
    from acd.state import State

_WHO = {Treatment.SUBCENTRE: "分中心", Treatment.PARALLEL: "本线", Treatment.EMERGENCY: "应急中心"}
_WHAT = {"noanswer": "未接", "busy": "占线", "no channel": "线路满"}


def taken_along(s: State, call: Call, trunk: str) -> Handover:
    """What goes with the call to the far end of ``trunk``. A carrier is told nothing of the person and of what was said."""
    line = call.line or (s.setup.plan.own.number.local if call.direction == "out" else call.called)
    whole = Handover(line, call.person, call.reference or call.call, said(call, s.now))
    return whole if s.setup.plan.is_link(trunk) else whole.public()


def headers_for(s: State, call: Call, trunk: str) -> list[tuple[str, str]]:
    """The same as SIP headers, names and values: for a third party who is called on the call's behalf."""
    return handover.headers(taken_along(s, call, trunk))


def said(call: Call, now: Millis) -> str:
    """What was said and done so far, in Chinese for whoever picks up: what came along, then our own part."""
    told = [call.note] if call.note else []
    if call.queued is not None:
        told.append(
            f"{clock(call.queued)[-5:]}起在12345等候{_seconds(call.queued, call.seat_answered or now)}"
        )
    if call.seat_answered is not None:
        who = f"工号{call.agent}" if call.agent else f"座席{call.seat}"
        told.append(f"{who}已通话{_seconds(call.seat_answered, call.ended or now)}")
    if call.remark and call.remark not in call.note:
        told.append(call.remark)
    return "；".join(told)


def _seconds(begin: Millis, end: Millis) -> str:
    return f"{max(0, end - begin) // 1000}秒"


def came_along(reference: str, note: str) -> str:
    """The sentence by which a record tells what another centre sent along; empty when it sent nothing."""
    if not reference and not note:
        return ""
    case = f"Case {reference} came along" if reference else "A note came along"
    return f"{case}: {note}" if note else f"{case}."


def remark(treatment: str | None, why: str) -> str:
    """Why the caller comes to a seat of the city's after all, in a few characters for the phone's display."""
    who = next((name for kind, name in _WHO.items() if kind == treatment), "原单位")
    return who + _WHAT.get(why, "不通")
