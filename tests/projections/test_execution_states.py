"""Executions as their timelines tell them: variables, progress, where they stand."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from penstock.domain.execution.state import Ended
from penstock.projections.execution_states import Line, Progress, Variable, progress_of, standing, variables_of
from penstock.sdk.testing import NEW_YEAR, TestRun

VARIABLES = {"text": "a", "number": 1.5, "flag": True, "object": {"a": 1}, "list": [1], "nothing": None}
LOOP = """
id: loop
version: 1.0.0
variables: {n: 0, limit: 2}
steps:
  again:
    while: n < limit
    variables: {seen: 0, n_here: 1}
    do:
      plus: {set: {n: "{{ n + 1 }}", seen: "{{ seen + 1 }}"}, next: wait}
      wait: {wait: {message: go, key: k}}
    next: done
  done: {wait: 1h}
"""


def lines(run: TestRun) -> list[Line]:
    return [Line(entry.event, NEW_YEAR + entry.after, number) for number, entry in enumerate(run.result.timeline, 1)]


def shown(run: TestRun) -> dict[tuple[int, str], Variable]:
    found = variables_of(lines(run))
    by_key = {(variable.visit, variable.name): variable for variable in found}
    assert len(by_key) == len(found)
    return by_key


def test_a_variable_has_the_type_of_its_value() -> None:
    source = {"id": "x", "version": "1.0.0", "variables": VARIABLES, "steps": {"a": {"wait": "1h"}}}
    with TestRun(source, {}) as run:
        types = {variable.name: variable.type for variable in shown(run).values()}
    assert types == {
        "text": "string",
        "number": "number",
        "flag": "boolean",
        "object": "object",
        "list": "array",
        "nothing": "null",
    }


def test_a_variable_of_a_block_is_its_own_and_gone_with_its_round() -> None:
    with TestRun(LOOP, {}) as run:
        before = shown(run)
        (block,) = {visit for visit, _ in before if visit}
        assert {key: variable.value for key, variable in before.items()} == {
            (0, "n"): 1,
            (0, "limit"): 2,
            (block, "seen"): 1,
            (block, "n_here"): 1,
        }
        assert (before[block, "seen"].scope, before[block, "seen"].step) == ("step", "again")
        assert (before[0, "n"].scope, before[0, "n"].step) == ("global", None)
        run.send_message("go", "k")
        assert {key: variable.value for key, variable in shown(run).items()} == {
            (0, "n"): 2,
            (0, "limit"): 2,
            (block, "seen"): 1,
            (block, "n_here"): 1,
        }
        run.send_message("go", "k")
        assert {key: variable.value for key, variable in shown(run).items()} == {(0, "n"): 2, (0, "limit"): 2}


def test_a_variable_says_which_event_set_it_last() -> None:
    with TestRun(LOOP, {}) as run:
        run.set_variables({"limit": 7})
        found, events = shown(run), run.result.timeline
        assert events[found[0, "limit"].sequence - 1].what == "variables_set"
        assert events[found[0, "n"].sequence - 1].what == "step_passed"


def test_the_variables_of_an_ended_execution_are_those_that_it_had_last() -> None:
    with TestRun(LOOP, {}) as run:
        run.cancel()
        assert shown(run)[0, "n"].value == 1


THREE: dict[str, Any] = {
    "id": "three",
    "version": "1.0.0",
    "steps": {"a": {"wait": "1h", "next": "b"}, "b": {"wait": "1h", "next": "c"}, "c": {"wait": "1h"}},
}


def test_progress_counts_what_is_over_of_what_is_known() -> None:
    steps = THREE["steps"]
    with TestRun(THREE, {}) as run:
        seen = [progress_of(lines(run), steps)]
        for _ in range(3):
            run.advance(timedelta(hours=1))
            seen.append(progress_of(lines(run), steps))
    assert seen == [Progress(0, 0, 3), Progress(33, 1, 3), Progress(66, 2, 3), Progress(100, 3, 3)]


def test_what_was_withdrawn_is_over_but_an_execution_that_was_ended_by_order_has_not_come_to_the_end() -> None:
    with TestRun(THREE, {}) as run:
        run.terminate()
        assert progress_of(lines(run), THREE["steps"]) == Progress(33, 1, 3)


def test_an_execution_that_has_ended_stands_nowhere() -> None:
    assert standing(Ended(outcome="completed")) == ((), ())
