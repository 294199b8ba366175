"""Logs: one line of JSON an entry on standard error, or readable lines on a terminal.

No line shows a caller's number or a secret, whoever wrote it: masking is a step that every entry passes,
those of the libraries included. The rule: in a row of seven or more digits, and in telephone numbers
written with blanks, hyphens or brackets, only the first three and the last two digits stay. Short codes of
three to six digits stay readable, and so do the switch's own names: unique ids (``1732160000.123``),
channels (``PJSIP/ct-00000012``) and UUIDs.
"""

from __future__ import annotations

import contextlib
import logging
import re
import sys
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, TextIO, cast

import msgspec
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger


class OwnersFault(Exception):
    """Something that the owner of the installation can mend: a configuration, a disk, a database.

    The text is one line: place, fault, remedy. It is logged without a traceback.
    """


def set_up(*, level: str = "info", stream: TextIO | None = None, terminal: bool | None = None) -> None:
    """Send every log of the process, the libraries' too, to ``stream`` (standard error).

    ``terminal``: readable lines instead of JSON; ``None``: whatever the stream is. May be called again.
    Raises ``OwnersFault`` for a level that there is not.
    """
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        raise OwnersFault(f"log level: {level!r} is none; choose debug, info, warning or error")
    out = sys.stderr if stream is None else stream
    readable = out.isatty() if terminal is None else terminal
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        faults_in_one_line,
        structlog.processors.format_exc_info,
        clean,
        structlog.processors.TimeStamper(fmt="iso", utc=not readable, key="at"),
    ]
    last: Processor
    if readable:
        last = structlog.dev.ConsoleRenderer(
            colors=out.isatty(), timestamp_key="at", exception_formatter=structlog.dev.plain_traceback
        )
    else:
        last = structlog.processors.JSONRenderer(serializer=_json)
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(number)
    # SQL with its parameters, and each of alembic's steps, are for those who ask for them.
    for chatty in ("sqlalchemy", "alembic", "asyncio"):
        logging.getLogger(chatty).setLevel(max(number, logging.WARNING))
    logging.captureWarnings(True)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(number),
        cache_logger_on_first_use=False,
    )


def logger(room: str) -> structlog.typing.FilteringBoundLogger:
    """The logger of one part of the program; ``room`` is in each of its lines."""
    return cast("structlog.typing.FilteringBoundLogger", structlog.get_logger(room=room))


@contextlib.contextmanager
def about(call: str, **more: str) -> Iterator[None]:
    """Every line logged within, also by tasks started within, carries this call's id."""
    with structlog.contextvars.bound_contextvars(call=call, **more):
        yield


def faults_in_one_line(_logger: WrappedLogger, _method: str, entry: EventDict) -> EventDict:
    """An owner's fault is told in one line; ours keeps its whole traceback."""
    given = entry.get("exc_info")
    fault = sys.exc_info()[1] if given is True else given[1] if isinstance(given, tuple) else given
    if isinstance(fault, OwnersFault):
        del entry["exc_info"]
        entry["fault"] = " ".join(str(fault).split())
    return entry


def clean(_logger: WrappedLogger, _method: str, entry: EventDict) -> EventDict:
    """Take the secrets out, mask the numbers, and make line breaks and control characters visible."""
    cleaned: dict[str, Any] = {}
    for key, value in entry.items():
        if key in _OWN_KEYS:
            cleaned[key] = value
        elif not is_secret(key):
            cleaned[_masked_key(str(key))] = _clean_value(value, str(key), visible=key != "exception")
    return cleaned


# What structlog's own steps hand to each other; the first is the logging library's record, not shown as such.
_OWN_KEYS = frozenset({"_record", "_from_structlog", "level"})

_SECRET_WORDS = frozenset(
    (
        "secret",
        "secrets",
        "pin",
        "pins",
        "password",
        "passwords",
        "passwd",
        "passphrase",
        "pwd",
        "credentials",
    )
)
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


@lru_cache(maxsize=1024)
def is_secret(key: object) -> bool:
    """Does a field of this name hold what must never be logged? ``agent_pin`` does, ``spinning`` does not."""
    return any(word.lower() in _SECRET_WORDS for word in _WORD.findall(str(key)))


@lru_cache(maxsize=1024)
def _masked_key(key: str) -> str:
    return masked(key)


def masked(text: str) -> str:
    """``text`` with every telephone number masked (see the head of this module) and every secret taken
    out."""
    if len(text) < _SHORTEST_MASKED:
        return text
    if "://" in text:
        text = _URL_SECRET.sub(r"\1:…@", text)
    if "=" in text or ":" in text:
        text = _SAID_SECRET.sub(r"\1…", text)
    return _NUMBERS.sub(_mask_match, text) if _FIVE_DIGITS.search(text) else text


def mask_number(number: str) -> str:
    """All but the first three and the last two digits of ``number`` as ``*``; up to six digits stay."""
    places = [place for place, char in enumerate(number) if char.isdigit()]
    if len(places) < 7:
        return number
    hidden = set(places[3:-2])
    return "".join("*" if place in hidden else char for place, char in enumerate(number))


_FIVE_DIGITS = re.compile(r"\d(?:\D{0,2}\d){4}")
"""no number is shorter, and nobody writes more than a bracket and a blank between two digits: most texts need no closer look"""
_SHORTEST_MASKED = 5
"""``pin=1`` is the shortest text in which there is anything to mask"""
_URL_SECRET = re.compile(r"(://[^\s:/@]*):[^\s@/]+@")
_SAID_SECRET = re.compile(
    r"""((?<![A-Za-z])(?:[A-Za-z]+[_-])*(?:secret|pin|password|passwd|pwd)["']?\s*[=:]\s*)("[^"]*"|'[^']*'|[^\s,;)}\]]+)""",
    re.IGNORECASE,
)
# What stays whole, then written numbers from the most to the least particular. \d finds full-width digits,
# too.
_GAP = r"[\s\-]"
_NUMBERS = re.compile(
    "|".join(
        (
            r"(?P<stays>"
            # the switch's unique id, seconds.count: no number in China has ten digits and begins with 1 or 2
            r"(?<![\d+.])(?:1[5-9]|2\d)\d{8}\.\d{1,9}(?![\d.])",
            # a UUID
            r"(?<![\w-])[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}(?![\w-])",
            # a channel's name, unless a long number stands in it: its count has never got past 00ffffff
            r"(?<![\w/])(?:PJSIP|Local|AudioSocket|WebSocket)/(?:[A-Za-z_.@\-]|(?<!\d)\d{1,6}(?!\d))+"
            r"-00[0-9a-f]{6}(?![0-9A-Za-z]))",
            # a mobile with the country's code; one in three groups
            rf"(?<!\d)(?:\+|00)?86{_GAP}?1[3-9]\d{_GAP}?\d{{4}}{_GAP}?\d{{4}}(?!\d)",
            rf"(?<!\d)1[3-9]\d{_GAP}\d{{4}}{_GAP}\d{{4}}(?!\d)",
            # (0371) 6791 2345; 0371-67912345
            rf"(?<!\d)(?:\+?86{_GAP}?)?[((]0?\d{{2,3}}[))]{_GAP}?\d{{3,4}}{_GAP}?\d{{4}}(?!\d)",
            rf"(?<!\d)(?:(?:\+|00)86{_GAP}?)?0\d{{2,3}}{_GAP}\d{{3,4}}{_GAP}?\d{{4}}(?!\d)",
            # 400-810-2345
            rf"(?<!\d)[48]00{_GAP}\d{{3,4}}{_GAP}?\d{{3,4}}(?!\d)",
            # any country's
            rf"\+\d{{1,3}}(?:{_GAP}?\d{{2,}}){{2,6}}",
            r"\d{7,}",
        )
    )
)


def _mask_match(match: re.Match[str]) -> str:
    return match.group() if match.group("stays") else mask_number(match.group())


def _visible(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def _clean_value(value: object, key: str, *, visible: bool = True) -> Any:
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return masked(str(value)) if _looks_like_number(value) else value
    if isinstance(value, Mapping):
        return {
            masked(str(name)): _clean_value(item, str(name), visible=visible)
            for name, item in value.items()
            if not is_secret(name)
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean_value(item, key, visible=visible) for item in value]
    if isinstance(value, bytes | bytearray):
        value = bytes(value).decode(errors="backslashreplace")
    text = value if isinstance(value, str) else repr(value) if isinstance(value, Exception) else str(value)
    text = masked(text)
    return _visible(text) if visible else text


def _looks_like_number(value: int) -> bool:
    # A mobile (11 digits from 13 to 19), a landline that lost its leading 0, or either behind 86. Instants in
    # seconds have 10 digits, in ms 13 that begin with 1 or 2: they stay.
    digits = str(value)
    return len(digits) in {11, 12} or (len(digits) >= 12 and digits.startswith("86"))


def _json(entry: Any, **_options: object) -> str:
    return msgspec.json.encode(entry, enc_hook=str).decode()
