"""docs/cities.md: each row names a test that exists and a command that works."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from hotline import cli

ROOT = Path(__file__).parent.parent
CITIES = ("zhengzhou", "kaifeng", "jinan", "jingjiang", "heze")
SECTIONS = dict(
    zip(CITIES, (ROOT / "docs/cities.md").read_text(encoding="utf-8").split("\n## ")[1:], strict=True)
)


def rows(city: str) -> list[list[str]]:
    """The cells of the city's table."""
    lines = [line for line in SECTIONS[city].splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[1:]]


@pytest.mark.parametrize("city", CITIES)
def test_every_row_names_tests_of_its_city_and_every_test_has_a_row(city: str) -> None:
    source = (ROOT / f"tests/switch_cities/test_{city}.py").read_text(encoding="utf-8")
    there = set(re.findall(r"^async def test_(\w+)\(", source, re.MULTILINE))
    named = set(re.findall(r"`(\w+_\w+)`", " ".join(row[-1] for row in rows(city))))
    assert len(there) >= 4
    assert named == there
    assert all(len(row) == 4 and ("`" in row[3] or row[3].startswith("the same test")) for row in rows(city))


@pytest.mark.parametrize("city", CITIES)
def test_every_command_of_a_row_works(city: str, capsys: pytest.CaptureFixture[str]) -> None:
    typed = re.findall(rf"`hotline (trace {city} [^`]+)`", SECTIONS[city])
    assert len(typed) >= 4
    for command in typed:
        assert cli.main(shlex.split(command)) == cli.DONE, command
        assert "dialled" in capsys.readouterr().out
