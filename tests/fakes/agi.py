"""Asterisk's side of FastAGI: asks a server what to do and does it, in words only."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping

USAGE = b"520-Invalid command syntax.  Proper usage follows:\nSets a variable.\n520 End of proper usage.\n"


class FakeAsteriskCall:
    """One channel inside ``AGI(agi://...)``. Like Asterisk 22 it reads ahead, but answers one command a
    wake-up.

    ``variables``: what the server has set; ``commands``: what it said, in order; ``hold``: commands that take
    for ever.
    """

    def __init__(
        self, port: int, path: str = "enter", args: tuple[str, ...] = (), dnid: str = "12345"
    ) -> None:
        self.port = port
        self.path = path
        self.args = args
        self.dnid = dnid
        self.variables: dict[str, str] = {}
        self.commands: list[str] = []
        self.hold: tuple[str, ...] = ()
        self.writer: asyncio.StreamWriter | None = None

    def greeting(self) -> bytes:
        """The opening block, as Asterisk 22.10 writes it."""
        lines = {
            "agi_network": "yes",
            "agi_network_script": self.path,
            "agi_request": f"agi://127.0.0.1:{self.port}/{self.path}",
            "agi_channel": "PJSIP/carrier-00000001",
            "agi_uniqueid": "1795226108.9",
            "agi_callerid": "13800138000",
            "agi_calleridname": "市",
            "agi_dnid": self.dnid,
            "agi_extension": "12345",
            "agi_accountcode": "",
            **{f"agi_arg_{place}": value for place, value in enumerate(self.args, 1)},
        }
        return "".join(f"{name}: {value}\n" for name, value in lines.items()).encode() + b"\n"

    async def run(self) -> str:
        """Stay until the server closes; ``SUCCESS`` or ``FAILURE``, as AGISTATUS says."""
        try:
            reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return "FAILURE"
        try:
            self.writer.write(self.greeting())
            while line := await reader.readline():
                command = line.decode().rstrip("\n")
                self.commands.append(command)
                if not command.startswith(self.hold or "\0"):
                    self.writer.write(self._answer(split(command)))
        except ConnectionError:
            pass
        finally:
            self.writer.close()
        return "SUCCESS"

    def hang_up(self) -> None:
        """The caller hangs up."""
        assert self.writer is not None
        self.writer.write(b"HANGUP\n")

    def _answer(self, words: list[str]) -> bytes:
        match words:
            case ["SET", "VARIABLE", name, value]:
                self.variables[name.lstrip("_")] = value
                return b"200 result=1\n"
            case ["SET", "VARIABLE", *_]:
                return USAGE
            case ["EXEC", "MSet", pairs]:
                for pair in pairs.split(","):
                    name, _, value = pair.partition("=")
                    self.variables[name.lstrip("_")] = value
                return b"200 result=0\n"
            case ["EXEC", "Playback" | "Answer" | "StartMusicOnHold" | "Wait", *_]:
                return b"200 result=0\n"
            case ["EXEC", _, *_]:
                return b"200 result=-2\n"
            case ["GET", "FULL", "VARIABLE", text]:
                return f"200 result=1 ({expand(text, self.variables)})\n".encode()
            case ["ANSWER"]:
                return b"200 result=0\n"
            case ["WAIT", "FOR", "DIGIT", _]:
                return b"200 result=53\n"
            case ["STREAM", "FILE", *_]:
                return b"200 result=0 endpos=8000\n"
            case _:
                return b"510 Invalid or unknown command\n"


def split(command: str) -> list[str]:
    """As ``parse_args`` of Asterisk: blanks separate, double quotes hold together, a backslash takes the
    next as it is."""
    words: list[str] = []
    word: list[str] | None = None
    quoted = escaped = False
    for character in command:
        if escaped:
            word = [*(word or []), character]
            escaped = False
        elif character == "\\":
            escaped = True
        elif character == '"':
            quoted = not quoted
            word = word or []
        elif character in " \t" and not quoted:
            if word is not None:
                words.append("".join(word))
            word = None
        else:
            word = [*(word or []), character]
    return words if word is None else [*words, "".join(word)]


def expand(text: str, variables: Mapping[str, str]) -> str:
    """``${NAME}`` replaced by its value."""
    return re.sub(r"\$\{(\w+)\}", lambda found: variables.get(found[1], ""), text)
