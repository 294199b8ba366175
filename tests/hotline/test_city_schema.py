"""The published JSON Schema and the handbook say what the program checks."""

from __future__ import annotations

import json
import re
from pathlib import Path

from hotline.city_schema import keys, schema

DOCS = Path(__file__).parents[2] / "docs"


def test_the_published_schema_is_the_one_that_the_program_checks_by() -> None:
    assert json.loads((DOCS / "city.schema.json").read_text(encoding="utf-8")) == schema()


def test_the_handbook_explains_every_key() -> None:
    text = re.sub(r"```.*?```", "", (DOCS / "numbers.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    explained = set(re.findall(r"[a-z_0-9]+", " ".join(re.findall(r"`([^`]+)`", text))))
    assert [key for key in keys() if key not in explained] == []


def test_the_schema_forbids_keys_that_nobody_knows() -> None:
    tables = [schema(), *schema()["$defs"].values()]
    assert all(table["additionalProperties"] is False for table in tables)
