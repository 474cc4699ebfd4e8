"""What an expression of a definition can see of an execution."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from penstock.domain.definition.model import Period
from penstock.domain.errors import ErrorCode, StepFailure
from penstock.domain.execution.state import Execution
from penstock.domain.expressions.duration import DurationInvalid, parse_duration
from penstock.domain.expressions.expression import EvaluationFailed
from penstock.domain.expressions.template import compile_template
from penstock.domain.storable import NotStorable, check_values

Names: TypeAlias = Callable[[], dict[str, Any]]


def names_of(execution_id: str, state: Execution, now: datetime, **more: Any) -> dict[str, Any]:
    """The variables by name, and what stands beside them: ``variables``, ``steps``, ``now``, ``execution``."""
    origin = state.origin
    return {
        **state.variables,
        "variables": state.variables,
        "steps": state.results,
        "now": now.isoformat(),
        "execution": {
            "id": execution_id,
            "definition": origin.definition,
            "version": origin.version,
            "business_key": origin.business_key,
            "initiated_by": origin.initiated_by,
            "started_at": origin.started_at.isoformat(),
        },
        **more,
    }


def render(value: Any, names: Names, step: str) -> Any:
    """
    ``value`` with its templates filled in.

    Raises:
        StepFailure: an expression failed; it names the step (VAR-12).

    """
    template = compile_template(value)
    if template.is_constant:
        return value
    try:
        rendered = template.render(names())
        check_values(rendered)
        return rendered
    except (EvaluationFailed, NotStorable) as error:
        raise StepFailure(ErrorCode.EXPRESSION_FAILED, f"step {step!r}: {error}") from error


def seconds(period: Period, names: Names, step: str) -> timedelta:
    """
    A duration of a definition, which may be a template.

    Raises:
        StepFailure: it gives no duration.

    """
    if isinstance(period, int | float):
        return timedelta(seconds=period)
    text = render(period, names, step)
    try:
        return parse_duration(str(text))
    except DurationInvalid as error:
        raise StepFailure(ErrorCode.EXPRESSION_FAILED, f"step {step!r}: {error}") from error
