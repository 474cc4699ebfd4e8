"""Rules of the classes of failures: who gives them, and which catches ask for them (docs/semantics.md, 8)."""

import pytest

from penstock.domain.errors import ErrorCode, Failure, FailureKind, kind_of_failure
from penstock.domain.execution import commands as c
from penstock.domain.execution import events as e
from penstock.domain.execution.react import start_refused
from tests.domain.execution.story import claim, complete, event, fail, given

CLASSES = """
steps:
  pay:
    task: t
    retry: {attempts: 1}
    timeout: 60
    catch:
      - {error: [BANK, CARD], class: [integration, system], set: {why: "{{ error.class }}"}, next: later}
      - {error: any, class: business, set: {why: "{{ error['class'] }}"}, next: ask}
      - {error: any, class: system, set: {why: "{{ error.class }}"}, next: later}
      - {error: OTHER, set: {why: "{{ error.class }}"}, next: note}
  later: {task: t, input: "{{ why }}"}
  ask: {task: t, input: "{{ why }}"}
  note: {task: t, input: "{{ why }}"}
"""
NESTED = """
steps:
  outer:
    do:
      inner:
        task: t
        retry: {attempts: 1}
        catch: [{error: any, class: validation, next: mend}]
      mend: {task: t}
    catch: [{error: any, class: integration, next: give_up}]
  give_up: {task: t}
"""
ENGINE: dict[ErrorCode, FailureKind] = {
    ErrorCode.TASK_TIMED_OUT: "system",
    ErrorCode.TASK_NOT_STARTED: "system",
    ErrorCode.TASK_LOST: "system",
    ErrorCode.STEP_TIMED_OUT: "system",
    ErrorCode.EXECUTION_TIMED_OUT: "system",
    ErrorCode.PAYLOAD_TOO_LARGE: "system",
    ErrorCode.EXPRESSION_FAILED: "workflow",
    ErrorCode.NO_BRANCH_TAKEN: "workflow",
    ErrorCode.JOIN_UNREACHABLE: "workflow",
    ErrorCode.LOOP_LIMIT: "workflow",
    ErrorCode.DEPTH_LIMIT: "workflow",
    ErrorCode.LOCK_UNREACHABLE: "workflow",
    ErrorCode.STEP_CANCELLED: "workflow",
    ErrorCode.CHILD_CANCELLED: "workflow",
    ErrorCode.CHILD_REFUSED: "workflow",
}


@pytest.mark.parametrize("code", ErrorCode)
def test_every_code_of_the_engine_has_its_class_whatever_a_worker_says(code: ErrorCode) -> None:
    assert kind_of_failure(Failure(code=code)) == ENGINE[code]
    assert kind_of_failure(Failure(code=code.value, kind="business")) == ENGINE[code]


def test_a_code_of_a_worker_has_the_class_that_the_worker_says_or_none() -> None:
    assert kind_of_failure(Failure(code="CARD", kind="business")) == "business"
    assert kind_of_failure(Failure(code="CARD")) is None


def test_a_failure_takes_the_catch_of_its_class_whose_set_sees_the_class() -> None:
    given(CLASSES).started().when(fail("pay", "LIMIT", kind="business")).then(
        event(e.TaskFailed, step="pay", failure=Failure(code="LIMIT", message="it broke", kind="business")),
        event(e.BoundaryTriggered, step="pay", cause="LIMIT", set={"why": "business"}, taken=("pay->ask",)),
        event(e.TaskScheduled, step="ask", input="business"),
    )


def test_both_the_code_and_the_class_have_to_fit() -> None:
    assert given(CLASSES).started().when(fail("pay", "BANK", kind="integration")).open_tasks() == ["later"]
    assert given(CLASSES).started().when(fail("pay", "CARD", kind="business")).open_tasks() == ["ask"]
    assert given(CLASSES).started().when(fail("pay", "POST", kind="integration")).status == "failed"


def test_a_failure_without_a_class_fits_no_catch_that_asks_for_one() -> None:
    assert given(CLASSES).started().when(fail("pay", "BANK")).status == "failed"


def test_a_catch_without_a_class_takes_any_and_its_set_sees_null_where_there_is_none() -> None:
    for kind in ("validation", None):
        story = given(CLASSES).started().when(fail("pay", "OTHER", kind=kind))
        story.then(
            event(e.TaskFailed),
            event(e.BoundaryTriggered, set={"why": kind}),
            event(e.TaskScheduled, step="note", input=kind),
        )


def test_a_time_out_is_a_failure_of_the_system() -> None:
    given(CLASSES).started().when(claim("pay")).passes(60).then(
        event(e.TaskFailed, step="pay"),
        event(e.BoundaryTriggered, cause=ErrorCode.TASK_TIMED_OUT, set={"why": "system"}),
        event(e.TaskScheduled, step="later", input="system"),
    )


def test_an_expression_that_fails_is_a_failure_of_the_workflow() -> None:
    text = """
    steps:
      x: {task: t, output: {y: "{{ output.nothing }}"}, catch: [{error: any, class: workflow, next: mend}]}
      mend: {task: t}
    """
    assert given(text).started().when(complete("x", {})).open_tasks() == ["mend"]


def test_an_error_goes_outwards_to_the_nearest_composite_that_catches_its_class() -> None:
    assert given(NESTED).started().when(fail("inner", kind="validation")).open_tasks() == ["mend"]
    assert given(NESTED).started().when(fail("inner", kind="integration")).open_tasks() == ["give_up"]
    assert given(NESTED).started().when(fail("inner", kind="system")).status == "failed"


def test_the_class_does_not_change_how_often_a_task_is_tried() -> None:
    story = given(CLASSES.replace("attempts: 1", "attempts: 2")).started()
    story.when(fail("pay", "LIMIT", kind="business")).then(event(e.TaskFailed, step="pay"))
    story.passes(1).then(event(e.TaskScheduled, step="pay", attempt=2))


CALL = """
steps:
  call: {workflow: other, catch: [{error: any, class: %s, next: mend}]}
  mend: {task: t}
"""


def test_the_failure_of_a_sub_workflow_keeps_its_class() -> None:
    failure = Failure(code="LIMIT", kind="business")
    story = given(CALL % "business").started()
    child = next(event.child for event in story.events if isinstance(event, e.ChildStarted))
    assert story.when(c.CompleteChild(child=child, outcome="failed", failure=failure)).open_tasks() == ["mend"]


def test_a_sub_workflow_that_cannot_be_started_is_a_failure_of_the_workflow() -> None:
    story = given(CALL % "workflow").started()
    child = next(event.child for event in story.events if isinstance(event, e.ChildStarted))
    (told,) = start_refused(child, "DEFINITION_NOT_FOUND")
    assert story.when(told.command).open_tasks() == ["mend"]  # type: ignore[union-attr, arg-type]
