"""What a drill leaves: the table that is signed, the JSON document, and JUnit XML. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from dialplans.hours import clock, local
from hotline.drill_plan import Delivery, Expected, Reached, Seen

# what XML 1.0 does not allow, escaped or not
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Line:
    """One call: what was dialled, what ought to be, what was, when (ms since 1970, the platform's clock), what is wrong."""

    call: Delivery
    expected: Expected
    seen: Seen
    at: int
    wrong: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Nothing is wrong."""
        return not self.wrong

    @property
    def last(self) -> Reached | None:
        """Who picked up, or rang last."""
        reached = self.seen.reached
        taken = [one for one in reached if one.answered_s is not None]
        return taken[-1] if taken else reached[-1] if reached else None

    @property
    def ended_at(self) -> str:
        """Where the call ended, in a few words."""
        if self.last is not None:
            return f"{self.last.place} {self.last.called}"
        if self.seen.code is not None and self.seen.code >= 300:
            return f"refused {self.seen.code}"
        if self.seen.ended_by == "switch":
            return f"let go ({self.seen.cause})" if self.seen.cause is not None else "let go"
        return "nowhere"

    @property
    def title(self) -> str:
        """``12315 消费维权热线, Diversion over unicom``."""
        return f"{self.call.number} {self.call.name}, {self.call.way} over {self.call.trunk}"

    def document(self) -> dict[str, Any]:
        """The call as JSON. Seconds count from the caller's INVITE."""
        seen, last = self.seen, self.last
        return {
            "number": self.call.number,
            "name": self.call.name,
            "way": self.call.way,
            "trunk": self.call.trunk,
            "called": self.call.called,
            "headers": list(self.call.headers),
            "key": self.call.key or None,
            "at": local(self.at).isoformat(timespec="seconds"),
            "expected": {
                "prompts": list(self.expected.prompts),
                "end": self.expected.end,
                "where": self.expected.where,
            },
            "heard": list(seen.hearing.names),
            "heard_besides": [other.name for other in seen.hearing.others],
            "silence_s": round(seen.hearing.silence_s, 1),
            "ended_at": self.ended_at,
            "shown": last.shown if last is not None else None,
            "ring_s": None if last is None else round(last.rang_s, 2),
            "spoken_s": round(seen.spoken_s, 2),
            "code": seen.code,
            "cause": seen.cause,
            "passed": self.passed,
            "wrong": list(self.wrong),
        }


@dataclass(frozen=True, slots=True)
class Report:
    """A drill that was held. ``as_of`` is the platform's clock at its beginning, ``began`` the real one (ms since 1970)."""

    city: str
    title: str
    as_of: int
    version: str
    digest: str
    began: int
    took_s: float
    seats: int
    lines: tuple[Line, ...]
    engine_faults: int = 0

    @property
    def failed(self) -> tuple[Line, ...]:
        """The calls that differ from the plan."""
        return tuple(line for line in self.lines if not line.passed)

    @property
    def passed(self) -> bool:
        """Calls were made, none differs, and the engine met nothing that it could not take."""
        return bool(self.lines) and not self.failed and not self.engine_faults

    def document(self) -> dict[str, Any]:
        """The drill as JSON."""
        return {
            "city": self.city,
            "as_of": local(self.as_of).isoformat(timespec="seconds"),
            "calls": len(self.lines),
            "passed": len(self.lines) - len(self.failed),
            "failed": len(self.failed),
            "title": self.title,
            "numbers": len({line.call.number for line in self.lines}),
            "version": self.version,
            "digest": self.digest,
            "began": local(self.began).isoformat(timespec="seconds"),
            "ended": local(self.began + round(self.took_s * 1000)).isoformat(timespec="seconds"),
            "took_s": round(self.took_s, 1),
            "seats": self.seats,
            "engine_faults": self.engine_faults,
            "lines": [line.document() for line in self.lines],
        }

    def junit(self) -> str:
        """JUnit XML: one suite, a case for each call; the way and the number are its name."""
        total, failed = str(len(self.lines)), str(len(self.failed))
        counts = {
            "tests": total,
            "failures": failed,
            "errors": "0",
            "skipped": "0",
            "time": f"{self.took_s:.3f}",
        }
        root = ET.Element("testsuites", {"name": f"hotline drill {self.city}", **counts})
        stamp = local(self.began).strftime("%Y-%m-%dT%H:%M:%S")
        suite = ET.SubElement(root, "testsuite", {"name": _xml(self.title), "timestamp": stamp, **counts})
        facts = ET.SubElement(suite, "properties")
        for name, value in self._facts():
            ET.SubElement(facts, "property", {"name": name, "value": _xml(value)})
        for line in self.lines:
            took = f"{line.seen.ended_s or 0.0:.3f}"
            where = f"drill.{self.city}.{line.call.number}"
            case = ET.SubElement(
                suite, "testcase", {"classname": _xml(where), "name": _xml(line.title), "time": took}
            )
            if line.wrong:
                told = ET.SubElement(
                    case, "failure", {"message": _xml("; ".join(line.wrong)), "type": "differs"}
                )
                told.text = _xml(
                    f"expected: {' / '.join(line.expected.prompts) or 'nothing said'}; then {line.expected.where}\n"
                    f"heard: {' / '.join(line.seen.hearing.names) or 'nothing known'}\nended at: {line.ended_at}\n"
                )
        ET.indent(root)
        return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"

    def _said(self) -> dict[str, str]:
        """Every prompt of this drill and the mark that stands for it in the table, in the order of the calls."""
        names = dict.fromkeys(
            name
            for line in self.lines
            for name in (
                *line.expected.prompts,
                *line.seen.hearing.names,
                *(other.name for other in line.seen.hearing.others),
            )
            if name != "?"
        )
        return {name: f"P{n}" for n, name in enumerate(names, start=1)}

    def _facts(self) -> Iterator[tuple[str, str]]:
        yield "as_of", local(self.as_of).isoformat(timespec="seconds")
        yield "version", self.version
        yield "digest", self.digest
        yield "seats", str(self.seats)
        yield "engine_faults", str(self.engine_faults)

    def table(self) -> RenderableType:
        """The table that is signed: every call, the totals, what was rehearsed, and room for two names."""
        table = Table(title=f"{self.title}  接话测试", title_justify="left", show_lines=False)
        for column in ("number", "name", "way", "expected", "heard", "ended at"):
            table.add_column(column, overflow="fold", no_wrap=column == "number")
        table.add_column("ring s", justify="right", no_wrap=True)
        table.add_column("verdict", overflow="fold")
        said = self._said()
        for line in self.lines:
            table.add_row(
                line.call.number,
                line.call.name,
                f"{line.call.way} {line.call.trunk}",
                " ".join([*(said[name] for name in line.expected.prompts), line.expected.where]),
                _heard(line, said),
                line.ended_at,
                "–" if line.last is None else f"{line.last.rang_s:.1f}",
                Text("passed", "green") if line.passed else Text("; ".join(line.wrong), "red"),
            )
        ended = self.began + round(self.took_s * 1000)
        numbers = len({line.call.number for line in self.lines})
        foot = Text("".join(f"{mark} {name}\n" for name, mark in said.items()) + ("\n" if said else ""))
        foot.append(
            f"{len(self.lines)} calls to {numbers} numbers: {len(self.lines) - len(self.failed)} passed, "
            f"{len(self.failed)} differ. {'通过' if self.passed else '不通过'}\n",
            "bold",
        )
        if self.engine_faults:
            foot.append(f"The engine failed on {self.engine_faults} events: see the log.\n", "red")
        foot.append(
            f"as of {clock(self.as_of)}; hotline {self.version}; city file {self.digest}; {self.seats} seats\n"
            f"begun {clock(self.began)}, ended {clock(ended)}, {self.took_s:.0f} s\n\n"
            "engineer 技术负责人 ____________________   hotline 热线负责人 ____________________   date 日期 ______________\n"
        )
        return Group(table, foot)


def _heard(line: Line, said: Mapping[str, str]) -> str:
    hearing = line.seen.hearing
    parts = [said.get(name, name) for name in hearing.names]
    parts += [f"({said.get(other.name, other.name)})" for other in hearing.others]
    return " ".join([*parts, *(["voice"] if hearing.voice is not None else [])]) or "–"


def _xml(text: str) -> str:
    return _NOT_XML.sub("?", text)
