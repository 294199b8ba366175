"""The secrets file: passwords of seats, trunks and of the control port, made once and kept private."""

from __future__ import annotations

import json
import os
import secrets as random
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

_LETTERS = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_LENGTH = 24


class Secrets(Mapping[str, str]):
    """Passwords by name (``seat/1001``, ``trunk/carrier``, ``ami``). Shows its size, nothing else."""

    __slots__ = ("_known",)

    def __init__(self, known: Mapping[str, str]) -> None:
        self._known = dict(known)

    def __getitem__(self, name: str) -> str:
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

    def __repr__(self) -> str:
        return f"Secrets({len(self._known)} kept)"


def make_secret() -> str:
    """A password of 24 letters and digits (138 bits), none of them easily mistaken for another."""
    return "".join(random.choice(_LETTERS) for _ in range(_LENGTH))


def keep_secrets(path: Path, needed: Iterable[str]) -> Secrets:
    """The secrets in the file, after those that were needed and missing have been made and written (mode
    600).

    The file is JSON, a flat table of names and passwords: a carrier's password is written in there by hand.
    Raises ``ValueError`` when it is something else.
    """
    known = _read(path)
    missing = [name for name in dict.fromkeys(needed) if name not in known]
    if missing or not path.exists():
        known.update((name, make_secret()) for name in missing)
        write_private(path, json.dumps(known, indent=1, ensure_ascii=False, sort_keys=True) + "\n")
    elif path.stat().st_mode & 0o077:
        path.chmod(0o600)
    return Secrets(known)


def write_private(path: Path, text: str) -> None:
    """Write the file so that only its owner can ever read it, and that it is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # mkstemp makes it with mode 600.
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _read(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError):
        known = None
    if not isinstance(known, dict) or not all(isinstance(value, str) for value in known.values()):
        # The file's text stays out of the message: it is secret.
        raise ValueError(f"{path}: not a table of names and passwords in JSON; mend it, or move it away")
    return known
