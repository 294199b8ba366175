"""The whole of Asterisk's configuration as text: only the modules needed, nothing open to strangers."""

from __future__ import annotations

import hashlib
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dialplans.extensions import FEATURE_CODES, render_extensions
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
        "logger.conf": _LOGGER,
        "manager.conf": _manager(settings, secrets, installation.version),
        "pjsip.conf": render_pjsip(trunks, seats, secrets, settings.network),
        "rtp.conf": _RTP.format(first=settings.network.rtp[0], last=settings.network.rtp[1]),
        "extensions.conf": render_extensions(
            [trunk.name for trunk in trunks],
            agi=settings.agi,
            spool=str(settings.spool),
            survival=str(settings.survival_program),
            feature_codes=settings.feature_codes,
            queue=FALLBACK_QUEUE,
        ),
        "queues.conf": _QUEUES.format(queue=FALLBACK_QUEUE, ring=settings.ring_s, rest=settings.wrap_up_s),
        "musiconhold.conf": _MUSIC.format(directory=settings.sounds / "music"),
        "indications.conf": _indications(settings.country),
        **_SMALL,
        "survival": _SURVIVAL.format(command=shlex.join([*settings.survival, str(settings.snapshot)])),
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
    return _ASTERISK.format(
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
    filters = _FILTERS if version >= _EXACT_FILTERS_SINCE else _LEGACY_FILTERS
    return _MANAGER.format(port=settings.ami_port, user=AMI_USER, secret=option(secret), filters=filters)


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


_ASTERISK = """\
; asterisk.conf, written by the program: changes made here are lost.
[directories]
{directories}

[options]
nocolor = yes
verbose = 0
debug = 0
hideconnect = yes
maxfiles = {max_files}
; No function that reaches the machine (SHELL, FILE) from AMI or AGI, only from this dialplan.
live_dangerously = no
; Silence is sent to a caller while nothing is played: carriers cut calls without media.
transmit_silence = yes
defaultlanguage = {language}
entityid = {entity}

[files]
astctlpermissions = 0600
astctl = asterisk.ctl
"""

_LOGGER = """\
; The program moves the file away when it grows (hotline/switch/process.py) and asks for a new one.
[general]
queue_log = no
dateformat = %F %T.%3q
rotatestrategy = none

[logfiles]
messages = notice,warning,error
"""

_RTP = """\
[general]
rtpstart = {first}
rtpend = {last}
strictrtp = yes
icesupport = no
"""

# In 22 a filter by name is looked up in a table; the older text filters run a regular expression over
# each event.
_EXACT_FILTERS_SINCE = (22, 0, 0)

_FILTERS = """\
eventfilter(action(include),name(DialEnd),header(DialStatus),method(exact)) = ANSWER
eventfilter(action(include),name(Hangup)) =
eventfilter(action(include),name(ContactStatus)) =
eventfilter(action(include),name(FullyBooted)) =
eventfilter(action(include),name(Shutdown)) =
eventfilter(action(include),name(UserEvent)) ="""

_LEGACY_FILTERS = """\
eventfilter = DialStatus: ANSWER
eventfilter = Event: Hangup
eventfilter = Event: ContactStatus
eventfilter = Event: FullyBooted
eventfilter = Event: Shutdown
eventfilter = Event: UserEvent"""

_MANAGER = """\
; The control port: this machine only, one user, and only the events that the engine acts on.
[general]
enabled = yes
webenabled = no
bindaddr = 127.0.0.1
port = {port}
displayconnects = no
timestampevents = no
authtimeout = 5
authlimit = 20
allowmultiplelogin = yes
; Events that nobody here hears are not even made.
disabledevents = Newexten,VarSet,Newstate,NewCallerid,NewConnectedLine,NewAccountCode,RTCPSent,RTCPReceived,\
LocalBridge,BridgeCreate,BridgeDestroy,BridgeEnter,BridgeLeave,DialBegin,DialState,MusicOnHoldStart,\
MusicOnHoldStop,AGIExecStart,AGIExecEnd,DeviceStateChange,HangupRequest,SoftHangupRequest,\
HangupHandlerPush,HangupHandlerRun,QueueMemberStatus,ExtensionStatus,DTMFBegin,DTMFEnd,PeerStatus

[{user}]
secret = {secret}
deny = 0.0.0.0/0.0.0.0
permit = 127.0.0.1/255.255.255.255
; call: DialEnd, Hangup; system: ContactStatus, FullyBooted, Shutdown; user: UserEvent.
read = call,system,user
; call: Hangup, Redirect, Setvar; agent: Queue*; originate: Originate; system: PJSIPShow*, Reload.
write = call,agent,originate,system
; A client that does not read is dropped after this many ms (100 by default).
writetimeout = 5000
{filters}
"""

_QUEUES = """\
; Where callers wait when the engine is gone. The engine keeps its members in step by QueueAdd.
[general]
persistentmembers = no
autofill = yes
shared_lastcall = yes
log_membername_as_agent = no

[{queue}]
; rrmemory goes on to the next seat; leastrecent would ring an empty chair for ever.
strategy = rrmemory
musicclass = default
timeout = {ring}
retry = 1
wrapuptime = {rest}
ringinuse = no
; Nobody is turned away.
joinempty = yes
leavewhenempty = no
announce-frequency = 0
announce-holdtime = no
announce-position = no
reportholdtime = no
membergosub = hotline-survive-seat
"""

_MUSIC = """\
[default]
mode = files
directory = {directory}
sort = alpha
"""

_SMALL = {
    "cdr.conf": "; The engine keeps the records.\n[general]\nenable = no\n",
    "cel.conf": "[general]\nenable = no\n",
    "http.conf": "[general]\nenabled = no\n",
    "udptl.conf": "[general]\n",
    "features.conf": "; A caller's keys do nothing behind the engine's back.\n[general]\n[featuremap]\n",
    "queuerules.conf": "[general]\n",
    "ccss.conf": "[general]\n",
    "acl.conf": "; none\n",
    "cli.conf": "[startup_commands]\n",
    "pjproject.conf": "; Asterisk's defaults\n[startup]\ntype = startup\nlog_level = 0\n",
    "stasis.conf": "; Asterisk's defaults\n",
    "sorcery.conf": "; Asterisk's defaults\n",
    "confbridge.conf": "[general]\n",
}

_SURVIVAL = """\
#!/bin/sh
# Started by Asterisk when the engine is gone; says where a new caller goes.
exec {command}
"""
