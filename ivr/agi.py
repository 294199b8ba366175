"""FastAGI as bytes in, messages out: no sockets, no clock.

Asterisk opens a connection, sends a block of ``agi_*: value`` lines, an empty line, and then answers one
command at a time. `AgiStream.feed` turns what arrives into `Greeting`, `Reply` and `Hangup`; `command` and
its companions turn orders into lines that cannot be broken by the text inside them.

Measured on Asterisk 22.10: it reads the socket through a buffer but waits on the socket itself, so of several
commands in one write it answers the first and sleeps on the rest. Send a command when the one before is done.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

MAX_GREETING_LINES = 256
MAX_LINE = 16_384
MAX_GREETING = 65_536
# Asterisk reads a command into 2048 bytes (AGI_BUF_LEN) and would run the rest of a longer line as another
# one.
MAX_COMMAND = 2_000

_VERB = re.compile(r"[A-Za-z]+(?: [A-Za-z]+)*")
_VARIABLE = re.compile(r"_{0,2}[A-Za-z][A-Za-z0-9_]*(?:\([A-Za-z0-9_,/:.-]*\))?")
_PLAIN_VARIABLE = re.compile(r"_{0,2}[A-Za-z][A-Za-z0-9_]*")
_APPLICATION = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
# What MSet hands on unchanged: no comma (it separates), quote or backslash (it removes them), blank, $ or {}.
_PLAIN_VALUE = re.compile(r"[\w@.:/+*#&;%~-]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SAFE_TO_ESCAPE = str.maketrans({"\\": "\\\\", '"': '\\"'})


class AgiBroken(Exception):
    """The peer does not speak FastAGI, or says more than any Asterisk would."""


@dataclass(frozen=True, slots=True)
class Greeting:
    """How Asterisk opens: every ``agi_*`` value, the path of the ``agi://`` address, the arguments in
    order."""

    env: Mapping[str, str]
    path: str
    args: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to one command.

    ``code``: 200 done, 510 unknown command, 511 the channel is dead, 520 wrong usage. ``result`` is the text
    behind ``result=``, ``data`` what stands in parentheses, ``endpos`` the sample at which a prompt stopped.
    """

    code: int
    result: str = ""
    data: str | None = None
    endpos: int | None = None
    text: str = ""

    @property
    def ok(self) -> bool:
        """Asterisk carried the command out (``result`` may still say that an application ended with -1)."""
        return self.code == 200

    @property
    def key(self) -> str | None:
        """The key that was pressed, where ``result`` is a character's code (prompts, `wait_for_digit`)."""
        return chr(int(self.result)) if self.ok and self.result.isdecimal() and self.result != "0" else None


@dataclass(frozen=True, slots=True)
class Hangup:
    """The line ``HANGUP``: the channel was hung up, redirected or bridged elsewhere. Close at once."""


Heard = Greeting | Reply | Hangup
_HANGUP = Hangup()


class AgiStream:
    """Everything one connection hears, cut into messages, whatever the cuts of the network."""

    __slots__ = ("_greeted", "_rest", "_usage")

    def __init__(self) -> None:
        self._rest = b""
        self._greeted = False
        self._usage: list[str] | None = None

    def feed(self, data: bytes) -> list[Heard]:
        """The messages that these bytes complete, in order. Raises `AgiBroken`; the stream is then
        useless."""
        if self._rest:
            data = self._rest + data
        heard: list[Heard] = []
        if not self._greeted:
            end = data.find(b"\n\n")
            if end < 0:
                _check_unfinished_greeting(data)
                self._rest = data
                return heard
            heard.append(read_greeting(data[:end]))
            self._greeted = True
            data = data[end + 2 :]
        if data:
            *lines, data = data.split(b"\n")
            for line in lines:
                if len(line) > MAX_LINE:
                    raise AgiBroken(f"a line of {len(line)} bytes; at most {MAX_LINE} are read")
                message = self._line(line)
                if message is not None:
                    heard.append(message)
            if len(data) > MAX_LINE:
                raise AgiBroken(f"a line of more than {MAX_LINE} bytes")
        self._rest = data
        return heard

    def _line(self, raw: bytes) -> Heard | None:
        if raw == b"HANGUP":
            return _HANGUP
        line = raw.decode("utf-8", "replace")
        if self._usage is not None:
            self._usage.append(line)
            if line.startswith("520 "):
                text, self._usage = "\n".join(self._usage), None
                return Reply(520, text=text)
            if len(self._usage) > MAX_GREETING_LINES:
                raise AgiBroken("a usage text without an end")
            return None
        if line.startswith("520-"):
            self._usage = [line]
            return None
        return read_reply(line)


def _check_unfinished_greeting(data: bytes) -> None:
    if len(data) > MAX_GREETING:
        raise AgiBroken(f"a greeting of more than {MAX_GREETING} bytes")
    if not b"agi_".startswith(data[:4]) and not data.startswith(b"agi_"):
        raise AgiBroken(f"the greeting begins with {data[:16]!r}; Asterisk's begins with agi_")
    if len(data) - data.rfind(b"\n") > MAX_LINE:
        raise AgiBroken(f"a line of more than {MAX_LINE} bytes")


def read_greeting(block: bytes) -> Greeting:
    """The block of ``agi_*`` lines, without the empty line at its end. Raises `AgiBroken`."""
    if len(block) > MAX_GREETING:
        raise AgiBroken(f"a greeting of {len(block)} bytes; at most {MAX_GREETING} are read")
    lines = block.decode("utf-8", "replace").split("\n")
    if len(lines) > MAX_GREETING_LINES:
        raise AgiBroken(f"a greeting of {len(lines)} lines; at most {MAX_GREETING_LINES} are read")
    try:
        env = dict([line.split(": ", 1) for line in lines])
    except ValueError:
        env = {}
    if not env or not all(name.startswith("agi_") for name in env):
        odd = next((line for line in lines if not (line.startswith("agi_") and ": " in line)), "")
        raise AgiBroken(f"the greeting has the line {odd[:40]!r}; Asterisk's read agi_name: value")
    args: list[str] = []
    while (value := env.get(f"agi_arg_{len(args) + 1}")) is not None:
        args.append(value)
    return Greeting(env, env.get("agi_network_script", ""), tuple(args))


def read_reply(line: str) -> Reply | None:
    """One line of an answer; ``None`` for ``100 Trying``. Raises `AgiBroken` for what is no answer."""
    code, _, rest = line.partition(" ")
    if len(code) != 3 or not code.isdecimal() or not code.isascii():
        raise AgiBroken(f"{line[:40]!r} is no answer to an AGI command")
    if code == "100":
        return None
    if code != "200":
        return Reply(int(code), text=line)
    if not rest.startswith("result="):
        raise AgiBroken(f"{line[:40]!r} is an answer without a result")
    result, _, rest = rest[7:].partition(" ")
    if not rest:
        return Reply(200, result, text=line)
    data: str | None = None
    endpos: int | None = None
    head, mark, tail = rest.rpartition("endpos=")
    if mark and tail.isdecimal() and (not head or head.endswith(") ") or head == " "):
        endpos, rest = int(tail), head.rstrip(" ")
    if rest.startswith("(") and rest.endswith(")"):
        data = rest[1:-1]
    return Reply(200, result, data, endpos, line)


def command(verb: str, *args: str | int) -> bytes:
    """One command as a line of bytes: each argument quoted so that Asterisk reads back exactly the text.

    Raises ``ValueError`` for a verb that is none, for control characters (a line feed would start another
    command) and for a line longer than Asterisk's buffer.
    """
    if not _VERB.fullmatch(verb):
        raise ValueError(f"AGI command {verb!r}: not words of letters; put its arguments into args")
    parts = [verb]
    for place, arg in enumerate(args, 1):
        text = str(arg)
        if _CONTROL.search(text):
            raise ValueError(f"AGI {verb}, argument {place}: a control character (CR, LF, NUL...): remove it")
        parts.append(f'"{text.translate(_SAFE_TO_ESCAPE)}"')
    try:
        line = " ".join(parts).encode("utf-8") + b"\n"
    except UnicodeEncodeError:
        raise ValueError(f"AGI {verb}: an argument has a lone surrogate: decode it with 'replace'") from None
    if len(line) > MAX_COMMAND:
        raise ValueError(f"AGI {verb}: {len(line)} bytes; Asterisk reads {MAX_COMMAND}: shorten it")
    return line


def run(application: str, data: str = "") -> bytes:
    """``EXEC``: run a dialplan application with the text that would stand between its parentheses.

    The application cuts ``data`` at commas and honours double quotes, so an odd number of them is refused.
    """
    if not _APPLICATION.fullmatch(application):
        raise ValueError(f"application {application!r}: not a name of letters and digits")
    if data.count('"') % 2:
        raise ValueError(f"application {application}: an odd number of double quotes: close or remove one")
    return command("EXEC", application, data) if data else command("EXEC", application)


def set_variable(name: str, value: str | int) -> bytes:
    """``SET VARIABLE``: a channel variable (every leg inherits ``__X``) or a function
    (``CHANNEL(language)``)."""
    if not _VARIABLE.fullmatch(name):
        raise ValueError(f"variable {name!r}: not a name of letters, digits and _")
    return command("SET VARIABLE", name, value)


def set_variables(values: Mapping[str, str | int]) -> tuple[bytes, ...]:
    """The fewest commands that set all of these.

    Plain values go together into one ``EXEC MSet`` (one round trip of some 50 microseconds instead of one
    each); values with commas, quotes, blanks or ``$``, which MSet would change, go one by one.
    """
    plain: list[str] = []
    single: list[bytes] = []
    for name, value in values.items():
        text = str(value)
        if _PLAIN_VALUE.fullmatch(text) and _PLAIN_VARIABLE.fullmatch(name):
            plain.append(f"{name}={text}")
        else:
            single.append(set_variable(name, text))
    if len(plain) == 1:
        name, _, text = plain[0].partition("=")
        return (*single, set_variable(name, text))
    return (*single, run("MSet", ",".join(plain))) if plain else tuple(single)


def get_variable(expression: str) -> bytes:
    """``GET FULL VARIABLE``: ``${...}`` evaluated on the channel; the value is the reply's ``data``."""
    return command("GET FULL VARIABLE", expression)


def wait_for_digit(ms: int) -> bytes:
    """Wait so many milliseconds for a key: `Reply.key`."""
    return command("WAIT FOR DIGIT", ms)


def stream_file(sound: str, keys: str = "") -> bytes:
    """Play a sound (path without extension) to its end or to one of ``keys``: `Reply.key`, `Reply.endpos`."""
    if not re.fullmatch(r"[0-9*#A-D]*", keys):
        raise ValueError(f"keys {keys!r}: a key is 0 to 9, *, # or A to D")
    return command("STREAM FILE", sound, keys)


ANSWER = command("ANSWER")
HANG_UP = command("HANGUP")
