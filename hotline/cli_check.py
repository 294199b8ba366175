"""``hotline check``: is a city's configuration sound, and can the machine hear its callers?"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hotline import cutovers
from hotline.city import City, CityFault
from hotline.cli_terms import DONE, NO, console, print_document
from hotline.logs import OwnersFault

if TYPE_CHECKING:
    from hotline.speech_check import Hearing

UNUSABLE = 2


def check(args: argparse.Namespace) -> int:
    """0: sound; 1: not, and every fault is told in a line; 2: there is no such file."""
    try:
        city = City.load(args.city)
    except CityFault as fault:
        return _unsound(args, fault.faults, NO if Path(args.city).exists() else UNUSABLE)
    now = time.time_ns() // 1_000_000
    try:
        hearing = _hearing(args, city, now) if city.file.speech is not None else None
    except OwnersFault as fault:
        return _unsound(args, getattr(fault, "faults", None) or [str(fault)], NO)
    setup = city.setup()
    counts = {
        "lines": len([line for line in city.plan.lines if line.listed]),
        "seats": len(setup.seats),
        "agents": len(setup.agents),
        "queues": len(setup.queues),
        "trunks": len(setup.trunks),
        "channels": sum(trunk.channels for trunk in setup.trunks.values()),
    }
    if args.json:
        document: dict[str, Any] = {"city": city.name, "title": city.title, "sound": True, "faults": []}
        heard = hearing.document() if hearing else None
        print_document({**document, **counts, "cutovers": cutovers.listed(city.file, now), "speech": heard})
        return DONE
    told = [f"{city.title}: sound. " + ", ".join(f"{count} {what}" for what, count in counts.items()) + "."]
    told += hearing.sentences() if hearing else []
    print("\n".join(told))  # noqa: T201
    if city.file.cutovers:
        console().print(cutovers.table(city.file, now))
    return DONE


def _hearing(args: argparse.Namespace, city: City, now: int) -> Hearing | None:
    """Only where there is speech: the model is loaded, which takes a second, or a minute."""
    from hotline.cli_knowledge import base_of
    from hotline.speech_check import look

    asked = argparse.Namespace(base=None, city=args.city, home=None, records=None)
    return look(city, base_of(asked), now)


def _unsound(args: argparse.Namespace, faults: tuple[str, ...] | list[str], status: int) -> int:
    if args.json:
        print_document({"city": args.city, "sound": False, "faults": list(faults)})
    for line in faults:
        print(line, file=sys.stderr)  # noqa: T201
    return status
