"""What the speech process knows: the city's voice knowledge base, found in by what callers say."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from asr.knowledge import Entry, KnowledgeBase
from asr.matching import Decision, Match, NgramMatcher, asked_back
from hotline.knowledge_files import KnowledgeFault
from hotline.knowledge_store import LiveKnowledge
from hotline.logs import logger
from hotline.records import RecordsFault
from hotline.speech_words import Suggestion
from ivr.dialogue import Found

REFRESH_S = 1.0
"""between two looks at the base's version (one small query): who publishes an entry can call and hear it"""
SLOW_S = 0.002
"""a matcher that takes longer is asked in a thread: meanwhile ten callers wait for their next 20 ms"""
SUGGESTIONS = 3
HELPS = 0.2
"""a suggestion that is less than so much of the best one only takes the seat's eye off it"""

_log = logger("speech")


@dataclass(frozen=True, slots=True)
class Answers:
    """One version of the base. ``slow``: must it be asked in a thread?"""

    matcher: NgramMatcher
    slow: bool

    @property
    def base(self) -> KnowledgeBase:
        """What may be spoken now."""
        return self.matcher.base

    async def match(self, text: str, line: str | None) -> Match:
        """`asr.matching.Matcher.match`."""
        if self.slow:
            return await asyncio.to_thread(self.matcher.match, text, line=line)
        return self.matcher.match(text, line=line)

    async def find(self, text: str, line: str | None) -> tuple[Found, Entry] | None:
        """The entry that is to be answered or asked back about; None: nothing is near."""
        match = await self.match(text, line)
        if match.decision is Decision.PASS_ON or match.best is None:
            return None
        entry = self.base.by_id[match.best.entry]
        sure = match.decision is Decision.ANSWER
        found = Found(
            entry.id, entry.answer, asked_back(entry.title), sure, bool(entry.sms), match.best.score
        )
        return found, entry

    async def suggest(self, text: str, line: str | None) -> tuple[Suggestion, ...]:
        """Entries that may help a seat whose caller says this, the best first."""
        match = await self.match(text, line)
        if match.decision is Decision.PASS_ON:
            return ()
        return tuple(
            Suggestion(one.entry, entry.title, entry.answer, round(one.score, 4))
            for one in match.candidates[:SUGGESTIONS]
            if one.score >= HELPS * match.candidates[0].score
            if one.score >= self.matcher.thresholds.ask_back
            for entry in (self.base.by_id[one.entry],)
        )

    def prompts(self) -> list[str]:
        """All that it may come to say, in order of need: what is answered at once, then what is asked back."""
        return [entry.answer for entry in self.base] + [asked_back(entry.title) for entry in self.base]


class Knowing:
    """The base's present version, looked for by `keep`."""

    def __init__(self, live: LiveKnowledge) -> None:
        self._live = live
        self._trouble = ""
        self.answers = Answers(live.matcher, slow=False)

    async def refresh(self) -> bool:
        """Take a changed base; True when there was one. Raises `RecordsFault` or `KnowledgeFault`."""
        if not await self._live.refresh():
            return False
        matcher = self._live.matcher
        self.answers = Answers(matcher, await asyncio.to_thread(_slow, matcher))
        return True

    async def refresh_or_tell(self) -> bool:
        """`refresh`; what is in its way is logged once, and the old version goes on being answered from."""
        try:
            changed = await self.refresh()
        except (RecordsFault, KnowledgeFault) as fault:
            if str(fault) != self._trouble:
                self._trouble = str(fault)
                _log.error("knowledge base not refreshed", why=str(fault))
            return False
        if self._trouble:
            self._trouble = ""
            _log.info("knowledge base is read again")
        return changed


def _slow(matcher: NgramMatcher) -> bool:
    """Is it? Asked for the second time, when everything that it needs has been loaded."""
    if not len(matcher.base):
        return False
    text = max((entry.title for entry in matcher.base), key=len)
    matcher.match(text)
    took = []
    for _ in range(3):  # somebody else may have had the processor
        began = time.perf_counter()
        matcher.match(text)
        took.append(time.perf_counter() - began)
    return min(took) > SLOW_S
