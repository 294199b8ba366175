"""SMS in a city file: what may stand in ``[sms]``, what must agree in it, and what the program makes of it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, StringConstraints

from hotline.city_faults import CityFault
from hotline.city_switch import Secret
from hotline.city_words import STRICT, Text
from hotline.sms import Policy
from hotline.sms_provider import Reports, Settings

_Clock = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-4]):[0-5][0-9]$")]
_Header = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,80}$")]
_Path = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$")]
_Signed = Literal["number", "text", "id", "time"]
_IN_HEADERS = ("number", "id", "time", "signature", "secret")


class Section(BaseModel):
    """A table of the file: no key that is not known, no value of another type."""

    model_config = STRICT


class SmsAnswerTable(Section):
    """How the provider says in the body of an answer what it did."""

    field: _Path = Field(description="where its code stands: code, or data.result")
    accepted: list[Text] = Field(min_length=1, description="codes by which it has taken the SMS")
    again: list[Text] = Field(
        default=[], description="codes after which it is tried again; all others refuse"
    )
    id_field: _Path | None = Field(default=None, description="where the provider's own id stands")


class SmsReportsTable(Section):
    """Where and how the provider tells us of deliveries and replies."""

    listen: Annotated[str, StringConstraints(pattern=r"^[0-9.]+:[0-9]{1,5}$")] = Field(
        description="address and port: 127.0.0.1:8089, behind the city's own HTTPS"
    )
    secret: Secret = Field(description="by which the provider proves itself")
    header: _Header = "X-Signature"
    proof: Literal["hmac", "token"] = Field(
        default="hmac", description="HMAC-SHA256 of the body in hex, or the secret itself"
    )
    items: _Path | None = Field(default=None, description="where the list stands in what it posts")
    id_field: _Path = "id"
    state_field: _Path = "status"
    delivered: list[Text] = Field(default=["delivered", "DELIVRD"], min_length=1)
    expired: list[Text] = ["expired", "EXPIRED"]
    failed: list[Text] = Field(default=[], description="without it every other word means failed")
    number_field: _Path = "number"
    text_field: _Path = "text"


class SmsTable(Section):
    """SMS to callers, over a provider's HTTP interface."""

    url: Text
    plain_http: bool = Field(default=False, description="allows http:// beyond this machine")
    body: dict[str, Any] = Field(description="the JSON that is posted, with placeholders in its texts")
    headers: dict[_Header, Text] = {}
    secret: Secret | None = Field(default=None, description="the key of the signature, and {secret}")
    signed: list[_Signed] = Field(
        default=["id", "number", "text", "time"], min_length=1, description="what the signature covers"
    )
    joined_by: str = Field(default="\n", max_length=8, description="what stands between the signed fields")
    signature: Literal["hex", "base64"] = "hex"
    time: Literal["ms", "s", "iso"] = Field(default="ms", description="how {time} is written")
    prefix: Literal["", "+86", "86", "0086"] = Field(default="", description="before every number")
    idempotency_header: _Header = "Idempotency-Key"
    answer: SmsAnswerTable | None = Field(default=None, description="without it every 2xx is a yes")
    timeout_seconds: float = Field(default=10, ge=0.1, le=60)
    at_once: int = Field(default=8, ge=1, le=100, description="so many requests are open at once")
    per_second: float = Field(default=10, ge=0.01, le=1000)
    per_hour: int = Field(default=5, ge=1, le=1000, description="to one number")
    per_day: int = Field(default=10, ge=1, le=1000, description="to one number")
    expires_minutes: float = Field(default=60, gt=0, le=10_080, description="an older SMS is not sent")
    tries: int = Field(default=12, ge=1, le=100)
    again_seconds: float = Field(default=2, gt=0, le=600, description="before the second try; then doubled")
    again_most_seconds: float = Field(default=300, gt=0, le=3600)
    quiet_from: _Clock | None = Field(default=None, description="from then on only what is urgent is sent")
    quiet_to: _Clock | None = None
    most_parts: int = Field(default=5, ge=1, le=20, description="a longer text is refused")
    signed_as: str = Field(default="", max_length=20, pattern=r"^[^\x00-\x1f\x7f【】]*$")
    reports: SmsReportsTable | None = None


def faults(table: SmsTable | None) -> Iterator[str]:
    """What must agree in ``[sms]``."""
    if table is None:
        return
    yield from _url(table)
    inside = _texts(table.body)
    for name in ("number", "text"):
        if not any("{" + name + "}" in text for text in inside):
            yield f"sms.body: {{{name}}} stands nowhere: write it where the provider wants it"
    for name, text in table.headers.items():
        if not text.isascii() or "{text}" in text:
            holes = ", ".join(f"{{{hole}}}" for hole in _IN_HEADERS)
            yield f"sms.headers.{name}: a header has ASCII and {holes} only: put the rest into the body"
        if name.lower() in {"content-length", "host", "transfer-encoding", table.idempotency_header.lower()}:
            yield f"sms.headers.{name}: the program writes it: take it out"
    every = [*inside, *table.headers.values()]
    if table.secret is None and any("{signature}" in text or "{secret}" in text for text in every):
        yield 'sms.secret: is missing: write secret = { env = "NAME" } or { file = "PATH" }'
    yield from _secret("sms.secret", table.secret)
    if (table.quiet_from is None) != (table.quiet_to is None):
        yield "sms.quiet_from: quiet hours have two ends: write quiet_from and quiet_to"
    if table.again_most_seconds < table.again_seconds:
        yield "sms.again_most_seconds: is below again_seconds: write more"
    if table.answer is not None and set(table.answer.accepted) & set(table.answer.again):
        yield "sms.answer.again: a code of accepted stands here, too: take one out"
    if table.reports is not None:
        yield from _secret("sms.reports.secret", table.reports.secret)
        host, _, port = table.reports.listen.partition(":")
        if _address(host) is None or not 0 < int(port) < 65_536:
            yield f"sms.reports.listen: {table.reports.listen} is none: write 127.0.0.1:8089"


def settings(
    table: SmsTable, home: Path | None, shown: str, environ: Mapping[str, str] | None = None
) -> Settings:
    """The provider as the program uses it. Raises `CityFault` for a secret that can't be had; ``shown``: the file."""
    environ = os.environ if environ is None else environ
    faults: list[str] = []

    def read(secret: Secret | None, where: str) -> bytes:
        if secret is None:
            return b""
        if secret.env is not None:
            if not environ.get(secret.env):
                faults.append(f"{shown}: {where}: the environment variable {secret.env} isn't set: set it")
            return environ.get(secret.env, "").encode()
        path = (home or Path()) / (secret.file or "")
        try:
            found = path.read_text(encoding="utf-8").strip().encode()
        except (OSError, UnicodeError):
            found = b""
        if not found:
            faults.append(f"{shown}: {where}: {path} can't be read or is empty: write the secret there")
        return found

    told, answer = table.reports, table.answer
    reports = None
    if told is not None:
        host, _, port = told.listen.partition(":")
        reports = Reports(
            host, int(port), read(told.secret, "sms.reports.secret"), told.header, told.proof, told.items or "",
            told.id_field, told.state_field, frozenset(told.delivered), frozenset(told.expired),
            frozenset(told.failed), told.number_field, told.text_field,
        )  # fmt: skip
    made = Settings(
        url=table.url,
        body=table.body,
        headers=table.headers,
        secret=read(table.secret, "sms.secret"),
        signed=tuple(table.signed),
        joined_by=table.joined_by,
        written=table.signature,
        time=table.time,
        prefix=table.prefix,
        idempotency_header=table.idempotency_header,
        answer_field=answer.field if answer else "",
        accepted=frozenset(answer.accepted if answer else ()),
        again=frozenset(answer.again if answer else ()),
        id_field=(answer.id_field or "") if answer else "",
        timeout_s=table.timeout_seconds,
        at_once=table.at_once,
        policy=policy(table),
        reports=reports,
    )
    if faults:
        raise CityFault(faults)
    return made


def policy(table: SmsTable) -> Policy:
    """What the city allows."""
    quiet = (
        (_minutes(table.quiet_from), _minutes(table.quiet_to))
        if table.quiet_from and table.quiet_to
        else None
    )
    return Policy(
        per_hour=table.per_hour,
        per_day=table.per_day,
        per_second=table.per_second,
        expires_ms=round(table.expires_minutes * 60_000),
        tries=table.tries,
        back_off_ms=(round(table.again_seconds * 1000), round(table.again_most_seconds * 1000)),
        quiet=quiet,
        parts=table.most_parts,
        signed_as=table.signed_as,
    )


def _url(table: SmsTable) -> Iterator[str]:
    try:
        parts = urlsplit(table.url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme not in {"http", "https"} or not host:
        yield "sms.url: is no address: write https://HOST/PATH"
    elif parts.username or parts.password:
        yield "sms.url: a password stands in it: put {secret} into a header, and the password under sms.secret"
    elif parts.scheme == "http" and not table.plain_http:
        address = _address(host)
        if host != "localhost" and (address is None or not address.is_loopback):
            yield "sms.url: callers' numbers would be open on the way: write https://, or plain_http = true"


def _secret(where: str, secret: Secret | None) -> Iterator[str]:
    if secret is not None and (secret.env is None) == (secret.file is None):
        yield f'{where}: has one place: write {{ env = "NAME" }} or {{ file = "PATH" }}'


def _address(host: str) -> Any:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _texts(node: Any) -> list[str]:
    if isinstance(node, str):
        return [node]
    values = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return [text for value in values for text in _texts(value)]


def _minutes(clock: str) -> int:
    hours, _, minutes = clock.partition(":")
    return (int(hours) * 60 + int(minutes)) % 1440
