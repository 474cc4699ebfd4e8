"""The read model ``tasks``: what each event makes of an attempt."""

from __future__ import annotations

from typing import Any

from penstock.domain.errors import Failure
from penstock.domain.execution import events as e
from penstock.messages.registry import Event
from penstock.projections import tasks
from penstock.projections.read_model import Place
from penstock.tables.changes import Folded, Key
from tests.projections.story import at, broken, done, recorded, scheduled, started

HERE = Place(0, 0)


def rows_after(*events: Event) -> dict[Key, dict[str, Any]]:
    folded = Folded()
    for sequence, event in enumerate(events, 1):
        folded.add(tasks.project(recorded(event, sequence), HERE))
    return folded.rows


def row_after(*events: Event) -> dict[str, Any]:
    (row,) = rows_after(*events).values()
    return row


def test_a_scheduled_attempt_is_a_row_of_its_own() -> None:
    assert rows_after(scheduled(3, "pack", 2, queue="gpu", input={"n": 1})) == {
        ("x1", 3, 2): {
            "execution_id": "x1",
            "visit": 3,
            "attempt": 2,
            "id": "x1/pack/3/2",
            "step": "pack",
            "task": "do-pack",
            "queue": "gpu",
            "status": "scheduled",
            "input": {"n": 1},
            "undoes": None,
            "added_by": None,
            "scheduled_at": at(1),
            "sequence": 1,
        }
    }


def test_a_claimed_attempt_names_its_worker() -> None:
    row = row_after(scheduled(1), e.TaskClaimed(visit=1, attempt=1, worker="w-1", token="t", expires_at=at(30)))
    assert (row["status"], row["worker"], row["claimed_at"], row["expires_at"]) == ("claimed", "w-1", at(2), at(30))


def test_a_completed_attempt_has_output_and_end() -> None:
    row = row_after(scheduled(1), done(1, output={"ok": 1}))
    assert (row["status"], row["output"], row["worker"], row["ended_at"]) == ("completed", {"ok": 1}, "w-7", at(2))


def test_the_worker_of_the_claim_stays_where_the_end_names_none() -> None:
    claimed = e.TaskClaimed(visit=1, attempt=1, worker="w-1", token="t")
    row = row_after(scheduled(1), claimed, e.TaskCompleted(visit=1, step="charge", attempt=1))
    assert row["worker"] == "w-1"


def test_a_failed_attempt_says_when_the_next_one_begins() -> None:
    row = row_after(scheduled(1), broken(1, retry_at=at(9)))
    assert (row["status"], row["failure"].code, row["retry_at"], row["ended_at"]) == ("failed", "CARD", at(9), at(2))


def test_the_next_attempt_is_another_row() -> None:
    rows = rows_after(scheduled(1), broken(1, retry_at=at(9)), scheduled(1, attempt=2), done(1, attempt=2))
    assert {key[2]: row["status"] for key, row in rows.items()} == {1: "failed", 2: "completed"}


def test_a_withdrawn_attempt_is_cancelled() -> None:
    row = row_after(scheduled(1), e.StepCancelled(visit=1, step="charge", attempt=1))
    assert (row["status"], row["ended_at"]) == ("cancelled", at(2))


def test_an_attempt_whose_step_was_failed_as_a_whole_is_cancelled_and_says_why() -> None:
    failure = Failure(code="STEP_CANCELLED")
    row = row_after(scheduled(1), e.StepFailed(visit=1, step="charge", attempt=1, failure=failure, by="ann"))
    assert (row["status"], row["failure"].code, row["ended_at"]) == ("cancelled", "STEP_CANCELLED", at(2))


def test_a_step_that_could_not_be_entered_is_no_task() -> None:
    assert not rows_after(e.StepFailed(visit=1, step="charge", failure=Failure(code="EXPRESSION_FAILED")))


def test_a_task_that_was_completed_by_hand_names_who_did_it_and_waits_for_no_attempt() -> None:
    by_hand = e.TaskCompleted(visit=1, step="charge", attempt=1, output=7, by="ann")
    row = row_after(scheduled(1), broken(1, retry_at=at(9)), by_hand)
    assert (row["status"], row["output"], row["worker"], row["retry_at"]) == ("completed", 7, "ann", None)


def test_a_task_says_what_it_undoes_or_who_added_it() -> None:
    assert row_after(scheduled(2, undoes=1))["undoes"] == 1
    assert row_after(scheduled(2, adhoc="ann"))["added_by"] == "ann"


def test_a_withdrawn_timer_is_no_task() -> None:
    assert not tasks.project(recorded(e.StepCancelled(visit=1, step="cool")), HERE)


def test_other_events_change_nothing() -> None:
    others = (started(), e.TimerFired(visit=1, step="cool"), e.ExecutionCompleted(), e.BiteTaken())
    assert not rows_after(*others)
