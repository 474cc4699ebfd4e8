"""Schedules, triggers and operations on a whole engine whose time is the test's own, with falls and downtimes."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from penstock.catalog.commands import ActivateDefinition, DeactivateDefinition
from penstock.domain.execution import events as x
from penstock.domain.execution.commands import PauseExecution, StartExecution
from penstock.domain.ids import derived_id
from penstock.domain.mailbox import events as m
from penstock.domain.mailbox.commands import SendMessage
from penstock.domain.operation import commands as o
from penstock.domain.operation import events as oe
from penstock.domain.schedule import commands as c
from penstock.domain.schedule import events as e
from penstock.domain.schedule.plan import CatchUp, Plan
from penstock.domain.starts import StartRefused
from penstock.domain.subjects import mailbox_of, operation_of, root_of, schedule_of
from penstock.engine.owner import Pace
from penstock.engine.replay import state_at, verify
from penstock.engine.service import Engine
from penstock.log.memory import MemoryLog
from penstock.log.memory_faults import Fault
from penstock.log.topics import CATALOG_COMMANDS, partition_of
from tests.integration.engine.rig import Rig
from tests.sim.virtual import EPOCH, VirtualLoop, run
from tests.sim.world import COMMIT_FAULTS

N = 3
PERIOD = 300.0
NIGHTLY = schedule_of("nightly")
REPORT: dict[str, Any] = {"id": "report", "version": "1.0.0", "steps": {"w": {"task": "work"}}}


class Timed(Rig):
    """A rig whose engine goes by the loop's own time."""

    def __init__(self, loop: VirtualLoop, pace: Pace | None = None) -> None:
        self.memory = MemoryLog(clock=loop.milliseconds)
        super().__init__(self.memory, N, pace)
        self.loop = loop

    def begin(self) -> Engine:
        """An engine at work, ready or not."""
        engine = Engine(self.log, pace=self.pace, clock=self.loop.now)
        self._engines[engine] = asyncio.create_task(engine.run())
        return engine

    async def start_engine(self, member: str = "") -> Engine:
        engine = self.begin()
        task = self._engines[engine]
        await self.until(lambda: engine.ready() or task.done())
        if task.done():
            task.result()
        return engine

    async def passes(self, seconds: float) -> None:
        """Time passes, and everything that it causes happens."""
        await asyncio.sleep(seconds)
        await self.settle()

    async def settle(self) -> None:
        before = -1
        while len(self.events) > before:
            before = len(self.events)
            await asyncio.sleep(0.5)
            await self.look()

    def started(self, definition: str = "report") -> list[datetime]:
        """When executions of ``definition`` began, in order."""
        begun = [r for r in self.events if isinstance(r.event, x.ExecutionStarted)]
        return sorted(
            r.time for r in begun if isinstance(r.event, x.ExecutionStarted) if r.event.definition == definition
        )

    def kinds(self, subject: str) -> list[type]:
        return [type(recorded.event) for recorded in self.history(subject)]

    async def healthy(self) -> None:
        """Live and replayed are the same, and nothing happened twice."""
        await self.close()
        verdicts = await verify(self.log)
        assert all(verdict.ok for verdict in verdicts), verdicts
        assert any(verdict.marker_digest for verdict in verdicts)
        assert set(Counter(r.id for r in self.events).values()) == {1}


def played(story: Callable[[Timed], Awaitable[None]], pace: Pace | None = None) -> Timed:
    """``story`` on an engine at work, in no time."""
    loop = VirtualLoop()

    async def main() -> Timed:
        rig = Timed(loop, pace)
        await rig.prepare()
        await rig.start_engine()
        await rig.publish(REPORT)
        await story(rig)
        await rig.healthy()
        return rig

    return run(main(), loop)


async def fall(rig: Timed, downtime: float = 0.0) -> None:
    """The engine stops and comes back."""
    (engine,) = rig._engines
    await rig.stop_engine(engine)
    await asyncio.sleep(downtime)
    await rig.start_engine()


def often(catch_up: CatchUp = "one", **more: Any) -> c.CreateSchedule:
    return c.CreateSchedule(plan=Plan(definition="report", every=PERIOD, catch_up=catch_up, **more), by="ann")


def test_each_tick_starts_an_execution_on_time_and_never_early() -> None:
    async def story(rig: Timed) -> None:
        made = rig.loop.now()
        await rig.ask(often(input={"day": "{{ due }}"}), NIGHTLY)
        await rig.passes(3.5 * PERIOD)
        dues = [r.event.due_at for r in rig.history(NIGHTLY) if isinstance(r.event, e.ScheduleFired)]
        assert len(dues) == 3
        late = [at - due for at, due in zip(rig.started(), dues, strict=True)]
        assert all(timedelta(0) <= lateness < timedelta(seconds=2) for lateness in late), late
        assert dues[0] - made >= timedelta(seconds=PERIOD)
        begun = [r for r in rig.events if isinstance(r.event, x.ExecutionStarted)]
        said = {r.causation_id: r.event.input["day"] for r in begun if isinstance(r.event, x.ExecutionStarted)}
        assert said == {f"{NIGHTLY}/{number}/1": due.isoformat() for number, due in enumerate(dues, 2)}

    played(story)


@pytest.mark.parametrize(("catch_up", "after", "missed"), [("none", 0, 5), ("one", 1, 4), ("all", 5, 0)])
def test_a_downtime_is_made_good_as_the_plan_says(catch_up: CatchUp, after: int, missed: int) -> None:
    async def story(rig: Timed) -> None:
        await rig.ask(often(catch_up), NIGHTLY)
        await rig.passes(0.5 * PERIOD)
        await fall(rig, 5 * PERIOD)
        await rig.passes(60)
        assert len(rig.started()) == after
        assert sum(getattr(r.event, "missed", 0) for r in rig.history(NIGHTLY)) == missed
        await rig.passes(PERIOD)
        assert len(rig.started()) == after + 1

    played(story)


def test_a_long_downtime_is_made_good_in_several_decisions_each_tick_once() -> None:
    async def story(rig: Timed) -> None:
        plan = Plan(definition="report", every=60.0, catch_up="all", input={"due": "{{ due }}"})
        await rig.ask(c.CreateSchedule(plan=plan), NIGHTLY)
        await fall(rig, 6 * 3600)
        await rig.passes(30)
        dues = [r.event.input["due"] for r in rig.events if isinstance(r.event, x.ExecutionStarted)]
        assert len(dues) == len(set(dues)) >= 360

    played(story)


def test_a_pause_and_a_trigger_by_hand() -> None:
    async def story(rig: Timed) -> None:
        await rig.ask(often(), NIGHTLY)
        await rig.ask(c.PauseSchedule(by="ann"), NIGHTLY)
        await rig.passes(3 * PERIOD)
        assert rig.started() == []
        await rig.ask(c.TriggerSchedule(by="ann"), NIGHTLY, "trigger-1")
        await rig.ask(c.TriggerSchedule(by="ann"), NIGHTLY, "trigger-1")
        await rig.settle()
        assert len(rig.started()) == 1
        await rig.ask(c.ResumeSchedule(by="ann"), NIGHTLY)
        await rig.settle()
        assert len(rig.started()) == 2
        unknown = await rig.ask(c.PauseSchedule(), schedule_of("other"))
        assert unknown.code == "SCHEDULE_UNKNOWN"
        too_long = await rig.ask(often(), schedule_of("s" * 200))
        assert too_long.code == "ID_INVALID"

    played(story)


def test_a_schedule_of_an_unknown_definition_says_so_in_its_history() -> None:
    async def story(rig: Timed) -> None:
        plan = Plan(definition="nobody-made-it", every=PERIOD)
        await rig.ask(c.CreateSchedule(plan=plan), NIGHTLY)
        await rig.passes(PERIOD + 5)
        refused = rig.history(NIGHTLY)[-1].event
        assert isinstance(refused, StartRefused)
        assert refused.code == "DEFINITION_UNKNOWN"

    played(story)


def test_the_triggers_of_the_latest_active_version_count() -> None:
    own = schedule_of("tick.often")

    def version(number: str, **triggers: Any) -> dict[str, Any]:
        return {"id": "tick", "version": number, "triggers": triggers, "steps": {"p": {"pass": True}}}

    async def story(rig: Timed) -> None:
        trigger = {"every": "1m", "input": {"n": 1}}
        await rig.publish(version("1.0.0", often=trigger))
        await rig.passes(150)
        assert len(rig.started("tick")) == 2
        await rig.publish(version("1.1.0", often={**trigger, "input": {"n": 2}}))
        await rig.publish(version("1.0.1", often={**trigger, "input": {"n": 9}}))
        await rig.passes(60)
        begun = [r.event for r in rig.events if isinstance(r.event, x.ExecutionStarted)]
        assert [(event.version, event.input["n"]) for event in begun] == [("1.0.0", 1), ("1.0.0", 1), ("1.1.0", 2)]
        await rig.publish(version("2.0.0"))
        await rig.passes(180)
        assert rig.kinds(own)[-1] is e.ScheduleDeleted
        await rig.ask(DeactivateDefinition(version="2.0.0"), "tick", topic=CATALOG_COMMANDS)
        await rig.passes(70)
        assert rig.kinds(own)[-2:] == [e.ScheduleCreated, e.ScheduleFired]
        for number in ("1.1.0", "1.0.1", "1.0.0"):
            await rig.ask(DeactivateDefinition(version=number), "tick", topic=CATALOG_COMMANDS)
        await rig.passes(180)
        assert rig.kinds(own)[-1] is e.ScheduleDeleted
        count = len(rig.started("tick"))
        await rig.ask(ActivateDefinition(version="1.0.0"), "tick", topic=CATALOG_COMMANDS)
        await fall(rig)
        await rig.passes(70)
        assert len(rig.started("tick")) == count + 1

    played(story)


def test_a_message_starts_what_it_triggers_where_nobody_waits() -> None:
    def on_paid(name: str, **trigger: Any) -> dict[str, Any]:
        said = {"message": "paid", **trigger}
        return {"id": name, "version": "1.0.0", "triggers": {"t": said}, "steps": {"p": {"pass": True}}}

    async def story(rig: Timed) -> None:
        paid = mailbox_of("paid", "order/7")
        await rig.ask(SendMessage(message_id="m0", payload={"n": 0}), paid)
        await rig.publish(on_paid("ship", input={"sum": "{{ payload.n }}"}, business_key="{{ key }}"))
        await rig.publish(on_paid("thank"))
        for number in range(2):
            answer = await rig.ask(SendMessage(message_id="m1", payload={"n": 5}), paid, f"send-{number}")
            assert answer.outcome == "accepted"
        await rig.settle()
        assert rig.kinds(paid) == [m.MessageKept, m.MessageTriggered, m.MessageTriggered]
        begun = {r.event.definition: r.event for r in rig.events if isinstance(r.event, x.ExecutionStarted)}
        assert (begun["ship"].input, begun["ship"].business_key) == ({"sum": 5}, "order/7")
        assert begun["thank"].input == {"n": 5}
        await rig.ask(SendMessage(message_id="m2", payload=[1]), paid)
        await rig.settle()
        assert rig.kinds(paid)[-2:] == [m.TriggerFailed, m.MessageTriggered]
        await rig.ask(DeactivateDefinition(version="1.0.0"), "thank", topic=CATALOG_COMMANDS)
        await rig.ask(SendMessage(message_id="m3", payload=[1]), paid)
        assert await _last_kinds(rig, paid, 2) == [m.TriggerFailed, m.MessageKept]
        await rig.ask(DeactivateDefinition(version="1.0.0"), "ship", topic=CATALOG_COMMANDS)
        await rig.ask(SendMessage(message_id="m4", payload={"n": 1}), paid)
        assert await _last_kinds(rig, paid, 1) == [m.MessageKept]

    played(story)


async def _last_kinds(rig: Timed, subject: str, number: int) -> list[type]:
    await rig.settle()
    return rig.kinds(subject)[-number:]


@pytest.mark.parametrize("seed", range(4))
def test_an_operation_over_250_executions_asks_each_once_and_counts_every_answer(seed: int) -> None:
    chance = random.Random(seed)
    operation = operation_of("o-1")

    async def story(rig: Timed) -> None:
        ids = [derived_id(rig.loop.now(), f"{seed}/{number}") for number in range(250)]
        assert len({partition_of(root_of(id_).encode(), N) for id_ in ids}) == N
        for id_ in ids[:240]:
            await rig.send(StartExecution(definition="report"), id_, f"start-{id_}")
        await rig.settle()
        await rig.ask(PauseExecution(by="bob"), ids[0])
        rig.memory.faults.on_commit = lambda *_: _fault(chance)
        begin = o.StartOperation(action="pause", targets=tuple(ids), expected=("running",), by="ann")
        for number in range(2):
            await rig.send(begin, operation, f"begin-{number}")
        while oe.OperationCompleted not in rig.kinds(operation):
            await rig.stop_engine(next(iter(rig._engines)))
            rig.begin()
            await asyncio.sleep(chance.uniform(0.1, 3))
            await rig.look()
        rig.memory.faults.on_commit = lambda *_: Fault.NONE
        await fall(rig)
        await rig.settle()
        completed = [r.event for r in rig.history(operation)][-1]
        assert completed == oe.OperationCompleted(accepted=239, refused=11)
        codes = Counter(r.event.code for r in rig.history(operation) if isinstance(r.event, oe.TargetRefused))
        assert codes == {"EXECUTION_UNKNOWN": 10, "STATUS_NOT_EXPECTED": 1}
        pauses = Counter(r.subject for r in rig.events if isinstance(r.event, x.ExecutionPaused))
        assert pauses == dict.fromkeys(ids[:240], 1)

    rig = played(story, Pace(batch=chance.choice([7, 1000]), checkpoint_events=50))

    async def state() -> Any:
        return (await state_at(rig.log, operation)).state

    kept = asyncio.run(state())
    assert (kept["stage"], kept["accepted"], kept["refused"]) == ("completed", 239, 11)
    assert len(msgspec.json.encode(kept)) < 500
    assert rig.loop.now() > EPOCH


def _fault(chance: random.Random) -> Fault:
    return chance.choice(COMMIT_FAULTS) if chance.random() < 0.1 else Fault.NONE
