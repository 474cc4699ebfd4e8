"""A copy of a body for each item (``docs/semantics.md`` §7)."""

from typing import Any, Final

import pytest

from penstock.domain.errors import ErrorCode
from penstock.domain.execution import commands as c
from penstock.domain.execution import events as e
from penstock.domain.execution.state import Ended, Execution, OpenTask
from penstock.domain.execution.turn import turn
from penstock.domain.rejected import RejectionCode
from tests.domain.execution.story import ID, Story, complete, event, fail, given

EACH: Final = """
steps:
  copies:
    each: "{{ items }}"
    as: who
    do:
      ask: {task: t, input: {who: "{{ who }}", index: "{{ index }}"}, retry: {attempts: 1}}
    collect: "{{ steps.ask.vote }}"
    into: votes
    MORE
    next: count
  count: {task: t, input: {votes: "{{ votes }}"}}
"""


CATCHING: Final = (
    EACH.replace("    MORE", "    catch: [{error: [STEP_CANCELLED, BROKEN], next: instead}]")
    + """
  instead: {task: t}
"""
)


def copies(more: str = "", items: object = ("ann", "bob", "cid")) -> Story:
    text = EACH.replace("    MORE\n", f"    {more}\n" if more else "")
    return given(text).started(items=list(items) if isinstance(items, tuple) else items)


def bites(story: Story) -> Story:
    """What was too much for one decision goes on."""
    while isinstance(story.state, Execution) and story.state.unfinished:
        story.passes(0)
    return story


def tasks(story: Story, step: str = "ask") -> list[int]:
    """The visits with an open task of ``step``."""
    assert isinstance(story.state, Execution)
    return sorted(n for n, v in story.state.visits.items() if v.step == step and isinstance(v, OpenTask))


def done(story: Story, which: int = 0, vote: object = None) -> Story:
    """The ``which``-th of the open copies is done."""
    return story.when(c.CompleteTask(visit=tasks(story)[which], attempt=1, output={"vote": vote}))


def offered(story: Story, step: str = "ask") -> list[Any]:
    """The inputs of all tasks of ``step`` so far."""
    return [event.input for event, _ in story.history if isinstance(event, e.TaskScheduled) and event.step == step]


def cancelled(story: Story) -> list[str]:
    return [event.step for event in story.events if isinstance(event, e.StepCancelled)]


def test_there_is_a_copy_for_each_item_in_their_order_which_sees_item_and_index() -> None:
    assert offered(copies()) == [{"who": who, "index": index} for index, who in enumerate(["ann", "bob", "cid"])]


def test_the_step_is_left_when_all_copies_have_ended_with_the_results_in_the_order_of_the_items() -> None:
    story = copies()
    for which, vote in ((2, "c"), (0, "a")):
        done(story, which, vote)
        assert offered(story, "count") == []
    done(story, 0, "b").then(
        event(e.TaskCompleted),
        event(e.CopyCompleted, index=1, result="b"),
        event(e.EachCompleted, step="copies", taken=("copies->count",)),
        event(e.TaskScheduled, step="count", input={"votes": ["a", "b", "c"]}),
    )


@pytest.mark.parametrize("items", [[], 0])
def test_without_items_it_is_left_at_once(items: object) -> None:
    story = copies(items=items)
    assert offered(story) == []
    assert offered(story, "count") == [{"votes": []}]


def test_a_number_makes_so_many_copies() -> None:
    assert [each["who"] for each in offered(copies(items=4))] == [0, 1, 2, 3]


@pytest.mark.parametrize("items", ["ann", 1.5, -1, None, {"a": 1}, True])
def test_items_that_are_neither_a_list_nor_a_number_fail_the_step(items: object) -> None:
    failed = copies(items=items).events[-1]
    assert isinstance(failed, e.ExecutionFailed)
    assert failed.failure.code == ErrorCode.EXPRESSION_FAILED


def test_no_more_copies_than_at_once_are_open() -> None:
    story = copies("at_once: 2")
    assert len(tasks(story)) == 2
    done(story, 1).then(
        event(e.TaskCompleted),
        event(e.CopyCompleted),
        event(e.CopyStarted, index=2),
        event(e.TaskScheduled, step="ask"),
    )
    assert [each["index"] for each in offered(story)] == [0, 1, 2]


def test_at_once_1_is_one_after_another() -> None:
    story = copies("at_once: 1")
    for number in range(3):
        assert [len(tasks(story)), len(offered(story))] == [1, number + 1]
        done(story)
    assert story.open_tasks() == ["count"]


def test_a_thousand_copies_end_in_one_join() -> None:
    story = bites(copies("at_once: all", items=1000))
    open_now, state = tasks(story), story.state
    assert len(open_now) == 1000
    counted: list[Any] = []
    for number, visit in enumerate(open_now):
        result = c.CompleteTask(visit=visit, attempt=1, output={"vote": number})
        events, state = turn(ID, state, result, story.definition, story.now)
        counted += [event.input for event in events if isinstance(event, e.TaskScheduled)]
    assert counted == [{"votes": list(range(1000))}]


def test_local_variables_belong_to_one_copy_and_others_to_the_execution() -> None:
    story = given(
        """
        variables: {sum: 0}
        steps:
          copies:
            each: [1, 2]
            variables: {mine: 10}
            do:
              a: {task: t, next: add}
              add: {set: {mine: "{{ mine + item }}", sum: "{{ sum + item }}"}, next: b}
              b: {task: t, input: "{{ mine }}"}
            next: end
        output: "{{ sum }}"
        """
    ).started()
    story.when(complete("a")).when(complete("a"))
    assert offered(story, "b") == [11, 12]
    story.when(complete("b")).when(complete("b"))
    assert isinstance(story.state, Ended)
    assert story.state.output == 3


def test_the_item_of_an_inner_copy_hides_that_of_the_outer_one() -> None:
    story = given(
        """
        steps:
          outer:
            each: [[1, 2], [3]]
            as: row
            do:
              inner: {each: "{{ row }}", do: {a: {task: t, input: ["{{ index }}", "{{ item }}", "{{ row }}"]}}}
        """
    ).started()
    assert offered(story, "a") == [[0, 1, [1, 2]], [1, 2, [1, 2]], [0, 3, [3]]]


# enough


def test_enough_leaves_at_once_and_the_running_copies_end_without_effect() -> None:
    story = copies("enough: 2\n    rest: ignore")
    done(story, 2, "c")
    done(story, 0, "a").then(
        event(e.TaskCompleted),
        event(e.CopyCompleted),
        event(e.EachLeft, closed=True, taken=("copies->count",)),
        event(e.TaskScheduled, step="count", input={"votes": ["a", None, "c"]}),
    )
    done(story, 0, "late").then(event(e.TaskCompleted), event(e.CopyCompleted), event(e.EachCompleted, taken=()))
    assert isinstance(story.state, Execution)
    assert story.state.variables["votes"] == ["a", None, "c"]
    story.when(complete("count"))
    assert story.status == "completed"


def test_the_execution_ends_after_the_copies_that_still_run() -> None:
    story = done(copies("enough: 1")).when(complete("count"))
    assert story.status == "running"
    done(done(story))
    assert story.status == "completed"


def test_enough_with_ignore_starts_no_more_copies() -> None:
    story = done(copies("at_once: 2\n    enough: 1"))
    done(story).when(complete("count"))
    assert (story.status, len(offered(story))) == ("completed", 2)


def test_enough_with_cancel_withdraws_the_running_copies_the_latest_first() -> None:
    story = copies("at_once: 2\n    enough: 1\n    rest: cancel")
    done(story, 1, "b").then(
        event(e.TaskCompleted),
        event(e.CopyCompleted, index=1),
        event(e.StepCancelled, step="ask", attempt=1),
        event(e.StepCancelled, step="copies"),
        event(e.EachCompleted, taken=("copies->count",)),
        event(e.TaskScheduled, step="count", input={"votes": [None, "b", None]}),
    )
    assert tasks(story) == []


def test_more_than_there_are_is_enough_when_all_have_ended() -> None:
    story = copies("enough: 5")
    for _ in range(3):
        done(story)
    assert story.open_tasks() == ["count"]


def test_a_condition_sees_the_results_and_how_many_are_done_and_is_recorded() -> None:
    story = copies("enough: sum(results) > 10 or done == total - 0.5\n    rest: cancel")
    done(story, 2, 5)
    assert tasks(story, "count") == []
    done(story, 0, 6).then(
        event(e.TaskCompleted),
        event(e.CopyCompleted, index=0, result=6),
        event(e.StepCancelled, step="ask"),
        event(e.StepCancelled, step="copies"),
        event(e.EachCompleted, taken=("copies->count",)),
        event(e.TaskScheduled, step="count", input={"votes": [6, None, 5]}),
    )
    completed = story.events[1]
    assert isinstance(completed, e.CopyCompleted)
    assert [(found.result, found.seen["results"]) for found in completed.evaluations] == [(True, [6, 5])]


def test_a_condition_that_cannot_be_worked_out_fails_the_whole_for_each() -> None:
    story = done(copies("enough: sum(results) > 10"), 0, "ten")
    assert (story.status, cancelled(story)) == ("failed", ["ask", "copies", "ask", "copies", "copies"])


# await: false


def test_without_await_it_goes_on_at_once_and_the_execution_ends_after_the_copies() -> None:
    story = given(
        """
        steps:
          copies: {each: 3, at_once: 2, await: false, do: {ask: {task: t}}, next: other}
          other: {task: t}
        """
    ).started()
    assert story.open_tasks() == ["ask", "ask", "other"]
    story.when(complete("other"))
    for _ in range(3):
        assert story.status == "running"
        story.when(complete("ask"))
    assert story.status == "completed"


# adding items


def test_added_items_become_copies_and_the_step_waits_for_them() -> None:
    story = copies().when(c.AddItems(step="copies", items=["dan", "eve"], by="ann"))
    story.then(
        event(e.ItemsAdded, items=["dan", "eve"], by="ann"),
        event(e.CopyStarted, index=3),
        event(e.TaskScheduled, input={"who": "dan", "index": 3}),
        event(e.CopyStarted, index=4),
        event(e.TaskScheduled, input={"who": "eve", "index": 4}),
    )
    for vote in range(5):
        assert offered(story, "count") == []
        done(story, 0, vote)
    assert offered(story, "count") == [{"votes": [0, 1, 2, 3, 4]}]


def test_no_items_added_is_nothing() -> None:
    copies().when(c.AddItems(step="copies", items=[])).then_nothing()


def test_items_that_are_added_while_paused_are_copied_after_the_resume() -> None:
    story = copies().when(c.PauseExecution()).when(c.AddItems(step="copies", items=["dan"]))
    story.then(event(e.ItemsAdded))
    story.when(c.ResumeExecution()).then(
        event(e.ExecutionResumed), event(e.CopyStarted, index=3), event(e.TaskScheduled)
    )


@pytest.mark.parametrize("more", ["enough: 1", "enough: 1\n    rest: cancel", "at_once: 3"])
def test_items_are_refused_when_the_step_has_been_left(more: str) -> None:
    story = copies(more)
    for _ in range(3 if "at_once" in more else 1):
        done(story)
    story.when(c.AddItems(step="copies", items=["dan"])).then_rejected(RejectionCode.ITEMS_CLOSED, "copies")


def test_items_are_refused_where_there_is_no_such_for_each() -> None:
    story = copies()
    story.when(c.AddItems(step="count", items=[1])).then_rejected(RejectionCode.ITEMS_CLOSED)
    story.when(c.AddItems(step="other", items=[1])).then_rejected(RejectionCode.STEP_UNKNOWN, "other")


# what people do to it, and failures


def test_completing_the_step_ends_it_early_as_if_enough_had_ended() -> None:
    story = done(copies(), 1, "b").when(c.CompleteStep(step="copies", by="ann"))
    assert cancelled(story) == ["ask", "copies"] * 2
    story.when(complete("count"))
    assert offered(story, "count") == [{"votes": [None, "b", None]}]
    assert story.status == "completed"


def test_cancelling_the_step_withdraws_all_copies_and_its_catch_goes_on() -> None:
    text = (
        EACH.replace("    MORE\n", "    catch: [{error: STEP_CANCELLED, next: instead}]\n") + "  instead: {task: t}\n"
    )
    story = given(text).started(items=["ann", "bob"])
    done(story).when(c.CancelStep(step="copies"))
    assert story.open_tasks() == ["instead"]
    assert cancelled(story).count("ask") == 1
    story.when(complete("instead"))
    assert story.status == "completed"


def test_a_copy_hands_its_failure_to_the_catch_of_the_for_each() -> None:
    story = given(CATCHING).started(items=["ann", "bob"]).when(fail("ask"))
    assert story.open_tasks() == ["instead"]


def test_a_failed_copy_parks_the_execution_and_is_tried_again_alone() -> None:
    story = copies().when(fail("ask"))
    assert story.status == "failed"
    done(story, 0, "b")
    assert len(offered(story)) == 3
    story.when(c.RetryExecution())
    assert [each["index"] for each in offered(story)] == [0, 1, 2, 0]
    story.when(c.CompleteTask(visit=tasks(story)[0], attempt=2, output={"vote": "a"}))
    done(story, 0, "c")
    assert offered(story, "count") == [{"votes": ["a", "b", "c"]}]


def test_results_that_come_while_paused_are_counted_after_the_resume() -> None:
    story = copies("at_once: 2").when(c.PauseExecution())
    done(story, 0, "a")
    done(story, 0, "b").then(event(e.TaskCompleted))
    assert len(offered(story)) == 2
    story.when(c.ResumeExecution())
    assert len(offered(story)) == 3
    done(story, 0, "c")
    assert offered(story, "count") == [{"votes": ["a", "b", "c"]}]


def test_cancelling_the_execution_withdraws_the_copies_the_deepest_and_latest_first() -> None:
    story = copies(items=2).when(c.CancelExecution())
    kinds = [type(event) for event in story.events]
    assert kinds == [*[e.StepCancelled] * 5, e.ExecutionCancelled]
    visits = [event.visit for event in story.events if isinstance(event, e.StepCancelled)]
    assert visits == sorted(visits, reverse=True)


def test_a_result_that_comes_again_is_refused_and_counts_once() -> None:
    story = copies("enough: 2")
    again = c.CompleteTask(visit=tasks(story)[0], attempt=1, output={"vote": "a"})
    story.when(again).when(again).then_rejected(RejectionCode.TASK_NOT_OPEN)
    assert offered(story, "count") == []


def test_large_items_are_recorded_in_pages() -> None:
    story = copies("at_once: 1", items=["x" * 40_000] * 3)
    pages = [event.items for event, _ in story.history if isinstance(event, e.EachStarted | e.ItemsAdded)]
    assert [len(page) for page in pages] == [1, 1, 1]
    for _ in range(3):
        done(story)
    assert [each["index"] for each in offered(story)] == [0, 1, 2]
    assert story.open_tasks() == ["count"]
