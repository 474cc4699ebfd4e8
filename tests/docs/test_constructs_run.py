"""The example of every construct's page runs to its end, and what comes of it is what the page says."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import pytest

from penstock.domain.definition.read import read_definition
from penstock.domain.execution.events import ChildCompleted, MessageSent
from penstock.domain.mailbox.commands import SendMessage
from penstock.domain.rejected import Rejected
from penstock.domain.subjects import kind_of, mailbox_of
from penstock.messages.envelope import decode_event
from penstock.sdk import IntegrationFailed, TaskContext, TaskFailed
from penstock.sdk.testing import Result, TestRun
from tests.docs.test_constructs import CONSTRUCTS, FOLDER, examples
from tests.histories.world import World

LEFT: Final = frozenset(
    {
        "task_completed",
        "timer_fired",
        "message_received",
        "signal_received",
        "message_sent",
        "signal_sent",
        "child_completed",
        "child_detached",
    }
)
"""What a step has been left by, where it was not left at once."""

PAYMENT = "id: payment\nversion: 1.0.0\noutput: {receipt: r-7}\nsteps: {charge: {pass: true}}"
NEWSLETTER = "id: newsletter\nversion: 1.0.0\nsteps: {mail: {pass: true}}"


@dataclass(frozen=True, slots=True)
class Slow:
    """What a handler does after so many seconds."""

    seconds: float
    then: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """
    ``done`` are the steps that were left, in order. ``does`` is what the handler of a step does, one thing for each of
    its attempts where it is a list. ``lead`` does what others do meanwhile; ``sees`` is what is true in the end.
    """

    done: str
    status: str = "completed"
    given: dict[str, Any] = field(default_factory=dict)
    does: dict[str, Any] = field(default_factory=dict)
    workflows: tuple[str, ...] = ()
    lead: Callable[[TestRun], Any] = lambda run: None
    sees: Callable[[Result], bool] = lambda result: True


def inputs(step: str) -> Callable[[Result], list[Any]]:
    return lambda result: [task.input for task in result.attempts if task.step == step]


def withdrawn(result: Result) -> list[str]:
    return result.steps("step_cancelled")


def shipping(run: TestRun) -> None:
    run.send_message("paid", "o-1", {"amount": 20})
    run.advance(timedelta(hours=9))
    run.broadcast("warehouse-opened")


def address_changed(run: TestRun) -> None:
    run.start_step("change_address")
    run.finish()
    with pytest.raises(Rejected):
        run.start_step("change_address")


ORDER: Final = {"order": "o-1"}
NOBODY: Final = Slow(2 * 86400, TaskFailed("NOBODY_HOME", "nobody opened", retryable=False))
CASES: Final[Mapping[str, tuple[Case, ...]]] = {
    "block": (Case(done="blood x_ray eyes report", does={"blood": Slow(5), "x_ray": Slow(1)}),),
    "cancel": (
        Case(
            done="first_agency book",
            does={"second_agency": Slow(9)},
            sees=lambda result: withdrawn(result) == ["second_agency"],
        ),
    ),
    "catch": (
        Case(
            done="ask_where_it_is call",
            given=ORDER,
            does={"deliver": NOBODY},
            sees=lambda result: inputs("call")(result) == [{"why": "nobody opened"}],
        ),
        Case(
            done="call",
            given=ORDER,
            does={"deliver": IntegrationFailed("CARRIER_DOWN", retryable=False)},
            sees=lambda result: inputs("call")(result) == [{"why": "integration"}],
        ),
        Case(
            done="",
            given=ORDER,
            does={"deliver": NOBODY},
            lead=lambda run: run.send_message("order-cancelled", "o-1"),
            sees=lambda result: withdrawn(result) == ["deliver"],
        ),
    ),
    "choose": (
        Case(done="mail"),
        Case(done="call", given={"severity": 4}),
        Case(done="", given={"severity": 1}),
    ),
    "compensate": (
        Case(
            done="flight flight",
            does={"flight": {"id": "f-1"}, "hotel": TaskFailed("FULL", retryable=False)},
            sees=lambda result: result.attempts[-1].input == {"booking": "f-1"},
        ),
    ),
    "each": (
        Case(
            done="ask ask publish",
            given={"reviewers": ["ann", "ben", "cyd"]},
            does={"ask": [{"vote": "yes"}, {"vote": "no"}, Slow(9)]},
            sees=lambda result: inputs("publish")(result) == [{"votes": ["yes", "no", None]}],
        ),
    ),
    "escalate": (
        Case(done="inform ship", does={"ship": Slow(1)}),
        Case(done="ship", given={"amount": 50}),
    ),
    "fail": (
        Case(done="ship"),
        Case(done="apologise", given={"amount": 2000}),
    ),
    "finish": (
        Case(
            done="archive",
            does={"archive": {"hit": True}, "catalogue": Slow(9)},
            sees=lambda result: withdrawn(result) == ["catalogue"],
        ),
        Case(done="archive catalogue", does={"archive": {"hit": False}, "catalogue": Slow(9, {"hit": False})}),
    ),
    "first": (
        Case(
            done="paid ship",
            given=ORDER,
            lead=lambda run: run.send_message("paid", "o-1", {"amount": 20}),
            sees=lambda result: result.variables["amount"] == 20,
        ),
        Case(done="paid", given=ORDER, lead=lambda run: run.broadcast("shop-closed")),
        Case(
            done="paid remind",
            given=ORDER,
            sees=lambda result: result.timeline[-1].after == timedelta(days=3),
        ),
    ),
    "include": (
        Case(done="credit stock done", does={"stock": Slow(1)}),
        Case(done="credit done", given={"express": False}),
        Case(done="done", given={"amount": 1, "express": False}),
    ),
    "join": (
        Case(
            done="a c decide",
            does={"b": Slow(9), "c": Slow(1)},
            sees=lambda result: withdrawn(result) == ["b"],
        ),
    ),
    "lock": (
        Case(
            done="fetch accept cash",
            does={"accept": Slow(5)},
        ),
    ),
    "loops": (
        Case(
            done="ask rest ask rest fetch",
            does={"ask": [{"ready": False}, {"ready": True}]},
            sees=lambda result: result.timeline[-1].after == timedelta(seconds=20),
        ),
    ),
    "offers": (Case(done="change_address deliver", does={"deliver": Slow(5)}, lead=address_changed),),
    "parallel": (Case(done="ocr classify file", does={"classify": Slow(1)}),),
    "pass": (Case(done="left right report", does={"right": Slow(1)}),),
    "send": (
        Case(
            done="paid tell_all",
            given=ORDER,
            sees=lambda result: [e.keep for e in result.events if isinstance(e, MessageSent)] == [86400.0],
        ),
    ),
    "set": (Case(done="work work work", sees=lambda result: result.variables["round"] == 3),),
    "task": (
        Case(
            done="read file_away",
            given={"file": "a.pdf"},
            does={"read": [TaskFailed("SCANNER_BUSY"), {"text": "hello"}]},
            sees=lambda result: inputs("file_away")(result) == [{"text": "hello"}],
        ),
    ),
    "threads": (
        Case(done="serve serve serve closed"),
        Case(done="serve serve", status="failed", given={"desks": 2}),
    ),
    "wait": (Case(done="cool_down office paid opened ship", given=ORDER, lead=shipping),),
    "workflow": (
        Case(
            done="pay newsletter",
            given=ORDER,
            workflows=(PAYMENT, NEWSLETTER),
            sees=lambda result: [e.set for e in result.events if isinstance(e, ChildCompleted)] == [{"receipt": "r-7"}],
        ),
    ),
}


def handlers(text: str, does: Mapping[str, Any]) -> dict[str, Callable[..., Any]]:
    """A stand-in for every type of task in a definition."""
    left = {step: list(what) if isinstance(what, list) else what for step, what in does.items()}

    async def work(context: TaskContext, **given: Any) -> Any:
        what = left.get(context.step)
        if isinstance(what, list):
            what = what.pop(0)
        if isinstance(what, Slow):
            await asyncio.sleep(what.seconds)
            what = what.then
        if isinstance(what, TaskFailed):
            raise what
        return what

    return dict.fromkeys(types(read_definition(text).value), work)


def types(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key == "task" and isinstance(item, str):
                yield item
            else:
                yield from types(item)
    elif isinstance(value, list):
        for item in value:
            yield from types(item)


def outcomes(name: str) -> list[tuple[list[str], str]]:
    """What a page says that comes of its example: the steps in backticks, and the status that it ends with."""
    text = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    said = re.search(r"^What comes of it:\n\n((?:\* .+\n)+)", text, re.MULTILINE)
    assert said is not None, "expected a paragraph that says what comes of the example"
    found = []
    for line in said[1].splitlines():
        ending = re.search(r"The execution is (\w+)\.$", line)
        assert ending is not None, line
        found.append((re.findall(r"`(\w+)`", line.partition(": ")[2]), ending[1]))
    return found


def told(case: Case, text: str) -> Result:
    with TestRun(text, handlers(text, case.does), case.given, workflows=case.workflows) as run:
        case.lead(run)
        return run.finish()


def test_every_page_has_a_case() -> None:
    assert {page.stem for page in CONSTRUCTS} == {*CASES, "triggers"}


@pytest.mark.parametrize("name", CASES)
def test_the_example_runs_to_the_end_that_the_page_tells(name: str) -> None:
    (text,) = examples(FOLDER / f"{name}.md")
    for case in CASES[name]:
        result = told(case, text)
        assert [entry.step for entry in result.timeline if entry.what in LEFT] == case.done.split()
        assert result.status == case.status
        assert case.sees(result)


@pytest.mark.parametrize("name", CASES)
def test_the_page_says_what_the_table_holds(name: str) -> None:
    assert outcomes(name) == [(case.done.split(), case.status) for case in CASES[name]]


def test_a_block_with_one_at_a_time_has_never_two_steps_open() -> None:
    (text,) = examples(FOLDER / "block.md")
    result = told(CASES["block"][0], text)
    order = [e.what for e in result.timeline if e.what in ("task_scheduled", "task_completed")]
    assert order == ["task_scheduled", "task_completed"] * 4


def test_the_example_of_triggers_is_started_by_its_message() -> None:
    (text,) = examples(FOLDER / "triggers.md")
    box = mailbox_of("report-wanted", "ann")
    world = World(1, [text]).do(SendMessage(message_id="m-1", payload={"day": "monday"}), to=box)
    (report,) = [subject for subject in world.tracks if kind_of(subject) == "execution"]
    world.complete("report", to=report)
    started, *_, last = [decode_event(line).event for line in world.tracks[report].lines]
    assert (started.input, started.business_key) == ({"day": "monday"}, "ann")  # type: ignore[union-attr]
    assert outcomes("triggers") == [(["report"], last.status)]  # type: ignore[union-attr]
