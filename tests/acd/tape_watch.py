"""Watches the orders about recordings: what the switch would have open, and whether that is what was promised."""

from __future__ import annotations

from collections.abc import Sequence

from acd.calls import CallState
from acd.messages import (
    Command,
    PauseRecording,
    RecordingFailed,
    ResumeRecording,
    StartRecording,
    StopRecording,
)
from acd.recording import RUNNING, Tape
from acd.state import State


class TapeWatch:
    """The files that are open in the switch, by call, and whether silence is written."""

    def __init__(self) -> None:
        self.open: dict[str, bool] = {}
        """calls whose files are open: paused or not"""
        self.files: set[str] = set()

    def took(self, event: object, orders: Sequence[Command]) -> None:
        """Follow a fact's orders. Each must make sense as things are in the switch."""
        for order in orders:
            match order:
                case StartRecording():
                    again = isinstance(event, RecordingFailed) and event.call == order.call
                    assert order.call not in self.open or again, "recorded twice at once"
                    assert not self.files & set(order.names), "a file is overwritten"
                    self.files |= set(order.names)
                    self.open[order.call] = False
                case StopRecording():
                    assert order.call in self.open
                    del self.open[order.call]
                case PauseRecording():
                    assert self.open[order.call] is False
                    self.open[order.call] = True
                case ResumeRecording():
                    assert self.open[order.call] is True
                    self.open[order.call] = False
                case _:
                    pass

    def agrees(self, s: State) -> None:
        """What the engine thinks is what the orders have made."""
        for gone in self.open.keys() - s.calls.keys():
            del self.open[gone]  # the caller has hung up: the switch has closed the file by itself
        for call in s.calls.values():
            tape = call.recording.tape if call.recording else None
            assert (tape in RUNNING) == (call.call in self.open), f"{tape}, {self.open}"
            assert (tape is Tape.PAUSED) == self.open.get(call.call, False)
            if tape is not None:
                halted = tape in {Tape.HALTED, Tape.HALTED_PAUSED}
                if call.state in {CallState.TALKING, CallState.PASSED}:
                    assert halted <= (s.recording_halted is not None), (
                        "the disk is well, and nothing is recorded"
                    )
                assert (call.recording is not None and call.recording.pause_ends is not None) == (
                    tape in {Tape.PAUSED, Tape.HALTED_PAUSED}
                )
