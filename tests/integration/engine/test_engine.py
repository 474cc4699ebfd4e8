"""The whole way from a command to events, tasks and answers, on every log."""

from __future__ import annotations

from dataclasses import replace

import pytest

from penstock.domain.errors import Failure
from penstock.domain.execution import events as e
from penstock.domain.execution.commands import CancelExecution, CompleteTask, PauseExecution, StartExecution
from penstock.domain.partition import OwnershipTaken, PositionAdvanced
from penstock.engine.following import DefinitionsFollower
from penstock.engine.owner import Pace, PartitionsChanged
from penstock.engine.replay import verify
from penstock.engine.service import Engine
from penstock.log.memory import MemoryLog
from penstock.log.port import Log, TopicPartition
from penstock.log.topics import COMMANDS, dead_letters
from penstock.messages.envelope import event_hash
from penstock.runtime.ids import new_id
from tests.integration.engine.rig import Rig

pytestmark = pytest.mark.anyio

W3 = {
    "id": "w3",
    "version": "1.0.0",
    "steps": {"a": {"task": "add", "next": "b"}, "b": {"task": "add", "next": "c"}, "c": {"task": "add"}},
}
WAITING = {"id": "waiting", "version": "1.0.0", "steps": {"a": {"wait": "100ms", "next": "b"}, "b": {"task": "add"}}}
RETRIED = {
    "id": "retried",
    "version": "1.0.0",
    "steps": {"a": {"task": "add", "retry": {"attempts": 2, "backoff": "50ms"}}},
}


def add(task: object) -> object:
    return {"n": 1}


async def test_three_tasks_run_to_completion_in_eight_events(rig: Rig) -> None:
    await rig.start_engine()
    await rig.publish(W3)
    execution = await rig.start("w3", n=1)
    await rig.work({"add": add}, rig.ended(execution))
    kinds = [type(recorded.event) for recorded in rig.history(execution)]
    assert kinds == [e.ExecutionStarted, *[e.TaskScheduled, e.TaskCompleted] * 3, e.ExecutionCompleted]


async def test_sequences_have_no_gap_and_hashes_chain(rig: Rig) -> None:
    await rig.start_engine()
    await rig.publish(W3)
    execution = await rig.start("w3")
    await rig.work({"add": add}, rig.ended(execution))
    history = rig.history(execution)
    assert [recorded.sequence for recorded in history] == list(range(1, 9))
    assert history[0].previous_hash == ""
    assert all(len(recorded.previous_hash) == len(event_hash(b"")) for recorded in history[1:])
    assert all(verdict.ok for verdict in await verify(rig.log))


async def test_a_definition_can_be_started_as_soon_as_it_is_published(rig: Rig) -> None:
    await rig.start_engine()
    for number in range(5):
        await rig.publish({**W3, "version": f"1.0.{number}"})
        execution = await rig.start("w3")
        await rig.until(lambda: bool(rig.history(execution)))  # noqa: B023
        started = rig.history(execution)[0].event
        assert isinstance(started, e.ExecutionStarted)
        assert started.version == f"1.0.{number}"


async def test_an_unknown_definition_is_refused_by_name(rig: Rig) -> None:
    await rig.start_engine()
    answer = await rig.ask(StartExecution(definition="nothing"), new_id())
    assert (answer.outcome, answer.code) == ("rejected", "DEFINITION_UNKNOWN")


async def test_a_timer_fires(rig: Rig) -> None:
    await rig.start_engine()
    await rig.publish(WAITING)
    execution = await rig.start("waiting")
    await rig.work({"add": add}, rig.ended(execution))
    assert rig.status(execution) == "completed"


async def test_a_failed_attempt_is_tried_again(rig: Rig) -> None:
    await rig.start_engine()
    await rig.publish(RETRIED)
    execution = await rig.start("retried")
    results = iter([Failure(code="ONCE"), {"n": 1}])
    await rig.work({"add": lambda _: next(results)}, rig.ended(execution))
    assert rig.status(execution) == "completed"
    assert [task.attempt for task in rig.tasks] == [1, 2]


async def test_a_repeated_start_runs_once_and_is_answered_alike(rig: Rig) -> None:
    await rig.start_engine()
    await rig.publish(W3)
    execution = new_id()
    first = await rig.ask(StartExecution(definition="w3"), execution, "start-1")
    again = await rig.ask(StartExecution(definition="w3"), execution, "start-1")
    assert first == again
    await rig.work({"add": add}, rig.ended(execution))
    after_the_end = await rig.ask(StartExecution(definition="w3"), execution, "start-1")
    assert after_the_end == first
    assert sum(isinstance(r.event, e.ExecutionStarted) for r in rig.events) == 1


async def test_a_repeated_command_is_answered_alike_after_a_restart(rig: Rig) -> None:
    engine = await rig.start_engine()
    await rig.publish(W3)
    execution = await rig.start("w3")
    paused = await rig.ask(PauseExecution(), execution, "pause-1")
    refused = await rig.ask(PauseExecution(), new_id(), "pause-2")
    assert refused.code == "EXECUTION_UNKNOWN"
    await rig.stop_engine(engine)
    await rig.start_engine()
    assert await rig.ask(PauseExecution(), execution, "pause-1") == paused
    again = await rig.ask(PauseExecution(), refused.subject, "pause-2")
    assert (again.code, again.input_position) == (refused.code, refused.input_position)
    assert sum(isinstance(r.event, e.ExecutionPaused) for r in rig.events) == 1


async def test_an_execution_goes_on_after_a_restart_of_the_engine(rig: Rig) -> None:
    engine = await rig.start_engine()
    await rig.publish(W3)
    execution = await rig.start("w3")
    await rig.work({"add": add}, lambda: len(rig.history(execution)) >= 4)
    await rig.stop_engine(engine)
    await rig.start_engine()
    await rig.work({"add": add}, rig.ended(execution))
    assert [r.sequence for r in rig.history(execution)] == list(range(1, 9))


async def test_a_late_completion_is_refused_by_name(rig: Rig) -> None:
    await rig.start_engine()
    await rig.publish(W3)
    execution = await rig.start("w3")
    await rig.work({"add": add}, rig.ended(execution))
    answer = await rig.ask(CompleteTask(visit=1, attempt=1), execution)
    assert answer.code == "EXECUTION_ENDED"


async def test_poison_goes_to_the_dead_letters_and_blocks_nothing(rig: Rig) -> None:
    await rig.start_engine()
    await rig.publish(W3)
    for value in (
        b"not json",
        b"\xff\xfe",
        b'{"id":"1","type":"penstock.nothing.v9","subject":"x","data":{}}',
        b'{"id":"1","type":"penstock.start_execution.v1","subject":"x","data":{"definition":"a\\u0000"}}',
        b"[" * 5000,
    ):
        await rig.send_raw(b"x", value)
    execution = await rig.start("w3")
    await rig.work({"add": add}, rig.ended(execution))
    letters = TopicPartition(dead_letters(COMMANDS), 0)
    async with await rig.log.reader({letters: 0}) as reader:
        found = await reader.read(wait=5.0)
    causes = [dict(record.headers)["cause"].decode().split(":")[0] for record in found]
    assert causes == ["MALFORMED", "MALFORMED", "COMMAND_UNKNOWN", "MALFORMED", "MALFORMED"]
    assert all(b"commands/0/" in dict(record.headers)["origin"] for record in found)


async def test_a_command_under_a_foreign_key_is_misrouted(rig: Rig) -> None:
    await rig.start_engine()
    execution = new_id()
    value = b'{"id":"m1","type":"penstock.pause_execution.v1","subject":"%s","data":{},"replyto":"rig"}'
    await rig.send_raw(b"another", value % execution.encode())
    await rig.until(lambda: "m1" in rig.answers)
    assert rig.answers["m1"].code == "MISROUTED"


@pytest.mark.parametrize("execution_id", ["my-own-id", "01900000-0000-7000-8000-000000000000"])
async def test_a_start_under_an_unfit_id_is_refused(rig: Rig, execution_id: str) -> None:
    await rig.start_engine()
    await rig.publish(W3)
    answer = await rig.ask(StartExecution(definition="w3"), execution_id)
    assert answer.code in {"ID_INVALID", "START_TOO_OLD"}


async def test_an_output_that_is_too_large_fails_its_step_and_nothing_else(rig: Rig) -> None:
    await rig.start_engine()
    await rig.publish(W3)
    execution, other = await rig.start("w3"), await rig.start("w3")
    huge = "x" * (rig.log.max_record - 800)
    outputs = {execution: {"n": huge}, other: {"n": 1}}
    await rig.work({"add": lambda task: outputs[task.execution_id]}, rig.ended(execution, other))
    assert (rig.status(execution), rig.status(other)) == ("failed", "completed")
    failed = next(r.event for r in rig.history(execution) if isinstance(r.event, e.ExecutionFailed))
    assert failed.failure.code == "PAYLOAD_TOO_LARGE"


async def test_a_batch_that_leaves_no_event_still_advances_the_position(rig: Rig) -> None:
    await rig.start_engine()
    await rig.ask(CancelExecution(), new_id())
    advanced = [r for r in rig.events if isinstance(r.event, PositionAdvanced)]
    assert [r.input_position for r in advanced] == [await rig.log.end(TopicPartition(COMMANDS, 0)) - 1]


async def test_two_ownership_records_precede_every_decision(rig: Rig) -> None:
    await rig.start_engine()
    await rig.publish(W3)
    execution = await rig.start("w3")
    await rig.until(lambda: bool(rig.history(execution)))
    marks = [r.event.turn for r in rig.events[:2] if isinstance(r.event, OwnershipTaken)]
    assert marks == [0, 1]


async def test_live_and_replayed_digests_are_equal_with_open_and_ended_executions(log: Log) -> None:
    rig = Rig(log, partitions=2, pace=Pace(checkpoint_events=10))
    await rig.prepare()
    engine = await rig.start_engine()
    await rig.publish(W3)
    await rig.publish(WAITING)
    ended = [await rig.start("w3", n=n) for n in range(4)]
    await rig.work({"add": add}, rig.ended(*ended))
    for n in range(4):
        await rig.start("w3", n=n)
    await rig.stop_engine(engine)
    verdicts = await verify(log)
    assert all(verdict.ok for verdict in verdicts), verdicts
    executions = [verdict for verdict in verdicts if verdict.topic == "events"]
    assert sum(verdict.entities for verdict in executions) == 4
    # where chance put no execution there are the two records of its owner, and nothing to write down
    busy = [verdict for verdict in executions if verdict.events > 2]
    assert busy
    assert all(verdict.marker_digest == verdict.digest for verdict in busy)
    await rig.close()


async def test_what_is_too_much_for_one_transaction_goes_into_several(rig: Rig) -> None:
    branches = [f"b{number}" for number in range(900)]
    steps = {"fork": {"parallel": branches}, **{name: {"wait": "1h"} for name in branches}}
    await rig.publish_with_engine({"id": "wide", "version": "1.0.0", "steps": steps})
    executions = [new_id() for _ in range(12)]
    for execution in executions:
        await rig.send(StartExecution(definition="wide"), execution)
    await rig.start_engine()
    await rig.until(lambda: len(rig.events) > 12 * 902)
    assert all(len(rig.history(execution)) == 902 for execution in executions)
    assert len({recorded.input_position for recorded in rig.events}) > 2
    assert all(verdict.ok for verdict in await verify(rig.log))


async def test_another_number_of_partitions_than_at_the_beginning_is_refused() -> None:
    log = MemoryLog()
    rig = Rig(log)
    await rig.prepare()
    await rig.stop_engine(await rig.start_engine())
    wiring = await Engine(log)._wiring()
    owner = replace(wiring, partitions=2).entity_owner(0, DefinitionsFollower(log))
    with pytest.raises(PartitionsChanged, match="to have 1 partitions, as when it was first used, but it has 2"):
        await owner.run()
