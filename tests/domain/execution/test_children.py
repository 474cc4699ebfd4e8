"""Rules of sub-workflows (docs/semantics.md, 9)."""

from typing import Any

import pytest

from penstock.domain.errors import ErrorCode
from penstock.domain.execution import commands as c
from penstock.domain.execution import events as e
from penstock.domain.execution.effects import SendCommand
from penstock.domain.execution.react import react
from penstock.domain.rejected import RejectionCode
from tests.domain.execution.deliveries import child, children
from tests.domain.execution.story import ID, Story, event, given

CALL = """
steps:
  call: {workflow: other, input: {x: "{{ x }}"}, output: {y: "{{ output.y }}"}, next: z}
  z: {task: t, input: "{{ y }}"}
"""
CHILD = f"{ID}:1"


def sent(story: Story) -> list[tuple[str, Any]]:
    """What the last events tell other executions."""
    effects = [effect for event in story.events for effect in react(ID, event)]
    return [(effect.subject, effect.command) for effect in effects if isinstance(effect, SendCommand)]


def test_a_child_is_started_under_the_name_of_its_visit_and_waited_for() -> None:
    story = given(CALL).started(x=1)
    story.then(event(e.ExecutionStarted), event(e.ChildStarted, step="call", visit=1, child=CHILD, definition="other"))
    start = c.StartExecution(definition="other", input={"x": 1}, initiated_by="parent", depth=1)
    assert sent(story) == [(CHILD, start)]
    assert story.status == "running"
    story.when(child("call", output={"y": 2})).then(
        event(e.ChildCompleted, step="call", child=CHILD, output={"y": 2}, set={"y": 2}),
        event(e.TaskScheduled, step="z", input=2),
    )


def test_without_input_a_child_gets_the_variables_and_without_output_its_result_is_kept() -> None:
    text = 'variables: {a: 1}\nsteps: {call: {workflow: other, next: z}, z: {task: t, input: "{{ steps.call.y }}"}}'
    story = given(text).started(b=2)
    assert sent(story)[0][1].input == {"a": 1, "b": 2}
    story.when(child("call", output={"y": 3}))
    assert story.events[-1].input == 3  # type: ignore[union-attr]


def test_a_version_may_be_a_template_and_is_otherwise_the_latest() -> None:
    story = given('steps: {call: {workflow: other, version: "{{ v }}", input: {}}}').started(v="2.0.0")
    assert sent(story)[0][1].version == "2.0.0"
    assert sent(given(CALL).started(x=1))[0][1].version is None


def test_the_same_answer_of_a_child_again_is_refused() -> None:
    story = given(CALL).started(x=1)
    answer = child("call", output={"y": 2})(story.state)
    story.when(answer).when(answer).then_rejected(RejectionCode.WAIT_NOT_OPEN)


def test_an_answer_of_another_child_is_refused() -> None:
    story = given(CALL).started(x=1)
    story.when(c.CompleteChild(child=f"{ID}:9", outcome="completed")).then_rejected(RejectionCode.WAIT_NOT_OPEN)


def test_a_child_that_fails_fails_its_visit_with_its_failure_and_a_retry_retries_it() -> None:
    story = given(CALL).started(x=1).when(child("call", "failed", code="BROKEN"))
    story.then(event(e.ChildFailed, step="call", child=CHILD), event(e.ExecutionFailed, step="call"))
    assert story.events[1].failure.code == "BROKEN"  # type: ignore[union-attr]
    assert sent(story) == []
    story.when(c.RetryExecution()).then(event(e.ExecutionRetried), event(e.ChildStarted, child=CHILD, again=True))
    assert sent(story) == [(CHILD, c.RetryExecution(by="parent"))]
    assert story.when(child("call", output={"y": 2})).open_tasks() == ["z"]


def test_a_failed_child_that_was_retried_by_itself_may_yet_complete() -> None:
    story = given(CALL).started(x=1).when(child("call", "failed", code="BROKEN"))
    story.when(child("call", output={"y": 2}))
    assert any(isinstance(event, e.ChildCompleted) for event in story.events)
    if story.status == "failed":
        story.when(c.RetryExecution())
    assert story.open_tasks() == ["z"]


def test_a_failure_of_a_child_that_is_caught_terminates_it() -> None:
    story = given(CALL.replace("next: z}", "next: z, catch: [{error: BROKEN, next: z2}]}") + "  z2: {task: t}\n")
    story.started(x=1).when(child("call", "failed", code="BROKEN"))
    story.then(
        event(e.ChildFailed),
        event(e.StepCancelled, step="call", child=CHILD),
        event(e.BoundaryTriggered, cause="BROKEN"),
        event(e.TaskScheduled, step="z2"),
    )
    ((subject, command),) = sent(story)
    assert (subject, type(command)) == (CHILD, c.TerminateExecution)


@pytest.mark.parametrize("outcome", ["cancelled", "terminated"])
def test_a_child_that_was_ended_by_itself_fails_its_visit(outcome: Any) -> None:
    story = given(CALL).started(x=1).when(child("call", outcome))
    story.then(event(e.StepFailed, step="call"), event(e.ExecutionFailed))
    assert story.events[0].failure.code == ErrorCode.CHILD_CANCELLED  # type: ignore[union-attr]


def test_a_visit_whose_child_was_cancelled_starts_another_one_when_it_is_retried() -> None:
    story = given(CALL).started(x=1).when(child("call", "cancelled")).when(c.RetryExecution())
    assert [event.child for event in story.events if isinstance(event, e.ChildStarted)] == children(story.state)


def test_a_child_that_could_not_be_started_fails_its_visit_with_the_reason() -> None:
    story = given(CALL).started(x=1).when(child("call", "refused", code="DEFINITION_UNKNOWN"))
    story.then(event(e.StepFailed, step="call"), event(e.ExecutionFailed))
    assert story.events[0].failure.code == "DEFINITION_UNKNOWN"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("command", "told"),
    [(c.PauseExecution(), c.PauseExecution), (c.CancelExecution(), c.CancelExecution),
     (c.TerminateExecution(), c.TerminateExecution)],
)  # fmt: skip
def test_what_people_do_to_the_parent_reaches_the_child(command: c.ExecutionCommand, told: type) -> None:
    story = given(CALL).started(x=1).when(command)
    assert [(subject, type(each)) for subject, each in sent(story)] == [(CHILD, told)]
    assert all(each.by == "parent" for _, each in sent(story))


def test_pausing_and_resuming_reach_the_child_in_that_order_and_once_each() -> None:
    story = given(CALL).started(x=1).when(c.PauseExecution())
    story.when(c.PauseExecution()).then_nothing()
    story.when(c.ResumeExecution())
    assert [type(each) for _, each in sent(story)] == [c.ResumeExecution]
    story.when(c.ResumeExecution()).then_nothing()


def test_a_child_that_completes_while_its_parent_is_paused_is_recorded() -> None:
    story = given(CALL).started(x=1).when(c.PauseExecution()).when(child("call", output={"y": 2}))
    story.then(event(e.ChildCompleted))
    assert story.when(c.ResumeExecution()).open_tasks() == ["z"]


def test_a_child_that_is_not_waited_for_is_let_go() -> None:
    text = "steps: {call: {workflow: other, input: {}, await: false, next: z}, z: {task: t}}"
    story = given(text).started()
    story.then(event(e.ExecutionStarted), event(e.ChildDetached, step="call"), event(e.TaskScheduled, step="z"))
    ((subject, command),) = sent(story)
    assert isinstance(command, c.StartExecution)
    assert ":" not in subject
    again = given(text).started()
    assert [name for name, _ in sent(again)] == [subject]  # the same cause gives the same id
    for steering in (c.PauseExecution(), c.ResumeExecution(), c.CancelExecution()):
        assert sent(story.when(steering)) == []


def test_calls_within_calls_are_at_most_twenty_deep() -> None:
    deep = c.StartExecution(definition="story", input={"x": 1}, depth=19)
    assert sent(given(CALL).when(deep))[0][1].depth == 20
    story = given(CALL).when(c.StartExecution(definition="story", input={"x": 1}, depth=20))
    assert sent(story) == []
    assert story.events[1].failure.code == ErrorCode.DEPTH_LIMIT  # type: ignore[union-attr]


def test_an_input_that_is_no_object_fails_the_step() -> None:
    story = given('steps: {call: {workflow: other, input: "{{ x }}"}}').started(x=[1])
    assert story.events[1].failure.code == ErrorCode.EXPRESSION_FAILED  # type: ignore[union-attr]


def test_an_output_that_cannot_be_mapped_fails_the_visit() -> None:
    story = given(CALL).started(x=1).when(child("call", output={}))
    story.then(event(e.StepFailed, step="call"), event(e.ExecutionFailed))


def test_a_child_that_is_withdrawn_with_its_step_is_cancelled() -> None:
    text = CALL.replace("next: z}", "next: z, timeout: 5s, catch: [{error: STEP_TIMED_OUT, next: z2}]}")
    story = given(text + "  z2: {task: t}\n").started(x=1).passes(5)
    assert story.open_tasks() == ["z2"]
    assert [(subject, type(each)) for subject, each in sent(story)] == [(CHILD, c.CancelExecution)]


@pytest.mark.parametrize("command", [c.CompleteStep(step="call", output={"y": 5}), c.SkipStep(step="call")])
def test_a_child_whose_step_is_left_by_hand_is_ended(command: c.ExecutionCommand) -> None:
    story = given(CALL.replace('"{{ y }}"', "1")).started(x=1).when(command)
    assert story.open_tasks() == ["z"]
    ((subject, told),) = sent(story)
    assert subject == CHILD
    assert isinstance(told, c.CancelExecution | c.TerminateExecution)


def test_each_copy_has_a_child_of_its_own() -> None:
    story = given('steps: {all: {each: 3, do: {call: {workflow: other, input: {n: "{{ index }}"}}}}}').started()
    assert len(set(children(story.state))) == 3
    assert [command.input for _, command in sent(story)] == [{"n": 0}, {"n": 1}, {"n": 2}]


def test_the_child_of_a_child_adds_to_its_path() -> None:
    parent = f"{ID}:4"
    started = e.ExecutionCompleted(output=1, status="completed")
    (told,) = react(f"{parent}.7", started)
    assert isinstance(told, SendCommand)
    assert told.subject == parent
    assert told.command == c.CompleteChild(child=f"{parent}.7", outcome="completed", output=1)
