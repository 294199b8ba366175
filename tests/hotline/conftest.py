"""What the tests of the program share: both databases."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hotline.postgres_server import PostgresServer


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    # Not below pytest's own directory: that is closed to the user whom the server runs as.
    with tempfile.TemporaryDirectory(prefix="hotline-pg-") as directory:
        Path(directory).chmod(0o755)
        server = PostgresServer(Path(directory))
        yield server
        server.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return str(tmp_path / "records.sqlite")
    server: PostgresServer = request.getfixturevalue("postgres")
    server.run("DROP SCHEMA public CASCADE")
    server.run("CREATE SCHEMA public")
    return server.url
