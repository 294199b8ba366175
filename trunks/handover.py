"""What travels along when a call is handed from one centre to another: the line, the caller, the case, what was said.

Two forms, both written and both read. SIP headers of our own::

    X-Hotline-Line: 12366                     the number that the caller dialled
    X-Hotline-Caller: 13800000001             who calls
    X-Hotline-Reference: 1767578400.12        the case: whoever hands the call on keeps it
    X-Hotline-Summary: %E9%97%AE%E7%A8%8E     what was said so far, UTF-8, percent-encoded (RFC 3986)

and, for exchanges that only know ISDN's user-to-user information, RFC 7433's header with RFC 7434's contents: the protocol
discriminator 00 and at most 128 octets of UTF-8, ``reference|line|caller|summary``, in hexadecimal::

    User-to-User: 003137...;encoding=hex;purpose=isdn-uui

What a far end sends is text from a stranger: whatever does not fit is left out or cut, nothing raises, and what is read holds no
control character, no line end and no mark that turns the direction of writing.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Mapping
from urllib.parse import quote, unquote_to_bytes

import msgspec

LINE, CALLER = "X-Hotline-Line", "X-Hotline-Caller"
REFERENCE, SUMMARY = "X-Hotline-Reference", "X-Hotline-Summary"
UUI = "User-to-User"
NAMES = (LINE, CALLER, REFERENCE, SUMMARY, UUI)
"""the headers, in the order in which they are written and asked for"""

NUMBER_LENGTH = 32
REFERENCE_LENGTH = 64
SUMMARY_LENGTH = 200
"""characters that are kept of each"""
SUMMARY_BYTES = 600
"""of the encoded summary: beyond some 1,300 bytes in all a request over UDP comes in pieces (RFC 3261, 18.1.1)"""
UUI_OCTETS = 128
"""of user information behind the protocol discriminator (RFC 7434, Q.931)"""
LONGEST = 8_192
"""characters of a header that are looked at"""

_USER_SPECIFIC = b"\x00"  # Q.931's protocol discriminator
_IA5 = b"\x04"
_NOT_A_NUMBER = re.compile(r"[^0-9+*#-]")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+")


class Handover(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one centre tells the next of a call; empty where there is nothing to tell.

    ``line``: the number that the caller dialled; ``caller``: his own; ``reference``: the case; ``note``: what was said so
    far, and by whom.
    """

    line: str = ""
    caller: str = ""
    reference: str = ""
    note: str = ""

    def public(self) -> Handover:
        """As much of it as a carrier may see: nothing about the person."""
        return Handover(self.line, "", self.reference, "")


def clean(handover: Handover) -> Handover:
    """The same within the limits, and of harmless characters."""
    return Handover(
        _NOT_A_NUMBER.sub("", handover.line)[:NUMBER_LENGTH],
        _NOT_A_NUMBER.sub("", handover.caller)[:NUMBER_LENGTH],
        _text(handover.reference).replace("|", "")[:REFERENCE_LENGTH].strip(),
        _text(handover.note)[:SUMMARY_LENGTH].strip(),
    )


def headers(handover: Handover) -> list[tuple[str, str]]:
    """The headers of a call that is handed over, as names and values; those that would be empty are left out."""
    return [(name, value) for name, value in zip(NAMES, _values(handover), strict=True) if value]


def variables(handover: Handover | None) -> dict[str, str]:
    """The channel variables from which the dialplan's ``hotline-along`` makes the headers, empty ones included.

    One underscore: the leg that is dialled inherits them. No value has a character that a dialplan, AGI or AMI reads as
    anything but itself; what follows the semicolons of User-to-User stands in the dialplan.
    """
    values = _values(handover) if handover is not None else ("",) * len(NAMES)
    given = dict(zip(_VARIABLES, values, strict=True))
    given[_VARIABLES[-1]] = given[_VARIABLES[-1]].partition(";")[0]
    return given


_VARIABLES = ("_ACD_X_LINE", "_ACD_X_CALLER", "_ACD_X_REFERENCE", "_ACD_X_SUMMARY", "_ACD_X_UUI")


def _values(handover: Handover) -> tuple[str, str, str, str, str]:
    """The headers' values in the order of `NAMES`."""
    told = clean(handover)
    return (
        told.line,
        told.caller,
        _encoded(told.reference, 600),
        _encoded(told.note, SUMMARY_BYTES),
        _uui(told),
    )


def read(values: Mapping[str, str]) -> Handover:
    """What the headers of a call tell that another centre hands over. Our own come before User-to-User."""
    by_name = {name.lower(): value[:LONGEST] for name, value in values.items()}
    spare = _read_uui(by_name.get(UUI.lower(), ""))
    own = clean(
        Handover(
            by_name.get(LINE.lower(), ""),
            by_name.get(CALLER.lower(), ""),
            _decoded(by_name.get(REFERENCE.lower(), "")),
            _decoded(by_name.get(SUMMARY.lower(), "")),
        )
    )
    return Handover(
        own.line or spare.line,
        own.caller or spare.caller,
        own.reference or spare.reference,
        own.note or spare.note,
    )


def _text(text: str) -> str:
    """Without what is no character to be shown; blanks of any kind as one."""
    shown = "".join(" " if mark.isspace() else mark for mark in text if mark.isspace() or _shown(mark))
    return " ".join(shown.split())


def _shown(mark: str) -> bool:
    # C: control, format (among them those that turn the direction of writing), surrogates, private use, unassigned
    return unicodedata.category(mark)[0] != "C"


def _encoded(text: str, most: int) -> str:
    """Percent-encoded, cut between two characters where it is longer than ``most`` bytes."""
    pieces: list[str] = []
    for mark in text:
        piece = quote(mark, safe="")
        most -= len(piece)
        if most < 0:
            break
        pieces.append(piece)
    return "".join(pieces)


def _decoded(value: str) -> str:
    return unquote_to_bytes(value.strip()).decode("utf-8", "replace").replace("\ufffd", "")


def _uui(told: Handover) -> str:
    if told == Handover():
        return ""
    text = "|".join((told.reference, told.line, told.caller, told.note))
    octets = text.encode()[:UUI_OCTETS]
    whole = codecs.getincrementaldecoder("utf-8")().decode(octets).encode()  # not half a character at the end
    return f"{(_USER_SPECIFIC + whole).hex()};encoding=hex;purpose=isdn-uui"


def _read_uui(header: str) -> Handover:
    """RFC 7433: the first of several values; hexadecimal is what an ``encoding`` that is not given means."""
    data, *parameters = header.partition(",")[0].split(";")
    known = dict(part.strip().lower().partition("=")[::2] for part in parameters)
    data = data.strip().strip('"')
    if known.get("encoding", "hex") != "hex" or not _HEX.fullmatch(data):
        return Handover()
    octets = bytes.fromhex(data[: 2 * (UUI_OCTETS + 1)])
    if octets[:1] in (_USER_SPECIFIC, _IA5):
        octets = octets[1:]
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(octets)
    except UnicodeDecodeError:  # not every exchange in China writes UTF-8
        text = octets.decode("gb18030", "ignore")
    reference, bar, rest = text.partition("|")
    if not bar:
        return clean(Handover(note=text))  # another's format: somebody may be able to read it
    line, _, rest = rest.partition("|")
    caller, _, note = rest.partition("|")
    return clean(Handover(line, caller, reference, note))
