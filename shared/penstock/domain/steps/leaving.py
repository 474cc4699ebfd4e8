"""Which transitions a token takes when it leaves a step."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import msgspec

from penstock.domain.definition.model import Step, Transition
from penstock.domain.errors import ErrorCode, StepFailure
from penstock.domain.execution.happened import Evaluation
from penstock.domain.execution.names import Names
from penstock.domain.expressions.expression import EvaluationFailed, compile_expression

SHOWN: Final = 256
"""Characters of a value that an evaluated condition keeps."""


class Leaving(NamedTuple):
    """The transitions that get a token (those that end a path get none) and the conditions that were evaluated."""

    taken: tuple[str, ...]
    evaluations: tuple[Evaluation, ...]


def leave(step: Step, names: Names) -> Leaving:
    """
    The way out of ``step``: all transitions of a parallel split, those whose condition holds of an inclusive one, the
    first of them of an exclusive one.

    Raises:
        StepFailure: a condition failed, or none holds and no transition is marked ``otherwise``.

    """
    if step.split == "parallel":
        return Leaving(tuple(t.id for t in step.outgoing if t.target), ())
    if not step.outgoing:
        return Leaving((), ())
    evaluations: list[Evaluation] = []
    chosen: list[Transition] = []
    for transition in step.outgoing:
        if (chosen and transition.otherwise) or not _open(step, transition, names, evaluations):
            continue
        chosen.append(transition)
        if step.split == "exclusive":
            break
    if chosen:
        return Leaving(tuple(t.id for t in chosen if t.target), tuple(evaluations))
    raise StepFailure(
        ErrorCode.NO_BRANCH_TAKEN,
        f"step {step.id!r}: expected one of its conditions to hold, or an `otherwise`, but "
        + ", ".join(f"{e.expression!r} is false" for e in evaluations),
    )


def evaluate(condition: str, names: Names, step: str) -> Evaluation:
    """
    A condition with what it saw, as it is recorded (VAR-06).

    Raises:
        StepFailure: it cannot be evaluated.

    """
    expression = compile_expression(condition)
    try:
        seen_names = names()
        result = expression.test(seen_names)
    except EvaluationFailed as error:
        raise StepFailure(ErrorCode.EXPRESSION_FAILED, f"step {step!r}, condition {condition!r}: {error}") from error
    seen = {path: _short(value) for path, value in expression.seen(seen_names).items()}
    return Evaluation(expression=condition, result=result, seen=seen)


def _open(step: Step, transition: Transition, names: Names, evaluations: list[Evaluation]) -> bool:
    if transition.when is None:
        return True
    evaluations.append(evaluate(transition.when, names, step.id))
    return evaluations[-1].result


def _short(value: Any) -> Any:
    """What stands in the record for ``value``: itself, unless it would swell the event."""
    size = len(value) if isinstance(value, str | list | dict) else 0
    if isinstance(value, str) and size > SHOWN:
        return value[:SHOWN] + "…"
    if isinstance(value, list | dict) and len(msgspec.json.encode(value)) > SHOWN:
        return f"({'list' if isinstance(value, list) else 'object'} of {size})"
    return value
