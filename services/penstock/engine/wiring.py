"""Which kind of entity an owner serves on which topics."""

from __future__ import annotations

from typing import Final

from penstock.engine.definitions import Definitions
from penstock.engine.executions import Executions
from penstock.engine.following import DefinitionsFollower
from penstock.engine.outbox import Topics
from penstock.engine.owner import Owner, Pace
from penstock.log import topics as t
from penstock.log.port import Log
from penstock.runtime.clock import Clock

EXECUTIONS: Final = Topics(t.COMMANDS, t.EVENTS, t.ANSWERS)
DEFINITIONS: Final = Topics(t.CATALOG_COMMANDS, t.CATALOG, t.CATALOG_ANSWERS)


def execution_owner(
    log: Log, partition: int, partitions: int, name: str, clock: Clock, pace: Pace, definitions: DefinitionsFollower
) -> Owner:
    kind = Executions(definitions.resolve, definitions.pinned)
    return Owner(
        log,
        EXECUTIONS,
        partition,
        partitions,
        kind,
        name=name,
        clock=clock,
        prepare=definitions.prepare,
        pace=pace,
    )


def catalog_owner(log: Log, partition: int, partitions: int, name: str, clock: Clock, pace: Pace) -> Owner:
    """The catalog is small: its state is made anew from its events, without snapshots."""
    kind = Definitions(log)
    return Owner(
        log,
        DEFINITIONS,
        partition,
        partitions,
        kind,
        name=name,
        clock=clock,
        prepare=kind.prepare,
        pace=pace,
        snapshots=False,
    )
