import msgspec

from penstock.domain.errors import ErrorCode
from penstock.domain.execution import commands as c
from penstock.domain.execution import events as e
from tests.domain.execution.story import complete, event, given

CHOICE = """
steps:
  decide:
    choose:
      - {when: amount > 1000, next: board}
      - {when: amount > 100, next: manager}
      - {otherwise: auto}
  board: {task: t}
  manager: {task: t}
  auto: {task: t}
"""
FORK = """
steps:
  fork: {parallel: [b, c]}
  b: {task: t, next: d}
  c: {task: t, next: d}
  d: {task: t, join: all}
"""


def test_the_first_branch_whose_condition_holds_is_taken() -> None:
    for amount, branch in ((5000, "board"), (500, "manager"), (5, "auto")):
        story = given(CHOICE).started(amount=amount)
        assert story.open_tasks() == [branch]


def test_every_evaluated_condition_is_recorded_with_what_it_saw() -> None:
    story = given(CHOICE).started(amount=500)
    passed = story.events[1]
    assert isinstance(passed, e.StepPassed)
    first, second = passed.evaluations
    assert (first.expression, first.result, first.seen) == ("amount > 1000", False, {"amount": 500})
    assert (second.expression, second.result) == ("amount > 100", True)


def test_no_branch_and_no_otherwise_fails_by_name() -> None:
    story = given("steps: {a: {choose: [{when: x > 1, next: b}]}, b: {task: t}}").started(x=0)
    story.then(event(e.ExecutionStarted), event(e.StepFailed, step="a"), event(e.ExecutionFailed, step="a"))
    assert story.events[1].failure.code == ErrorCode.NO_BRANCH_TAKEN  # type: ignore[union-attr]


def test_an_undefined_name_in_a_condition_fails_with_the_step() -> None:
    story = given(CHOICE).started()
    failure = story.events[1].failure  # type: ignore[union-attr]
    assert failure.code == ErrorCode.EXPRESSION_FAILED
    assert "'decide'" in failure.message
    assert "amount" in failure.message


def test_a_parallel_split_enters_every_branch_before_either_is_done() -> None:
    assert given(FORK).started().open_tasks() == ["b", "c"]


def test_a_join_of_all_waits_for_the_last_branch_and_is_entered_once() -> None:
    story = given(FORK).started().when(complete("b"))
    story.then(event(e.TaskCompleted, taken=("b->d",)))
    story.when(complete("c")).then(
        event(e.TaskCompleted, taken=("c->d",)), event(e.TaskScheduled, step="d", consumed=("b->d", "c->d"))
    )


def test_a_join_of_any_is_entered_by_each_arrival() -> None:
    story = given(FORK.replace(", join: all", "")).started().when(complete("b")).when(complete("c"))
    assert story.open_tasks() == ["d", "d"]


def test_a_task_can_branch_on_its_own_output() -> None:
    text = """
    steps:
      check: {task: t, output: {ok: "{{ output.ok }}"}, next: [{when: ok, next: ship}, {otherwise: end}]}
      ship: {task: t}
    """
    given(text).started().when(complete("check", {"ok": True})).then(
        event(e.TaskCompleted, taken=("check->ship",)), event(e.TaskScheduled, step="ship")
    )
    given(text).started().when(complete("check", {"ok": False})).then(
        event(e.TaskCompleted, taken=()), event(e.ExecutionCompleted)
    )


def test_an_execution_ends_when_nothing_is_left() -> None:
    story = given("steps: {fork: {parallel: [b, c]}, b: {task: t}, c: {task: t, next: d}, d: {task: t}}").started()
    for step in ("c", "b"):
        story.when(complete(step))
    assert story.status == "running"
    story.when(complete("d")).then(event(e.TaskCompleted), event(e.ExecutionCompleted))


def test_a_loop_goes_round_until_its_condition_holds() -> None:
    text = """
    variables: {n: 0}
    steps:
      work: {task: t, output: {n: "{{ n + 1 }}"}, next: [{when: n < 3, next: work}, {otherwise: end}]}
    """
    story = given(text).started()
    for _ in range(3):
        story.when(complete("work"))
    assert story.status == "completed"
    visits = [event.visit for event, _ in story.history if isinstance(event, e.TaskScheduled)]
    assert visits == [1, 2, 3]


def test_a_join_that_cannot_be_reached_any_more_fails_by_name() -> None:
    text = """
    steps:
      fork: {parallel: [b, c]}
      b: {task: t, next: d}
      c: {task: t, next: [{when: go, next: d}, {otherwise: end}]}
      d: {task: t, join: all}
    """
    story = given(text).started(go=False).when(complete("b")).when(complete("c"))
    story.then(event(e.TaskCompleted), event(e.ExecutionFailed))
    assert story.events[1].failure.code == ErrorCode.JOIN_UNREACHABLE  # type: ignore[union-attr]


def test_a_thousand_branches_are_bounded_bites_of_one_decision_each() -> None:
    left, right = ([f"{side}{i}" for i in range(750)] for side in "lr")
    steps = ", ".join(f"{name}: {{task: t}}" for name in (*left, *right))
    forks = f"l: {{parallel: [{', '.join(left)}]}}, r: {{parallel: [{', '.join(right)}]}}"
    story = given(f"start: [l, r]\nsteps: {{{forks}, {steps}}}").started()
    assert isinstance(story.events[-1], e.BiteTaken)
    assert len(story.events) <= 1001
    story.passes(0)
    assert len(story.open_tasks()) == 1500


def test_an_automatic_loop_is_stopped_by_name() -> None:
    text = "steps: {a: {set: {x: 1}, next: b}, b: {choose: [{when: x == 1, next: a}, {otherwise: end}]}}"
    story = given(text).started()
    for _ in range(10):
        story.when(c.FireTimers())
    assert story.status == "failed"
    assert story.events[-1].failure.code == ErrorCode.LOOP_LIMIT  # type: ignore[union-attr]


def test_a_failure_that_has_much_to_say_is_shortened_so_that_its_event_can_be_read_again() -> None:
    branches = ", ".join(f"{{when: \"n == {i} and '{'x' * 900}' == 'y'\", next: b}}" for i in range(20))
    story = given(f"steps: {{a: {{choose: [{branches}]}}, b: {{task: t}}}}").started(n=-1)
    failed = story.events[1]
    assert isinstance(failed, e.StepFailed)
    assert msgspec.json.decode(msgspec.json.encode(failed), type=e.StepFailed) == failed
