"""The rules of ``docs/architecture.md``, read from the source: who may import whom, what is pure, how large a module may be."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAY_IMPORT: dict[str, frozenset[str]] = {
    "dialplans": frozenset(),
    "asr": frozenset(),
    "trunks": frozenset({"dialplans"}),
    "ivr": frozenset({"dialplans"}),
    "acd": frozenset({"dialplans", "trunks", "ivr"}),
    "simulator": frozenset({"dialplans", "trunks", "ivr", "acd"}),
    "hotline": frozenset({"dialplans", "asr", "trunks", "ivr", "acd", "simulator"}),
    "benchmarks": frozenset({"dialplans", "asr", "trunks", "ivr", "acd", "simulator", "hotline", "tests"}),
}
"""from the ground up; a package may always import itself"""
CORE = ("dialplans", "asr", "trunks", "ivr", "acd", "simulator")
NOT_PURE = frozenset(
    [
        "asyncio", "concurrent", "ctypes", "fcntl", "glob", "http", "io", "logging", "multiprocessing",
        "os", "pathlib", "queue", "random", "secrets", "select", "selectors", "shutil", "signal", "socket",
        "socketserver", "ssl", "sqlite3", "structlog", "subprocess", "sys", "tempfile", "threading", "time",
        "urllib.request", "uuid", "panoramisk", "asterisk", "redis", "sqlalchemy", "psycopg",
    ]
)  # fmt: skip
NOT_PURE_CALLS = frozenset({"open", "print", "input", "exec", "eval", "now", "today", "utcnow"})
"""called by name or as a method: the clock of ``datetime``, files, the terminal"""
LONGEST = 500


@dataclass(frozen=True, slots=True)
class Module:
    """One source file, by its dotted name."""

    name: str
    source: str

    @property
    def package(self) -> str:
        return self.name.partition(".")[0]

    @property
    def is_live(self) -> bool:
        return is_live(self.name)

    @property
    def tree(self) -> ast.Module:
        """Parsed anew each time: whoever asks may prune it."""
        return ast.parse(self.source)


def is_live(name: str) -> bool:
    """``trunks.live``, ``ivr.session_live``, and what stands below such a name."""
    return any(part == "live" or part.endswith("_live") for part in name.split(".")[1:])


def modules() -> list[Module]:
    found = []
    for package in MAY_IMPORT:
        for path in sorted((ROOT / package).rglob("*.py")):
            dotted = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            found.append(Module(dotted, path.read_text("utf-8")))
    return found


MODULES = modules()


def imports(tree: ast.AST) -> Iterator[str]:
    """Every name that is imported, wherever it stands; ``from a import b`` gives ``a.b``, since b may be a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are written out in full"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def arrows_that_run_up(module: Module) -> list[str]:
    ours = MAY_IMPORT.keys() | {"tests"}
    allowed = MAY_IMPORT[module.package] | {module.package}
    return [
        name
        for name in imports(module.tree)
        if (top := name.partition(".")[0]) in ours and top not in allowed
    ]


def live_imports(module: Module) -> list[str]:
    """Live modules that something imports which is not live: only `hotline` and `benchmarks` may."""
    if module.package not in CORE or module.is_live:
        return []
    return [name for name in imports(module.tree) if name.partition(".")[0] in MAY_IMPORT and is_live(name)]


def live_modules_of_others(module: Module) -> list[str]:
    """A live module of the core stays in its own package."""
    if module.package not in CORE or not module.is_live:
        return []
    return [
        name for name in imports(module.tree) if is_live(name) and name.partition(".")[0] != module.package
    ]


def is_main_block(node: ast.stmt) -> bool:
    """``if __name__ == "__main__":`` is a program of its own (the kernel's warm-up at install); nobody who imports it runs it."""
    return isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'"


def impurities(module: Module) -> list[str]:
    if module.package not in CORE or module.is_live:
        return []
    tree = module.tree
    tree.body = [node for node in tree.body if not is_main_block(node)]
    found = [
        name
        for name in imports(tree)
        if any(name == banned or name.startswith(f"{banned}.") for banned in NOT_PURE)
    ]
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            if name in NOT_PURE_CALLS:
                found.append(f"{name}() in line {node.lineno}")
        if isinstance(node, ast.AsyncFunctionDef):
            found.append(f"async def {node.name}")
    return found


RULES = (arrows_that_run_up, live_imports, live_modules_of_others, impurities)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_no_module_breaks_the_rule(rule) -> None:  # type: ignore[no-untyped-def]
    assert {module.name: faults for module in MODULES if (faults := rule(module))} == {}


@pytest.mark.parametrize(
    ("rule", "name", "source"),
    [
        (arrows_that_run_up, "acd.engine", "from hotline.service import Service"),
        (arrows_that_run_up, "acd.engine", "def f():\n    import benchmarks.kernel"),
        (arrows_that_run_up, "dialplans.plan", "from ivr.flow import Flow"),
        (arrows_that_run_up, "ivr.live", "from trunks import live"),
        (arrows_that_run_up, "hotline.cli", "from tests.acd.town import town"),
        (live_imports, "ivr.flow", "from ivr import live"),
        (live_imports, "acd.engine", "import trunks.ami_live"),
        (live_modules_of_others, "acd.live", "from trunks.live import SwitchLink"),
        (impurities, "acd.engine", "import time"),
        (impurities, "acd.engine", "from random import choice"),
        (impurities, "acd.engine", "import os.path"),
        (impurities, "trunks.trunk", "def f(d):\n    return d.now()"),
        (impurities, "ivr.run", "print(1)"),
        (impurities, "ivr.run", "async def f(): pass"),
    ],
)
def test_each_rule_finds_what_breaks_it(rule, name: str, source: str) -> None:  # type: ignore[no-untyped-def]
    assert rule(Module(name, source))


def test_no_module_is_so_long_that_two_things_live_in_it() -> None:
    lengths = {module.name: module.source.count("\n") for module in MODULES}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST} == {}


def test_every_package_of_ours_has_its_place_among_the_layers() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/*.py") if not path.parent.name.startswith(".")}
    assert packages - {"tests", "scripts"} == MAY_IMPORT.keys()
    assert {module.package for module in MODULES} == MAY_IMPORT.keys()


def test_only_the_router_asks_the_kernel_who_gets_which_call() -> None:
    parts = {"acd.needs", "acd.reserves"}
    core = [module for module in MODULES if module.package in CORE]
    asking = {m.name for m in core if any(name.startswith("acd.kernel") for name in imports(m.tree))}
    # the planner's form of the same rule takes the keys from the kernel, and its layout the keys' limits
    assert asking <= {"acd.router", "acd.kernel", *parts, "acd.pools", "simulator.kinds"}
    pooled = {m.name for m in core if any(name.startswith("acd.pools") for name in imports(m.tree))}
    assert {name.partition(".")[0] for name in pooled} == {"simulator"}
    helped = {m.name for m in core if any(name.startswith(tuple(parts)) for name in imports(m.tree))}
    assert helped <= {"acd.router", *parts}


def test_only_the_engines_own_rooms_say_when_a_call_moves() -> None:
    """``Call.move`` and ``Agent.move`` guard the tables: nothing assigns a state past them."""
    for module in MODULES:
        if module.package != "acd":
            continue
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                for target in targets:
                    written = {leaf.attr for leaf in ast.walk(target) if isinstance(leaf, ast.Attribute)}
                    place = f"{module.name}:{node.lineno}"
                    if "activity" in written:
                        assert place.startswith(("acd.agents:", "acd.desk:")), place
                    if "state" in written and module.name != "acd.engine":
                        assert place.startswith("acd.calls:"), place
