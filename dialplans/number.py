"""A telephone number as people and switches in China write it, read into one value.

``12315``, ``0371-12315``, ``+86 371 12315``, ``037112315`` and ``sip:12315@carrier;user=phone`` are the same
line to a caller in Zhengzhou: `Number.read` gives the same value for all, with the home area filled in.

Source of the forms: 电信网编号计划 (2017): trunk prefix 0, country code 86, area codes of two digits (10,
2x) or three (3xx to 9xx), short codes 1xx to 1xxxxx and 95xxx, 96xxx, locals of seven or eight digits,
mobiles of eleven.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote

LONGEST_TEXT = 256  # a SIP user part has no limit of its own; E.164 allows 15 digits, so this is generous
_REMEMBERED = 4096  # a caller's number is read some seven times a call, and those of a city's lines all day

_SEPARATORS = re.compile(r"[\s\-‐‑‒–—―−.·/()\u200b\u200e\u200f\u202a-\u202e\ufeff]+")
_SHORT = re.compile(r"1\d{2,5}|9[56]\d{3,6}")
# After +86 without an area: no area code begins with 96, and behind 95x more digits follow.
_SHORT_ABROAD = re.compile(r"95\d{3}|96\d{3,4}")
_LOCAL = re.compile(r"[2-9]\d{6,7}")
_MOBILE = re.compile(r"1[3-9]\d{9}")
_NATIONWIDE = re.compile(r"[48]00\d{7}")  # 400 and 800 numbers: ten digits, no area
_AREA = re.compile(r"10|2\d|[3-9]\d\d")
_URI = re.compile(r"(?i)(sips?|tel):")


class NumberFault(ValueError):
    """The text is not a telephone number; the message says why in one line."""


@dataclass(frozen=True, slots=True, order=True)
class Number:
    """One line: ``area`` with its leading 0 (``0371``), ``local`` the rest.

    ``area`` is empty for what needs none: a mobile, 400, abroad. A number abroad is kept in ``local`` with
    its plus sign: ``+85212345678``.
    """

    area: str
    local: str

    @classmethod
    def read(cls, text: str, area: str = "") -> Number:
        """Read any written form; ``area`` (``0371``) is filled in where the text has none.

        One form is ambiguous: the home area without its 0 before a short code (``37112345``) could be a local
        number of eight digits. It is read as the short code: switches do strip the 0, and a local number that
        begins with its own area code is hardly given out. Raises `NumberFault`.
        """
        if len(text) > LONGEST_TEXT:
            raise NumberFault(f"number of {len(text)} characters: longer than any number can be")
        return _read(text, area)

    def shown(self, area: str = "") -> str:
        """As people write it: without the area at home (``area``), ``0379-12345`` elsewhere."""
        return self.local if self.area in ("", area) else f"{self.area}-{self.local}"

    def __str__(self) -> str:
        return self.shown()


@lru_cache(_REMEMBERED)
def _read(text: str, area: str) -> Number:
    bare, area = _bare(unicodedata.normalize("NFKC", text).strip(), area)
    digits = _SEPARATORS.sub("", bare)
    abroad = digits.startswith("+")
    digits = digits.removeprefix("+")
    if not digits:
        raise NumberFault(f"{_shown(text)}: no digits")
    if not (digits.isascii() and digits.isdigit()):
        raise NumberFault(f"{_shown(text)}: no telephone number: only digits and + - . ( ) belong in one")
    if not abroad and digits.startswith("00"):
        abroad, digits = True, digits[2:]
    if not abroad and digits.startswith("86") and len(digits) >= 10:
        abroad = True  # no area code begins with 86: a carrier has left out the plus sign
    number = _from_abroad(digits, area) if abroad else _from_home(digits, area)
    if number is None:
        raise NumberFault(f"{_shown(text)}: no number in China is like this: write 12345 or 0371-12345")
    return number


def is_area(text: str) -> bool:
    """Whether ``text`` is an area code with its leading 0: 010, 02x, 03xx to 09xx."""
    return text.isascii() and text.startswith("0") and _AREA.fullmatch(text[1:]) is not None


def _bare(text: str, area: str) -> tuple[str, str]:
    """The number inside a ``tel:`` or ``sip:`` URI, and the area that its phone-context names."""
    uri = _URI.match(text)
    if uri is None:
        return text, area
    user = text[uri.end() :]
    if uri[1].lower() != "tel":
        if "@" not in user:
            raise NumberFault(f"{_shown(text)}: the URI has no user part: nothing before an @")
        user = user.partition("@")[0].partition(":")[0]  # RFC 3261 allows a password there
    digits, _, parameters = unquote(user).partition("?")[0].partition(";")
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        context = value.removeprefix("+86")
        if name.strip().lower() == "phone-context" and value != context and is_area("0" + context):
            area = "0" + context
    return digits, area


def _from_abroad(digits: str, area: str) -> Number | None:
    """After ``+`` or ``00``: our own country, or another one's number that is kept as it is."""
    if not digits.startswith("86"):
        return Number("", "+" + digits) if 7 <= len(digits) <= 15 and digits[0] != "0" else None
    rest = digits[2:].removeprefix("0")  # +86 (0)371 12345 is wrong but common
    if _MOBILE.fullmatch(rest) or _NATIONWIDE.fullmatch(rest):
        return Number("", rest)
    if _SHORT_ABROAD.fullmatch(rest):
        return Number(area, rest)
    return _split_area(rest) or (Number(area, rest) if _SHORT.fullmatch(rest) else None)


def _from_home(digits: str, area: str) -> Number | None:
    """As dialled inside the country: with the trunk prefix 0, or without it."""
    if digits.startswith("0"):
        rest = digits[1:]
        return Number("", rest) if _MOBILE.fullmatch(rest) else _split_area(rest)
    if _MOBILE.fullmatch(digits) or _NATIONWIDE.fullmatch(digits):
        return Number("", digits)
    home = area[1:]
    if home and digits.startswith(home) and _SHORT.fullmatch(digits[len(home) :]):
        return Number(area, digits[len(home) :])
    if _SHORT.fullmatch(digits) or _LOCAL.fullmatch(digits):
        return Number(area, digits)
    return _split_area(digits) if len(digits) > 8 else None


def _split_area(digits: str) -> Number | None:
    """``37112345`` into area 0371 and 12345."""
    found = _AREA.match(digits)
    if found is None:
        return None
    local = digits[found.end() :]
    if _SHORT.fullmatch(local) or _LOCAL.fullmatch(local):
        return Number("0" + found[0], local)
    return None


def _shown(text: str) -> str:
    """The text for a message: quoted, cut short, on one line."""
    shown = repr(text)  # longer than the text: what can't be printed is spelled out
    return shown if len(shown) <= 60 else f"{shown[:57]}...'"
