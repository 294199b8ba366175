"""The orders about recordings, as AMI actions on the caller's channel, or on that of a seat which talks to a third party aside.

MixMonitor follows the channel through every Redirect, keeps only what is heard in a bridge or a room (option ``b``), and closes
its file when the channel hangs up. It is started after the answer: nothing of it stands between a caller and a seat.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine

from acd.messages import Command, PauseRecording, ResumeRecording, StartRecording, StopRecording
from hotline.lines import Line
from hotline.logs import logger
from hotline.recordings import Shelf
from trunks.live import ACTION_S, ActionRefused, SwitchFault, SwitchLink

_log = logger("recordings")


class Tapes:
    """Starts, stops, pauses and resumes recordings. ``shelf`` ``None``: nothing is recorded here."""

    def __init__(
        self,
        line: Callable[[str], Line | None],
        link: Callable[[], SwitchLink | None],
        spawn: Callable[[Coroutine[None, None, None]], None],
        seat: Callable[[str], str | None] = lambda _call: None,
    ) -> None:
        self._seat = seat
        self._aside: dict[str, str] = {}
        """the seats' channels that are recorded while they talk to a third party aside, by call"""
        self.shelf: Shelf | None = None
        self._line = line
        self._link = link
        self._spawn = spawn

    def carry_out(self, command: Command) -> None:
        """Carry out one order; a call whose channel is gone needs none. `RecordingsKeeper` finds out a recording that does not
        begin."""
        match command:
            case StartRecording():
                if command.aside and (seat := command.channel or self._seat(command.call)):
                    self._aside[command.call] = seat
                self._act(command, "MixMonitor", **self._files(command.names))
            case StopRecording():
                self._act(command, "StopMixMonitor")
                if command.aside:
                    self._aside.pop(command.call, None)
            case PauseRecording():
                self._act(command, "MixMonitorMute", Direction="both", State="1")
            case ResumeRecording():
                self._act(command, "MixMonitorMute", Direction="both", State="0")
            case _:
                raise AssertionError(f"no order about recordings: {command}")

    def _files(self, names: tuple[str, ...]) -> dict[str, str]:
        """MixMonitor's fields. A raw file's name has no comma or bracket, and a home that has one gives no dialplan."""
        if self.shelf is None:
            return {}
        raw = [str(self.shelf.raw(name)) for name in names]
        if len(raw) == 1:
            return {"File": raw[0], "Options": "b"}
        caller, other = raw
        return {"Options": f"br({caller})t({other})"}

    def _act(
        self,
        command: StartRecording | StopRecording | PauseRecording | ResumeRecording,
        action: str,
        **fields: str,
    ) -> None:
        line = self._line(command.call)
        if command.aside:  # a new engine knows of no start
            channel = self._aside.get(command.call) or self._seat(command.call)
        else:
            channel = line.channel if line is not None else None
        if channel and self.shelf is not None:
            self._spawn(self._send(channel, action, fields))

    async def _send(self, channel: str, action: str, fields: dict[str, str]) -> None:
        link = self._link()
        if link is None:
            return
        try:
            await link.action(action, ACTION_S, Channel=channel, **fields)
        except ActionRefused as why:
            if action != "StopMixMonitor":  # with the channel its file was closed
                _log.warning("the switch did not do it", action=action, channel=channel, why=str(why))
        except SwitchFault as why:  # no survey for this: the call goes on
            _log.warning("the switch did not do it", action=action, channel=channel, why=str(why))
