"""A call on its way from the carrier to the queue: the number plan's decision, gone through step by step."""

from __future__ import annotations

from typing import assert_never

from acd import handover, nuisance, passes, speaking, taping, transcribing
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
from acd.placing import NoRoom, arrives, room_after, room_for, skip_hopeless, wished
from acd.state import State
from ivr.flow import Converse, Enqueue, Flow, LetGo, Menu, Say, Try, flow_for
from ivr.run import FlowRun

NO_CHANNEL = 34
"""Q.850: no circuit or channel available; the carrier hears 503"""


def offered(s: State, fact: CallOffered) -> None:
    """A carrier offers a call: refused when the trunk is full, otherwise led by the number plan."""
    if fact.call in s.calls or s.is_over(fact.call):
        return
    room = s.has_channel(fact.trunk)
    call = _admit(s, fact)
    if (
        not room and not call.urgent
    ):  # an emergency is never refused for our own count: the carrier has brought it
        call.turned_away = True
        s.refusals.count(f"trunk {fact.trunk}", s.now)
        call.because += (f"Trunk {fact.trunk} has no free channel: refused with 503.",)
        s.order(Refuse(call.call, NO_CHANNEL))
        close(s, call, NO_CHANNEL)
        return
    nuisance.arrived(s, call)
    proceed(s, call)


def returned(s: State, fact: CallReturned) -> None:
    """The fallback gave the caller back: on at the place that the call had, a new one straight to the seats."""
    call = s.calls.get(fact.call)
    if call is None:
        if s.is_over(fact.call) and not _given_up_too_early(s, fact.call):
            s.order(HangUp(fact.call))
            return
        call = _admit(s, fact)
        call.by_fallback = True
    if call.direction == "out":
        return  # what a seat dials never comes to the fallback
    speaking.finish(s, call, "failed")
    match call.state:
        case CallState.OFFERED | CallState.IN_FLOW | CallState.PASSING:
            call.answered = s.now if call.answered is None else call.answered
            s.release(call)
            call.run.skip_spoken()
            proceed(s, call)
        case CallState.QUEUED | CallState.RINGING:
            assert call.waits is not None
            s.order(HoldMusic(call.call, call.waits.queue, s.queue(call.waits.queue).music))
            if call.away:
                call.away = False
                s.stand(call)
            if call.state is CallState.RINGING:
                give_back(s, call)
            find_agent(s, call)
        case CallState.TALKING | CallState.LEFT | CallState.ASKED | CallState.PASSED | CallState.CLOSED:
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
    decision = s.setup.plan.route(fact.called, fact.diverted, fact.trunk, s.now, fact.line)
    came_along = handover.came_along(fact.reference, fact.note)
    queue = decision.wait.queue if decision.wait else None
    greeting = s.queue(queue).greeting if queue else ()
    if queue:
        greeting = (*s.setup.days.at(s.now), *s.setup.greetings.get(decision.number or "", greeting))
    if not decision.urgent:
        told = (*taping.notice(s, decision.number, queue), *transcribing.notice(s, queue))
        greeting = (*told, *greeting)
    call = Call(
        call=fact.call,
        trunk=fact.trunk,
        called=fact.called,
        caller=fact.caller,
        arrived=s.now,
        run=FlowRun(flow_for(decision, greeting, speaking.offer(s, decision))),
        line=decision.number,
        line_name=decision.name or "",
        treatment=decision.treatment,
        because=(*decision.because, came_along) if came_along else decision.because,
        reference=fact.reference or None,
        note=fact.note,
        urgent=decision.urgent,
        remark=decision.remark,
    )
    s.take_on(call)
    s.load[call.trunk] += 1
    arrives(s, call)
    return call


def prompt_finished(s: State, fact: PromptFinished) -> None:
    """What was said has been heard: the next step."""
    call = s.calls.get(fact.call)
    if call and call.state is CallState.IN_FLOW and not isinstance(call.run.step, LetGo):
        if (
            not call.turned_away and call.outcome is None
        ):  # the greeting's end counts, not that of the words with which he was turned away
            call.prompt_ended = s.now
        if isinstance(call.run.step, Say):
            transcribing.heard(s, call, call.run.step.prompts)
        call.run.advance(fact.key)
        proceed(s, call)


def pass_answered(s: State, fact: PassAnswered) -> None:
    """The far end has the caller."""
    call = s.calls.get(fact.call)
    if call and call.state is CallState.PASSING:
        call.move(CallState.PASSED)
        call.passes = passes.answered(call.passes, s.now)
        if call.answered is None:
            call.answered = s.now
        taping.begin(s, call)


def pass_failed(s: State, fact: PassFailed) -> None:
    """The far end did not take the call: the next way, the overflow to our seats, or the farewell."""
    call = s.calls.get(fact.call)
    if call and call.state is CallState.PASSING:
        call.because += (f"{call.passed_to} over trunk {call.out_trunk} did not take the call ({fact.why}).",)
        call.passes = passes.over(call.passes, s.now, fact.why)
        call.remark = handover.remark(call.treatment, fact.why)
        public = call.out_trunk is not None and not s.setup.plan.is_link(call.out_trunk)
        s.release(call)
        call.run.advance()
        if public and passes.was_there(fact.why):
            _leave_out_carriers(s, call)
        proceed(s, call)


def _leave_out_carriers(s: State, call: Call) -> None:
    """A carrier reached the line's people, who did not take the call: another one would ring the same people again, for as
    long. An emergency is tried over each."""
    while isinstance(step := call.run.step, Try) and not step.always and not s.setup.plan.is_link(step.trunk):
        call.because += (f"Not asked again over trunk {step.trunk}: the same people.",)
        call.run.advance()


def caller_hung_up(s: State, fact: CallerHungUp) -> None:
    """The caller's channel is gone, whoever ended it."""
    if call := s.calls.get(fact.call):
        close(s, call, fact.cause)


def _answer(s: State, call: Call) -> None:
    if call.answered is None:
        call.answered = s.now
        s.order(Answer(call.call))


def proceed(s: State, call: Call) -> None:
    """Carry out the step that is on, and those behind it that take no time."""
    while True:
        step = call.run.step
        match step:
            case Say():
                _speak(s, call, Play(call.call, step.prompts))
            case Menu():
                _speak(s, call, Play(call.call, (step.prompt,), step.keys, step.wait_ms))
            case Converse() if not speaking.possible(s, call):
                call.run.advance()
                continue
            case Converse():
                _answer(s, call)
                call.move(CallState.IN_FLOW)
                speaking.begin(s, call, "greeting", step.offer)
            case Try():
                if not s.has_channel(step.trunk) and not (step.always and step.trunk in s.setup.trunks):
                    call.passes = passes.asked(call.passes, step.trunk, step.number, s.now, "no channel")
                    call.remark = handover.remark(call.treatment, "no channel")
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
    along = handover.taken_along(s, call, step.trunk)
    call.passes = passes.asked(call.passes, step.trunk, step.number, s.now)
    s.order(PassOn(call.call, step.trunk, step.number, step.ring_ms, call.shown, along))


def _enqueue(s: State, call: Call, step: Enqueue) -> None:
    call.sought = step
    found = room_for(s, call, wished(s, call, step))
    if isinstance(found, NoRoom):
        no_room(s, call, found)
        return
    step = found
    _answer(s, call)
    call.move(CallState.QUEUED)
    call.waits, call.queued, call.widened = step, s.now, 0
    call.priority = step.priority
    s.counted += 1
    call.order = s.counted
    s.waiting[step.queue] += 1
    skip_hopeless(s, call)
    s.stand(call)
    s.order(HoldMusic(call.call, step.queue, s.queue(step.queue).music))
    s.begin_words(call)
    find_agent(s, call)
    widen_due(s, call)


def widen_due(s: State, call: Call) -> None:
    """Steps that follow at once: who was asked first is not free."""
    while call.state is CallState.QUEUED and not call.away and not s.blind:
        assert call.waits is not None
        assert call.queued is not None
        following = call.waits.needs[call.widened + 1 :]
        if not following or call.queued + following[0].after_ms > s.now:
            return
        widen(s, call)


def widen(s: State, call: Call) -> None:
    """The next step of the call's needs comes into force. It keeps its place."""
    assert call.waits is not None
    s.leave(call)
    call.widened += 1
    skip_hopeless(s, call)
    s.stand(call)
    find_agent(s, call)


def waited_too_long(s: State, call: Call) -> None:
    """The queue's limit of waiting is reached."""
    assert call.waits is not None
    found = room_after(s, call)
    s.leave(call)
    s.waiting[call.waits.queue] -= 1
    if isinstance(found, NoRoom):
        no_room(s, call, found)
        return
    call.waits, call.widened, call.moved = found, 0, s.now
    s.waiting[found.queue] += 1
    skip_hopeless(s, call)
    s.stand(call)
    s.order(HoldMusic(call.call, found.queue, s.queue(found.queue).music))
    find_agent(s, call)
    widen_due(s, call)


def no_room(s: State, call: Call, found: NoRoom) -> None:
    """There is no place for the caller: counted by its reason, and said politely. Who is to be called back is `acd.callback`'s."""
    s.refusals.count(found.why, s.now)
    turn_away(s, call, found.notice)


def turn_away(s: State, call: Call, notice: tuple[str, ...]) -> None:
    """There is no place: said politely, counted as refused."""
    call.turned_away = True
    rest: Flow = (Say(notice), LetGo()) if notice else (LetGo(),)
    call.run = FlowRun(rest)
    proceed(s, call)


def _let_go(s: State, call: Call, step: LetGo) -> None:
    if call.state is not CallState.IN_FLOW:
        call.move(CallState.IN_FLOW)
    s.order(HangUp(call.call, step.cause))
    s.expect_end(call)
