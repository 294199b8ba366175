"""What a caller thinks of the service: asked by keypad when the seat has hung up, and never at the seat's cost.

The survey is at a *step*. ``MOVES`` says to which step a happening leads; what does not stand in the table is passed over. The
seat's wrap-up has begun when the first question is asked, and is not touched by any of this.
"""

from __future__ import annotations

from enum import StrEnum

from acd.calls import Call, CallState
from acd.floor import agent_answered, begin_wrap_up, find_agent, give_back
from acd.messages import (
    AgentAnswered,
    HangUp,
    HoldMusic,
    Millis,
    OpinionRecorded,
    Play,
    PromptFinished,
    RecordOpinion,
    SeatLeft,
)
from acd.setup import SurveySetup
from acd.state import State
from dialplans.decision import Treatment

GRACE_MS: Millis = 60_000
"""how long words may take, beside the pauses that were ordered"""
KEYS = "0123456789*#"
"""any key ends the words: also the wrong one, so that it can be said to be wrong"""


class Step(StrEnum):
    """How far a survey is."""

    RATING = "rating"
    """the grades are told, a key is waited for"""
    AGAIN = "again"
    """the same once more, after a wrong key"""
    OPINION = "opinion"
    """the caller is told that he may say more after the tone"""
    RECORDING = "recording"
    """he says it"""
    THANKS = "thanks"
    """for the grade"""
    FAREWELL = "farewell"
    """without a grade"""
    OVER = "over"
    """the caller is let go"""


S = Step

MOVES: dict[Step, dict[str, Step]] = {
    S.RATING: {"grade": S.THANKS, "grade, open": S.OPINION, "wrong key": S.AGAIN, "silence": S.FAREWELL},
    S.AGAIN: {"grade": S.THANKS, "grade, open": S.OPINION, "wrong key": S.FAREWELL, "silence": S.FAREWELL},
    S.OPINION: {"heard": S.RECORDING, "key": S.THANKS},
    S.RECORDING: {"recorded": S.THANKS},
    S.THANKS: {"heard": S.OVER},
    S.FAREWELL: {"heard": S.OVER},
    S.OVER: {},
}
"""To which step a happening leads."""


def seat_left(s: State, fact: SeatLeft) -> None:
    """The seat hung up and the caller is in our hands: he is asked, or let go; never left in silence."""
    call = s.calls.get(fact.call)
    if call is None:
        s.order(HangUp(fact.call))
        return
    match call.state:
        case CallState.RINGING if fact.agent == call.agent:
            agent_answered(s, AgentAnswered(call.call, fact.agent))  # word of the answer has been lost
            _leave(s, call)
        case CallState.TALKING:
            _leave(s, call)
        case CallState.LEFT:
            pass
        case CallState.QUEUED | CallState.RINGING if (
            not call.away
        ):  # he was taken from the seat, and waits again
            assert call.waits is not None
            s.order(HoldMusic(call.call, call.waits.queue))
            if call.state is CallState.RINGING:
                give_back(s, call)
            find_agent(s, call)
            return
        case _:
            return
    if not begin(s, call):
        s.order(HangUp(call.call))
        s.expect_end(call)


def _leave(s: State, call: Call) -> None:
    call.move(CallState.LEFT)
    call.ended = s.now
    begin_wrap_up(s, call)


def begin(s: State, call: Call) -> bool:
    """Ask a caller whose seat is gone and who is in our hands, inside a session. ``False``: there is nothing to ask, let him go.

    The call is LEFT (or about to be): it is ASKED afterwards, and ends by itself.
    """
    survey = s.setup.survey
    if not on(survey, call.line, call.waits.queue if call.waits else ""):
        return False
    if why := _why_not(s, survey, call):
        call.because += (f"Not asked about the service: {why}.",)
        return False
    if call.state is not CallState.LEFT:
        call.move(CallState.LEFT)
    call.move(CallState.ASKED)
    call.gone_by = None
    s.timers.drop("gone", call.call)
    call.asked = True
    _enter(s, call, Step.RATING)
    return True


def on(survey: SurveySetup, line: str | None, queue: str) -> bool:
    """Is the survey on for this line, or else for this queue, or else for the city?"""
    return survey.lines.get(line or "", survey.queues.get(queue, survey.default))


def _why_not(s: State, survey: SurveySetup, call: Call) -> str | None:
    if call.direction == "out":
        return "a seat called"
    if call.urgent or call.treatment == Treatment.EMERGENCY:
        return "an emergency"
    if any(_to_emergency(s, done.to) or _to_emergency(s, done.number or "") for done in call.transfers):
        return "an emergency centre was brought in"
    if call.seat_answered is None:
        return "no seat answered"
    talked = (s.now if call.ended is None else call.ended) - call.seat_answered
    if talked < survey.min_talk_ms:
        return f"{talked / 1000:.0f} s of talk are below {survey.min_talk_ms / 1000:g} s"
    return None


def _to_emergency(s: State, number: str) -> bool:
    return bool(number) and s.setup.plan.route(number, (), "", s.now).treatment is Treatment.EMERGENCY


# ── what the caller says ─────────────────────────────────────────────────────────────────────────────────────


def prompt_finished(s: State, fact: PromptFinished) -> None:
    """The words of a step have been heard, or a key was pressed."""
    call = s.calls.get(fact.call)
    if call is None or call.state is not CallState.ASKED or call.asking is None:
        return
    match Step(call.asking):
        case Step.RATING | Step.AGAIN:
            _happen(s, call, _graded(s, call, fact.key))
        case Step.OPINION:
            _happen(s, call, "heard" if fact.key is None else "key")
        case _:
            _happen(s, call, "heard")


def _graded(s: State, call: Call, key: str | None) -> str:
    survey = s.setup.survey
    if key is None:
        return "silence"
    if (grade := survey.grades.get(key)) is None:
        return "wrong key"
    call.rating = grade
    call.because += (f"The caller rated the service {grade} of 5.",)
    return "grade, open" if grade in survey.open_after else "grade"


def opinion_recorded(s: State, fact: OpinionRecorded) -> None:
    """The open answer is over."""
    call = s.calls.get(fact.call)
    if call and call.state is CallState.ASKED and call.asking == Step.RECORDING:
        if not fact.kept:
            call.opinion = None
        _happen(s, call, "recorded")


def overdue(s: State, call: Call) -> None:
    """No word of a step long after its time: the caller is let go."""
    if call.state is CallState.ASKED:
        _enter(s, call, Step.OVER)


# ── what is ordered ──────────────────────────────────────────────────────────────────────────────────────────


def _happen(s: State, call: Call, event: str) -> None:
    assert call.asking is not None
    step = MOVES[Step(call.asking)].get(event)
    if step is not None:
        _enter(s, call, step)


def _enter(s: State, call: Call, step: Step) -> None:
    survey = s.setup.survey
    call.asking = step
    match step:
        case Step.RATING:
            _say(s, call, survey.ask, KEYS, survey.wait_ms)
        case Step.AGAIN:
            _say(s, call, (*survey.wrong, *survey.ask), KEYS, survey.wait_ms)
        case Step.OPINION:
            _say(s, call, survey.open_ask, KEYS)
        case Step.RECORDING:
            call.opinion = (
                f"{call.call}.wav"  # whoever hangs up behind his last word has said it all the same
            )
            s.order(RecordOpinion(call.call, call.opinion, survey.open_ms, survey.silence_ms))
            _expect_word(s, call, survey.open_ms)
        case Step.THANKS:
            _say(s, call, survey.thanks)
        case Step.FAREWELL:
            _say(s, call, survey.farewell)
        case Step.OVER:
            call.ask_until = None
            s.timers.drop("asking", call.call)
            s.order(HangUp(call.call))
            s.expect_end(call)


def _say(s: State, call: Call, prompts: tuple[str, ...], keys: str = "", wait_ms: Millis = 0) -> None:
    s.order(Play(call.call, prompts, keys, wait_ms, served=True))
    _expect_word(s, call, wait_ms)


def _expect_word(s: State, call: Call, pause_ms: Millis) -> None:
    call.ask_until = s.now + pause_ms + GRACE_MS
    s.timers.set("asking", call.call, call.ask_until)


def told(survey: SurveySetup) -> str:
    """What a caller is asked, for ``trace``."""
    keys = ", ".join(f"{key} = {grade}" for key, grade in sorted(survey.grades.items()))
    least = f" after a talk of {survey.min_talk_ms / 1000:g} s or more" if survey.min_talk_ms else ""
    more = ""
    if survey.open_after:
        grades = " or ".join(str(grade) for grade in sorted(survey.open_after))
        more = f"; after a {grades} what he says is recorded, {survey.open_ms / 1000:g} s at most"
    return (
        f"When the seat hangs up, the caller is asked about the service{least} (grade by key: {keys}){more}."
    )
