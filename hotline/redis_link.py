"""The way to Redis: the address, the client, its faults in one line, and who may write to a key."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import urllib.parse
from pathlib import Path
from typing import Any

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError

from hotline.journal import JournalFault

LOCK_MS = 6_000
ANSWER_S = 2.0
"""how long Redis may take for an answer before the connection is given up"""

# The lock is renewed, or taken when nobody holds it; 0: another has it.
_RENEW = """
local holder = redis.call('GET', KEYS[1])
if holder == false or holder == ARGV[1] or holder == ARGV[3] then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  return 1
end
return 0
"""
_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


def address(where: str) -> tuple[str, str, str]:
    """The URL for the client, the stream's name, and the URL without its password, to be shown."""
    parts = urllib.parse.urlsplit(where)
    try:
        host, port = parts.hostname or "127.0.0.1", parts.port or 6379
    except ValueError:
        raise JournalFault(
            f"journal {parts.scheme}://…: the port is no number; give redis://HOST:PORT/DB"
        ) from None
    query = dict(urllib.parse.parse_qsl(parts.query))
    stream = query.pop("stream", "hotline")
    if query:
        raise JournalFault(
            f"journal {parts.scheme}://{host}:{port}: {', '.join(query)} is not known; only ?stream=NAME is"
        )
    if not parts.path.strip("/").isdecimal() and parts.path.strip("/"):
        raise JournalFault(
            f"journal {parts.scheme}://{host}:{port}{parts.path}: the database is a number; give /0"
        )
    url = urllib.parse.urlunsplit(parts._replace(query=""))
    return url, stream, f"{parts.scheme}://{host}:{port}{parts.path or '/0'}?stream={stream}"


def told(fault: BaseException, shown: str) -> JournalFault:
    """A fault of Redis's as one line with its remedy."""
    if isinstance(fault, AuthenticationError) or "NOAUTH" in str(fault) or "WRONGPASS" in str(fault):
        return JournalFault(
            f"journal {shown}: the password is wrong or missing; give redis://:PASSWORD@HOST:PORT/DB"
        )
    why = str(fault).splitlines()[0] if str(fault) else type(fault).__name__
    return JournalFault(f"journal {shown}: {why}; start Redis there, or correct the address")


def connect(url: str) -> Any:
    """A client that gives up after `ANSWER_S` and leaves trying again to us. Raises ``ValueError`` for a
    bad URL."""
    # Any: the library's own annotations allow for both kinds of clients and answers at once.
    return redis.asyncio.Redis.from_url(
        url, socket_timeout=ANSWER_S, socket_connect_timeout=ANSWER_S, retry=Retry(NoBackoff(), 0)
    )


class Possession:
    """The right to write, held by one program: a key that expires when its holder no longer renews it.

    ``shown``: the address for messages. The holder is named by host, process and the instant at which the
    process began, so that a dead one on this machine is known to be dead at once.
    """

    def __init__(self, client: Any, key: str, shown: str) -> None:
        self._redis = client
        self._key = key
        self._shown = shown
        self._token = _token()

    async def take(self) -> None:
        """Become the one who writes. Raises `JournalFault` when another program does."""
        # A holder that died is waited for, unless it ran here: then it is known to be dead.
        for _ in range(int(LOCK_MS / 250) + 2):
            held = await self._redis.get(self._key)
            holder = held.decode(errors="replace") if isinstance(held, bytes) else None
            alive = None if holder is None else _lives(holder)
            if alive is not True and await self.renew(holder if alive is False else None):
                return
            if alive:
                break
            await asyncio.sleep(0.25)
        who = (holder or "").rpartition(" ")[0] or "unknown"
        raise JournalFault(
            f"journal {self._shown}: another program ({who}) writes it; stop that, or give another ?stream="
        )

    async def renew(self, dead: str | None = None) -> bool:
        """Hold on to it, take it where nobody has it, or from ``dead``; False: another program has it."""
        answer = await self._redis.eval(_RENEW, 1, self._key, self._token, str(LOCK_MS), dead or self._token)
        return bool(answer)

    async def release(self) -> None:
        """Let it go."""
        await self._redis.eval(_RELEASE, 1, self._key, self._token)


def _token() -> str:
    return f"{socket.gethostname()} process {os.getpid()} since {_since(os.getpid())} {secrets.token_hex(4)}"


def _since(process: int) -> str | None:
    """When a process of this machine began, in the kernel's ticks; ``None``: there is none of this number."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return None
    return stat.rpartition(")")[2].split()[19]


def _lives(token: str) -> bool | None:
    """Does the holder of the lock live? ``None``: it runs elsewhere, nobody here can say."""
    host, _, rest = token.partition(" process ")
    if host != socket.gethostname():
        return None
    process, _, since = rest.partition(" since ")
    return process.isdecimal() and _since(int(process)) == since.split(" ")[0]
