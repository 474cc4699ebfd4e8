"""The block and the loops: a body of steps, entered once or round by round."""

from __future__ import annotations

from penstock.domain.definition.model import BlockStep
from penstock.domain.errors import ErrorCode, StepFailure
from penstock.domain.execution.events import BlockStarted, Evaluation, StepPassed
from penstock.domain.execution.names import Names, render
from penstock.domain.execution.state import OpenBlock
from penstock.domain.steps.entry import Entry
from penstock.domain.steps.leaving import evaluate, leave


def enter(step: BlockStep, entry: Entry) -> BlockStarted | StepPassed:
    """
    The first round; a loop whose condition does not hold before it is passed at once.

    Raises:
        StepFailure: an expression failed.

    """
    asked: tuple[Evaluation, ...] = ()
    if step.loop == "while":
        asked = (evaluate(step.condition or "", entry.names, step.id),)
        if not asked[0].result:
            taken, evaluations = leave(step, entry.names)
            return StepPassed(
                visit=entry.visit,
                step=step.id,
                scope=entry.scope,
                consumed=entry.consumed,
                taken=taken,
                evaluations=(*asked, *evaluations),
            )
    return BlockStarted(
        visit=entry.visit,
        step=step.id,
        scope=entry.scope,
        consumed=entry.consumed,
        variables=local_variables(step, entry.names),
        taken=tuple(t.id for t in step.start),
        evaluations=asked,
    )


def local_variables(step: BlockStep, names: Names) -> dict[str, object]:
    return {name: render(value, names, step.id) for name, value in step.variables.items()}


def next_round(
    step: BlockStep, visit: int, block: OpenBlock, inside: Names, outside: Names
) -> tuple[Evaluation, BlockStarted | None]:
    """
    What the loop's condition says after a round, and the next one if there is one. ``until`` sees what the round has
    left in the variables of the body, ``while`` is asked before there are any.

    Raises:
        StepFailure: the condition failed, or there were too many rounds.

    """
    asked = evaluate(step.condition or "", inside if step.loop == "until" else outside, step.id)
    if asked.result is (step.loop == "until"):
        return asked, None
    if block.round >= step.at_most:
        raise StepFailure(ErrorCode.LOOP_LIMIT, f"step {step.id!r}: expected an end within {step.at_most} rounds")
    return asked, BlockStarted(
        visit=visit,
        step=step.id,
        scope=block.scope,
        round=block.round + 1,
        variables=local_variables(step, outside),
        taken=tuple(t.id for t in step.start),
        evaluations=(asked,),
    )
