"""An engine in a process of its own, to be killed: ``python -m ...engine_process LOG PREFIX MEMBER``."""

from __future__ import annotations

import asyncio
import sys

from penstock.engine.owner import Pace
from penstock.engine.service import Engine
from penstock.log.open import open_log


async def main(url: str, prefix: str, member: str) -> None:
    log = await open_log(url, prefix)
    engine = Engine(log, member=member, pace=Pace(batch=50, checkpoint_events=200))
    running = asyncio.create_task(engine.run())
    while not engine.ready() and not running.done():
        await asyncio.sleep(0.01)
    print("ready", flush=True)
    await running


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
