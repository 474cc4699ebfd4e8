"""Mailboxes and locks under faults: whatever is given to somebody arrives once, or comes back."""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter

import msgspec
import pytest

from penstock.domain.execution.commands import PauseExecution, StartExecution
from penstock.domain.lock.events import LockAwarded
from penstock.domain.lock.state import Lock
from penstock.domain.mailbox.commands import SendMessage
from penstock.domain.mailbox.state import Mailbox
from penstock.domain.subjects import lock_of, mailbox_of, root_of
from penstock.engine.owner import Pace
from penstock.engine.replay import state_at, verify
from penstock.log.memory import MemoryLog
from penstock.log.memory_faults import Fault
from penstock.log.topics import partition_of
from penstock.messages.registry import Command
from tests.integration.engine.rig import Rig
from tests.integration.engine.scripted_executions import owners, took
from tests.sim.virtual import VirtualLoop, run
from tests.sim.world import COMMIT_FAULTS

SEEDS = min(int(os.environ.get("PENSTOCK_SIM_SEEDS", "200")), 50)
N = 3
PAID, PRESS = mailbox_of("paid", "k"), lock_of("press")


class Trouble:
    """Executions that want a message and a lock; every third takes nothing. Owners fall and come again."""

    def __init__(self, seed: int, loop: VirtualLoop) -> None:
        self.chance, self.loop = random.Random(seed), loop
        self.log = MemoryLog(clock=loop.milliseconds)
        self.rig = Rig(self.log, partitions=N)
        self.executions = [self._id(number) for number in range(9)]
        self.takers = [x for n, x in enumerate(self.executions) if n % 3]
        self.messages = [f"m{number}" for number in range(8)]
        self.released: set[str] = set()

    async def run(self) -> None:
        await self.rig.prepare()
        self.log.faults.on_commit = lambda *_: self._fault()
        pace = Pace(batch=self.chance.choice([1, 3, 1000]), checkpoint_events=self.chance.choice([3, 20]))
        asking = [("start", x) for x in self.executions] + [("send", m) for m in self.messages]
        self.chance.shuffle(asking)
        async with asyncio.timeout(3600):
            await self._all_over(asking, pace)
        self.log.faults.on_commit = lambda *_: Fault.NONE
        async with owners(self.log, N, pace, self.loop.now):
            await asyncio.sleep(60)
        await self._look()

    async def _all_over(self, asking: list[tuple[str, str]], pace: Pace) -> None:
        while not self._done():
            async with owners(self.log, N, pace, self.loop.now):
                await asyncio.sleep(self.chance.uniform(0, 5))
                for what, name in asking[:4]:
                    for _ in range(self.chance.choice([1, 1, 2])):
                        await self._say(what, name)
                del asking[:4]
                await self._let_go()

    async def _say(self, what: str, name: str) -> None:
        if what == "start":
            said = {"wants": [PAID, PRESS], "takes": name in self.takers}
            await self.rig.send(StartExecution(definition="d", input=said), name, f"start-{name}")
        else:
            await self.rig.send(SendMessage(message_id=name), PAID, f"send-{name}-{self.chance.randrange(2)}")

    async def _let_go(self) -> None:
        """Whoever holds the lock gives it back, sooner or later."""
        await self._look()
        for x in self.takers:
            if x not in self.released and any(reason.startswith("lock") for reason in took(self.rig.history(x))):
                self.released.add(x)
                command: Command = PauseExecution(reason=f"release {PRESS}")
                await self.rig.send(command, x, f"release-{x}")

    async def _look(self) -> None:
        before = -1
        while len(self.rig.events) > before:
            before = len(self.rig.events)
            await self.rig.look()

    def _done(self) -> bool:
        consumed = [r for x in self.takers for r in took(self.rig.history(x)) if r.startswith("message")]
        return len(consumed) >= len(self.takers) and len(self.released) == len(self.takers)

    def _fault(self) -> Fault:
        return self.chance.choice(COMMIT_FAULTS) if self.chance.random() < 0.2 else Fault.NONE

    def _id(self, number: int) -> str:
        """A UUIDv7 of about now."""
        text = f"{self.loop.milliseconds() + number:012x}"
        return f"{text[:8]}-{text[8:]}-7000-8000-{self.chance.getrandbits(48):012x}"


@pytest.mark.parametrize("seed", range(SEEDS))
def test_what_is_given_arrives_once_or_comes_back(seed: int) -> None:
    loop = VirtualLoop()
    world = Trouble(seed, loop)

    async def main() -> tuple[Mailbox, Lock]:
        await world.run()
        verdicts = await verify(world.log)
        assert all(verdict.ok for verdict in verdicts), verdicts
        return (
            msgspec.convert((await state_at(world.log, PAID)).state, Mailbox),
            msgspec.convert((await state_at(world.log, PRESS)).state, Lock),
        )

    mailbox, lock = run(main(), loop)
    consumed = [r for x in world.takers for r in took(world.rig.history(x)) if r.startswith("message")]
    assert len(consumed) == len(world.takers)
    assert sorted([*consumed, *(f"message {id_}" for id_ in mailbox.kept)]) == [f"message {m}" for m in world.messages]
    awards = [r.event for r in world.rig.history(PRESS) if isinstance(r.event, LockAwarded)]
    assert [award.fence for award in awards] == list(range(1, 10))
    assert sorted(award.execution for award in awards) == sorted(world.executions)
    assert lock == Lock(fence=9)
    assert not mailbox.waits
    assert set(Counter(r.id for r in world.rig.events).values()) == {1}
    assert len({partition_of(root_of(subject).encode(), N) for subject in (PAID, PRESS, *world.executions)}) > 1
