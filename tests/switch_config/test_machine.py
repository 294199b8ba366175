"""What the switch needs of the machine: an Asterisk, an archive, secrets, and what the fallback left."""

from __future__ import annotations

import base64
import json
import os
import stat
from pathlib import Path

import pytest

from hotline.switch.fetch import mirrors, this_machines_mirror
from hotline.switch.find import SwitchMissing, fetched_root, find_asterisk, read_version
from hotline.switch.secrets import Secrets, keep_secrets, make_secret
from hotline.switch.spool import read_spool


def asterisk(directory: Path, version: str) -> Path:
    """An installed Asterisk, as far as looking for one goes."""
    (directory / "lib/x/asterisk/modules").mkdir(parents=True)
    (directory / "share/asterisk/documentation").mkdir(parents=True)
    binary = directory / "sbin/asterisk"
    binary.parent.mkdir()
    binary.write_text(f"#!/bin/sh\necho 'Asterisk {version}'\n")
    binary.chmod(0o755)
    return binary


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("Asterisk 22.10.1~dfsg+~cs6.15.60671435-1", (22, 10, 1)),
        ("Asterisk certified/20.7-cert2", (20, 7, 0)),
        ("Asterisk 18.26.2", (18, 26, 2)),
        ("Asterisk GIT-master", None),
        ("", None),
    ],
)
def test_a_version_is_read_as_asterisk_prints_it(said: str, version: tuple[int, int, int] | None) -> None:
    assert read_version(said) == version


def test_the_named_asterisk_is_taken(tmp_path: Path) -> None:
    binary = asterisk(tmp_path, "20.5.0")
    found = find_asterisk({"HOTLINE_ASTERISK": str(binary)})
    assert (found.version, found.command) == ((20, 5, 0), (str(binary),))
    assert found.modules == tmp_path / "lib/x/asterisk/modules"


def test_an_installed_one_is_found_by_the_path(tmp_path: Path) -> None:
    asterisk(tmp_path, "18.0.1")
    assert find_asterisk({"PATH": str(tmp_path / "sbin")}).version == (18, 0, 1)


def test_one_that_is_too_old_is_refused_with_the_remedy(tmp_path: Path) -> None:
    binary = asterisk(tmp_path, "16.28.0")
    with pytest.raises(SwitchMissing, match="no Asterisk 18 or later runs there"):
        find_asterisk({"HOTLINE_ASTERISK": str(binary)})


def test_a_machine_without_one_is_told_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SwitchMissing, match="run make install"):
        find_asterisk({"PATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)})


def test_the_fetched_one_lies_in_the_cache(tmp_path: Path) -> None:
    assert fetched_root({"XDG_CACHE_HOME": str(tmp_path)}) == tmp_path / "hotline/asterisk-22"


DEB822 = """\
Types: deb
# URIs: http://commented.example/debian
URIs: http://one.example/debian
Suites: bookworm bookworm-updates
Components: main

Types: deb
URIs: http://one.example/debian-security
Suites: bookworm-security
Components: main

Types: deb
Enabled: no
URIs: http://off.example/debian
Suites: bookworm
Components: main

Types: deb-src
URIs: http://sources.example/debian
Suites: bookworm
Components: main
"""

ONE_LINE = """\
# deb http://commented.example/debian bookworm main
deb [signed-by=/k.gpg arch=amd64] https://two.example/debian/ bookworm main contrib
deb-src http://sources.example/debian bookworm main
deb http://security.example/debian bookworm-security main
deb https://tool.example/apt stable main
deb http://three.example/debian bookworm contrib
"""


def test_the_archive_is_read_from_both_forms_of_apts_sources() -> None:
    found = mirrors([("debian.sources", DEB822), ("sources.list", ONE_LINE)])
    assert found == ["http://one.example/debian", "https://two.example/debian"]


def test_a_machine_without_an_archive_is_told_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "sources.list").write_text("deb https://tool.example/apt stable main\n")
    with pytest.raises(SwitchMissing, match="set HOTLINE_DEBIAN_MIRROR"):
        this_machines_mirror(tmp_path)


def test_secrets_are_made_once_and_kept_from_others(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "secrets.json"
    first = keep_secrets(path, ["ami", "seat/1001"])
    again = keep_secrets(path, ["seat/1001", "seat/1002"])
    assert again["seat/1001"] == first["seat/1001"]
    assert len(again) == 3
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [name for name in os.listdir(path.parent) if name != "secrets.json"] == []


def test_a_carriers_password_written_by_hand_stays(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    path.write_text(json.dumps({"trunk/unicom": "given by the carrier"}))
    path.chmod(0o644)
    assert keep_secrets(path, ["ami", "trunk/unicom"])["trunk/unicom"] == "given by the carrier"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("text", ["", "hush", "[1]", '{"ami": 1}'])
def test_a_secrets_file_that_is_none_is_refused_without_being_shown(tmp_path: Path, text: str) -> None:
    path = tmp_path / "secrets.json"
    path.write_text(text)
    with pytest.raises(ValueError, match="not a table of names and passwords") as refusal:
        keep_secrets(path, ["ami"])
    assert "hush" not in str(refusal.value)
    assert path.read_text() == text


def test_secrets_show_their_number_only() -> None:
    assert repr(Secrets({"ami": "hush"})) == "Secrets(1 kept)"


def test_a_made_secret_is_long_and_never_twice_the_same() -> None:
    made = {make_secret() for _ in range(100)}
    assert len(made) == 100
    assert all(len(secret) == 24 and secret.isalnum() for secret in made)


def b64(text: str) -> str:
    return base64.b64encode(f"{text} ".encode()).decode()


def enter(call: str, at: int = 1000) -> str:
    return (
        f"enter at={at} call={b64(call)} trunk={b64('unicom')} called={b64('12315')} caller={b64('0371 5')} "
        f"diversion={b64('<sip:1@a>')} history={b64('')} queue={b64('')}"
    )


def test_a_call_that_nobody_took_is_over_without_a_seat() -> None:
    spool = read_spool([enter("a"), f"end at=3000 call={b64('a')} cause=16"])
    (call,) = spool.over
    assert (call.arrived, call.answered, call.ended, call.seat) == (1000, None, 3000, None)
    assert (call.caller, call.diverted) == ("0371 5", ("Diversion: <sip:1@a>",))


def test_a_call_passed_over_a_trunk_is_answered_without_a_seat() -> None:
    lines = [
        enter("a"),
        f"seat at=2000 call={b64('a')} seat={b64('police')}",
        f"end at=3 call={b64('a')} cause=0",
    ]
    (call,) = read_spool(lines).over
    assert (call.answered, call.seat) == (2000, None)


def test_a_call_fetched_back_is_the_engines_own_again() -> None:
    spool = read_spool([enter("a"), f"back at=2000 call={b64('a')}", enter("b")])
    assert spool.over == ()
    assert [call.call for call in spool.on] == ["b"]


@pytest.mark.parametrize(
    "line",
    [
        "end at=1 call=",
        f"end at=x call={b64('a')} cause=16",
        f"end at=1 call={b64('unknown')} cause=16",
        "enter at=1 call=%%%",
        "what is this",
        f"leave at=1 call={b64('a')}",
        enter("half written")[:60],
    ],
)
def test_a_line_that_makes_no_sense_is_kept_aside_and_hurts_no_other(line: str) -> None:
    spool = read_spool([enter("a"), line, f"end at=3000 call={b64('a')} cause=16"])
    assert spool.unread == (line,)
    assert [call.call for call in spool.over] == ["a"]
