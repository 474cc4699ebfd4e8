"""What the tables say is what the engine knows: after any history of any definition in the whole language."""

from __future__ import annotations

import os
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.domain.execution.evolve import fold
from penstock.domain.execution.owners import unowned
from penstock.domain.execution.state import Execution, OpenBlock, OpenCopy, OpenTask
from penstock.messages.registry import NAMES
from penstock.projections import executions, tasks
from penstock.projections.execution_states import Line, progress_of, standing, variables_of
from penstock.projections.read_model import Place
from penstock.tables.changes import Folded
from tests.domain.definition.strategies import definitions
from tests.projections.story import recorded
from tests.properties.system import System
from tests.properties.test_language import MOVES, Play

SEEDS = int(os.environ.get("PENSTOCK_SEEDS", "1000")) // 10
OPEN = ("scheduled", "claimed")


def lines(system: System, subject: str) -> list[Line]:
    """The history of an execution as its timeline in the tables gives it."""
    return [Line(_from_table(event), at, number) for number, (event, at) in enumerate(system.histories[subject], 1)]


def _from_table(event: Any) -> Any:
    data = msgspec.json.decode(msgspec.json.encode(event))
    return msgspec.convert(data, type(event), str_keys=True)


def rows(model: Any, system: System, subject: str) -> Folded:
    folded = Folded()
    for number, (event, at) in enumerate(system.histories[subject], 1):
        assert type(event) in NAMES
        folded.add(model.project(recorded(event, number, subject, time=at), Place(0, number)))
    return folded


def check_tasks(system: System, subject: str) -> None:
    state = system.states.get(subject)
    visits = state.visits if isinstance(state, Execution) else {}
    wanted = {
        (subject, number, visit.attempt): "claimed" if visit.claim else "scheduled"
        for number, visit in visits.items()
        if isinstance(visit, OpenTask)
    }
    folded = rows(tasks, system, subject)
    found = {key: row["status"] for key, row in folded.rows.items() if row["status"] in OPEN}
    assert found == wanted
    assert all(row["ended_at"] for row in folded.rows.values() if row["status"] not in OPEN)


def check_execution(system: System, subject: str) -> None:
    (row,) = rows(executions, system, subject).rows.values()
    state = system.states.get(subject)
    assert row["status"] == (state.status if isinstance(state, Execution) else system.ended[subject])
    assert row["sequence"] == len(system.histories[subject])
    assert ("ended_at" in row) is (subject in system.ended)


def check_timeline(system: System, subject: str) -> None:
    told, state = lines(system, subject), system.states.get(subject)
    folded = fold((line.event, line.time) for line in told)
    assert folded == state if isinstance(state, Execution) else not isinstance(folded, Execution)
    come = progress_of(told, system.published.resolve("random", None).graph.steps)
    assert 0 <= come.done <= come.known
    assert (come.percentage == 100) is (system.ended.get(subject) == "completed")
    if isinstance(state, Execution):
        assert come.done == state.next_visit - 1 - len(state.visits)
        seen = {(v.visit, v.name): v.value for v in variables_of(told)}
        local = {n: v.variables for n, v in state.visits.items() if isinstance(v, OpenBlock | OpenCopy)}
        assert seen == {
            (n, name): v for n, values in {0: state.variables, **local}.items() for name, v in values.items()
        }
        assert set(standing(state).steps) == {v.step for v in state.visits.values() if v.step}


@settings(max_examples=SEEDS, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
@given(definitions(), MOVES, st.integers(0, 2**32))
def test_the_tables_say_what_the_engine_knows(source: dict[str, Any], moves: list[int], seed: int) -> None:
    play = Play(source, seed)
    for number in moves:
        play.act(number)
    for subject, history in play.system.histories.items():
        if "/" not in subject and history:
            check_tasks(play.system, subject)
            check_execution(play.system, subject)
            check_timeline(play.system, subject)


@settings(max_examples=SEEDS, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
@given(definitions(), MOVES, st.integers(0, 2**32))
def test_nothing_waits_without_an_owner(source: dict[str, Any], moves: list[int], seed: int) -> None:
    play = Play(source, seed)
    for number in moves:
        play.act(number)
        for subject, state in play.system.executions():
            assert not unowned(state, play.system.now), subject
