"""One process of a benchmark: ``python -m bench.roles ROLE LOG PREFIX [TABLES]`` runs until it is terminated."""

from __future__ import annotations

import asyncio
import sys

import uvloop

from bench.handlers import HANDLERS
from penstock.engine.service import Engine
from penstock.log.open import open_log
from penstock.log.port import Log
from penstock.projector.service import Projector
from penstock.runtime.collection import collect_rarely
from penstock.runtime.service import Service
from penstock.runtime.supervise import supervise
from penstock.runtime.telemetry import set_up_logging
from penstock.sdk.log_transport import LogTransport
from penstock.sdk.worker import Worker
from penstock.tables.pool import open_pool, schema_of


async def service_of(role: str, log: Log, tables: str, schema: str) -> Service:
    match role:
        case "engine":
            return Engine(log, member="bench")
        case "projector":
            return Projector(log, await open_pool(tables, schema=schema))
        case _:
            return Worker(HANDLERS, LogTransport(log), concurrency=500)


async def main(role: str, url: str, prefix: str, tables: str = "") -> int:
    set_up_logging("warning")
    log = await open_log(url, prefix)
    service = await service_of(role, log, tables, schema_of(prefix))
    running = asyncio.create_task(supervise([service]))
    while not service.ready() and not running.done():
        await asyncio.sleep(0.01)
    collect_rarely()
    print("ready", flush=True)
    try:
        return await running
    finally:
        await log.close()


if __name__ == "__main__":
    sys.exit(uvloop.run(main(*sys.argv[1:])))
