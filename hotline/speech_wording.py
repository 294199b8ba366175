"""What was recognised, as it may be shown and counted."""

from __future__ import annotations

import re

from asr.wording import FILLERS, LIGHT, canonical
from hotline.logs import masked

LONGEST_WORDING = 200
"""characters that are kept of what was recognised: nobody asks a question of more"""

_UNKNOWN_WORD = re.compile(r"\[unk]|<unk>|\[spn]", re.IGNORECASE)
_BETWEEN_SIGNS = re.compile(r"(?<=[^\x00-\x7f])\s+(?=[^\x00-\x7f])")
# A number that a caller says comes as digits or as the signs for them, with or without blanks.
_SPOKEN_NUMBER = re.compile(r"(?:[+\d零〇一二三四五六七八九幺][\s\-]*){7,}")
_FILLER = re.compile("|".join(sorted(FILLERS.split(), key=len, reverse=True)))


def wording(heard: str) -> str:
    """What was recognised as it may be shown: on one line, without control characters, not too long.

    Every number of seven and more digits, spoken or written, becomes …: it may be a caller's.
    """
    text = "".join(sign if sign.isprintable() else " " for sign in heard[: 10 * LONGEST_WORDING])
    text = _SPOKEN_NUMBER.sub("…", _UNKNOWN_WORD.sub(" ", text))
    text = _BETWEEN_SIGNS.sub("", " ".join(masked(text).split()))
    return text[:LONGEST_WORDING]


def says_something(heard: str) -> bool:
    """Are at least two signs in it that mean something, and are no digits?"""
    signs = _FILLER.sub("", canonical(wording(heard)))
    return sum(sign.isalpha() and sign not in LIGHT for sign in signs) >= 2
