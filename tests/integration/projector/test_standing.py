"""Where executions are, as their timelines tell it: the steps that they stay in, and tokens that wait."""

from __future__ import annotations

import pytest

from penstock.domain.errors import Failure
from penstock.domain.execution import events as e
from penstock.messages.registry import Event
from penstock.projections import execution_states
from penstock.projections.execution_states import Standing, standing, states
from penstock.tables.pool import Pool
from tests.integration.projector.test_queries import fill
from tests.projections.story import at, broken, done, recorded, scheduled, started

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]


async def where(pool: Pool, *events: Event) -> Standing:
    await fill(pool, [recorded(event, n, "x1") for n, event in enumerate(events, 1)])
    return standing((await states(pool, ["x1"]))["x1"])


def timer(visit: int, step: str = "nap", consumed: tuple[str, ...] = ()) -> e.TimerStarted:
    return e.TimerStarted(visit=visit, step=step, due_at=at(60), consumed=consumed)


async def test_a_step_is_open_from_its_first_event_to_its_last(pool: Pool) -> None:
    charge = scheduled(1, consumed=("->charge",))
    left = e.TaskCompleted(visit=1, step="charge", attempt=1, taken=("charge->nap",))
    found = await where(pool, started(taken=("->charge",)), charge, left, timer(2, consumed=("charge->nap",)))
    assert found == Standing(("nap",), ())


async def test_a_claimed_task_and_one_between_two_attempts_are_open(pool: Pool) -> None:
    claimed = e.TaskClaimed(visit=1, attempt=1, worker="w", token="t")
    found = await where(pool, started(), scheduled(1), claimed, scheduled(2, "pack"), broken(2, "pack", retry_at=at(9)))
    assert found == Standing(("charge", "pack"), ())


async def test_a_failed_step_waits_in_its_place(pool: Pool) -> None:
    failed = e.ExecutionFailed(failure=Failure(code="CARD"), step="charge", visit=1, purge_at=at(99), status="failed")
    assert await where(pool, started(), scheduled(1), broken(1), failed) == Standing(("charge",), ())


async def test_what_was_withdrawn_or_fired_is_over(pool: Pool) -> None:
    fired, gone = e.TimerFired(visit=2, step="nap"), e.StepCancelled(visit=1, step="charge", attempt=1)
    assert await where(pool, started(), scheduled(1), timer(2), gone, fired) == Standing((), ())


async def test_a_step_that_is_entered_again_is_open_once(pool: Pool) -> None:
    found = await where(pool, started(), scheduled(1), done(1), scheduled(2), scheduled(3))
    assert found == Standing(("charge",), ())


BOTH = ("a->join", "b->join")
ONE = e.StepPassed(visit=1, step="a", taken=("a->join",))
OTHER = e.StepPassed(visit=2, step="b", taken=("b->join",))


async def test_tokens_wait_where_they_were_put(pool: Pool) -> None:
    assert await where(pool, started(), ONE, OTHER) == Standing((), BOTH)


async def test_a_token_is_gone_once_an_event_has_consumed_it(pool: Pool) -> None:
    again = e.StepPassed(visit=3, step="a", taken=("a->join",))
    joined = e.StepPassed(visit=4, step="join", consumed=BOTH)
    assert await where(pool, started(), ONE, OTHER, again, joined) == Standing((), ("a->join",))


async def test_executions_are_told_apart_and_one_that_nobody_knows_is_nowhere(pool: Pool) -> None:
    one: tuple[Event, ...] = (started(), scheduled(1))
    other: tuple[Event, ...] = (started(), timer(1))
    await fill(
        pool,
        *(
            [recorded(event, n, id_) for n, event in enumerate(events, 1)]
            for id_, events in (("x1", one), ("x2", other))
        ),
    )
    found = await states(pool, ["x1", "x2", "x3"])
    assert {id_: standing(state) for id_, state in found.items()} == {
        "x1": Standing(("charge",), ()),
        "x2": Standing(("nap",), ()),
        "x3": Standing((), ()),
    }


async def test_a_long_history_is_folded_page_by_page(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution_states, "_PAGE", 2)
    one: tuple[Event, ...] = (started(), scheduled(1), done(1), scheduled(2), done(2), timer(3))
    other: tuple[Event, ...] = (started(), timer(1))
    histories = {"x1": one, "x2": other}
    await fill(pool, *([recorded(event, n, id_) for n, event in enumerate(h, 1)] for id_, h in histories.items()))
    found = await states(pool, ["x2", "x1"])
    assert {id_: standing(state).steps for id_, state in found.items()} == {"x1": ("nap",), "x2": ("nap",)}
    assert await execution_states.progress(pool, "x1", ["charge", "nap"]) == (66, 2, 3)
    assert await execution_states.progress(pool, "another", []) is None
    names = [variable.name for variable in await execution_states.variables(pool, "x1") or ()]
    assert names == ["amount"]
