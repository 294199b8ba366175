"""The least parts of a city file: what a text, a name, a number or a moment may be, and what holds for every table."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints


def _midnight(value: object) -> object:
    """A date stands for its first moment."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day)
    return value


Text = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f]+$")]
Digits = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,8}$")]
Key = Annotated[str, StringConstraints(pattern=r"^[0-9*#]$")]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")]
Phone = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Moment = Annotated[datetime, BeforeValidator(_midnight, json_schema_input_type=date | datetime)]
Level = Annotated[int, Field(ge=1, le=9)]
Treatments = Literal["absorbed", "withdrawn", "parallel", "subcentre", "emergency", "independent", "own"]


STRICT = ConfigDict(extra="forbid", strict=True, frozen=True)
"""every table's: no key that is not known, no value of another type"""
