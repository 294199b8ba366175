"""What is said to a provider of SMS and what its answers and reports mean, as a city file describes it. Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Any, Literal

import msgspec

from acd.messages import Millis
from hotline.sms import Message, Policy, State

PLACEHOLDERS = ("number", "text", "id", "time", "signature", "secret")
AGAIN_STATUS = frozenset({401, 403, 404, 407, 408, 421, 425, 429})
"""besides 3xx and 5xx: a key, an address or a load that somebody will mend; no fault of this SMS"""
_HOLE = re.compile(r"\{(" + "|".join(PLACEHOLDERS) + r")\}")


@dataclass(frozen=True, slots=True)
class Settings:
    """One provider. ``body``: JSON with placeholders in its texts; ``signed``: the fields under the signature, joined by
    ``joined_by``; ``accepted``: what stands in ``answer_field`` when it took the SMS."""

    url: str
    body: Mapping[str, Any]
    headers: Mapping[str, str]
    secret: bytes = field(repr=False, default=b"")
    signed: tuple[str, ...] = ("id", "number", "text", "time")
    joined_by: str = "\n"
    written: Literal["hex", "base64"] = "hex"
    time: Literal["ms", "s", "iso"] = "ms"
    prefix: str = ""
    idempotency_header: str = "Idempotency-Key"
    answer_field: str = ""
    accepted: frozenset[str] = frozenset()
    again: frozenset[str] = frozenset()
    id_field: str = ""
    timeout_s: float = 10.0
    at_once: int = 8
    policy: Policy = field(default_factory=Policy)
    reports: Reports | None = None


@dataclass(frozen=True, slots=True)
class Reports:
    """How the provider calls us. ``items``: where the list stands in what it posts; nothing: the document itself."""

    host: str
    port: int
    token: bytes = field(repr=False)
    header: str = "X-Signature"
    proof: Literal["hmac", "token"] = "hmac"
    items: str = ""
    id_field: str = "id"
    state_field: str = "status"
    delivered: frozenset[str] = frozenset({"delivered", "DELIVRD"})
    expired: frozenset[str] = frozenset({"expired", "EXPIRED"})
    failed: frozenset[str] = frozenset()
    number_field: str = "number"
    text_field: str = "text"


class Meaning(Enum):
    """What an answer says about the SMS. ``AGAIN``: not taken, or nobody knows; the same id is sent again."""

    TAKEN = "taken"
    REFUSED = "refused"
    AGAIN = "again"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One try. ``wait_ms``: what the provider asks for, at least; ``ours``: something of ours is to be mended."""

    meaning: Meaning
    reason: str = ""
    provider_id: str | None = None
    wait_ms: Millis = 0
    ours: bool = False


def request(settings: Settings, message: Message, now: Millis) -> tuple[dict[str, str], bytes]:
    """The headers and the body of one try. Placeholders are filled in once: a text that looks like one stays a text."""
    values = {
        "number": settings.prefix + message.number,
        "text": message.text,
        "id": message.id,
        "time": _time(settings.time, now),
        "secret": settings.secret.decode("utf-8", "replace"),
    }
    given = settings.joined_by.join(values[name] for name in settings.signed).encode()
    digest = hmac.new(settings.secret, given, hashlib.sha256).digest()
    values["signature"] = digest.hex() if settings.written == "hex" else base64.b64encode(digest).decode()

    def filled(node: Any) -> Any:
        if isinstance(node, str):
            return _HOLE.sub(lambda hole: values[hole[1]], node)
        if isinstance(node, Mapping):
            return {name: filled(value) for name, value in node.items()}
        return [filled(value) for value in node] if isinstance(node, list | tuple) else node

    headers = {name: filled(value) for name, value in settings.headers.items()}
    headers |= {"Content-Type": "application/json", "Accept-Encoding": "identity"}
    headers[settings.idempotency_header] = message.id
    return headers, msgspec.json.encode(filled(settings.body))


def read_answer(
    settings: Settings, status: int, body: bytes | None, retry_after: str | None, now: Millis
) -> Outcome:
    """What an answer means. ``body``: ``None`` when it was too long to be one."""
    wait = _wait(retry_after, now)
    if status // 100 != 2:
        again = status in AGAIN_STATUS or status // 100 != 4
        ours = status // 100 == 3 or status in {401, 403, 404, 407}
        return Outcome(
            Meaning.AGAIN if again else Meaning.REFUSED, f"HTTP {status}", wait_ms=wait, ours=ours and again
        )
    if not settings.answer_field:
        return Outcome(Meaning.TAKEN, provider_id=_text(at_path(_json(body), settings.id_field)))
    document = _json(body)
    code = _text(at_path(document, settings.answer_field))
    if code is None:  # an answer that is none tells nothing about the SMS
        return Outcome(Meaning.AGAIN, "the answer can't be understood", wait_ms=wait)
    if code in settings.accepted:
        return Outcome(Meaning.TAKEN, provider_id=_text(at_path(document, settings.id_field)))
    if code in settings.again:
        return Outcome(Meaning.AGAIN, f"the provider says {code[:40]}", wait_ms=wait)
    return Outcome(Meaning.REFUSED, f"the provider says {code[:40]}")


def read_reports(reports: Reports, body: bytes) -> list[tuple[str, State, str]] | None:
    """Id, state and the provider's word of each report; ``None`` for what is no report. A state that is neither
    delivered, expired nor failed is an interim one and left out; without a list of what is failed all others are."""
    found = []
    items = _items(reports, body)
    for item in items or ():
        id_, word = _text(at_path(item, reports.id_field)), _text(at_path(item, reports.state_field))
        if id_ is None or word is None:
            return None
        if word in reports.delivered:
            found.append((id_, State.DELIVERED, ""))
        elif word in reports.expired:
            found.append((id_, State.EXPIRED, f"reported: {word[:40]}"))
        elif not reports.failed or word in reports.failed:
            found.append((id_, State.FAILED, f"reported: {word[:40]}"))
    return None if items is None else found


def read_replies(reports: Reports, body: bytes) -> list[tuple[str, str]] | None:
    """Number and text of each reply; ``None`` for what is none."""
    found = []
    items = _items(reports, body)
    for item in items or ():
        number, text = _text(at_path(item, reports.number_field)), _text(at_path(item, reports.text_field))
        if number is None or text is None:
            return None
        found.append((number, text))
    return None if items is None else found


def proven(reports: Reports, header: str | None, body: bytes) -> bool:
    """Does it come from the provider? Compared in constant time."""
    wanted = reports.token
    if reports.proof == "hmac":
        wanted = hmac.new(reports.token, body, hashlib.sha256).hexdigest().encode()
    return header is not None and hmac.compare_digest(wanted, header.encode("utf-8", "replace"))


def at_path(node: Any, path: str) -> Any:
    """What stands at ``data.0.code``; ``None`` where nothing does, or the path is empty."""
    for part in path.split("."):
        if isinstance(node, Mapping):
            node = node.get(part)
        elif isinstance(node, list) and part.isascii() and part.isdigit() and int(part) < len(node):
            node = node[int(part)]
        else:
            return None
    return node


def _items(reports: Reports, body: bytes) -> list[Any] | None:
    document = _json(body)
    if reports.items:
        document = at_path(document, reports.items)
    if isinstance(document, Mapping):
        return [document]
    return document if isinstance(document, list) else None


def _json(body: bytes | None) -> Any:
    try:
        return msgspec.json.decode(body or b"")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int) else None


def _time(form: str, now: Millis) -> str:
    if form == "iso":
        return datetime.fromtimestamp(now / 1000, UTC).isoformat(timespec="seconds")
    return str(now if form == "ms" else now // 1000)


def _wait(retry_after: str | None, now: Millis) -> Millis:
    """``Retry-After``, in seconds or as a date, at most an hour."""
    if retry_after is None:
        return 0
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return min(int(text[:9]), 3600) * 1000
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return 0
    until = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000
    return int(min(max(until - now, 0), 3_600_000))
