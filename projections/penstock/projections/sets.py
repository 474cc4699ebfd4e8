"""All read models, by the topic that fills them."""

from __future__ import annotations

from typing import Final

from penstock.log import topics
from penstock.projections import definitions, execution_timeline, executions, tasks
from penstock.projections.read_model import ReadSet

EVENTS: Final = ReadSet(topics.EVENTS, (executions.MODEL, tasks.MODEL, execution_timeline.MODEL))
CATALOG: Final = ReadSet(topics.CATALOG, (definitions.MODEL,))
READ_SETS: Final = (EVENTS, CATALOG)
