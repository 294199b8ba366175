"""Agents' PINs: kept as scrypt hashes, compared in constant time.

``python -m hotline.pins`` asks for a PIN and prints what to write into a city file.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

DEMO_PIN = "1234"
"""The PIN of every agent of the five built-in cities, for demonstrations only."""

# About 15 ms and 8 MB: 260 agents who sign on at 8:00 must not hold up a call, and a PIN of four digits is
# protected by who can read the file, not by the hash.
_N, _R, _P = 2**13, 8, 1
_MOST_N = 2**17
_KEY = secrets.token_bytes(32)
_ANSWERS: dict[bytes, bool] = {}
_MOST_ANSWERS = 4096


def hash_pin(pin: str, salt: bytes | None = None) -> str:
    """``scrypt$8192$8$1$SALT$HASH``, with a fresh salt."""
    salt = salt or secrets.token_bytes(12)
    return f"scrypt${_N}${_R}${_P}${_text(salt)}${_text(_scrypt(pin, salt, _N, _R, _P))}"


def pin_fault(stored: str) -> str | None:
    """Why a stored hash can't be used; `None` when it can."""
    return None if _parts(stored) else "is no scrypt hash: make one with python -m hotline.pins"


def pin_matches(stored: str, pin: str) -> bool:
    """Whether this PIN made the hash; a first try takes as long for a wrong PIN as for a right one."""
    # A whole group may share one hash. An answer is kept under a key that dies with the process, not the PIN.
    tried = hmac.digest(_KEY, f"{stored}\0{pin}".encode(), "sha256")
    if tried not in _ANSWERS:
        if len(_ANSWERS) >= _MOST_ANSWERS:
            _ANSWERS.clear()
        parts = _parts(stored)
        _ANSWERS[tried] = parts is not None and hmac.compare_digest(_scrypt(pin, *parts[:4]), parts[4])
    return _ANSWERS[tried]


def _parts(stored: str) -> tuple[bytes, int, int, int, bytes] | None:
    fields = stored.split("$")
    if len(fields) != 6 or fields[0] != "scrypt":
        return None
    try:
        n, r, p = (int(field) for field in fields[1:4])
        salt, expected = (base64.b64decode(field, validate=True) for field in fields[4:])
    except ValueError:
        return None
    if not (2 <= n <= _MOST_N and n & (n - 1) == 0 and 1 <= r <= 16 and 1 <= p <= 4):
        return None
    return (salt, n, r, p, expected) if len(salt) >= 8 and len(expected) == 32 else None


def _scrypt(pin: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    return hashlib.scrypt(pin.encode(), salt=salt, n=n, r=r, p=p, maxmem=2**28 + 2**20, dklen=32)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


if __name__ == "__main__":
    import getpass
    import sys

    sys.stdout.write(f'pin_hash = "{hash_pin(getpass.getpass("PIN: "))}"\n')
