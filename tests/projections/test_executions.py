"""The read model ``executions``: what each event makes of the row."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from penstock.domain.errors import Failure
from penstock.domain.execution import events as e
from penstock.domain.partition import OwnershipTaken, PositionAdvanced
from penstock.messages.registry import Event
from penstock.projections import executions
from penstock.projections.read_model import Place
from penstock.tables.changes import Folded
from tests.projections.story import at, broken, done, published, recorded, scheduled, started

HERE = Place(partition=2, position=70)


def row_after(*events: Event, subject: str = "x1") -> dict[str, Any]:
    folded = Folded()
    for sequence, event in enumerate(events, 1):
        folded.add(executions.project(recorded(event, sequence, subject), HERE))
    (row,) = folded.rows.values()
    return row


def failed(purge_at: datetime | None = None) -> e.ExecutionFailed:
    failure = Failure(code="CARD", message="no money")
    return e.ExecutionFailed(failure=failure, purge_at=purge_at or at(1000), status="failed")


def test_a_started_execution_has_all_that_it_was_started_with() -> None:
    row = row_after(started("order", business_key="o-1", tags=("eu",), initiated_by="ann", priority="high"))
    assert row == {
        "id": "x1",
        "root_id": "x1",
        "definition": "order",
        "version": "1.0.0",
        "digest": "d",
        "status": "running",
        "business_key": "o-1",
        "tags": ("eu",),
        "priority": "high",
        "initiated_by": "ann",
        "input": {"amount": 5},
        "started_at": at(1),
        "updated_at": at(1),
        "deadline": None,
        "sequence": 1,
        "partition": 2,
        "correlation_id": "k1",
    }


def test_the_root_of_a_child_is_the_part_before_the_colon() -> None:
    assert row_after(started(), subject="x1:2.7")["root_id"] == "x1"


def test_the_status_is_the_last_one_that_an_event_carried() -> None:
    waiting = e.TimerStarted(visit=1, step="cool", due_at=at(60), status="waiting")
    assert row_after(started(), waiting)["status"] == "waiting"
    assert row_after(started(), waiting, scheduled(2))["status"] == "waiting"
    assert row_after(started(), waiting, e.TimerFired(visit=1, step="cool", status="running"))["status"] == "running"


def test_every_event_moves_the_time_and_the_sequence() -> None:
    for event in (scheduled(1), done(1), broken(1), e.BiteTaken(), e.StepCancelled(visit=1, step="charge")):
        row = row_after(started(), event)
        assert (row["updated_at"], row["sequence"]) == (at(2), 2)


def test_the_last_step_is_the_one_entered_last() -> None:
    assert row_after(started(), scheduled(1, "charge"), scheduled(2, "pack"), done(1))["last_step"] == "pack"


def test_a_completed_execution_has_output_and_end() -> None:
    row = row_after(started(), e.ExecutionCompleted(output={"ok": True}, status="completed"))
    assert (row["status"], row["output"], row["ended_at"]) == ("completed", {"ok": True}, at(2))


def test_cancelled_and_terminated_ones_have_end_and_reason() -> None:
    for event, status in (
        (e.ExecutionCancelled(reason="no stock"), "cancelled"),
        (e.ExecutionTerminated(reason="no stock"), "terminated"),
    ):
        row = row_after(started(), event)
        assert (row["status"], row["reason"], row["ended_at"]) == (status, "no stock", at(2))


def test_a_failed_execution_shows_its_failure_and_has_not_ended() -> None:
    row = row_after(started(), failed())
    assert (row["status"], row["failure"].code) == ("failed", "CARD")
    assert "ended_at" not in row


def test_a_retried_execution_has_no_failure_any_more() -> None:
    row = row_after(started(), failed(), e.ExecutionRetried(visits=(1,), deadline=at(90), status="running"))
    assert (row["status"], row["failure"], row["deadline"]) == ("running", None, at(90))


def test_a_pause_shows_its_reason_until_the_execution_goes_on() -> None:
    paused = e.ExecutionPaused(reason="audit", status="paused")
    assert row_after(started(), paused)["reason"] == "audit"
    assert row_after(started(), paused, e.ExecutionResumed(status="running"))["reason"] is None


def test_every_event_that_carries_a_status_changes_it() -> None:
    received = e.MessageReceived(visit=1, step="pay", option=0, message="m", status="running")
    waiting = e.ListeningStarted(visit=1, step="pay", status="waiting")
    assert row_after(started(), waiting)["status"] == "waiting"
    assert row_after(started(), waiting, received)["status"] == "running"


def test_what_enters_a_step_names_it_whatever_kind_it_is() -> None:
    entering: Sequence[Event] = (
        e.ListeningStarted(visit=1, step="s"),
        e.BlockStarted(visit=1, step="s"),
        e.EachStarted(visit=1, step="s"),
        e.ChildStarted(visit=1, step="s", child="x1:1", definition="d"),
        e.MessageSent(visit=1, step="s", name="n", key="k"),
        e.LockRequested(visit=1, step="s", lock="l"),
    )
    assert [row_after(started(), event)["last_step"] for event in entering] == ["s"] * len(entering)
    undoing = e.CompensationStarted(visit=2, step="")
    assert row_after(started(), scheduled(1, "charge"), undoing)["last_step"] == "charge"


def test_a_step_that_is_run_again_mends_a_failed_execution() -> None:
    row = row_after(started(), failed(), e.StepRerun(step="charge", status="running", deadline=at(90)))
    assert (row["status"], row["failure"], row["deadline"]) == ("running", None, at(90))


def test_a_migrated_execution_is_one_of_the_other_version() -> None:
    row = row_after(started(), e.ExecutionMigrated(version="2.0.0", digest="d2", by="ann"))
    assert (row["version"], row["digest"]) == ("2.0.0", "d2")


def test_events_of_partitions_and_of_the_catalog_change_nothing() -> None:
    others: Sequence[Event] = (OwnershipTaken(owner="e", epoch=1, turn=0), PositionAdvanced(), published())
    assert not [change for event in others for change in executions.project(recorded(event), HERE)]
