"""All read models, by the topic that fills them."""

from __future__ import annotations

from typing import Final

from penstock.log import topics
from penstock.projections import (
    definition_drafts,
    definitions,
    execution_timeline,
    executions,
    operation_refusals,
    operations,
    schedules,
    tasks,
)
from penstock.projections.read_model import ReadSet

EVENTS: Final = ReadSet(
    topics.EVENTS,
    (
        executions.MODEL,
        tasks.MODEL,
        execution_timeline.MODEL,
        schedules.MODEL,
        operations.MODEL,
        operation_refusals.MODEL,
    ),
)
CATALOG: Final = ReadSet(topics.CATALOG, (definitions.MODEL, definition_drafts.MODEL))
READ_SETS: Final = (EVENTS, CATALOG)
