"""What the promises are worth when brokers die and owners freeze."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

import pytest
from launcher import LocalKafka
from tests.integration.log.kafka_owner import Served
from tests.integration.log.kafka_scene import COMMANDS, EVENTS, OUTPUT, QUICK, SOURCE, batch, mark, owning, values

from penstock.log.kafka import KafkaLog
from penstock.log.port import Fenced, LogUnavailable

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


async def test_a_broker_that_is_killed_and_restarted_amid_commits_loses_and_doubles_nothing(
    kafka_node: LocalKafka,
) -> None:
    log = await KafkaLog.open(kafka_node.bootstrap, settings=QUICK)
    await log.apply([COMMANDS, EVENTS])
    total, started = 600, asyncio.Event()
    takes = 0

    async def restart() -> None:
        await started.wait()
        await asyncio.to_thread(kafka_node.kill)
        await asyncio.to_thread(kafka_node.restart)

    async def serve() -> None:
        """Own, read how far the log is, go on from there; let go on every error, as an engine does."""
        nonlocal takes
        done = 0
        while done < total:
            try:
                async with owning(log) as owner:
                    takes += 1
                    done = len(await values(log))
                    for number in range(done, total):
                        await owner.commit([batch(b"%d" % number), batch(b"%d" % number, to=SOURCE)])
                        done = number + 1
                        if number == total // 3:
                            started.set()
            except (Fenced, LogUnavailable):
                # Every attempt waits for the broker by itself; this only keeps refused connections from spinning.
                await asyncio.sleep(0.1)

    async with asyncio.timeout(120):
        await asyncio.gather(restart(), serve())
    wanted = [b"%d" % number for number in range(total)]
    assert await values(log) == wanted
    assert await values(log, SOURCE) == wanted
    assert takes >= 2
    await log.close()


async def test_an_owner_that_was_frozen_past_its_session_has_no_effect_when_it_wakes(kafka_log: KafkaLog) -> None:
    prefix, bootstrap = kafka_log._cluster.names.prefix, kafka_log._cluster.bootstrap
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.integration.log.kafka_owner",
        bootstrap,
        prefix,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(90):
            assert await process.stdout.readline() == b"owning\n"
            process.send_signal(signal.SIGSTOP)
            # The group gives us its partition once its session is over.
            served = Served()
            membership = await kafka_log.join("owners", SOURCE.topic, served)
            await served.assigned.wait()
            async with owning(kafka_log) as owner:
                before = await values(kafka_log)
                end = await kafka_log.end(OUTPUT)
                process.send_signal(signal.SIGCONT)
                written = [b"new %d" % number for number in range(50)]
                for value in written:
                    await owner.commit([batch(value)])
                told = await process.stdout.readline()
                await owner.commit([batch(b"last")])
            await membership.close()
        assert told in {b"Fenced\n", b"LogUnavailable\n"}
        assert len(before) > 50
        assert await values(kafka_log) == [*before, *written, b"last"]
        assert end <= await kafka_log.end(OUTPUT)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGCONT)
            process.kill()
        await process.wait()


async def test_with_three_brokers_the_death_of_one_costs_no_record(kafka_nodes: LocalKafka) -> None:
    log = await KafkaLog.open(kafka_nodes.bootstrap, settings=QUICK)
    await log.apply([COMMANDS, EVENTS])
    wanted = [b"%d" % number for number in range(200)]
    done = 0
    async with asyncio.timeout(120):
        while done < len(wanted):
            try:
                owner = await log.take(SOURCE, mark)
                done = len(await values(log))
                for value in wanted[done:]:
                    await owner.commit([batch(value)])
                    done += 1
                    if done == 100 and len(kafka_nodes.pids) == 3:
                        await asyncio.to_thread(kafka_nodes.kill, 1)
            except (Fenced, LogUnavailable):
                await asyncio.sleep(0.1)
        assert await values(log) == wanted
    await log.close()
