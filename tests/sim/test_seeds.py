"""Whatever goes wrong on the way, the histories, the answers and the digests are right, in the whole language."""

from __future__ import annotations

import asyncio
import os
from collections import Counter

import pytest

from penstock.domain.execution import events as e
from penstock.engine.replay import Verdict, verify
from penstock.log.topics import product_topics
from tests.sim import invariants
from tests.sim.people import People
from tests.sim.virtual import VirtualLoop, run
from tests.sim.world import World

SEEDS = int(os.environ.get("PENSTOCK_SIM_SEEDS", "1000"))
PATIENCE = 100


async def played(world: World) -> tuple[Verdict, ...]:
    """
    Everybody at once; twice the work rests, and it is asked what everything waits for; then patient operators bring
    everything to its end; at last a calm restart and an orderly stop.
    """
    await world.log.apply(product_topics(world.partitions))
    people = People(world)
    async with world.at_work():
        for part in (people.begin, people.meddle):
            await part()
            async with world.nobody_works():
                await check_rest(world)
        await people.patiently()
    async with world.one_calm_engine():
        await check_rest(world)
    await invariants.check_digests(world.log, world.partitions)
    return await verify(world.log)


async def check_rest(world: World) -> None:
    """As soon as nothing is under way between entities, whatever waits has an owner."""
    for _ in range(PATIENCE):
        await asyncio.sleep(1)
        found = await invariants.at_rest(world.log, world.partitions)
        if found is not None:
            ended = {recorded.subject for recorded in world.events} - found.keys()
            states = {key: entity.state for key, entity in found.items()}
            invariants.check_waits(states, ended, world.loop.now())
            await invariants.check_digests(world.log, world.partitions)
            return
    raise AssertionError("expected that commands between entities come to an end")


def simulate(seed: int) -> tuple[World, tuple[Verdict, ...]]:
    loop = VirtualLoop()
    world = World(seed, loop)
    return world, run(played(world), loop)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_nothing_is_lost_doubled_or_reordered(seed: int) -> None:
    print(f"seed {seed}: PENSTOCK_SIM_SEEDS={seed + 1} pytest tests/sim/test_seeds.py -k '[{seed}]'")
    world, verdicts = simulate(seed)
    assert all(verdict.ok for verdict in verdicts), verdicts
    starts = Counter(r.subject for r in world.events if isinstance(r.event, e.ExecutionStarted))
    assert set(starts.values()) == {1}
    assert starts.keys() >= set(world.ids)
    for command in world.sent:
        answers = {(answer.outcome, answer.code) for answer in world.answers[command]}
        assert len(answers) == 1, command
    invariants.check_histories(world.events, world.loop.now())
    invariants.check_locks(world.events)
    invariants.check_repetitions(world.events)


def test_the_same_seed_tells_the_same_story() -> None:
    first, second = simulate(7)[0], simulate(7)[0]
    assert first.events == second.events
