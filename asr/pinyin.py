"""How words sound: syllables without tones, in which those that speakers and recognisers confuse are one."""

from __future__ import annotations

import re
from functools import lru_cache

# Confusions of Mandarin as it is spoken in the south and the middle of China, and the commonest errors of recognisers.
_INITIALS = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("n", "l"))
_FINALS = (("ang", "an"), ("eng", "en"), ("ing", "in"))
_HAN = re.compile("[㐀-鿿]")
_RUNS = re.compile("[㐀-鿿]+|[^㐀-鿿]", re.DOTALL)


@lru_cache(maxsize=65536)
def folded(syllable: str) -> str:
    """A tone-less syllable in the form that it shares with those it is confused with: ``zhang`` and ``zan`` are ``zan``."""
    for spoken, kept in _INITIALS:
        if syllable.startswith(spoken):
            syllable = kept + syllable[len(spoken) :]
            break
    for spoken, kept in _FINALS:
        if syllable.endswith(spoken):
            return syllable[: -len(spoken)] + kept
    return syllable


def syllables(text: str) -> tuple[str, ...]:
    """One for each character of ``text``, which has no blanks; what is no Chinese character stands for itself.

    The reading of 行, 重 and their like is chosen by the words around them (pypinyin's phrases).
    """
    from pypinyin import Style, lazy_pinyin  # reads its tables at import, a fifth of a second

    found: list[str] = []
    for run in _RUNS.findall(text):
        read = lazy_pinyin(run, style=Style.NORMAL) if len(run) > 1 or _HAN.match(run) else [run]
        if len(read) != len(run):  # a character that pypinyin doesn't know swallows its neighbours
            read = [lazy_pinyin(sign, style=Style.NORMAL)[0] for sign in run]
        found += read
    return tuple(folded(syllable) for syllable in found)
