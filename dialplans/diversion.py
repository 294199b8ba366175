"""Who sent the call on: the raw values of ``Diversion`` (RFC 5806) and ``History-Info`` (RFC 7044) headers.

The values come from outside and are read as such: whatever is no entry is passed over, nothing raises, and
the work is linear in the text, with a limit. `read_hops` puts both headers into the order in which the call
went its way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

LONGEST_HEADER = 32_768  # characters; a SIP request over UDP has at most 64 KiB in all
MOST_CHARACTERS = 65_536  # of all headers together
MOST_ENTRIES = 64  # Max-Forwards is 70, a carrier's own limit on diversions 5

# The diverting side was asked and did not take the call (RFC 5806 reasons), or is closed by its own clock.
_TRIED_REASONS = frozenset({"user-busy", "no-answer", "unavailable", "out-of-service", "time-of-day", "away"})
# The same in RFC 4458's figures; 302 is unconditional.
_TRIED_CAUSES = frozenset({"408", "480", "486", "487", "503"})

_INDEX = re.compile(r"[0-9]{1,6}")
_BRACKETED = re.compile(r"<([^<>]*)>")
_ESCAPED_CAUSE = re.compile(r"cause=(\d{3})")


@dataclass(frozen=True, slots=True)
class Hop:
    """One place that the call was sent on from: ``uri`` as it stood; ``tried``: asked in vain first."""

    header: str
    uri: str
    tried: bool = False


@dataclass(frozen=True, slots=True)
class Hops:
    """Both headers' hops, each in the order in which the call went: the number first dialled comes first."""

    history: tuple[Hop, ...] = ()
    diversion: tuple[Hop, ...] = ()


def read_hops(headers: Sequence[str]) -> Hops:
    """Read header lines (``Diversion: <sip:12315@...>;reason=no-answer, ...``) in the request's order."""
    diversion: list[Hop] = []
    history: list[tuple[tuple[int, ...], str, dict[str, str]]] = []
    left = MOST_CHARACTERS
    for line in headers[:MOST_ENTRIES]:
        if len(line) > LONGEST_HEADER:
            continue
        left -= len(line)
        if left < 0:
            break
        name, colon, value = line.partition(":")
        header = name.strip().lower()
        if not colon or header not in ("diversion", "history-info"):
            continue
        for entry in _entries(value):
            uri, parameters = _entry(entry)
            if not uri:
                continue
            if header == "diversion" and len(diversion) < MOST_ENTRIES:
                diversion.append(Hop("Diversion", uri, parameters.get("reason", "") in _TRIED_REASONS))
            elif header == "history-info" and len(history) < MOST_ENTRIES:
                # Without an index an entry keeps its place after the one before it.
                index = _index(parameters.get("index", "")) or (history[-1][0] if history else (0,))
                history.append((index, uri, parameters))
    history.sort(key=lambda entry: entry[0])
    diversion.reverse()  # RFC 5806: the latest diversion is put on top
    return Hops(tuple(_history(history)), tuple(diversion))


def _history(entries: Sequence[tuple[tuple[int, ...], str, dict[str, str]]]) -> Iterator[Hop]:
    """A target's ``cause`` tells what became of the one before it (RFC 4458), an escaped Reason of itself."""
    for place, (_, uri, _parameters) in enumerate(entries):
        own = _ESCAPED_CAUSE.search(unquote(uri.partition("?")[2]).lower())
        causes = {own[1]} if own else set()
        if place + 1 < len(entries):
            causes.add(_uri_parameters(entries[place + 1][1]).get("cause", ""))
        yield Hop("History-Info", uri, not _TRIED_CAUSES.isdisjoint(causes))


def _entries(value: str) -> Iterator[str]:
    """Split at the commas that stand neither in a quoted name nor inside angle brackets."""
    start, quoted, bracketed, escaped = 0, False, False, False
    for place, character in enumerate(value):
        if escaped:
            escaped = False
        elif quoted:
            escaped = character == "\\"
            quoted = character != '"'
        elif character == '"':
            quoted = not bracketed  # inside a URI a quote is only a character
        elif character == "<":
            bracketed = True
        elif character == ">":
            bracketed = False
        elif character == "," and not bracketed:
            yield value[start:place]
            start = place + 1
    yield value[start:]


def _entry(entry: str) -> tuple[str, dict[str, str]]:
    """The URI of one entry and the parameters behind it; an empty URI when there is none."""
    entry = entry.strip()
    if entry.startswith('"'):
        closing = re.match(r'"(?:[^"\\]|\\.)*"', entry)
        if closing is None:
            return "", {}
        entry = entry[closing.end() :]
    found = _BRACKETED.search(entry)
    if found is not None:
        return found[1].strip(), _parameters(entry[found.end() :])
    if "<" in entry or ">" in entry:
        return "", {}
    uri, _, rest = entry.partition(";")  # without brackets the parameters are the header's (RFC 3261, 20.10)
    return uri.strip(), _parameters(rest)


def _uri_parameters(uri: str) -> dict[str, str]:
    return _parameters(uri.partition("?")[0].partition(";")[2])


def _parameters(text: str) -> dict[str, str]:
    parameters: dict[str, str] = {}
    for part in text.split(";"):
        name, _, value = part.partition("=")
        parameters.setdefault(name.strip().lower(), value.strip().strip('"').lower())
    return parameters


def _index(text: str) -> tuple[int, ...]:
    """``1.1.2`` as figures; empty when it is something else."""
    parts = text.split(".")
    if len(parts) > MOST_ENTRIES or not all(_INDEX.fullmatch(part) for part in parts):
        return ()
    return tuple(map(int, parts))
