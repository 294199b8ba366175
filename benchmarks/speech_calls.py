"""Real callers, a real Asterisk, the machine: is the right answer spoken, and how soon?

Each of the held-out recordings under ``tests/data/speech`` is said by a SIP caller as RTP (A-law), ``--callers`` of them at a time,
through Asterisk and AudioSocket into the speech process; what comes back is timed where the caller hears it. Right: the entry of
X
to the first 20 ms of sound that he received after it.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections import Counter

import numpy as np

from acd.messages import CallRecord
from benchmarks.speech import ALLOWED_MS, RIGHT, Recording, outcome, recordings, said, settled
from hotline.rehearsal.callers_live import Callers
from hotline.rehearsal.sound import RATE
from hotline.speech_words import Turn
from tests.switch.conftest import Town
from tests.switch_speech.lines import Talker, speaking_town

QUIET_S = 0.6
"""without sound, and the offer is over"""
LISTENS_S = 20.0


async def ask(here: Town, callers: Callers, caller: str, one: Recording) -> tuple[CallRecord, float | None]:
    """One caller: hears the offer out, says the recording, hears the answer begin, presses a key and hangs up."""
    call = await callers.dial("12345", caller)
    talker = Talker(here, callers, call)
    await call.up.wait()
    await talker.until_heard("speech-offer", LISTENS_S)
    while not call.loud or time.monotonic() - call.loud[-1] < QUIET_S:  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    samples = np.frombuffer(b"".join(one.frames), "<i2")
    ended = await callers.say(call, samples) - (len(samples) - one.ends * RATE // 50) / RATE
    first: list[float] = []
    deadline = time.monotonic() + 5.0
    while not first and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
        first = [at for at in call.loud if at > ended]
    await asyncio.sleep(1.0)
    await callers.hang_up(call)
    return await talker.record(), (first[0] - ended) * 1000 if first else None


def first_turn(record: CallRecord) -> Turn:
    """What became of the first thing that was said."""
    turns = [turn for spoken in record.speech for turn in spoken.turns]
    if not turns:
        return Turn("", record.call, "nothing")
    one = turns[0]
    return Turn("", record.call, one.did, one.heard, one.confidence, one.entry, one.score)


async def run(at_once: int, rounds: int) -> bool:
    outcomes: Counter[str] = Counter()
    waits: list[float] = []
    async with speaking_town() as here:
        link = here.platform.speech.link
        assert link is not None
        assert link.pid is not None
        await settled(link.pid)
        everything = recordings() * rounds
        trunk = here.platform.city.trunks()[0].name
        async with Callers(here.far(trunk)[0], here.sip) as callers:
            for at in range(0, len(everything), at_once):
                group = everything[at : at + at_once]
                asked = [ask(here, callers, f"{13_800_000_000 + at + n}", one) for n, one in enumerate(group)]
                for one, (record, wait) in zip(group, await asyncio.gather(*asked), strict=True):
                    first = first_turn(record)
                    kind = outcome(first, one.entry)
                    outcomes[kind] += 1
                    if wait is not None:
                        waits.append(wait)
                    if kind != "right":
                        print(f"  {kind}: said {one.text}, heard {first.heard}: {first.did} {first.entry}")
    right = outcomes["right"] / outcomes.total()
    well = right >= RIGHT and not outcomes["wrong"]
    kinds = ", ".join(f"{kind} {outcomes[kind]}" for kind in ("right", "wrong", "asked back", "not answered"))
    print(
        f"{outcomes.total()} calls, {at_once} at once: {kinds} "
        f"({right:.0%} right, {RIGHT:.0%} and no wrong one wanted: {said(well)})"
    )
    p50, p95 = np.percentile(waits, [50, 95])
    soon = bool(p95 <= ALLOWED_MS)
    print(
        f"end of speech to the first sound that the caller hears: p50 {p50:.0f} ms, p95 {p95:.0f} ms, "
        f"x{p95 / ALLOWED_MS:.2f} of the {ALLOWED_MS} allowed: {said(soon)}"
    )
    return well and soon


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--callers", type=int, default=10, help="at once")
    parser.add_argument("--rounds", type=int, default=3, help="of all recordings")
    args = parser.parse_args()
    sys.exit(0 if asyncio.run(run(args.callers, args.rounds)) else 1)


if __name__ == "__main__":
    main()
