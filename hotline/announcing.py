"""What a waiting caller hears between stretches of music, on the wire.

The words are played by ``STREAM FILE``, which Asterisk ends at the moment when another command comes down the session, without an
answer of its own (measured on 22.10: 0.4 ms, as long as a command to a caller who hears music). So the order that
ends the waiting is never held up: it needs no word to the control port, and no caller is taken anywhere. ``EXEC
Playback`` can't be cut so; it is not used here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from acd.messages import Announce, AnnouncementOver, Event
from hotline.lines import Line
from ivr.agi import run, stream_file
from ivr.live import AgiSession, SessionOver
from ivr.prompts import sound

COMMAND_S = 10.0
PROMPT_S = 180.0
HOLD = "music/hold"


def announce(line: Line, session: AgiSession, order: Announce, post: Callable[[Event], None]) -> None:
    """Begin to say it; returns at once. `cut` ends it, or the session's end."""
    task = asyncio.get_running_loop().create_task(_say(line, session, order, post))
    line.saying = task
    task.add_done_callback(_quiet)


def cut(line: Line) -> None:
    """Whatever comes next down the line's session follows at once."""
    if line.saying is not None and not line.saying.done():
        line.saying.cancel()
    line.saying = None


async def _say(line: Line, session: AgiSession, order: Announce, post: Callable[[Event], None]) -> None:
    # The music stops by a command of its own, so that the answer to a stream that was cut can't be taken for that of the next.
    await session.execute(run("StopMusicOnHold"), within=COMMAND_S)
    line.music = False
    sounds = [sound(prompt) for prompt in order.prompts]
    if order.keys:
        sounds.append(HOLD)
    key = None
    for name in sounds:
        replies = await session.execute(stream_file(name, order.keys), within=PROMPT_S, cuttable=True)
        if not replies:
            return  # cut by somebody who did not cancel us: it is his session now
        if key := replies[0].key:
            break
    await session.execute(run("StartMusicOnHold"), within=COMMAND_S)
    line.music = True
    post(AnnouncementOver(order.call, key))


def _quiet(task: asyncio.Task[None]) -> None:
    """A session that ends while words are said is told by others."""
    if not task.cancelled() and (fault := task.exception()) and not isinstance(fault, SessionOver):
        raise fault
