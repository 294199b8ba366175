"""Recordings as files: written raw by the switch, finished by us.

``now/`` holds what the switch is writing, as raw A-law, named after the file that is to be (``/`` as ``=``). When the switch has
closed it, it becomes a wav at its place under year, month and day, its checksum goes into the index, and only then the raw file
goes. So whatever stops the program in between, the next look at ``now/`` does the rest: nothing needs to be remembered.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import stat
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from acd.recording import read_name
from hotline.recordings_index import Entry, RecordingsIndex

FOLDER = "recordings-of-calls"
RAW = ".alaw"
RATE = 8000
"""A-law has one byte a sample"""
QUIET_S = 30.0
"""on a disk that can't say whether a file is open: so long it must not have grown"""
_CHUNK = 1 << 20
_NO_LEASES = frozenset({errno.EINVAL, errno.EOPNOTSUPP, errno.ENOLCK, errno.EACCES})


class RecordingFault(Exception):
    """A recording can't be finished: the place, the fault and the remedy in one line."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where a city's recordings lie."""

    root: Path

    @property
    def now(self) -> Path:
        """What is being written."""
        return self.root / "now"

    @property
    def index(self) -> Path:
        """The index, beside what it is about."""
        return self.root / "index.sqlite"

    def prepare(self) -> None:
        """Make the folders, for nobody else to look into. Raises ``OSError``."""
        for folder in (self.root, self.now):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def raw(self, name: str) -> Path:
        """Where the switch writes what will be ``name``. Raises ``ValueError`` for what is no recording's name."""
        if read_name(name) is None:
            raise ValueError(f"recording {name!r}: this is no recording's name")
        return self.now / (name.removesuffix(".wav").replace("/", "=") + RAW)

    def unfinished(self) -> list[str]:
        """The names of what lies in ``now/``, whether it is still being written or not."""
        found = (path.name.removesuffix(RAW).replace("=", "/") + ".wav" for path in self.now.glob("*" + RAW))
        return sorted(name for name in found if read_name(name) is not None)

    def finished(self) -> Iterator[str]:
        """The names of all wavs, day by day."""
        for path in sorted(self.root.glob("[0-9][0-9][0-9][0-9]/[0-9][0-9]/[0-9][0-9]")):
            for file in sorted(path.iterdir()):
                name = str(file.relative_to(self.root))
                if read_name(name) is not None:
                    yield name


def is_open(path: Path) -> bool:
    """Is somebody still writing this file?

    A read lease is refused while a file is open for writing (fcntl(2), F_SETLEASE). Where there are none (network disks), a
    file counts as open until it has not grown for `QUIET_S`.
    """
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
        try:
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        except OSError as refused:
            if refused.errno == errno.EAGAIN:
                return True
            if refused.errno not in _NO_LEASES:
                raise
            return time.time() - os.fstat(file.fileno()).st_mtime < QUIET_S
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        return False


def finish(shelf: Shelf, index: RecordingsIndex, name: str) -> Entry | None:
    """Make a wav of what the switch has written and enter it; ``None`` while it is still being written, or is gone.

    May be interrupted anywhere and done again. Raises `RecordingFault` when the place is taken by another recording, and
    ``OSError`` or ``sqlite3.Error`` when the disk does not do it.
    """
    raw, wav = shelf.raw(name), shelf.root / name
    try:
        if not stat.S_ISREG(raw.lstat().st_mode):
            raise RecordingFault(f"{raw}: is no file: take it away")
        if is_open(raw):
            return None
        size, ended = raw.stat().st_size, raw.stat().st_mtime
    except FileNotFoundError:
        return None
    wav.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = wav.with_name(f".{wav.name}.new")
    try:
        checksum = _wrap(raw, made, size)
        if not wav.exists():
            os.rename(made, wav)
        elif sha256(wav) != checksum:
            raise RecordingFault(f"{wav}: is another recording than {raw}: move one of them away")
    finally:
        with suppress(FileNotFoundError):
            made.unlink()
    _settle(wav.parent)
    entry = Entry.of(name, wav.stat().st_size, size / RATE, checksum, round(ended * 1000))
    index.enter(entry)
    raw.unlink()
    return entry


def found_again(shelf: Shelf, index: RecordingsIndex) -> int:
    """Enter every wav that has no entry (the index was lost, or is an older copy). How many there were."""
    known = index.names()
    count = 0
    for name in shelf.finished():
        if name in known:
            continue
        wav = shelf.root / name
        size = wav.stat().st_size
        ended = round(wav.stat().st_mtime * 1000)
        index.enter(
            Entry.of(name, size, max(size - len(header(0)), 0) / RATE, sha256(wav), ended, found=True)
        )
        count += 1
    return count


def verify(shelf: Shelf, entry: Entry) -> str | None:
    """What is wrong with a finished recording; ``None``: it is as it was when it was finished."""
    try:
        held = sha256(shelf.root / entry.name)
    except FileNotFoundError:
        return "is missing"
    except OSError as fault:
        return f"can't be read ({(fault.strerror or str(fault)).lower()})"
    return None if held == entry.sha256 else "has been changed: its checksum is another"


def sha256(path: Path) -> str:
    """The file's SHA-256, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def header(size: int) -> bytes:
    """A wav's head for ``size`` bytes of A-law (RIFF, format 6, with the ``fact`` that a format other than PCM must have)."""
    pad = size % 2
    form = struct.pack("<4sIHHIIHHH", b"fmt ", 18, 6, 1, RATE, RATE, 1, 8, 0)
    fact = struct.pack("<4sII", b"fact", 4, size)
    data = struct.pack("<4sI", b"data", size)
    return (
        struct.pack("<4sI4s", b"RIFF", 4 + len(form) + len(fact) + len(data) + size + pad, b"WAVE")
        + form
        + fact
        + data
    )


def _wrap(raw: Path, made: Path, size: int) -> str:
    """Copy ``size`` bytes behind a wav's head, on the disk when it returns; the checksum of the whole."""
    checksum = hashlib.sha256()
    with (
        raw.open("rb") as source,
        open(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as wav,
    ):
        left = size

        def write(piece: bytes) -> None:
            checksum.update(piece)
            wav.write(piece)

        write(header(size))
        while left and (piece := source.read(min(left, _CHUNK))):
            write(piece)
            left -= len(piece)
        if left:
            raise RecordingFault(f"{raw}: became shorter while it was read: see who else writes there")
        write(b"\0" * (size % 2))
        wav.flush()
        os.fsync(wav.fileno())
    return checksum.hexdigest()


def _settle(folder: Path) -> None:
    """A new name is on the disk when its folder is."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def why_not(shelf: Shelf, min_free: int, was_halted: bool) -> str | None:
    """Why nothing can be recorded: too little room, or a folder that can't be written to; ``None``: it can.

    ``min_free`` bytes must be free; after a halt a tenth more, so that it does not flutter.
    """
    try:
        shelf.prepare()
        free = _free(shelf.root)
        wanted = min_free * 11 // 10 if was_halted else min_free
        if free < wanted:
            return f"{shelf.root} has {free // 1_000_000} MB free, {min_free // 1_000_000} are asked for"
        probe = shelf.now / ".probe"
        with suppress(FileNotFoundError):
            probe.unlink()  # whatever is there now is not what is to be tried
        with open(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(b"\0" * 4096)
        probe.unlink()
    except OSError as fault:
        return f"{shelf.root} can't be written to ({(fault.strerror or str(fault)).lower()})"
    return None


def _free(folder: Path) -> int:
    told = os.statvfs(folder)
    return told.f_bavail * told.f_frsize


def delete_due(
    shelf: Shelf, index: RecordingsIndex, before_ms: int, because: str, limit: int = 100
) -> tuple[list[str], list[str]]:
    """Delete up to ``limit`` recordings that were finished before an instant and are on no legal hold.

    The names of those that are gone, and of those that could not be deleted. The file goes first, then its entry is marked, under
    the index's write lock: no hold can come in between, and what was interrupted is done again.
    """

    def delete(name: str) -> None:
        with suppress(FileNotFoundError):
            (shelf.root / name).unlink()

    return index.delete_due(before_ms, because, delete, limit)
