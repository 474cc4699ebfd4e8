from datetime import timedelta

from penstock.domain.execution import events as e
from penstock.domain.rejected import RejectionCode
from tests.domain.execution.story import NOON, Story, event, given

ONE_TASK = """
steps:
  charge: {task: charge-card}
"""


def test_a_start_schedules_the_first_step() -> None:
    given(ONE_TASK).started(amount=5).then(
        event(e.ExecutionStarted, definition="story", version="1.0.0", input={"amount": 5}, status="running"),
        event(e.TaskScheduled, step="charge", visit=1, attempt=1, task="charge-card", input={"amount": 5}),
    )


def test_an_execution_starts_once() -> None:
    given(ONE_TASK).started().started().then_rejected(RejectionCode.EXECUTION_EXISTS)


def test_the_input_is_merged_over_the_variables_of_the_definition() -> None:
    story = given("variables: {currency: EUR, amount: 1}\n" + ONE_TASK).started(amount=5)
    story.then(
        event(e.ExecutionStarted, variables={"currency": "EUR", "amount": 1}),
        event(e.TaskScheduled, input={"currency": "EUR", "amount": 5}),
    )


def test_an_input_that_does_not_fit_the_schema_is_refused_with_each_place() -> None:
    schema = "input: {type: object, required: [id], properties: {amount: {type: number}}}\n"
    given(schema + ONE_TASK).started(amount="much").then_rejected(
        RejectionCode.INPUT_INVALID, "'id' is a required property", "amount: 'much' is not of type 'number'"
    )


def test_what_the_input_does_not_give_has_the_default_of_its_schema() -> None:
    text = """
    input:
      required: [currency]
      properties: {currency: {type: string, default: EUR}, amount: {type: number, default: 1}}
    steps: {a: {task: a}}
    """
    story = given(text).started(amount=7)
    story.then(
        event(e.ExecutionStarted, input={"amount": 7}), event(e.TaskScheduled, input={"currency": "EUR", "amount": 7})
    )


def test_a_default_that_does_not_fit_is_refused_like_an_input() -> None:
    text = "{input: {properties: {n: {type: number, default: many}}}, steps: {a: {task: a}}}"
    given(text).started().then_rejected(RejectionCode.INPUT_INVALID, "n:")


def test_the_digest_of_the_definition_is_pinned() -> None:
    story: Story = given(ONE_TASK)
    story.started().then(event(e.ExecutionStarted, digest=story.definition.digest), event(e.TaskScheduled))


def test_the_time_limit_of_the_execution_is_recorded_as_a_moment() -> None:
    given("timeout: 2h\n" + ONE_TASK).started().then(
        event(e.ExecutionStarted, deadline=NOON + timedelta(hours=2)), event(e.TaskScheduled)
    )


def test_every_first_step_is_entered() -> None:
    given("start: [a, b]\nsteps: {a: {task: t}, b: {task: t}}").started().then(
        event(e.ExecutionStarted), event(e.TaskScheduled, step="a", visit=1), event(e.TaskScheduled, step="b", visit=2)
    )


def test_a_definition_without_work_completes_at_once() -> None:
    given("steps: {done: {set: {answer: 42}}}\noutput: {answer: '{{ answer }}'}").started().then(
        event(e.ExecutionStarted),
        event(e.StepPassed, step="done", set={"answer": 42}),
        event(e.ExecutionCompleted, output={"answer": 42}, status="completed"),
    )
