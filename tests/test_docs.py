"""The documentation says what is there: its links lead somewhere, its commands exist, its twin says the same."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from dialplans.extensions import FEATURE_CODES
from hotline import cli
from hotline.city import City
from hotline.switch.prompts_live import standard_prompts
from tests import __file__ as _here

ROOT = Path(_here).resolve().parent.parent
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
READMES = (ROOT / "README.md", ROOT / "README.zh.md")

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^(#+) +(.+)$", re.MULTILINE)
_COMMAND = re.compile(r"(?:\.venv/bin/hotline|`hotline) ([a-z]+)")


def prose(page: Path) -> str:
    """The page without its blocks of code, in which # is a comment and brackets are no links."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """The names under which the page's headings can be linked to, as code hosts make them."""
    titles = (title for _, title in _HEADING.findall(prose(page)))
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def shell(page: Path) -> list[str]:
    """What a reader is told to type: lines of the blocks for the console, without what is printed."""
    lines: list[str] = []
    for language, text in _FENCE.findall(page.read_text(encoding="utf-8")):
        if language == "console":
            typed = [line[2:] for line in text.splitlines() if line.startswith(("$ ", "# "))]
            lines += typed or text.splitlines()
    return lines


def parses(typed: str) -> bool:
    """Does the program's own parser take this command line?"""
    try:
        cli._parser().parse_args(typed.split()[1:])
    except SystemExit:
        return False
    return True


def test_every_page_is_looked_at() -> None:
    names = {page.relative_to(ROOT).as_posix() for page in PAGES}
    assert {
        "README.md",
        "README.zh.md",
        "CHANGELOG.md",
        "docs/index.md",
        "docs/adr/0001-the-house.md",
    } <= names


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_to_a_file_and_a_heading_that_are_there(page: Path) -> None:
    broken = []
    for link in _LINK.findall(prose(page)):
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def test_the_index_names_every_page() -> None:
    index = ROOT / "docs" / "index.md"
    linked = {(index.parent / link.partition("#")[0]).resolve() for link in _LINK.findall(prose(index))}
    assert [page for page in PAGES if page not in linked and page != index] == []


def test_the_two_readmes_have_the_same_structure() -> None:
    levels = [[hashes for hashes, _ in _HEADING.findall(prose(page))] for page in READMES]
    assert levels[0] == levels[1]
    assert len(levels[0]) >= 8


def test_the_two_readmes_have_the_same_commands_and_the_same_output() -> None:
    english, chinese = (
        [text for kind, text in _FENCE.findall(page.read_text(encoding="utf-8")) if kind == "console"]
        for page in READMES
    )
    assert len(english) >= 4
    assert english == chinese


def test_the_readme_gives_make_demo_and_make_test_as_its_first_two_commands() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for page in READMES:
        assert shell(page)[:2] == ["make demo", "make test"]
    for target in ("demo", "test"):
        assert re.search(rf"^{target}: install\b", makefile, re.MULTILINE)


@pytest.mark.parametrize(
    "page", [*READMES, ROOT / "docs/engineers.md", ROOT / "docs/planners.md"], ids=lambda p: p.name
)
def test_the_program_takes_every_command_line_that_a_page_shows(page: Path) -> None:
    typed = [line for line in shell(page) if line.startswith(".venv/bin/hotline ")]
    assert typed
    assert [line for line in typed if not parses(line)] == []


def test_every_sub_command_that_a_page_names_exists() -> None:
    known = set(re.findall(r"\{([a-z,]+)\}|^    ([a-z]+)(?: |$)", cli._parser().format_help(), re.MULTILINE))
    names = {name for pair in known for part in pair for name in part.split(",") if name}
    assert {"check", "render", "trace", "run", "demo", "erlang", "replay"} <= names
    unknown = {
        (page.name, name)
        for page in PAGES
        for name in _COMMAND.findall(page.read_text(encoding="utf-8"))
        if name not in names
    }
    assert unknown == set()


def test_a_sub_command_that_does_not_exist_is_found() -> None:
    assert not parses(".venv/bin/hotline dance zhengzhou")


def test_every_option_of_run_is_explained_to_the_engineer() -> None:
    text = (ROOT / "docs/engineers.md").read_text(encoding="utf-8")
    source = (ROOT / "hotline/cli.py").read_text(encoding="utf-8")
    options = set(re.findall(r"run\.add_argument\(\"(--[a-z-]+)\"", source)) - {"--worker"}
    assert len(options) >= 5
    assert [option for option in sorted(options) if f"`{option}" not in text] == []


def test_every_dependency_has_its_row() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    needed = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    for group in project["project"]["optional-dependencies"].values():
        needed += group
    text = (ROOT / "docs/dependencies.md").read_text(encoding="utf-8")
    names = [re.split(r"[^A-Za-z0-9_.-]", entry, maxsplit=1)[0].lower() for entry in needed]
    assert [name for name in names if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text)] == []


def test_every_system_package_has_its_row() -> None:
    script = (ROOT / "scripts/install.sh").read_text(encoding="utf-8")
    found = re.search(r'^packages="([^"]+)"$', script, re.MULTILINE)
    assert found is not None
    text = (ROOT / "docs/dependencies.md").read_text(encoding="utf-8")
    assert [
        name for name in found[1].split() if not re.search(rf"^\| {re.escape(name)}\b", text, re.MULTILINE)
    ] == []


def test_every_feature_code_is_on_the_agents_page_and_in_the_readmes() -> None:
    for page in (*READMES, ROOT / "docs/seats.md"):
        text = page.read_text(encoding="utf-8")
        assert [code for code in FEATURE_CODES if f"| `{code}` |" not in text] == []


def test_the_agents_page_quotes_what_the_phone_says() -> None:
    text = (ROOT / "docs/seats.md").read_text(encoding="utf-8")
    spoken = standard_prompts()
    heard = [
        "ask-agent", "ask-pin", "signed-on", "signed-off", "ask-reason", "on-break", "back", "wrap-up-ended", "wrong-pin",
        "agent-locked", "agent-unknown", "seat-taken", "signed-on-elsewhere", "not-signed-on", "call-is-on", "reason-unknown",
        "no-wrap-up", "unknown-code", "seat-unknown", "desk-unreachable",
    ]  # fmt: skip
    assert [name for name in heard if spoken[name] not in text] == []


def test_the_agents_page_names_the_breaks_of_the_built_in_cities() -> None:
    text = (ROOT / "docs/seats.md").read_text(encoding="utf-8")
    for name in City.built_in():
        for digit, reason in City.load(name).file.breaks.items():
            assert f"`{digit}` {reason}" in text
