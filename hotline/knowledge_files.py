"""The voice knowledge base as files: TOML for those who write it, CSV for spreadsheets.

Both hold the same fields, of `asr.knowledge.Entry`'s names. In CSV the questions stand in one cell, one on each line.
"""

from __future__ import annotations

import csv
import io
import json
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from importlib import resources
from pathlib import Path
from typing import Any

from asr.knowledge import Entry, KnowledgeBase, State, faults_of
from hotline.city_faults import near, syntax_fault
from hotline.logs import OwnersFault

FIELDS = (
    "id", "questions", "answer", "sms", "line", "owner", "reviewer", "valid_from", "valid_to", "state",
)  # fmt: skip
_NEEDED = ("id", "questions", "answer", "owner")
_LARGEST = 32 * 1024 * 1024


class KnowledgeFault(OwnersFault):
    """A base that can't be used. ``faults``: one line each, ``place: fault: remedy``."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults: tuple[str, ...] = tuple(faults)
        super().__init__("\n".join(self.faults))


def starting_base() -> KnowledgeBase:
    """The base that comes with the program: the files of ``asr/starting_base``, in the order of their names."""
    files = sorted(resources.files("asr").joinpath("starting_base").iterdir(), key=lambda file: file.name)
    return read_toml("\n".join(file.read_text("utf-8") for file in files if file.name.endswith(".toml")))


def read(path: Path) -> KnowledgeBase:
    """A file's entries; its ending says which kind it is. Raises `KnowledgeFault`."""
    if path.suffix.lower() not in {".toml", ".csv"}:
        raise KnowledgeFault([f"{path}: its ending says no kind: write .toml or .csv"])
    try:
        if path.stat().st_size > _LARGEST:
            raise KnowledgeFault(
                [f"{path}: has more than {_LARGEST} bytes: is this the right file? split it"]
            )
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise KnowledgeFault(
            [f"{path}: is not UTF-8: save it as UTF-8 (in a spreadsheet: CSV UTF-8)"]
        ) from None
    except OSError as fault:
        raise KnowledgeFault(
            [f"{path}: can't be read ({fault.strerror}): give a file that is there"]
        ) from None
    return read_toml(text) if path.suffix.lower() == ".toml" else read_csv(text)


def write(path: Path, base: KnowledgeBase) -> None:
    """Raises `KnowledgeFault` for an ending that says no kind."""
    if path.suffix.lower() not in {".toml", ".csv"}:
        raise KnowledgeFault([f"{path}: its ending says no kind: write .toml or .csv"])
    if path.suffix.lower() == ".toml":
        path.write_text(as_toml(base), "utf-8")
    else:  # the mark at the start tells spreadsheets that it is UTF-8
        path.write_text(as_csv(base), "utf-8-sig", newline="")


def read_toml(text: str) -> KnowledgeBase:
    """Raises `KnowledgeFault` with everything that is wrong."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise KnowledgeFault([syntax_fault(fault)]) from None
    faults = [f"{key}: no such key: write [[entries]]" for key in document if key != "entries"]
    tables = document.get("entries", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise KnowledgeFault([*faults, "entries: is no list of tables: write [[entries]] before each"])
    return _base(tables, "entries", faults)


def read_csv(text: str) -> KnowledgeBase:
    """Raises `KnowledgeFault` with everything that is wrong."""
    try:
        rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as fault:
        raise KnowledgeFault(
            [f"the text: {str(fault)[:80]}: mend the CSV there, or export it again"]
        ) from None
    tables: list[dict[str, Any]] = []
    faults = []
    for number, row in enumerate(rows):
        if None in row or None in row.values():
            faults.append(
                f"rows[{number}]: has more or fewer cells than the head: put quotes round cells with commas"
            )
            continue
        table: dict[str, Any] = {key: value.strip() for key, value in row.items() if value and value.strip()}
        table["questions"] = [one.strip() for one in table.get("questions", "").splitlines() if one.strip()]
        tables.append(table)
    return _base(tables, "rows", faults)


def as_toml(base: KnowledgeBase) -> str:
    """A file that `read_toml` reads as the same base."""
    parts = []
    for entry in base:
        lines = ["[[entries]]"]
        for name, value in as_document(entry).items():
            if name == "questions":
                lines += ["questions = [", *(f"    {_toml(question)}," for question in value), "]"]
            elif value is not None and name.startswith("valid_"):
                lines.append(f"{name} = {value}")
            elif value is not None:
                lines.append(f"{name} = {_toml(value)}")
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def as_csv(base: KnowledgeBase) -> str:
    """A file that `read_csv` reads as the same base."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, FIELDS)
    writer.writeheader()
    for entry in base:
        document = as_document(entry)
        writer.writerow({**document, "questions": "\n".join(document["questions"])})
    return text.getvalue()


def as_document(entry: Entry) -> dict[str, Any]:
    """An entry as JSON has it: days as ISO 8601, None where there is none."""
    document = {name: getattr(entry, name) for name in FIELDS}
    for name in ("valid_from", "valid_to"):
        document[name] = document[name].isoformat() if document[name] else None
    return {**document, "questions": list(entry.questions), "state": entry.state.value}


def entry_of(document: Mapping[str, Any]) -> Entry:
    """The entry of `as_document`. Raises `KnowledgeFault`."""
    return _base([document], "entries", []).entries[0]


def _toml(text: str) -> str:
    # JSON's strings are TOML's, but for DEL, which TOML wants escaped
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _base(tables: Sequence[Mapping[str, Any]], place: str, faults: list[str]) -> KnowledgeBase:
    entries = []
    for number, table in enumerate(tables):
        where = f"{place}[{number}]"
        wrong = _wrong_values(table, where)
        faults += wrong
        if not wrong:
            entries.append(_entry(table))
    faults += faults_of(entries, place)
    if faults:
        raise KnowledgeFault(faults)
    return KnowledgeBase(tuple(entries))


def _wrong_values(table: Mapping[str, Any], where: str) -> list[str]:
    faults = [
        f"{where}.{key}: no such key: {near(str(key), FIELDS, 'leave it out, or see docs/knowledge.md')}"
        for key in table
        if key not in FIELDS
    ]
    faults += [f"{where}.{key}: is missing: write it" for key in _NEEDED if key not in table]
    for key, value in table.items():
        match key:
            case "questions":
                if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
                    faults.append(f"{where}.questions: is no list of texts: write [ ... ]")
            case "valid_from" | "valid_to":
                if _day(value) is None:
                    faults.append(f"{where}.{key}: is {value!r}: write a day, such as 2026-01-31")
            case "state":
                if value not in list(State):
                    states = ", ".join(State)
                    faults.append(f"{where}.state: is {value!r}: write one of {states}")
            case _ if key in FIELDS and not isinstance(value, str):
                faults.append(f"{where}.{key}: is {value!r}: write it in quotes")
    return faults


def _day(value: object) -> date | None:
    if isinstance(value, datetime):
        return None
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _entry(table: Mapping[str, Any]) -> Entry:
    questions = tuple(dict.fromkeys(question.strip() for question in table["questions"]))
    state = State(table.get("state", State.DRAFT))
    reviewer = table.get("reviewer", "").strip() or None
    return Entry(
        id=table["id"].strip(),
        questions=questions,
        answer=table["answer"].strip(),
        sms=table.get("sms", "").strip(),
        line=table.get("line", "12345").strip(),
        owner=table["owner"].strip(),
        reviewer=reviewer,
        valid_from=_day(table.get("valid_from")),
        valid_to=_day(table.get("valid_to")),
        state=state,
    )
