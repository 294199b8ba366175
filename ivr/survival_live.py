"""Run by Asterisk itself, through ``AGI()``, for a caller whom nobody else answers: the engine is gone.

Reads the snapshot of the number plan, decides (`ivr.survival.decide`), sets ``SURVIVE_*`` and ends. It always
ends with status 0 and without a word on standard error: with nothing set the dialplan sends the caller to the
queue.

Of pyst2 only its AGI class works on Python 3.11; it is what this program needs.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from typing import Any

from asterisk.agi import AGI

from ivr.survival import Survival, decide

MOST_HEADERS = 5


def main(table: str) -> None:
    """Serve one call with the snapshot in this file."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        # pyst2 writes every line that it hears, the caller's number too, to the stream that it is given.
        sys.stderr = nowhere
        with contextlib.suppress(Exception):
            sys.stdin.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
            sys.stdout.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
            serve(AGI(sys.stdin, sys.stdout, nowhere), table)


def serve(agi: Any, table: str) -> Survival:
    """Ask the channel, decide, tell the channel. Raises whatever goes wrong."""
    with open(table, encoding="utf-8") as file:
        snapshot = json.load(file)
    # In the fallback's context the extension is s: what was dialled is the DNID then.
    exten = agi.env.get("agi_extension", "")
    called = exten if exten[:1] in "+0123456789" and exten else agi.env.get("agi_dnid", "")
    trunk = agi.get_full_variable("${CHANNEL(endpoint)}")
    diverted = [*_headers(agi, "Diversion"), *_headers(agi, "History-Info")]
    found = decide(snapshot, called, diverted, trunk)
    agi.set_variable("SURVIVE_TRUNK", ",".join(trunk for trunk, _ in found.ways))
    agi.set_variable("SURVIVE_NUMBER", ",".join(number for _, number in found.ways))
    agi.set_variable("SURVIVE_SAY", "&".join(found.say))
    agi.set_variable("SURVIVE_NEXT", found.next)  # the last: without it the others count for nothing
    return found


def _headers(agi: Any, name: str) -> list[str]:
    """The header's values, as lines, in the request's order. A channel that is not SIP has none."""
    lines = []
    for place in range(1, MOST_HEADERS + 1):
        value = agi.get_full_variable(f"${{PJSIP_HEADER(read,{name},{place})}}")
        if not value:
            break
        lines.append(f"{name}: {value}")
    return lines
