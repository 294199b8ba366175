"""The command line: ``hotline COMMAND``. What others rely on is in docs/engineers.md."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hotline import cli_ear, cli_knowledge, cli_planning, cli_sms, cli_staff
from hotline.cli_terms import print_document
from hotline.logs import OwnersFault

if TYPE_CHECKING:
    from hotline.city import City
    from hotline.tracing import Trace

DONE, NO, UNUSABLE = 0, 1, 2

Command = Callable[[argparse.Namespace], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. 0: done; 1: the answer is no; 2: the arguments or the configuration can't be used."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(
            stream, io.TextIOWrapper
        ):  # where Chinese can't be written, it is spelt: no fault of the command
            stream.reconfigure(errors="backslashreplace")
    args = _parser().parse_args(argv)
    command: Command = args.command
    try:
        return command(args)
    except BrokenPipeError:
        # what is still unwritten goes nowhere; otherwise the interpreter would try again at its end, and tell of it
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
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
    trace.add_argument("--caller", default="", metavar="N", help="from which number, for lists of callers")
    trace.add_argument(
        "--dialled-by", metavar="WHO", help="a seat dials NUMBER: an agent's number, or a seat's without one"
    )
    trace.add_argument("--seat", action="store_true", help="and what goes on at the seat that gets the call")
    trace.add_argument("--transfer", metavar="TO", help="and when the seat that has the call brings TO in")
    trace.add_argument(
        "--say",
        action="append",
        metavar="TEXT",
        help="the caller's words to the machine; again: his next ones",
    )
    trace.add_argument("--base", type=Path, metavar="FILE", help="of --say: this base in place of the city's")
    trace.add_argument("--home", type=Path, metavar="DIR", help="of --say: that of the hotline")
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
    recordings = add("recordings", _recordings, "What has been recorded, and is it still what it was?")
    recordings.add_argument("city", nargs="?", metavar="CITY", help="a built-in city's name or a TOML file")
    recordings.add_argument("--home", type=Path, metavar="DIR", help="that of the hotline")
    recordings.add_argument("--call", metavar="ID", help="only this call's")
    recordings.add_argument("--verify", action="store_true", help="compare every checksum")
    recordings.add_argument("--hold", metavar="REASON", help="never delete this call's, whatever the rule")
    recordings.add_argument("--release", metavar="REASON", help="end the hold on this call")
    recordings.add_argument("--by", default="", metavar="NAME", help="who holds or releases")
    demo = add("demo", _demo, "Real SIP calls through a real Asterisk to real SIP phones, on this machine.")
    add_city(demo, nargs="?", default="zhengzhou")
    demo.add_argument("--seats", type=int, metavar="N", help="default: all the city's")
    demo.add_argument("--calls", type=int, default=300, metavar="N")
    demo.add_argument("--rate", type=float, default=8.0, metavar="N", help="calls a second")
    demo.add_argument("--talk", type=float, default=6.0, metavar="S", help="mean talk, seconds")
    cli_planning.add_span(demo)
    drill = add(
        "drill", _drill, "Rehearse every number with real calls that are listened to, and sign for it."
    )
    add_city(drill)
    drill.add_argument("--as-of", metavar="TIME", help="rehearse as on that day; default now")
    drill.add_argument("--lines", nargs="+", default=[], metavar="N", help="these numbers only")
    drill.add_argument("--junit", type=Path, metavar="FILE", help="write JUnit XML there")
    drill.add_argument("--seats", type=int, metavar="N", help="so many seats are manned; default: 30, or all")
    drill.add_argument("--silence", type=float, default=3.0, metavar="S", help="a longer silence is a fault")
    drill.add_argument("--recordings", type=Path, metavar="DIR", help="the city's own prompts, as NAME.wav")
    drill.add_argument(
        "--keep", type=Path, metavar="DIR", help="what was heard in the calls that differ, as WAV"
    )
    status = add("status", _status, "The floor of a hotline that runs: seats, queues, alarms.")
    add_city(status, nargs="?")
    status.add_argument("--home", type=Path, metavar="DIR", help="that of the hotline")
    ask = add("ask", _ask, "Ask a hotline that runs for one thing: a transfer, a break, supervision.")
    add_city(ask)
    ask.add_argument("fact", metavar="FACT", help="TransferAsked, SuperviseAsked, ...: docs/engineers.md")
    ask.add_argument("fields", metavar="KEY=VALUE", nargs="*", help="call=1767578400.12 how=three-way to=110")
    ask.add_argument("--home", type=Path, metavar="DIR", help="that of the hotline")
    audit = add("audit", _audit, "Who used which right over whom, and who was refused.")
    add_city(audit)
    audit.add_argument("--home", type=Path, metavar="DIR", help="that of the hotline")
    audit.add_argument("--records", metavar="URL", help="an SQLite file or postgresql://...")
    audit.add_argument("--since", metavar="TIME", help="ISO 8601; default: everything")
    audit.add_argument("--who", metavar="AGENT")
    lines = add("lines", _lines, "How soon each line's own people took the calls that were passed to them.")
    add_city(lines)
    lines.add_argument("--home", type=Path, metavar="DIR", help="that of the hotline")
    lines.add_argument("--records", metavar="URL", help="an SQLite file or postgresql://...")
    lines.add_argument("--since", metavar="TIME", help="ISO 8601; default: the last 24 hours")
    lines.add_argument("--until", metavar="TIME", help="ISO 8601; default: now")
    lines.add_argument(
        "--within", type=float, default=15.0, metavar="S", help="in time is: after so many seconds"
    )
    erlang = add("erlang", _erlang, "Erlang B, C and A, exactly.")
    erlang.add_argument("formula", choices=["b", "c", "a"])
    erlang.add_argument("--load", type=float, required=True, metavar="ERLANGS")
    erlang.add_argument("--seats", type=int, required=True, metavar="N")
    for name in ("aht", "patience", "within"):
        erlang.add_argument(f"--{name}", type=float, metavar="S")
    cli_planning.add_commands(add)
    cli_knowledge.add_commands(add)
    cli_staff.add_commands(add)
    cli_sms.add_commands(add)
    cli_ear.add_commands(add)
    replay = add("replay", _replay, "Feed a journal to a new engine: does it give the same orders?")
    replay.add_argument("journal", metavar="JOURNAL")
    replay.add_argument("--call", metavar="ID")
    replay.add_argument(
        "--city", metavar="CITY", help="the configuration of that day; default: by the journal's name"
    )
    return parser


def _out(text: str) -> None:
    print(text)  # noqa: T201


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


def _batches(city: City, at: int) -> None:
    """The cutover batches, where there are any."""
    from rich.console import Console

    from hotline import cutovers

    if city.file.cutovers:
        Console().print(cutovers.table(city.file, at))


def _check(args: argparse.Namespace) -> int:
    from hotline.cli_check import check

    return check(args)


def _render(args: argparse.Namespace) -> int:
    from hotline.rendering import render_city

    written = render_city(_city(args), args.out)
    if args.json:
        print_document({"directory": str(args.out), "files": written})
    else:
        _out(f"{len(written)} files under {args.out}; they hold passwords (mode 600).")
    return DONE


def _trace(args: argparse.Namespace) -> int:
    from hotline.tracing import trace, trace_all

    city, at = _city(args), _instant(args.at)
    if args.number is None and args.dialled_by is not None:
        raise ValueError("trace: --dialled-by needs what was dialled: write NUMBER before it")
    if args.number is None and args.transfer is not None:
        raise ValueError("trace: --transfer needs the call: write NUMBER before it")
    if args.number is None and args.seat:
        raise ValueError("trace: --seat needs the call: write NUMBER before it")
    if args.say and (args.number is None or args.dialled_by is not None):
        raise ValueError("trace: --say needs a caller's call: write NUMBER before it, and no --dialled-by")
    if args.number is None:
        traces = trace_all(city, at_ms=at, trunk=args.trunk)
        if args.json:
            print_document([one.document for one in traces])
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
        _batches(city, at)
        return DONE
    if args.dialled_by is not None:
        from hotline.tracing_dial import dialled

        return _tell(args, dialled(city, args.number, args.dialled_by, at_ms=at))
    one = trace(
        city,
        args.number,
        args.diverted_from,
        at_ms=at,
        press=args.press,
        trunk=args.trunk,
        caller=args.caller,
    )
    if args.seat:
        from hotline.tracing_seat import at_the_seat

        one = at_the_seat(city, one)
    if args.transfer is not None:
        from hotline.tracing_transfer import with_transfer

        one = with_transfer(city, one, args.transfer, at_ms=at)
    if args.say:
        from hotline.cli_knowledge import base_of
        from hotline.tracing_speech import with_speech

        args.records = None
        one = with_speech(city, one, args.say, base_of(args), at_ms=at, trunk=args.trunk, caller=args.caller)
    return _tell(args, one)


def _tell(args: argparse.Namespace, one: Trace) -> int:
    if args.json:
        print_document(one.document)
    else:
        _out("\n".join(one.sentences))
    return DONE


def _run(args: argparse.Namespace) -> int:
    from hotline.running import run_city

    return run_city(_city(args), args, _instant(args.as_of) if args.as_of else None)


def _recordings(args: argparse.Namespace) -> int:
    from hotline.recordings_cli import look, shelf_of

    if args.home is None and args.city is None:
        raise ValueError("recordings: whose is missing: give CITY or --home DIR")
    if args.home is not None:
        return look(shelf_of(args.home), args)
    from hotline.running import home_of

    return look(shelf_of(home_of(_city(args), None)), args)


def _lines(args: argparse.Namespace) -> int:
    from hotline.line_figures import document, line_figures, table

    city = _city(args)
    since = _instant(args.since) if args.since else None
    found = line_figures(city, args, _instant(args.until), since)
    if args.json:
        print_document(document(city, found, args.within))
    else:
        table(city, found)
    return NO if any(figures.below for figures in found.values()) else DONE


def _demo(args: argparse.Namespace) -> int:
    from hotline.demo import run_demo

    if args.scenario is not None:
        figures = cli_planning.demo_span(args, _city(args))
    else:
        if args.at is not None:
            raise ValueError(f"demo: --at {args.at}: is of a scenario: write --scenario NAME with it")
        figures = run_demo(
            _city(args), seats=args.seats, calls=args.calls, rate=args.rate, talk_s=args.talk, quiet=args.json
        )
    if args.json:
        print_document(figures)
    return DONE if figures["lost"] == 0 else NO


def _drill(args: argparse.Namespace) -> int:
    from hotline.drill import Order, run_drill

    city = _city(args)
    order = Order(
        as_of_ms=_instant(args.as_of) if args.as_of else None,
        lines=args.lines,
        seats=args.seats,
        silence_s=args.silence,
        recordings=args.recordings,
        keep=args.keep,
    )
    if args.junit is not None:
        args.junit.write_text("", encoding="utf-8")  # a place that can't be written is told before the calls
    report = run_drill(city, order, lambda text: print(text, file=sys.stderr))  # noqa: T201
    if args.junit is not None:
        args.junit.write_text(report.junit(), encoding="utf-8")
    if args.json:
        print_document(report.document())
    else:
        from rich.console import Console

        Console(width=None if sys.stdout.isatty() else 160).print(report.table())
    return DONE if report.passed else NO


def _ask(args: argparse.Namespace) -> int:
    import asyncio

    from hotline import control
    from hotline.running import home_of

    fields = dict(field.partition("=")[::2] for field in args.fields)
    asked = control.read_ask(args.fact, fields)
    answer = asyncio.run(control.ask(home_of(_city(args), args.home) / control.FILE, asked))
    if args.json:
        print_document(answer)
    elif "said" in answer:
        words = ", ".join(answer["said"])
        _out(f"{'done' if answer['done'] else 'refused'}{': ' if words else ''}{words}")
    else:
        _out(answer.get("fault", "taken"))
    if "fault" in answer:
        return UNUSABLE
    return DONE if answer.get("done", True) else NO


def _status(args: argparse.Namespace) -> int:
    from hotline import status
    from hotline.running import home_of

    if args.home is None and args.city is None:
        raise ValueError("status: neither CITY nor --home DIR is given: give one")
    home = args.home if args.city is None else home_of(_city(args), args.home)
    view = status.read(home)
    stale = status.is_stale(home, time.time())
    if args.json:
        import msgspec

        print_document({**msgspec.to_builtins(view), "stale": stale})
    else:
        from rich.console import Console

        console = Console(width=None if sys.stdout.isatty() else 160)
        console.print(status.table(view))
        if stale:
            console.print("The hotline does not run: this was its last picture.", style="bold red")
    return NO if stale else DONE


def _audit(args: argparse.Namespace) -> int:
    from hotline import audit, audit_table
    from hotline.running import home_of

    city = _city(args)
    records = args.records or home_of(city, args.home) / "records.sqlite"
    found = audit_table.entries(records, city.name, _instant(args.since) if args.since else None, args.who)
    if args.json:
        print_document([audit.as_document(entry) for entry in found])
    else:
        from rich.console import Console

        Console(width=None if sys.stdout.isatty() else 160).print(audit_table.table(found))
    return DONE


def _erlang(args: argparse.Namespace) -> int:
    from acd.erlang import answer

    given = {
        name: value for name in ("aht", "patience", "within") if (value := getattr(args, name)) is not None
    }
    figures = answer(args.formula, load=args.load, seats=args.seats, **given)
    if args.json:
        print_document(figures)
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
        print_document({"steps": steps, "same": difference is None, "difference": difference})
    else:
        _out("The orders are the same." if difference is None else f"The orders differ: {difference}")
    return DONE if difference is None else NO


if __name__ == "__main__":
    sys.exit(main())
