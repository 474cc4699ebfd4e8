"""How a step with several ways in is entered (``docs/semantics.md`` §3)."""

import json
import random
from typing import Any, Final

import pytest

from penstock.domain.errors import ErrorCode
from penstock.domain.execution import commands as c
from penstock.domain.execution import events as e
from penstock.domain.execution.state import Execution
from penstock.domain.rejected import RejectionCode
from tests.domain.execution.story import Story, complete, event, fail, given

THREE: Final = """
steps:
  fork: {parallel: [a, b, c]}
  a: {task: t, next: d}
  b: {task: t, next: d}
  c: {task: t, retry: {attempts: 1}, next: d}
  d: {task: t, join: JOIN}
"""
WAVES: Final = """
steps:
  twice: {threads: 2, next: fork}
  fork: {parallel: [a, b]}
  a: {task: t, next: d}
  b: {task: t, next: d}
  d: {task: t, join: JOIN}
"""
TAKEN: Final = """
steps:
  pick: {include: [{when: "'a' in ways", next: a}, {when: "'b' in ways", next: b}, {when: "'c' in ways", next: c}]}
  a: {task: t, next: d}
  b: {task: t, next: d}
  c: {task: t, retry: {attempts: 1}, next: [{when: go, next: d}, {otherwise: end}]}
  d: {task: t, join: taken}
"""


def three(join: str) -> Story:
    return given(THREE.replace("JOIN", join)).started()


def waves(join: str) -> Story:
    return given(WAVES.replace("JOIN", join)).started()


def done(story: Story, *steps: str) -> Story:
    for step in steps:
        story.when(complete(step))
    return story


def entered(story: Story, step: str = "d") -> int:
    """How often the step was entered."""
    return sum(isinstance(event, e.TaskScheduled) and event.step == step for event, _ in story.history)


def failure_of(story: Story) -> str:
    failed = story.events[-1]
    assert isinstance(failed, e.ExecutionFailed)
    return failed.failure.code


def lying(story: Story, scope: int = 0) -> dict[str, int]:
    assert isinstance(story.state, Execution)
    return story.state.tokens.get(scope, {})


def open_visits(story: Story, step: str) -> list[int]:
    assert isinstance(story.state, Execution)
    return sorted(number for number, visit in story.state.visits.items() if visit.step == step)


# any and all


def test_any_is_entered_once_for_each_arriving_token() -> None:
    story = waves("any")
    for number, step in enumerate(["a", "a", "b", "b"], start=1):
        assert entered(story.when(complete(step))) == number


def test_all_keeps_further_tokens_so_that_the_ith_of_each_branch_meet() -> None:
    story = done(waves("all"), "a", "a")
    assert (entered(story), lying(story)) == (0, {"a->d": 2})
    story.when(complete("b")).then(event(e.TaskCompleted), event(e.TaskScheduled, step="d", consumed=("a->d", "b->d")))
    assert (entered(story), lying(story)) == (1, {"a->d": 1})
    assert entered(story.when(complete("b"))) == 2


def test_a_result_that_comes_again_brings_no_second_token() -> None:
    story = three("all")
    repeated = complete("a")(story.state)
    story.when(repeated).when(repeated).then_rejected(RejectionCode.TASK_NOT_OPEN)
    assert lying(story) == {"a->d": 1}


def test_tokens_that_wait_at_a_join_which_nothing_can_reach_stay_there_for_whoever_repairs_it() -> None:
    story = given(
        """
        steps:
          fork: {parallel: [a, b]}
          a: {task: t, next: d}
          b: {task: t, next: [{when: go, next: d}, {otherwise: end}]}
          d: {task: t, join: all}
        """
    ).started(go=False)
    assert failure_of(done(story, "a", "b")) == ErrorCode.JOIN_UNREACHABLE
    assert lying(story) == {"a->d": 1}
    story.when(c.RetryExecution()).then(event(e.ExecutionRetried, visits=()), event(e.ExecutionFailed))
    story.when(c.RerunStep(step="d")).then(
        event(e.TokensWithdrawn, scope=0, consumed=("a->d",)),
        event(e.StepRerun, step="d", status="running"),
        event(e.TaskScheduled, step="d"),
    )


def test_joins_count_the_tokens_of_their_own_scope_only() -> None:
    story = given(
        """
        steps:
          both:
            each: 2
            do:
              fork: {parallel: [a, b]}
              a: {task: t, next: d}
              b: {task: t, next: d}
              d: {task: t, join: all}
        """
    ).started()
    first_copy, _ = open_visits(story, "a")
    _, second_copy = open_visits(story, "b")
    story.when(c.CompleteTask(visit=first_copy, attempt=1)).when(c.CompleteTask(visit=second_copy, attempt=1))
    assert entered(story) == 0
    done(story, "a", "b")
    assert entered(story) == 2


# threads


def test_threads_enters_for_each_n_tokens_whichever_way_they_came() -> None:
    story = done(waves("{threads: 2}"), "a")
    assert entered(story) == 0
    story.when(complete("a")).then(event(e.TaskCompleted), event(e.TaskScheduled, consumed=("a->d", "a->d")))
    done(story, "b")
    assert (entered(story), lying(story)) == (1, {"b->d": 1})
    assert entered(done(story, "b")) == 2


def test_threads_uses_the_tokens_of_the_first_ways_in_first() -> None:
    story = done(waves("{threads: 3}"), "b", "b")
    story.when(complete("a")).then(event(e.TaskCompleted), event(e.TaskScheduled, consumed=("a->d", "b->d", "b->d")))


def test_too_few_threads_fail_by_name() -> None:
    story = done(waves("{threads: 3}"), "a", "a", "b", "d", "b")
    assert failure_of(story) == ErrorCode.JOIN_UNREACHABLE
    assert lying(story) == {"b->d": 1}


# enough


def test_enough_is_entered_by_the_nth_and_the_others_are_counted_without_effect() -> None:
    story = three("{enough: 2, rest: ignore}")
    story.when(complete("c")).then(event(e.TaskCompleted), event(e.BranchArrived, taken=(), ends=False))
    story.when(complete("a")).then(
        event(e.TaskCompleted),
        event(e.BranchArrived, consumed=("a->d",), taken=("=>d",), ends=False),
        event(e.TaskScheduled, step="d", consumed=("=>d",)),
    )
    story.when(complete("b")).then(event(e.TaskCompleted), event(e.BranchArrived, taken=(), ends=True))
    story.when(complete("d"))
    assert story.status == "completed"


def test_with_ignore_a_way_that_arrives_twice_in_a_wave_is_counted_once() -> None:
    story = given(WAVES.replace("JOIN", "{enough: 2, rest: ignore}")).started()
    assert entered(done(story, "a", "a")) == 0
    assert entered(done(story, "b")) == 1
    assert entered(done(story, "b")) == 1
    assert failure_of(done(story, "d")) == ErrorCode.JOIN_UNREACHABLE


def test_with_ignore_the_next_wave_begins_with_the_last_of_this_one() -> None:
    story = waves("{enough: 1, rest: ignore}")
    assert entered(done(story, "a")) == 1
    assert entered(done(story, "b")) == 1
    assert entered(done(story, "b")) == 2
    done(story, "a", "d", "d")
    assert story.status == "completed"


def test_with_hold_a_way_that_has_arrived_waits_for_the_next_wave() -> None:
    story = done(waves("{enough: 1, rest: hold}"), "a")
    story.when(complete("a")).then(event(e.TaskCompleted))
    assert (entered(story), lying(story)) == (1, {"a->d": 1})
    story.when(complete("b")).then(
        event(e.TaskCompleted),
        event(e.BranchArrived, consumed=("b->d",), ends=True),
        event(e.BranchArrived, consumed=("a->d",), taken=("=>d",)),
        event(e.TaskScheduled, step="d"),
    )


def test_enough_that_does_not_come_fails_by_name() -> None:
    story = given(
        """
        steps:
          fork: {parallel: [a, b, c]}
          a: {task: t, next: d}
          b: {task: t, next: [{when: go, next: d}, {otherwise: end}]}
          c: {task: t, next: [{when: go, next: d}, {otherwise: end}]}
          d: {task: t, join: {enough: 2}}
        """
    ).started(go=False)
    assert failure_of(done(story, "a", "b", "c")) == ErrorCode.JOIN_UNREACHABLE


def test_cancel_withdraws_what_could_still_arrive_the_latest_first_and_nothing_else() -> None:
    story = given(
        """
        steps:
          start: {parallel: [other, fork]}
          other: {task: t}
          fork: {parallel: [a, b, c]}
          a: {task: t, next: d}
          b:
            start: [b1, b2]
            do: {b1: {task: t, next: b3}, b2: {task: t, next: b3}, b3: {task: t, join: all}}
            next: d
          c: {task: t, next: c2}
          c2: {wait: 1h, next: d}
          d: {task: t, join: {enough: 1, rest: cancel}}
        """
    ).started()
    done(story, "b1", "c").when(complete("a")).then(
        event(e.TaskCompleted, step="a"),
        event(e.BranchArrived, taken=("=>d",), ends=True),
        event(e.StepCancelled, step="c2"),
        event(e.StepCancelled, step="b2"),
        event(e.StepCancelled, step="b"),
        event(e.TaskScheduled, step="d"),
    )
    assert story.open_tasks() == ["d", "other"]
    done(story, "d", "other")
    assert story.status == "completed"


def test_cancel_withdraws_tokens_too_and_the_next_wave_begins_at_once() -> None:
    story = given(
        """
        variables: {n: 0}
        steps:
          fork: {parallel: [a, b, c]}
          a: {task: t, next: d}
          b: {parallel: [b1, b2]}
          b1: {task: t, next: b3}
          b2: {task: t, next: b3}
          b3: {task: t, join: all, next: d}
          c: {task: t, next: d}
          d:
            task: t
            join: {enough: 2, rest: cancel}
            output: {n: "{{ n + 1 }}"}
            next: [{when: n < 2, next: fork}, {otherwise: end}]
        """
    ).started()
    done(story, "b1", "a").when(complete("c")).then(
        event(e.TaskCompleted, step="c"),
        event(e.BranchArrived, taken=("=>d",), ends=True),
        event(e.StepCancelled, step="b2"),
        event(e.TokensWithdrawn, scope=0, consumed=("b1->b3",)),
        event(e.TaskScheduled, step="d"),
    )
    done(story, "d")
    assert story.open_tasks() == ["a", "b1", "b2", "c"]
    done(story, "a", "b1", "b2", "b3")
    assert (entered(story), story.open_tasks()) == (2, ["d"])
    done(story, "d")
    assert story.status == "completed"


# taken


@pytest.mark.parametrize("ways", ["a", "b", "ab", "ac", "bc", "abc"])
def test_taken_waits_for_those_ways_that_were_taken(ways: str) -> None:
    story = given(TAKEN).started(ways=list(ways), go=True)
    for way in ways:
        assert entered(story) == 0
        story.when(complete(way))
    assert entered(story) == 1
    assert story.status == "running"


def test_taken_goes_on_when_a_branch_turns_out_not_to_come() -> None:
    story = done(given(TAKEN).started(ways=["a", "c"], go=False), "a")
    assert entered(story) == 0
    story.when(complete("c")).then(event(e.TaskCompleted, taken=()), event(e.TaskScheduled, consumed=("a->d",)))


def test_taken_waits_for_a_failed_step_until_it_is_retried_or_ended() -> None:
    story = done(given(TAKEN).started(ways=["a", "c"], go=True), "a").when(fail("c", retryable=False))
    assert (entered(story), story.status) == (0, "failed")
    story.when(c.SkipStep(step="c"))
    assert (entered(story), story.status) == (1, "running")


def test_taken_never_fires_early_while_a_loop_can_still_bring_more() -> None:
    story = given(
        """
        variables: {n: 0}
        steps:
          fork: {parallel: [a, b]}
          a: {task: t, next: d}
          b: {task: t, output: {n: "{{ n + 1 }}"}, next: [{when: n < 3, next: b}, {otherwise: d}]}
          d: {task: t, join: taken}
        """
    ).started()
    done(story, "a")
    for _ in range(2):
        assert entered(done(story, "b")) == 0
    assert entered(done(story, "b")) == 1


def test_taken_in_a_loop_joins_once_in_each_round() -> None:
    story = given(
        """
        variables: {n: 0}
        steps:
          fork: {parallel: [a, b]}
          a: {task: t, next: d}
          b: {task: t, next: d}
          d: {task: t, join: taken, output: {n: "{{ n + 1 }}"}, next: [{when: n < 2, next: fork}, {otherwise: end}]}
        """
    ).started()
    done(story, "a")
    assert entered(story) == 0
    assert entered(done(story, "b")) == 1
    done(story, "d", "b")
    assert entered(story) == 1
    assert entered(done(story, "a")) == 2
    done(story, "d")
    assert story.status == "completed"


def test_a_composite_may_still_come_while_it_is_open_whatever_is_in_it() -> None:
    story = given(
        """
        steps:
          fork: {parallel: [a, b]}
          a: {task: t, next: d}
          b: {do: {b1: {task: t, next: b2}, b2: {wait: 1m}}, next: d}
          d: {task: t, join: taken}
        """
    ).started()
    done(story, "a", "b1")
    assert entered(story) == 0
    assert entered(story.passes(60)) == 1


def test_joins_that_only_wait_for_one_another_go_on_in_the_order_of_the_definition() -> None:
    text = """
    variables: {n: 0}
    steps:
      fork: {parallel: [a, b]}
      a: {task: t, next: FIRST}
      b: {task: t, next: SECOND}
      x: {task: t, join: taken, output: {n: "{{ n + 1 }}"}, next: [{when: n < 2, next: y}, {otherwise: end}]}
      y: {task: t, join: taken, output: {n: "{{ n + 1 }}"}, next: [{when: n < 2, next: x}, {otherwise: end}]}
    """
    for first, second in (("x", "y"), ("y", "x")):
        story = given(text.replace("FIRST", first).replace("SECOND", second)).started()
        done(story, "a")
        assert (entered(story, "x"), entered(story, "y")) == (0, 0)
        done(story, "b")
        assert (entered(story, "x"), entered(story, "y")) == (1, 0)


@pytest.mark.parametrize("seed", range(50))
def test_without_loops_taken_enters_each_step_once_after_all_that_lead_to_it(seed: int) -> None:
    chance = random.Random(seed)
    names = [f"s{number}" for number in range(chance.randint(4, 9))]
    ways = {
        name: sorted({names[place + 1], *chance.choices(names[place + 1 :], k=2)})
        for place, name in enumerate(names[:-1])
    }
    taken = {name: [way for way in ways[name] if chance.random() < 0.7] for name in ways}
    reached = {"s0"}
    for name in names[:-1]:
        reached.update(taken[name] if name in reached else [])
    story = given(_process(names, ways)).started(taken=taken)
    finished: list[str] = []
    while isinstance(story.state, Execution):
        for name in story.open_tasks():
            assert all(source in finished for source in reached if name in taken.get(source, []))
        finished.append(chance.choice(story.open_tasks()))
        story.when(complete(finished[-1]))
    assert (story.status, sorted(finished)) == ("completed", sorted(reached))


def _process(names: list[str], ways: dict[str, list[str]]) -> str:
    """Tasks, each followed by an inclusive choice of its ways; where several lead to one, it joins those taken."""
    steps: dict[str, Any] = {}
    for name in names:
        joins = sum(name in targets for targets in ways.values()) > 1
        steps[name] = {"task": "t", **({"join": "taken"} if joins else {})}
        if name in ways:
            steps[name]["next"] = f"after_{name}"
            branches = [{"when": f"'{way}' in taken.{name}", "next": way} for way in ways[name]]
            steps[f"after_{name}"] = {"include": [*branches, {"otherwise": "end"}]}
    return json.dumps({"start": "s0", "steps": steps})


# what people do meanwhile


@pytest.mark.parametrize("join", ["all", "taken", "{threads: 3}", "{enough: 3}", "{enough: 3, rest: cancel}"])
def test_no_join_is_entered_while_paused_and_each_is_after_the_resume(join: str) -> None:
    story = done(three(join).when(c.PauseExecution()), "a", "b", "c")
    assert entered(story) == 0
    story.when(c.ResumeExecution())
    assert (entered(story), story.open_tasks()) == (1, ["d"])


@pytest.mark.parametrize("join", ["all", "taken", "{threads: 3}", "{enough: 3}", "{enough: 2, rest: hold}"])
def test_cancelling_leaves_nothing_at_a_join(join: str) -> None:
    story = done(three(join), "a").when(c.CancelExecution())
    # the token of a wave is used up when it arrives; elsewhere it waits on its way in
    waiting = [] if "enough" in join else [event(e.TokensWithdrawn, consumed=("a->d",))]
    steps = [event(e.StepCancelled, step="c"), event(e.StepCancelled, step="b")]
    story.then(*steps, *waiting, event(e.ExecutionCancelled))


def test_a_branch_that_failed_is_withdrawn_when_enough_others_have_arrived() -> None:
    story = three("{enough: 2, rest: cancel}").when(fail("c"))
    done(story, "a", "b")
    assert (entered(story), story.status) == (0, "failed")
    story.when(c.RetryExecution())
    assert story.open_tasks() == ["d"]
    done(story, "d")
    assert story.status == "completed"
