"""A switch to talk to: our fake, and the real one that the fake is held to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.fakes.ami import FakeAmi
from tests.real_asterisk import RealAsterisk

DIALPLAN = """[phone]
exten => _X.,1,Answer(0,i)
 same => n,Wait(20)
"""


@pytest.fixture(scope="session")
def asterisk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealAsterisk]:
    real = RealAsterisk(tmp_path_factory.mktemp("ami"), DIALPLAN)
    real.start()
    yield real
    real.stop()


@pytest.fixture
async def fake() -> AsyncIterator[FakeAmi]:
    switch = FakeAmi()
    await switch.start()
    yield switch
    await switch.stop()


@pytest.fixture(params=["fake", pytest.param("asterisk", marks=pytest.mark.switch)])
def switch(request: pytest.FixtureRequest) -> FakeAmi | RealAsterisk:
    """Both, one after the other: what holds for the fake must hold for Asterisk."""
    found: FakeAmi | RealAsterisk = request.getfixturevalue(request.param)
    return found
