"""A call on its way from the carrier to the queue: the number plan's decision, gone through step by step."""

from __future__ import annotations

from typing import assert_never

from acd.calls import Call, CallState
from acd.floor import close, find_agent, give_back
from acd.messages import (
    Answer,
    CallerHungUp,
    CallId,
    CallOffered,
    CallReturned,
    HangUp,
    HoldMusic,
    PassAnswered,
    PassFailed,
    PassOn,
    Play,
    PromptFinished,
    Refuse,
)
from acd.state import State
from ivr.flow import Enqueue, Flow, LetGo, Menu, Say, Try, flow_for
from ivr.run import FlowRun

NO_CHANNEL = 34
"""Q.850: no circuit or channel available; the carrier hears 503"""


def offered(s: State, fact: CallOffered) -> None:
    """A carrier offers a call: refused when the trunk is full, otherwise led by the number plan."""
    if fact.call in s.calls or s.is_over(fact.call):
        return
    room = s.has_channel(fact.trunk)
    call = _admit(s, fact)
    if not room:
        call.turned_away = True
        call.because += (f"Trunk {fact.trunk} has no free channel: refused with 503.",)
        s.order(Refuse(call.call, NO_CHANNEL))
        close(s, call, NO_CHANNEL)
        return
    _go(s, call)


def returned(s: State, fact: CallReturned) -> None:
    """The fallback gave the caller back: on at the place that the call had, a new one straight to the seats."""
    call = s.calls.get(fact.call)
    if call is None:
        if s.is_over(fact.call) and not _given_up_too_early(s, fact.call):
            s.order(HangUp(fact.call))
            return
        call = _admit(s, fact)
        call.by_fallback = True
    match call.state:
        case CallState.OFFERED | CallState.IN_FLOW | CallState.PASSING:
            call.answered = s.now if call.answered is None else call.answered
            s.release(call)
            call.run.skip_spoken()
            _go(s, call)
        case CallState.QUEUED | CallState.RINGING:
            assert call.waits is not None
            s.order(HoldMusic(call.call, call.waits.queue))
            if call.away:
                call.away = False
                s.stand(call)
            if call.state is CallState.RINGING:
                give_back(s, call)
            find_agent(s, call)
        case CallState.TALKING | CallState.LEFT | CallState.PASSED | CallState.CLOSED:
            s.order(HangUp(call.call))
            s.expect_end(call)


def _given_up_too_early(s: State, call: CallId) -> bool:
    """Nobody has served a caller who is at the door again: he is, and the next record takes this one's place."""
    record = s.unstored.get(call)
    if record is None or record.disposition in {"answered", "passed"}:
        return False
    del s.unstored[call]
    return True


def _admit(s: State, fact: CallOffered | CallReturned) -> Call:
    decision = s.setup.plan.route(fact.called, fact.diverted, fact.trunk, s.now)
    queue = decision.wait.queue if decision.wait else None
    greeting = s.queue(queue).greeting if queue else ()
    call = Call(
        call=fact.call,
        trunk=fact.trunk,
        called=fact.called,
        caller=fact.caller,
        arrived=s.now,
        run=FlowRun(flow_for(decision, greeting)),
        line=decision.number,
        line_name=decision.name or "",
        treatment=decision.treatment,
        because=decision.because,
    )
    s.calls[call.call] = call
    s.load[call.trunk] += 1
    return call


def prompt_finished(s: State, fact: PromptFinished) -> None:
    """What was said has been heard: the next step."""
    call = s.calls.get(fact.call)
    if call and call.state is CallState.IN_FLOW and not isinstance(call.run.step, LetGo):
        if (
            not call.turned_away
        ):  # the greeting's end counts, not that of the words with which he was turned away
            call.prompt_ended = s.now
        call.run.advance(fact.key)
        _go(s, call)


def pass_answered(s: State, fact: PassAnswered) -> None:
    """The far end has the caller."""
    call = s.calls.get(fact.call)
    if call and call.state is CallState.PASSING:
        call.move(CallState.PASSED)
        if call.answered is None:
            call.answered = s.now


def pass_failed(s: State, fact: PassFailed) -> None:
    """The far end did not take the call: the next way, the overflow to our seats, or the farewell."""
    call = s.calls.get(fact.call)
    if call and call.state is CallState.PASSING:
        call.because += (f"{call.passed_to} over trunk {call.out_trunk} did not take the call ({fact.why}).",)
        s.release(call)
        call.run.advance()
        _go(s, call)


def caller_hung_up(s: State, fact: CallerHungUp) -> None:
    """The caller's channel is gone, whoever ended it."""
    if call := s.calls.get(fact.call):
        close(s, call, fact.cause)


def _answer(s: State, call: Call) -> None:
    if call.answered is None:
        call.answered = s.now
        s.order(Answer(call.call))


def _go(s: State, call: Call) -> None:
    """Carry out the step that is on, and those behind it that take no time."""
    while True:
        step = call.run.step
        match step:
            case Say():
                _speak(s, call, Play(call.call, step.prompts))
            case Menu():
                _speak(s, call, Play(call.call, (step.prompt,), step.keys, step.wait_ms))
            case Try():
                if not s.has_channel(step.trunk):
                    call.because += (f"Trunk {step.trunk} has no free channel for {step.number}.",)
                    call.run.advance()
                    continue
                _pass_on(s, call, step)
            case Enqueue():
                _enqueue(s, call, step)
            case LetGo():
                _let_go(s, call, step)
            case _:
                assert_never(step)
        return


def _speak(s: State, call: Call, play: Play) -> None:
    _answer(s, call)
    call.move(CallState.IN_FLOW)
    s.order(play)


def _pass_on(s: State, call: Call, step: Try) -> None:
    call.move(CallState.PASSING)
    call.out_trunk, call.passed_to = step.trunk, step.number
    s.load[step.trunk] += 1
    s.order(PassOn(call.call, step.trunk, step.number, step.ring_ms, call.shown))


def _enqueue(s: State, call: Call, step: Enqueue) -> None:
    settings = s.queue(step.queue)
    if settings.max_length is not None and s.waiting[step.queue] >= settings.max_length:
        call.because += (f"Queue {step.queue} is full ({settings.max_length} waiting).",)
        turn_away(s, call, settings.full_notice)
        return
    _answer(s, call)
    call.move(CallState.QUEUED)
    call.waits, call.queued, call.widened = step, s.now, 0
    s.counted += 1
    call.order = s.counted
    s.waiting[step.queue] += 1
    _skip_hopeless(s, call)
    s.stand(call)
    s.order(HoldMusic(call.call, step.queue))
    find_agent(s, call)


def _skip_hopeless(s: State, call: Call) -> None:
    """Nobody who is signed on has what the step in force asks: go to the first step that somebody can serve, if any."""
    assert call.waits is not None
    needs = call.waits.needs
    for i in range(call.widened, len(needs)):
        if s.router.qualified(needs[i].skills):
            call.widened = i
            return


def widen(s: State, call: Call) -> None:
    """The next step of the call's needs comes into force. It keeps its place."""
    assert call.waits is not None
    s.leave(call)
    call.widened += 1
    _skip_hopeless(s, call)
    s.stand(call)
    find_agent(s, call)


def waited_too_long(s: State, call: Call) -> None:
    """The queue's limit of waiting is reached."""
    assert call.waits is not None
    s.leave(call)
    s.waiting[call.waits.queue] -= 1
    turn_away(s, call, s.queue(call.waits.queue).full_notice)


def turn_away(s: State, call: Call, notice: tuple[str, ...]) -> None:
    """There is no place: said politely, counted as refused."""
    call.turned_away = True
    rest: Flow = (Say(notice), LetGo()) if notice else (LetGo(),)
    call.run = FlowRun(rest)
    _go(s, call)


def _let_go(s: State, call: Call, step: LetGo) -> None:
    if call.state is not CallState.IN_FLOW:
        call.move(CallState.IN_FLOW)
    s.order(HangUp(call.call, step.cause))
    s.expect_end(call)
