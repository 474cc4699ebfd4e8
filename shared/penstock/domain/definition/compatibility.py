"""Whether running executions could go on under another version: what of theirs has no place in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from penstock.domain.definition.diff import kind_of
from penstock.domain.definition.model import BYPASS, Graph, Step, transitions

Code: TypeAlias = Literal["STEP_REMOVED", "KIND_CHANGED", "STEP_MOVED", "TRANSITION_REMOVED", "JOIN_CHANGED"]

_PLAIN_JOIN: Final = "any"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """``place`` is the open step, or the transition on which a token lies."""

    code: Code
    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.message} [{self.code}]"


def compatible(old: Graph, new: Graph, open_steps: Iterable[str], lying: Iterable[str] = ()) -> tuple[Problem, ...]:
    """
    What keeps an execution of ``old`` from going on under ``new``; nothing if it could.

    ``open_steps`` are the steps that it stays in, ``lying`` the transitions on which it has tokens that wait to enter a
    step (at a join, or because it is paused). What it has not reached yet may change as it likes.
    """
    steps = (problem for step in dict.fromkeys(open_steps) for problem in _of_step(old, new, step))
    before, after = _targets(old), _targets(new)
    tokens = (
        problem
        for place in dict.fromkeys(lying)
        for problem in _of_token(old, new, place, (_before(place, before), _before(place, after)))
    )
    return tuple(dict.fromkeys((*steps, *tokens)))


def _targets(graph: Graph) -> Mapping[str, str]:
    return {transition.id: transition.target for transition in transitions(graph)}


def _before(place: str, targets: Mapping[str, str]) -> str:
    """The step that a token at ``place`` waits to enter; empty if there is none."""
    return place.removeprefix(BYPASS) if place.startswith(BYPASS) else targets.get(place, "")


def _of_step(old: Graph, new: Graph, step_id: str) -> Iterator[Problem]:
    """Of an open step, and of the composite steps around it, which are open too."""
    around = step_id
    while around and around in old.steps:
        before, after = old.steps[around], new.steps.get(around)
        yield from _of_open(around, before, after)
        around = before.within
    if step_id not in old.steps and step_id not in new.steps:
        yield Problem(code="STEP_REMOVED", place=step_id, message=f"step {step_id} is open, but is in neither version")


def _of_open(step_id: str, before: Step, after: Step | None) -> Iterator[Problem]:
    if after is None:
        yield Problem(code="STEP_REMOVED", place=step_id, message=f"step {step_id} is open, but is gone")
        return
    if kind_of(before) != kind_of(after):
        message = f"step {step_id} is open as a {kind_of(before)} step, but is a {kind_of(after)} step"
        yield Problem(code="KIND_CHANGED", place=step_id, message=message)
    yield from _moved(step_id, step_id, "is open", before, after)


def _of_token(old: Graph, new: Graph, place: str, targets: tuple[str, str]) -> Iterator[Problem]:
    before, after = old.steps.get(targets[0]), new.steps.get(targets[1])
    if after is None:
        yield Problem(code="TRANSITION_REMOVED", place=place, message=f"a token lies on {place}, but that is gone")
        return
    if before is None:
        return
    yield from _moved(place, after.id, "has a token before it", before, after)
    if not place.startswith(BYPASS) and _waits(before, after) and _join(before) != _join(after):
        message = (
            f"a token lies on {place}, but step {after.id} joins in another way: {_told(before)}, then {_told(after)}"
        )
        yield Problem(code="JOIN_CHANGED", place=place, message=message)


def _moved(place: str, step_id: str, how: str, before: Step, after: Step) -> Iterator[Problem]:
    if before.within != after.within:
        was, now = (f"in {step.within}" if step.within else "in no other step" for step in (before, after))
        message = f"step {step_id} {how}, but lies {now}, and was {was}"
        yield Problem(code="STEP_MOVED", place=place, message=message)


def _waits(*steps: Step) -> bool:
    """Whether one of them does more than let each token in by itself."""
    return any(step.join != _PLAIN_JOIN for step in steps)


def _join(step: Step) -> tuple[object, ...]:
    return (step.join, step.enough, step.rest, frozenset(step.incoming))


def _told(step: Step) -> str:
    return f"{step.join} of {', '.join(step.incoming)}"
