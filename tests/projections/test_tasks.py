"""The read model ``tasks``: what each event makes of an attempt."""

from __future__ import annotations

from typing import Any

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


def test_a_withdrawn_timer_is_no_task() -> None:
    assert not tasks.project(recorded(e.StepCancelled(visit=1, step="cool")), HERE)


def test_other_events_change_nothing() -> None:
    others = (started(), e.TimerFired(visit=1, step="cool"), e.ExecutionCompleted(), e.BiteTaken())
    assert not rows_after(*others)
