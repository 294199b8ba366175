"""The far ends of trunks: a sub-centre, 110, a line's own seats, or a carrier that takes calls: SIPp at
127.0.0.x."""

from __future__ import annotations

from pathlib import Path

from hotline.rehearsal.listener_live import Listener
from hotline.rehearsal.manners import Manner


class FarEnd(Listener):
    """Answers every call to its address, OPTIONS (so that the switch finds the trunk reachable) and REGISTER.

    `legs` tells who called and which number was asked for.
    """

    def __init__(
        self,
        address: str,
        port: int = 5060,
        *,
        manner: Manner | None = None,
        directory: Path | None = None,
        seed: int = 1,
    ) -> None:
        super().__init__("farend", (address, port), manner or Manner(), directory, seed)
