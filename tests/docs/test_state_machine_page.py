"""The table of commands and statuses is tried out, cell by cell."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, get_args

import pytest

from penstock.domain.execution import commands as c
from penstock.domain.execution import events as e
from tests.docs import pages
from tests.domain.execution.story import Ask, Story, complete, fail, given

PAGE: Final = pages.DOCS / "explanation" / "state-machines.md"
BRANCHES: Final = "start: [a, b]\nsteps: {a: {task: t, retry: {attempts: 1}}, b: {task: t, retry: {attempts: 1}}}"
WAITS: Final = "steps: {w: {wait: 1m}}"

IN: Final[dict[str, tuple[Callable[[], Story], ...]]] = {
    "running, waiting": (lambda: given(BRANCHES).started(), lambda: given(WAITS).started()),
    "paused": (lambda: given(BRANCHES).started().when(c.PauseExecution()),),
    "failed": (lambda: given(BRANCHES).started().when(fail("a")),),
    "ended": (lambda: given(BRANCHES).started().when(c.CancelExecution()),),
    "never started": (lambda: given(BRANCHES),),
}
ASKED: Final[dict[str, c.ExecutionCommand | Ask]] = {
    "start": c.StartExecution(definition="story"),
    "pause": c.PauseExecution(),
    "resume": c.ResumeExecution(),
    "cancel": c.CancelExecution(),
    "terminate": c.TerminateExecution(),
    "retry": c.RetryExecution(),
}


def table() -> dict[str, dict[str, str]]:
    """What the page says, by command and by status."""
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    start = next(i for i, line in enumerate(lines) if line.startswith("| command |"))
    statuses = _cells(lines[start])[1:]
    rows: dict[str, dict[str, str]] = {}
    for line in lines[start + 2 :]:
        name, *cells = _cells(line)
        if name not in ASKED and name != "result of a task":
            break
        rows[name] = dict(zip(statuses, cells, strict=True))
    return rows


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def said(story: Story) -> str:
    """What came out, in the words of the table."""
    if story.rejected is not None:
        return str(story.rejected.code)
    return story.status if story.events else "done already"


@pytest.mark.parametrize("status", IN)
@pytest.mark.parametrize("name", ASKED)
def test_every_cell_says_what_happens(name: str, status: str) -> None:
    cell = table()[name][status]
    if (name, status) == ("start", "ended"):
        return  # the memory of the engine answers that; what is below it never sees the command
    found = re.match(r"`([A-Z_]+)`", cell)
    expected = found[1] if found else cell.replace("starts", "running")
    for make in IN[status]:
        story = make().when(ASKED[name])
        # A resumed or retried execution may turn to waiting or fail again in the same turn: none of these does.
        assert said(story) == expected


@pytest.mark.parametrize(("status", "goes_on"), [("running, waiting", True), ("paused", False), ("failed", False)])
def test_a_result_is_recorded_and_leads_on_only_where_the_table_says_so(status: str, goes_on: bool) -> None:
    text = "start: [a, b]\nsteps: {a: {task: t, retry: {attempts: 1}}, b: {task: t, next: after}, after: {task: t}}"
    before: dict[str, Any] = {"paused": c.PauseExecution(), "failed": fail("a")}
    story = given(text).started()
    if status in before:
        story.when(before[status])
    story.when(complete("b"))
    kinds = [type(event) for event in story.events]
    assert kinds == [e.TaskCompleted, e.TaskScheduled][: 2 if goes_on else 1]
    assert table()["result of a task"][status].startswith("recorded, goes on" if goes_on else "recorded, waits")


def test_every_public_status_is_explained() -> None:
    statuses = get_args(e.Status)
    assert tuple(pages.column(PAGE, "The status of an execution")[: len(statuses)]) == statuses
