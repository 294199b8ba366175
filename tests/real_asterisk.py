"""A real Asterisk 22 with the least configuration, for the tests that hold our fakes to it."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

USER, SECRET = "hotline", "correct horse"

_MODULES = """
pbx_config res_speech res_agi app_queue app_dial app_exec app_stack app_playback bridge_simple bridge_holding
res_musiconhold res_sorcery_config res_sorcery_memory res_sorcery_astdb res_pjproject res_pjsip
res_pjsip_pubsub res_pjsip_session res_pjsip_registrar res_pjsip_sdp_rtp res_pjsip_header_funcs
res_pjsip_endpoint_identifier_ip res_rtp_asterisk res_timing_timerfd chan_pjsip codec_ulaw codec_alaw
format_pcm format_wav func_channel func_base64 func_callerid
"""


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port on the loopback that was free a moment ago."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def command() -> tuple[list[str], Path]:
    """How to start Asterisk, and its root: the fetched one if there is one, else the installed one."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    root = Path(os.environ.get("HOTLINE_ASTERISK_ROOT") or cache / "hotline" / "asterisk-22")
    libraries = root / "usr/lib/x86_64-linux-gnu"
    if (root / "usr/sbin/asterisk").exists():
        path = f"{libraries}:{libraries}/pulseaudio"
        loader = str(root / "usr/lib64/ld-linux-x86-64.so.2")
        return [loader, "--library-path", path, str(root / "usr/sbin/asterisk")], root
    found = shutil.which("asterisk")
    assert found is not None, f"no Asterisk: neither in {root} nor installed; run `make install`"
    return [found], Path("/")


def _end_with_parent() -> None:
    """A test run that is killed leaves no Asterisk behind (PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class RealAsterisk:
    """One Asterisk with its files in ``folder``; AMI and SIP on free ports of the loopback."""

    def __init__(self, folder: Path, dialplan: str, manager: str = "") -> None:
        self.folder = folder
        self.ami = free_port()
        self.sip = free_port(socket.SOCK_DGRAM)
        self.carrier = free_port(socket.SOCK_DGRAM)
        self.process: subprocess.Popen[bytes] | None = None
        self._command, root = command()
        for name in ("etc", "var", "log", "run", "spool", "agi"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        modules = root / "usr/lib/x86_64-linux-gnu/asterisk/modules"
        if not modules.exists():
            modules = Path("/usr/lib/asterisk/modules")
        files = {
            "asterisk": f"""[directories]
astetcdir => {folder}/etc
astmoddir => {modules}
astvarlibdir => {folder}/var
astdbdir => {folder}/var
astkeydir => {folder}/var
astdatadir => {root}/usr/share/asterisk
astagidir => {folder}/agi
astspooldir => {folder}/spool
astrundir => {folder}/run
astlogdir => {folder}/log
[options]
verbose = 3
nocolor = yes
""",
            "modules": "[modules]\nautoload = no\n"
            + "".join(f"load = {name}.so\n" for name in _MODULES.split()),
            "logger": "[general]\n[logfiles]\nfull => notice,warning,error,verbose\n",
            "manager": f"""[general]
enabled = yes
bindaddr = 127.0.0.1
port = {self.ami}
[{USER}]
secret = {SECRET}
read = all
write = all
{manager}
""",
            "pjsip": f"""[udp]
type = transport
protocol = udp
bind = 127.0.0.1:{self.sip}
[carrier]
type = endpoint
context = carrier
disallow = all
allow = alaw
aors = carrier
[carrier]
type = aor
contact = sip:127.0.0.1:{self.carrier}
[carrier]
type = identify
endpoint = carrier
match = 127.0.0.1
""",
            "queues": "[general]\n[fallback]\nstrategy = rrmemory\n",
            "extensions": dialplan,
        }
        empty = (
            "musiconhold rtp features cdr ccss cel udptl acl indications pjproject sorcery stasis queuerules"
        )
        for name in (*files, *empty.split()):
            (folder / "etc" / f"{name}.conf").write_text(files.get(name, ""), encoding="utf-8")

    def start(self) -> None:
        """Start it and wait until it is ready."""
        began = self.log().count("Asterisk Ready.")
        log = (self.folder / "console").open("ab")
        self.process = subprocess.Popen(
            [*self._command, "-f", "-C", str(self.folder / "etc/asterisk.conf")],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=_end_with_parent,  # noqa: PLW1509 (nothing but a system call; no threads run yet)
        )
        log.close()
        end = time.monotonic() + 30
        # It listens before its modules are loaded, and then knows no queue yet.
        while self.log().count("Asterisk Ready.") <= began:
            assert self.process.poll() is None, f"Asterisk ended: {self.log()[-2000:]}"
            assert time.monotonic() < end, f"Asterisk is not ready: {self.log()[-2000:]}"
            time.sleep(0.01)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it and everything that it started."""
        if self.process is None:
            return
        self.process.send_signal(how)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(10)
        self.process = None

    def log(self) -> str:
        """What it has written so far."""
        written = self.folder / "log" / "full"
        return written.read_text(encoding="utf-8", errors="replace") if written.exists() else ""
