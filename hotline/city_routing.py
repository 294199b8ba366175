"""What a city file says about who gets the call: urgency, known callers, reserves, limits."""

from __future__ import annotations

from pydantic import BaseModel, Field

from hotline.city_words import STRICT, Phone, Text, Word


class Section(BaseModel):
    """A table of the file: no key that is not known, no value of another type."""

    model_config = STRICT


class Routing(Section):
    """How urgency and skill are weighed, and what is done for a caller who is known."""

    ageing_seconds: float = Field(default=60, ge=0, le=86_400)
    closest_fit: bool = True
    last_agent_hours: float = Field(
        default=0, ge=0, le=720, description="so long it is remembered who talked to a caller; 0: not at all"
    )
    last_agent_seconds: float = Field(
        default=10, ge=0, le=120, description="so long a call waits for its caller's last agent alone"
    )
    repeat_hours: float = Field(
        default=0, ge=0, le=168, description="whoever called within that time calls again; 0: nobody does"
    )
    repeat_priority: int = Field(default=1, ge=0, le=100)
    max_waiting: int | None = Field(
        default=None, ge=1, description="so many may wait in all queues together; more is overload"
    )
    overload_notice: list[Text] = []


class CallersTable(Section):
    """Callers who are served in their own way (enterprises, a dialect), known by their numbers."""

    name: Word
    title: Text
    numbers: list[Phone] = Field(min_length=1, description="numbers, or their beginnings with a star: 6597*")
    prefer: Word | None = Field(default=None, description="a skill that is asked besides, at first")
    prefer_seconds: float = Field(default=20, ge=0, le=600, description="so long it is asked")
    priority: int = Field(default=0, ge=0, le=100, description="so much more urgent than others")
    queue: Word | None = Field(
        default=None, description="where they wait who would wait in the city's own queue"
    )


class ReserveTable(Section):
    """Seats that stay free for a line."""

    name: Word
    skill: Word = Field(description="whoever has it is kept")
    level: int = Field(default=1, ge=1, le=9)
    keep: int = Field(ge=1, le=10_000, description="so many idle agents stay free")
    lines: list[Phone] = Field(
        default=[], description="the lines for which they stay free; without it: all that ask the skill"
    )
    after_seconds: float | None = Field(
        default=None, ge=0, le=3600, description="after so long others may have them too; without it: never"
    )


class OverflowTable(Section):
    """The queue to which another one overflows."""

    queue: Word
    skill: Word
