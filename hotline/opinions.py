"""What a caller says after the tone, recorded by the switch from within his session."""

from __future__ import annotations

import re
from pathlib import Path

from acd.messages import RecordOpinion
from hotline.logs import logger
from ivr.agi import command
from ivr.live import AgiSession

RATE = 8_000
LEAST_S = 1.5
"""what is shorter, beside the silence that ended it, is no opinion but a cough"""
GRACE_S = 30.0
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.wav")

_log = logger("opinions")


async def record_opinion(session: AgiSession, order: RecordOpinion, folder: Path | None) -> bool:
    """Record into ``folder``. True when something was said; a full disk loses the opinion, never the call.

    Raises `SessionOver` when the caller hangs up meanwhile: what he had said by then stands in the file.
    """
    if folder is None or not _NAME.fullmatch(order.file):
        _log.error("no place for an opinion", call=order.call, file=order.file)
        return False
    path = folder / order.file
    ask = (str(path.with_suffix("")), "wav", "#", order.most_ms, "BEEP")
    silence = max(order.silence_ms // 1000, 1)
    (reply,) = await session.execute(
        command("RECORD FILE", *ask, f"s={silence}"), within=order.most_ms / 1000 + GRACE_S
    )
    broken = not reply.ok or reply.data in {"writefile", "randomerror", "waitfor"}
    kept = not broken and (reply.endpos or 0) >= LEAST_S * RATE  # also when he hung up behind his last word
    if broken:
        _log.error("an opinion could not be written", call=order.call, why=reply.data or reply.text)
    if not kept:
        path.unlink(missing_ok=True)
    return kept
