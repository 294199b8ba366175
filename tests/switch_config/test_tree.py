"""The written tree: golden files, and a real Asterisk that loads them without a word."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest

from hotline.switch.config import SwitchSettings, render_tree
from hotline.switch.find import Installation, find_asterisk
from hotline.switch.process import Switch, SwitchFailed
from hotline.switch.secrets import Secrets
from tests.switch_config.bench import bench, free_port
from trunks.pjsip import Network
from trunks.seats import Seat
from trunks.trunk import Codec, Digest, Dtmf, Peer, Registration, Transport, Trunk

GOLDEN = Path(__file__).parent.parent / "golden"

TRUNKS = (
    Trunk("unicom", "China Unicom", (Peer("127.0.0.11"), Peer("127.0.0.12", 5070)), channels=120, qualify=0),
    Trunk(
        "telecom",
        "China Telecom; south",
        (Peer("127.0.0.13"),),
        transport=Transport.TCP,
        outgoing=Digest("037112345", "trunk/telecom", "telecom.example"),
        registration=Registration(contact="12345"),
        dtmf=Dtmf.INBAND,
        from_user="037112345",
        from_domain="telecom.example",
        qualify=0,
    ),
    Trunk(
        "subcentre",
        "Sub-centre 12329",
        incoming=Digest("branch", "trunk/subcentre"),
        dtmf=Dtmf.INFO,
        codecs=(Codec.G722, Codec.ALAW),
        nat=True,
    ),
)
SEATS = (
    Seat("1001", "张三"),
    Seat("1002", 'O"Neil; <2>', codecs=(Codec.ALAW,), dtmf=Dtmf.INFO, nat=False),
    Seat("1003", transport=Transport.TCP, auto_answer=True),
)
SECRETS = Secrets(
    {
        name: f"not-a-secret-{name.replace('/', '-')}"
        for name in ("ami", "trunk/telecom", "trunk/subcentre", *(seat.secret for seat in SEATS))
    }
)


def _settings(directory: Path, **ports: int) -> SwitchSettings:
    return SwitchSettings(
        directory=directory,
        sounds=directory / "sounds",
        network=Network(
            bind="127.0.0.1",
            udp=ports.get("udp", 5060),
            tcp=ports.get("tcp", 5060),
            rtp=(30_000, 30_400),
            local_nets=("10.0.0.0/8",),
            external_address="203.0.113.1",
        ),
        ami_port=ports.get("ami", 5038),
        survival=("/bin/false",),
    )


@pytest.mark.parametrize("name", ["pjsip.conf", "extensions.conf", "manager.conf", "queues.conf"])
def test_a_rendered_file_is_the_golden_one(name: str) -> None:
    # To accept a change on purpose: python -m tests.switch_config.accept
    files = golden_files()
    assert files[name] == (GOLDEN / name).read_text(encoding="utf-8")


def test_an_older_asterisk_gets_event_filters_that_it_can_read() -> None:
    text = golden_files((20, 9, 0))["manager.conf"]
    assert "eventfilter = Event: Hangup" in text
    assert "eventfilter(" not in text


def test_modules_that_an_asterisk_lacks_are_not_asked_for(tmp_path: Path) -> None:
    (tmp_path / "app_dial.so").touch()
    text = render_tree(
        _settings(Path("/run")), Installation((18, 0, 0), ("asterisk",), tmp_path, tmp_path), (), (), SECRETS
    )["modules.conf"]
    assert re.findall("^load = (.*)", text, re.MULTILINE) == ["app_dial.so"]


async def test_a_real_asterisk_loads_the_tree_without_a_warning() -> None:
    async with bench(trunks=TRUNKS, seats=SEATS, secrets=SECRETS) as it:
        assert it.faults() == []
        endpoints = await it.switch.console("pjsip show endpoints")
        registrations = await it.switch.console("pjsip show registrations")
        modules = await it.switch.console("module show")
    for name in ("unicom", "telecom", "subcentre", "1001", "1002", "1003"):
        assert f"Endpoint:  {name}" in endpoints
    assert "telecom-registration" in registrations
    assert "Not Running" not in modules


async def test_what_it_writes_is_for_its_owner_alone() -> None:
    async with bench() as it:
        settings = it.switch.settings
        others = stat.S_IRWXG | stat.S_IRWXO
        assert [p.name for p in settings.etc.iterdir() if p.stat().st_mode & others] == []
        assert settings.directory.joinpath("etc").stat().st_mode & others == 0
        text = settings.log.read_text()
    assert "secret-of" not in text


async def test_a_port_that_is_taken_is_named_and_nothing_is_left_running(tmp_path: Path) -> None:
    async with bench() as it:
        taken = it.switch.settings.network.udp
        assert taken is not None
        directory = it.scratch / "second"
        second = Switch(find_asterisk(), _settings(directory, udp=taken, tcp=free_port(), ami=free_port()))
        with pytest.raises(SwitchFailed, match=f"network.udp: 127.0.0.1:{taken}"):
            await second.start(TRUNKS, SEATS, SECRETS)
        assert second.pid is None


def golden_files(version: tuple[int, int, int] = (22, 10, 1)) -> dict[str, str]:
    nowhere = Path("/nonexistent")
    installation = Installation(version, ("asterisk",), nowhere, nowhere)
    return render_tree(_settings(Path("/var/lib/hotline")), installation, TRUNKS, SEATS, SECRETS)
