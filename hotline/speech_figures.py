"""How the speech self-service does: how many callers it contains, how often it asks back, how often it may have been wrong.

A wrong answer is not seen in a record, only its signs. So there are two readings: the lower counts what callers said no to; the
upper counts, too, whose question a seat had to answer within a day, and a bad rating after an answer. A share's interval is
Wilson's, 95 %.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from hotline.speech_turns import NOT_HELPED, Conversation, SpeechCall, week_of
from hotline.speech_wording import says_something

MOST_SECONDS = 200
"""durations in a scenario's sample; more are joined to so many means of neighbours"""
_REACHED = frozenset({"answered", "abandoned", "refused", "contained"})
"""dispositions of calls that ask for a seat, or would have without the machine"""
_LONGEST_S = 86_400.0
_LINE = re.compile(r"[0-9-]*[0-9][0-9-]*")
"""a name that may stand in a table's head as it is"""


@dataclass(frozen=True, slots=True)
class Share:
    """``count`` of ``of``."""

    count: int
    of: int

    @property
    def value(self) -> float | None:
        return self.count / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Where the true share lies, 95 % (Wilson 1927); None without an observation."""
        if not self.of:
            return None
        from scipy.stats import binomtest

        found = binomtest(self.count, self.of).proportion_ci(0.95, method="wilson")
        return float(found.low), float(found.high)

    def document(self) -> dict[str, Any]:
        """``{"count", "of", "share", "low", "high"}``; ``null`` where nothing was observed."""
        low, high = self.interval or (None, None)
        return {"count": self.count, "of": self.of, "share": self.value, "low": low, "high": high}


@dataclass(frozen=True, slots=True)
class SpeechFigures:
    """Of some conversations that are over.

    ``said_contained``: of the conversations, those whose caller said that he needed nobody any more; ``contained``: with those who
    hung up once they were answered. ``for_good``: of these, where the caller can be followed, those who did not call again within
    a day, whatever for. ``asked_back``: of the ``questions`` (answered,
    asked back, or passed on). ``confirmed``: of those asked back. ``wrong_lower``, ``wrong_upper``: of the answers given.
    ``not_understood``: turns in which nothing was; ``said_something`` of these held words. ``over``: how many ended how,
    ``via``: how many began where. ``median_s``, ``p95_s``: of a conversation, None where none was timed.
    """

    conversations: int
    said_contained: Share
    contained: Share
    for_good: Share
    questions: int
    asked_back: Share
    confirmed: Share
    answers: int
    wrong_lower: Share
    wrong_upper: Share
    passed_on: int
    not_understood: int
    said_something: int
    sms: int
    over: dict[str, int]
    via: dict[str, int]
    median_s: float | None
    p95_s: float | None

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {
            name: value.document() if isinstance(value, Share) else value for name, value in fields.items()
        }


def figures_of(found: Sequence[Conversation]) -> SpeechFigures:
    """The figures of these conversations."""
    over = Counter(one.spoken.over or "" for one in found)
    via = Counter(one.spoken.via for one in found)
    turns = Counter(turn.did for one in found for turn in one.spoken.turns)
    followed = [one for one in found if one.contained and one.again is not None]
    all_asked = [question for one in found for question in one.questions]
    unclear = [question for question in all_asked if question.became == "not understood"]
    asked = [question for question in all_asked if question.became != "not understood"]
    backs = [question for question in asked if question.asked_back]
    answers = [question for question in asked if question.answered]
    seconds = [(one.spoken.ended - one.spoken.began) / 1000 for one in found if one.spoken.ended is not None]
    median, p95 = _quantiles(seconds)
    return SpeechFigures(
        conversations=len(found),
        said_contained=Share(over["contained"], len(found)),
        contained=Share(sum(one.contained for one in found), len(found)),
        for_good=Share(sum(one.again is False for one in followed), len(followed)),
        questions=len(asked),
        asked_back=Share(len(backs), len(asked)),
        confirmed=Share(sum(question.became == "confirmed" for question in backs), len(backs)),
        answers=len(answers),
        wrong_lower=Share(sum(NOT_HELPED in question.doubts for question in answers), len(answers)),
        wrong_upper=Share(sum(bool(question.doubts) for question in answers), len(answers)),
        passed_on=turns["passed on"],
        not_understood=len(unclear),
        said_something=sum(says_something(question.heard) for question in unclear),
        sms=turns["sms"],
        over=dict(sorted(over.items())),
        via=dict(sorted(via.items())),
        median_s=median,
        p95_s=p95,
    )


def by_line(found: Iterable[Conversation]) -> dict[str, SpeechFigures]:
    """By the line that was called."""
    return _grouped((one.call.line, one) for one in found)


def by_week(found: Iterable[Conversation]) -> dict[str, SpeechFigures]:
    """By the week in which the call came in."""
    return _grouped((week_of(one.call.arrived), one) for one in found)


def _grouped(pairs: Iterable[tuple[str, Conversation]]) -> dict[str, SpeechFigures]:
    groups: dict[str, list[Conversation]] = {}
    for name, one in pairs:
        groups.setdefault(name, []).append(one)
    return {name: figures_of(groups[name]) for name in sorted(groups)}


def _quantiles(seconds: Sequence[float]) -> tuple[float | None, float | None]:
    if not seconds:
        return None, None
    import numpy as np

    median, p95 = np.quantile(np.array(seconds), [0.5, 0.95])
    return float(median), float(p95)


# ── for the planner ──────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class ScenarioInputs:
    """A scenario's ``contained``, ``self_service`` and ``self_service_in_vain``, as `simulator.scenario.Line` means them.

    ``contained``: of all calls that ask for a seat or would have, those that the machine contained. Not of the conversations: the
    planner takes a caller who declined the offer for one who was not contained. ``seconds``: of contained calls, from the
    greeting's end to the end of the call, for the planner counts the greeting by itself. ``in_vain``: of the other calls that came
    to a queue, the seconds that they spent with the machine before it; 0 for whoever declined, or asked while waiting, for he
    kept his place.
    """

    contained: Share
    seconds: tuple[float, ...]
    in_vain: tuple[float, ...] = ()


def inputs_of(calls: Iterable[SpeechCall]) -> ScenarioInputs:
    """What these calls say to a planner."""
    asked = contained = 0
    seconds, in_vain = [], []
    for call in calls:
        if not call.contained and call.queued is None and call.disposition not in _REACHED:
            continue
        asked += 1
        if call.contained:
            contained += 1
            if call.speech:
                seconds.append(_since_greeting(call, call.over))
        elif call.queued is not None:
            before = [one.ended for one in call.speech if one.via == "greeting" and one.ended is not None]
            in_vain.append(_since_greeting(call, max(before)) if before else 0.0)
    return ScenarioInputs(Share(contained, asked), tuple(sorted(seconds)), tuple(sorted(in_vain)))


def _since_greeting(call: SpeechCall, end: int) -> float:
    begun = call.speech[0].began
    greeted = begun if call.prompt_ended is None else min(call.prompt_ended, begun)
    return min(max((end - greeted) / 1000, 0.0), _LONGEST_S)


def as_toml(city: str, span: str, everything: ScenarioInputs, lines: dict[str, ScenarioInputs]) -> str:
    """Text for a scenario's file. The lines' tables are comments: a scenario may not have these lines, or by other names."""
    share = everything.contained
    text = [f"# Speech self-service of {city}, {span}: {_told(share)}."]
    text.append("# Put the keys into the scenario's [calls], or this text into a file below `base = ...`.")
    if not share.of:
        text.append("# No call came in: nothing is known.")
    text += ["[calls]", *_keys(everything)]
    for name, inputs in sorted(lines.items()):
        if _LINE.fullmatch(name) is None:
            continue
        text += ["", f"# {_told(inputs.contained)}", f"# [lines.{name}]"]
        text += [f"# {key}" for key in _keys(inputs)]
    return "\n".join(text) + "\n"


def _told(share: Share) -> str:
    if share.interval is None:
        return "0 of 0 calls contained"
    low, high = share.interval
    return f"{share.count} of {share.of} calls contained ({share.count / share.of:.2%}, 95 %: {low:.2%} to {high:.2%})"


def _keys(inputs: ScenarioInputs) -> list[str]:
    keys = [f"contained = {inputs.contained.value or 0.0:.4f}"]
    keys += _duration("self_service", inputs.seconds)
    if any(inputs.in_vain):
        keys += _duration("self_service_in_vain", inputs.in_vain)
    return keys


def _duration(key: str, seconds: Sequence[float]) -> list[str]:
    if len(seconds) > 1:
        shown = ", ".join(f"{second:.1f}" for second in _thinned(seconds))
        return [f'{key} = {{ kind = "empirical", sample_seconds = [{shown}] }}']
    return [f"{key} = {second:.1f}" for second in seconds]


def _thinned(seconds: Sequence[float]) -> list[float]:
    """At most `MOST_SECONDS` durations for these sorted ones, each the mean of as many neighbours, give or take one."""
    if len(seconds) <= MOST_SECONDS:
        return list(seconds)
    import numpy as np

    return [float(part.mean()) for part in np.array_split(np.array(seconds), MOST_SECONDS)]
