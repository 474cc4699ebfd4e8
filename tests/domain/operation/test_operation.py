from __future__ import annotations

from typing import Any

import pytest

from penstock.domain.execution import commands as x
from penstock.domain.operation import commands as c
from penstock.domain.operation import events as e
from penstock.domain.operation.decide import decide
from penstock.domain.operation.evolve import evolve
from penstock.domain.operation.react import react
from penstock.domain.operation.state import BITE, MAX_WAITING, NEVER, due_at
from penstock.domain.rejected import RejectionCode
from penstock.domain.starts import ReportOutcome, reported
from penstock.domain.subjects import operation_of
from tests.domain.shared_story import Story

SUBJECT = operation_of("o-1")


def given() -> Story:
    return Story(
        decide=lambda state, command, now: decide(state, command, SUBJECT),
        evolve=evolve,
        react=lambda event: react(SUBJECT, event),
        due_at=due_at,
        nothing=NEVER,
    )


def names(number: int, start: int = 0) -> tuple[str, ...]:
    return tuple(f"x{n}" for n in range(start, start + number))


def begin(targets: tuple[str, ...], action: Any = "pause", **more: Any) -> c.StartOperation:
    return c.StartOperation(action=action, targets=targets, expected=("running",), by="ann", **more)


def took(target: str) -> ReportOutcome:
    return ReportOutcome(execution=target)


def refused(target: str, code: str = "EXECUTION_ENDED") -> ReportOutcome:
    return ReportOutcome(execution=target, code=code)


def test_everybody_gets_the_command_guarded_by_the_expected_status() -> None:
    story = given().when(begin(("a", "b"), arguments={"reason": "stock-taking"}))
    started = e.OperationStarted(
        action="pause",
        arguments={"reason": "stock-taking"},
        targets=("a", "b"),
        total=2,
        expected=("running",),
        by="ann",
    )
    story.then(started).then_sends()
    assert due_at(story.state) is not None
    story.again(begin(("c",)))
    pause = x.PauseExecution(reason="stock-taking", by=SUBJECT, expected=("running",))
    story.passes(0).then_sends(("a", pause), ("b", pause))
    assert due_at(story.state) is None
    story.passes(0).then()


def test_it_is_complete_when_everybody_has_answered() -> None:
    story = given().when(begin(("a", "b"))).passes(0)
    story.when(took("a")).then(e.TargetAccepted(execution="a", accepted=1))
    story.again(took("a"))
    story.when(refused("b")).then(
        e.TargetRefused(execution="b", code="EXECUTION_ENDED", refused=1),
        e.OperationCompleted(accepted=1, refused=1),
    )
    story.again(refused("b"))
    story.again(begin(("a", "b")))


def test_nobody_to_ask_is_complete_at_once() -> None:
    story = given().when(begin(()))
    assert [type(event) for event in story.events] == [e.OperationStarted, e.OperationCompleted]


def test_targets_are_asked_in_bounded_bites_and_answers_make_room() -> None:
    story = given().when(begin(names(MAX_WAITING + 50)))
    bites = 0
    while due_at(story.state) is not None:
        story.passes(0)
        (advanced,) = story.events
        assert len(advanced.targets) == BITE
        bites += 1
    assert bites * BITE == MAX_WAITING
    for target in names(BITE):
        story.when(took(target))
    story.passes(0)
    assert story.events[0].targets == names(50, MAX_WAITING)
    assert story.events[0].sent == MAX_WAITING + 50


def test_large_arguments_make_smaller_bites() -> None:
    story = given().when(begin(names(50), "set_variables", arguments={"values": {"text": "x" * 200_000}})).passes(0)
    assert len(story.events[0].targets) == 5


def test_more_targets_follow_and_it_waits_for_all_of_them() -> None:
    story = given().when(begin(("a",), total=3)).passes(0).when(took("a"))
    assert len(story.events) == 1
    story.when(c.AddTargets(start=1, targets=("b", "c"))).then(e.TargetsAdded(targets=("b", "c")))
    story.again(c.AddTargets(start=1, targets=("b", "c")))
    story.passes(0).when(took("b")).when(took("c"))
    assert story.events[-1] == e.OperationCompleted(accepted=3)


def test_targets_with_a_gap_or_beyond_the_total_are_refused() -> None:
    story = given().when(begin(("a",), total=3))
    story.when(c.AddTargets(start=2, targets=("b",))).then_rejected(RejectionCode.INPUT_INVALID)
    story.when(c.AddTargets(start=1, targets=("b", "c", "d"))).then_rejected(RejectionCode.INPUT_INVALID)


def test_a_pause_asks_nobody_and_still_counts() -> None:
    story = given().when(begin(names(150))).passes(0).when(c.PauseOperation(by="bob"))
    story.then(e.OperationPaused(by="bob")).again(c.PauseOperation())
    assert due_at(story.state) is None
    story.passes(0).then()
    story.when(took("x0")).then(e.TargetAccepted(execution="x0", accepted=1))
    story.when(c.ResumeOperation(by="bob")).then(e.OperationResumed(by="bob")).again(c.ResumeOperation())
    story.passes(0)
    assert story.events[0].sent == 150


def test_a_cancelled_operation_asks_nobody_more() -> None:
    story = given().when(begin(names(150))).passes(0).when(c.CancelOperation(reason="too many", by="bob"))
    story.then(e.OperationCancelled(skipped=50, reason="too many", by="bob")).again(c.CancelOperation())
    story.passes(0).then()
    for target in names(100):
        story.when(took(target))
    assert story.events == (e.TargetAccepted(execution="x99", accepted=100),)
    story.when(c.PauseOperation()).then_rejected(RejectionCode.INVALID_STATE_TRANSITION)
    story.again(c.AddTargets(start=0, targets=("b",)))


def test_an_operation_that_never_was_is_unknown() -> None:
    for command in (c.PauseOperation(), c.CancelOperation(), c.AddTargets(start=0, targets=())):
        given().when(command).then_rejected(RejectionCode.OPERATION_UNKNOWN)
    given().when(took("a")).then()


@pytest.mark.parametrize(
    ("action", "arguments", "command"),
    [
        ("resume", {}, x.ResumeExecution()),
        ("cancel", {"reason": "r"}, x.CancelExecution(reason="r")),
        ("terminate", {"reason": "r"}, x.TerminateExecution(reason="r")),
        ("retry", {}, x.RetryExecution()),
        ("migrate", {"version": "2.0.0"}, x.MigrateExecution(version="2.0.0")),
        ("cancel_step", {"step": "a"}, x.CancelStep(step="a")),
        ("complete_step", {"step": "a", "output": 1}, x.CompleteStep(step="a", output=1)),
        ("skip_step", {"step": "a"}, x.SkipStep(step="a")),
        ("rerun_step", {"step": "a"}, x.RerunStep(step="a")),
        ("set_variables", {"values": {"n": 1}}, x.SetVariables(values={"n": 1})),
    ],
)
def test_every_action_is_a_command_that_people_can_give(action: str, arguments: dict[str, Any], command: Any) -> None:
    story = given().when(begin(("a",), action, arguments=arguments)).passes(0)
    ((_, sent),) = [(effect.subject, effect.command) for event in story.events for effect in story.react(event)]
    assert type(sent) is type(command)
    mine = {"by", "expected"}
    fields = [name for name in command.__struct_fields__ if name not in mine]
    assert [getattr(sent, name) for name in fields] == [getattr(command, name) for name in fields]


@pytest.mark.parametrize(
    "wrong",
    [
        {"action": "migrate"},
        {"action": "pause", "arguments": {"colour": 1}},
        {"action": "pause", "arguments": {"by": "somebody"}},
        {"action": "pause", "arguments": {"reason": 5}},
        {"action": "pause", "targets": ("a", "a")},
        {"action": "pause", "targets": ("mailbox/paid/k",)},
        {"action": "pause", "total": 0},
        {"action": "pause", "total": c.MAX_TARGETS + 1},
    ],
)
def test_what_nobody_can_do_is_refused(wrong: dict[str, Any]) -> None:
    given().when(begin(**{"targets": ("a",), **wrong})).then_rejected(RejectionCode.INPUT_INVALID)


def test_an_operation_hears_of_its_own_commands_only() -> None:
    mine, anns = x.PauseExecution(by=SUBJECT), x.PauseExecution(by="ann")
    (owed,) = reported("a", mine)
    assert (owed.subject, owed.command) == (SUBJECT, took("a"))
    (owed,) = reported("a", mine, "EXECUTION_ENDED")
    assert owed.command == refused("a")
    assert reported("a", anns) == reported("a", anns, "EXECUTION_ENDED") == ()
