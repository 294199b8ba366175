"""A city file's faults: each one line that names the place, what is wrong there, and what to do about it."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Sequence
from typing import Any

from pydantic import ValidationError

from hotline.logs import OwnersFault

_NEEDED: dict[str, str] = {
    "string_type": "write it in quotes",
    "int_type": "write a whole number without quotes",
    "float_type": "write a number without quotes",
    "bool_type": "write true or false without quotes",
    "list_type": "write a list: [ ... ]",
    "dict_type": "write a table",
    "model_type": "write a table",
    "date_type": "write a date without quotes: 2019-02-01",
    "datetime_type": "write a date and time without quotes: 2019-02-01T08:00:00",
    "is_instance_of": "write another type",
    "finite_number": "write a number that is not infinite",
}
_PATTERNS: dict[str, str] = {
    r"^[^\x00-\x1f\x7f]+$": "write it on one line, without control characters",
    r"^[0-9*#]$": "a key is one of 0-9, * and #",
    r"^[a-z][a-z0-9_-]{0,39}$": "a name begins with a-z and has only a-z, 0-9, _ and -, at most 40",
    r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$": "a name has only letters, digits, _ and -, at most 40",
    r"^0[0-9]{2,3}$": "write the area code with its 0, such as 0371 or 010",
    r"^[1-9][0-9]{1,7}$": "write 2 to 8 digits in quotes, the first not 0",
    r"^[0-9]*$": "write digits only",
    r"^[0-9]$": "write one digit, 0 to 9",
    r"^([0-3][0-9]|4[0-7]):[0-5][0-9]$|^48:00$": "write a time of day, such as 08:30",
    r"^[A-Za-z_][A-Za-z0-9_]*$": "write the name of an environment variable",
}


_OR = "leave it out, or see docs/numbers.md for the keys"


class CityFault(OwnersFault):
    """A city file that can't be used. ``faults``: one line each, ``place: fault: remedy``."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults: tuple[str, ...] = tuple(faults)
        super().__init__("\n".join(self.faults))


def syntax_fault(error: tomllib.TOMLDecodeError) -> str:
    """``line 3, column 5: Expected '=' after a key: mend the TOML there``."""
    found = re.fullmatch(r"(.*) \((?:at )?(line \d+, column \d+|end of document)\)", str(error))
    what, where = (found[1], found[2]) if found else (str(error), "")
    return f"{where or 'the text'}: {what.lower()}: mend the TOML there"


def value_faults(
    error: ValidationError, keys: Sequence[str], remedy: Callable[[Sequence[str | int]], str] | None = None
) -> list[str]:
    """Each of pydantic's findings as ``place: fault: remedy``.

    ``keys``: all that a file may have; ``remedy``: what is advised for a key at this place which it may not have.
    """
    return [_value_fault(dict(found), keys, remedy) for found in error.errors(include_url=False)]


def place(parts: Sequence[str | int]) -> str:
    """``lines[3].transition_until``."""
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _value_fault(
    found: dict[str, Any], keys: Sequence[str], remedy: Callable[[Sequence[str | int]], str] | None
) -> str:
    where, kind, limits = place(found["loc"]), found["type"], found.get("ctx", {})
    shown = _shown(found["input"])
    match kind:
        case "told":  # a model's own words: fault and remedy
            return f"{where}: {found['msg']}"
        case "missing":
            return f"{where}: is missing: write it"
        case "extra_forbidden" if remedy is not None:
            return f"{where}: no such key: {remedy(found['loc'])}"
        case "extra_forbidden":
            return f"{where}: no such key: {near(str(found['loc'][-1]), keys, _OR)}"
        case "literal_error":
            return f"{where}: is {shown}: write one of {limits['expected']}"
        case "string_pattern_mismatch":
            looks = _PATTERNS.get(limits["pattern"], f"it must look like {limits['pattern']}")
            return f"{where}: is {shown}: {looks}"
        case "greater_than_equal":
            return f"{where}: is {shown}: write {limits['ge']} or more"
        case "less_than_equal":
            return f"{where}: is {shown}: write {limits['le']} or less"
        case "too_short" if limits["actual_length"]:
            return f"{where}: has {limits['actual_length']}: write {limits['min_length']}"
        case "too_short":
            return f"{where}: is empty: write at least {limits['min_length']}"
        case "too_long":
            return f"{where}: has {limits['actual_length']}: write {limits['max_length']}"
        case "greater_than":
            return f"{where}: is {shown}: write more than {limits['gt']}"
        case "less_than":
            return f"{where}: is {shown}: write less than {limits['lt']}"
        case "string_too_short":
            return f"{where}: is empty: write something or leave the key out"
        case "string_too_long":
            return f"{where}: is too long: write at most {limits['max_length']} characters"
        case _:
            return f"{where}: is {shown}: {_NEEDED.get(kind, found['msg'].lower())}"


def unknown_word(what: str, word: str, words: Sequence[str]) -> str:
    """``no queue '1234': did you mean 12345?``."""
    listed = ", ".join(words) or "none"
    return f"no {what} {word!r}: {near(word, words, f'write one of those there are ({listed})')}"


def near(word: str, words: Sequence[str], otherwise: str) -> str:
    """The word that was probably meant."""
    found = difflib.get_close_matches(word, words, n=1)
    return f"did you mean {found[0]}?" if found else otherwise


def _shown(value: object) -> str:
    text = str(value) if isinstance(value, bool | int | float) else repr(value)
    text = {"True": "true", "False": "false"}.get(text, text)
    return text if len(text) <= 60 else text[:57] + "..."
