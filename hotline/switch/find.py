"""Finds an Asterisk to run: the one named, an installed one, or the fetched one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hotline.logs import OwnersFault

OLDEST = 18
"""The oldest Asterisk that has everything that the written configuration uses."""

_VERSION = re.compile(r"Asterisk (?:certified/|certified-)?(\d+)\.(\d+)(?:\.(\d+))?")
_VERSION_LIMIT_S = 20


class SwitchMissing(OwnersFault):
    """There is no Asterisk that can be used; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Installation:
    """An Asterisk that runs: how it is started, and where its modules and its documentation are.

    ``command`` is the beginning of the command line; a fetched one is started through its own loader, so
    that it needs nothing of this system. Asterisk refuses options that it has no documentation for:
    ``data`` holds that.
    """

    version: tuple[int, int, int]
    command: tuple[str, ...]
    modules: Path
    data: Path

    def __str__(self) -> str:
        return f"Asterisk {'.'.join(map(str, self.version))} ({self.command[-1]})"


def cache_directory(environ: Mapping[str, str] = os.environ) -> Path:
    """Where fetched and synthesised things are kept: they can be thrown away and made again."""
    base = environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "hotline"


def fetched_root(environ: Mapping[str, str] = os.environ) -> Path:
    """The root of the fetched Asterisk 22, whether it is there or not."""
    return cache_directory(environ) / "asterisk-22"


def find_asterisk(environ: Mapping[str, str] = os.environ) -> Installation:
    """The Asterisk to use: ``HOTLINE_ASTERISK`` (a binary or a fetched root), an installed one, the
    fetched one.

    Raises `SwitchMissing` when none of them is there and recent enough.
    """
    named = environ.get("HOTLINE_ASTERISK")
    if named:
        path = Path(named)
        found = _in_root(path) if path.is_dir() else _installed(path)
        if found is None:
            raise SwitchMissing(
                f"HOTLINE_ASTERISK={named}: no Asterisk {OLDEST} or later runs there; name a binary or a root"
            )
        return found
    binary = shutil.which("asterisk", path=f"{environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    for found in (_installed(Path(binary)) if binary else None, _in_root(fetched_root(environ))):
        if found is not None:
            return found
    raise SwitchMissing("no Asterisk 18 or later on this machine: run make install, or set HOTLINE_ASTERISK")


def read_version(text: str) -> tuple[int, int, int] | None:
    """The version in what ``asterisk -V`` prints; ``None`` when there is none."""
    match = _VERSION.search(text)
    if match is None:
        return None
    return int(match[1]), int(match[2]), int(match[3] or 0)


def _in_root(root: Path) -> Installation | None:
    loaders = [*root.glob("usr/lib64/ld-linux*.so.*"), *root.glob("usr/lib/ld-linux*.so.*")]
    modules = sorted(root.glob("usr/lib/*/asterisk/modules"))
    binary = root / "usr/sbin/asterisk"
    if not (loaders and modules and binary.exists()):
        return None
    libraries = modules[0].parent.parent
    path = f"{libraries}:{libraries / 'pulseaudio'}"
    command = (str(loaders[0]), "--library-path", path, str(binary))
    return _checked(command, modules[0], root / "usr/share/asterisk")


def _installed(binary: Path) -> Installation | None:
    prefix = binary.resolve().parent.parent
    modules = [*prefix.glob("lib/*/asterisk/modules"), *prefix.glob("lib*/asterisk/modules")]
    data = [
        d for d in (prefix / "share/asterisk", Path("/var/lib/asterisk")) if (d / "documentation").is_dir()
    ]
    if not (modules and data):
        return None
    return _checked((str(binary),), modules[0], data[0])


def _checked(command: tuple[str, ...], modules: Path, data: Path) -> Installation | None:
    try:
        said = subprocess.run(
            [*command, "-V"], capture_output=True, text=True, timeout=_VERSION_LIMIT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = read_version(said.stdout)
    if version is None or version[0] < OLDEST:
        return None
    return Installation(version, command, modules, data)
