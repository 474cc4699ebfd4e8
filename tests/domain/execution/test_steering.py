"""What people can do to single steps, variables, tasks and versions (``docs/semantics.md`` §13)."""

from typing import Any, Final

import pytest
from msgspec.structs import replace

from penstock.domain.definition.compile import compile_definition, digest_of
from penstock.domain.definition.model import Definition
from penstock.domain.definition.read import read_definition
from penstock.domain.errors import ErrorCode
from penstock.domain.execution import commands as c
from penstock.domain.execution import events as e
from penstock.domain.execution.evolve import fold
from penstock.domain.execution.state import Ended, Execution
from penstock.domain.execution.turn import turn
from penstock.domain.rejected import Rejected, RejectionCode
from tests.domain.execution.story import ID, Story, complete, event, fail, given

TWO: Final = "steps: {a: {task: t, retry: {attempts: 1}, next: b}, b: {task: t, input: {got: '{{ steps.a? }}'}}}"
CAUGHT: Final = """
steps:
  a: {task: t, catch: [{error: STEP_CANCELLED, set: {why: "{{ error.message }}"}, next: c}], next: b}
  b: {task: t}
  c: {task: t}
"""
BODY: Final = """
steps:
  fork: {parallel: [block, o]}
  block:
    start: [a, b]
    do:
      a: {task: t, next: j}
      b: {task: t, next: j}
      j: {task: t, join: all}
    next: after
  o: {task: t, retry: {attempts: 1}}
  after: {task: t}
"""


def output_of(story: Story) -> Any:
    assert isinstance(story.state, Ended)
    return story.state.output


def variables(story: Story) -> dict[str, Any]:
    assert isinstance(story.state, Execution)
    return story.state.variables


def inputs(story: Story, step: str) -> list[Any]:
    return [event.input for event, _ in story.history if isinstance(event, e.TaskScheduled) and event.step == step]


# pause, resume, cancel


def test_timers_that_fell_due_while_paused_fire_at_once_after_the_resume_in_their_order_each_once() -> None:
    text = "start: [a, b, c]\nsteps: {a: {wait: 3s}, b: {wait: 1s}, c: {wait: 2s}}"
    story = given(text).started().when(c.PauseExecution()).passes(10).then_nothing()
    story.when(c.ResumeExecution()).passes(0)
    fired = [event.step for event, _ in story.history if isinstance(event, e.TimerFired)]
    assert (fired, story.status) == (["b", "c", "a"], "completed")


def test_the_next_attempt_waits_while_paused_and_does_not_count() -> None:
    story = given("steps: {a: {task: t, retry: {attempts: 2, backoff: 1s}}}").started().when(fail("a"))
    story.when(c.PauseExecution()).passes(60).then_nothing()
    story.when(c.ResumeExecution()).passes(0).then(event(e.TaskScheduled, attempt=2))


def test_the_executions_that_it_waits_for_are_paused_resumed_and_cancelled_with_it() -> None:
    story = given("start: [a, b]\nsteps: {a: {workflow: other}, b: {workflow: other, await: false}}").started()
    children = (f"{ID}:1",)
    story.when(c.PauseExecution()).then(event(e.ExecutionPaused, children=children))
    story.when(c.ResumeExecution()).then(event(e.ExecutionResumed, children=children))
    story.when(c.CancelExecution()).then(
        event(e.StepCancelled, step="a", child=children[0], force=False), event(e.ExecutionCancelled)
    )


def test_a_paused_execution_can_be_cancelled() -> None:
    story = given(BODY).started().when(complete("a")).when(c.PauseExecution()).when(c.CancelExecution())
    story.then(
        event(e.StepCancelled, step="b"),
        event(e.StepCancelled, step="o"),
        event(e.StepCancelled, step="block"),
        event(e.ExecutionCancelled),
    )


# cancel step


def test_cancel_step_fails_the_step_by_name_and_its_catch_takes_it() -> None:
    story = given(CAUGHT).started()
    late = complete("a")(story.state)
    story.when(c.CancelStep(step="a", by="ann", reason="too late")).then(
        event(e.StepFailed, step="a", attempt=1, by="ann"),
        event(e.BoundaryTriggered, cause="STEP_CANCELLED", set={"why": "too late"}),
        event(e.TaskScheduled, step="c"),
    )
    story.when(late).then_rejected(RejectionCode.TASK_NOT_OPEN)
    story.when(c.CancelStep(step="a")).then_rejected(RejectionCode.STEP_NOT_OPEN)


def test_cancel_step_that_nobody_catches_parks_the_execution_and_a_retry_enters_the_step_again() -> None:
    story = given(TWO).started().when(c.CancelStep(step="a", by="ann"))
    late = c.CompleteTask(visit=1, attempt=1)
    story.then(event(e.StepFailed, attempt=1), event(e.ExecutionFailed, step="a"))
    failed = story.events[-1]
    assert isinstance(failed, e.ExecutionFailed)
    assert (failed.failure.code, failed.failure.message) == (ErrorCode.STEP_CANCELLED, "by ann")
    story.when(c.RetryExecution()).then(event(e.ExecutionRetried), event(e.TaskScheduled, visit=1, attempt=2))
    story.when(late).then_rejected(RejectionCode.ATTEMPT_SUPERSEDED)


def test_cancel_step_withdraws_all_its_visits_or_the_one_that_is_named() -> None:
    text = """
    steps:
      split: {threads: 3, next: a}
      a: {task: t, catch: [{error: STEP_CANCELLED, next: b}]}
      b: {task: t}
    """
    one = given(text).started().when(c.CancelStep(step="a", visit=3))
    assert one.open_tasks() == ["a", "a", "b"]
    assert one.when(c.CancelStep(step="a")).open_tasks() == ["b", "b", "b"]


def test_cancel_step_of_a_block_withdraws_what_is_in_it_first() -> None:
    story = given(BODY).started().when(complete("a")).when(c.CancelStep(step="block"))
    story.then(event(e.StepCancelled, step="b"), event(e.StepFailed, step="block"), event(e.ExecutionFailed))


def test_cancel_step_while_paused_goes_on_after_the_resume() -> None:
    story = given(CAUGHT).started().when(c.PauseExecution()).when(c.CancelStep(step="a"))
    story.then(event(e.StepFailed, attempt=1))
    assert story.status == "paused"
    assert story.when(c.ResumeExecution()).open_tasks() == ["c"]


# complete step


def test_complete_step_does_what_a_worker_would_have_done() -> None:
    story = given(TWO).started()
    late = complete("a")(story.state)
    story.when(c.CompleteStep(step="a", output={"n": 1}, by="ann")).then(
        event(e.TaskCompleted, step="a", output={"n": 1}, keep=True, by="ann", taken=("a->b",)),
        event(e.TaskScheduled, step="b", input={"got": {"n": 1}}),
    )
    story.when(late).then_rejected(RejectionCode.TASK_NOT_OPEN)
    story.when(c.CompleteStep(step="a")).then_rejected(RejectionCode.STEP_NOT_OPEN)


def test_complete_step_of_a_failed_step_lets_the_execution_go_on() -> None:
    story = given(TWO).started().when(fail("a")).when(c.CompleteStep(step="a", output=5))
    story.then(event(e.TaskCompleted), event(e.ExecutionRetried, status="running"), event(e.TaskScheduled, step="b"))
    assert inputs(story, "b") == [{"got": 5}]


def test_complete_step_of_one_of_two_failed_steps_leaves_the_execution_failed() -> None:
    text = "start: [a, b]\nsteps: {a: {task: t, retry: {attempts: 1}, next: c}, b: {wait: '{{ n }}'}, c: {task: t}}"
    story = given(text).started(n="never").when(c.CompleteStep(step="a"))
    story.then(event(e.TaskCompleted))
    assert story.status == "failed"
    assert story.when(c.SkipStep(step="b")).open_tasks() == ["c"]


def test_complete_step_between_two_attempts_needs_no_further_one() -> None:
    story = given("steps: {a: {task: t, retry: {backoff: 1m}, next: b}, b: {task: t}}").started().when(fail("a"))
    assert story.when(c.CompleteStep(step="a")).open_tasks() == ["b"]
    story.passes(60).then_nothing()


def test_complete_step_of_a_block_withdraws_what_is_in_it_and_leaves_it() -> None:
    story = given(BODY).started().when(complete("a")).when(c.CompleteStep(step="block"))
    assert [event.step for event in story.events if isinstance(event, e.StepCancelled)] == ["b"]
    assert story.open_tasks() == ["after", "o"]
    story.when(complete("after")).when(complete("o"))
    assert story.status == "completed"


def test_complete_step_of_a_wait_ends_it() -> None:
    story = given("steps: {a: {wait: 1h, next: b}, b: {task: t}}").started().when(c.CompleteStep(step="a"))
    assert story.open_tasks() == ["b"]
    story.passes(3600).then_nothing()


def test_complete_step_of_a_wait_for_a_message_gives_the_output_in_its_place() -> None:
    text = """
    steps:
      a: {wait: {message: paid, key: k}, output: {sum: "{{ output.sum }}"}, next: b}
      b: {task: t, input: "{{ sum }}"}
    """
    story = given(text).started().when(c.CompleteStep(step="a", output={"sum": 5}))
    assert inputs(story, "b") == [5]


def test_complete_step_with_an_output_that_cannot_be_mapped_is_refused_and_changes_nothing() -> None:
    text = "steps: {a: {task: t, output: {n: '{{ output.n + 1 }}'}}}"
    story = given(text).started().when(c.CompleteStep(step="a", output={"n": "x"}))
    story.then_rejected(RejectionCode.STEP_NOT_OPEN)
    assert story.open_tasks() == ["a"]


def test_complete_step_while_paused_goes_on_after_the_resume() -> None:
    story = given(TWO).started().when(c.PauseExecution()).when(c.CompleteStep(step="a")).then(event(e.TaskCompleted))
    assert story.when(c.ResumeExecution()).open_tasks() == ["b"]


# skip step


def test_skip_step_leaves_it_without_an_output() -> None:
    story = given(TWO).started().when(c.SkipStep(step="a", reason="no need", by="ann"))
    story.then(
        event(e.StepCancelled, step="a", attempt=1),
        event(e.StepSkipped, step="a", reason="no need", by="ann", taken=("a->b",)),
        event(e.TaskScheduled, step="b", input={"got": None}),
    )
    story.when(c.SkipStep(step="a")).then_rejected(RejectionCode.STEP_NOT_OPEN)


def test_skip_step_of_a_failed_step_lets_the_execution_go_on() -> None:
    story = given(TWO).started().when(fail("a")).when(c.SkipStep(step="a"))
    assert (story.status, story.open_tasks()) == ("running", ["b"])


def test_skip_step_takes_the_branch_that_holds_without_an_output() -> None:
    text = "steps: {a: {task: t, next: [{when: n > 1, next: b}, {otherwise: c}]}, b: {task: t}, c: {task: t}}"
    assert given(text).started(n=2).when(c.SkipStep(step="a")).open_tasks() == ["b"]


def test_skip_step_of_a_body_withdraws_it_and_brings_its_token_to_a_join() -> None:
    text = BODY.replace("after: {task: t}", "after: {task: t, join: all}")
    story = given(text.replace("attempts: 1}", "attempts: 1}, next: after"))
    story.started().when(complete("o")).when(c.SkipStep(step="block"))
    assert story.open_tasks() == ["after"]


def test_skip_step_while_paused_goes_on_after_the_resume() -> None:
    story = given(TWO).started().when(c.PauseExecution()).when(c.SkipStep(step="a"))
    assert story.open_tasks() == []
    assert story.when(c.ResumeExecution()).open_tasks() == ["b"]


@pytest.mark.parametrize("command", [c.CancelStep, c.CompleteStep, c.SkipStep])
def test_a_step_that_is_not_open_and_one_that_does_not_exist_are_refused(command: Any) -> None:
    story = given(TWO).started()
    story.when(command(step="b")).then_rejected(RejectionCode.STEP_NOT_OPEN, "'b'")
    story.when(command(step="a", visit=9)).then_rejected(RejectionCode.STEP_NOT_OPEN, "9")
    story.when(command(step="x")).then_rejected(RejectionCode.STEP_UNKNOWN, "'x'")


@pytest.mark.parametrize("command", [c.SkipStep(step="block"), c.CompleteStep(step="block")])
def test_a_block_is_left_by_hand_together_with_what_has_failed_in_it(command: c.ExecutionCommand) -> None:
    text = "steps: {block: {do: {a: {task: t}}, next: b}, b: {task: t}}"
    story = given(text).started().when(fail("a", retryable=False)).when(command)
    assert (story.status, story.open_tasks()) == ("running", ["b"])


@pytest.mark.parametrize("ended", [fail("b", retryable=False), c.CancelStep(step="b")])
def test_what_fails_while_the_execution_is_parked_is_caught_by_the_retry(ended: Any) -> None:
    text = "start: [a, b]\nsteps: {a: {task: t}, b: {task: t, catch: [{error: any, next: d}]}, d: {task: t}}"
    story = given(text).started().when(fail("a", retryable=False)).when(ended).when(c.RetryExecution())
    assert story.open_tasks() == ["a", "d"]


# re-run


def test_rerun_withdraws_everything_in_the_scope_of_the_step_and_enters_it() -> None:
    story = given(BODY).started().when(complete("a")).when(c.RerunStep(step="a", by="ann", reason="wrong"))
    story.then(
        event(e.StepCancelled, step="b"),
        event(e.TokensWithdrawn, consumed=("a->j",)),
        event(e.StepRerun, step="a", by="ann", reason="wrong"),
        event(e.TaskScheduled, step="a"),
    )
    assert story.open_tasks() == ["a", "o"]


def test_rerun_enters_a_step_whatever_its_join() -> None:
    assert given(BODY).started().when(c.RerunStep(step="j")).open_tasks() == ["j", "o"]


def test_rerun_of_an_outer_step_withdraws_the_bodies_too() -> None:
    story = given(BODY).started().when(c.RerunStep(step="fork"))
    assert [event.step for event in story.events if isinstance(event, e.StepCancelled)] == ["b", "a", "o", "block"]
    assert story.open_tasks() == ["a", "b", "o"]


def test_rerun_lets_a_failed_execution_go_on() -> None:
    story = given(TWO).started().when(complete("a")).when(fail("b", retryable=False)).when(c.RerunStep(step="a"))
    assert (story.status, story.open_tasks()) == ("running", ["a"])


def test_rerun_inside_leaves_a_failure_elsewhere_and_the_execution_failed() -> None:
    story = given(BODY).started().when(fail("o")).when(c.RerunStep(step="a"))
    assert (story.status, story.open_tasks()) == ("failed", ["a"])


def test_rerun_needs_a_body_that_is_open_once() -> None:
    story = given("steps: {x: {task: t, next: copies}, copies: {each: 2, do: {a: {task: t}}}}").started()
    story.when(c.RerunStep(step="a")).then_rejected(RejectionCode.STEP_NOT_OPEN, "copies")
    story.when(complete("x")).when(c.RerunStep(step="a")).then_rejected(RejectionCode.STEP_NOT_OPEN, "2")


def test_rerun_is_refused_while_paused_and_of_a_step_that_does_not_exist() -> None:
    story = given(TWO).started()
    story.when(c.RerunStep(step="x")).then_rejected(RejectionCode.STEP_UNKNOWN)
    story.when(c.PauseExecution()).when(c.RerunStep(step="a")).then_rejected(RejectionCode.INVALID_STATE_TRANSITION)


# set variables


def test_set_variables_changes_those_that_differ_once() -> None:
    story = given(TWO).started(n=1, m=2).when(c.SetVariables(values={"n": 5, "m": 2, "new": None}, by="ann"))
    story.then(event(e.VariablesSet, set={"n": 5, "new": None}, by="ann"))
    story.when(c.SetVariables(values={"n": 5, "m": 2, "new": None})).then_nothing()
    assert variables(story) == {"n": 5, "m": 2, "new": None}


def test_set_variables_mends_what_made_a_step_fail() -> None:
    story = given("steps: {a: {wait: '{{ n }}', next: b}, b: {task: t}}").started(n="soon")
    story.when(c.SetVariables(values={"n": "1s"}))
    assert story.status == "failed"
    story.when(c.RetryExecution()).passes(1)
    assert story.open_tasks() == ["b"]


def test_set_variables_while_paused_is_seen_after_the_resume() -> None:
    text = "steps: {a: {task: t, next: b}, b: {task: t, input: '{{ n }}'}}"
    story = given(text).started(n=1).when(c.PauseExecution()).when(complete("a"))
    story.when(c.SetVariables(values={"n": 2})).when(c.ResumeExecution())
    assert inputs(story, "b") == [2]


# add task


def test_an_added_task_is_offered_and_its_output_kept_and_nothing_follows_it() -> None:
    story = given("output: '{{ steps.extra }}'\nsteps: {a: {task: t}}").started()
    story.when(c.AddTask(name="extra", task="ask", queue="people", input={"q": 1}, by="ann")).then(
        event(e.TaskScheduled, step="extra", task="ask", queue="people", input={"q": 1}, adhoc="ann", scope=0)
    )
    assert story.when(complete("a")).status == "running"
    story.when(complete("extra", {"answer": 42}))
    assert output_of(story) == {"answer": 42}


def test_an_added_task_is_tried_again_as_usual_and_parks_the_execution_when_it_fails_for_good() -> None:
    story = given("steps: {a: {task: t}}").started().when(c.AddTask(name="extra", task="ask"))
    story.when(fail("extra")).passes(1).then(event(e.TaskScheduled, step="extra", task="ask", attempt=2))
    story.when(fail("extra", retryable=False))
    assert story.status == "failed"
    story.when(c.RetryExecution()).then(
        event(e.ExecutionRetried), event(e.TaskScheduled, step="extra", task="ask", attempt=3)
    )
    story.when(complete("extra")).when(complete("a"))
    assert story.status == "completed"


def test_an_added_task_may_be_added_while_paused() -> None:
    story = given(TWO).started().when(c.PauseExecution()).when(c.AddTask(name="extra", task="ask"))
    assert story.open_tasks() == ["a", "extra"]


@pytest.mark.parametrize("command", [c.SkipStep(step="extra"), c.CompleteStep(step="extra", output=1)])
def test_an_added_task_can_be_skipped_and_completed_by_hand(command: c.ExecutionCommand) -> None:
    story = given("steps: {a: {task: t}}").started().when(c.AddTask(name="extra", task="ask")).when(command)
    assert story.open_tasks() == ["a"]
    assert story.when(complete("a")).status == "completed"


def test_an_added_task_that_is_cancelled_and_retried_is_offered_again() -> None:
    story = given("steps: {a: {task: t}}").started().when(c.AddTask(name="extra", task="ask"))
    story.when(c.CancelStep(step="extra"))
    assert story.status == "failed"
    assert story.when(c.RetryExecution()).open_tasks() == ["a", "extra"]


def test_an_added_task_has_a_name_that_no_step_has() -> None:
    given(TWO).started().when(c.AddTask(name="b", task="ask")).then_rejected(RejectionCode.STEP_EXISTS, "'b'")


# add items stands with the copies, start step with the milestones


# migrate


def migrated(story: Story, text: str, version: str = "2.0.0") -> Story:
    """The execution goes on by ``text``, which is published as ``version``."""
    source = dict(read_definition(text).value)
    graph = compile_definition({"id": "story", "version": version, **source})
    target = Definition(graph, digest_of(graph))
    story.events, story.rejected = (), None
    try:
        command = c.MigrateExecution(version=version, by="ann")
        story.events, story.state = turn(ID, story.state, command, story.definition, story.now, target)
    except Rejected as rejected:
        story.rejected = rejected
        return story
    story.history.extend((event, story.now) for event in story.events)
    assert fold(story.history) == story.state
    story.definition = target
    return story


def test_migrate_goes_on_by_the_other_version() -> None:
    story = migrated(given(TWO).started(), "steps: {a: {task: t, next: c}, c: {task: t}}")
    story.then(event(e.ExecutionMigrated, version="2.0.0", digest=story.definition.digest, by="ann"))
    assert story.when(complete("a")).open_tasks() == ["c"]
    story.when(c.MigrateExecution(version="2.0.0")).then_nothing()


@pytest.mark.parametrize("before", [c.PauseExecution(), None])
def test_migrate_is_allowed_while_paused_and_when_failed(before: c.ExecutionCommand | None) -> None:
    story = given(TWO).started().when(before or fail("a"))
    migrated(story, "steps: {a: {task: t, next: c}, c: {task: t}}").then(event(e.ExecutionMigrated))
    story.when(c.ResumeExecution() if before else c.RetryExecution()).when(complete("a"))
    assert story.open_tasks() == ["c"]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("steps: {x: {task: t}}", "STEP_REMOVED"),
        ("steps: {a: {wait: 1h}}", "KIND_CHANGED"),
        ("steps: {block: {do: {a: {task: t}}}}", "STEP_MOVED"),
    ],
)
def test_migrate_is_refused_where_an_open_step_has_no_place(text: str, word: str) -> None:
    story = migrated(given("steps: {a: {task: t}}").started(), text)
    story.then_rejected(RejectionCode.MIGRATION_IMPOSSIBLE, word, "2.0.0")
    assert story.when(complete("a")).status == "completed"


def test_migrate_is_refused_where_a_waiting_token_has_no_place() -> None:
    text = "start: [a, b]\nsteps: {a: {task: t, next: c}, b: {task: t, next: c}, c: {task: t, join: all}}"
    story = given(text).started().when(complete("a"))
    migrated(story, "start: [a, b]\nsteps: {a: {task: t}, b: {task: t, next: c}, c: {task: t}}")
    story.then_rejected(RejectionCode.MIGRATION_IMPOSSIBLE, "a->c")
    migrated(story, text.replace("c: {task: t, join: all}", "c: {task: t, join: all, next: d}, d: {task: t}"))
    story.when(complete("b")).when(complete("c"))
    assert story.open_tasks() == ["d"]


def test_migrate_keeps_a_failed_added_task() -> None:
    story = given("steps: {a: {task: t}}").started().when(c.AddTask(name="extra", task="ask"))
    migrated(story.when(fail("extra", retryable=False)), "steps: {a: {task: t, next: b}, b: {task: t}}", "1.1.0")
    story.then(event(e.ExecutionMigrated, version="1.1.0"))


def test_migrate_to_a_version_that_is_not_published_is_refused() -> None:
    given(TWO).started().when(c.MigrateExecution(version="3.0.0")).then_rejected(
        RejectionCode.DEFINITION_UNKNOWN, "3.0.0"
    )


# all of them


STEERED: Final = [
    c.CancelStep(step="a"),
    c.CompleteStep(step="a"),
    c.SkipStep(step="a"),
    c.RerunStep(step="a"),
    c.SetVariables(values={"n": 1}),
    c.AddTask(name="extra", task="t"),
    c.AddItems(step="a", items=[1]),
    c.StartStep(step="a"),
    c.MigrateExecution(version="2.0.0"),
]


@pytest.mark.parametrize("command", STEERED, ids=lambda command: type(command).__name__)
def test_nothing_can_be_asked_of_what_was_never_started_or_has_ended(command: c.ExecutionCommand) -> None:
    given(TWO).when(command).then_rejected(RejectionCode.EXECUTION_UNKNOWN)
    given(TWO).started().when(c.CancelExecution()).when(command).then_rejected(RejectionCode.EXECUTION_ENDED)


@pytest.mark.parametrize("command", STEERED, ids=lambda command: type(command).__name__)
def test_a_command_that_expects_another_status_is_refused(command: Any) -> None:
    expecting = replace(command, expected=("failed", "paused"))
    given(TWO).started().when(expecting).then_rejected(RejectionCode.STATUS_NOT_EXPECTED, "failed or paused", "running")
