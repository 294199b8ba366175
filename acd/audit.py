"""The audit log: every use of a right over others' work, and every attempt that was refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acd.messages import AgentId, AuditEntry, AuditStored, CallId, SeatId, WriteAudit

if TYPE_CHECKING:
    from acd.state import State


def note(
    s: State,
    what: str,
    who: AgentId,
    *,
    whom: str | None = None,
    call: CallId | None = None,
    phone: SeatId | None = None,
    allowed: bool = True,
    why: str = "",
) -> None:
    """Write one entry; it is kept until the database has it. The arguments are `AuditEntry`'s."""
    s.audited += 1
    settings = s.setup.agents.get(who)
    entry = AuditEntry(
        city=s.setup.city,
        at=s.now,
        number=s.audited,
        what=what,
        who=who,
        role=settings.role if settings else "",
        whom=whom,
        call=call,
        phone=phone,
        allowed=allowed,
        why=why,
    )
    s.unaudited[entry.number] = entry
    s.order(WriteAudit(entry))


def stored(s: State, fact: AuditStored) -> None:
    """The entry is in the database."""
    entry = s.unaudited.get(fact.number)
    if entry is not None and entry.at == fact.at:
        del s.unaudited[fact.number]
