"""``hotline recordings``: what has been recorded, whether it is still what it was, and what may not be deleted."""

from __future__ import annotations

import json
import sqlite3
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dialplans.hours import local
from hotline.logs import OwnersFault
from hotline.recordings import FOLDER, Shelf, verify
from hotline.recordings_index import Audited, Entry, Hold, RecordingsIndex

HOLDS, BROKEN = 0, 1


class RecordingsFault(OwnersFault):
    """The recordings can't be looked into. One line: place, fault, remedy."""


def look(shelf: Shelf, args: Namespace) -> int:
    """Carry out the command. 1 when a checksum doesn't hold or a file has no entry, else 0."""
    if not shelf.root.is_dir():
        raise RecordingsFault(
            f"{shelf.root}: nothing has been recorded here: give the home of a city that has run"
        )
    if (args.hold or args.release) and not (args.call and args.by.strip()):
        raise RecordingsFault(
            "recordings --hold: whose call and who holds it is missing: give --call ID and --by NAME"
        )
    try:
        index = RecordingsIndex(shelf.index)
    except (sqlite3.Error, OSError) as fault:
        raise RecordingsFault(
            f"{shelf.index}: {fault}: see to the file, or take it away: it is made anew"
        ) from None
    try:
        if args.hold:
            index.hold(args.call, args.by, args.hold)
        if args.release and not index.release(args.call, args.by, args.release):
            raise RecordingsFault(f"recordings --release: call {args.call} is not held: nothing to release")
        entries, holds, audit = index.entries(args.call), index.holds(), index.audit(args.call)
    except sqlite3.Error as fault:
        raise RecordingsFault(f"{shelf.index}: {fault}: see to the disk and try again") from None
    finally:
        index.close()
    faults = _faults(shelf, entries, args.call) if args.verify else {}
    pending = [name for name in shelf.unfinished() if args.call is None or _of(name, args.call)]
    told = [_told(entry, holds.get(entry.call), faults.get(entry.name)) for entry in entries]
    strangers = [name for name in faults if name not in {entry.name for entry in entries}]
    if args.json:
        document = {
            "directory": str(shelf.root),
            "recordings": told,
            "unfinished": pending,
            "without_entry": strangers,
            "audit": [_audited(line) for line in audit],
            "verified": args.verify,
            "sound": not faults,
        }
        _out(json.dumps(document, ensure_ascii=False, indent=2))
    else:
        _tell(told, pending, strangers, audit, verified=args.verify)
    return BROKEN if faults else HOLDS


def _faults(shelf: Shelf, entries: Sequence[Entry], call: str | None) -> dict[str, str]:
    """What is wrong, by name; a file of which the index knows nothing is, too."""
    found = {entry.name: why for entry in entries if entry.deleted is None and (why := verify(shelf, entry))}
    known = {entry.name: entry for entry in entries}
    for name in shelf.finished():
        if call is not None and not _of(name, call):
            continue
        if name not in known:
            found[name] = "has no entry"
        elif known[name].deleted is not None:
            found[name] = "was deleted by rule, and is there"
    return found


def _of(name: str, call: str) -> bool:
    from acd.recording import read_name

    told = read_name(name)
    return told is not None and told.call == call


def _told(entry: Entry, hold: Hold | None, fault: str | None) -> dict[str, Any]:
    return {
        "call": entry.call,
        "name": entry.name,
        "part": entry.part,
        "leg": entry.leg,
        "seconds": round(entry.seconds, 2),
        "bytes": entry.bytes,
        "sha256": entry.sha256,
        "finished": _when(entry.finished),
        "found": entry.found,
        "held": {"by": hold.by, "because": hold.because, "since": _when(hold.since)} if hold else None,
        "deleted": None if entry.deleted is None else _when(entry.deleted),
        "deleted_because": entry.deleted_because,
        "fault": fault,
    }


def _audited(line: Audited) -> dict[str, Any]:
    return {
        "at": _when(line.at),
        "what": line.what,
        "call": line.call,
        "name": line.name,
        "by": line.by,
        "because": line.because,
    }


def _tell(
    told: Sequence[dict[str, Any]],
    pending: Sequence[str],
    strangers: Sequence[str],
    audit: Sequence[Audited],
    *,
    verified: bool,
) -> None:
    for row in told:
        notes = [row["fault"] or ("holds" if verified and not row["deleted"] else "")]
        notes += [f"held by {row['held']['by']}: {row['held']['because']}" if row["held"] else ""]
        notes += [f"deleted {row['deleted']} ({row['deleted_because']})" if row["deleted"] else ""]
        notes += ["entered later" if row["found"] else ""]
        _out(
            f"{row['call']}  {row['name']}  {row['seconds']:.1f} s  {', '.join(note for note in notes if note)}".rstrip()
        )
    for name in pending:
        _out(f"not finished: {name}")
    for name in strangers:
        _out(f"{name}  has no entry")
    for line in audit:
        _out(f"{_when(line.at)}  {line.what} {line.name or line.call} by {line.by}: {line.because}")
    _out(
        f"{len(told)} recordings, {sum(row['fault'] is not None for row in told) + len(strangers)} with a fault."
        if verified
        else f"{len(told)} recordings."
    )


def _when(ms: int) -> str:
    return local(ms).isoformat(timespec="seconds")


def _out(text: str) -> None:
    print(text)  # noqa: T201


def shelf_of(home: Path) -> Shelf:
    """A city's recordings, by its home."""
    return Shelf(home / FOLDER)
