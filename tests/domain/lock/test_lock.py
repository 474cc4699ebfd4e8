from __future__ import annotations

from penstock.domain.execution.commands import GrantLock
from penstock.domain.lock.commands import AcquireLock, ReleaseLock
from penstock.domain.lock.decide import decide
from penstock.domain.lock.events import LockAwarded, LockQueued, LockReleased, LockUnqueued
from penstock.domain.lock.evolve import evolve
from penstock.domain.lock.react import react
from penstock.domain.lock.state import FREE, Lock, due_at
from penstock.domain.subjects import lock_of
from tests.domain.shared_story import Story

SUBJECT = lock_of("press")


def given() -> Story:
    return Story(
        decide=lambda state, command, now: decide(state, command),
        evolve=evolve,
        react=lambda event: react(SUBJECT, event),
        due_at=due_at,
        nothing=FREE,
    )


def acquire(execution: str = "x", visit: int = 1) -> AcquireLock:
    return AcquireLock(execution=execution, visit=visit)


def release(execution: str = "x", visit: int = 1) -> ReleaseLock:
    return ReleaseLock(execution=execution, visit=visit)


def test_a_free_lock_is_awarded_at_once() -> None:
    story = given().when(acquire()).then(LockAwarded(execution="x", visit=1, fence=1))
    story.then_sends(("x", GrantLock(visit=1, lock="press", fence=1)))
    story.again(acquire())


def test_who_comes_while_it_is_held_stands_in_line() -> None:
    story = given().when(acquire("x")).when(acquire("y")).then(LockQueued(execution="y", visit=1)).then_sends()
    story.again(acquire("y"))


def test_the_first_in_line_is_the_next() -> None:
    story = given().when(acquire("x")).when(acquire("y")).when(acquire("z"))
    story.when(release("x")).then(LockReleased(execution="x", visit=1), LockAwarded(execution="y", visit=1, fence=2))
    story.then_sends(("y", GrantLock(visit=1, lock="press", fence=2)))
    story.when(release("y")).then_sends(("z", GrantLock(visit=1, lock="press", fence=3)))


def test_releasing_twice_takes_it_from_nobody() -> None:
    story = given().when(acquire("x")).when(acquire("y")).when(release("x"))
    story.again(release("x"))
    assert story.state.holder is not None
    assert story.state.holder.execution == "y"


def test_who_waits_may_leave_the_line() -> None:
    story = given().when(acquire("x")).when(acquire("y")).when(acquire("z"))
    story.when(release("y")).then(LockUnqueued(execution="y", visit=1)).then_sends()
    story.again(release("y"))
    story.when(release("x")).then_sends(("z", GrantLock(visit=1, lock="press", fence=2)))


def test_a_release_by_others_is_no_matter() -> None:
    given().when(release()).then()
    given().when(acquire("x", 1)).when(release("x", 2)).then()


def test_visits_of_one_execution_are_told_apart() -> None:
    story = given().when(acquire("x", 1)).when(acquire("x", 2)).then(LockQueued(execution="x", visit=2))
    story.when(release("x", 1)).then_sends(("x", GrantLock(visit=2, lock="press", fence=2)))


def test_the_fence_rises_for_ever_also_after_the_lock_was_free() -> None:
    story = given()
    for number in range(1, 5):
        story.when(acquire("x", number)).then(LockAwarded(execution="x", visit=number, fence=number))
        story.when(release("x", number)).then(LockReleased(execution="x", visit=number))
    assert story.state == Lock(fence=4)


def test_the_clock_has_nothing_to_do_with_a_lock() -> None:
    story = given().when(acquire())
    assert due_at(story.state) is None
    story.passes(10_000_000).then()
