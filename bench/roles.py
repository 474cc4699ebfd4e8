"""One process of a benchmark: ``roles.py ROLE LOG PREFIX [TABLES]`` runs until it is terminated."""

from __future__ import annotations

import asyncio
import gc
import sys

import uvloop
from penstock.engine.service import Engine
from penstock.log.open import open_log
from penstock.projector.service import Projector
from penstock.runtime.service import Service
from penstock.runtime.supervise import supervise
from penstock.runtime.telemetry import quiet
from penstock.sdk.log_transport import LogTransport
from penstock.sdk.worker import Worker
from penstock.tables.pool import open_pool

from bench.handlers import HANDLERS


async def main(role: str, url: str, prefix: str, tables: str = "") -> int:
    quiet()
    log = await open_log(url, prefix)
    service: Service
    if role == "engine":
        service = Engine(log, member="bench")
    elif role == "projector":
        service = Projector(log, await open_pool(tables))
    else:
        service = Worker(HANDLERS, LogTransport(log, "default"))
    running = asyncio.create_task(supervise([service]))
    while not service.ready() and not running.done():
        await asyncio.sleep(0.01)
    gc.freeze()
    print("ready", flush=True)
    try:
        return await running
    finally:
        await log.close()


if __name__ == "__main__":
    sys.exit(uvloop.run(main(*sys.argv[1:])))
