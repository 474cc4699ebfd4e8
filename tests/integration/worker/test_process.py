"""A worker in a process of its own."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import pytest

from penstock.domain.execution.commands import CompleteTask
from penstock.log.sqlite import SqliteLog
from tests.integration.worker.shop import PATIENCE, Shop

pytestmark = pytest.mark.anyio

PROGRAM = """
import sys, time
from pathlib import Path
from penstock.sdk import Worker, task

here = Path(sys.argv[1])

@task("wait")
def wait() -> str:
    (here / "begun").touch()
    while not (here / "go").exists():
        time.sleep(0.005)
    return "done"

sys.exit(Worker([wait], f"sqlite:{here / 'log.db'}").main())
"""


async def test_on_sigterm_a_worker_finishes_what_runs_and_ends_well(tmp_path: Path) -> None:
    log = await SqliteLog.open(tmp_path / "log.db")
    shop = Shop(log)
    await shop.prepare()
    offered = await shop.offer("wait")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, str(tmp_path), stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        await shop.until((tmp_path / "begun").exists)
        process.send_signal(signal.SIGTERM)
        said = asyncio.create_task(process.communicate())
        await shop.look()
        assert process.returncode is None
        (tmp_path / "go").touch()
        out, err = await asyncio.wait_for(said, PATIENCE)
        assert process.returncode == 0, err.decode()
        result = await shop.result(offered)
        assert isinstance(result, CompleteTask)
        assert result.output == "done"
        assert b"finishing what runs" in out + err
    finally:
        if process.returncode is None:
            process.kill()
        await log.close()
