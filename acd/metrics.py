"""Answer rate, service level, speed of answer and occupancy from call records.

Published rates disagree on their denominators, so a `Formula` is chosen and every figure says in words, in
English and in Chinese, what it was divided by. The default is the strict one: nobody who asked for a seat
is left out.

A call *asked for a seat* when it was answered by one, reached a queue, or was abandoned or lost on the way
to one (in the greeting, say). A call that was refused for want of a channel, passed on or told a notice did
not ask, nor did one whose questions the machine answered.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from acd.messages import CallRecord, Millis

Since = Literal["queued", "answered", "arrived"]
Over = Literal["asked", "queued", "offered", "answered"]


@dataclass(frozen=True, slots=True)
class Formula:
    """How the rates are formed.

    ``over``, the denominator: ``asked`` (every call that asked for a seat), ``queued`` (only those that
    heard the greeting to its end and reached a queue), ``offered`` (also the calls refused for want of a
    channel or a place), ``answered`` (for the service level and the speed of answer; the answer rate, which
    would always be 1, is then over ``asked``). ``leave_out_short_ms``: calls abandoned before this much
    waiting are left out; 0: none. ``since``: from where waiting counts: the ``queued`` moment, the moment
    the switch ``answered`` (so that the spoken prompt counts), or when the call ``arrived``.
    """

    over: Over = "asked"
    leave_out_short_ms: Millis = 0
    since: Since = "queued"

    def __post_init__(self) -> None:
        if self.leave_out_short_ms < 0:
            raise ValueError(
                f"leave_out_short_ms: {self.leave_out_short_ms} is below 0; give 0 to leave none out"
            )


STRICT = Formula()


@dataclass(frozen=True, slots=True)
class Rate:
    """A share, and what it is a share of. ``value`` is ``None`` where nothing is to be divided by."""

    numerator: int
    denominator: int
    means: str
    means_zh: str

    @property
    def value(self) -> float | None:
        return self.numerator / self.denominator if self.denominator else None

    def __str__(self) -> str:
        share = "-" if self.value is None else f"{self.value:.2%}"
        return f"{share} ({self.numerator} / {self.denominator}: {self.means})"

    def zh(self) -> str:
        """The same in Chinese."""
        share = "-" if self.value is None else f"{self.value:.2%}"
        return f"{share}({self.numerator} / {self.denominator}:{self.means_zh})"


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean duration in ms over ``count`` calls. ``value`` is ``None`` where there are none."""

    total_ms: Millis
    count: int
    means: str
    means_zh: str

    @property
    def value(self) -> float | None:
        return self.total_ms / self.count if self.count else None

    def __str__(self) -> str:
        mean = "-" if self.value is None else f"{self.value / 1000:.1f} s"
        return f"{mean} ({self.count} calls: {self.means})"

    def zh(self) -> str:
        """The same in Chinese."""
        mean = "-" if self.value is None else f"{self.value / 1000:.1f} 秒"
        return f"{mean}({self.count} 个来电:{self.means_zh})"


@dataclass(frozen=True, slots=True)
class Figures:
    """A period in figures. The counts obey offered = answered + abandoned + refused + passed + told +
    lost + barred + called_back + contained."""

    offered: int
    answered: int
    abandoned: int
    refused: int
    passed: int
    told: int
    lost: int
    asked: int
    answer_rate: Rate
    service_level: Rate
    abandon_rate: Rate
    block_rate: Rate
    speed_of_answer: Mean
    occupancy: Rate | None
    barred: int = 0
    called_back: int = 0
    contained: int = 0


def measure(
    records: Iterable[CallRecord],
    *,
    start: Millis,
    end: Millis,
    formula: Formula = STRICT,
    within_ms: Millis = 15_000,
    staffed_ms: Millis | None = None,
) -> Figures:
    """The calls that arrived from ``start`` up to, but not at, ``end``.

    ``staffed_ms``: the time that agents were signed on and not on a break in that period, all together;
    without it there is no occupancy (records do not know who sat idle).
    """
    records = list(records)
    # What a seat dials, or is dialled for it, is nobody who called: it counts as work (occupancy), and in no rate.
    calls = [record for record in records if start <= record.arrived < end and record.direction == "in"]
    kinds = (
        "answered",
        "abandoned",
        "refused",
        "passed",
        "told",
        "lost",
        "barred",
        "called_back",
        "contained",
    )
    count = dict.fromkeys(kinds, 0)
    for call in calls:
        count[call.disposition.replace(" ", "_")] += 1
    return Figures(
        offered=len(calls),
        asked=sum(map(asked_for_seat, calls)),
        answer_rate=answer_rate(calls, formula),
        service_level=service_level(calls, within_ms, formula),
        abandon_rate=abandon_rate(calls, formula),
        block_rate=block_rate(calls),
        speed_of_answer=speed_of_answer(calls, formula),
        occupancy=None if staffed_ms is None else occupancy(records, staffed_ms, start=start, end=end),
        **count,
    )


def asked_for_seat(call: CallRecord) -> bool:
    """Did this call ask for a seat of 12345's? (See the head of this module.)"""
    if call.disposition == "contained":
        return False
    if call.disposition == "answered" or call.queue is not None or call.queued is not None:
        return True
    return call.disposition in {"abandoned", "lost"} and call.passed_to is None


def wait_ms(call: CallRecord, since: Since = "queued") -> Millis | None:
    """How long the caller waited: until a seat answered, or else until the end. ``None``: not known.

    A caller who never got as far as ``since`` (hung up in the greeting) waited 0.
    """
    begin = {"queued": call.queued, "answered": call.answered, "arrived": call.arrived}[since]
    until = call.seat_answered
    if until is None:
        if call.disposition == "answered":
            return None  # served by the switch alone: it did not say when
        until = call.ended
        begin = until if begin is None else begin
    if begin is None or until is None:
        return None
    return max(0, until - begin)


def answer_rate(calls: Sequence[CallRecord], formula: Formula = STRICT) -> Rate:
    """接通率: calls answered by a seat / the formula's denominator."""
    over: Over = "asked" if formula.over == "answered" else formula.over
    base, en, zh = _base(calls, formula, over)
    answered = sum(call.disposition == "answered" for call in base)
    return Rate(answered, len(base), f"answered by a seat / {en}", f"人工接通 / {zh}")


def service_level(calls: Sequence[CallRecord], within_ms: Millis, formula: Formula = STRICT) -> Rate:
    """T 秒接通率: calls answered by a seat within ``within_ms`` / the formula's denominator.

    An answered call whose wait is not known (the switch served it alone) does not count as prompt.
    """
    base, en, zh = _base(calls, formula, formula.over)
    prompt = 0
    for call in base:
        wait = wait_ms(call, formula.since)
        prompt += call.disposition == "answered" and wait is not None and wait <= within_ms
    seconds = f"{within_ms / 1000:g}"
    from_en, from_zh = _SINCE[formula.since]
    return Rate(
        prompt,
        len(base),
        f"answered within {seconds} s of {from_en} / {en}",
        f"自{from_zh}起{seconds}秒内人工接通 / {zh}",
    )


def abandon_rate(calls: Sequence[CallRecord], formula: Formula = STRICT) -> Rate:
    """放弃率: callers who hung up before a seat answered / the formula's denominator."""
    over: Over = "asked" if formula.over == "answered" else formula.over
    base, en, zh = _base(calls, formula, over)
    gone = sum(call.disposition == "abandoned" for call in base)
    return Rate(gone, len(base), f"hung up before a seat answered / {en}", f"接通前挂断 / {zh}")


def block_rate(calls: Sequence[CallRecord]) -> Rate:
    """呼损率: calls refused for want of a channel or a place / all calls offered."""
    refused = sum(call.disposition == "refused" for call in calls)
    return Rate(
        refused, len(calls), "refused for want of a channel or a place / all calls offered", "呼损 / 全部呼入"
    )


def speed_of_answer(calls: Sequence[CallRecord], formula: Formula = STRICT) -> Mean:
    """Mean wait. Over ``answered`` it is the trade's ASA; over the others those who gave up count with the
    time they waited."""
    base, en, zh = _base(calls, formula, formula.over)
    waits = [wait for call in base if (wait := wait_ms(call, formula.since)) is not None]
    unknown = len(base) - len(waits)
    if unknown:
        en, zh = f"{en}; {unknown} whose wait is not known left out", f"{zh},另有{unknown}个等待时长不明未计"
    from_en, from_zh = _SINCE[formula.since]
    return Mean(
        sum(waits), len(waits), f"mean wait from {from_en} over {en}", f"自{from_zh}起的平均等待,按{zh}"
    )


def occupancy(
    records: Iterable[CallRecord],
    staffed_ms: Millis,
    *,
    start: Millis,
    end: Millis,
    wrap_up: bool = True,
    ringing: bool = False,
) -> Rate:
    """占用率: time at work on calls / time signed on and not on a break, both in ms and cut to the period.

    Work is talk; wrap-up unless told otherwise; the last ring before the answer if asked for. ``records``
    should hold the calls that reach into the period from before, too.
    """
    busy = 0
    for call in records:
        begin = (call.rung if ringing else None) or call.seat_answered
        if call.seat_answered is None or begin is None:
            continue
        until = (call.wrap_up_ended if wrap_up else None) or call.ended
        if until is not None:
            busy += max(0, min(until, end) - max(begin, start))
    parts_en = ["ringing"] * ringing + ["talk"] + ["wrap-up"] * wrap_up
    parts_zh = ["振铃"] * ringing + ["通话"] + ["话后处理"] * wrap_up
    return Rate(
        busy,
        staffed_ms,
        f"{' + '.join(parts_en)} / signed on without breaks, in ms",
        f"{'+'.join(parts_zh)} / 签入且未小休时长(毫秒)",
    )


_SINCE: dict[Since, tuple[str, str]] = {
    "queued": ("joining the queue", "进入队列"),
    "answered": ("the greeting's start", "播放语音"),
    "arrived": ("arrival", "呼入"),
}


def _base(calls: Sequence[CallRecord], formula: Formula, over: Over) -> tuple[list[CallRecord], str, str]:
    """The calls in the denominator, and what they are in words."""
    match over:
        case "asked":
            base = [call for call in calls if asked_for_seat(call)]
            en, zh = "calls that asked for a seat", "请求人工的来电"
        case "queued":
            base = [call for call in calls if call.queued is not None]
            en, zh = "calls that reached a queue", "进入队列的来电"
        case "offered":
            base = [call for call in calls if asked_for_seat(call) or call.disposition == "refused"]
            en, zh = "calls that asked for a seat or were refused", "请求人工及呼损的来电"
        case "answered":
            base = [call for call in calls if call.disposition == "answered"]
            en, zh = "calls answered by a seat", "人工接通的来电"
    short = formula.leave_out_short_ms
    if short and over != "answered":
        base = [call for call in base if not _short(call, formula)]
        en += f", without those abandoned within {short / 1000:g} s"
        zh += f"(不含{short / 1000:g}秒内放弃)"
    elif over != "answered":
        en, zh = f"all {en}", f"全部{zh}"
    return base, en, zh


def _short(call: CallRecord, formula: Formula) -> bool:
    wait = wait_ms(call, formula.since)
    return call.disposition == "abandoned" and wait is not None and wait < formula.leave_out_short_ms
