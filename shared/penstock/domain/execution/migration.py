"""The decision to go on by another version of the definition (VER-06)."""

from __future__ import annotations

from penstock.domain.definition.compatibility import Problem, compatible
from penstock.domain.definition.model import Graph
from penstock.domain.execution import commands as c
from penstock.domain.execution import events as e
from penstock.domain.execution.moment import Moment
from penstock.domain.execution.moving.boundaries import Events
from penstock.domain.execution.state import Execution
from penstock.domain.rejected import Rejected, RejectionCode

_SHOWN = 10


def migrate(state: Execution, command: c.MigrateExecution, at: Moment) -> Events:
    """Nothing moves by it: every open step and every token has its place in the other version."""
    if command.version == state.origin.version:
        return ()
    if at.target is None:
        raise Rejected(
            RejectionCode.DEFINITION_UNKNOWN,
            f"expected a published version of {at.definition.id}, but got {command.version!r}",
        )
    problems = problems_of(state, at.definition.graph, at.target.graph)
    if problems:
        shown = "; ".join(str(problem) for problem in problems[:_SHOWN])
        more = f"; and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise Rejected(
            RejectionCode.MIGRATION_IMPOSSIBLE,
            f"expected every open step to have its place in {command.version}, but {shown}{more}",
        )
    return (e.ExecutionMigrated(version=at.target.version, digest=at.target.digest, by=command.by),)


def problems_of(state: Execution, old: Graph, new: Graph) -> tuple[Problem, ...]:
    """What of an execution has no place in another version; for a dry run as well."""
    added = {visit.step for visit in state.visits.values() if getattr(visit, "adhoc", None)}
    steps = [visit.step for visit in state.visits.values() if visit.step and visit.step not in added]
    joins = [step for here in state.waves.values() for step in here]
    lying = [transition for here in state.tokens.values() for transition in here]
    return compatible(old, new, [*steps, *joins], lying)
