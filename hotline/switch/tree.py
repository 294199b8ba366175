"""Writes the configuration tree to disk and says what changed."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from hotline.switch.config import SwitchSettings
from hotline.switch.find import Installation
from hotline.switch.secrets import write_private

RELOADS: Mapping[str, tuple[str, ...]] = {
    # "pjsip reload" is only an alias for these, and aliases are a module that is not loaded.
    "pjsip.conf": (
        "module reload res_pjsip.so",
        "module reload res_pjsip_authenticator_digest.so",
        "module reload res_pjsip_endpoint_identifier_ip.so",
        "module reload res_pjsip_outbound_registration.so",
        # It registers again by itself where the registration changed, but not where only its password did.
        "pjsip send register *all",
    ),
    "extensions.conf": ("dialplan reload",),
    "queues.conf": ("queue reload all",),
    "musiconhold.conf": ("moh reload",),
    "manager.conf": ("manager reload",),
    "logger.conf": ("logger reload",),
}
"""Which console commands make Asterisk read a file again without touching a call."""

_READ_AT_EACH_USE = frozenset({"survival"})


def write_tree(
    settings: SwitchSettings, installation: Installation, files: Mapping[str, str]
) -> tuple[str, ...]:
    """Write what is new or different, and nothing else; the names of those files, in order.

    Everything is for the owner's eyes only: the files hold passwords.
    """
    home = settings.directory
    for name in ("etc", "run", "log", "lib", "lib/keys", "data", "spool"):
        directory = home / name
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(0o700)
    # Asterisk looks for its documentation and the sounds in one directory; ours are in two.
    _link(home / "data" / "documentation", installation.data / "documentation")
    (home / "data" / "sounds").mkdir(exist_ok=True)
    _link(home / "data" / "sounds" / settings.language, settings.sounds)
    changed = []
    for name, text in sorted(files.items()):
        path = settings.etc / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            write_private(path, text)
            changed.append(name)
    settings.survival_program.chmod(0o700)
    for stray in settings.etc.iterdir():
        if stray.name not in files:
            stray.unlink()
    return tuple(changed)


def reload_commands(changed: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The console commands that bring the changed files into effect, and the files that need a restart."""
    commands = tuple(command for name in changed for command in RELOADS.get(name, ()))
    restart = tuple(name for name in changed if name not in RELOADS and name not in _READ_AT_EACH_USE)
    return commands, restart


def _link(link: Path, target: Path) -> None:
    if link.is_symlink() and Path(os.readlink(link)) == target:
        return
    link.unlink(missing_ok=True)
    link.symlink_to(target)
