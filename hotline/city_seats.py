"""What a city file says about the work at a seat: breaks and their limits, what may be dialled, shifts."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from hotline.city_words import STRICT, Name, Text, Word

Shown = Annotated[str, StringConstraints(pattern=r"^\+?[0-9]{3,24}$")]
Kinds = Literal["internal", "lines", "local", "mobile", "national", "abroad"]


class Section(BaseModel):
    """A table of the file: no key that is not known, no value of another type."""

    model_config = STRICT


class BreakTable(Section):
    """A break with limits; a break that is only a name has none."""

    name: Text
    minutes: float | None = Field(default=None, gt=0, le=1440, description="the longest that one may last")
    minutes_per_shift: float | None = Field(
        default=None, gt=0, le=1440, description="of all of them in a shift"
    )
    at_once: int | None = Field(default=None, ge=1, description="so many may have it at the same time")
    at_once_per_team: int | None = Field(default=None, ge=1, description="so many of one team")
    beyond: Literal["refuse", "queue"] = Field(
        default="refuse", description="who asks when too many have it: is refused, or gets it in turn"
    )


class ClassTable(Section):
    """A class of service: what somebody may dial. Emergency numbers are everybody's, always."""

    name: Word
    allows: list[Kinds] = []
    numbers: list[Text] = Field(default=[], description="further numbers: 95XXX, 0379*")
    never: list[Text] = Field(
        default=[], description="numbers that may not be dialled whatever else is allowed"
    )
    shows: Shown | None = Field(default=None, description="the number that the far end sees")


class OutgoingTable(Section):
    """How calls go out."""

    route: Name | None = Field(
        default=None, description="trunk or group; without it only emergencies and lines' own people"
    )
    shows: Shown | None = Field(
        default=None,
        description="the number that the far end sees; without it area and number of the hotline",
    )
    lines: dict[str, Shown] = Field(
        default={}, description="that of a line: the call is about a caller of this line"
    )
    class_: Word | None = Field(default=None, alias="class", description="the class of who has none")
    ring_seconds: float = Field(default=45, ge=5, le=180)
    wrap_up_seconds: float = Field(default=15, ge=0, le=3600)


class SeatTable(Section):
    """A row of seats with numbers one after the other."""

    first: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{1,7}$")]
    count: int = Field(default=1, ge=1, le=10_000)
    name: Text = "座席"
    skills: list[Word] | None = Field(
        default=None, min_length=1, description="of an agent's skills only these count here; without it: all"
    )
    class_: Word | None = Field(
        default=None, alias="class", description="what may be dialled by who has no class"
    )
    auto_answer: bool = False
    transport: Literal["udp", "tcp", "tls"] = "udp"
    srtp: bool = False
    codecs: list[Literal["alaw", "ulaw", "g722"]] = Field(default=["alaw", "ulaw", "g722"], min_length=1)
    dtmf: Literal["rfc4733", "info", "inband"] = "rfc4733"
    nat: bool = True
