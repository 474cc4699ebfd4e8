"""
How large things may get: definitions of 5,000 steps, executions of 50,000, for-eaches over 100,000 items.

Each case runs in a process of its own, so that the peak of its memory is its own; all but the last run the turn of the
domain alone. One JSON line per case: ``step_us`` is CPU per step, the median of the first and of the last tenth of
the execution, ``flat`` the ratio of the two; ``longest_ms`` the longest decision, ``largest`` the bytes of the largest
event, ``packed`` those of the largest state, and ``grown_mib`` what the process needed beyond what it had before.
"""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import resource
import statistics
import tempfile
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import msgspec

from bench.client import message, publish
from bench.definitions import LOOP, ROUND, copies, diamonds, fan, sequence
from bench.roles import service_of
from penstock.domain.definition.compile import compile_definition, digest_of
from penstock.domain.definition.model import Definition
from penstock.domain.definition.read import read_definition
from penstock.domain.definition.write_yaml import write_yaml
from penstock.domain.execution import commands as c
from penstock.domain.execution import events as e
from penstock.domain.execution.state import Ended, Execution, ExecutionState, NotStarted
from penstock.domain.execution.turn import turn
from penstock.log.open import open_log
from penstock.log.port import Batch, Log, TopicPartition
from penstock.log.topics import COMMANDS, EVENTS, product_topics
from penstock.messages.envelope import Recorded, decode_event, encode_event
from penstock.messages.registry import NAMES
from penstock.runtime.collection import collect_rarely
from penstock.runtime.ids import new_id
from penstock.runtime.supervise import supervise
from penstock.runtime.telemetry import set_up_logging

STEPS: Final = 5_000
LONG: Final = 50_000
ITEMS: Final = 100_000
RECORD_LIMIT: Final = 1_000_000
FLAT: Final = 1.3
MIB: Final = 1 << 20
ID: Final = "0190a0a0-0000-7000-8000-000000000001"
NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class SizeCase:
    """``bars``: the most that a figure of the result may be."""

    name: str
    measure: Callable[[], dict[str, Any]]
    bars: dict[str, float]


@dataclass
class Played:
    """What one execution took: ``costs`` are seconds per step, turn after turn, where steps were done."""

    costs: list[float] = field(default_factory=list)
    steps: int = 0
    events: int = 0
    largest: int = 0
    packed: int = 0
    longest_ms: float = 0.0


def compiled(source: dict[str, Any]) -> dict[str, Any]:
    """Milliseconds of CPU to read the YAML of a definition, and to compile and hash it."""
    text = write_yaml(source)
    began = time.process_time()
    read = read_definition(text).value
    between = time.process_time()
    digest_of(compile_definition(read))
    ended = time.process_time()
    return {
        "n": len(source["steps"]),
        "read_ms": round((between - began) * 1e3, 1),
        "compile_ms": round((ended - between) * 1e3, 1),
    }


def played(source: dict[str, Any], input_: dict[str, Any] | None = None) -> dict[str, Any]:
    """An execution from its start to its end, in the domain alone."""
    graph = compile_definition(source)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    found = _play(Definition(graph, digest_of(graph)), c.StartExecution(definition=source["id"], input=input_ or {}))
    first, last = _tenths(found.costs)
    return {
        "n": found.steps,
        "events": found.events,
        "cpu_s": round(time.process_time() - began, 1),
        "step_us": [round(first * 1e6, 1), round(last * 1e6, 1)],
        "flat": round(last / first, 2),
        "longest_ms": round(found.longest_ms, 1),
        "largest": found.largest,
        "packed": found.packed,
        "grown_mib": round((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024, 1),
    }


def _play(definition: Definition, start: c.StartExecution) -> Played:
    found, offered = Played(), deque[e.TaskScheduled]()
    state: ExecutionState = NotStarted()
    command: c.ExecutionCommand = start
    while not isinstance(state, Ended):
        began = time.process_time()
        events, state = turn(ID, state, command, definition, NOW)
        took = time.process_time() - began
        found.longest_ms = max(found.longest_ms, took * 1e3)
        if done := sum(isinstance(event, e.TaskCompleted | e.StepPassed) for event in events):
            found.steps += done
            found.costs.append(took / done)
        for event in events:
            found.events += 1
            found.largest = max(found.largest, len(_record(event)))
            if isinstance(event, e.TaskScheduled):
                offered.append(event)
        if isinstance(state, Execution):
            if found.events % 1000 < len(events):
                found.packed = max(found.packed, len(msgspec.msgpack.encode(state)))
            command = _next(state, offered)
    return found


def _next(state: Execution, offered: deque[e.TaskScheduled]) -> c.ExecutionCommand:
    if state.mode != "running":
        raise RuntimeError(f"expected the execution to go on, but it is {state.mode}: {state.visits}")
    if state.unfinished:
        return c.FireTimers()
    task = offered.popleft()
    return c.CompleteTask(visit=task.visit, attempt=task.attempt, output={"n": task.visit})


def _record(event: e.ExecutionEvent) -> bytes:
    recorded: Recorded[Any] = Recorded(
        event=event,
        id=f"{ID}/1000000",
        type=NAMES[type(event)],
        subject=ID,
        time=NOW,
        sequence=1_000_000,
        input_position=1_000_000,
        causation_id=f"{ID}/1000000/1/result",
        correlation_id=ID,
        traceparent="0" * 55,
        previous_hash="0" * 64,
    )
    return encode_event(recorded)


def _tenths(costs: list[float]) -> tuple[float, float]:
    """Of the first and of the last tenth, each the median of ten means."""
    tenth = max(1, len(costs) // 10)
    return _middle(costs[:tenth]), _middle(costs[-tenth:])


def _middle(costs: list[float]) -> float:
    size = max(1, len(costs) // 10)
    return statistics.median(statistics.fmean(costs[i : i + size]) for i in range(0, len(costs), size))


def embedded() -> dict[str, Any]:
    """An execution on the embedded engine, with a worker beside it; CPU of the whole process by time of its rounds."""
    return asyncio.run(_embedded())


async def _embedded() -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder:
        log = await open_log(f"sqlite:{Path(folder) / f'{uuid.uuid4()}.db'}", "size")
        await log.apply(product_topics(1))
        services = [await service_of(role, log, "", "") for role in ("engine", "worker")]
        running = asyncio.create_task(supervise(services, signals=False))
        while not all(service.ready() for service in services):
            await asyncio.sleep(0.01)
        await publish(log, fan(LONG))
        began = time.perf_counter()
        rounds = await _rounds(log)
        seconds = time.perf_counter() - began
        for service in reversed(services):
            await service.stop()
        await running
        await log.close()
    first, last = _tenths(rounds)
    return {
        "n": LONG,
        "seconds": round(seconds, 1),
        "per_s": round(LONG / seconds, 1),
        "step_us": [round(first * 1e6 / ROUND, 1), round(last * 1e6 / ROUND, 1)],
        "flat": round(last / first, 2),
    }


async def _rounds(log: Log) -> list[float]:
    """CPU seconds between one round of the loop and the next, until the execution has ended."""
    subject, place = new_id(), TopicPartition(EVENTS, 0)
    reader = await log.reader({place: await log.end(place)})
    await log.send([Batch(COMMANDS, 0, [message(c.StartExecution(definition="fan"), subject)])])
    marks: list[float] = []
    while True:
        for record in await reader.read(limit=5000, wait=5.0):
            event = decode_event(record.value or b"").event
            if isinstance(event, e.BlockStarted):
                marks.append(time.process_time())
            elif (status := getattr(event, "status", None)) == "failed":
                raise RuntimeError(f"expected the execution to go on, but {event}")
            elif status == "completed":
                await reader.close()
                return [after - before for before, after in pairwise(marks)]


TEXTS: Final = {"items": [f"{number:x}" for number in range(ITEMS)]}
COUNT: Final = {"items": ITEMS}
EACH: Final = {"flat": FLAT, "largest": RECORD_LIMIT, "grown_mib": 64}

SIZES: Final = (
    SizeCase("compile-sequence", lambda: compiled(sequence(STEPS)), {"compile_ms": 1000}),
    SizeCase("compile-diamonds", lambda: compiled(diamonds(STEPS)), {"compile_ms": 1000}),
    SizeCase("loop", lambda: played(LOOP), {"flat": FLAT}),
    SizeCase("sequence", lambda: played(sequence(STEPS)), {"flat": FLAT}),
    SizeCase("diamonds", lambda: played(diamonds(STEPS)), {"flat": FLAT, "grown_mib": 64}),
    SizeCase("each-count-automatic", lambda: played(copies(automatic=True), COUNT), EACH),
    SizeCase("each-texts-automatic", lambda: played(copies(automatic=True), TEXTS), EACH),
    SizeCase("each-count-tasks", lambda: played(copies(), COUNT), EACH),
    SizeCase("each-texts-tasks", lambda: played(copies(), TEXTS), EACH),
    SizeCase("each-collected", lambda: played(copies(collect="{{ steps.work.n }}", into="all"), COUNT), EACH),
    SizeCase("loop-embedded", embedded, {"flat": FLAT}),
)


def size_lines(only: str | None) -> Iterator[dict[str, Any]]:
    """The results of the cases whose ``size-`` name holds ``only``, one after another."""
    for case in SIZES:
        if only is None or only in f"size-{case.name}":
            spawn = multiprocessing.get_context("spawn")
            with ProcessPoolExecutor(1, mp_context=spawn) as process:
                found = process.submit(_measured, case.name).result()
            met = all(found[figure] <= most for figure, most in case.bars.items())
            yield {"case": f"size-{case.name}", **found, "bar": case.bars, "met": met}


def _measured(name: str) -> dict[str, Any]:
    set_up_logging("critical")
    collect_rarely()
    gc.collect()
    (case,) = (case for case in SIZES if case.name == name)
    return case.measure()
