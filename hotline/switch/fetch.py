"""Fetches Asterisk 22 LTS into a root of its own, beside the system: ``python -m hotline.switch.fetch``.

Debian 12 has no Asterisk; a later Debian has 22. Its packages are unpacked into a directory with
debootstrap, and run from there through that root's own loader: nothing of this system is touched, and
nothing is entered by chroot.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from hotline.switch.find import SwitchMissing, cache_directory, fetched_root, find_asterisk

SUITE = "forky"
PACKAGES = ("asterisk", "asterisk-core-sounds-en-wav")
SOURCES = Path("/etc/apt")
# bookworm's debootstrap has no script of its own for a suite that is younger than it.
SCRIPT = Path("/usr/share/debootstrap/scripts/sid")
LIMIT_S = 1800

_ONE_LINE = re.compile(r"^deb\s+(?:\[[^\]]*\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)\s+(?P<components>.*)$")


def mirrors(texts: Iterable[tuple[str, str]]) -> list[str]:
    """The Debian archives that apt uses, from (file name, text) pairs, the likeliest first.

    Both forms are read: ``.sources`` (deb822) and one line each in ``.list``. Only main archives count: a
    security archive or somebody else's repository has no Asterisk.
    """
    found: dict[str, None] = {}
    for name, text in texts:
        entries = _deb822(text) if name.endswith(".sources") else _one_line(text)
        for uri, suites, components in entries:
            address = urlsplit(uri)
            is_archive = address.path.rstrip("/").rpartition("/")[2] == "debian"
            if (
                is_archive
                and address.scheme in {"http", "https", "file"}
                and "main" in components
                and not all("security" in suite for suite in suites)
            ):
                found[uri.rstrip("/")] = None
    return list(found)


def _deb822(text: str) -> Iterator[tuple[str, list[str], list[str]]]:
    for paragraph in re.split(r"\n\s*\n", text):
        fields: dict[str, str] = {}
        last = ""
        for line in paragraph.splitlines():
            if line.startswith("#"):
                continue
            if line[:1].isspace() and last:
                fields[last] += " " + line.strip()
            elif ":" in line:
                last, _, value = line.partition(":")
                last = last.strip().lower()
                fields[last] = value.strip()
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() == "no":
            continue
        for uri in fields.get("uris", "").split():
            yield uri, fields.get("suites", "").split(), fields.get("components", "").split()


def _one_line(text: str) -> Iterator[tuple[str, list[str], list[str]]]:
    for line in text.splitlines():
        if match := _ONE_LINE.match(line.partition("#")[0].strip()):
            yield match["uri"], [match["suite"]], match["components"].split()


def this_machines_mirror(sources: Path = SOURCES) -> str:
    """``HOTLINE_DEBIAN_MIRROR``, or the first archive in apt's sources. Raises `SwitchMissing`."""
    if named := os.environ.get("HOTLINE_DEBIAN_MIRROR"):
        return named
    files = [sources / "sources.list", *sorted((sources / "sources.list.d").glob("*"))]
    found = mirrors((file.name, file.read_text(errors="replace")) for file in files if file.is_file())
    if not found:
        raise SwitchMissing(f"{sources}: apt has no Debian archive; set HOTLINE_DEBIAN_MIRROR to one")
    return found[0]


def fetch(root: Path | None = None) -> Path:
    """The root with a working Asterisk; it is made when it is not there yet (about a minute, 540 MB).

    May be called twice at once: the second waits for the first. What was left half done is thrown away.
    Raises `SwitchMissing` with the remedy.
    """
    root = root or fetched_root()
    root.parent.mkdir(parents=True, exist_ok=True)
    with _alone(root.with_name(f"{root.name}.lock")):
        if _works(root):
            return root
        for rest in root.parent.glob(f"{root.name}.partial-*"):
            _remove(rest)
        debootstrap = shutil.which("debootstrap", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
        if debootstrap is None:
            raise SwitchMissing(
                "debootstrap is missing: apt-get install debootstrap, or install Asterisk 18 or later"
            )
        if os.geteuid() != 0:
            raise SwitchMissing(
                "fetching Asterisk needs root: run make install as root, or install Asterisk yourself"
            )
        partial = root.with_name(f"{root.name}.partial-{os.getpid()}")
        try:
            _bootstrap(debootstrap, partial, this_machines_mirror())
            _remove(root)
            partial.rename(root)
        finally:
            _remove(partial)
        return root


def _bootstrap(debootstrap: str, root: Path, mirror: str) -> None:
    log = root.with_name("asterisk-22.log")
    command = [debootstrap, "--variant=minbase", f"--include={','.join(PACKAGES)}", SUITE, str(root), mirror]
    with log.open("wb") as output:
        try:
            done = subprocess.run(
                [*command, str(SCRIPT)], stdout=output, stderr=output, timeout=LIMIT_S, check=False
            )
        except subprocess.TimeoutExpired:
            raise SwitchMissing(
                f"fetching took more than {LIMIT_S} s; see {log}, then run it again"
            ) from None
    if done.returncode != 0:
        last = " ".join(log.read_text(errors="replace").split()[-30:])
        raise SwitchMissing(f"debootstrap failed ({last}); see {log}, mend it and run it again")
    for archive in (root / "var/cache/apt/archives").glob("*.deb"):
        archive.unlink()
    if not _works(root):
        raise SwitchMissing(f"the fetched Asterisk does not run; see {log}, or install Asterisk 18 or later")


def _works(root: Path) -> bool:
    if not (root / "usr/sbin/asterisk").exists():
        return False
    try:
        find_asterisk({**os.environ, "HOTLINE_ASTERISK": str(root)})
    except SwitchMissing:
        return False
    return True


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    # The kernel gives the lock back when its holder dies, however it dies.
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _remove(root: Path) -> None:
    if not root.exists():
        return
    # A debootstrap that was killed leaves these mounted; never delete through a mount.
    for mount in ("proc", "sys", "dev"):
        subprocess.run(["umount", "-l", str(root / mount)], capture_output=True, check=False)
    subprocess.run(["rm", "-rf", "--one-file-system", str(root)], check=True)


def main() -> int:
    """Make sure that there is an Asterisk; 0 when there is, 2 with a line of why not."""
    try:
        try:
            found = find_asterisk()
        except SwitchMissing:
            if os.environ.get("HOTLINE_ASTERISK"):
                raise
            sys.stderr.write(f"fetching Asterisk 22 into {cache_directory()} (about a minute)\n")
            fetch()
            found = find_asterisk()
    except SwitchMissing as missing:
        sys.stderr.write(f"{missing}\n")
        return 2
    sys.stderr.write(f"{found}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
