"""Every fault of a city file names its place and its remedy, in one line."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from hotline.city import City, CityFault

PIN = "scrypt$8192$8$1$aG90bGluZS1kZW1v$HQyrYXvEdxOHGLpPLWSnHgiv/v0EnRnY5F8GVFyRCj0="
SOUND = f"""
title = "示范市12345热线"
area = "0371"

[emergency]
route = "unicom"

[reception]
menu_prompt = "政务请按1"
keys = [{{ key = "1", title = "政务", queue = "12345", skill = "12345" }}]

[hours.working]
mon = ["08:30-12:00"]

[[queues]]
name = "12345"
title = "热线"

[[trunks]]
name = "unicom"
carrier = "中国联通"
address = ["192.0.2.1"]
channels = 30

[[trunks]]
name = "telecom"
carrier = "中国电信"
address = ["192.0.2.2"]
channels = 30

[[groups]]
name = "carriers"
trunks = ["unicom", "telecom"]

[[seats]]
first = "8001"
count = 10

[[seats]]
first = "8101"
count = 10

[[agents]]
first = "1001"
count = 10
name = "受理员"
skills = {{ "12345" = 1, "12348" = 1 }}
pin_hash = "{PIN}"

[[agents]]
first = "1101"
count = 2
name = "专家"
skills = {{ "12348" = 3 }}
pin_hash = "{PIN}"

[[lines]]
number = "12315"
name = "消费维权"
department = "市场监管局"
treatment = "absorbed"
from = 2022-01-01T00:00:00

[[lines]]
number = "12369"
name = "环保"
department = "生态环境局"
treatment = "withdrawn"
from = 2022-01-01T00:00:00
transition_until = 2022-06-30

[[lines]]
number = "12348"
name = "法律"
department = "司法局"
treatment = "parallel"
seats = "experts"
skill = "12348"

[[lines]]
number = "12333"
name = "人社"
department = "人社局"
treatment = "parallel"
route = "carriers"
hours = "working"
"""

TABLE = tomllib.loads((Path(__file__).parent / "city_faults.toml").read_text(encoding="utf-8"))["fault"]
FAULTS = [tuple(row[key].replace("PIN", PIN) for key in ("sound", "faulty", "told")) for row in TABLE]


def faults_of(text: str) -> tuple[str, ...]:
    with pytest.raises(CityFault) as caught:
        City.read(text, "mycity")
    return caught.value.faults


def test_the_sound_city_has_no_fault() -> None:
    assert City.read(SOUND, "mycity").title == "示范市12345热线"


@pytest.mark.parametrize(("sound", "faulty", "fault"), FAULTS, ids=[fault[:60] for _, _, fault in FAULTS])
def test_this_fault_is_told_with_its_place_and_its_remedy(sound: str, faulty: str, fault: str) -> None:
    assert sound in SOUND
    found = faults_of(SOUND.replace(sound, faulty, 1))
    assert found[0] == f"mycity.toml: {fault}"
    assert len(found) == 1


def test_all_faults_are_told_at_once() -> None:
    text = SOUND.replace("2022-06-30", "2021-06-30").replace("8101", "8001")
    text = text.replace('"unicom", "telecom"', '"unicom", "x"')
    assert faults_of(text) == (
        "mycity.toml: lines[1].transition_until: ends before it starts (2022-01-01): set a later day",
        "mycity.toml: groups[0].trunks[1]: no trunk 'x': write one of those there are (unicom, telecom)",
        "mycity.toml: seats[1].first: 8001 to 8010 stands in seats[0] already (8001): choose other numbers",
    )


def test_no_fault_takes_more_than_one_line() -> None:
    text = SOUND.replace('"消费维权"', '"""a\nb"""').replace("中国联通", "x" * 1000)
    found = faults_of(text)
    assert len(found) == 2
    assert all(len(fault.splitlines()) == 1 and len(fault) < 300 for fault in found)


def test_a_city_that_is_not_there_is_told_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(CityFault) as caught:
        City.load("zhengzho")
    assert caught.value.faults == ("zhengzho: no built-in city has this name: did you mean zhengzhou?",)
    with pytest.raises(CityFault) as caught:
        City.load(tmp_path / "none.toml")
    assert caught.value.faults == (
        f"{tmp_path / 'none.toml'}: can't be read (no such file or directory): give the path of a city file",
    )
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CityFault) as caught:
        City.load(tmp_path / "bytes.toml")
    assert caught.value.faults == (f"{tmp_path / 'bytes.toml'}: is not text in UTF-8: save it as UTF-8",)
