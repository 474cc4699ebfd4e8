"""What an expression of a definition can see of an execution."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeAlias

from penstock.domain.definition.model import Period
from penstock.domain.errors import ErrorCode, StepFailure
from penstock.domain.execution.places import outputs, visible
from penstock.domain.execution.state import Execution
from penstock.domain.expressions.duration import DurationInvalid, parse_duration
from penstock.domain.expressions.expression import EvaluationFailed
from penstock.domain.expressions.template import compile_template
from penstock.domain.schedule.cron import CronInvalid, next_tick
from penstock.domain.storable import NotStorable, check_values

Names: TypeAlias = Callable[[], dict[str, Any]]


def names_of(execution_id: str, state: Execution, now: datetime, scope: int, **more: Any) -> dict[str, Any]:
    """
    The variables by name as ``scope`` sees them, and what stands beside them: ``variables``, ``steps``, ``now``,
    ``execution``.
    """
    origin = state.origin
    variables = visible(state, scope)
    seen = {
        **variables,
        "variables": variables,
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
    if state.shelves:
        return _WithSteps(seen, partial(outputs, state, scope))
    seen["steps"] = outputs(state, scope)
    return seen


class _WithSteps(dict[str, Any]):
    """Names of which ``steps`` is made when somebody asks: thousands of outputs are not put together for nothing."""

    def __init__(self, seen: dict[str, Any], steps: Callable[[], dict[str, Any]]) -> None:
        super().__init__(seen)
        self._steps = steps

    def __missing__(self, name: str) -> Any:
        if name != "steps":
            raise KeyError(name)
        self[name] = found = self._steps()
        return found

    def get(self, name: str, default: Any = None) -> Any:
        return self[name] if name in self or name == "steps" else default


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


def moment(text: str, step: str) -> datetime:
    """
    An ISO 8601 date-time; UTC where it says no zone.

    Raises:
        StepFailure: it is none.

    """
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise StepFailure(
            ErrorCode.EXPRESSION_FAILED, f"step {step!r}: expected an ISO 8601 date-time, but got {text[:60]!r}"
        ) from error


def tick(cron: str, timezone: str, after: datetime, step: str) -> datetime:
    """
    The next moment of a cron expression.

    Raises:
        StepFailure: it gives none.

    """
    try:
        return next_tick(cron, timezone, after)
    except CronInvalid as error:
        raise StepFailure(ErrorCode.EXPRESSION_FAILED, f"step {step!r}: {error}") from error
