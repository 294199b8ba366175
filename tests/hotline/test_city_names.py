"""By which names callers ask for a line."""

from __future__ import annotations

import pytest

from hotline.city import City
from hotline.city_names import NamedLine, fault_of, short_forms, spoken_names
from hotline.city_speech import names
from ivr.meaning import Meaning, meaning, named


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("住房公积金管理中心", "公积金中心"),
        ("住房公积金服务热线", "公积金"),
        ("价格举报电话", "价格举报"),
        ("全国统一民政服务电话", "民政服务"),
        ("人力资源和社会保障局", "人社局"),
        ("国家税务总局菏泽市税务局", "税务局"),
        ("“三农”服务热线", "三农服务"),
        ("市民政局", "民政局"),
    ],
)
def test_a_name_has_the_short_form_that_people_use(name: str, short: str) -> None:
    assert short in short_forms(name)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("卫生服务热线", "卫生"),  # said for many reasons
        ("市场监管局", "场监管局"),
        ("市民之家热线", "民之家"),
        ("市长热线", "长热线"),
    ],
)
def test_a_name_is_not_cut_into_something_else(name: str, wrong: str) -> None:
    assert wrong not in short_forms(name)


def test_a_name_that_would_stand_for_two_lines_stands_for_none_unless_a_person_says_so() -> None:
    lines = [NamedLine("12315", "消费维权热线", "市场监管局"), NamedLine("12365", "质监热线", "市场监管局")]
    assert "市场监管局" not in spoken_names(lines, {})
    assert spoken_names(lines, {"市场监管局": "12315"})["市场监管局"] == "12315"
    assert spoken_names(lines, {})["消费维权"] == "12315"


def test_a_place_asks_for_no_line_although_a_line_has_it_for_its_department() -> None:
    found = spoken_names([NamedLine("62912345", "登封市市长电话", "登封市")], {})
    assert "登封市" not in found
    assert found["登封市市长电话"] == "62912345"


def test_who_wants_the_office_of_the_police_is_not_led_to_110() -> None:
    found = names(City.load("kaifeng").file)
    assert found["报警"] == "110"
    assert [said for said, line in found.items() if line == "110"] == ["报警"]


@pytest.mark.parametrize("city", City.built_in())
def test_every_name_of_a_built_in_city_is_heard_as_its_line_and_as_nothing_else(city: str) -> None:
    found = names(City.load(city).file)
    assert len(found) >= 3
    assert [said for said, line in found.items() if named(said, found) != line] == []
    assert [said for said in found if meaning(said) is not Meaning.OTHER or len(said) < 2] == []


@pytest.mark.parametrize(
    ("name", "fault"),
    [("税", "is too short to be heard"), ("人工", "is said to the machine itself"), ("不是", "is said to")],
)
def test_a_further_name_that_can_not_be_is_told(name: str, fault: str) -> None:
    assert (fault_of(name) or "").startswith(fault)


def test_a_further_name_that_can_be_has_no_fault() -> None:
    assert fault_of("房管局") is None
