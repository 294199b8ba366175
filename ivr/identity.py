"""Numbers of Chinese identity cards (GB 11643-1999): 17 digits, and one that proves them (ISO 7064, MOD 11-2)."""

from __future__ import annotations

import re
from datetime import date

_FORM = re.compile(r"[1-9][0-9]{16}[0-9X]", re.ASCII)
_PROOFS = "10X98765432"


def is_identity(number: str) -> bool:
    """Can this be an identity card's number: its day of birth a day, its last sign the proof of the others?

    >>> is_identity("11010519491231002X"), is_identity("110105194912310021")
    (True, False)
    """
    if not _FORM.fullmatch(number):
        return False
    try:
        date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    total = sum(int(digit) * (1 << (17 - place)) for place, digit in enumerate(number[:17]))
    return _PROOFS[total % 11] == number[17]
