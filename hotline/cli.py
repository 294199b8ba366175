"""The command line: ``hotline check|render|trace|run|demo|erlang|replay``. What others rely on is in docs/engineers.md."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hotline.logs import OwnersFault

if TYPE_CHECKING:
    from hotline.city import City

DONE, NO, UNUSABLE = 0, 1, 2

Command = Callable[[argparse.Namespace], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. 0: done; 1: the answer is no; 2: the arguments or the configuration can't be used."""
    args = _parser().parse_args(argv)
    command: Command = args.command
    try:
        return command(args)
    except BrokenPipeError:
        sys.stderr.close()
        return DONE
    except KeyboardInterrupt:
        return 130
    except (OwnersFault, OSError, ValueError) as fault:
        lines = getattr(fault, "faults", None) or [str(fault)]
        for line in lines:
            print(f"hotline: {line}", file=sys.stderr)  # noqa: T201
        return UNUSABLE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="hotline", description="One number for a city, on Asterisk.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Command, about: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=about, description=about)
        sub.set_defaults(command=command)
        sub.add_argument("--json", action="store_true", help="one JSON document on standard output")
        return sub

    def add_city(sub: argparse.ArgumentParser, **more: Any) -> None:
        sub.add_argument("city", metavar="CITY", help="a built-in city's name or a TOML file", **more)

    check = add("check", _check, "Is this city's configuration sound?")
    add_city(check)
    render = add("render", _render, "Write the files for Asterisk and for the phones.")
    add_city(render)
    render.add_argument("--out", type=Path, required=True, metavar="DIR")
    trace = add("trace", _trace, "What happens to a call, step by step; without NUMBER every line.")
    add_city(trace)
    trace.add_argument("number", nargs="?", metavar="NUMBER")
    trace.add_argument("--diverted-from", action="append", default=[], metavar="N")
    trace.add_argument("--at", metavar="TIME", help="ISO 8601; without a zone the city's; default now")
    trace.add_argument("--press", default="", metavar="KEYS")
    trace.add_argument("--trunk", metavar="NAME", help="over which trunk the call comes")
    run = add("run", _run, "Answer a city's calls: engine and, unless told otherwise, its own Asterisk.")
    add_city(run)
    run.add_argument("--as-of", metavar="TIME", help="answer as on that day")
    run.add_argument("--home", type=Path, metavar="DIR", help="where everything is kept")
    run.add_argument("--journal", metavar="WHERE", help="a directory or redis://HOST:PORT/DB?stream=NAME")
    run.add_argument("--records", metavar="URL", help="an SQLite file or postgresql://...")
    run.add_argument("--ami-port", type=int, default=5038)
    run.add_argument("--agi-port", type=int, default=4573)
    run.add_argument(
        "--no-switch", action="store_true", help="an Asterisk on this tree is started by somebody else"
    )
    run.add_argument("--keep-switch", action="store_true", help="leave Asterisk running at the end")
    run.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    demo = add("demo", _demo, "Real SIP calls through a real Asterisk to real SIP phones, on this machine.")
    add_city(demo, nargs="?", default="zhengzhou")
    demo.add_argument("--seats", type=int, metavar="N", help="default: all the city's")
    demo.add_argument("--calls", type=int, default=300, metavar="N")
    demo.add_argument("--rate", type=float, default=8.0, metavar="N", help="calls a second")
    demo.add_argument("--talk", type=float, default=6.0, metavar="S", help="mean talk, seconds")
    erlang = add("erlang", _erlang, "Erlang B, C and A, exactly.")
    erlang.add_argument("formula", choices=["b", "c", "a"])
    erlang.add_argument("--load", type=float, required=True, metavar="ERLANGS")
    erlang.add_argument("--seats", type=int, required=True, metavar="N")
    for name in ("aht", "patience", "within"):
        erlang.add_argument(f"--{name}", type=float, metavar="S")
    replay = add("replay", _replay, "Feed a journal to a new engine: does it give the same orders?")
    replay.add_argument("journal", metavar="JOURNAL")
    replay.add_argument("--call", metavar="ID")
    replay.add_argument(
        "--city", metavar="CITY", help="the configuration of that day; default: by the journal's name"
    )
    return parser


def _out(text: str) -> None:
    print(text)  # noqa: T201


def _document(document: object) -> None:
    _out(json.dumps(document, ensure_ascii=False, indent=2))


def _instant(text: str | None) -> int:
    from dialplans.hours import instant

    if text is None:
        return time.time_ns() // 1_000_000
    try:
        return instant(datetime.fromisoformat(text))
    except ValueError:
        raise ValueError(f"time {text!r}: not ISO 8601; write 2019-02-01 or 2019-02-01T08:30") from None


def _city(args: argparse.Namespace) -> City:
    from hotline.city import City

    return City.load(args.city)


def _check(args: argparse.Namespace) -> int:
    from hotline.city import City, CityFault

    try:
        city = City.load(args.city)
    except CityFault as fault:
        if args.json:
            _document({"city": args.city, "sound": False, "faults": list(fault.faults)})
        for line in fault.faults:
            print(line, file=sys.stderr)  # noqa: T201
        return NO if Path(args.city).exists() else UNUSABLE
    setup = city.setup()
    lines = [line for line in city.plan.lines if line.listed]
    counts = {
        "lines": len(lines),
        "seats": len(setup.seats),
        "agents": len(setup.agents),
        "queues": len(setup.queues),
        "trunks": len(setup.trunks),
        "channels": sum(trunk.channels for trunk in setup.trunks.values()),
    }
    if args.json:
        _document({"city": city.name, "title": city.title, "sound": True, "faults": [], **counts})
    else:
        _out(f"{city.title}: sound. " + ", ".join(f"{count} {what}" for what, count in counts.items()) + ".")
    return DONE


def _render(args: argparse.Namespace) -> int:
    from hotline.rendering import render_city

    written = render_city(_city(args), args.out)
    if args.json:
        _document({"directory": str(args.out), "files": written})
    else:
        _out(f"{len(written)} files under {args.out}; they hold passwords (mode 600).")
    return DONE


def _trace(args: argparse.Namespace) -> int:
    from hotline.tracing import trace, trace_all

    city, at = _city(args), _instant(args.at)
    if args.number is None:
        traces = trace_all(city, at_ms=at, trunk=args.trunk)
        if args.json:
            _document([one.document for one in traces])
            return DONE
        from rich.console import Console
        from rich.table import Table

        table = Table(title=f"{city.title}, {args.at or 'now'}")
        for column in ("number", "name", "department", "treatment", "answered by"):
            table.add_column(column)
        for one in traces:
            line = one.document["line"]
            table.add_row(
                *(str(line[key] or "–") for key in ("number", "name", "department", "treatment")),
                one.document["answered_by"],
            )
        Console().print(table)
        return DONE
    one = trace(city, args.number, args.diverted_from, at_ms=at, press=args.press, trunk=args.trunk)
    if args.json:
        _document(one.document)
    else:
        _out("\n".join(one.sentences))
    return DONE


def _run(args: argparse.Namespace) -> int:
    from hotline.running import run_city

    return run_city(_city(args), args, _instant(args.as_of) if args.as_of else None)


def _demo(args: argparse.Namespace) -> int:
    from hotline.demo import run_demo

    figures = run_demo(
        _city(args), seats=args.seats, calls=args.calls, rate=args.rate, talk_s=args.talk, quiet=args.json
    )
    if args.json:
        _document(figures)
    return DONE if figures["lost"] == 0 else NO


def _erlang(args: argparse.Namespace) -> int:
    from acd.erlang import answer

    given = {
        name: value for name in ("aht", "patience", "within") if (value := getattr(args, name)) is not None
    }
    figures = answer(args.formula, load=args.load, seats=args.seats, **given)
    if args.json:
        _document(figures)
    else:
        names = {
            "p_block": "refused", "p_wait": "have to wait", "asa": "mean wait of all, s", "p_abandon": "give up",
            "service_level": f"answered within {given.get('within', 15):g} s", "occupancy": "occupancy",
        }  # fmt: skip
        for name, value in figures.items():
            shown = (
                "grows without end" if value is None else f"{value:.2f}" if name == "asa" else f"{value:.2%}"
            )
            _out(f"{names[name]:<24}{shown:>12}")
    return DONE


def _replay(args: argparse.Namespace) -> int:
    from acd.engine import Engine
    from hotline.city import City
    from hotline.journal import Header
    from hotline.replay import Note, replay

    def make(header: Header) -> Engine:
        return Engine(City.load(args.city or header.city).setup())

    steps = []
    difference = None
    for step in replay(args.journal, make, call=args.call):
        if not isinstance(step, Note) and step.difference:
            difference = difference or step.difference
        if args.json:
            steps.append(step.as_dict())
        else:
            _out(step.line())
    if args.json:
        _document({"steps": steps, "same": difference is None, "difference": difference})
    else:
        _out("The orders are the same." if difference is None else f"The orders differ: {difference}")
    return DONE if difference is None else NO


if __name__ == "__main__":
    sys.exit(main())
