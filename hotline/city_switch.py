"""The tables of a city file that are about the switch: trunks, groups, opening hours, the network."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from hotline.city_words import STRICT, Name, Phone, Text


class Section(BaseModel):
    """A table of the file: no key that is not known, no value of another type."""

    model_config = STRICT


class Secret(Section):
    """Where a carrier's password is kept: never in this file."""

    env: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    file: Text | None = None


class TrunkTable(Section):
    """A line to a carrier, a sub-centre or an emergency centre."""

    name: Name
    carrier: Text
    address: list[Text]
    channels: int = Field(ge=1, le=10_000)
    transport: Literal["udp", "tcp", "tls"] = "udp"
    srtp: bool = False
    auth: Literal["address", "digest", "registration"] = "address"
    user: Text | None = None
    secret: Secret | None = None
    realm: str = ""
    server: str = Field(default="", description="the registrar, where it is not the first address")
    codecs: list[Literal["alaw", "ulaw", "g722"]] = Field(default=["alaw", "ulaw"], min_length=1)
    dtmf: Literal["rfc4733", "info", "inband"] = "rfc4733"
    from_user: str = ""
    from_domain: str = ""
    qualify_seconds: int = Field(default=30, ge=0, le=3600)
    nat: bool = False
    link: bool = Field(default=False, description="leads to some line's own people, not to a carrier")
    handover_priority: int | None = Field(
        default=None, ge=0, le=60_000, description="how urgent, at least, what a link hands over is"
    )
    strip: str = Field(
        default="", pattern=r"^[0-9]*$", description="digits that stand before every called number"
    )
    prefix: str = Field(
        default="", pattern=r"^[0-9]*$", description="digits to put before a number dialled out"
    )
    dialled_as: Phone | None = Field(
        default=None, description="everything on this trunk was dialled as this line"
    )
    accepts: list[Phone] | None = Field(
        default=None, description="the lines that may come in; without it: all"
    )


class GroupTable(Section):
    """Trunks that lead to the same place, in the order in which they are tried."""

    name: Name
    trunks: list[Name] = Field(min_length=1)


class HoursTable(Section):
    """Opening hours by weekday: ``mon = ["08:30-12:00", "14:00-18:00"]``."""

    mon: list[str] = []
    tue: list[str] = []
    wed: list[str] = []
    thu: list[str] = []
    fri: list[str] = []
    sat: list[str] = []
    sun: list[str] = []
    calendar: bool = Field(default=True, description="public holidays close, make-up working days open")
    makeup: Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"] = Field(
        default="mon", description="whose hours a make-up working day has"
    )
    special: dict[str, list[str]] = Field(
        default={}, description='"2026-05-20" = ["09:00-12:00"]; [] is closed'
    )


class NetworkTable(Section):
    """Where the switch listens; a port of 0: not at all."""

    bind: Text = "0.0.0.0"
    udp: int = Field(default=5060, ge=0, le=65_535)
    tcp: int = Field(default=5060, ge=0, le=65_535)
    tls: int = Field(default=0, ge=0, le=65_535)
    rtp_first: int = Field(default=10_000, ge=1024, le=65_535)
    rtp_last: int = Field(default=29_999, ge=1024, le=65_535)
    tls_certificate: str = ""
    tls_key: str = ""
    tls_authorities: str = ""
    external_address: str = ""
    local_nets: list[Text] = []
