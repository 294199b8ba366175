"""What all tests share: hypothesis draws the same examples on every run, and others with HYPOTHESIS_PROFILE=random.

``make test`` runs two processes: one has the tests with a real Asterisk, one after the other, and the other has everything else, a
file at a time. Without ``-n`` they run as they always did.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import settings

settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("random", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

TESTS = Path(__file__).parent
REAL = ("switch", "rehearsal", "trunks", "ivr")
"""folders (by the beginning of their names) whose tests start an Asterisk or telephones: never two at once, since they share the
processor's time with what they measure"""
PATIENT = ("simulator", "acd", "asr", "dialplans")
"""folders whose tests only compute: they make room for the others"""
NICE = 10


def folder(item: pytest.Item) -> str:
    """The folder under ``tests`` in which a test stands."""
    return item.path.relative_to(TESTS).parts[0]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where two processes share the tests, the real Asterisk's come first: they take longest."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: not folder(item).startswith(REAL))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Which tests are given to a process together: by file (its ``loadgroup`` does nothing under pytest 9.2)."""
    from xdist.scheduler import LoadScopeScheduling

    class Halves(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return "real" if file.removeprefix("tests/").startswith(REAL) else file

    return Halves(config, log)


@pytest.fixture(scope="module", autouse=True)
def _logs_as_they_were() -> Iterator[None]:
    """A command that sets the logs up does it for the whole process: the next file's tests want theirs."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Mere computing stands back where two processes share the machine."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        with suppress(OSError):  # who is not root can't take it back: then nobody stands back
            os.setpriority(
                os.PRIO_PROCESS, 0, NICE if folder(item).startswith(PATIENT) and os.geteuid() == 0 else 0
            )
