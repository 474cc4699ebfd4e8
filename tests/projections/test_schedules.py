"""The rows of schedules and operations, as events make them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from penstock.domain.operation import events as o
from penstock.domain.schedule import events as e
from penstock.domain.schedule.plan import Plan
from penstock.domain.starts import StartRefused
from penstock.domain.subjects import mailbox_of, operation_of, schedule_of
from penstock.messages.registry import Event
from penstock.projections import operation_refusals, operations, schedules
from penstock.projections.read_model import Place
from penstock.tables.changes import Change, Folded
from tests.projections.story import BEGIN, recorded

HOUR = timedelta(hours=1)
PLAN = Plan(definition="report", cron="0 3 * * *", input={"day": "{{ due }}"})
NIGHTLY, BULK = schedule_of("nightly"), operation_of("o-1")


def rows(project: Callable[..., Sequence[Change]], subject: str, *events: Event) -> dict[tuple[Any, ...], Any]:
    folded = Folded()
    for sequence, event in enumerate(events, 1):
        folded.add(project(recorded(event, sequence, subject), Place(0, sequence)))
    assert not folded.patches
    return folded.rows


def schedule(*events: Event) -> dict[str, Any]:
    made = e.ScheduleCreated(plan=PLAN, next_due_at=BEGIN + HOUR, by="ann")
    (row,) = rows(schedules.project, NIGHTLY, made, *events).values()
    assert set(row) <= {column.name for column in schedules.TABLE.columns}
    found: dict[str, Any] = row
    return found


def fired(number: int = 1, missed: int = 0) -> e.ScheduleFired:
    return e.ScheduleFired(
        due_at=BEGIN + HOUR,
        next_due_at=BEGIN + 2 * HOUR,
        number=number,
        execution="x1",
        definition="report",
        missed=missed,
    )


def test_a_schedule_shows_what_it_starts_and_when() -> None:
    row = schedule()
    assert (row["id"], row["status"], row["definition"], row["cron"]) == ("nightly", "active", "report", "0 3 * * *")
    assert (row["next_due_at"], row["fired"], row["updated_by"]) == (BEGIN + HOUR, 0, "ann")


def test_a_tick_shows_what_it_started_and_what_was_missed() -> None:
    row = schedule(fired(3, missed=2))
    assert (row["last_execution"], row["fired"], row["last_problem"]) == ("x1", 3, "2 missed")
    assert row["next_due_at"] == BEGIN + 2 * HOUR
    assert schedule(fired(1, missed=2), fired(2))["last_problem"] is None


def test_problems_stand_with_the_schedule() -> None:
    times = {"due_at": BEGIN, "next_due_at": BEGIN + HOUR}
    assert schedule(e.TicksMissed(missed=5, **times))["last_problem"] == "5 missed"
    assert schedule(e.TickFailed(code="INPUT_INVALID", message="no", **times))["last_problem"] == "INPUT_INVALID: no"
    refused = StartRefused(execution="x1", code="DEFINITION_UNKNOWN")
    assert schedule(fired(), refused)["last_problem"] == "DEFINITION_UNKNOWN: x1 was not started"
    assert schedules.project(recorded(refused, 2, mailbox_of("paid", "k")), Place(0, 0)) == ()


def test_a_pause_a_change_and_the_end_show() -> None:
    assert schedule(e.SchedulePaused(by="bob"))["status"] == "paused"
    resumed = schedule(e.SchedulePaused(), e.ScheduleResumed(next_due_at=BEGIN, missed=1))
    assert (resumed["status"], resumed["last_problem"]) == ("active", "1 missed")
    changed = schedule(e.ScheduleChanged(plan=Plan(definition="other", every=5.0), next_due_at=BEGIN))
    assert (changed["definition"], changed["cron"], changed["every"], changed["input"]) == ("other", None, 5.0, None)
    deleted = schedule(e.ScheduleDeleted(by="bob"))
    assert (deleted["status"], deleted["next_due_at"], deleted["updated_by"]) == ("deleted", None, "bob")


STARTED = o.OperationStarted(action="pause", targets=("a", "b"), total=2, expected=("running",), by="ann")
ADVANCED = o.OperationAdvanced(sent=2, targets=("a", "b"), action="pause")


def test_an_operation_shows_how_far_it_is() -> None:
    (row,) = rows(operations.project, BULK, STARTED, ADVANCED, o.TargetAccepted(execution="a", accepted=1)).values()
    assert (row["id"], row["status"], row["total"], row["sent"], row["accepted"]) == ("o-1", "running", 2, 2, 1)
    assert set(row) <= {column.name for column in operations.TABLE.columns}
    refused = o.TargetRefused(execution="b", code="EXECUTION_ENDED", refused=1)
    (row,) = rows(operations.project, BULK, STARTED, ADVANCED, refused, o.OperationCompleted(refused=1)).values()
    assert (row["refused"], row["status"]) == (1, "completed")
    assert row["ended_at"] is not None
    (row,) = rows(operations.project, BULK, STARTED, o.OperationPaused()).values()
    assert row["status"] == "paused"
    (row,) = rows(operations.project, BULK, STARTED, o.OperationPaused(), o.OperationResumed()).values()
    assert row["status"] == "running"
    (row,) = rows(operations.project, BULK, STARTED, o.OperationCancelled(skipped=2, reason="r")).values()
    assert (row["status"], row["skipped"], row["reason"]) == ("cancelled", 2, "r")


def test_each_refusal_has_a_row() -> None:
    refused = o.TargetRefused(execution="b", code="EXECUTION_ENDED", refused=1)
    found = rows(operation_refusals.project, BULK, STARTED, ADVANCED, refused)
    assert {key: row["code"] for key, row in found.items()} == {("o-1", "b"): "EXECUTION_ENDED"}
