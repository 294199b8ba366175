"""A real PostgreSQL server of the test's own, on a port of the loopback, everything it writes in a directory.

PostgreSQL refuses to run as root: there it runs as the user ``nobody``.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import psycopg


class PostgresServer:
    """Started, killed and started again at the same address. The one user ``hotline`` has the password
    ``right``."""

    def __init__(self, directory: Path) -> None:
        programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
        assert programs, "PostgreSQL is not installed: make install"
        self._programs = programs[-1]
        self._directory = directory
        self._as: list[str] = []
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"postgresql://hotline:right@127.0.0.1:{self.port}/postgres"
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(directory, nobody.pw_uid, nobody.pw_gid)
            drop = shutil.which("setpriv")
            assert drop is not None
            self._as = [drop, f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]
        (directory / "password").write_text("right\n")
        (directory / "password").chmod(0o644)
        subprocess.run(
            [
                *self._as,
                *(str(self._programs / "initdb"), "-D", str(directory / "data"), "-U", "hotline", "-N"),
                *("-A", "scram-sha-256", f"--pwfile={directory / 'password'}", "-E", "UTF8", "--locale=C"),
            ],
            check=True,
            capture_output=True,
            cwd=directory,
        )
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            [
                *self._as,
                *(str(self._programs / "postgres"), "-D", str(self._directory / "data")),
                *("-p", str(self.port), "-h", "127.0.0.1", "-k", str(self._directory), "-c", "fsync=off"),
            ],
            cwd=self._directory,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 30
        while True:
            try:
                psycopg.connect(self.url, connect_timeout=2).close()
            except psycopg.OperationalError:
                assert self._process.poll() is None, "PostgreSQL ended"
                assert time.monotonic() < deadline, "PostgreSQL did not start"
                time.sleep(0.02)
            else:
                return

    def stop(self) -> None:
        """At once, like a crash, but leaving no process behind."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(timeout=30)

    def run(self, statement: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement)
