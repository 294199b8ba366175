"""The whole of Asterisk's configuration as text: only the modules needed, nothing open to strangers."""

from __future__ import annotations

import hashlib
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dialplans.extensions import FEATURE_CODES, render_extensions
from hotline.switch import files
from hotline.switch.find import Installation
from hotline.switch.modules import render_modules
from trunks.pjsip import Network, option, render_pjsip
from trunks.seats import Seat
from trunks.trunk import Trunk

AMI_USER = "hotline"
AMI_SECRET = "ami"
"""The name of the control port's password in the secrets file."""

FALLBACK_QUEUE = "fallback"
_LONGEST_SOCKET_PATH = 107  # sun_path of unix(7), without its closing zero


@dataclass(frozen=True, slots=True)
class SwitchSettings:
    """Where one run of the switch lives, and where it listens.

    Everything that it writes lies under ``directory``. ``sounds`` is the prompt library (`ivr.prompts`).
    ``survival`` is the command that Asterisk starts for a new caller when the engine is gone.
    ``music``: directories of music under ``sounds/music`` that queues play besides the usual one.
    ``country``: whose dial and ringing tones are heard. ``ring_s``: how long the fallback rings one seat;
    ``wrap_up_s``: its rest.
    """

    directory: Path
    sounds: Path
    network: Network = field(default_factory=Network)
    ami_port: int = 5038
    agi_port: int = 4573
    survival: tuple[str, ...] = (sys.executable, "-m", "ivr.survival_live")
    language: str = "zh"
    country: str = "cn"
    ring_s: int = 20
    wrap_up_s: int = 15
    max_files: int = 65_536
    music: tuple[str, ...] = ()
    feature_codes: tuple[str, ...] = FEATURE_CODES

    def __post_init__(self) -> None:
        for name, port in (("ami_port", self.ami_port), ("agi_port", self.agi_port)):
            if not 1 <= port <= 65535:
                raise ValueError(f"switch.{name}: {port} is not a port; write 1 to 65535")
        if not self.directory.is_absolute():
            raise ValueError(f"switch.directory: {self.directory} is not an absolute path")
        if len(str(self.control)) > _LONGEST_SOCKET_PATH:
            raise ValueError(
                f"switch.directory: {self.directory} is too long for a control socket; choose a shorter path"
            )

    @property
    def etc(self) -> Path:
        """The configuration tree."""
        return self.directory / "etc"

    @property
    def conf(self) -> Path:
        """The file that Asterisk is started with."""
        return self.etc / "asterisk.conf"

    @property
    def control(self) -> Path:
        """The socket of Asterisk's own console."""
        return self.directory / "run" / "asterisk.ctl"

    @property
    def pidfile(self) -> Path:
        """Written by Asterisk itself."""
        return self.directory / "run" / "asterisk.pid"

    @property
    def log(self) -> Path:
        """Notices, warnings and errors."""
        return self.directory / "log" / "messages"

    @property
    def spool(self) -> Path:
        """The file to which the fallback adds a line for each step of a call; see `hotline.switch.spool`."""
        return self.directory / "spool" / "survived"

    @property
    def snapshot(self) -> Path:
        """What the survival program reads: the number plan as the engine last wrote it."""
        return self.directory / "spool" / "survival.json"

    @property
    def survival_program(self) -> Path:
        """What the dialplan starts: one path, since AGI() takes no command line."""
        return self.etc / "survival"

    @property
    def agi(self) -> str:
        """Where Asterisk asks the engine."""
        return f"agi://127.0.0.1:{self.agi_port}"


def render_tree(
    settings: SwitchSettings,
    installation: Installation,
    trunks: Sequence[Trunk],
    seats: Sequence[Seat],
    secrets: Mapping[str, str],
) -> dict[str, str]:
    """The text of every file of the tree, by its name. Raises ``ValueError`` with place, fault and remedy."""
    present = {path.stem for path in installation.modules.glob("*.so")}
    return {
        "asterisk.conf": _asterisk(settings, installation),
        "modules.conf": render_modules(present),
        "logger.conf": files.LOGGER,
        "manager.conf": _manager(settings, secrets, installation.version),
        "pjsip.conf": render_pjsip(trunks, seats, secrets, settings.network),
        "rtp.conf": files.RTP.format(first=settings.network.rtp[0], last=settings.network.rtp[1]),
        "extensions.conf": render_extensions(
            [trunk.name for trunk in trunks],
            agi=settings.agi,
            spool=str(settings.spool),
            survival=str(settings.survival_program),
            feature_codes=settings.feature_codes,
            queue=FALLBACK_QUEUE,
        ),
        "queues.conf": files.QUEUES.format(
            queue=FALLBACK_QUEUE, ring=settings.ring_s, rest=settings.wrap_up_s
        ),
        "features.conf": files.FEATURES.format(agi=settings.agi),
        "musiconhold.conf": files.MUSIC.format(
            directory=settings.sounds / "music", ringing=settings.sounds / "ringing"
        )
        + "".join(
            files.MORE_MUSIC.format(name=name, directory=settings.sounds / "music" / name)
            for name in settings.music
        ),
        "indications.conf": _indications(settings.country),
        **files.SMALL,
        "survival": files.SURVIVAL.format(command=shlex.join([*settings.survival, str(settings.snapshot)])),
    }


def _asterisk(settings: SwitchSettings, installation: Installation) -> str:
    home = settings.directory
    directories = {
        "astetcdir": settings.etc,
        "astmoddir": installation.modules,
        "astvarlibdir": home / "lib",
        "astdbdir": home / "lib",
        "astkeydir": home / "lib",
        "astdatadir": home / "data",
        "astagidir": settings.etc,
        "astspooldir": home / "spool",
        "astcachedir": home / "lib",
        "astrundir": home / "run",
        "astlogdir": home / "log",
    }
    # Asterisk takes its identity from a network card and warns where there is none.
    digits = hashlib.sha256(str(home).encode()).hexdigest()
    entity = ":".join(["02", *(digits[i : i + 2] for i in range(0, 10, 2))])
    lines = "\n".join(f"{name} => {option(str(path))}" for name, path in directories.items())
    return files.ASTERISK.format(
        directories=lines,
        entity=entity,
        language=option(settings.language),
        max_files=settings.max_files,
    )


def _manager(settings: SwitchSettings, secrets: Mapping[str, str], version: tuple[int, int, int]) -> str:
    try:
        secret = secrets[AMI_SECRET]
    except KeyError:
        raise ValueError(f"the secrets file has no {AMI_SECRET}; make it with keep_secrets") from None
    filters = files.FILTERS if version >= files.EXACT_FILTERS_SINCE else files.LEGACY_FILTERS
    return files.MANAGER.format(port=settings.ami_port, user=AMI_USER, secret=option(secret), filters=filters)


def _indications(country: str) -> str:
    return f"""\
; The tones that a caller hears: China's (ITU-T E.180 supplement 2: 450 Hz).
[general]
country = {option(country)}

[cn]
description = China
ringcadence = 1000,4000
dial = 450
busy = 450/350,0/350
ring = 450/1000,0/4000
congestion = 450/700,0/700
callwaiting = 450/400,0/4000
dialrecall = 450
record = 950/400,0/10000
info = 450/100,0/100,450/100,0/100,450/100,0/100,450/400,0/400
"""
