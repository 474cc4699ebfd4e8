"""Whatever goes wrong on the way, the histories, the answers and the digests are right."""

from __future__ import annotations

import os

import pytest

from penstock.domain.execution import events as e
from penstock.engine.replay import Verdict, verify
from tests.sim.virtual import VirtualLoop, run
from tests.sim.world import World

SEEDS = int(os.environ.get("PENSTOCK_SIM_SEEDS", "200"))


def simulate(seed: int) -> tuple[World, tuple[Verdict, ...]]:
    loop = VirtualLoop()
    world = World(seed, loop)

    async def main() -> tuple[Verdict, ...]:
        await world.run()
        return await verify(world.log)

    return world, run(main(), loop)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_nothing_is_lost_doubled_or_reordered(seed: int) -> None:
    print(f"seed {seed}: PENSTOCK_SIM_SEEDS={seed + 1} pytest tests/sim -k '[{seed}]'")
    world, verdicts = simulate(seed)
    assert all(verdict.ok for verdict in verdicts), verdicts
    assert set(world.starts().values()) == {1}
    assert world.starts().keys() == set(world.ids)
    for command in world.sent:
        answers = {(answer.outcome, answer.code) for answer in world.answers[command]}
        assert len(answers) == 1, command
    for execution in world.ids:
        events = [recorded for recorded in world.events if recorded.subject == execution]
        assert [recorded.sequence for recorded in events] == list(range(1, len(events) + 1))
        visits = [r.event.visit for r in events if isinstance(r.event, e.TaskCompleted)]
        assert len(visits) == len(set(visits))


def test_the_same_seed_tells_the_same_story() -> None:
    first, second = simulate(7)[0], simulate(7)[0]
    assert first.events == second.events
