"""
``make bench``: W3 (three trivial tasks in sequence), P10 (ten in parallel, joined) and L (one W3 at a time), on Kafka
and embedded, each with engine, worker, projector, client and broker on this machine; a bare loop beside them. Before
them the sizes (``bench/size.py``), which need neither Kafka nor Postgres.

One JSON line per case. ``per_s`` counts until the read models have caught up; CPU is milliseconds per execution, by
process. Exits with 1 when a bar is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvloop

from bench.client import Run, publish, run
from bench.definitions import P10, W3
from bench.roles import service_of
from bench.size import size_lines
from penstock.log.open import open_log
from penstock.log.port import Log, TopicPartition
from penstock.log.topics import EVENTS, product_topics
from penstock.projections import positions
from penstock.runtime.collection import collect_rarely
from penstock.runtime.supervise import supervise
from penstock.runtime.telemetry import set_up_logging
from penstock.tables.embedded import start_embedded
from penstock.tables.pool import Pool, open_pool, schema_of

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "deploy" / "kafka-local"))

from launcher import LocalKafka  # noqa: E402 - it is no package


@dataclass(frozen=True)
class Case:
    """``bars``: at least so many per second, at most so many milliseconds at the median."""

    name: str
    log: str
    source: dict[str, Any]
    count: int
    in_flight: int
    partitions: int = 1
    per_s: float | None = None
    p50_ms: float | None = None


CASES = (
    Case("w3", "kafka", W3, 12_000, 200, 1, per_s=1500),
    Case("w3", "kafka", W3, 12_000, 1000, 4, per_s=1500),
    Case("p10", "kafka", P10, 3_000, 200, 1, per_s=500),
    Case("l", "kafka", W3, 300, 1, 1, p50_ms=25),
    Case("w3", "embedded", W3, 8_000, 200, 1, per_s=1500),
    Case("p10", "embedded", P10, 2_000, 200, 1, per_s=500),
    Case("l", "embedded", W3, 500, 1, 1, p50_ms=10),
)

BARE = ((12_000, 1, 200), (12_000, 4, 1000), (300, 1, 1))
"""Executions, partitions, in flight."""

ROLES = ("engine", "projector", "worker")

WARM_UP = Case("warm-up", "kafka", W3, 30_000, 500, 2)
"""Runs before anything counts: a broker that has just started is half as fast."""


async def measure(case: Case, url: str, dsn: str, broker: int | None) -> dict[str, Any]:
    """One case on fresh topics and tables, after a warm-up."""
    prefix = f"bench{uuid.uuid4().hex[:8]}"
    log = await open_log(url, prefix)
    await log.apply(product_topics(case.partitions))
    pool = await open_pool(dsn, schema=schema_of(prefix))
    product = processes(url, prefix, dsn) if case.log == "kafka" else embedded(log, prefix, dsn)
    async with product as pids:
        pids |= {"client": os.getpid()} | ({"broker": broker} if broker else {})
        await publish(log, case.source)
        await run(log, case.source["id"], min(case.count, max(case.count // 4, 300)), case.in_flight)
        await drained(log, pool, case.partitions)
        before = {role: cpu_ms(pid) for role, pid in pids.items()}
        clock = time.perf_counter()
        result = await run(log, case.source["id"], case.count, case.in_flight)
        await drained(log, pool, case.partitions)
        seconds = time.perf_counter() - clock
        cpu = {role: round((cpu_ms(pid) - before[role]) / case.count, 3) for role, pid in pids.items()}
    await pool.close()
    await log.close()
    return report(case, result, seconds, cpu)


def report(case: Case, result: Run, seconds: float, cpu: dict[str, float]) -> dict[str, Any]:
    per_s, p50 = case.count / seconds, result.quantile(0.5) * 1e3
    missed = (case.per_s is not None and per_s < case.per_s) or (case.p50_ms is not None and p50 > case.p50_ms)
    return {
        "case": case.name,
        "log": case.log,
        "n": case.count,
        "in_flight": case.in_flight,
        "partitions": case.partitions,
        "per_s": round(per_s, 1),
        "p50_ms": round(p50, 1),
        "p99_ms": round(result.quantile(0.99) * 1e3, 1),
        "cpu_ms": {**cpu, "sum": round(sum(cpu.values()), 3)},
        "bar": {"per_s": case.per_s, "p50_ms": case.p50_ms},
        "met": not missed,
    }


@contextlib.asynccontextmanager
async def embedded(log: Log, prefix: str, tables: str) -> AsyncIterator[dict[str, int]]:
    """Everything in this process, as `penstock dev` has it; the client's CPU is counted with it."""
    made = [await service_of(role, log, tables, schema_of(prefix)) for role in ROLES]
    running = asyncio.create_task(supervise(made, signals=False))
    while not all(service.ready() for service in made):
        await asyncio.sleep(0.01)
    yield {}
    for service in reversed(made):
        await service.stop()
    await running


@contextlib.asynccontextmanager
async def processes(url: str, prefix: str, tables: str) -> AsyncIterator[dict[str, int]]:
    """Each role in a process of its own, ready; ended when done."""
    started = {
        role: subprocess.Popen(
            [sys.executable, "-m", "bench.roles", role, url, prefix, tables],
            stdout=subprocess.PIPE,
            text=True,
            cwd=HERE.parent,
        )
        for role in ROLES
    }
    try:
        for role, process in started.items():
            assert process.stdout is not None
            line = await asyncio.to_thread(process.stdout.readline)
            if line != "ready\n":
                raise RuntimeError(f"expected the {role} to get ready, but it said {line!r}")
        yield {role: process.pid for role, process in started.items()}
    finally:
        for process in started.values():
            process.terminate()
        for process in started.values():
            await asyncio.to_thread(process.wait)


async def drained(log: Log, pool: Pool, partitions: int) -> None:
    """Until the read models are at the end of the log."""
    ends = [await log.end(TopicPartition(EVENTS, number)) for number in range(partitions)]
    while True:
        found = {
            s.partition.partition: s.position for s in await positions.standings(pool) if s.partition.topic == EVENTS
        }
        if all(found.get(number, 0) >= end for number, end in enumerate(ends)):
            return
        await asyncio.sleep(0.005)


def cpu_ms(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def bare_loop(bootstrap: str, broker: int, count: int, partitions: int, in_flight: int) -> dict[str, Any]:
    """The limit of this machine's Kafka: a consume-transform-produce loop with nothing of ours in it."""
    command = [sys.executable, str(HERE / "bare_loop.py"), "--bootstrap", bootstrap, "--broker-pid", str(broker)]
    command += ["--n", str(count), "--inflight", str(in_flight), "--partitions", str(partitions)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def wanted(only: str | None) -> Iterator[Case]:
    yield from (case for case in CASES if only is None or only in f"{case.name}-{case.log}-{case.partitions}")


def sizes(only: str | None) -> bool:
    met = True
    for line in size_lines(only):
        met &= line["met"]
        print(json.dumps(line), flush=True)
    return met


async def main(only: str | None, url: str | None) -> bool:
    met = True
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder:
        server = await start_embedded(Path(folder) / "postgres")
        try:
            with LocalKafka(1) as kafka:
                broker = kafka.pids[0]
                await measure(WARM_UP, f"kafka://{kafka.bootstrap}", server.dsn, broker)
                for case in wanted(only):
                    where = (
                        f"kafka://{kafka.bootstrap}" if case.log == "kafka" else f"sqlite:{folder}/{uuid.uuid4()}.db"
                    )
                    line = await measure(case, url or where, server.dsn, broker if case.log == "kafka" else None)
                    met &= line["met"]
                    print(json.dumps(line), flush=True)
                for count, partitions, in_flight in BARE:
                    print(json.dumps(bare_loop(kafka.bootstrap, broker, count, partitions, in_flight)), flush=True)
        finally:
            await server.stop()
    return met


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help="cases whose name holds this text: size, w3-kafka, embedded, bare")
    parser.add_argument("--log", help="another log than the local one")
    options = parser.parse_args()
    set_up_logging("critical")
    collect_rarely()
    met = sizes(options.only)
    if not (options.only or "").startswith("size"):
        met &= uvloop.run(main(options.only, options.log))
    sys.exit(0 if met else 1)
