"""The manager interface (AMI) as bytes in, messages out: no sockets, no clock.

A message is a mapping from header to value, in Asterisk's own spelling. Where a header stands more than once
(``ChanVariable``, ``Variable``, ``Output``) its values are joined by a newline, which no single value can
contain; `variables` takes them apart again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

Fields = Mapping[str, str]
Value = str | int | bool | Iterable[str]

BANNER = b"Asterisk Call Manager/"
MAX_BANNER = 128
MAX_MESSAGE = 262_144  # bytes; the longest that Asterisk 22 was seen to send has 4 kB

_END = b"\r\n\r\n"
_CONTROL = re.compile(r"[\r\n\x00]")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*")


class AmiBroken(Exception):
    """The peer does not speak AMI, or says more than any Asterisk would."""


class AmiStream:
    """Everything one connection hears, cut into messages, whatever the cuts of the network.

    Bytes are decoded a whole message at a time, so no character is lost between two reads. What is not UTF-8
    (a caller's name in another encoding) becomes U+FFFD: visible, and safe for journals and logs.
    """

    __slots__ = ("_tail", "version")

    def __init__(self) -> None:
        self.version: str | None = None
        self._tail = bytearray()

    def feed(self, data: bytes) -> list[dict[str, str]]:
        """The messages that these bytes complete, in order.

        Raises `AmiBroken`; the stream is then useless.
        """
        tail = self._tail
        if self.version is None:
            tail += data
            end = tail.find(b"\r\n")
            right = tail.startswith(BANNER[: len(tail)])
            if not right or end > MAX_BANNER or (end < 0 and len(tail) > MAX_BANNER):
                shown = bytes(tail[:40])
                raise AmiBroken(f"the peer opens with {shown!r}; Asterisk opens with {BANNER.decode()}")
            if end < 0:
                return []
            self.version = tail[len(BANNER) : end].decode("ascii", "replace")
            data = bytes(tail[end + 2 :])
            tail.clear()
        if tail:
            # The end may have been cut itself: three of its bytes may be there already.
            start = max(0, len(tail) - 3)
            tail += data
            cut = tail.rfind(_END, start)
            if cut < 0:
                _check_length(len(tail))
                return []
            data = bytes(tail[:cut])
            del tail[: cut + 4]
        else:
            cut = data.rfind(_END)
            if cut < 0:
                _check_length(len(data))
                tail += data
                return []
            if cut + 4 < len(data):
                tail += data[cut + 4 :]
            data = data[:cut]
        try:
            text = data.decode()
        except UnicodeDecodeError:
            text = data.decode("utf-8", "replace")
        messages: list[dict[str, str]] = []
        for block in text.split("\r\n\r\n"):
            if len(block) > MAX_MESSAGE:
                _check_length(len(block))
            # Some messages end with one line end too many, with which the next then begins.
            lines = (block if block[:1] != "\r" else block.lstrip("\r\n")).split("\r\n")
            try:
                message = dict([line.split(": ", 1) for line in lines])
            except ValueError:
                message = _read_odd(lines)
            if len(message) != len(lines):
                message = _read_odd(lines)
            if message:
                messages.append(message)
        return messages


def _read_odd(lines: list[str]) -> dict[str, str]:
    """A message in which a header repeats, or a line is no header."""
    message: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not _NAME.match(name):
            continue
        value = value.removeprefix(" ")
        message[name] = f"{message[name]}\n{value}" if name in message else value
    return message


def _check_length(length: int) -> None:
    if length > MAX_MESSAGE:
        raise AmiBroken(f"a message of {length} bytes; at most {MAX_MESSAGE} are read")


def compose(action: str, action_id: str, fields: Mapping[str, Value | None]) -> bytes:
    """One action as bytes.

    A list becomes one header for each of its items, ``True`` and ``False`` the words, ``None`` nothing.
    Raises ``ValueError`` for what could forge a header: CR, LF or NUL in a value, a name that is none.
    """
    lines = [f"Action: {_clean('Action', action)}", f"ActionID: {_clean('ActionID', action_id)}"]
    for name, value in fields.items():
        if not _NAME.fullmatch(name):
            raise ValueError(f"AMI {action}: {name!r} is no header name; use letters, digits and -")
        if name.lower() in ("action", "actionid"):
            raise ValueError(f"AMI {action}: {name} is set by the link itself; leave it out")
        if value is None:
            continue
        if isinstance(value, bool):
            lines.append(f"{name}: {'true' if value else 'false'}")
        elif isinstance(value, (str, int)):
            lines.append(f"{name}: {_clean(f'{action}.{name}', str(value))}")
        else:
            lines.extend(f"{name}: {_clean(f'{action}.{name}', item)}" for item in value)
    try:
        return ("\r\n".join(lines) + "\r\n\r\n").encode()
    except UnicodeEncodeError:
        raise ValueError(f"AMI {action}: a value has a lone surrogate: decode it with 'replace'") from None


def _clean(place: str, value: str) -> str:
    if _CONTROL.search(value):
        raise ValueError(f"AMI {place}: CR, LF or NUL in {value[:40]!r} would forge a header: remove it")
    return value


def variables(fields: Fields) -> dict[str, str]:
    """The channel variables that an event or a line of `Status` carries (``ChanVariable``, ``Variable``)."""
    found: dict[str, str] = {}
    for header in ("ChanVariable", "Variable"):
        for item in fields[header].split("\n") if header in fields else ():
            name, equals, value = item.partition("=")
            if equals and value != "(null)":  # so `Status` writes a variable that the channel does not have
                found[name] = value
    return found


def begins_list(answer: Fields) -> bool:
    """Whether this answer is the first of several: events with the same ActionID follow until `ends_list`."""
    return answer.get("EventList") == "start" and answer.get("Response") == "Success"


def ends_list(event: Fields) -> bool:
    """Whether this event is the last of a list."""
    if event.get("EventList", "").lower() in ("complete", "cancelled"):
        return True
    return event.get("Event", "").endswith("Complete")
