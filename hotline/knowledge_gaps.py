"""What the knowledge base could not answer, or answered wrongly: clustered, ranked by week and line, with a draft of an entry.

The questions are those of `hotline.speech_turns`; to them come the errors that were reported and are still open.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from asr.knowledge import LONGEST_ANSWER, LONGEST_QUESTION, MOST_SENTENCES, Entry, KnowledgeBase
from asr.matching import NgramMatcher, Thresholds
from asr.wording import canonical
from hotline.knowledge_store import ReportedError
from hotline.question_clusters import MOST, clusters
from hotline.speech_turns import Conversation, week_of
from hotline.speech_wording import says_something, wording

PLACEHOLDER = "（待写）"
"""how a draft's answer begins until somebody has written one; what begins so is neither reviewed nor published"""
TO_WRITE = f"{PLACEHOLDER}请写出可以直接念给来电人的答复，不超过{MOST_SENTENCES}句、{LONGEST_ANSWER}字。"
"""a draft's answer: an entry with none is refused"""
REPORTED = "reported"
MISANSWERED = frozenset({"not helped", "came back", "bad rating", REPORTED})
"""reasons for which an answer is in doubt; the others are those for which there was none"""
CITY_LINE = "12345"
MOST_QUESTIONS = 8
"""of a draft, those asked most: an owner reads them"""
NOBODY = "待定"
"""owner of a draft for which there is no entry to take it from"""

_LINE = re.compile(r"[1-9][0-9]{1,7}")


@dataclass(frozen=True, slots=True)
class Gap:
    """One question that went wrong once. ``call``: None of an error that was reported without one. ``wording``: as it may be shown.

    ``reason``: ``passed on``, ``not understood``, ``denied``, or one of `MISANSWERED`. ``entry``: what was answered or asked back.
    """

    call: str | None
    caller: str
    line: str
    week: str
    at: int
    wording: str
    reason: str
    entry: str | None


@dataclass(frozen=True, slots=True)
class Nearest:
    """The entry of the base, in whatever state, that is the nearest to a cluster."""

    entry: Entry
    score: float


@dataclass(frozen=True, slots=True)
class Ranked:
    """A cluster in one week on one line. ``calls``: how many different ones; ``before``: in the week before. ``reports``: errors
    that were reported without a call. ``gaps``: what is behind it, the oldest first. ``topic``: the number of its `Topic`."""

    week: str
    line: str
    topic: int
    calls: int
    reports: int
    before: int
    gaps: tuple[Gap, ...]


@dataclass(frozen=True, slots=True)
class Topic:
    """A cluster over all weeks and lines. ``wordings``: as they were recognised, those asked most first; ``shown``: the one in the
    middle. ``draft``: None where every wording stands in an entry already."""

    shown: str
    wordings: tuple[str, ...]
    nearest: Nearest | None
    draft: Entry | None


@dataclass(frozen=True, slots=True)
class Report:
    """``rows``: by week, the newest first, then by line, then by calls and reports, the most first. ``said_nothing``: what was not
    understood and has no two words that mean something; ``left_out``: wordings beyond what is clustered at once."""

    rows: tuple[Ranked, ...]
    topics: tuple[Topic, ...]
    said_nothing: int = 0
    left_out: int = 0


def gaps_of(found: Iterable[Conversation]) -> tuple[list[Gap], int]:
    """What went wrong in these conversations, and how often nothing was said that could be a question."""
    gaps = []
    nothing = 0
    for one in found:
        for question in one.questions:
            if question.doubts:
                reason = question.doubts[0]
            elif question.became in {"passed on", "not understood", "denied"}:
                reason = question.became
                if not says_something(question.heard):
                    nothing += 1
                    continue
            else:
                continue
            call = one.call
            gaps.append(
                Gap(
                    call.call,
                    call.caller,
                    call.line,
                    week_of(call.arrived),
                    question.at,
                    wording(question.heard),
                    reason,
                    question.entry,
                )
            )
    return gaps, nothing


def reported(
    errors: Iterable[ReportedError], base: KnowledgeBase, found: Sequence[Conversation]
) -> list[Gap]:
    """Open errors as gaps: in the words of the call in which the entry was spoken, else in the entry's first question."""
    spoken = {
        (one.call.call, question.entry): (one, question)
        for one in found
        for question in one.questions
        if question.answered and canonical(wording(question.heard))
    }
    gaps = []
    for error in errors:
        entry = base.by_id.get(error.id)
        if behind := spoken.get((error.call or "", error.id)):
            one, question = behind
            caller, line, said = one.call.caller, one.call.line, wording(question.heard)
        else:
            caller, line = "", entry.line if entry else CITY_LINE
            said = entry.title if entry else wording(error.text)
        gaps.append(Gap(error.call, caller, line, week_of(error.at), error.at, said, REPORTED, error.id))
    return gaps


def report(
    gaps: Sequence[Gap], base: KnowledgeBase, weeks: Sequence[str], *, top: int, nothing: int = 0
) -> Report:
    """The ``top`` clusters of each of these weeks and each line.

    ``weeks``: the oldest first, of which the first only tells what was before. A gap without a word stands under its entry's title;
    one that has none is added to ``nothing``.
    """
    titles = {entry.id: entry.title for entry in base}
    worded = [
        (gap, gap.wording if canonical(gap.wording) else titles.get(gap.entry or "", "")) for gap in gaps
    ]
    usable = [(gap, text) for gap, text in worded if canonical(text) and gap.week in set(weeks)]
    nothing += sum(not canonical(text) for _, text in worded)
    asked = Counter(canonical(text) for _, text in usable)
    known = [canonical(question) for entry in base for question in entry.questions]
    found = clusters(asked, known)
    place = {text: number for number, cluster in enumerate(found) for text in cluster.wordings}
    groups: dict[tuple[str, str, int], list[Gap]] = defaultdict(list)
    for gap, text in usable:
        if canonical(text) in place:
            groups[gap.week, gap.line, place[canonical(text)]].append(gap)
    rows = _best(_ranked(groups, weeks), top)
    shown = sorted({row.topic for row in rows})
    behind: dict[int, list[tuple[Gap, str]]] = defaultdict(list)
    for gap, text in usable:
        if canonical(text) in place:
            behind[place[canonical(text)]].append((gap, text))
    describe = _describer(base)
    topics = tuple(describe(behind[number], found[number].middle) for number in shown)
    numbers = {number: order for order, number in enumerate(shown)}
    rows = [
        Ranked(row.week, row.line, numbers[row.topic], row.calls, row.reports, row.before, row.gaps)
        for row in rows
    ]
    return Report(tuple(rows), topics, nothing, max(0, len(asked) - MOST))


def _ranked(groups: dict[tuple[str, str, int], list[Gap]], weeks: Sequence[str]) -> list[Ranked]:
    before = dict(zip(weeks[1:], weeks, strict=False))
    rows = []
    for (week, line, topic), several in groups.items():
        if week not in before:
            continue
        calls, reports = _counted(several)
        rows.append(
            Ranked(
                week,
                line,
                topic,
                calls,
                reports,
                sum(_counted(groups.get((before[week], line, topic), []))),
                tuple(sorted(several, key=lambda gap: (gap.at, gap.call or "", gap.wording))),
            )
        )
    order = {week: -number for number, week in enumerate(weeks)}
    return sorted(
        rows, key=lambda row: (order[row.week], row.line, -row.calls - row.reports, row.before, row.topic)
    )


def _counted(gaps: Sequence[Gap]) -> tuple[int, int]:
    calls = {gap.call for gap in gaps if gap.call is not None}
    return len(calls), sum(gap.call is None for gap in gaps)


def _best(rows: Sequence[Ranked], top: int) -> list[Ranked]:
    taken: Counter[tuple[str, str]] = Counter()
    kept = []
    for row in rows:
        taken[row.week, row.line] += 1
        if taken[row.week, row.line] <= top:
            kept.append(row)
    return kept


# ── what a cluster is about ──────────────────────────────────────────────────────────────────────────────────


def _describer(base: KnowledgeBase) -> Callable[[Sequence[tuple[Gap, str]], str], Topic]:
    """Who describes clusters one after the other: no two drafts have the same id or question."""
    matcher = NgramMatcher(base)
    taken = {_bare(question) for entry in base for question in entry.questions}
    ids = {entry.id for entry in base}
    owners = _owners(base)

    def describe(behind: Sequence[tuple[Gap, str]], middle: str) -> Topic:
        often = Counter(text for _, text in behind)
        texts = sorted(often, key=lambda text: (-often[text], len(text), text))
        shown = next(text for text in texts if canonical(text) == middle)
        match = matcher.match(shown)
        nearest = Nearest(base.by_id[match.best.entry], match.best.score) if match.best else None
        line = _line(behind, nearest)
        owner = owners.get(line, NOBODY)
        if nearest is not None and nearest.entry.line == line:
            owner = nearest.entry.owner
        new = _questions([shown, *texts], taken)
        draft = None
        if new:
            draft = Entry(_identity(new[0], ids), new, TO_WRITE, line=line, owner=owner)
        return Topic(shown, tuple(texts), nearest, draft)

    return describe


def _line(behind: Sequence[tuple[Gap, str]], nearest: Nearest | None) -> str:
    """Whose matter it is: the line that most called, and where that is the city's own, the nearest entry's if it is near at all."""
    called = Counter(gap.line for gap, _ in behind if _LINE.fullmatch(gap.line))
    line = min(called, key=lambda name: (-called[name], name)) if called else CITY_LINE
    if line == CITY_LINE and nearest is not None and nearest.score >= Thresholds().ask_back:
        return nearest.entry.line
    return line


def _owners(base: KnowledgeBase) -> dict[str, str]:
    """Who has most entries of a line."""
    by_line: dict[str, Counter[str]] = defaultdict(Counter)
    for entry in base:
        by_line[entry.line][entry.owner] += 1
    return {line: min(owners, key=lambda owner: (-owners[owner], owner)) for line, owners in by_line.items()}


def _questions(texts: Iterable[str], taken: set[str]) -> tuple[str, ...]:
    """Distinct questions that stand nowhere yet; they are taken then."""
    found: list[str] = []
    for text in texts:
        question = text.replace("…", "")[:LONGEST_QUESTION].strip()
        bare = _bare(question)
        if bare and canonical(question) and bare not in taken and len(found) < MOST_QUESTIONS:
            taken.add(bare)
            found.append(question)
    return tuple(found)


def _identity(question: str, ids: set[str]) -> str:
    """The same for the same question, in every week; another where that is taken."""
    name = "gap." + hashlib.sha256(canonical(question).encode()).hexdigest()[:8]
    number = 1
    while (identity := name if number == 1 else f"{name}-{number}") in ids:
        number += 1
    ids.add(identity)
    return identity


def _bare(question: str) -> str:
    """As `asr.knowledge.faults_of` compares questions."""
    return re.sub(r"[\s\W]+", "", question)


__all__ = ["PLACEHOLDER", "Gap", "Nearest", "Ranked", "Report", "Topic", "gaps_of", "report", "reported"]
