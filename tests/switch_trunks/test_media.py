"""Transports and codecs: TCP trunks, seats over TLS with SRTP, G.722, A-law and u-law; both hear each other."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from hotline.city import City
from hotline.rehearsal.baresip_live import Recording, Softphone
from hotline.rehearsal.carrier_live import Carrier
from hotline.rehearsal.manners import Dialled, Fixed, Plan
from hotline.rehearsal.process_live import free_port
from hotline.rehearsal.sound import Heard, tone, write_wav
from tests.switch.conftest import PIN, Town, city_text, moved, town

pytestmark = [pytest.mark.switch, pytest.mark.asyncio(loop_scope="module")]

CALLER_HZ, SEAT_HZ = 700, 1100
_callers = iter(range(13_600_000_000, 13_700_000_000))


class Phone(Softphone):
    """baresip with further codecs, or over TLS with SRTP and nothing less."""

    secure = False

    def _configure(self, run: Path, control: int) -> None:
        super()._configure(run, control)
        config = run / "config"
        text = config.read_text().replace("module g711.so", "module g711.so\nmodule g722.so\nmodule srtp.so")
        config.write_text(text)
        if self.secure:
            accounts = run / "accounts"
            text = accounts.read_text().replace("transport=udp", "transport=tls")
            accounts.write_text(text.rstrip("\n") + ";mediaenc=srtp-mand\n")


class SecurePhone(Phone):
    """Over TLS with SRTP."""

    secure = True


def certificate(folder: Path) -> tuple[Path, Path]:
    """A self-signed certificate for this machine, and its key."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    make = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=127.0.0.1",
    ]
    subprocess.run([*make, "-out", cert, "-keyout", key], check=True, capture_output=True)
    return cert, key


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def here(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    cert, key = certificate(tmp_path_factory.mktemp("tls"))
    tls = f'tls = {free_port("127.0.0.1", tcp=True)}\ntls_certificate = "{cert}"\ntls_key = "{key}"\n'
    text = moved(city_text("zhengzhou"))
    text = text.replace('bind = "127.0.0.1"\n', f'bind = "127.0.0.1"\n{tls}', 1)
    text = text.replace('name = "telecom"\n', 'name = "telecom"\ntransport = "tcp"\n', 1)
    text += '\n[[seats]]\nfirst = "8901"\ntransport = "tls"\nsrtp = true\n'
    async with town(City.read(text, "zhengzhou")) as here:
        here.end_wrap_up_at_once()
        yield here


def hears(recording: Recording, hertz: int) -> bool:
    """Whether at least half a second of this tone was heard."""
    return sum(w.heard is Heard.TONE and abs(w.hertz - hertz) <= 20 for w in recording.windows) >= 5


SEATS = {
    "8001": ("pcma", "pcmu"),
    "8002": ("pcmu", "pcma"),
    "8003": ("G722/16000/1", "pcma"),
    "8901": ("pcma", "pcma"),
}
"""Each seat's only codec, and that of one of the callers; the last is the seat over TLS."""


async def take_one_call(here: Town, desk: Softphone, agent: str) -> str:
    """Sign on, take a call, say nothing for 1.5 s but the tone, hang up, sign off; the caller's number."""
    await desk.dial(f"*11*{agent}*{PIN}")
    await desk.ended(within_s=20)
    caller = await desk.incoming(within_s=20)
    await desk.answer()
    await asyncio.sleep(1.5)  # so long they talk
    await desk.hang_up()
    return caller


async def ring_and_listen(line: Softphone) -> None:
    """Call the city and stay to the end."""
    await line.dial("12345", within_s=20)
    await line.ended(within_s=30)


async def test_callers_and_seats_hear_each_other_in_every_codec_and_over_tls(
    here: Town, tmp_path: Path
) -> None:
    write_wav(tmp_path / "caller.wav", tone(CALLER_HZ, 1.0))
    write_wav(tmp_path / "seat.wav", tone(SEAT_HZ, 1.0))
    tls = here.platform.city.network().tls
    assert tls is not None
    desks: dict[str, Softphone] = {}
    lines: dict[str, Softphone] = {}
    async with AsyncExitStack() as stack:
        for place, (seat, (at_seat, at_caller)) in enumerate(SEATS.items()):
            kind, address = (SecurePhone, ("127.0.0.1", tls)) if seat == "8901" else (Phone, here.sip)
            (login,) = here.logins([seat])
            bind = f"127.8.0.{91 + place}"
            desks[seat] = kind(address, login, codecs=at_seat, plays=tmp_path / "seat.wav", bind=bind)
            number, bind = str(next(_callers)), here.far("unicom")[0]
            lines[number] = Phone(
                here.sip, caller=number, bind=bind, codecs=at_caller, plays=tmp_path / "caller.wav"
            )
        for phone in (*desks.values(), *lines.values()):
            await stack.enter_async_context(phone)
        taking = [
            asyncio.create_task(take_one_call(here, desk, f"100{place}"))
            for place, desk in enumerate(desks.values(), start=1)
        ]
        calls = [asyncio.create_task(ring_and_listen(line)) for line in lines.values()]
        stats: set[str] = set()
        while not all(task.done() for task in taking):
            stats |= set((await here.platform.switch.console("pjsip show channelstats")).split())
        callers = await asyncio.gather(*taking)
        await asyncio.gather(*calls)
        # baresip records G.722 at 16 kHz, and `heard` counts every recording as one of 8 kHz.
        pitch = {seat: CALLER_HZ // (2 if seat == "8003" else 1) for seat in desks}
        deaf = [seat for seat, desk in desks.items() if not hears(desk.heard(), pitch[seat])]
        deaf += [number for number, line in lines.items() if not hears(line.heard(), SEAT_HZ)]
    assert deaf == []
    assert {"alaw", "ulaw", "g722"} <= stats
    records = [await here.record_of(caller) for caller in callers]
    assert [record.seat for record in records] == list(SEATS)
    assert set(callers) == set(lines)


async def test_a_tcp_trunk_brings_calls_in(here: Town) -> None:
    port = here.platform.city.network().tcp
    assert port is not None
    plan = Plan(5, 5, (Dialled("12345"),), rings_s=Fixed(10), patience_s=Fixed(1))
    with Carrier(
        here.far("telecom")[0],
        switch=("127.0.0.1", port),
        transport="tcp",
        first_caller=next(_callers) + 1000,
    ) as carrier:
        legs = (await carrier.place(plan)).legs
    records = [await here.record_of(leg.caller) for leg in legs]
    assert [leg.code for leg in legs] == [200] * 5
    assert {(record.trunk, record.disposition) for record in records} == {("telecom", "abandoned")}
