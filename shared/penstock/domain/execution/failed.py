"""How an execution is parked as failed (decisions 14)."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from penstock.domain.errors import Failure
from penstock.domain.execution.events import ExecutionFailed
from penstock.domain.execution.moment import Moment

PARKED: Final = timedelta(days=30)


def execution_failed(
    failure: Failure, at: Moment, step: str | None = None, visit: int | None = None
) -> ExecutionFailed:
    return ExecutionFailed(failure=failure, step=step, visit=visit, purge_at=at.now + PARKED, status="failed")
